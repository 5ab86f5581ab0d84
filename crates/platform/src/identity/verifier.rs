//! Checks access tokens.

use super::{
    claims::{API_KEY_AUDIENCE, AUDIENCE, Claims, ISSUER, Identity},
    keys::decoding_key,
    provider,
    revocations::{RevocationList, RevocationSource},
};
use crate::env::{Env, LockUnpoisoned as _};
use contracts::{auth::Jwks, time::Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Fetches the present public keys; the error is for the log.
pub type KeySource = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Jwks, String>> + Send>> + Send + Sync>;

/// How many verified tokens are cached.
const CACHED_TOKENS: usize = 10_000;
/// The longest accepted token. Ours have some 500 bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// How far the clocks of signer and verifier may differ.
const LEEWAY_SECONDS: i64 = 30;
/// How long after a fetch an unknown key is refused without another fetch.
const FETCH_PAUSE: Duration = Duration::from_secs(60);
/// The same, after a fetch that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the token is not valid")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    /// Its login ended.
    #[error("the token was revoked")]
    Revoked,
    /// The token may be valid: its key is unknown and the keys could not be fetched.
    #[error("the keys cannot be fetched")]
    KeysUnavailable,
}

/// A set of public keys and a cache of verified tokens. Cheap to clone; clones share both.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    env: Env,
    rules: Validation,
    keys: Mutex<HashMap<String, Arc<DecodingKey>>>,
    source: Option<KeySource>,
    /// When the keys were last fetched, and whether that succeeded.
    fetch: tokio::sync::Mutex<Option<(Timestamp, bool)>>,
    seen: Cache<[u8; 32], Arc<Identity>>,
    revocations: Option<RevocationList>,
}

impl Verifier {
    /// A verifier of these keys.
    #[must_use]
    pub fn new(env: Env, keys: &Jwks) -> Verifier {
        Verifier::build(env, keys, None, None)
    }

    /// A verifier that fetches the keys from `source` when a token names an unknown one, once a minute at most, and refuses
    /// what `revocations` lists.
    #[must_use]
    pub fn fetching(env: Env, source: KeySource, revocations: Option<RevocationSource>) -> Verifier {
        Verifier::build(env, &Jwks { keys: Vec::new() }, Some(source), revocations)
    }

    fn build(env: Env, keys: &Jwks, source: Option<KeySource>, revocations: Option<RevocationSource>) -> Verifier {
        provider::install();
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[AUDIENCE, API_KEY_AUDIENCE]);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The library would use the system's clock.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let revocations = revocations.map(|source| RevocationList::new(env.clone(), source));
        let verifier = Verifier(Arc::new(Inner {
            revocations,
            env,
            rules,
            keys: Mutex::default(),
            source,
            fetch: tokio::sync::Mutex::default(),
            seen: Cache::new(CACHED_TOKENS),
        }));
        verifier.set_keys(keys);
        verifier
    }

    /// Replaces the keys. Tokens of a removed key are refused.
    pub fn set_keys(&self, keys: &Jwks) {
        let keys = keys.keys.iter().filter_map(|key| Some((key.kid.clone(), Arc::new(decoding_key(key)?)))).collect();
        *self.0.keys.lock_unpoisoned() = keys;
        self.0.seen.clear();
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify(&self, token: &str) -> Result<Arc<Identity>, Refused> {
        let identity = self.verify_signed(token).await?;
        match &self.0.revocations {
            // Services read the list by their own tokens, which it does not hold.
            Some(revocations) if identity.user.is_some() => revocations.apply(identity).await,
            _ => Ok(identity),
        }
    }

    async fn verify_signed(&self, token: &str) -> Result<Arc<Identity>, Refused> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused::Invalid);
        }
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(identity) = self.0.seen.get(&hash) {
            return self.in_time(identity);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid)?;
        let kid = header.kid.filter(|_| header.alg == Algorithm::EdDSA).ok_or(Refused::Invalid)?;
        let known = self.key(&kid);
        let key = match known {
            Some(key) => key,
            None => self.fetched(&kid).await?,
        };
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.0.rules).map_err(|_| Refused::Invalid)?.claims;
        let identity = self.in_time(Arc::new(Identity::from_claims(claims).ok_or(Refused::Invalid)?))?;
        // Not cached when its key was removed meanwhile.
        if self.key(&kid).is_some() {
            self.0.seen.insert(hash, identity.clone());
        }
        Ok(identity)
    }

    fn key(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.0.keys.lock_unpoisoned().get(kid).cloned()
    }

    fn in_time(&self, identity: Arc<Identity>) -> Result<Arc<Identity>, Refused> {
        let now = self.0.env.now().unix_seconds();
        if now >= identity.expires {
            Err(Refused::Expired)
        } else if now + LEEWAY_SECONDS < identity.not_before {
            Err(Refused::Invalid)
        } else {
            Ok(identity)
        }
    }

    /// Fetches the keys, unless that was done recently: invented key names must not cause a call each.
    async fn fetched(&self, kid: &str) -> Result<Arc<DecodingKey>, Refused> {
        let Some(source) = &self.0.source else { return Err(Refused::Invalid) };
        let mut last = self.0.fetch.lock().await;
        // Another request may have fetched them while this one waited.
        if let Some(key) = self.key(kid) {
            return Ok(key);
        }
        let now = self.0.env.now();
        if let Some((at, worked)) = *last
            && now.since(at) < if worked { FETCH_PAUSE } else { RETRY_PAUSE }
        {
            return Err(if worked { Refused::Invalid } else { Refused::KeysUnavailable });
        }
        let answer = source().await;
        *last = Some((now, answer.is_ok()));
        match answer {
            Ok(keys) => self.set_keys(&keys),
            Err(error) => {
                tracing::warn!(%error, "the keys of access tokens cannot be fetched");
                return Err(Refused::KeysUnavailable);
            }
        }
        self.key(kid).ok_or(Refused::Invalid)
    }
}
