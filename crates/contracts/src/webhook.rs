//! Webhook: posts events to addresses that sellers and administrators choose, signed by the Standard Webhooks scheme.

use crate::{
    body::{BoundedVec, Patch},
    calls, events,
    ids::{EventId, UserId, WebhookDeliveryId, WebhookEndpointId},
    machine,
    page::Page,
    registry,
    secret::Secret,
    service::ServiceSpec,
    string_enum,
    text::{RequiredShortText, ShortText, Url},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "webhook";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Posts events to addresses that sellers and administrators choose.",
    machines: &[WebhookEndpointStatus::SPEC, WebhookDeliveryStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/webhook-endpoints"],
};

machine! {
    /// Whether an endpoint gets events.
    WebhookEndpointStatus;
    /// What can happen to an endpoint.
    WebhookEndpointFact;
    states {
        /// It gets every event of its types.
        Enabled = "ENABLED",
        /// It gets nothing. Its owner can enable it.
        Disabled = "DISABLED",
    }
    resting { Enabled, Disabled }
    facts {
        /// Its owner enabled it.
        Enabled,
        /// Its owner disabled it, its receiver answered 410, or too much waited for it.
        Disabled,
    }
    table {
        Enabled, Disabled => Disabled;
        Disabled, Enabled => Enabled;
    }
}

machine! {
    /// The life of a delivery.
    WebhookDeliveryStatus;
    /// What can happen to a delivery.
    WebhookDeliveryFact;
    states {
        /// It waits for its next attempt.
        Pending = "PENDING",
        /// The receiver took it.
        Delivered = "DELIVERED",
        /// The receiver did not take it in any attempt, or the endpoint is disabled.
        Failed = "FAILED",
    }
    resting { Delivered, Failed }
    facts {
        /// The receiver answered 2xx.
        Delivered,
        /// The last attempt failed.
        Failed,
        /// The owner wants another attempt.
        Retried,
    }
    table {
        Pending, Delivered => Delivered;
        Pending, Failed => Failed;
        Pending, Retried => Pending;
        Delivered, Retried => Pending;
        Failed, Retried => Pending;
    }
}

string_enum! {
    /// Why an endpoint is disabled.
    DisabledReason {
        /// Its owner disabled it.
        ByOwner = "BY_OWNER",
        /// Its receiver answered 410.
        ReceiverGone = "RECEIVER_GONE",
        /// More deliveries waited for it than can.
        TooManyPending = "TOO_MANY_PENDING",
    }
}

/// Who may have an event of a type sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Administrators, and sellers for what is theirs.
    Sellers,
    /// Administrators.
    Administrators,
}

/// The producers whose events can be sent. Those of people, of messages and of the log are not for other systems.
pub const PRODUCERS: [&str; 10] = [
    crate::seller::NAME,
    crate::catalog::NAME,
    crate::promotion::NAME,
    crate::order::NAME,
    crate::payment::NAME,
    crate::payout::NAME,
    crate::inventory::NAME,
    crate::shipping::NAME,
    crate::returns::NAME,
    crate::review::NAME,
];

/// The beginnings of the types of events that a seller can have.
const OF_SELLERS: [&str; 6] = ["Fulfilment", "Product", "Stock", "Return", "Review", "Payout"];

/// Those among them that hold the goods of several sellers, and no seller.
const OF_SEVERAL: [&str; 6] =
    ["StockReserved", "StockReservationFailed", "StockConfirmed", "StockReleased", "StockExpired", "StockReturned"];

/// Returns who may have events of this type sent; `None` for a type that nobody can.
#[must_use]
pub fn audience_of(event_type: &str) -> Option<Audience> {
    registry::events().find(|event| event.event_type == event_type && PRODUCERS.contains(&event.producer))?;
    let is_of_sellers = OF_SELLERS.iter().any(|start| event_type.starts_with(start)) && !OF_SEVERAL.contains(&event_type);
    Some(if is_of_sellers { Audience::Sellers } else { Audience::Administrators })
}

