//! The context of a piece of work: its person, its cause and its deadline.
//!
//! An entry point sets it: a request, an event, a turn of a worker. The verification of the caller adds the person. The log, the
//! problem documents, the calls to upstreams and the unit of work read it; the unit of work writes it into the events it emits.

use contracts::{
    event::Envelope,
    ids::{EventId, UserId},
};
use std::{cell::RefCell, future::Future, sync::Arc, time::Duration};
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub struct Context {
    /// The first request of a chain of causes. Every answer, log line, call and event of the chain carries it.
    pub correlation_id: Arc<str>,
    /// The event that is being consumed, if one is.
    pub causation_id: Option<EventId>,
    /// The verified person of the request, or of the request that caused the event that is being consumed.
    pub actor_id: Option<UserId>,
    /// When the caller stops waiting. Calls on its behalf end before.
    pub deadline: Option<Instant>,
}

tokio::task_local! {
    static CURRENT: RefCell<Context>;
}

impl Context {
    #[must_use]
    pub fn new(correlation_id: impl Into<Arc<str>>) -> Context {
        Context { correlation_id: correlation_id.into(), causation_id: None, actor_id: None, deadline: None }
    }

    /// The context of the consumption of an event.
    pub(crate) fn of_event(event: &Envelope) -> Context {
        Context { causation_id: Some(event.event_id), actor_id: event.actor_id, ..Context::new(event.correlation_id.as_str()) }
    }

    /// The context of the present work. Outside of any it has the correlation id `none`.
    #[must_use]
    pub fn current() -> Context {
        CURRENT.try_with(|context| context.borrow().clone()).unwrap_or_else(|_| Context::new("none"))
    }

    /// Sets the person of the present context, if there is one.
    pub(crate) fn set_actor(actor: UserId) {
        let _ = CURRENT.try_with(|context| context.borrow_mut().actor_id = Some(actor));
    }

    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Context {
        self.deadline = Some(deadline);
        self
    }

    /// The time until the deadline, `otherwise` at most.
    #[must_use]
    pub fn remaining(&self, otherwise: Duration) -> Duration {
        self.deadline.map_or(otherwise, |deadline| deadline.saturating_duration_since(Instant::now()).min(otherwise))
    }

    /// Runs `work` in this context.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(RefCell::new(self), work).await
    }

    /// Runs `work`, which is not async, in this context.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(RefCell::new(self), work)
    }
}
