//! Notification: sends messages to users over the channels that they chose, and records each attempt.

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
    /// The life of a message. An administrator may send a SENT or FAILED message again.
    NotificationStatus;
    /// What can happen to a message.
    NotificationFact;
    states {
        /// To be sent, or to be retried.
        Pending = "PENDING",
        /// The channel accepted it.
        Sent = "SENT",
        /// Every attempt failed.
        Failed = "FAILED",
    }
    resting { Sent, Failed }
    facts {
        /// The channel accepted it.
        Sent,
        /// The last attempt failed.
        Failed,
        /// An administrator sends it again.
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
    /// The kind of a message.
    NotificationType {
        /// Welcome.
        Registered = "REGISTERED",
        /// A link to set a new password.
        PasswordReset = "PASSWORD_RESET",
        /// The password was changed.
        PasswordChanged = "PASSWORD_CHANGED",
        /// A link to verify the e-mail address.
        EmailVerification = "EMAIL_VERIFICATION",
        /// Another e-mail address was asked for. It goes to the present one.
        EmailChangeRequested = "EMAIL_CHANGE_REQUESTED",
        /// The e-mail address was changed. It goes to the former one.
        EmailChanged = "EMAIL_CHANGED",
        /// An order was placed.
        OrderCreated = "ORDER_CREATED",
        /// A payment failed.
        PaymentFailed = "PAYMENT_FAILED",
        /// An order is paid and confirmed.
        OrderConfirmed = "ORDER_CONFIRMED",
        /// The parcel is on its way.
        Shipped = "SHIPPED",
        /// The parcel arrived.
        Delivered = "DELIVERED",
        /// The parcel came back.
        ParcelReturned = "PARCEL_RETURNED",
        /// An order was cancelled.
        Cancelled = "CANCELLED",
        /// The part of an order that one seller ships was cancelled, and the rest was not.
        PartCancelled = "PART_CANCELLED",
        /// Money was refunded.
        Refunded = "REFUNDED",
        /// A return was approved; the message has the label.
        ReturnApproved = "RETURN_APPROVED",
        /// A return was rejected.
        ReturnRejected = "RETURN_REJECTED",
        /// The money of a return went back.
        ReturnRefunded = "RETURN_REFUNDED",
        /// A review of the user is public.
        ReviewPublished = "REVIEW_PUBLISHED",
        /// A review of the user was answered.
        ReviewAnswered = "REVIEW_ANSWERED",
        /// A product that the user waited for can be bought again.
        BackInStock = "BACK_IN_STOCK",
        /// The user left a cart. It is sent only over channels that the user chose for it, by mail only to a verified address.
        CartAbandoned = "CART_ABANDONED",
        /// The user may sell.
        SellerApproved = "SELLER_APPROVED",
        /// The user's application to sell was turned down.
        SellerRejected = "SELLER_REJECTED",
        /// Nothing of the seller is on sale any more.
        SellerSuspended = "SELLER_SUSPENDED",
        /// The suspension of the seller ended.
        SellerReinstated = "SELLER_REINSTATED",
        /// Goods of the seller were sold and have to be shipped.
        NewSale = "NEW_SALE",
        /// A sale of the seller was cancelled before it was shipped.
        SaleCancelled = "SALE_CANCELLED",
        /// A parcel of the seller came back.
        SaleParcelReturned = "SALE_PARCEL_RETURNED",
        /// Money was paid out to the seller.
        PayoutPaid = "PAYOUT_PAID",
        /// A payout to the seller failed. The money is available again.
        PayoutFailed = "PAYOUT_FAILED",
        /// The account that the seller's money is paid out to was changed.
        PayoutAccountChanged = "PAYOUT_ACCOUNT_CHANGED",
    }

    /// How a message is sent.
    Channel {
        /// By mail, to the account's e-mail address.
        Email = "EMAIL",
        /// By text message, to the profile's phone.
        Sms = "SMS",
        /// By a signed webhook, to the address in the preferences.
        Webhook = "WEBHOOK",
    }

    /// How an attempt to deliver a message ended.
    AttemptOutcome {
        /// The channel accepted it.
        Delivered = "DELIVERED",
        /// The channel did not accept it, or its answer is not known.
        Failed = "FAILED",
    }
}

impl NotificationType {
    /// Whether it is about the account itself or where its money goes.
    #[must_use]
    pub fn is_about_account(self) -> bool {
        self.is_mail_only() || matches!(self, Self::Registered | Self::PasswordChanged | Self::PayoutAccountChanged)
    }

    /// Whether it is always sent by mail, because the law or the safety of the account wants it.
    #[must_use]
    pub fn is_mandatory(self) -> bool {
        self.is_about_account() || self == Self::OrderConfirmed
    }

    /// Whether it is sent only over channels that the user chose for this type, because nothing happened that the user has to know.
    #[must_use]
    pub fn needs_consent(self) -> bool {
        self == Self::CartAbandoned
    }

    /// Whether it is a mail to a certain address, and no other channel can have it.
    #[must_use]
    pub fn is_mail_only(self) -> bool {
        matches!(self, Self::PasswordReset | Self::EmailVerification | Self::EmailChangeRequested | Self::EmailChanged)
    }
}

/// A message to a user over one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub notification_id: NotificationId,
    pub user_id: UserId,
    /// The kind of message.
    pub r#type: NotificationType,
    /// The channel that it is sent over.
    pub channel: Channel,
    /// The data of the message, such as `orderNumber` and amounts. It never contains a token.
    pub payload: serde_json::Value,
    /// The present status.
    pub status: NotificationStatus,
    /// The number of attempts.
    pub attempts: u32,
    /// Why the last attempt failed, for people; null when it did not.
    pub last_error: Option<String>,
    /// When it was created.
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
    /// The answer of the channel, for people.
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
    LIST_NOTIFICATIONS: get(()) -> Page<Notification>, "/notifications";
    /// Reads the secret that signs the caller's webhooks.
    GET_WEBHOOK_SECRET: get(()) -> WebhookSecret, "/notifications/webhook-secret";
    /// Lists the messages to all users, the newest first.
    LIST_ALL_NOTIFICATIONS: get(()) -> Page<Notification>, "/admin/notifications", query NotificationFilter;
    /// Lists the attempts to deliver a message, the last first.
    LIST_DELIVERY_ATTEMPTS: get(()) -> Page<DeliveryAttempt>, "/admin/notifications/{notificationId}/attempts";
    /// Sends a message again that was sent or has failed.
    RESEND_NOTIFICATION: post(()) -> Notification, "/admin/notifications/{notificationId}/resend";
}

events! {
    "NOTIFICATION", notification_id: NotificationId;
    /// A channel accepted a message.
    NotificationSent {
        user_id: UserId,
        /// The kind of message.
        r#type: NotificationType,
        /// The channel that it is sent over.
        channel: Channel,
        /// The order concerned; null when the message is not about an order.
        order_id: Option<OrderId>,
        /// The number of attempts.
        attempts: u32,
    }
    /// Every attempt to send a message failed. An administrator can send it again.
    NotificationFailed {
        user_id: UserId,
        /// The kind of message.
        r#type: NotificationType,
        /// The channel that it is sent over.
        channel: Channel,
        /// The order concerned; null when the message is not about an order.
        order_id: Option<OrderId>,
        /// The number of attempts.
        attempts: u32,
        /// The error of the last attempt, for people.
        error: String,
    }
}
