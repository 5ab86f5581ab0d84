//! A unit of work on its way to its database, and back to its caller with a result.
//!
//! The engines run units of any type, so nothing of an engine is compiled for each closure.

use super::{Error, Tx};
use crate::context::Context;
use std::{any::TypeId, future::Future, pin::Pin, sync::Arc};
use tokio::sync::oneshot;

/// The most units that may be queued. Further ones fail with [`Error::Busy`].
pub(super) const MAX_QUEUED_UNITS: usize = 1024;

/// How a unit uses the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

/// A unit of work of any type. A unit may run more than once; the result of its last run counts, if the commit succeeds.
pub(super) trait Unit: Send {
    fn access(&self) -> Access;
    /// The type of the closure.
    fn closure(&self) -> TypeId;
    /// The request or event that it belongs to.
    fn context(&self) -> &Context;
    /// Whether the caller stopped waiting, so that it need not run.
    fn is_abandoned(&self) -> bool;
    /// Runs the closure in a transaction and keeps its result, in place of that of an earlier run. Returns whether it succeeded.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>>;
    /// Keeps an error as the result of a run.
    fn fail(&mut self, error: Error);
    /// Returns the kept result to the caller, or the error of the commit where the run had succeeded.
    fn answer(self: Box<Self>, commit: Result<(), Error>);
}

impl dyn Unit + '_ {
    pub fn correlation_id(&self) -> &Arc<str> {
        &self.context().correlation_id
    }
}

/// A closure, its result, and who waits for it.
struct CalledUnit<T, E, F> {
    closure: F,
    access: Access,
    context: Context,
    outcome: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// Returns a unit that runs `closure`, and where its result arrives.
pub(super) fn queued<T, E, F>(access: Access, context: Context, closure: F) -> (Box<dyn Unit>, oneshot::Receiver<Result<T, E>>)
where
    F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(CalledUnit { closure, access, context, outcome: None, caller }), answer)
}

impl<T, E, F> Unit for CalledUnit<T, E, F>
where
    F: AsyncFn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send,
    E: From<Error> + Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn closure(&self) -> TypeId {
        TypeId::of::<F>()
    }

    fn context(&self) -> &Context {
        &self.context
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + 'a>> {
        Box::pin(async move { self.outcome.insert((self.closure)(tx).await).is_ok() })
    }

    fn fail(&mut self, error: Error) {
        self.outcome = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>, commit: Result<(), Error>) {
        let outcome = match (self.outcome, commit) {
            (Some(Ok(_)) | None, Err(error)) => Err(error.into()),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => return,
        };
        // A caller that stopped waiting needs no result.
        let _ = self.caller.send(outcome);
    }
}
