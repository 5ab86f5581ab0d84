//! Endpoints and deliveries: what may be sent to whom, when an attempt is due, and what is posted. No async, no I/O, no clock.

use contracts::{
    event::Envelope,
    ids::{EventId, UserId, WebhookDeliveryId, WebhookEndpointId},
    machine::{IllegalTransition, Machine as _},
    personal::ENCRYPTED,
    problem::Fault,
    time::Timestamp,
    webhook::{
        Audience, DisabledReason, WebhookDelivery, WebhookDeliveryFact, WebhookDeliveryStatus, WebhookEndpoint, WebhookEndpointFact,
        WebhookEndpointStatus, WebhookMessage, audience_of,
    },
};
use platform::{
    encryption::{self, Nonce},
    http::ETag,
    master_key::MasterKey,
    public_address::has_public_host,
    webhooks::{Failure, SigningKey},
};
use serde::Deserialize;
use std::time::Duration;

/// How long one attempt may take.
pub const ATTEMPT_TIME: Duration = Duration::from_secs(15);
/// How long the former secret signs after a rotation.
pub const FORMER_SECRET: Duration = Duration::from_secs(86_400);
/// How long deliveries are kept.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// The largest event that is sent whole, in bytes.
const MAX_DATA: usize = 256 * 1024;

/// The pauses between the attempts, in seconds: ten attempts over three days.
const PAUSES: [u64; 9] = [5, 30, 120, 600, 2_700, 10_800, 28_800, 72_000, 144_000];
/// The attempts of a delivery.
pub const TRIES: u32 = PAUSES.len() as u32 + 1;
/// The longest pause, whatever the receiver asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(PAUSES[PAUSES.len() - 1]);

/// What the owner sees when the receiver was not reached. It does not tell what stands at a private address.
const UNREACHABLE: &str = "the receiver was not reached, or did not answer in time";

/// An endpoint with what no answer shows.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub shown: WebhookEndpoint,
    /// Encrypted.
    pub secret: String,
    pub former_secret: Option<String>,
    /// Its receiver wants nothing before.
    pub resumes_at: Option<Timestamp>,
}

impl Endpoint {
    /// Enables or disables it. Nothing changes where it is so already.
    ///
    /// # Errors
    /// None that the table does not rule out.
    pub fn set_status(
        &mut self,
        status: WebhookEndpointStatus,
        reason: DisabledReason,
    ) -> Result<(), IllegalTransition<WebhookEndpointStatus>> {
        if self.shown.status == status {
            return Ok(());
        }
        let (fact, disabled_reason) = match status {
            WebhookEndpointStatus::Enabled => (WebhookEndpointFact::Enabled, None),
            WebhookEndpointStatus::Disabled => (WebhookEndpointFact::Disabled, Some(reason)),
        };
        self.shown.status = self.shown.status.transition(fact)?;
        self.shown.disabled_reason = disabled_reason;
        self.resumes_at = None;
        Ok(())
    }

    pub fn etag(&self) -> ETag {
        ETag::of_version(self.shown.version)
    }
}

/// A delivery with what is posted.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub shown: WebhookDelivery,
    /// JSON.
    pub body: String,
    /// The attempts since the beginning or the last retry by hand.
    pub tries: u32,
    pub tries_max: u32,
}

impl Delivery {
    /// A delivery that is due now.
    pub fn new(id: WebhookDeliveryId, endpoint: WebhookEndpointId, message: &WebhookMessage, tries_max: u32, now: Timestamp) -> Delivery {
        let shown = WebhookDelivery {
            webhook_delivery_id: id,
            webhook_endpoint_id: endpoint,
            event_id: message.event_id,
            event_type: message.r#type.clone(),
            status: WebhookDeliveryStatus::Pending,
            attempts: 0,
            response_status: None,
            last_error: None,
            next_attempt_at: Some(now),
            last_attempt_at: None,
            created_at: now,
        };
        let body = serde_json::to_string(message).unwrap_or_default();
        Delivery { shown, body, tries: 0, tries_max }
    }

    /// Applies the outcome of an attempt that ended at `now`. `jitter` spreads a pause.
    ///
    /// # Errors
    /// When the delivery is not pending.
    pub fn attempted(
        &mut self,
        outcome: &Result<u16, Failure>,
        now: Timestamp,
        jitter: impl FnOnce(Duration) -> Duration,
    ) -> Result<(), IllegalTransition<WebhookDeliveryStatus>> {
        // Only a pending one is attempted, and any other stays as it is.
        self.shown.status.transition(WebhookDeliveryFact::Failed)?;
        self.tries += 1;
        let shown = &mut self.shown;
        shown.attempts += 1;
        shown.last_attempt_at = Some(now);
        shown.response_status = match outcome {
            Ok(status) => Some(u32::from(*status)),
            Err(failure) => failure.status().map(u32::from),
        };
        shown.last_error = outcome.as_ref().err().map(public_error);
        let pause = usize::try_from(self.tries).ok().and_then(|tries| PAUSES.get(tries - 1));
        let (fact, next) = match (outcome, pause) {
            (Ok(_), _) => (Some(WebhookDeliveryFact::Delivered), None),
            (Err(Failure::Gone), _) => (Some(WebhookDeliveryFact::Failed), None),
            (Err(failure), Some(pause)) if self.tries < self.tries_max => {
                let pause = jitter(Duration::from_secs(*pause)).max(wanted_pause(failure).unwrap_or_default());
                (None, Some(now.after(pause)))
            }
            (Err(_), _) => (Some(WebhookDeliveryFact::Failed), None),
        };
        if let Some(fact) = fact {
            shown.status = shown.status.transition(fact)?;
        }
        shown.next_attempt_at = next;
        Ok(())
    }

