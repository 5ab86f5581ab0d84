//! Audit: every event of every service, kept for good.
//!
//! The log listens to every producer of the catalogue of events, so a new one is heard without a change here. An event
//! becomes one row, once: the inbox knows repetitions, and a unique index knows them when the inbox has forgotten. The
//! row keeps the envelope as it came, the payload to the byte.
//!
//! **The chain.** Rows are numbered from 1 without gaps. Each holds SHA-256 over the hash of the row before and its own
//! canonical bytes (every field with its length, so that no two rows have the same). A row that is changed, moved, put
//! in or taken out breaks every hash from there on; rows cut off at the end are missed by the head, which stands apart.
//! [`verify`] reads the log from its beginning and says where it breaks first; `souk audit verify` prints that. The chain
//! shows what was done to the log by somebody who did not compute it anew; to be sure against that too, keep a printed
//! head elsewhere.
//!
//! **Asking.** By user, actor, order, aggregate, type, correlation id and time, in any combination, newest first. Each answer is
//! read from one index: that of the narrowest condition.
//!
//! Nothing is altered or dropped here, no event is emitted, and no upstream is called.

mod actions;
mod api;
mod consumers;
mod domain;
mod store;
#[cfg(test)]
mod tests;

pub use actions::verify;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};

/// What the doors work with.
#[derive(Clone)]
struct App {
    ctx: Ctx,
}

/// The audit service: routes, consumers and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new("audit", migrations!["0001_events", "0002_actors"], |ctx: Ctx| async move {
        let (router, operations) = api::routes().build(App { ctx });
        Ok(Parts { router, operations, consumers: consumers::all(), workers: Vec::new() })
    })
}
