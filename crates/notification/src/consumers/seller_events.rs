//! Messages to sellers, and to the customer whose seller cancels a part of an order.

use super::NewMessage;
use crate::message::{Message, PartCancelled, PayoutAccountChange, PayoutNews, Sale, SaleEnded, SellerNews};
use contracts::{
    order::{FulfilmentCancelled, FulfilmentConfirmed, FulfilmentReturned},
    payout::{PayoutFailed, PayoutPaid},
    seller::{SellerApproved, SellerPayoutAccountChanged, SellerReinstated, SellerRejected, SellerSuspended},
};
use platform::{
    db::{Error, Tx},
    inbox::{Consumers, Received},
};

pub fn add(consumers: Consumers) -> Consumers {
    consumers
        .on::<SellerApproved, _, _>(seller_approved)
        .on::<SellerRejected, _, _>(seller_rejected)
        .on::<SellerSuspended, _, _>(seller_suspended)
        .on::<SellerReinstated, _, _>(seller_reinstated)
        .on::<SellerPayoutAccountChanged, _, _>(payout_account_changed)
        .on::<FulfilmentConfirmed, _, _>(fulfilment_confirmed)
        .on::<FulfilmentCancelled, _, _>(fulfilment_cancelled)
        .on::<FulfilmentReturned, _, _>(fulfilment_returned)
        .on::<PayoutPaid, _, _>(payout_paid)
        .on::<PayoutFailed, _, _>(payout_failed)
}

/// A seller without an approver sold before there were applications and waited for no decision.
async fn seller_approved(tx: &mut Tx, received: Received<SellerApproved>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    if event.approved_by.is_none() {
        return Ok(());
    }
    let message = Message::SellerApproved(SellerNews { seller_id: event.seller_id, reason: None });
    NewMessage::of(event_id, event.seller_id, message).write(tx).await
}

async fn seller_rejected(tx: &mut Tx, received: Received<SellerRejected>) -> Result<(), Error> {
    let Received { event: SellerRejected { seller_id, reason, .. }, event_id, .. } = received;
    NewMessage::of(event_id, seller_id, Message::SellerRejected(SellerNews { seller_id, reason })).write(tx).await
}

async fn seller_suspended(tx: &mut Tx, received: Received<SellerSuspended>) -> Result<(), Error> {
    let Received { event: SellerSuspended { seller_id, reason, .. }, event_id, .. } = received;
    NewMessage::of(event_id, seller_id, Message::SellerSuspended(SellerNews { seller_id, reason })).write(tx).await
}

async fn seller_reinstated(tx: &mut Tx, received: Received<SellerReinstated>) -> Result<(), Error> {
    let Received { event: SellerReinstated { seller_id, .. }, event_id, .. } = received;
    NewMessage::of(event_id, seller_id, Message::SellerReinstated(SellerNews { seller_id, reason: None })).write(tx).await
}

async fn payout_account_changed(tx: &mut Tx, received: Received<SellerPayoutAccountChanged>) -> Result<(), Error> {
    let Received { event: SellerPayoutAccountChanged { seller_id, payouts_held_until }, event_id, occurred_at, .. } = received;
    let message = Message::PayoutAccountChanged(PayoutAccountChange { changed_at: occurred_at, payouts_held_until });
    NewMessage::of(event_id, seller_id, message).write(tx).await
}

async fn fulfilment_confirmed(tx: &mut Tx, received: Received<FulfilmentConfirmed>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let Some(seller_id) = event.seller_id else { return Ok(()) };
    let message = Message::NewSale(Sale {
        fulfilment_id: event.fulfilment_id,
        order_id: event.order_id,
        order_number: event.order_number,
        currency: event.currency,
        items: event.items.into_iter().map(Into::into).collect(),
        subtotal_amount: event.subtotal_amount,
        shipping_amount: event.shipping_amount,
        tax_amount: event.tax_amount,
        prices_include_tax: event.prices_include_tax,
        discount_amount: event.discount_amount,
        total_amount: event.total_amount,
    });
    NewMessage::of(event_id, seller_id, message).write(tx).await
}

/// The seller gets a message for every cancellation of a sale that was announced, the customer for one that leaves the rest of the order.
async fn fulfilment_cancelled(tx: &mut Tx, received: Received<FulfilmentCancelled>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    if !event.was_confirmed {
        return Ok(());
    }
    let FulfilmentCancelled { fulfilment_id, order_id, order_number, user_id, seller_id, reason, note, currency, refund_amount, .. } =
        event;
    let items: Vec<_> = event.items.into_iter().map(Into::into).collect();
    if let Some(seller_id) = seller_id {
        let (order_number, items) = (order_number.clone(), items.clone());
        let ended = SaleEnded { fulfilment_id, order_id, order_number, items, reason: Some(reason), tracking_number: None };
        NewMessage::of(event_id, seller_id, Message::SaleCancelled(ended)).write(tx).await?;
    }
    if event.with_order {
        return Ok(());
    }
    let reason = Some(reason);
    let part = PartCancelled { order_id, order_number, fulfilment_id, items, reason, note, currency, refund_amount };
    NewMessage::of(event_id, user_id, Message::PartCancelled(part)).write(tx).await
}

async fn fulfilment_returned(tx: &mut Tx, received: Received<FulfilmentReturned>) -> Result<(), Error> {
    let Received { event, event_id, .. } = received;
    let Some(seller_id) = event.seller_id else { return Ok(()) };
    let FulfilmentReturned { fulfilment_id, order_id, order_number, items, tracking_number, .. } = event;
    let items = items.into_iter().map(Into::into).collect();
    let ended = SaleEnded { fulfilment_id, order_id, order_number, items, reason: None, tracking_number: Some(tracking_number) };
    NewMessage::of(event_id, seller_id, Message::SaleParcelReturned(ended)).write(tx).await
}

async fn payout_paid(tx: &mut Tx, received: Received<PayoutPaid>) -> Result<(), Error> {
    let Received { event: PayoutPaid { payout_id, seller_id, amount, currency }, event_id, .. } = received;
    let message = Message::PayoutPaid(PayoutNews { payout_id, amount, currency, failure: None });
    NewMessage::of(event_id, seller_id, message).write(tx).await
}

async fn payout_failed(tx: &mut Tx, received: Received<PayoutFailed>) -> Result<(), Error> {
    let Received { event: PayoutFailed { payout_id, seller_id, amount, currency, failure }, event_id, .. } = received;
    let message = Message::PayoutFailed(PayoutNews { payout_id, amount, currency, failure: Some(failure) });
    NewMessage::of(event_id, seller_id, message).write(tx).await
}