    /// Ends it without an attempt.
    ///
    /// # Errors
    /// When it is not pending.
    pub fn give_up(&mut self, why: &str) -> Result<(), IllegalTransition<WebhookDeliveryStatus>> {
        self.shown.status = self.shown.status.transition(WebhookDeliveryFact::Failed)?;
        self.shown.last_error = Some(why.to_owned());
        self.shown.next_attempt_at = None;
        Ok(())
    }

    /// Makes another attempt due at once, with a fresh count of tries.
    ///
    /// # Errors
    /// None that the table does not rule out.
    pub fn retry(&mut self, now: Timestamp) -> Result<(), IllegalTransition<WebhookDeliveryStatus>> {
        self.shown.status = self.shown.status.transition(WebhookDeliveryFact::Retried)?;
        self.shown.next_attempt_at = Some(now);
        self.tries = 0;
        Ok(())
    }
}

/// How long the receiver wants to be left alone, at most the longest pause.
pub fn wanted_pause(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Refused { retry_after, .. } => retry_after.map(|wanted| wanted.min(LONGEST_PAUSE)),
        _ => None,
    }
}

fn public_error(failure: &Failure) -> String {
    match failure {
        Failure::PrivateAddress | Failure::Unreachable(_) | Failure::TooSlow(_) => UNREACHABLE.to_owned(),
        Failure::BadAddress | Failure::Gone | Failure::Refused { .. } => failure.to_string(),
    }
}

/// Finds what is wrong with the types of events of an endpoint. `is_sellers` says whether it is that of a seller.
pub fn event_type_faults(types: &[String], is_sellers: bool) -> Vec<Fault> {
    let fault = |(at, name): (usize, &String)| {
        let fault = |code, detail: &str| Some(Fault::at(format!("/eventTypes/{at}"), code, detail));
        match audience_of(name) {
            None => fault("UNKNOWN_EVENT_TYPE", "is not a type of the event catalogue that can be sent"),
            Some(Audience::Administrators) if is_sellers => {
                fault("NOT_FOR_SELLERS", "is for administrators: it is not about things of one seller")
            }
            Some(_) if types[..at].contains(name) => fault("DUPLICATE", "is named twice"),
            Some(_) => None,
        }
    };
    types.iter().enumerate().filter_map(fault).collect()
}

/// Finds what is wrong with an address. What a name resolves to is checked when connecting.
pub fn url_faults(url: &str, allow_private: bool) -> Vec<Fault> {
    match allow_private || has_public_host(url) {
        true => Vec::new(),
        false => vec![Fault::at("/url", "PRIVATE_ADDRESS", "must be the address of a public host")],
    }
}

/// The part of an event that says whose it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owned {
    #[serde(default)]
    seller_id: Option<UserId>,
    #[serde(default)]
    product: Option<OwnedProduct>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnedProduct {
    #[serde(default)]
    seller_id: Option<UserId>,
}

/// Returns the seller whose thing an event is about; `None` for the shop's own, and for an event that cannot be read.
pub fn seller_of(event: &Envelope) -> Option<UserId> {
    let owned: Owned = serde_json::from_str(event.payload.get()).ok()?;
    owned.seller_id.or_else(|| owned.product?.seller_id)
}

/// The message about an event. What the event says about persons is encrypted, and is left out.
///
/// # Errors
/// When the event is not JSON.
pub fn message_of(event: &Envelope) -> serde_json::Result<WebhookMessage> {
    let is_truncated = event.payload.get().len() > MAX_DATA;
    let mut data = match is_truncated {
        true => serde_json::json!({"aggregateType": event.aggregate_type, "aggregateId": event.aggregate_id}),
        false => serde_json::from_str(event.payload.get())?,
    };
    if let Some(fields) = data.as_object_mut() {
        fields.remove(ENCRYPTED);
    }
    Ok(WebhookMessage {
        r#type: event.event_type.clone(),
        timestamp: event.occurred_at,
        event_id: Some(event.event_id),
        sequence: event.sequence,
        data,
        is_truncated,
    })
}

/// An event that an endpoint wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    pub endpoint: WebhookEndpointId,
    pub event: EventId,
}

/// Encrypts and decrypts the secrets of endpoints.
#[derive(Clone)]
pub struct Secrets([u8; 32]);

impl Secrets {
    pub fn new(master_key: &MasterKey) -> Secrets {
        Secrets(master_key.key_for("webhook-endpoints"))
    }

    pub fn encrypt(&self, nonce: Nonce, key: &SigningKey) -> String {
        encryption::encrypt(&self.0, nonce, &key.0)
    }

    pub fn decrypt(&self, encrypted: &str) -> Option<SigningKey> {
        encryption::decrypt(&self.0, encrypted)?.try_into().ok().map(SigningKey)
    }
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
