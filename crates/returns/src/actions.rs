//! What can be done with returns, each in one transaction.

use crate::{
    App, Error,
    domain::{ReturnRecord, TakenLine, mock_label, take_lines},
    store,
};
use contracts::{
    ids::{FulfilmentId, OrderId, ReturnId, UserId},
    returns::{
        ReceiveReturn, RejectReturn, RequestReturn, Return, ReturnApproved, ReturnCancelled, ReturnClosed, ReturnFact, ReturnReason,
        ReturnReceived, ReturnRefunded, ReturnRejected, ReturnRequested, ReturnSent, ReturnStatus,
    },
};
use platform::{
    db::{Db, Tx},
    http::{Created, Idempotent, Json, MaybeIdempotencyKey, Problem},
};
use std::time::Duration;

/// The worker that closes returns.
pub const CLOSING: &str = "closing";

/// Asks for the return of delivered goods.
///
/// # Errors
/// `NOT_FOUND` for another customer's order, `NOT_DELIVERED`, `RETURN_WINDOW_CLOSED`, `RETURN_TOO_LARGE`; `INVALID_REQUEST` for
/// an item of another order or another seller and for one that is listed twice.
pub async fn request_return(
    app: &App,
    customer: UserId,
    order: OrderId,
    key: MaybeIdempotencyKey,
    body: RequestReturn,
) -> Result<Idempotent<Created<Return>>, Problem> {
    let window = app.settings.window();
    app.ctx
        .db
        .write(async move |tx| {
            let body = body.clone();
            key.clone()
                .about(order)
                .once(tx, async move |tx| -> Result<_, Error> {
                    if !store::is_order_of(tx, order, customer).await? {
                        return Err(Error::NotFound);
                    }
                    let mut items = store::lock_items(tx, order).await?;
                    if items.is_empty() {
                        return Err(Error::NotDelivered);
                    }
                    let taken = take_lines(&body.lines, &mut items, tx.now().before(window))?;
                    let lines = taken.into_iter().zip(body.lines.iter()).map(|((at, units, share), line)| TakenLine {
                        item: &items[at],
                        units,
                        share,
                        reason: line.reason,
                        note: line.note.as_ref().map(ToString::to_string),
                    });
                    let record = ReturnRecord::request(tx.new_id(), false, lines.collect(), tx.now()).ok_or(Error::NotFound)?;
                    store::save_items(tx, &items).await?;
                    store::insert(tx, &record).await?;
                    emit_requested(tx, &record);
                    Ok(Created::at(format!("/returns/{}", record.return_id), record.view()))
                })
                .await
        })
        .await
}

fn emit_requested(tx: &mut Tx, record: &ReturnRecord) {
    tx.emit(ReturnRequested {
        return_id: record.return_id,
        order_id: record.order_id,
        order_number: record.order_number.clone(),
        fulfilment_id: record.fulfilment_id,
        user_id: record.user_id,
        seller_id: record.seller_id,
        by_carrier: record.by_carrier,
        currency: record.currency,
        refund_amount: record.refund_amount,
    });
}

/// Opens a return for a parcel that the carrier brought back: for all units of it that are in no other return. The goods are on
/// their way at once.
///
/// # Errors
/// Those of the database.
pub async fn open_for_parcel(tx: &mut Tx, fulfilment: FulfilmentId) -> Result<(), Error> {
    let mut items = store::lock_items_of(tx, fulfilment).await?;
    let mut taken = Vec::new();
    for item in &mut items {
        let left = item.quantity - item.taken_quantity;
        if let (1.., Ok(share)) = (left, item.take(left)) {
            taken.push((item.order_item_id, left, share));
        }
    }
    let lines = taken.into_iter().filter_map(|(id, units, share)| {
        let item = items.iter().find(|item| item.order_item_id == id)?;
        Some(TakenLine { item, units, share, reason: ReturnReason::Other, note: None })
    });
    let Some(mut record) = ReturnRecord::request(tx.new_id(), true, lines.collect(), tx.now()) else { return Ok(()) };
    store::save_items(tx, &items).await?;
    store::insert(tx, &record).await?;
    emit_requested(tx, &record);
    approve(tx, &mut record, None)?;
    send(tx, &mut record)?;
    Ok(store::save(tx, &record).await?)
}

