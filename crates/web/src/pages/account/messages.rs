//! The messages that were sent to a customer.

use crate::{
    Site, format,
    pages::{Frame, enter, failed, page},
    session::Visitor,
    texts::Texts,
};
use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use contracts::notification::{Channel, LIST_NOTIFICATIONS, Notification, NotificationStatus, NotificationType};
use serde::Deserialize;

const MESSAGES: usize = 30;

struct MessageLine {
    title: &'static str,
    number: String,
    /// The page that it is about; empty without one.
    href: String,
    how: &'static str,
    status: &'static str,
    is_failed: bool,
    moment: String,
}

#[derive(Template)]
#[template(path = "account/messages.html")]
struct MessagesPage {
    frame: Frame,
    here: &'static str,
    messages: Vec<MessageLine>,
    next: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct At {
    cursor: String,
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor, Query(at): Query<At>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let mut call = site.0.api.call(&caller, &LIST_NOTIFICATIONS).query("limit", MESSAGES);
    if !at.cursor.is_empty() {
        call = call.query("cursor", &at.cursor);
    }
    match call.send().await {
        Ok(found) => {
            let frame = Frame::of(&mut visitor);
            let messages = found.items.iter().map(|message| line(&frame, message)).collect();
            page(&site, &visitor, &MessagesPage { frame, here: "notifications", messages, next: found.next_cursor })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

fn line(frame: &Frame, message: &Notification) -> MessageLine {
    let t = frame.t;
    let of = |name: &str| message.payload.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let order = of("orderId");
    let product = of("productId");
    MessageLine {
        title: kind_words(t, message.r#type),
        number: of("orderNumber"),
        href: match (is_to_seller(message.r#type), &*order, &*product) {
            (true, ..) => "/seller".into(),
            (false, "", "") => String::new(),
            (false, "", product) => format!("/products/{product}"),
            (false, order, _) => format!("/account/orders/{order}"),
        },
        how: channel_words(t, message.channel),
        status: match message.status {
            NotificationStatus::Pending => t.message_pending,
            NotificationStatus::Sent => t.message_sent,
            NotificationStatus::Failed => t.message_failed,
        },
        is_failed: message.status == NotificationStatus::Failed,
        moment: format::moment(frame.lang, message.created_at),
    }
}

/// Returns how a message is sent, in words.
pub fn channel_words(t: &'static Texts, channel: Channel) -> &'static str {
    match channel {
        Channel::Email => t.email,
        Channel::Sms => t.by_sms,
        Channel::Webhook => t.by_webhook,
    }
}

fn is_to_seller(kind: NotificationType) -> bool {
    let kind = kind.as_str();
    kind.starts_with("SELLER_") || kind.starts_with("SALE_") || kind.starts_with("PAYOUT_") || kind == "NEW_SALE"
}

/// Returns what a kind of message is about, in words.
pub fn kind_words(t: &'static Texts, kind: NotificationType) -> &'static str {
    match kind.as_str() {
        "REGISTERED" => t.kind_registered,
        "PASSWORD_RESET" => t.kind_password_reset,
        "PASSWORD_CHANGED" => t.kind_password_changed,
        "EMAIL_VERIFICATION" => t.verify_email,
        "EMAIL_CHANGE_REQUESTED" => t.kind_email_change,
        "EMAIL_CHANGED" => t.kind_email_changed,
        "ORDER_CREATED" => t.kind_order_created,
        "PAYMENT_FAILED" => t.status_payment_failed,
        "ORDER_CONFIRMED" => t.kind_order_confirmed,
        "SHIPPED" => t.kind_shipped,
        "DELIVERED" => t.kind_delivered,
        "PARCEL_RETURNED" | "SALE_PARCEL_RETURNED" => t.part_returned,
        "CANCELLED" => t.kind_cancelled,
        "PART_CANCELLED" => t.kind_part_cancelled,
        "REFUNDED" => t.kind_refunded,
        "RETURN_APPROVED" => t.kind_return_approved,
        "RETURN_REJECTED" => t.kind_return_rejected,
        "RETURN_REFUNDED" => t.kind_return_refunded,
        "REVIEW_PUBLISHED" => t.kind_review_published,
        "REVIEW_ANSWERED" => t.kind_review_answered,
        "BACK_IN_STOCK" => t.kind_back_in_stock,
        "CART_ABANDONED" => t.kind_cart_abandoned,
        "NEW_SALE" => t.kind_new_sale,
        "SALE_CANCELLED" => t.kind_sale_cancelled,
        "PAYOUT_PAID" => t.kind_payout_paid,
        "PAYOUT_FAILED" => t.kind_payout_failed,
        "PAYOUT_ACCOUNT_CHANGED" => t.kind_payout_account,
        _ => t.kind_seller_news,
    }
}
