//! Auth: accounts, passwords, tokens and roles. It owns the e-mail address and the roles of a user.
//!
//! **Tokens.** Access tokens are JWTs of a few minutes, signed with Ed25519 by a [`keyring`] that rotates its keys;
//! every service verifies them by itself. Refresh tokens are random and stored as hashes. Each works once, and a second
//! use revokes all that descend from the same login. Within `refresh_grace_seconds` of the first use a second one gets
//! tokens of its own instead: two tabs refresh at once, and an answer can be lost.
//! A logout, a lock, a changed password and a role that is taken away end access tokens within seconds: verifiers read the
//! list of what was revoked in the last `access_token_seconds` ([`contracts::auth::Revocations`]).
//!
//! **Passwords.** A new password is neither common nor derived from the account ([`domain::password_rules`]). Passwords are
//! compared in Normalization Form KC, so that the keyboard does not matter. They are hashed by argon2id on a bounded pool of threads ([`hashing`]). Failed attempts slow
//! down the network that makes them, by rules ([`domain::lockout`]) that let the owner in within minutes whatever
//! others do. The gateway reports the network; behind proxies this needs `trusted_proxies`, or all clients share one
//! network. The behaviour and duration of login and reset do not depend on whether an account exists: attempts are
//! counted for unknown addresses too, their password is compared with a dummy hash that no password matches
//! ([`domain::dummy_hash`]), and a reset request is only stored for a worker.
//!
//! **Addresses.** An address has one spelling ([`contracts::text::Email`]), and at the start accounts of former versions get
//! it. Where two accounts would share it, the one that has the spelling already or else the older one gets it. The other
//! account keeps its data and its logins, a warning names both, and nobody can log in to it by password.
//!
//! A registration mails a token that verifies the address. An account with an address that is not verified can do what every other
//! can. A change of the address takes effect when the token that is mailed to the new one comes back, and not after the password
//! was changed meanwhile. A reset of the password by mail verifies the address as well.
//!
//! **API keys** are random, stored as hashes, and end with a lock or suspension of their maker. The gateway exchanges one for an access
//! token of a minute with the roles that the maker has now; [`contracts::auth::key_scope`] lists what it allows.
//!
//! **The role SELLER** follows the record that the seller service keeps: its events give and take it, administrators cannot.
//! Accounts that had the role before there were records are announced at the start, once each, and get one. Tokens of accounts
//! with a record that was ever approved have the claim `sellerId`, also while a suspension takes the role.
//!
//! **Secrets** are in no log, event or idempotency record. Registration, login and refresh therefore store no answer
//! under an `Idempotency-Key`: the answer holds tokens and the body a password. A registration that is repeated under
//! its key logs in to the account that the first request opened, with the password in its body. The token of a reset
//! mail is encrypted in its event for the notification service.
//!
//! Settings: `[auth]`, see [`Settings`]. For the command line: [`operator`].

mod actions;
mod api;
mod consumers;
pub mod domain;
mod error;
mod hashing;
mod keyring;
mod opaque;
pub mod operator;
mod settings;
mod store;
mod workers;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use settings::Settings;

use hashing::Hasher;
use keyring::Keyring;
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
    hasher: Hasher,
    keyring: Keyring,
}

/// The service.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "auth",
        migrations![
            "0001_accounts",
            "0002_failures_by_user",
            "0003_password_parameters",
            "0004_registrations",
            "0005_email_spellings",
            "0006_revocations",
            "0007_seller_records",
            "0008_email_verification",
            "0009_unannounced_locks",
            "0010_sessions",
            "0011_api_keys"
        ],
        |ctx: Ctx| async move {
            let settings: Arc<Settings> = Arc::new(ctx.section()?);
            let hasher = Hasher::start(ctx.env.clone(), &settings)?;
            let keyring = Keyring::open(&ctx, &settings).await?;
            let app = App { ctx, settings, hasher, keyring };
            actions::respell_addresses(&app.ctx.db).await?;
            actions::announce_existing_sellers(&app.ctx.db).await?;
            actions::announce_locks(&app.ctx.db).await?;
            actions::erase_again(&app).await?;
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
    .personal_data(store::personal::data())
}
