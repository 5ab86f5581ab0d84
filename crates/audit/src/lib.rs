//! Audit: every event of every service, stored for good.
//!
//! The log consumes the events of every producer of the catalogue, so a new one needs no change here. An event becomes
//! one row, once: the inbox filters repetitions, and a unique index does after the inbox row was deleted. The row
//! stores the envelope unchanged, the payload byte for byte.
//!
//! **The chain.** Rows are numbered from 1 without gaps. Each stores the SHA-256 of the previous row's hash and its own
//! canonical bytes (every field with its length, so that different rows have different bytes). Changing, moving,
//! inserting or deleting a row breaks every hash after it; rows deleted at the end are noticed by the head, which is
//! stored separately. [`verify`] reads the log from its start and reports the first break; `souk audit verify` prints
//! it. The chain does not protect against an attacker who computes it anew; to notice that too, store a printed head
//! elsewhere.
//!
//! **Queries.** By user, actor, order, aggregate, type, correlation id and time, in any combination, newest first. Each
//! answer is read from one index: that of the narrowest condition.
//!
//! The service changes and deletes no row, emits no event and calls no upstream.

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

/// What the entry points share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
}

/// Returns the audit service: routes, consumers and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new("audit", migrations!["0001_events", "0002_actors"], |ctx: Ctx| async move {
        let (router, operations) = api::routes().build(App { ctx });
        Ok(Parts { router, operations, consumers: consumers::all(), workers: Vec::new() })
    })
}
