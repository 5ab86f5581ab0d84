//! The service's own access token: fetched by client credentials (RFC 6749, 4.4), cached until shortly before it expires.

use super::{Auth, Client, error::CallError};
use crate::env::{Env, LockUnpoisoned as _};
use contracts::{
    auth::{ClientCredentials, ISSUE_TOKEN},
    secret::Secret,
    time::Timestamp,
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// Fetches a token and the instant at which it expires.
pub type TokenSource = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(String, Timestamp), CallError>> + Send>> + Send + Sync>;

/// A token is not used when it expires within this time.
const MARGIN: Duration = Duration::from_secs(30);
const FETCH_TIME: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(super) struct Tokens {
    source: Mutex<Option<TokenSource>>,
    present: Mutex<Option<(Arc<str>, Timestamp)>>,
    /// Held while fetching, so that a hundred calls fetch one token.
    fetching: tokio::sync::Mutex<()>,
}

impl Tokens {
    pub(super) fn set_source(&self, source: TokenSource) {
        *self.source.lock_unpoisoned() = Some(source);
        self.forget();
    }

    pub(super) fn forget(&self) {
        *self.present.lock_unpoisoned() = None;
    }

    fn present(&self, env: &Env) -> Option<Arc<str>> {
        let now = env.now().after(MARGIN);
        self.present.lock_unpoisoned().as_ref().filter(|(_, ends)| now < *ends).map(|(token, _)| token.clone())
    }

    pub(super) async fn get(&self, env: &Env, deadline: Instant) -> Result<Arc<str>, CallError> {
        if let Some(token) = self.present(env) {
            return Ok(token);
        }
        let fetch = async {
            let _one = self.fetching.lock().await;
            if let Some(token) = self.present(env) {
                return Ok(token);
            }
            let source = self.source.lock_unpoisoned().clone().ok_or(CallError::Misused("the service has no source of tokens"))?;
            let (token, ends) = source().await?;
            let token: Arc<str> = token.into();
            *self.present.lock_unpoisoned() = Some((token.clone(), ends));
            Ok(token)
        };
        tokio::time::timeout_at(deadline, fetch).await.unwrap_or(Err(CallError::Timeout))
    }
}

/// A source that calls auth through `client`, as the client `id`.
#[must_use]
pub fn client_credentials(client: &Client, id: &str, secret: &str) -> TokenSource {
    // A weak reference: the client owns its source.
    let inner = Arc::downgrade(&client.0);
    let form = ClientCredentials {
        grant_type: "client_credentials".to_owned(),
        client_id: Some(id.to_owned()),
        client_secret: Secret::parse(secret).ok(),
        scope: None,
    };
    Arc::new(move || {
        let (client, form) = (inner.upgrade().map(Client), form.clone());
        Box::pin(async move {
            let client = client.ok_or(CallError::Unknown)?;
            let now = client.0.env.now();
            let granted = client.call(&ISSUE_TOKEN).auth(Auth::Anonymous).form(&form).timeout(FETCH_TIME).send().await?;
            Ok((granted.access_token.reveal().to_owned(), now.after(Duration::from_secs(granted.expires_in))))
        })
    })
}
