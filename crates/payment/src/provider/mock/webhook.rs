//! The webhooks of the mock, signed by the Standard Webhooks scheme.

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::{ids::TransactionId, problem::Code, time::Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::{http::Problem, master_key::MasterKey};
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Sha256;
use std::time::Duration;

/// The allowed difference between the sender's clock and ours.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The headers of a signed webhook, with their descriptions for the API document.
pub const WEBHOOK_HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "The id of the webhook; a repetition has the same."),
    ("webhook-timestamp", "When it was sent, in seconds since the Unix epoch; at most five minutes ago."),
    ("webhook-signature", "`v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body`; several, separated by spaces."),
];

/// The key that the mock signs with.
pub fn key(master_key: &MasterKey) -> [u8; 32] {
    master_key.key_for("webhook:payment:mock")
}

/// A change at the provider.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PaymentWebhookRequest")]
pub struct WebhookEvent {
    /// `transaction.settled`; other types change nothing.
    r#type: String,
    /// Of a settled transaction its `transactionId`.
    data: serde_json::Value,
}

/// Returns the transaction that the webhook says to be settled, if it is about one.
///
/// # Errors
/// 401 unless one of the signatures is of this body, by this key, and recent; 400 or 422 when the body is no webhook.
pub fn read(key: &[u8; 32], headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Option<TransactionId>, Problem> {
    check_signature(key, headers, body, now)
        .ok_or_else(|| Problem::new(Code::UNAUTHENTICATED).detail("the notice is not signed as it must be"))?;
    let event: WebhookEvent = platform::http::body::parse(body)?;
    let settled = event.r#type == "transaction.settled";
    Ok(settled.then(|| event.data.get("transactionId")?.as_str()?.parse().ok()).flatten())
}

/// Checks the signature; `None` when it is not valid.
fn check_signature(key: &[u8; 32], headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<()> {
    let [id, timestamp, signatures] = WEBHOOK_HEADERS.map(|(name, _)| headers.get(name).and_then(|value| value.to_str().ok()));
    let (id, timestamp, signatures) = (id?, timestamp?, signatures?);
    if now.unix_seconds().abs_diff(timestamp.parse().ok()?) > TOLERANCE.as_secs() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let is_valid = |signature: &str| {
        let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        given.is_some_and(|given| mac.clone().verify_slice(&given).is_ok())
    };
    signatures.split(' ').any(is_valid).then_some(())
}
