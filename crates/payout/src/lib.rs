//! Payout: the money between the shop and its sellers.
//!
//! **The ledger** is kept in double entry. A posting has entries that add up to zero, is stored with the change that it belongs to,
//! and never changes; each has a cause that no other has, so a repeated event posts nothing ([`domain::ledger`]). Balances are rows
//! that change with each entry.
//!
//! **Sales.** The confirmation of a fulfilment posts who gets what of the customer's money ([`domain::sale`]); the commission is
//! frozen then. Cancellations, returns and refunds reverse it, with the commission in proportion ([`domain::order`]). Events of
//! several services arrive in any order: what reverses a sale waits until the sale is posted. The seller's share is pending until the
//! time to return the goods is over, and available then.
//!
//! **Payouts.** A run takes what is available from each seller and commits a PENDING payout; a worker sends it through
//! [`provider::PayoutProvider`] outside of any unit, and commits the outcome. A payout without an outcome is looked up before it is
//! sent again under its id, so that it is paid once, also across crashes and timeouts.

mod actions;
mod api;
mod consistency;
mod consumers;
mod domain;
mod error;
pub mod provider;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod workers;

pub use consistency::{OrderLedger, check_consistency, count, list_for_check};
pub use settings::Settings;

use contracts::returns::{self, ReturnTime};
use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use provider::{MockProvider, PayoutProvider};
use std::sync::Arc;

/// What every part of the service works with.
#[derive(Clone)]
pub(crate) struct App {
    pub ctx: Ctx,
    pub settings: Arc<Settings>,
    pub provider: Arc<dyn PayoutProvider>,
}

/// The service, with the mock provider.
#[must_use]
pub fn service() -> Service {
    service_with(|ctx| Arc::new(MockProvider::new(ctx.db.clone())))
}

/// The service, with another provider.
pub fn service_with(provider: impl FnOnce(&Ctx) -> Arc<dyn PayoutProvider> + Send + 'static) -> Service {
    Service::new("payout", migrations!["0001_ledger", "0002_payouts", "0003_payouts_by_amount"], |ctx: Ctx| async move {
        let settings: Arc<Settings> = Arc::new(ctx.section()?);
        let return_time: ReturnTime = ctx.settings.section(returns::NAME)?;
        let window = settings.return_window(return_time);
        if window < return_time.duration() {
            tracing::warn!(
                "payout.return_window_days is less than returns.return_days: sellers are paid for goods that may still be returned"
            );
        }
        let app = App { provider: provider(&ctx), settings, ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(&app.settings, window), workers: workers::all(&app) })
    })
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