/// The type of the message that `POST …/test` sends.
pub const TEST_TYPE: &str = "WebhookTest";

/// The types of events of an endpoint, such as `FulfilmentConfirmed`; each once.
pub type EventTypes = BoundedVec<RequiredShortText, 1, 100>;

/// Creates an endpoint. That of a seller gets the seller's own events.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateWebhookEndpoint {
    /// Where events are posted. It must be a public address.
    pub url: Url,
    /// Types of the event catalogue. Sellers can have those that begin with Fulfilment, Product, Stock, Return, Review and Payout and
    /// are about one seller.
    pub event_types: EventTypes,
    /// For the owner.
    #[serde(default)]
    pub description: Option<ShortText>,
}

/// Changes an endpoint. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateWebhookEndpoint {
    /// Another address. Deliveries that wait go there as well.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub url: Patch<Url>,
    /// Replaces all types.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub event_types: Patch<EventTypes>,
    /// Null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub description: Patch<Option<ShortText>>,
    /// Enables or disables it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub status: Patch<WebhookEndpointStatus>,
}

/// An endpoint, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpoint {
    pub webhook_endpoint_id: WebhookEndpointId,
    /// The seller whose events it gets; null for those of the whole shop.
    pub seller_id: Option<UserId>,
    /// Where events are posted.
    pub url: String,
    /// The types of events that it gets.
    pub event_types: Vec<String>,
    /// Null when there is none.
    pub description: Option<String>,
    /// Whether it gets events.
    pub status: WebhookEndpointStatus,
    /// Why it gets none; null while it does.
    pub disabled_reason: Option<DisabledReason>,
    /// Until when both the present and the former secret sign; null otherwise.
    pub former_secret_until: Option<Timestamp>,
    /// Counts the changes from 1.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An endpoint with its secret, which no other answer shows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpointSecret {
    #[serde(flatten)]
    pub endpoint: WebhookEndpoint,
    /// `whsec_` and base64, as the libraries of Standard Webhooks take it.
    pub secret: Secret,
}

/// One message to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// The `webhook-id` of every attempt.
    #[serde(rename = "deliveryId")]
    pub webhook_delivery_id: WebhookDeliveryId,
    pub webhook_endpoint_id: WebhookEndpointId,
    /// Null for a test.
    pub event_id: Option<EventId>,
    /// Such as `FulfilmentConfirmed`.
    pub event_type: String,
    /// Whether the receiver took it.
    pub status: WebhookDeliveryStatus,
    /// The attempts so far.
    pub attempts: u32,
    /// The HTTP status of the last answer; null when there was none.
    pub response_status: Option<u32>,
    /// Why the last attempt failed; null when it did not.
    pub last_error: Option<String>,
    /// When the next attempt is due; null when none is.
    pub next_attempt_at: Option<Timestamp>,
    /// When the last attempt ended; null before the first one.
    pub last_attempt_at: Option<Timestamp>,
    /// When the event reached this service. Deliveries are kept for 30 days.
    pub created_at: Timestamp,
}

/// Which deliveries a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookDeliveryFilter {
    /// Only deliveries with this status.
    pub status: Option<WebhookDeliveryStatus>,
}

/// The body that is posted to an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookMessage {
    /// The type of the event.
    pub r#type: String,
    /// When the event occurred.
    pub timestamp: Timestamp,
    /// Null for a test.
    pub event_id: Option<EventId>,
    /// Counts the events of its aggregate from 1, so that a receiver can put them in order; 0 for a test.
    pub sequence: i64,
    /// The fields of the event, as the event catalogue describes them.
    pub data: serde_json::Value,
    /// Whether the event is too large to be sent: `data` has only the ids then, and the API has the rest.
    pub is_truncated: bool,
}

