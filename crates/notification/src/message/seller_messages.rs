//! The payloads of messages to sellers. Of the customer they have no more than the seller's view of a fulfilment, and neither
//! name nor address.

use super::Line;
use contracts::{
    ids::{FulfilmentId, OrderId, PayoutId, UserId},
    money::Currency,
    order::CancelReason,
    payout::PayoutFailure,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A decision about the record of a seller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SellerNews {
    pub seller_id: UserId,
    /// The text of the administrator.
    pub reason: Option<String>,
}

/// A fulfilment that has to be shipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sale {
    pub fulfilment_id: FulfilmentId,
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
}

/// A fulfilment that was cancelled, or whose parcel came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SaleEnded {
    pub fulfilment_id: FulfilmentId,
    pub order_id: OrderId,
    pub order_number: String,
    pub items: Vec<Line>,
    /// Why it was cancelled; null when the parcel came back.
    pub reason: Option<CancelReason>,
    /// The number on the parcel that came back; null when it was cancelled.
    pub tracking_number: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayoutNews {
    pub payout_id: PayoutId,
    pub amount: i64,
    pub currency: Currency,
    /// Null when it was paid.
    pub failure: Option<PayoutFailure>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayoutAccountChange {
    pub changed_at: Timestamp,
    pub payouts_held_until: Timestamp,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::message::Message;
    use contracts::ids::Uuid;

    pub(in crate::message) fn samples(order_id: OrderId, line: &Line) -> Vec<Message> {
        let fulfilment_id = FulfilmentId(Uuid::from_u128(13));
        let (order_number, items) = ("SK-7".to_owned(), vec![line.clone()]);
        let news = |reason: Option<&str>| SellerNews { seller_id: UserId(Uuid::from_u128(14)), reason: reason.map(str::to_owned) };
        let payout = |failure| PayoutNews { payout_id: PayoutId(Uuid::from_u128(15)), amount: 12_345, currency: Currency::EUR, failure };
        let ended = |reason, tracking_number: Option<&str>| SaleEnded {
            fulfilment_id,
            order_id,
            order_number: order_number.clone(),
            items: items.clone(),
            reason,
            tracking_number: tracking_number.map(str::to_owned),
        };
        vec![
            Message::SellerApproved(news(None)),
            Message::SellerRejected(news(Some("see www.bait.example"))),
            Message::SellerSuspended(news(Some("see www.bait.example"))),
            Message::SellerReinstated(news(None)),
            Message::NewSale(Sale {
                fulfilment_id,
                order_id,
                order_number: order_number.clone(),
                currency: Currency::EUR,
                items: items.clone(),
                subtotal_amount: 2_500,
                shipping_amount: 490,
                tax_amount: 0,
                prices_include_tax: false,
                discount_amount: 100,
                total_amount: 2_890,
            }),
            Message::SaleCancelled(ended(Some(CancelReason::CustomerRequest), None)),
            Message::SaleParcelReturned(ended(None, Some("T-1"))),
            Message::PayoutPaid(payout(None)),
            Message::PayoutFailed(payout(Some(PayoutFailure::Refused))),
            Message::PayoutAccountChanged(PayoutAccountChange {
                changed_at: Timestamp(1_767_229_200_000_000),
                payouts_held_until: Timestamp(1_767_488_400_000_000),
            }),
        ]
    }
}
