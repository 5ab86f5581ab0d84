//! Payment: moves money through a payment provider and records every request to it with its outcome.
//!
//! The provider is reached through [`provider::PaymentProvider`] only, and never takes part in one of our transactions.
//!
//! Every movement of money has three steps: the transaction is committed as PENDING, the provider is called outside of any
//! unit of work, and its outcome is committed together with the payment's new status and the event. The request that began
//! the transaction does all three. When it ends early, the worker settles the PENDING or UNKNOWN transaction by a lookup at
//! the provider; an outcome is never guessed ([`settling`]).
//!
//! Unique indexes and the rules in [`domain`] guarantee:
//! - A payment has at most one open transaction, and is authorized, captured and voided at most once.
//! - An order has at most one open payment.
//! - The provider carries out each transaction id once, however often it is sent.
//! - A payment is FAILED or VOIDED only when the provider holds nothing; after a declined capture a VOID comes first.
//! - Refunds, the open one included, never exceed the captured amount.

mod actions;
mod api;
mod consistency;
mod consumers;
mod domain;
mod error;
mod gauges;
pub mod provider;
mod queue;
mod settings;
mod settling;
mod store;
#[cfg(test)]
mod tests;
mod workers;

pub use consistency::{OrderPayment, check_consistency, list_by_orders};
pub use settings::Settings;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use provider::{Behaviour, MockProvider, PaymentProvider};
use settings::{millis, percent};
use std::sync::Arc;

/// What every part of the service works with.
#[derive(Clone)]
pub(crate) struct App {
    pub ctx: Ctx,
    pub settings: Arc<Settings>,
    pub provider: Arc<dyn PaymentProvider>,
    pub queues: Arc<queue::Queues>,
}

/// The service, with the mock provider.
#[must_use]
pub fn service() -> Service {
    service_with(|ctx, settings| Arc::new(mock_provider(ctx, settings)))
}

/// The service, with another provider.
pub fn service_with(provider: impl FnOnce(&Ctx, &Settings) -> Arc<dyn PaymentProvider> + Send + 'static) -> Service {
    Service::new(
        "payment",
        migrations![
            "0001_payments",
            "0002_mock_provider",
            "0003_provider",
            "0004_refund_failed",
            "0005_refund_causes",
            "0006_claimed_orders"
        ],
        |ctx: Ctx| async move {
            let settings: Arc<Settings> = Arc::new(ctx.section()?);
            let app = App { provider: provider(&ctx, &settings), settings, ctx, queues: Arc::default() };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .gauges(gauges::set)
    .personal_data(store::personal::data())
}

/// The mock provider as the settings describe it.
#[must_use]
pub fn mock_provider(ctx: &Ctx, settings: &Settings) -> MockProvider {
    let behaviour = Behaviour {
        latency: millis(settings.latency_ms),
        slow: millis(settings.slow_ms),
        transient_failure_percent: percent(settings.transient_failure_percent),
        lost_answer_percent: percent(settings.lost_answer_percent),
        decline_percent: percent(settings.decline_percent),
    };
    let provider = MockProvider::new(ctx.db.clone(), &ctx.master_key, behaviour);
    if settings.switchable_faults { provider.with_switchable_faults() } else { provider }
}
