//! Seller: who may sell, from the application to the suspension, and where the money of a seller is paid out.
//!
//! A user applies once and has one record, whose id is the id of the account. Administrators decide by the table
//! `SellerStatus` in `contracts`; each transition is announced by one event, on which the others act: auth gives and takes
//! the role SELLER, catalogue, search, cart and inventory take the products of a suspended seller off sale, payout holds the
//! money. This service calls none of them for that.
//!
//! Accounts that sold before there were records are announced by auth (`ExistingSellerFound`) and get an APPROVED record.
//!
//! **The payout account** is encrypted in the database, masked in answers, and in no event, log or idempotency record. A change
//! needs the present password, which auth checks and counts; it is announced to the seller and holds payouts for
//! `payout_hold_hours`, so that a stolen session cannot take the money away unnoticed.
//!
//! Settings: `[seller]`, see [`Settings`]. For the command line: [`operator`].

mod actions;
mod api;
mod consumers;
pub mod domain;
mod error;
pub mod operator;
mod settings;
mod store;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use settings::Settings;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the entry points share.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    settings: Arc<Settings>,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new("seller", migrations!["0001_sellers", "0002_integrator_data"], |ctx: Ctx| async move {
        let app = App { settings: Arc::new(ctx.section()?), ctx };
        let (router, operations) = api::routes().build(app);
        Ok(Parts { router, operations, consumers: consumers::all(), workers: Vec::new() })
    })
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