fn approve(tx: &mut Tx, record: &mut ReturnRecord, shipping_time: Option<Duration>) -> Result<(), Error> {
    record.apply(ReturnFact::Approved, tx.now())?;
    record.send_until = shipping_time.map(|time| tx.now().after(time));
    record.due_at = record.send_until;
    let label = mock_label(record.return_id);
    record.label = Some(label.clone());
    tx.emit(ReturnApproved {
        return_id: record.return_id,
        order_id: record.order_id,
        order_number: record.order_number.clone(),
        user_id: record.user_id,
        seller_id: record.seller_id,
        carrier: label.carrier,
        tracking_number: label.tracking_number,
        send_until: record.send_until,
    });
    Ok(())
}

fn send(tx: &mut Tx, record: &mut ReturnRecord) -> Result<(), Error> {
    record.apply(ReturnFact::Sent, tx.now())?;
    let ReturnRecord { return_id, order_id, user_id, seller_id, .. } = *record;
    tx.emit(ReturnSent { return_id, order_id, user_id, seller_id });
    Ok(())
}

/// Who may change a return.
#[derive(Debug, Clone, Copy)]
pub enum Actor {
    /// The customer who asked for it.
    Customer(UserId),
    /// The seller of the goods.
    Seller(UserId),
    Admin,
}

async fn lock_for(tx: &mut Tx, actor: Actor, id: ReturnId) -> Result<ReturnRecord, Error> {
    let is_own = |record: &ReturnRecord| match actor {
        Actor::Customer(user) => record.user_id == user,
        Actor::Seller(seller) => record.seller_id == Some(seller),
        Actor::Admin => true,
    };
    store::lock(tx, id).await?.filter(is_own).ok_or(Error::NotFound)
}

/// What is done with a return.
#[derive(Debug, Clone)]
pub enum Command {
    Cancel,
    Approve,
    Reject(RejectReturn),
    Send,
    Receive(ReceiveReturn),
}

/// Carries out a command.
///
/// # Errors
/// `NOT_FOUND` for a return that the actor does not see, `ILLEGAL_TRANSITION`; `INVALID_REQUEST` for received units that are not
/// expected.
pub async fn carry_out(
    app: &App,
    actor: Actor,
    id: ReturnId,
    key: MaybeIdempotencyKey,
    command: Command,
) -> Result<Idempotent<Json<Return>>, Problem> {
    let shipping_time = app.settings.shipping_time();
    app.ctx
        .db
        .write(async move |tx| {
            let command = command.clone();
            key.clone()
                .about(id)
                .once(tx, async move |tx| -> Result<_, Error> {
                    let mut record = lock_for(tx, actor, id).await?;
                    match command {
                        Command::Cancel => cancel(tx, &mut record).await?,
                        Command::Approve => {
                            approve(tx, &mut record, Some(shipping_time))?;
                            tx.notify_worker(CLOSING);
                        }
                        Command::Reject(body) => reject(tx, &mut record, body).await?,
                        Command::Send => send(tx, &mut record)?,
                        Command::Receive(body) => receive(tx, &mut record, &body).await?,
                    }
                    store::save(tx, &record).await?;
                    Ok(Json(record.view()))
                })
                .await
        })
        .await
}

async fn release_units(tx: &mut Tx, record: &ReturnRecord) -> Result<(), Error> {
    let mut items = store::lock_items_of(tx, record.fulfilment_id).await?;
    record.release_units(&mut items);
    Ok(store::save_items(tx, &items).await?)
}

