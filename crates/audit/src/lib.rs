//! Audit: every event of every service, stored for good.
//!
//! The log consumes the events of every producer of the catalogue, so a new one needs no change here. An event becomes
//! one row, once: the inbox filters repetitions, and a unique index does after the inbox row was deleted. The row
//! stores the envelope unchanged, the payload byte for byte.
//!
//! **The chain.** Rows are numbered from 1 without gaps. The hash of each is an HMAC of the hash before and of everything the
//! row stores, the payload by its digest, under a key of the installation. Changing, moving, inserting or deleting a row
//! breaks every hash after it, and nobody makes new ones without `installation.secret`. The head is stored with a tag, so
//! that rows cannot be deleted at the end and the head be moved back. [`verify()`] reads the log from its start and reports the
//! first break; [`compare_counts`] compares it with what the producers announced. An older copy of the whole database is
//! noticed by a head that was noted elsewhere: it is announced once a day, in the log and by an event.
//!
//! **Queries.** By user, actor, order, aggregate, type, correlation id and time, in any combination, newest first. Each
//! answer is read from one index: that of the narrowest condition.
//!
//! The service deletes no row and calls no upstream.

mod actions;
mod api;
mod consumers;
mod domain;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod workers;

pub use actions::upgrade;
pub use domain::{ChainKey, Head};
pub use verify::{Report, compare_counts, head, is_begun, verify};

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the entry points share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    /// The turns of checks of the whole log.
    checks: Arc<Semaphore>,
}

/// Returns the audit service: routes, consumers, the worker and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new("audit", migrations!["0001_events", "0002_actors", "0003_keyed_chain", "0004_erased_payloads"], |ctx: Ctx| async move {
        let key = ChainKey::new(&ctx.master_key);
        upgrade(&ctx.db, &key).await?;
        let app = App { ctx, checks: Arc::new(Semaphore::new(1)) };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(key), workers: workers::all(&app) })
    })
    .personal_data(store::personal::data())
}
