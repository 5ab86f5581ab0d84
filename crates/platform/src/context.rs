//! What travels with every piece of work: whose it is, what caused it, and until when it matters.
//!
//! Set at a door (a request, an event, a worker's step), and told whose it is once the caller is verified; read by the log, the problem documents, the calls to
//! upstreams and the unit of work, which stamps it on the events it emits.

use contracts::ids::{EventId, UserId};
use std::{cell::RefCell, future::Future, sync::Arc, time::Duration};
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub struct Context {
    /// The request that all this began with: on every answer, log line, call and event it causes.
    pub correlation_id: Arc<str>,
    /// The event that is being consumed, if one is.
    pub causation_id: Option<EventId>,
    /// The person whose request this is, once verified, or whose request led to the event that is being consumed.
    pub actor_id: Option<UserId>,
    /// When the caller stops waiting. Calls made on its behalf end before.
    pub deadline: Option<Instant>,
    /// The caller's access token, for calls made on the caller's behalf.
    pub bearer: Option<Arc<str>>,
}

tokio::task_local! {
    static CURRENT: RefCell<Context>;
}

impl Context {
    #[must_use]
    pub fn new(correlation_id: impl Into<Arc<str>>) -> Context {
        Context { correlation_id: correlation_id.into(), causation_id: None, actor_id: None, deadline: None, bearer: None }
    }

    /// The context of the work in hand; one that says `none` outside of any.
    #[must_use]
    pub fn current() -> Context {
        CURRENT.try_with(|context| context.borrow().clone()).unwrap_or_else(|_| Context::new("none"))
    }

    /// From here on the work in hand is this person's. Outside of any it changes nothing.
    pub(crate) fn set_actor(actor: UserId) {
        let _ = CURRENT.try_with(|context| context.borrow_mut().actor_id = Some(actor));
    }

    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Context {
        self.deadline = Some(deadline);
        self
    }

    /// How long the caller still waits, and `otherwise` when it did not say.
    #[must_use]
    pub fn remaining(&self, otherwise: Duration) -> Duration {
        self.deadline.map_or(otherwise, |deadline| deadline.saturating_duration_since(Instant::now()).min(otherwise))
    }

    /// Runs `work` in this context.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(RefCell::new(self), work).await
    }

    /// Runs `work`, which does not wait, in this context.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(RefCell::new(self), work)
    }
}
