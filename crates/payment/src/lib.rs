//! Payment: moves money through a provider, and knows at every instant what the provider was asked and what it said.
//!
//! The provider is a mock that behaves like a real one ([`provider`]): it has its own ledger and references, its own
//! transactions, latency, declines, transient errors, and answers that never arrive. It is reached only by its interface,
//! which could as well be HTTP, and never shares a transaction with our tables.
//!
//! Every movement of money is three steps: a transaction is committed as PENDING, the provider is asked outside of any
//! unit of work, and its answer is committed together with the payment's new status and the event. The request that
//! began it goes through all three for speed. Wherever it ends early, the transaction that it left PENDING or UNKNOWN is
//! settled by the worker, which asks the provider what became of it: nothing is ever guessed ([`settling`]).
//!
//! What holds by construction, because unique indexes and the law in [`domain`] say so:
//! - A payment has one open transaction at most, and is authorized, captured and voided once at most.
//! - An order has one payment under way at most.
//! - The provider does what it is asked under one of our transaction ids once, however often it is asked.
//! - A payment is FAILED or VOIDED only when nothing is held at the provider; after a refused capture a VOID is sent first.
//! - Refunds never exceed what was captured, the one in flight included.

mod actions;
mod api;
mod consistency;
mod domain;
mod error;
pub mod provider;
mod settings;
mod settling;
mod store;
#[cfg(test)]
mod tests;
mod webhook;
mod workers;

pub use consistency::{OrderPayment, check_consistency, list_by_orders};

use platform::{
    inbox::Consumers,
    migrations,
    service::{Ctx, Parts, Service},
};
use provider::{Behaviour, MockProvider};
use settings::{Settings, millis, percent};
use std::sync::Arc;

/// What every part of the service works with.
#[derive(Clone)]
pub(crate) struct App {
    pub ctx: Ctx,
    pub settings: Arc<Settings>,
    pub provider: MockProvider,
}

impl App {
    fn new(ctx: Ctx, settings: Settings) -> App {
        let behaviour = Behaviour {
            latency: millis(settings.latency_ms),
            slow: millis(settings.slow_ms),
            transient_failure_percent: percent(settings.transient_failure_percent),
            lost_answer_percent: percent(settings.lost_answer_percent),
            decline_percent: percent(settings.decline_percent),
        };
        App { provider: MockProvider::new(ctx.db.clone(), behaviour), settings: Arc::new(settings), ctx }
    }
}

/// The service, to be started by the runtime.
#[must_use]
pub fn service() -> Service {
    Service::new("payment", migrations!["0001_payments", "0002_mock_provider"], |ctx: Ctx| async move {
        let settings = ctx.section()?;
        let app = App::new(ctx, settings);
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: Consumers::new(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}
