//! User: profiles, address books and notification preferences.
//!
//! Auth owns the account; e-mail and roles here are copies. A profile is created by whichever comes first: auth's call
//! after the registration, the event `UserRegistered`, or the user's own first request. The token of a request has no
//! name, so the address is used as a name until the call or the event supplies it or the user chooses one. Otherwise
//! later sources change nothing. Roles and status follow `RolesChanged`,
//! `UserLocked` and `UserUnlocked`, and an older event never replaces a newer one.
//!
//! An address book holds at most 50 addresses and, unless it is empty, exactly one default for shipping and one for
//! billing. [`domain::AddressBook`] chooses them and a unique index ensures it. Every change of a book locks the user's
//! row, so that concurrent changes run one after the other.
//!
//! An address is checked by the rules of its country ([`domain::address_rules`]) when it is written. Older ones stay readable.
//!
//! Administrators find users by prefixes of the folded words in e-mail and name, by role and by status, which are stored in a table of their own. A
//! search reads about as many rows of it as it returns, however many users there are.
//!
//! It exports and erases a user on behalf of all services: it asks those that keep personal data, and auth ends the account. A
//! profile of an erased user is never created again.
//!
//! The service emits `UserUpdated` and `PreferencesChanged`, each with the whole state, so that consumers need no call.

mod actions;
mod api;
mod consumers;
pub mod domain;
mod error;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use error::Error;

use platform::{
    migrations,
    service::{Ctx, Parts, Service},
};

/// What the entry points share.
#[derive(Clone)]
pub struct App {
    pub ctx: Ctx,
    pub webhooks: domain::WebhookPolicy,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "user",
        migrations![
            "0001_users",
            "0002_provisional_names",
            "0003_beginnings",
            "0004_search_prefixes",
            "0005_recipients_and_status",
            "0006_email_verified",
            "0007_channels",
            "0008_integrator_data"
        ],
        |ctx: Ctx| async move {
            let app = App { webhooks: ctx.settings.section(contracts::notification::NAME)?, ctx };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .personal_data(store::personal::data())
}
