use super::{Outcome, record};
use crate::{
    App, Error,
    domain::{Change, ReservationCommand},
    store,
};
use contracts::{
    ids::ReservationId,
    inventory::{self, ReturnLines, StockChangeReason},
};
use platform::http::{IdempotencyKey, Idempotent, Json, Problem};

/// Puts units of a confirmed reservation back on sale, once for each cause: never more than were sold and not returned. A reservation
/// that was returned as a whole is left as it is.
///
/// # Errors
/// `ILLEGAL_TRANSITION` for a reservation that is not CONFIRMED, 404 for an unknown one.
pub async fn return_lines(
    app: &App,
    key: IdempotencyKey,
    id: ReservationId,
    body: ReturnLines,
) -> Result<Idempotent<Json<inventory::Reservation>>, Problem> {
    let answer = app.ctx.db.write(async move |tx| {
        key.once(tx, async |tx| -> Result<_, Error> {
            let mut reservation = store::reservations::lock_reservation(tx, id).await?.ok_or(Error::UnknownReservation)?;
            match reservation.reason_for(ReservationCommand::Return) {
                Ok(Some(reason)) if store::reservations::insert_return(tx, id, body.cause_id).await? => {
                    // The lines are in the order of their SKUs, the lock order of stock rows.
                    for (line, quantity) in reservation.return_units(&body.lines) {
                        store::reservations::save_line(tx, &line).await?;
                        let change = Change::of(reason, i64::from(quantity));
                        let stock = store::stock::move_units(tx, line.stock_item_id, change).await?;
                        record(tx, &stock, change, Some(id), None).await?;
                    }
                }
                Ok(None | Some(StockChangeReason::Returned)) => {}
                Ok(Some(_)) => return Ok(Outcome::Refused(Error::Illegal(reservation.status).into())),
                Err(refusal) => return Ok(Outcome::Refused(refusal.into())),
            }
            Ok(Outcome::Done(Json(reservation.into_view())))
        })
        .await
    });
    answer.await.map(Outcome::into_idempotent)
}
