use super::{Outcome, expire_if_overdue, move_units};
use crate::{App, Error, domain::ReservationCommand, store};
use contracts::{ids::ReservationId, inventory};
use platform::http::{IdempotencyKey, Idempotent, Json, Problem};

/// Confirms or releases a reservation, or returns the units of a confirmed one. Repeating it changes nothing, under the
/// same key or another.
///
/// # Errors
/// `RESERVATION_EXPIRED` when a confirmation came too late; the transaction then stores the expiry if needed.
/// `ILLEGAL_TRANSITION` for every other command that the state forbids, 404 for an unknown reservation.
pub async fn end_reservation(
    app: &App,
    key: IdempotencyKey,
    id: ReservationId,
    command: ReservationCommand,
) -> Result<Idempotent<Json<inventory::Reservation>>, Problem> {
    let answer = app.ctx.db.write(async move |tx| {
        key.once(tx, async |tx| -> Result<_, Error> {
            let mut reservation = store::reservations::lock_reservation(tx, id).await?.ok_or(Error::UnknownReservation)?;
            expire_if_overdue(tx, &mut reservation).await?;
            match reservation.reason_for(command) {
                Ok(Some(reason)) => move_units(tx, std::slice::from_mut(&mut reservation), reason).await?,
                Ok(None) => {}
                Err(refusal) => return Ok(Outcome::Refused(refusal.into())),
            }
            Ok(Outcome::Done(Json(reservation.into_view())))
        })
        .await
    });
    answer.await.map(Outcome::into_idempotent)
}
