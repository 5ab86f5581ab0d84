use super::{Outcome, expire_if_overdue, record};
use crate::{
    App, Error,
    domain::{self, Change, Line, Reservation},
    store,
    workers::Expiry,
};
use contracts::{
    ids::OrderId,
    inventory::{self, ReservationStatus, Reserve, ReserveLine, StockChangeReason, StockReservationFailed, StockReserved},
};
use platform::{
    db::Tx,
    due::DueBatch as _,
    http::{Created, IdempotencyKey, Idempotent, Problem, body::Faults},
};
use std::{collections::HashMap, time::Duration};

/// A request with its lines in the order in which stock is locked.
struct Request {
    order_id: OrderId,
    lines: Vec<ReserveLine>,
    ttl: Duration,
}

/// Reserves units for an order: all lines or none. Returns the existing reservation when the order holds the same units
/// already.
///
/// # Errors
/// `INSUFFICIENT_STOCK` with the lines that are short, which is also emitted; `ILLEGAL_TRANSITION` when the order holds
/// other units or has bought its units; 422 when two lines have one SKU.
pub async fn reserve(app: &App, key: IdempotencyKey, body: Reserve) -> Result<Idempotent<Created<inventory::Reservation>>, Problem> {
    let request = parse(app, body)?;
    let answer = app.ctx.db.write(async move |tx| {
        key.once(tx, async |tx| -> Result<_, Error> {
            let mut attempt = new_reservation(tx, &request);
            match tx.savepoint(async |tx| reserve_all_lines(tx, &mut attempt, &request).await).await {
                Ok(()) => {
                    Ok(Outcome::Done(Created::at(format!("/inventory/reservations/{}", attempt.reservation_id), attempt.into_view())))
                }
                Err(Error::Insufficient(shortages)) => {
                    let (reservation_id, order_id) = (attempt.reservation_id, request.order_id);
                    tx.emit(StockReservationFailed { reservation_id, order_id, shortages: shortages.clone() });
                    Ok(Outcome::Refused(Error::Insufficient(shortages).into()))
                }
                Err(error) => Err(error),
            }
        })
        .await
    });
    answer.await.map(Outcome::into_idempotent)
}

fn parse(app: &App, body: Reserve) -> Result<Request, Problem> {
    let lines = domain::in_sku_order(body.lines.into_vec()).map_err(|repeated| {
        let mut faults = Faults::default();
        for at in repeated {
            faults.at(format!("/lines/{at}/sku"), "DUPLICATE", "is in an earlier line");
        }
        faults.check().err().unwrap_or_else(|| Problem::invalid(Vec::new()))
    })?;
    let seconds = body.ttl_seconds.unwrap_or(app.settings.reservation_ttl_seconds).get();
    Ok(Request { order_id: body.order_id, lines, ttl: Duration::from_secs(seconds.unsigned_abs()) })
}

fn new_reservation(tx: &Tx, request: &Request) -> Reservation {
    Reservation {
        reservation_id: tx.new_id(),
        order_id: request.order_id,
        status: ReservationStatus::Active,
        lines: Vec::with_capacity(request.lines.len()),
        expires_at: tx.now().after(request.ttl),
        returned_at: None,
        created_at: tx.now(),
    }
}

/// Takes the units of every line, or fails; the savepoint of the caller then rolls back.
async fn reserve_all_lines(tx: &mut Tx, reservation: &mut Reservation, request: &Request) -> Result<(), Error> {
    while !store::reservations::insert(tx, reservation).await? {
        // Another request may end the reservation of the order before it is locked here.
        let Some(mut live) = store::reservations::lock_live(tx, request.order_id).await? else { continue };
        expire_if_overdue(tx, &mut live).await?;
        match live.status {
            ReservationStatus::Active if live.holds(&request.lines) => {
                *reservation = live;
                return Ok(());
            }
            ReservationStatus::Expired => {}
            _ => return Err(Error::AlreadyReserved(live.reservation_id)),
        }
    }
    take_units(tx, reservation, &request.lines).await?;
    tx.emit(StockReserved {
        reservation_id: reservation.reservation_id,
        order_id: reservation.order_id,
        lines: reservation.units(),
        expires_at: reservation.expires_at,
    });
    if request.ttl < Expiry::PERIOD {
        tx.notify_worker(Expiry::NAME);
    }
    Ok(())
}

async fn take_units(tx: &mut Tx, reservation: &mut Reservation, lines: &[ReserveLine]) -> Result<(), Error> {
    let mut short = Vec::new();
    for ReserveLine { sku, quantity } in lines {
        let change = Change::of(StockChangeReason::Reserved, i64::from(quantity.get()));
        let Some(stock) = store::stock::try_move_units(tx, sku, change).await? else {
            short.push(ReserveLine { sku: sku.clone(), quantity: *quantity });
            continue;
        };
        if short.is_empty() {
            let line = Line {
                reservation_line_id: tx.new_id(),
                stock_item_id: stock.stock_item_id,
                sku: sku.as_str().to_owned(),
                quantity: quantity.get(),
                returned_quantity: 0,
            };
            store::reservations::insert_line(tx, reservation.reservation_id, &line).await?;
            record(tx, &stock, change, Some(reservation.reservation_id), None).await?;
            reservation.lines.push(line);
        }
    }
    if short.is_empty() { Ok(()) } else { Err(Error::Insufficient(find_shortages(tx, &short).await?)) }
}

/// Returns the shortages of the short lines. This transaction did not change their rows, so they show the available
/// units.
async fn find_shortages(tx: &mut Tx, short: &[ReserveLine]) -> Result<Vec<inventory::Shortage>, Error> {
    let skus: Vec<String> = short.iter().map(|line| line.sku.as_str().to_owned()).collect();
    let found = store::stock::find_stocks(tx, &skus).await?;
    let available: HashMap<String, i64> = found.into_iter().map(|stock| (stock.sku, stock.available_qty)).collect();
    Ok(domain::shortages(short, &available))
}
