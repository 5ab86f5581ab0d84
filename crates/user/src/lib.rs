//! User: profiles, address books, and how a user wants to be told of things.
//!
//! Auth owns the account; e-mail and roles here are copies. A profile begins with whatever comes first: auth's call
//! right after the registration, the event `UserRegistered`, or the user's own first request, whose token says all but the
//! name: then the address stands in for it until one of the others tells it or the user chooses one. Apart from that the
//! others find the profile there and change nothing. Roles follow `RolesChanged`, and an older one never overtakes a newer.
//!
//! An address book holds at most 50 addresses and, while it holds any, exactly one default for parcels and one for
//! bills: [`domain::AddressBook`] says which, a unique index in the database watches over it. Every change of a book
//! holds the user's row, so that two changes at once come one after the other.
//!
//! Administrators find users by the beginnings of the words in e-mail and name, which stand in a table of their own that
//! changes with them: a search reads no more of it than it answers, however many users there are.
//!
//! It announces `UserUpdated` and `PreferencesChanged`, each with everything there is, so that a consumer need not ask.

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

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    pub ctx: Ctx,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new("user", migrations!["0001_users", "0002_provisional_names", "0003_beginnings"], |ctx: Ctx| async move {
        let app = App { ctx };
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
    })
}