async fn cancel(tx: &mut Tx, record: &mut ReturnRecord) -> Result<(), Error> {
    record.apply(ReturnFact::Cancelled, tx.now())?;
    release_units(tx, record).await?;
    let ReturnRecord { return_id, order_id, user_id, seller_id, .. } = *record;
    tx.emit(ReturnCancelled { return_id, order_id, user_id, seller_id });
    Ok(())
}

async fn reject(tx: &mut Tx, record: &mut ReturnRecord, body: RejectReturn) -> Result<(), Error> {
    record.apply(ReturnFact::Rejected, tx.now())?;
    release_units(tx, record).await?;
    let reason = body.reason.into_string();
    record.rejection = Some(reason.clone());
    let (order_number, ReturnRecord { return_id, order_id, user_id, seller_id, .. }) = (record.order_number.clone(), &*record);
    tx.emit(ReturnRejected { return_id: *return_id, order_id: *order_id, order_number, user_id: *user_id, seller_id: *seller_id, reason });
    Ok(())
}

async fn receive(tx: &mut Tx, record: &mut ReturnRecord, body: &ReceiveReturn) -> Result<(), Error> {
    let mut items = store::lock_items_of(tx, record.fulfilment_id).await?;
    let came_back = record.receive(&body.lines, &mut items, tx.now())?;
    store::save_items(tx, &items).await?;
    tx.emit(ReturnReceived {
        return_id: record.return_id,
        order_id: record.order_id,
        order_number: record.order_number.clone(),
        fulfilment_id: record.fulfilment_id,
        user_id: record.user_id,
        seller_id: record.seller_id,
        currency: record.currency,
        items: came_back,
        refund_amount: record.refund_amount,
    });
    if record.refund_amount == 0 {
        record.apply(ReturnFact::NothingOwed, tx.now())?;
        emit_closed(tx, record, false);
    }
    Ok(())
}

fn emit_closed(tx: &mut Tx, record: &ReturnRecord, not_sent: bool) {
    let ReturnRecord { return_id, order_id, user_id, seller_id, .. } = *record;
    tx.emit(ReturnClosed { return_id, order_id, user_id, seller_id, not_sent });
}

/// Records that the money of a received return went back. One that is not waiting for money stays as it is.
///
/// # Errors
/// Those of the database.
pub async fn refunded(tx: &mut Tx, record: &mut ReturnRecord, amount: i64, closed_after: Duration) -> Result<(), Error> {
    if record.status != ReturnStatus::Received {
        return Ok(());
    }
    record.apply(ReturnFact::Refunded, tx.now())?;
    record.refunded_amount = Some(amount);
    record.due_at = Some(tx.now().after(closed_after));
    store::save(tx, record).await?;
    tx.emit(ReturnRefunded {
        return_id: record.return_id,
        order_id: record.order_id,
        order_number: record.order_number.clone(),
        user_id: record.user_id,
        seller_id: record.seller_id,
        currency: record.currency,
        refunded_amount: amount,
    });
    tx.notify_worker(CLOSING);
    Ok(())
}

/// Closes a return whose time is over: its goods were not sent, or its money went back some time ago.
///
/// # Errors
/// Those of the database.
pub async fn close_overdue(db: &Db, id: ReturnId) -> Result<(), Error> {
    db.write(async move |tx| {
        let Some(mut record) = store::lock(tx, id).await? else { return Ok(()) };
        if record.due_at.is_none_or(|due_at| due_at > tx.now()) {
            return Ok(());
        }
        let not_sent = record.status == ReturnStatus::Approved;
        record.apply(if not_sent { ReturnFact::NotSent } else { ReturnFact::Settled }, tx.now())?;
        if not_sent {
            release_units(tx, &record).await?;
        }
        store::save(tx, &record).await?;
        emit_closed(tx, &record, not_sent);
        Ok(())
    })
    .await
}
