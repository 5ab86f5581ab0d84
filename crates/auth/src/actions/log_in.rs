//! Logging in.

use super::{
    end_session::end_oldest,
    login_attempt::record_login_attempt,
    session::{self, Session},
};
use crate::{
    App,
    domain::{device::Client, dummy_hash, lockout::Decision},
    error::Error,
    hashing,
    store::accounts,
};
use contracts::{auth::Tokens, secret::Secret, text::Email};

/// Logs in with e-mail and password by this client.
///
/// An address without an account takes the same steps: the comparison with a hash, the transaction, the counting. The
/// transaction decides on the result of the comparison after all attempts that were committed before, and only if the
/// stored password is still the one that was compared.
///
/// # Errors
/// [`Error::InvalidCredentials`] for a wrong password, an unknown address, a locked account and a blocked attempt,
/// without a difference. [`Error::Overloaded`].
pub async fn log_in(app: &App, client: Client, email: Email, password: Secret) -> Result<Tokens, Error> {
    let Stored { known, hash } = find_stored(app, &email).await?;
    let verified = app.hasher.verify(&hash, password.reveal()).await?;

    let most = i64::from(app.settings.max_sessions);
    let (policy, lifetime) = (app.settings.lockout(), app.settings.refresh_token());
    let (outcome, session) = app
        .ctx
        .db
        .write(async move |tx| -> Result<(&'static str, Option<Session>), Error> {
            let account = accounts::lock_by_email(tx, &email).await?.filter(accounts::Credential::is_active);
            let unchanged = account.as_ref().map(|account| &account.password_hash) == known.as_ref();
            let user = account.as_ref().map(|account| account.user_id);
            let right = verified.matches && unchanged && user.is_some();
            let decision = record_login_attempt(tx, policy, &email, client.network, user, right).await?;
            let account = match (decision, account) {
                (Decision::Accepted, Some(account)) => account,
                (Decision::Blocked { .. } | Decision::Delayed(_), _) => return Ok(("blocked", None)),
                _ => return Ok(("failed", None)),
            };
            if let Some(upgrade) = &verified.upgrade {
                accounts::set_password(tx, &account, upgrade).await?;
            }
            end_oldest(tx, account.user_id, most - 1).await?;
            session::open(tx, &account, None, lifetime, &client.device).await.map(|session| ("admitted", Some(session)))
        })
        .await?;
    metrics::counter!("souk_auth_logins_total", "outcome" => outcome).increment(1);
    session.map(|session| app.tokens(session)).ok_or(Error::InvalidCredentials)
}

/// The hash that a password is compared with.
struct Stored {
    /// The hash of the account, if there is one.
    known: Option<String>,
    /// The same, or the dummy hash.
    hash: String,
}

async fn find_stored(app: &App, email: &Email) -> Result<Stored, Error> {
    let address = email.clone();
    let (account, in_use) = app
        .ctx
        .db
        .read(async move |tx| Ok::<_, Error>((accounts::find_by_email(tx, &address).await?, accounts::parameters_in_use(tx).await?)))
        .await?;
    let dummy = hashing::dummy_hash(dummy_hash::parameters(&in_use, app.hasher.parameters(), sample(app, email)));
    let known = account.map(|account| account.password_hash);
    Ok(Stored { hash: known.clone().unwrap_or(dummy), known })
}

/// Returns a number for an address that is always the same and that only this installation can compute. The label is
/// part of the derivation and never changes.
fn sample(app: &App, email: &Email) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = app.ctx.master_key.key_for(&format!("stand-in:{email}"));
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
