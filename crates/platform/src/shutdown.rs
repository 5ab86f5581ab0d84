//! The signal that ends a process in order: every loop that runs by itself watches it.

use crate::env::Env;
use std::time::Duration;
use tokio::sync::watch;

/// Requests the shutdown. The owner of the process holds it.
pub struct ShutdownSender(watch::Sender<bool>);

/// Reads whether the shutdown was requested. Cheap to clone.
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
    /// Returns once the shutdown was requested, or the sender is gone.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        let _ = receiver.wait_for(|stop| *stop).await;
    }

    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for `span`, for `wake`, or for the shutdown, whichever is first.
    pub async fn sleep(&self, env: &Env, span: Duration, wake: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.requested() => {}
            () = wake => {}
            () = env.sleep(span) => {}
        }
    }
}
