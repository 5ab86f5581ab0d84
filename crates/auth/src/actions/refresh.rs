//! Refreshing and ending a login.

use super::session::{self, Session};
use crate::{
    App,
    domain::device::Device,
    error::Error,
    opaque::{self, Hash},
    store::{
        accounts::{self, Credential},
        refresh_tokens::{self as store, RefreshToken},
    },
};
use contracts::{
    auth::{Logout, RefreshTokens, Tokens},
    ids::{UserId, Uuid},
};
use platform::db::Tx;
use std::time::Duration;

/// The result of a refresh. A refusal that revokes the login must be committed, so it is not an error of the
/// transaction.
enum Outcome {
    Rotated(Session),
    Refused,
    /// It was used before: one of its two users stole it.
    Reused {
        user_id: UserId,
        family_id: Uuid,
    },
}

/// Exchanges a refresh token for new tokens with the present roles.
///
/// # Errors
/// [`Error::InvalidRefreshToken`] when it is unknown, expired, revoked, or its account is locked; and when it was used
/// before the grace period, which also revokes everything that descends from the same login.
pub async fn refresh(app: &App, device: Device, body: RefreshTokens) -> Result<Tokens, Error> {
    let hash = opaque::hash(body.refresh_token.reveal());
    let (lifetime, grace) = (app.settings.refresh_token(), app.settings.refresh_grace());
    match app.ctx.db.write(async move |tx| rotate(tx, hash, lifetime, grace, &device).await).await? {
        Outcome::Rotated(session) => Ok(app.tokens(session)),
        Outcome::Refused => Err(Error::InvalidRefreshToken),
        Outcome::Reused { user_id, family_id } => {
            tracing::warn!(%user_id, session = %family_id, "a refresh token was used twice; its login is revoked");
            metrics::counter!("souk_auth_refresh_reused_total").increment(1);
            Err(Error::InvalidRefreshToken)
        }
    }
}

async fn rotate(tx: &mut Tx, hash: Hash, lifetime: Duration, grace: Duration, device: &Device) -> Result<Outcome, Error> {
    let Some((account, token)) = lock_token(tx, hash).await? else { return Ok(Outcome::Refused) };
    // Used tokens are not marked when their login ends, so the grace needs a token of the login that is valid still.
    let in_grace = token.used_at.is_some_and(|used_at| tx.now() < used_at.after(grace)) && store::is_live(tx, token.family_id).await?;
    if token.used_at.is_some() && !in_grace {
        store::revoke_family(tx, token.family_id).await?;
        return Ok(Outcome::Reused { user_id: token.user_id, family_id: token.family_id });
    }
    if !account.is_active() || token.revoked_at.is_some() || token.expires_at <= tx.now() {
        return Ok(Outcome::Refused);
    }
    if !in_grace {
        store::mark_used(tx, token.token_id).await?;
    }
    session::open(tx, &account, Some(token.family_id), lifetime, device).await.map(Outcome::Rotated)
}

/// Locks the account of a token and then the token, so that a lock, a new password or another use comes entirely before
/// or entirely after.
async fn lock_token(tx: &mut Tx, hash: Hash) -> Result<Option<(Credential, RefreshToken)>, Error> {
    let Some(user) = store::find_user(tx, hash).await? else { return Ok(None) };
    let Some(account) = accounts::lock(tx, user).await? else { return Ok(None) };
    Ok(store::lock(tx, hash).await?.map(|token| (account, token)))
}

/// Revokes the login of the token. An unknown or used token is no error, so that a logout can be repeated.
///
/// # Errors
/// The database's.
pub async fn log_out(app: &App, body: Logout) -> Result<(), Error> {
    let hash = opaque::hash(body.refresh_token.reveal());
    app.ctx
        .db
        .write(async move |tx| {
            if let Some((_, token)) = lock_token(tx, hash).await? {
                store::revoke_family(tx, token.family_id).await?;
            }
            Ok(())
        })
        .await
}
