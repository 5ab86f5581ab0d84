//! The rules of bookings and shipments. No async, no I/O, no clock.

use contracts::{
    ids::{FulfilmentId, OrderId, ShipmentId, UserId, Uuid},
    machine,
    machine::Machine as _,
    problem::Failure,
    shipping::{
        CancellationOutcome, ShipmentCreated, ShipmentDelivered, ShipmentFact, ShipmentOverview, ShipmentReturned, ShipmentStatus,
        ShipmentUpdated,
    },
    time::Timestamp,
    user::AddressSnapshot,
};
use std::time::Duration;

machine! {
    /// The state of a fulfilment's booking at the carrier.
    Booking;
    /// What can happen to it.
    BookingFact;
        states {
            /// The order is placed and not confirmed. No request is due.
            Awaited = "AWAITED",
            /// The booking is due, until the carrier takes the parcel.
            Pending = "PENDING",
            /// The carrier took the parcel.
            Booked = "BOOKED",
            /// The cancellation is due, until the carrier confirms it.
            Cancelling = "RECALLING",
            /// There is no booking, and there will be none.
            Closed = "CLOSED",
            /// The sender handed the parcel to another carrier. The cancellation of the booked pickup is due, until the carrier confirms
            /// it; the parcel travels meanwhile.
            Replaced = "REPLACED",
        }
        facts {
            /// The order was confirmed.
            Confirmed,
            /// The carrier took the parcel.
            Booked,
            /// The order is being cancelled, or was refunded.
            CancelRequested,
            /// The carrier confirmed the cancellation.
            CancelConfirmed,
            /// The carrier, or the sender, reported that the carrier has the parcel.
            PickedUp,
            /// The sender handed the parcel to another carrier.
            Replaced,
        }
        table {
            Awaited, Confirmed => Pending;
            Awaited, CancelRequested => Closed;
            Pending, Booked => Booked;
            // A booking without an answer may have been carried out.
            Pending, CancelRequested => Cancelling;
            Booked, CancelRequested => Cancelling;
            Cancelling, CancelConfirmed => Closed;
            Pending, PickedUp => Booked;
            // A booking without an answer may have been carried out, so its pickup is cancelled as well.
            Pending, Replaced => Replaced;
            Booked, Replaced => Replaced;
            Replaced, CancelConfirmed => Booked;
            // The answer to the booking came after it was replaced: it is cancelled again.
            Replaced, Booked => Replaced;
            // The carrier had the parcel before: it travels on.
            Cancelling, PickedUp => Booked;
            // The answer to the booking came after the cancellation: it is cancelled again.
            Cancelling, Booked => Cancelling;
            Closed, Booked => Cancelling;
        }
}

/// What a carrier reports of a parcel besides its status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scan<'a> {
    /// A text for people; may be empty.
    pub message: &'a str,
    /// When the parcel was scanned, if the carrier said so.
    pub at: Option<Timestamp>,
}

impl<'a> Scan<'a> {
    /// A report without a time of its own.
    #[must_use]
    pub fn now(message: &'a str) -> Scan<'a> {
        Scan { message, at: None }
    }
}

/// How far in the future a reported time may lie, because clocks differ.
pub const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// The shipment of a fulfilment: the address, the booking, and the parcel once there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentRecord {
    pub fulfilment_id: FulfilmentId,
    pub order_id: OrderId,
    pub order_number: String,
    pub user_id: UserId,
    pub address: AddressSnapshot,
    pub correlation_id: String,
    pub booking: Booking,
    pub attempts: u32,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// When the next request to the carrier is due.
    pub due_at: Option<Timestamp>,
    /// Chosen with the row; public once there is a parcel.
    pub shipment_id: ShipmentId,
    /// Set when the carrier took the parcel.
    pub parcel: Option<Parcel>,
    /// What the carrier last reported after it had confirmed the cancellation.
    pub contradiction: Option<ShipmentStatus>,
    /// How many entries the tracking history has.
    pub event_count: i64,
    pub confirmed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// A parcel at the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The name of the carrier that was booked, or of the one that its sender handed it to.
    pub carrier: String,
    pub status: ShipmentStatus,
    pub tracking_number: String,
    pub booked_at: Timestamp,
}

/// The effect of a booking at the carrier.
#[derive(Debug, Clone, PartialEq)]
pub enum BookingOutcome {
    /// The shipment is created.
    Created(ShipmentCreated),
    /// The shipment was created before.
    AlreadyBooked,
    /// The shipment was cancelled meanwhile: the cancellation is sent again.
    CancelledMeanwhile,
}

/// The effect of a carrier's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportOutcome {
    /// The shipment moves to this status, or stays in it with a new scan.
    Moved(ShipmentStatus),
    /// The carrier reports this although it confirmed the cancellation. The status of the shipment does not change.
    Contradicted(ShipmentStatus),
    /// The event is known or outdated.
    Known,
}

/// Why a parcel cannot be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotHandedOver {
    /// It is not booked, and no number was given.
    Pending,
    /// Its shipment is cancelled, or is being cancelled.
    Cancelled,
}

