//! Auth: accounts, passwords, tokens and roles. It owns the e-mail address and the roles of a user.
//!
//! **Tokens.** Access tokens are JWTs of a few minutes, signed with Ed25519 by a [`keyring`] that rotates by itself; every
//! service verifies them alone. Refresh tokens are chance, kept as hashes; each works once, and using one twice ends
//! all that descend from the same login. There is no grace for a repetition: a client that lost the answer logs in again.
//! What an administrator does to an account (roles, a lock) takes effect at its next refresh, so after
//! `access_token_seconds` at the latest.
//!
//! **Passwords.** argon2id on threads of their own ([`hashing`]), bounded. Wrong ones slow down the network that
//! guesses, by rules ([`domain::lockout`]) that let an owner in within minutes whatever others do. Which network that is, the
//! gateway says; behind proxies it needs `trusted_proxies`, or everybody is one network. What login and reset do and how long they
//! take does not depend on whether there is such an account: guesses are counted for addresses without one too, their
//! password is compared with a hash that nobody has, made as those of accounts are ([`domain::dummy_hash`]), and a reset request is only written down, for a worker to look into.
//!
//! **Secrets** are in no log, event or idempotency record. So registering, logging in and refreshing do not keep their
//! answers under an `Idempotency-Key`: what the key would have to keep are tokens, and a hash of a body that holds a
//! password. A registration that is repeated under its key, because the answer was lost, logs in to the account that the
//! first request opened, with the password that it says.
//! The token of a reset mail travels in its event sealed for the notification service.
//!
//! Settings: `[auth]`, see [`Settings`]. For the command line: [`operator`].

mod actions;
mod api;
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
    inbox::Consumers,
    migrations,
    service::{Ctx, Parts, Service},
};
use std::sync::Arc;

/// What the doors share.
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
        migrations!["0001_accounts", "0002_failures_by_user", "0003_password_parameters", "0004_registrations"],
        |ctx: Ctx| async move {
            let settings: Arc<Settings> = Arc::new(ctx.section()?);
            let hasher = Hasher::start(ctx.env.clone(), &settings)?;
            let keyring = Keyring::open(&ctx, &settings).await?;
            let app = App { ctx, settings, hasher, keyring };
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: Consumers::new(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
}
