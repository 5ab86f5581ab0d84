//! What the provider tells us by itself: signed notices after the Standard Webhooks scheme.
//!
//! A notice is a notifier and never an outcome. Whatever it claims, it only has the provider asked now instead of later about
//! a transaction whose outcome is not known; one that is settled hears nothing more. So a notice that comes late, twice,
//! out of order or against what we know can change nothing that asking would not.

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use contracts::{ids::TransactionId, problem::Code, time::Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::{
    http::{DescribeArg, Problem, describe::OperationBuilder},
    master_key::MasterKey,
};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use std::time::Duration;

/// How far the sender's clock may be from ours.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The key that the mock signs with.
pub fn key(master_key: &MasterKey) -> [u8; 32] {
    master_key.key_for("webhook:payment:mock")
}

/// The three headers of a signed notice, as they came.
pub struct Signature {
    id: String,
    timestamp: String,
    signatures: String,
}

const HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "The notice's id; the same again when it is repeated."),
    ("webhook-timestamp", "When it was sent, in seconds since the Unix epoch; at most five minutes ago."),
    ("webhook-signature", "`v1,` and the base64 of the HMAC-SHA-256 of `id.timestamp.body`; several, separated by spaces."),
];

impl<S: Send + Sync> FromRequestParts<S> for Signature {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Signature, Problem> {
        let mut texts =
            HEADERS.map(|(name, _)| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)).into_iter();
        let mut next = || texts.next().flatten().ok_or_else(refused);
        Ok(Signature { id: next()?, timestamp: next()?, signatures: next()? })
    }
}

impl DescribeArg for Signature {
    fn describe(operation: &mut OperationBuilder<'_>) {
        for (name, about) in HEADERS {
            operation.parameter("header", name, true, json!({"type": "string"}), about);
        }
    }
}

fn refused() -> Problem {
    Problem::new(Code::UNAUTHENTICATED).detail("the notice is not signed as it must be")
}

impl Signature {
    /// # Errors
    /// 401 unless one of the signatures is of this body, by this key, and recent.
    pub fn check(&self, key: &[u8; 32], body: &[u8], now: Timestamp) -> Result<(), Problem> {
        let sent = self.timestamp.parse::<i64>().map_err(|_| refused())?;
        if now.unix_seconds().abs_diff(sent) > TOLERANCE.as_secs() {
            return Err(refused());
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(format!("{}.{}.", self.id, self.timestamp).as_bytes());
        mac.update(body);
        let fits = |signature: &str| {
            let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            given.is_some_and(|given| mac.clone().verify_slice(&given).is_ok())
        };
        if self.signatures.split(' ').any(fits) { Ok(()) } else { Err(refused()) }
    }
}

/// What a notice says. Fields and types that we do not know are the provider's to add.
#[derive(Debug, Deserialize)]
pub struct WebhookEvent {
    r#type: String,
    data: serde_json::Value,
}

impl WebhookEvent {
    /// # Errors
    /// 400 when it is not JSON, 422 when it is no notice.
    pub fn read(body: &[u8]) -> Result<WebhookEvent, Problem> {
        platform::http::body::parse(body)
    }

    /// The transaction that something became of, if it is about one.
    pub fn transaction(&self) -> Option<TransactionId> {
        let named = (self.r#type == "transaction.settled").then(|| self.data.get("transactionId")).flatten();
        named?.as_str()?.parse().ok()
    }
}