impl ShipmentRecord {
    /// Whose personal data it holds: the customer's, or, as each order of a guest is erased by itself, the order's.
    pub fn person(&self) -> Uuid {
        if self.user_id.is_guest() { self.order_id.into() } else { self.user_id.into() }
    }

    /// Makes the booking due. Returns whether that is new.
    pub fn confirm(&mut self, correlation_id: String, confirmed_at: Timestamp, now: Timestamp) -> bool {
        let Ok(next) = self.booking.transition(BookingFact::Confirmed) else { return false };
        self.booking = next;
        self.correlation_id = correlation_id;
        self.confirmed_at = Some(confirmed_at);
        self.due_at = Some(now);
        true
    }

    /// Cancels the shipment. Without a parcel the outcome is final at once. With one, it is final when the carrier confirms the
    /// cancellation, or reports that it has the parcel. A parcel on its way cannot be cancelled.
    pub fn cancel(&mut self, now: Timestamp) -> CancellationOutcome {
        if self.has_left() {
            return CancellationOutcome::TooLate;
        }
        if let Ok(next) = self.booking.transition(BookingFact::CancelRequested) {
            self.booking = next;
            self.attempts = 0;
            self.failure = None;
            self.due_at = (next == Booking::Cancelling).then_some(now);
        }
        match &self.parcel {
            Some(parcel) if parcel.status == ShipmentStatus::Created => CancellationOutcome::Pending,
            _ => CancellationOutcome::Cancelled,
        }
    }

    /// Returns whether the carrier has the parcel, or had it.
    fn has_left(&self) -> bool {
        matches!(self.booking, Booking::Booked | Booking::Replaced)
            && self.parcel.as_ref().is_some_and(|parcel| parcel.status != ShipmentStatus::Created)
    }

