//! What both engines do with a unit of work and its caller.

use super::Error;
use tokio::sync::oneshot;

/// The most units that may be queued. Further ones fail with [`Error::Busy`].
pub(super) const MAX_QUEUED_UNITS: usize = 1024;

/// Who waits for the result of a unit.
pub(super) struct Caller<T, E> {
    /// The result of the last run. It counts only if the commit succeeds.
    outcome: Option<Result<T, E>>,
    sender: oneshot::Sender<Result<T, E>>,
}

impl<T, E: From<Error>> Caller<T, E> {
    pub fn new() -> (Caller<T, E>, oneshot::Receiver<Result<T, E>>) {
        let (sender, answer) = oneshot::channel();
        (Caller { outcome: None, sender }, answer)
    }

    /// Whether the caller stopped waiting.
    pub fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }

    /// Keeps the result of a run, in place of that of an earlier one.
    pub fn record(&mut self, outcome: Result<T, E>) {
        self.outcome = Some(outcome);
    }

    /// Returns the result of the last run to the caller, or the error of the commit where the run had succeeded.
    pub fn answer(self, commit: Result<(), Error>) {
        let outcome = match (self.outcome, commit) {
            (Some(Ok(_)) | None, Err(error)) => Err(error.into()),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => return,
        };
        // A caller that stopped waiting needs no result.
        let _ = self.sender.send(outcome);
    }
}
