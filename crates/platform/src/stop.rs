//! The order to stop, heard by everything that runs on its own.

use std::time::Duration;
use tokio::sync::watch;

/// Given once, by the owner of the process.
pub struct StopSender(watch::Sender<bool>);

/// Heard by every loop. Cheap to clone.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// A fresh pair.
#[must_use]
pub fn channel() -> (StopSender, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopSender(sender), Stop(receiver))
}

impl StopSender {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Returns once the order was given (or its owner is gone).
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        let _ = receiver.wait_for(|stop| *stop).await;
    }

    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for `span`, for `wake`, or for the order to stop, whichever is first.
    pub async fn pause(&self, span: Duration, wake: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.requested() => {}
            () = wake => {}
            () = tokio::time::sleep(span) => {}
        }
    }
}
