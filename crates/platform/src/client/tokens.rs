//! The service's own access token: fetched by client credentials (RFC 6749, 4.4), cached until shortly before it expires.

use super::{Client, error::CallError};
use crate::{
    env::{Env, LockUnpoisoned as _},
    http,
};
use axum::http::{Request, header};
use contracts::time::Timestamp;
use serde::Deserialize;
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

#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(alias = "accessToken")]
    access_token: String,
    #[serde(alias = "expiresIn")]
    expires_in: u64,
}

/// A source that calls auth's `POST /auth/token` through `client`, as the client `id`.
#[must_use]
pub fn client_credentials(client: &Client, id: &str, secret: &str) -> TokenSource {
    // A weak reference: the client owns its source.
    let (inner, id, secret) = (Arc::downgrade(&client.0), id.to_owned(), secret.to_owned());
    Arc::new(move || {
        let client = inner.upgrade().map(Client);
        let mut form = "grant_type=client_credentials&client_id=".to_owned();
        http::encode_text(&id, &mut form);
        form.push_str("&client_secret=");
        http::encode_text(&secret, &mut form);
        Box::pin(async move {
            let client = client.ok_or(CallError::Unknown)?;
            let request = Request::post("/auth/token")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.into())
                .map_err(|_| CallError::Misused("the request cannot be built"))?;
            let now = client.0.env.now();
            let auth = client.upstream("auth").ok_or(CallError::Unknown)?;
            let answer = auth.exchange(request, Instant::now() + FETCH_TIME).await?;
            if !answer.status().is_success() {
                return Err(CallError::refused(answer.status(), answer.body()));
            }
            let granted: TokenAnswer = serde_json::from_slice(answer.body()).map_err(|_| CallError::Unreadable("it is no token".into()))?;
            Ok((granted.access_token, now.after(Duration::from_secs(granted.expires_in))))
        })
    })
}