    /// Applies a successful booking at `carrier`.
    pub fn booked(&mut self, carrier: &str, tracking_number: String, now: Timestamp) -> BookingOutcome {
        let Ok(next) = self.booking.transition(BookingFact::Booked) else { return BookingOutcome::AlreadyBooked };
        self.booking = next;
        if next != Booking::Booked {
            self.due_at = Some(now);
            return BookingOutcome::CancelledMeanwhile;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.failure = None;
        self.due_at = None;
        let carrier = carrier.to_owned();
        self.parcel = Some(Parcel {
            carrier: carrier.clone(),
            status: ShipmentStatus::Created,
            tracking_number: tracking_number.clone(),
            booked_at: now,
        });
        let ShipmentRecord { fulfilment_id, order_id, order_number, user_id, shipment_id, .. } = self.clone();
        BookingOutcome::Created(ShipmentCreated {
            shipment_id,
            order_id,
            fulfilment_id: Some(fulfilment_id),
            order_number,
            user_id,
            carrier,
            tracking_number,
        })
    }

    /// Applies the confirmed cancellation. Returns the event if there was a shipment.
    pub fn cancel_confirmed(&mut self) -> Option<ShipmentReturned> {
        self.booking = self.booking.transition(BookingFact::CancelConfirmed).ok()?;
        self.failure = None;
        self.due_at = None;
        if self.booking != Booking::Closed {
            // Only the booked pickup was cancelled: another carrier has the parcel.
            return None;
        }
        let parcel = self.parcel.as_mut()?;
        parcel.status = parcel.status.transition(ShipmentFact::Cancelled).ok()?;
        let parcel = parcel.clone();
        Some(self.returned_event(&parcel, true))
    }

    /// Decides the effect of a carrier's event on this shipment.
    #[must_use]
    pub fn observe(&self, reported: ShipmentStatus) -> ReportOutcome {
        let Some(parcel) = &self.parcel else { return ReportOutcome::Known };
        if parcel.status != ShipmentStatus::Returned || matches!(self.booking, Booking::Booked | Booking::Replaced) {
            return observe(parcel.status, reported);
        }
        let Some(contradiction) = self.contradiction else {
            // These fit the cancellation.
            let agreed = matches!(reported, ShipmentStatus::Created | ShipmentStatus::Returned);
            return if agreed { ReportOutcome::Known } else { ReportOutcome::Contradicted(reported) };
        };
        match observe(contradiction, reported) {
            ReportOutcome::Moved(next) => ReportOutcome::Contradicted(next),
            known => known,
        }
    }

    /// Puts the carrier and the number of a parcel that its sender hands over in place of the booked ones, before it moves; the
    /// cancellation of the pickup that they replace becomes due. Returns whether it moves; a parcel that has left already does not.
    ///
    /// # Errors
    /// [`NotHandedOver`].
    pub fn hand_over(
        &mut self,
        booked_by: &str,
        carrier: Option<String>,
        tracking_number: Option<String>,
        now: Timestamp,
    ) -> Result<bool, NotHandedOver> {
        match self.booking {
            Booking::Booked | Booking::Replaced if self.has_left() => return Ok(false),
            Booking::Booked | Booking::Replaced | Booking::Pending => {}
            Booking::Awaited => return Err(NotHandedOver::Pending),
            Booking::Cancelling | Booking::Closed => return Err(NotHandedOver::Cancelled),
        }
        let (carrier, tracking_number) = match &self.parcel {
            Some(booked) => {
                (carrier.unwrap_or_else(|| booked.carrier.clone()), tracking_number.unwrap_or_else(|| booked.tracking_number.clone()))
            }
            None => (carrier.unwrap_or_else(|| booked_by.to_owned()), tracking_number.ok_or(NotHandedOver::Pending)?),
        };
        let is_booked_one = |booked: &Parcel| booked.carrier == carrier && booked.tracking_number == tracking_number;
        if !self.parcel.as_ref().is_some_and(is_booked_one)
            && let Ok(replaced) = self.booking.transition(BookingFact::Replaced)
        {
            self.booking = replaced;
            (self.attempts, self.failure, self.due_at) = (0, None, Some(now));
        }
        let booked_at = self.parcel.as_ref().map_or(now, |parcel| parcel.booked_at);
        self.parcel = Some(Parcel { carrier, status: ShipmentStatus::Created, tracking_number, booked_at });
        Ok(true)
    }

    /// Moves the parcel to `next` and returns it. An open cancellation came too late and ends.
    pub fn move_to(&mut self, next: ShipmentStatus) -> Option<Parcel> {
        if let Ok(booking) = self.booking.transition(BookingFact::PickedUp) {
            self.booking = booking;
            self.failure = None;
            self.due_at = None;
        }
        let parcel = self.parcel.as_mut()?;
        parcel.status = next;
        Some(parcel.clone())
    }

    /// Records a failed request and makes it due again, unless another request, or none, is due by now.
    pub fn failed(&mut self, requested: Booking, failure: Failure, again: Timestamp) {
        if self.booking == requested && self.due_at.is_some() {
            self.attempts = self.attempts.saturating_add(1);
            self.failure = Some(failure);
            self.due_at = Some(again);
        }
    }

    /// The view for administrators. `carrier` is the one that a pending shipment will be booked at.
    #[must_use]
    pub fn overview(self, carrier: &str) -> ShipmentOverview {
        let carrier = self.parcel.as_ref().map_or(carrier, |parcel| &parcel.carrier).to_owned();
        let (status, tracking_number) = self.parcel.map(|parcel| (parcel.status, parcel.tracking_number)).unzip();
        ShipmentOverview {
            order_id: self.order_id,
            fulfilment_id: self.fulfilment_id,
            order_number: self.order_number,
            user_id: self.user_id,
            pending: self.booking == Booking::Pending,
            recalling: self.booking == Booking::Cancelling,
            attempts: self.attempts,
            failure: self.failure,
            next_attempt_at: self.due_at,
            shipment_id: status.map(|_| self.shipment_id),
            status,
            contradiction: self.contradiction,
            carrier,
            tracking_number,
            created_at: self.confirmed_at.unwrap_or(self.updated_at),
            updated_at: self.updated_at,
        }
    }

    /// The event of a scan on the way.
    #[must_use]
    pub fn updated_event(&self, parcel: &Parcel, message: String) -> ShipmentUpdated {
        ShipmentUpdated {
            shipment_id: self.shipment_id,
            order_id: self.order_id,
            fulfilment_id: Some(self.fulfilment_id),
            order_number: self.order_number.clone(),
            user_id: self.user_id,
            status: parcel.status,
            carrier: parcel.carrier.clone(),
            tracking_number: parcel.tracking_number.clone(),
            message,
        }
    }

    /// The event of a delivery.
    #[must_use]
    pub fn delivered_event(&self, parcel: &Parcel) -> ShipmentDelivered {
        ShipmentDelivered {
            shipment_id: self.shipment_id,
            order_id: self.order_id,
            fulfilment_id: Some(self.fulfilment_id),
            order_number: self.order_number.clone(),
            user_id: self.user_id,
            carrier: parcel.carrier.clone(),
            tracking_number: parcel.tracking_number.clone(),
        }
    }

    /// The event of a return, or of a confirmed cancellation.
    #[must_use]
    pub fn returned_event(&self, parcel: &Parcel, recalled: bool) -> ShipmentReturned {
        ShipmentReturned {
            shipment_id: self.shipment_id,
            order_id: self.order_id,
            fulfilment_id: Some(self.fulfilment_id),
            order_number: self.order_number.clone(),
            user_id: self.user_id,
            carrier: parcel.carrier.clone(),
            tracking_number: parcel.tracking_number.clone(),
            recalled,
        }
    }
}

/// Decides the effect of the report `reported` on a shipment in `present`. The transition table has no row from a later state to
/// an earlier one, so outdated reports are [`ReportOutcome::Known`] and reports may arrive in any order.
#[must_use]
pub fn observe(present: ShipmentStatus, reported: ShipmentStatus) -> ReportOutcome {
    let fact = match reported {
        ShipmentStatus::Created => return ReportOutcome::Known,
        ShipmentStatus::InTransit => ShipmentFact::InTransit,
        ShipmentStatus::Delivered => ShipmentFact::Delivered,
        ShipmentStatus::Returned => ShipmentFact::Returned,
    };
    present.transition(fact).map_or(ReportOutcome::Known, ReportOutcome::Moved)
}

#[cfg(test)]
mod tests;
