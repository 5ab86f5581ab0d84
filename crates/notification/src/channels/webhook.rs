//! Webhooks, signed by the Standard Webhooks scheme (<https://www.standardwebhooks.com>).
//!
//! A receiver checks `webhook-signature` over `{webhook-id}.{webhook-timestamp}.{body}` with its secret, refuses old
//! timestamps, and recognizes repetitions by `webhook-id`, the id of the notification. Redirects are not followed, and private
//! addresses are refused after name resolution.

use crate::{
    domain::{DeliveryError, OutgoingMessage},
    settings::Settings,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::{ids::UserId, secret::Secret};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, header};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioTimer,
};
use platform::{env::Env, master_key::MasterKey, public_address::is_public};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde_json::json;
use sha2::Sha256;
use std::{
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};
use tokio::sync::OnceCell;

/// How much of a response body is read, so that the connection can be used again.
const MAX_RESPONSE: usize = 16 * 1024;

type Pool = Client<HttpsConnector<HttpConnector<PublicResolver>>, Full<Bytes>>;

/// The key that signs a user's webhooks.
pub struct SigningSecret([u8; 32]);

/// Returns the key of `user`. It is derived from the master key and not stored.
#[must_use]
pub fn secret_of(master_key: &MasterKey, user: UserId) -> SigningSecret {
    SigningSecret(master_key.key_for(&format!("webhook:{user}")))
}

impl SigningSecret {
    /// Returns the key as the user configures it at the receiver.
    ///
    /// # Panics
    /// Never: the text is short enough for a secret.
    #[must_use]
    pub fn to_text(&self) -> Secret {
        Secret::parse(format!("whsec_{}", STANDARD.encode(self.0))).expect("a secret of 50 letters is one")
    }
}

/// Returns the value of `webhook-signature`.
fn signature(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Posts webhooks.
pub struct Webhooks {
    env: Env,
    master_key: MasterKey,
    allow_private: bool,
    time: Duration,
    /// Created with the first webhook, because reading the system's root certificates is slow.
    pool: OnceCell<Pool>,
}

impl Webhooks {
    pub fn new(env: Env, master_key: MasterKey, settings: &Settings) -> Webhooks {
        let (allow_private, time) = (settings.allow_private_webhooks, settings.webhook_time());
        Webhooks { env, master_key, allow_private, time, pool: OnceCell::new() }
    }

    /// Posts a message to `url`. Every 2xx is success.
    pub async fn send(&self, outgoing: &OutgoingMessage, url: &str) -> Result<(), DeliveryError> {
        let target = self.target(url)?;
        let request = self.request(outgoing, target);
        let pool = self.pool().await;
        let (status, retry_after) = tokio::select! {
            answer = exchange(pool, request) => answer?,
            () = self.env.sleep(self.time) => {
                return Err(DeliveryError::unreachable(format!("the receiver did not answer within {} seconds", self.time.as_secs())));
            }
        };
        match status {
            status if status.is_success() => Ok(()),
            // The scheme's status for an address that is not to be used any more.
            StatusCode::GONE => Err(DeliveryError {
                is_gone: true,
                ..DeliveryError::permanent(
                    "the receiver answered 410: the address is not used any more, until another one or none is saved",
                )
            }),
            status if status.is_redirection() => {
                Err(DeliveryError::temporary(format!("the receiver answered {}: redirects are not followed", status.as_u16())))
            }
            status => {
                let waits = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
                let retry_after = retry_after.filter(|_| waits).and_then(|text| self.read_retry_after(&text));
                Err(DeliveryError { retry_after, ..DeliveryError::temporary(format!("the receiver answered {}", status.as_u16())) })
            }
        }
    }

    /// Reads `Retry-After`: a number of seconds, or a date (RFC 9110, 10.2.3).
    fn read_retry_after(&self, text: &str) -> Option<Duration> {
        let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::from(u32::MAX)));
        seconds.map(Duration::from_secs).or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            Some(date.saturating_sub(Duration::from_micros(u64::try_from(self.env.now().0).unwrap_or_default())))
        })
    }

    fn target(&self, url: &str) -> Result<Uri, DeliveryError> {
        let bad = || DeliveryError::permanent("the webhook's address is not an http or https address");
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let host = uri.host().ok_or_else(bad)?;
        // A numeric address does not go through the resolver.
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        match ip {
            Some(ip) if !self.allow_private && !is_public(ip) => Err(DeliveryError::unreachable(PrivateAddress.to_string())),
            _ => Ok(uri),
        }
    }

    fn request(&self, outgoing: &OutgoingMessage, target: Uri) -> Request<Full<Bytes>> {
        let body = json!({ "type": outgoing.kind, "timestamp": outgoing.created_at, "data": outgoing.payload }).to_string();
        let (id, timestamp) = (outgoing.notification_id.to_string(), self.env.now().unix_seconds());
        let signature = signature(&secret_of(&self.master_key, outgoing.user_id).0, &id, timestamp, body.as_bytes());
        Request::post(target)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "souk-webhooks/1")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(Full::new(body.into()))
            .expect("the headers are plain ASCII")
    }

    async fn pool(&self) -> &Pool {
        let (env, allow_private) = (self.env.clone(), self.allow_private);
        self.pool
            .get_or_init(|| async move {
                // Reading the root certificates blocks.
                let tls = env.spawn_blocking(tls).await.unwrap_or_else(|_| without_roots());
                let mut connector = HttpConnector::new_with_resolver(PublicResolver { env: env.clone(), allow_private });
                connector.enforce_http(false);
                connector.set_nodelay(true);
                connector.set_connect_timeout(Some(Duration::from_secs(5)));
                let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
                Client::builder(Executor(env))
                    .pool_timer(TokioTimer::new())
                    .pool_idle_timeout(Duration::from_secs(20))
                    .pool_max_idle_per_host(4)
                    .build(connector)
            })
            .await
    }
}

