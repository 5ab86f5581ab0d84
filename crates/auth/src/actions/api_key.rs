//! API keys: a program uses one in the place of its maker. The gateway exchanges it for an access token of seconds.

use crate::{
    App,
    error::Error,
    opaque,
    store::{accounts, api_keys, seller_records},
};
use contracts::{
    auth::{API_KEY_PREFIX, ApiKey, ApiKeyToken, CreateApiKey, CreatedApiKey},
    ids::{ApiKeyId, UserId},
    problem::Fault,
    secret::Secret,
};
use platform::{
    db::{Db, Tx},
    identity::Claims,
};
use std::time::Duration;

/// How long the token of a key lives.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(60);
/// How exactly the last use is stored: a key that is used all the time costs a write in this time.
const USE_RESOLUTION: Duration = Duration::from_secs(30);

/// Makes a key of the caller.
///
/// # Errors
/// [`Error::Invalid`] for a scope named twice and for an end that is past, [`Error::TooManyApiKeys`], [`Error::AccountLocked`].
pub async fn create_api_key(app: &App, user: UserId, body: CreateApiKey) -> Result<CreatedApiKey, Error> {
    let most = i64::from(app.settings.max_api_keys);
    app.ctx
        .db
        .write(async move |tx| {
            let CreateApiKey { name, scopes, expires_at } = body.clone();
            let scopes: Vec<String> = scopes.into_vec().into_iter().map(contracts::text::ApiScope::into_string).collect();
            let mut faults = Vec::new();
            for (at, scope) in scopes.iter().enumerate() {
                if scopes[..at].contains(scope) {
                    faults.push(Fault::at(format!("/scopes/{at}"), "DUPLICATE", "is named more than once"));
                }
            }
            if expires_at.is_some_and(|end| end <= tx.now()) {
                faults.push(Fault::at("/expiresAt", "NOT_IN_THE_FUTURE", "must be in the future"));
            }
            if !faults.is_empty() {
                return Err(Error::Invalid(faults));
            }
            let account = accounts::lock(tx, user).await?.ok_or(Error::NotFound)?;
            if !account.is_active() {
                return Err(Error::AccountLocked);
            }
            if api_keys::count(tx, user).await? >= most {
                return Err(Error::TooManyApiKeys);
            }
            let secret = Secret::parse(format!("{API_KEY_PREFIX}{}", opaque::token(tx.random_bytes()).reveal()));
            let secret = secret.expect("a prefix and a token are a secret");
            let key =
                ApiKey { api_key_id: tx.new_id(), name: name.into_string(), scopes, created_at: tx.now(), expires_at, last_used_at: None };
            api_keys::insert(tx, user, &key, opaque::hash(secret.reveal())).await?;
            let ApiKey { api_key_id, name, scopes, created_at, expires_at, .. } = key;
            Ok(CreatedApiKey { api_key_id, key: secret, name, scopes, created_at, expires_at })
        })
        .await
}

/// Ends a key of the caller. Its last token ends when verifiers read the next list of revocations, within a second. Repeating it
/// changes nothing.
///
/// # Errors
/// [`Error::ApiKeyNotFound`] for another user's.
pub async fn delete_api_key(db: &Db, user: UserId, key: ApiKeyId) -> Result<(), Error> {
    db.write(async move |tx| match api_keys::exists(tx, user, key).await? {
        true => Ok(api_keys::revoke(tx, key).await?),
        false => Err(Error::ApiKeyNotFound),
    })
    .await
}

/// Returns an access token for a key, with what its maker may now and no more than the scopes of the key.
///
/// # Errors
/// [`Error::InvalidApiKey`] when it is unknown, deleted or expired, or its maker's account is locked.
pub async fn exchange_api_key(app: &App, key: Secret) -> Result<ApiKeyToken, Error> {
    let hash = opaque::hash(key.reveal());
    let read = async move |tx: &mut Tx| -> Result<_, Error> {
        let (user, key) = api_keys::find(tx, hash).await?.ok_or(Error::InvalidApiKey)?;
        let account = accounts::find(tx, user).await?.filter(accounts::Credential::is_active).ok_or(Error::InvalidApiKey)?;
        let (roles, sells) = (accounts::roles(tx, user).await?, seller_records::exists(tx, user).await?);
        Ok((account, key, roles, sells))
    };
    let (account, key, roles, sells) = app.ctx.db.read(read).await?;
    let now = app.ctx.env.now();
    if key.last_used_at.is_none_or(|used| now.since(used) >= USE_RESOLUTION) {
        let id = key.api_key_id;
        app.ctx.db.write(async move |tx| api_keys::set_last_used(tx, id).await).await?;
    }
    let lifetime = key.expires_at.map_or(TOKEN_LIFETIME, |end| TOKEN_LIFETIME.min(end.since(now)));
    let claims = Claims {
        email: Some(account.email.to_string()),
        seller_id: sells.then_some(account.user_id),
        ..Claims::api_key(&app.ctx.env, account.user_id, &roles, key.api_key_id, &key.scopes.join(" "), lifetime)
    };
    Ok(ApiKeyToken { access_token: app.access_token(&claims), expires_in: lifetime.as_secs() })
}

/// Ends every key of a user, because the maker may no longer do what the keys were made for.
///
/// # Errors
/// The database's.
pub async fn end_api_keys(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    Ok(api_keys::revoke_all(tx, user).await?)
}
