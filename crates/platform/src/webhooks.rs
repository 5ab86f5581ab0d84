//! Sends webhooks, signed by the Standard Webhooks scheme (<https://www.standardwebhooks.com>).
//!
//! A receiver checks `webhook-signature` over `{webhook-id}.{webhook-timestamp}.{body}` with its secret, refuses old
//! timestamps, and recognizes repetitions by `webhook-id`. Redirects are not followed, and private addresses are refused after
//! name resolution.

use crate::{
    env::Env,
    https::{HttpsClient, HttpsError, Reach},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::{secret::Secret, time::Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use sha2::Sha256;
use std::time::{Duration, SystemTime};

/// How much of a response body is read, so that the connection can be used again.
const MAX_RESPONSE: usize = 16 * 1024;

/// A key that signs webhooks.
#[derive(Clone)]
pub struct SigningKey(pub [u8; 32]);

impl SigningKey {
    /// Returns the key as the receiver configures it: `whsec_` and base64.
    ///
    /// # Panics
    /// Never: the text is short enough for a secret.
    #[must_use]
    pub fn to_text(&self) -> Secret {
        Secret::parse(format!("whsec_{}", STANDARD.encode(self.0))).expect("a secret of 50 letters is one")
    }

    /// Signs one message.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        signature(&self.0, id, timestamp, body)
    }
}

/// One signature of `webhook-signature`.
fn signature(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// One message to one receiver.
pub struct Webhook<'a> {
    pub url: &'a str,
    /// The same in every attempt.
    pub id: &'a str,
    /// JSON.
    pub body: Vec<u8>,
    /// Each makes a signature: a receiver takes any that it can verify, so that a key can be replaced without a gap.
    pub keys: &'a [SigningKey],
}

/// Why a receiver did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the webhook's address is not an http or https address")]
    BadAddress,
    #[error("the webhook's address is not a public one")]
    PrivateAddress,
    #[error("the receiver cannot be reached: {0}")]
    Unreachable(String),
    #[error("the receiver did not answer within {} seconds", .0.as_secs())]
    TooSlow(Duration),
    /// The scheme's status for an address that is not to be used any more.
    #[error("the receiver answered 410: the address is not used any more")]
    Gone,
    #[error("the receiver answered {status}{}", note_on(.status))]
    Refused {
        status: u16,
        /// How long the receiver wants to be left alone. Read from 429 and 503.
        retry_after: Option<Duration>,
    },
}

/// What the text of a failure adds to this status.
fn note_on(status: &u16) -> &'static str {
    if (300..400).contains(status) { ": redirects are not followed" } else { "" }
}

impl Failure {
    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Failure::Gone => Some(StatusCode::GONE.as_u16()),
            Failure::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Posts webhooks.
pub struct WebhookSender {
    env: Env,
    client: HttpsClient,
    time: Duration,
}

impl WebhookSender {
    /// One attempt takes `time` at most.
    #[must_use]
    pub fn new(env: Env, reach: Reach, time: Duration) -> WebhookSender {
        WebhookSender { client: HttpsClient::new(env.clone(), reach), env, time }
    }

    /// Posts a message. Every 2xx is success, and its status is returned.
    ///
    /// # Errors
    /// When the receiver did not take it, or was not reached.
    pub async fn send(&self, webhook: Webhook<'_>) -> Result<u16, Failure> {
        let now = self.env.now();
        let request = request(webhook, now.unix_seconds())?;
        let answer = tokio::select! {
            answer = self.client.send(request, MAX_RESPONSE) => answer.map_err(|error| match error {
                HttpsError::BadAddress => Failure::BadAddress,
                HttpsError::Private => Failure::PrivateAddress,
                HttpsError::Unreachable(cause) => Failure::Unreachable(cause),
            })?,
            () = self.env.sleep(self.time) => return Err(Failure::TooSlow(self.time)),
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(status.as_u16());
        }
        if status == StatusCode::GONE {
            return Err(Failure::Gone);
        }
        let waits = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = answer.headers().get(header::RETRY_AFTER).filter(|_| waits).and_then(|value| value.to_str().ok());
        Err(Failure::Refused { status: status.as_u16(), retry_after: retry_after.and_then(|text| read_retry_after(text.trim(), now)) })
    }
}

fn request(webhook: Webhook<'_>, timestamp: i64) -> Result<Request<Full<hyper::body::Bytes>>, Failure> {
    let Webhook { url, id, body, keys } = webhook;
    let signatures: Vec<String> = keys.iter().map(|key| key.sign(id, timestamp, &body)).collect();
    Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "souk-webhooks/1")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signatures.join(" "))
        .body(Full::new(body.into()))
        .map_err(|_| Failure::BadAddress)
}

/// Reads `Retry-After`: a number of seconds, or a date (RFC 9110, 10.2.3).
fn read_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = is_number.then(|| text.parse().unwrap_or(u64::from(u32::MAX)));
    seconds.map(Duration::from_secs).or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(date.saturating_sub(Duration::from_micros(u64::try_from(now.0).unwrap_or_default())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_scheme() {
        // The example of the Standard Webhooks libraries.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn every_key_signs() {
        let keys = [SigningKey([1; 32]), SigningKey([2; 32])];
        let webhook = Webhook { url: "https://example.com/hook", id: "1", body: b"{}".to_vec(), keys: &keys };
        let signed = request(webhook, 7).unwrap();
        let expected = format!("{} {}", keys[0].sign("1", 7, b"{}"), keys[1].sign("1", 7, b"{}"));
        assert_eq!(signed.headers()["webhook-signature"], expected.as_str());
        assert_ne!(keys[0].sign("1", 7, b"{}"), keys[1].sign("1", 7, b"{}"));
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let now = Timestamp(1_767_225_600_000_000);
        assert_eq!(read_retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(read_retry_after("Thu, 01 Jan 2026 00:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(read_retry_after("Thu, 01 Jan 2015 00:00:30 GMT", now), Some(Duration::ZERO));
        for other in ["soon", "-1", "1.5", ""] {
            assert_eq!(read_retry_after(other, now), None, "{other}");
        }
    }
}
