//! The messages and their payloads. A payload is shown to its user and to administrators and posted to webhooks, so it contains
//! no secret.

mod seller_messages;

pub use seller_messages::{PayoutAccountChange, PayoutNews, Sale, SaleEnded, SellerNews};

use contracts::{
    cart::CartReminderItem,
    ids::{CartId, FulfilmentId, OrderId, ProductId, ReturnId, ReviewId, ShipmentId, Uuid},
    money::Currency,
    notification::NotificationType,
    order::{CancelReason, OrderItem},
    problem::Failure,
    time::Timestamp,
    user::AddressSnapshot,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A message: its type and payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Message {
    Registered(Welcome),
    PasswordReset(Reset),
    PasswordChanged(PasswordChange),
    EmailVerification(EmailToken),
    EmailChangeRequested(EmailChange),
    EmailChanged(EmailChange),
    OrderCreated(OrderSummary),
    PaymentFailed(PaymentProblem),
    OrderConfirmed(OrderSummary),
    Shipped(Shipped),
    Delivered(Delivered),
    ParcelReturned(ParcelReturned),
    Cancelled(Cancelled),
    PartCancelled(PartCancelled),
    Refunded(Refunded),
    ReturnApproved(ReturnLabelNews),
    ReturnRejected(ReturnRejection),
    ReturnRefunded(ReturnRefund),
    ReviewPublished(ReviewNews),
    ReviewAnswered(ReviewNews),
    BackInStock(BackInStock),
    CartAbandoned(CartLeft),
    SellerApproved(SellerNews),
    SellerRejected(SellerNews),
    SellerSuspended(SellerNews),
    SellerReinstated(SellerNews),
    NewSale(Sale),
    SaleCancelled(SaleEnded),
    SaleParcelReturned(SaleEnded),
    PayoutPaid(PayoutNews),
    PayoutFailed(PayoutNews),
    PayoutAccountChanged(PayoutAccountChange),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reset {
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChange {
    /// Whether a reset mail set it, and not the old password.
    pub by_reset: bool,
    pub changed_at: Timestamp,
}

/// A link to verify the address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailToken {
    pub expires_at: Timestamp,
    /// Whether the account has another address until then.
    pub is_change: bool,
}

/// The message to the former address: it does not name the new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailChange {
    /// When it was asked for, or took effect.
    pub occurred_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    pub order_id: OrderId,
    pub order_number: String,
    pub currency: Currency,
    pub items: Vec<Line>,
    pub subtotal_amount: i64,
    pub shipping_amount: i64,
    pub tax_amount: i64,
    /// Whether the tax is contained in the other amounts.
    #[serde(default)]
    pub prices_include_tax: bool,
    pub discount_amount: i64,
    pub total_amount: i64,
    pub shipping_address_snapshot: AddressSnapshot,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub sku: String,
    pub title_snapshot: String,
    pub unit_price_snapshot: i64,
    pub quantity: u32,
    pub line_total_amount: i64,
}

impl From<OrderItem> for Line {
    fn from(item: OrderItem) -> Line {
        let OrderItem { sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount, .. } = item;
        Line { sku, title_snapshot, unit_price_snapshot, quantity, line_total_amount }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentProblem {
    pub order_id: OrderId,
    pub order_number: String,
    pub currency: Currency,
    pub total_amount: i64,
    pub failure: Failure,
    pub payable_until: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipped {
    pub order_id: OrderId,
    pub order_number: String,
    #[serde(flatten)]
    pub parcel: Parcel,
    pub carrier: String,
    pub tracking_number: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    pub order_id: OrderId,
    pub order_number: String,
    #[serde(flatten)]
    pub parcel: Parcel,
}

/// What is in a parcel. Events and messages from before fulfilments say nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parcel {
    pub shipment_id: Option<ShipmentId>,
    pub items: Vec<Line>,
    /// Whether the order has other parts, which have parcels of their own.
    pub is_part: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParcelReturned {
    pub order_id: OrderId,
    pub order_number: String,
    pub carrier: String,
    pub tracking_number: String,
    /// Whether the money was given back before the parcel came.
    pub is_refunded: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancelled {
    pub order_id: OrderId,
    pub order_number: String,
    pub reason: CancelReason,
    /// The text of the customer or the administrator.
    pub note: Option<String>,
    pub currency: Currency,
    pub total_amount: i64,
    /// Whether a refund is due.
    pub refund_due: bool,
    /// Whether the lines return to the cart.
    pub lines_return: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartCancelled {
    pub order_id: OrderId,
    pub order_number: String,
    pub fulfilment_id: FulfilmentId,
    /// Empty and null when only the refund announced it.
    pub items: Vec<Line>,
    pub reason: Option<CancelReason>,
    /// The text of the one who cancelled it.
    pub note: Option<String>,
    pub currency: Currency,
    /// What is given back.
    pub refund_amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refunded {
    pub order_id: OrderId,
    pub order_number: String,
    pub currency: Currency,
    /// The amount of this refund.
    pub amount: i64,
    /// The amount refunded so far.
    pub refunded_amount: i64,
    pub in_full: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnLabelNews {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub order_number: String,
    pub carrier: String,
    pub tracking_number: String,
    /// Until when the goods have to be sent; null when they are back already.
    pub send_until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnRejection {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub order_number: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnRefund {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub order_number: String,
    pub currency: Currency,
    pub refunded_amount: i64,
}

/// What happened to a review of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewNews {
    pub review_id: ReviewId,
    pub product_id: ProductId,
    pub title_snapshot: String,
}

/// A product that the user waited for can be bought again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackInStock {
    pub product_id: ProductId,
    pub title_snapshot: String,
}

/// What is in a cart that its customer left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartLeft {
    pub cart_id: CartId,
    pub items: Vec<CartReminderItem>,
    /// How many lines the cart has; `items` may be fewer.
    pub item_count: u32,
}

impl Message {
    #[must_use]
    pub fn kind(&self) -> NotificationType {
        match self {
            Message::Registered(_) => NotificationType::Registered,
            Message::PasswordReset(_) => NotificationType::PasswordReset,
            Message::PasswordChanged(_) => NotificationType::PasswordChanged,
            Message::EmailVerification(_) => NotificationType::EmailVerification,
            Message::EmailChangeRequested(_) => NotificationType::EmailChangeRequested,
            Message::EmailChanged(_) => NotificationType::EmailChanged,
            Message::OrderCreated(_) => NotificationType::OrderCreated,
            Message::PaymentFailed(_) => NotificationType::PaymentFailed,
            Message::OrderConfirmed(_) => NotificationType::OrderConfirmed,
            Message::Shipped(_) => NotificationType::Shipped,
            Message::Delivered(_) => NotificationType::Delivered,
            Message::ParcelReturned(_) => NotificationType::ParcelReturned,
            Message::Cancelled(_) => NotificationType::Cancelled,
            Message::PartCancelled(_) => NotificationType::PartCancelled,
            Message::Refunded(_) => NotificationType::Refunded,
            Message::ReturnApproved(_) => NotificationType::ReturnApproved,
            Message::ReturnRejected(_) => NotificationType::ReturnRejected,
            Message::ReturnRefunded(_) => NotificationType::ReturnRefunded,
            Message::ReviewPublished(_) => NotificationType::ReviewPublished,
            Message::ReviewAnswered(_) => NotificationType::ReviewAnswered,
            Message::BackInStock(_) => NotificationType::BackInStock,
            Message::CartAbandoned(_) => NotificationType::CartAbandoned,
            Message::SellerApproved(_) => NotificationType::SellerApproved,
            Message::SellerRejected(_) => NotificationType::SellerRejected,
            Message::SellerSuspended(_) => NotificationType::SellerSuspended,
            Message::SellerReinstated(_) => NotificationType::SellerReinstated,
            Message::NewSale(_) => NotificationType::NewSale,
            Message::SaleCancelled(_) => NotificationType::SaleCancelled,
            Message::SaleParcelReturned(_) => NotificationType::SaleParcelReturned,
            Message::PayoutPaid(_) => NotificationType::PayoutPaid,
            Message::PayoutFailed(_) => NotificationType::PayoutFailed,
            Message::PayoutAccountChanged(_) => NotificationType::PayoutAccountChanged,
        }
    }

    /// Returns the order of the message, if it has one.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Message::Registered(_) | Message::PasswordReset(_) | Message::PasswordChanged(_) => None,
            Message::EmailVerification(_) | Message::EmailChangeRequested(_) | Message::EmailChanged(_) => None,
            Message::ReviewPublished(_) | Message::ReviewAnswered(_) | Message::BackInStock(_) | Message::CartAbandoned(_) => None,
            Message::SellerApproved(_) | Message::SellerRejected(_) | Message::SellerSuspended(_) | Message::SellerReinstated(_) => None,
            Message::PayoutPaid(_) | Message::PayoutFailed(_) | Message::PayoutAccountChanged(_) => None,
            Message::OrderCreated(order) | Message::OrderConfirmed(order) => Some(order.order_id),
            Message::PaymentFailed(problem) => Some(problem.order_id),
            Message::Shipped(shipped) => Some(shipped.order_id),
            Message::Delivered(delivered) => Some(delivered.order_id),
            Message::ParcelReturned(returned) => Some(returned.order_id),
            Message::Cancelled(cancelled) => Some(cancelled.order_id),
            Message::PartCancelled(cancelled) => Some(cancelled.order_id),
            Message::Refunded(refunded) => Some(refunded.order_id),
            Message::ReturnApproved(label) => Some(label.order_id),
            Message::ReturnRejected(rejection) => Some(rejection.order_id),
            Message::ReturnRefunded(refund) => Some(refund.order_id),
            Message::NewSale(sale) => Some(sale.order_id),
            Message::SaleCancelled(ended) | Message::SaleParcelReturned(ended) => Some(ended.order_id),
        }
    }

    /// Returns what a user gets one message of this type about, when several events may announce it.
    #[must_use]
    pub fn subject_id(&self) -> Option<Uuid> {
        match self {
            Message::Shipped(Shipped { parcel, .. }) | Message::Delivered(Delivered { parcel, .. }) => parcel.shipment_id.map(|id| id.0),
            Message::PartCancelled(cancelled) => Some(cancelled.fulfilment_id.0),
            _ => None,
        }
    }

    /// Returns the payload without the type, which has its own column.
    ///
    /// # Panics
    /// Never: payloads have text keys and finite numbers.
    #[must_use]
    pub fn payload(&self) -> Value {
        serde_json::to_value(self).expect("a payload has text keys and finite numbers")["payload"].take()
    }

    /// Reads the message of a [`payload`](Self::payload).
    ///
    /// # Errors
    /// When the payload is not of that type.
    pub fn read(kind: NotificationType, payload: &Value) -> serde_json::Result<Message> {
        serde_json::from_value(json!({ "type": kind, "payload": payload }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use contracts::problem::Code;

    pub(crate) fn address() -> AddressSnapshot {
        AddressSnapshot {
            country: "DE".into(),
            state: String::new(),
            city: "Berlin".into(),
            zip: "10115".into(),
            street: "Invalidenstraße".into(),
            number: "1".into(),
            complement: String::new(),
            ..AddressSnapshot::default()
        }
    }

    /// One message of each type.
    pub(crate) fn samples() -> Vec<Message> {
        let (order_id, order_number, currency) = (OrderId(Uuid::from_u128(7)), "SK-7".to_owned(), Currency::EUR);
        let line = Line {
            sku: "LAMP-1".into(),
            title_snapshot: "Lamp <b>bold</b> & \"bright\"".into(),
            unit_price_snapshot: 1_250,
            quantity: 2,
            line_total_amount: 2_500,
        };
        let order = OrderSummary {
            order_id,
            order_number: order_number.clone(),
            currency,
            items: vec![line.clone()],
            subtotal_amount: 2_500,
            shipping_amount: 490,
            tax_amount: 475,
            prices_include_tax: false,
            discount_amount: 100,
            total_amount: 3_365,
            shipping_address_snapshot: address(),
        };
        let return_id = ReturnId(Uuid::from_u128(10));
        let parcel = Parcel { shipment_id: Some(ShipmentId(Uuid::from_u128(11))), items: vec![line.clone()], is_part: true };
        let review = ReviewNews {
            review_id: ReviewId(Uuid::from_u128(8)),
            product_id: ProductId(Uuid::from_u128(9)),
            title_snapshot: "Lamp <b>bold</b>".into(),
        };
        let expires_at = Timestamp(1_767_229_200_000_000);
        vec![
            Message::Registered(Welcome { name: "Mara".into() }),
            Message::PasswordReset(Reset { expires_at }),
            Message::OrderCreated(order.clone()),
            Message::PaymentFailed(PaymentProblem {
                order_id,
                order_number: order_number.clone(),
                currency,
                total_amount: 3_365,
                failure: Code::PAYMENT_DECLINED.into(),
                payable_until: expires_at,
            }),
            Message::OrderConfirmed(order),
            Message::Shipped(Shipped {
                order_id,
                order_number: order_number.clone(),
                parcel: parcel.clone(),
                carrier: "MOCK".into(),
                tracking_number: "T-1".into(),
            }),
            Message::Delivered(Delivered { order_id, order_number: order_number.clone(), parcel }),
            Message::ParcelReturned(ParcelReturned {
                order_id,
                order_number: order_number.clone(),
                carrier: "MOCK".into(),
                tracking_number: "T-1".into(),
                is_refunded: false,
            }),
            Message::Cancelled(Cancelled {
                order_id,
                order_number: order_number.clone(),
                reason: CancelReason::OutOfStock,
                note: None,
                currency,
                total_amount: 3_365,
                refund_due: true,
                lines_return: true,
            }),
            Message::Refunded(Refunded { order_id, order_number, currency, amount: 1_000, refunded_amount: 1_000, in_full: false }),
            Message::PasswordChanged(PasswordChange { by_reset: false, changed_at: expires_at }),
            Message::EmailVerification(EmailToken { expires_at, is_change: false }),
            Message::EmailChangeRequested(EmailChange { occurred_at: expires_at }),
            Message::EmailChanged(EmailChange { occurred_at: expires_at }),
            Message::ReturnApproved(ReturnLabelNews {
                return_id,
                order_id,
                order_number: "SK-7".into(),
                carrier: "MOCK".into(),
                tracking_number: "MOCK-R7".into(),
                send_until: Some(expires_at),
            }),
            Message::ReturnRejected(ReturnRejection { return_id, order_id, order_number: "SK-7".into(), reason: "It was used.".into() }),
            Message::ReturnRefunded(ReturnRefund { return_id, order_id, order_number: "SK-7".into(), currency, refunded_amount: 1_000 }),
            Message::ReviewPublished(review.clone()),
            Message::ReviewAnswered(review),
            Message::CartAbandoned(CartLeft {
                cart_id: CartId(Uuid::from_u128(16)),
                items: vec![CartReminderItem {
                    product_id: ProductId(Uuid::from_u128(9)),
                    sku: "LAMP-1".into(),
                    title_snapshot: "Lamp <b>bold</b>".into(),
                    quantity: 2,
                }],
                item_count: 2,
            }),
            Message::BackInStock(BackInStock { product_id: ProductId(Uuid::from_u128(9)), title_snapshot: "Lamp <b>bold</b>".into() }),
            Message::PartCancelled(PartCancelled {
                order_id,
                order_number: "SK-7".into(),
                fulfilment_id: FulfilmentId(Uuid::from_u128(12)),
                items: vec![line.clone()],
                reason: Some(CancelReason::SellerRequest),
                note: None,
                currency,
                refund_amount: 2_990,
            }),
        ]
        .into_iter()
        .chain(seller_messages::tests::samples(order_id, &line))
        .collect()
    }

    #[test]
    fn every_payload_can_be_read_again() {
        let kinds: Vec<_> = samples().iter().map(Message::kind).collect();
        assert_eq!(kinds.len(), NotificationType::ALL.len());
        assert!(NotificationType::ALL.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
        for message in samples() {
            assert_eq!(Message::read(message.kind(), &message.payload()).unwrap(), message);
            assert_eq!(serde_json::to_value(&message).unwrap()["type"], message.kind().as_str());
        }
    }
}
