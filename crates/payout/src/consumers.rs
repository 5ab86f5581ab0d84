//! Entry point 2, events: those of fulfilments, of refunds, of returns and of sellers.

use crate::{actions::sales, domain::order::Fact, error::Error, settings::Settings, store::payout_rows};
use contracts::{
    order::{FulfilmentCancelled, FulfilmentConfirmed, FulfilmentDelivered, FulfilmentReturned},
    payment::PaymentRefunded,
    returns::{ReceivedItem, ReturnReceived},
    seller::{SellerPayoutAccountChanged, SellerReinstated, SellerSuspended},
};
use platform::{
    db::Tx,
    inbox::{Consumers, Received},
};
use std::{sync::Arc, time::Duration};

/// A sale becomes available `window` after its delivery.
pub fn all(settings: &Arc<Settings>, window: Duration) -> Consumers {
    let own = settings.clone();
    Consumers::new()
        .on::<FulfilmentConfirmed, _, _>(async move |tx: &mut Tx, event: Received<FulfilmentConfirmed>| {
            sales::record_sale(tx, &own, &event.event, event.occurred_at).await
        })
        .on::<FulfilmentDelivered, _, _>(async move |tx: &mut Tx, event: Received<FulfilmentDelivered>| {
            sales::schedule_release(tx, event.order_id, event.fulfilment_id, event.occurred_at.after(window)).await
        })
        // A return of the goods corrects the ledger. A parcel that came back without one is sold once the time for it is over.
        .on::<FulfilmentReturned, _, _>(async move |tx: &mut Tx, event: Received<FulfilmentReturned>| {
            sales::schedule_release(tx, event.order_id, event.fulfilment_id, event.occurred_at.after(window)).await
        })
        .on::<FulfilmentCancelled, _, _>(fulfilment_cancelled)
        .on::<ReturnReceived, _, _>(return_received)
        .on::<PaymentRefunded, _, _>(payment_refunded)
        .on::<SellerSuspended, _, _>(async |tx: &mut Tx, event: Received<SellerSuspended>| {
            payout_rows::set_suspended(tx, event.seller_id, true).await
        })
        .without_personal_fields::<SellerSuspended>()
        .on::<SellerReinstated, _, _>(async |tx: &mut Tx, event: Received<SellerReinstated>| {
            payout_rows::set_suspended(tx, event.seller_id, false).await
        })
        .on::<SellerPayoutAccountChanged, _, _>(async |tx: &mut Tx, event: Received<SellerPayoutAccountChanged>| {
            payout_rows::hold_until(tx, event.seller_id, event.payouts_held_until).await
        })
}

/// Reverses the sale of a part that was confirmed. One that was sold before there was a ledger has no sale.
async fn fulfilment_cancelled(tx: &mut Tx, event: Received<FulfilmentCancelled>) -> Result<(), Error> {
    let FulfilmentCancelled { fulfilment_id, order_id, refund_amount, was_confirmed, .. } = event.event;
    let is_known = was_confirmed && crate::store::sale_rows::find(tx, fulfilment_id).await?.is_some();
    if !is_known {
        return Ok(());
    }
    sales::apply(tx, order_id, Fact::Cancelled { fulfilment_id, refund_amount }).await
}

/// Takes the shares of units that came back from those who had them. The return of a sale that is not known yet waits for it; that of one
/// from before there was a ledger waits for ever.
async fn return_received(tx: &mut Tx, event: Received<ReturnReceived>) -> Result<(), Error> {
    let ReturnReceived { return_id, order_id, items, refund_amount, .. } = event.event;
    let units = |item: &ReceivedItem| i64::from(item.restocked_quantity) + i64::from(item.written_off_quantity);
    let lines = items.iter().map(|item| (item.order_item_id, units(item))).collect();
    sales::apply(tx, order_id, Fact::Returned { return_id: return_id.0, lines, refund_amount }).await
}

/// Books a refund without a cause of its own. The cancellation or the return that causes another one books it.
async fn payment_refunded(tx: &mut Tx, event: Received<PaymentRefunded>) -> Result<(), Error> {
    let PaymentRefunded { order_id, amount, captured_amount, in_full, cause_id, .. } = event.event;
    if cause_id.is_some() {
        return Ok(());
    }
    let refund_id = event.event_id.0;
    sales::apply(tx, order_id, Fact::Refunded { refund_id, amount, captured_amount, in_full }).await
}
