//! Notification: tells users what happened, over the channels they chose, and keeps what was tried.

use crate::{
    calls, events,
    ids::{NotificationId, OrderId, UserId},
    machine,
    page::Page,
    secret::Secret,
    service::ServiceSpec,
    string_enum,
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "notification";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Sends messages to users over the channels that they chose.",
    machines: &[NotificationStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/notifications", "/notifications"],
};

machine! {
    /// The life of a message. SENT and FAILED are states of rest; an administrator may send either again.
    NotificationStatus;
    /// What can happen to a message.
    NotificationFact;
    states {
        /// To be sent, or to be tried again.
        Pending = "PENDING",
        /// Handed over to the channel.
        Sent = "SENT",
        /// Given up after several attempts.
        Failed = "FAILED",
    }
    resting { Sent, Failed }
    facts {
        /// The channel took it.
        Sent,
        /// The last attempt failed.
        Failed,
        /// An administrator wants it sent again.
        Resent,
    }
    table {
        Pending, Sent => Sent;
        Pending, Failed => Failed;
        Failed, Resent => Pending;
        Sent, Resent => Pending;
    }
}

string_enum! {
    /// What a message is about.
    NotificationType {
        /// Welcome.
        Registered = "REGISTERED",
        /// A link to set a new password.
        PasswordReset = "PASSWORD_RESET",
        /// An order was placed.
        OrderCreated = "ORDER_CREATED",
        /// A payment failed.
        PaymentFailed = "PAYMENT_FAILED",
        /// An order is paid and its goods are set aside.
        OrderConfirmed = "ORDER_CONFIRMED",
        /// The goods are on their way.
        Shipped = "SHIPPED",
        /// The goods arrived.
        Delivered = "DELIVERED",
        /// An order was cancelled.
        Cancelled = "CANCELLED",
        /// Money was given back.
        Refunded = "REFUNDED",
    }

    /// How a message travels.
    Channel {
        /// To the account's e-mail address.
        Email = "EMAIL",
        /// To the profile's phone.
        Sms = "SMS",
        /// To the address of the preferences, signed.
        Webhook = "WEBHOOK",
    }

    /// How an attempt to deliver a message ended.
    AttemptOutcome {
        /// The channel took it.
        Delivered = "DELIVERED",
        /// The channel did not take it, or it is not known whether it did.
        Failed = "FAILED",
    }
}

/// A message to a user over one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub notification_id: NotificationId,
    pub user_id: UserId,
    /// What it is about.
    pub r#type: NotificationType,
    /// How it travels.
    pub channel: Channel,
    /// What the message is made from, such as `orderNumber` and amounts. It never holds a token.
    pub payload: serde_json::Value,
    /// The present status.
    pub status: NotificationStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed, for people; null when it did not.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryAttempt {
    /// Counts the attempts of this message; the first is 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What the channel said, for people.
    pub detail: String,
    /// When it ended.
    pub occurred_at: Timestamp,
}

/// The secret that signs a user's webhooks, by the Standard Webhooks scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSecret {
    /// `whsec_` and the key in base64. The signature is HMAC-SHA-256 over `{webhook-id}.{webhook-timestamp}.{body}`.
    pub secret: Secret,
}

/// Which messages a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NotificationFilter {
    /// Only messages in this status.
    pub status: Option<NotificationStatus>,
    /// Only messages to this user.
    pub user_id: Option<UserId>,
}

calls! {
    /// Lists the messages to the caller, the newest first.
    LIST_OWN_NOTIFICATIONS: get(()) -> Page<Notification>, "/notifications";
    /// Reads the secret that signs the caller's webhooks.
    GET_WEBHOOK_SECRET: get(()) -> WebhookSecret, "/notifications/webhook-secret";
    /// Lists the messages to all users, the newest first.
    LIST_NOTIFICATIONS: get(()) -> Page<Notification>, "/admin/notifications", query NotificationFilter;
    /// Lists the attempts to deliver a message, the last first.
    LIST_ATTEMPTS: get(()) -> Page<DeliveryAttempt>, "/admin/notifications/{notificationId}/attempts";
    /// Sends a message again that was sent or has failed.
    RESEND_NOTIFICATION: post(()) -> Notification, "/admin/notifications/{notificationId}/resend";
}

events! {
    "NOTIFICATION", notification_id: NotificationId;
    /// A message was handed over to its channel.
    NotificationSent {
        user_id: UserId,
        /// What it is about.
        r#type: NotificationType,
        /// How it travels.
        channel: Channel,
        /// The order it is about, if it is about one.
        order_id: Option<OrderId>,
        /// How often it was tried.
        attempts: u32,
    }
    /// A message was given up after several attempts. An administrator can send it again.
    NotificationFailed {
        user_id: UserId,
        /// What it is about.
        r#type: NotificationType,
        /// How it travels.
        channel: Channel,
        /// The order it is about, if it is about one.
        order_id: Option<OrderId>,
        /// How often it was tried.
        attempts: u32,
        /// For people.
        error: String,
    }
}
