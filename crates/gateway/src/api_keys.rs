//! API keys: the gateway exchanges one at auth for an access token, and caches the token for most of its life. Services see the token
//! alone and verify it as any other. A key that is deleted meanwhile stands in the list of revocations that they read each second.

use axum::http::{HeaderMap, HeaderValue};
use contracts::{
    auth::{API_KEY_PREFIX, EXCHANGE_API_KEY, ExchangeApiKey},
    problem::Code,
    secret::Secret,
};
use platform::{
    client::Client,
    http::{Problem, request_layers},
};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::time::Instant;

/// Tokens that are cached. More keys in use cost an exchange for each request.
const CACHED_TOKENS: usize = 10_000;
/// How long before its end a token is not used any more: the request has to reach its service.
const MARGIN: Duration = Duration::from_secs(15);
const EXCHANGE_TIME: Duration = Duration::from_secs(5);

/// An API key that a request was sent with.
pub(crate) struct ApiKey {
    key: Secret,
    hash: [u8; 32],
}

/// Returns the API key of a request, if it has one.
pub(crate) fn key_of(headers: &HeaderMap) -> Option<ApiKey> {
    let text = request_layers::bearer(headers).filter(|token| token.starts_with(API_KEY_PREFIX))?;
    Some(ApiKey { key: Secret::parse(text).ok()?, hash: Sha256::digest(text).into() })
}

/// The tokens of the keys in use.
pub(crate) struct ApiKeys {
    client: Client,
    tokens: Cache<[u8; 32], (HeaderValue, Instant)>,
}

impl ApiKeys {
    pub(crate) fn new(client: Client) -> ApiKeys {
        ApiKeys { client, tokens: Cache::new(CACHED_TOKENS) }
    }

    /// Returns the header with the cached token of a key.
    pub(crate) fn cached(&self, key: &ApiKey) -> Option<HeaderValue> {
        self.tokens.get(&key.hash).filter(|(_, until)| Instant::now() < *until).map(|(header, _)| header)
    }

    /// Returns the header with a new token.
    ///
    /// # Errors
    /// 401 for a key that does not count, 503 when auth does not answer.
    pub(crate) async fn exchange(&self, ApiKey { key, hash }: ApiKey) -> Result<HeaderValue, Problem> {
        let asked = Instant::now();
        let call = self.client.call(&EXCHANGE_API_KEY).body(&ExchangeApiKey { key }).timeout(EXCHANGE_TIME);
        let token = call.send().await.map_err(|error| match error.is_not_found() {
            true => Problem::new(Code::UNAUTHENTICATED).detail("the API key is not valid, was deleted or has expired"),
            false => error.into(),
        })?;
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.access_token.reveal())).expect("a JWT is printable");
        header.set_sensitive(true);
        let until = asked + Duration::from_secs(token.expires_in).saturating_sub(MARGIN);
        self.tokens.insert(hash, (header.clone(), until));
        Ok(header)
    }
}
