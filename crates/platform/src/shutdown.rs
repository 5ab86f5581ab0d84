//! The order to stop, heard by everything that runs on its own.

use std::time::Duration;
use tokio::sync::watch;

/// Given once, by the owner of the process.
pub struct ShutdownSender(watch::Sender<bool>);

/// Heard by every loop. Cheap to clone.
#[derive(Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// A fresh pair.
#[must_use]
pub fn channel() -> (ShutdownSender, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownSender(sender), Shutdown(receiver))
}

impl ShutdownSender {
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
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
    pub async fn sleep(&self, span: Duration, wake: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.requested() => {}
            () = wake => {}
            () = tokio::time::sleep(span) => {}
        }
    }
}