/// Returns the status and `Retry-After`.
async fn exchange(pool: &Pool, request: Request<Full<Bytes>>) -> Result<(StatusCode, Option<String>), DeliveryError> {
    let answer = pool.request(request).await.map_err(|error| refused(&error))?;
    let status = answer.status();
    let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(|text| text.trim().to_owned());
    // Only the status matters.
    let _ = Limited::new(answer.into_body(), MAX_RESPONSE).collect().await;
    Ok((status, retry_after))
}

/// The innermost cause has the most detail.
fn refused(error: &hyper_util::client::legacy::Error) -> DeliveryError {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    DeliveryError::unreachable(format!("the receiver cannot be reached: {cause}"))
}

/// Runs the tasks of the HTTP client.
#[derive(Clone)]
struct Executor(Env);

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        drop(self.0.spawn(task));
    }
}

fn tls() -> ClientConfig {
    match with_roots() {
        Ok(tls) => tls,
        Err(error) => {
            tracing::warn!(target: "notification", %error, "the system has no root certificates: https webhooks cannot be delivered");
            without_roots()
        }
    }
}

fn with_roots() -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(builder.with_native_roots()?.with_no_client_auth())
}

fn without_roots() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the usual versions of TLS")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// The address of a webhook is not public.
#[derive(Debug, thiserror::Error)]
#[error("the webhook's address is not a public one")]
struct PrivateAddress;

/// The system's resolver without private addresses. The client connects to what it returns, so a name cannot resolve to another
/// address between check and use.
#[derive(Clone)]
struct PublicResolver {
    env: Env,
    allow_private: bool,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl tower::Service<Name> for PublicResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        let resolving = self.env.spawn_blocking(move || (name.as_str(), 0).to_socket_addrs());
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await??.filter(|address| allow_private || is_public(address.ip())).collect();
            if found.is_empty() { Err(PrivateAddress.into()) } else { Ok(found.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::Uuid;

    #[test]
    fn a_signature_is_that_of_the_scheme() {
        // The example of the Standard Webhooks libraries.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_user_has_a_secret_of_their_own() {
        let master_key = MasterKey::new([7; 32]);
        let of = |id: u128| secret_of(&master_key, UserId(Uuid::from_u128(id))).to_text();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).reveal().starts_with("whsec_"));
        assert_eq!(STANDARD.decode(&of(1).reveal()[6..]).unwrap().len(), 32);
    }
}