calls! {
    /// Creates an endpoint. Its secret is in this answer and in no other.
    CREATE_WEBHOOK_ENDPOINT: post(CreateWebhookEndpoint) -> WebhookEndpointSecret, "/webhook-endpoints";
    /// Lists endpoints: a seller's own, or all for administrators.
    LIST_WEBHOOK_ENDPOINTS: get(()) -> Page<WebhookEndpoint>, "/webhook-endpoints";
    /// Reads an endpoint.
    GET_WEBHOOK_ENDPOINT: get(()) -> WebhookEndpoint, "/webhook-endpoints/{webhookEndpointId}";
    /// Changes, enables or disables an endpoint.
    UPDATE_WEBHOOK_ENDPOINT: patch(UpdateWebhookEndpoint) -> WebhookEndpoint, "/webhook-endpoints/{webhookEndpointId}";
    /// Deletes an endpoint with its deliveries.
    DELETE_WEBHOOK_ENDPOINT: delete(()) -> (), "/webhook-endpoints/{webhookEndpointId}";
    /// Gives an endpoint another secret. For a day the former one signs as well.
    ROTATE_WEBHOOK_SECRET: post(()) -> WebhookEndpointSecret, "/webhook-endpoints/{webhookEndpointId}/rotate-secret";
    /// Sends a message of the type `WebhookTest`, in one attempt.
    TEST_WEBHOOK_ENDPOINT: post(()) -> WebhookDelivery, "/webhook-endpoints/{webhookEndpointId}/test";
    /// Lists the deliveries to an endpoint, the newest first.
    LIST_WEBHOOK_DELIVERIES: get(()) -> Page<WebhookDelivery>, "/webhook-endpoints/{webhookEndpointId}/deliveries", query WebhookDeliveryFilter;
    /// Makes another attempt at once, whatever became of the delivery.
    RETRY_WEBHOOK_DELIVERY: post(()) -> WebhookDelivery, "/webhook-endpoints/{webhookEndpointId}/deliveries/{deliveryId}/retry";
}

events! {
    "WEBHOOK_ENDPOINT", webhook_endpoint_id: WebhookEndpointId;
    /// An endpoint was created. From then on events leave the platform.
    WebhookEndpointCreated {
        /// Null for an endpoint of the shop.
        seller_id: Option<UserId>,
        event_types: Vec<String>,
    }
    /// The address, the types or the description of an endpoint was changed, or it was enabled.
    WebhookEndpointUpdated {
        /// Null for an endpoint of the shop.
        seller_id: Option<UserId>,
        event_types: Vec<String>,
    }
    /// An endpoint gets no events any more.
    WebhookEndpointDisabled {
        /// Null for an endpoint of the shop.
        seller_id: Option<UserId>,
        reason: DisabledReason,
    }
    /// The secret of an endpoint was replaced.
    WebhookSecretRotated {
        /// Null for an endpoint of the shop.
        seller_id: Option<UserId>,
    }
    /// An endpoint was deleted.
    WebhookEndpointDeleted {
        /// Null for an endpoint of the shop.
        seller_id: Option<UserId>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sellers_have_the_events_of_one_seller_and_administrators_those_of_the_shop() {
        for own in ["FulfilmentConfirmed", "ProductUpdated", "StockLow", "StockChanged", "ReturnRequested", "ReviewPublished", "PayoutPaid"]
        {
            assert_eq!(audience_of(own), Some(Audience::Sellers), "{own}");
        }
        for others in ["OrderCreated", "PaymentCaptured", "StockReserved", "PriceChanged", "SellerApplied", "ShipmentCreated"] {
            assert_eq!(audience_of(others), Some(Audience::Administrators), "{others}");
        }
        for nobody in
            ["PasswordResetRequested", "UserRegistered", "NotificationSent", "WebhookEndpointCreated", "WebhookTest", "Fulfilment", ""]
        {
            assert_eq!(audience_of(nobody), None, "{nobody}");
        }
    }
}
