//! What is true of parcels. No clock, no database, no carrier.

use contracts::{
    ids::{OrderId, ShipmentId, UserId},
    machine,
    machine::Machine as _,
    problem::Failure,
    shipping::{
        CancellationOutcome, Carrier, ShipmentCreated, ShipmentDelivered, ShipmentFact, ShipmentOverview, ShipmentReturned, ShipmentStatus,
        ShipmentUpdated,
    },
    time::Timestamp,
    user::AddressSnapshot,
};

machine! {
    /// What the carrier is to be asked for an order.
    Booking;
    /// What can happen to it.
    BookingFact;
        states {
            /// The order is placed and not confirmed: nothing.
            Awaited = "AWAITED",
            /// To take the parcel; asked until it does.
            Pending = "PENDING",
            /// Nothing: it took the parcel.
            Booked = "BOOKED",
            /// Not to fetch the parcel; asked until it knows.
            Cancelling = "RECALLING",
            /// Nothing any more.
            Closed = "CLOSED",
        }
        facts {
            /// The order was confirmed.
            Confirmed,
            /// The carrier took the parcel.
            Booked,
            /// The order is not to be shipped any more: it is being cancelled, or was refunded.
            CancelRequested,
            /// The carrier knows that it is not to fetch the parcel.
            Recalled,
            /// The carrier reported that it has the parcel.
            Fetched,
        }
        table {
            Awaited, Confirmed => Pending;
            Awaited, CancelRequested => Closed;
            Pending, Booked => Booked;
            // Even one that was never answered: the carrier may have taken it all the same.
            Pending, CancelRequested => Cancelling;
            Booked, CancelRequested => Cancelling;
            Cancelling, Recalled => Closed;
            // It was there first: the parcel travels.
            Cancelling, Fetched => Booked;
            // An answer that was overtaken by the recall: the carrier is told again.
            Cancelling, Booked => Cancelling;
            Closed, Booked => Cancelling;
        }
}

/// An order's parcel: what is to be sent where, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShipmentRecord {
    pub order_id: OrderId,
    pub order_number: String,
    pub user_id: UserId,
    pub address: AddressSnapshot,
    pub correlation_id: String,
    pub booking: Booking,
    pub attempts: u32,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// When the carrier is asked next.
    pub due_at: Option<Timestamp>,
    /// The id that its shipment has, or will have.
    pub shipment_id: ShipmentId,
    /// There once the carrier took it.
    pub parcel: Option<Parcel>,
    /// What the carrier last reported of the parcel after it had agreed not to fetch it.
    pub contradiction: Option<ShipmentStatus>,
    pub confirmed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// What the carrier took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub status: ShipmentStatus,
    pub tracking_number: String,
    pub booked_at: Timestamp,
}

/// What it meant that the carrier took a parcel.
#[derive(Debug, Clone, PartialEq)]
pub enum BookingOutcome {
    /// There is a shipment now.
    Now(ShipmentCreated),
    /// It was taken before.
    Known,
    /// The order was called off meanwhile: the carrier is told again.
    CancelledMeanwhile,
}

/// What a carrier's event means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// The shipment is in this status now.
    Moved(ShipmentStatus),
    /// The carrier had agreed not to fetch the parcel, and now reports this of it. The shipment stays as it is.
    Contradicted(ShipmentStatus),
    /// It was known, or was overtaken by what is known.
    Known,
}

impl ShipmentRecord {
    /// The order was confirmed: the carrier is to take its parcel. Whether that is new.
    pub fn confirm(&mut self, correlation_id: String, confirmed_at: Timestamp, now: Timestamp) -> bool {
        let Ok(next) = self.booking.transition(BookingFact::Confirmed) else { return false };
        self.booking = next;
        self.correlation_id = correlation_id;
        self.confirmed_at = Some(confirmed_at);
        self.due_at = Some(now);
        true
    }

    /// The order is not to be shipped any more. A parcel that the carrier did not take yet never will be a shipment, so
    /// that is decided at once; one that it took is decided when it agrees, or reports that it has it. One that is on its
    /// way travels on, and comes back if the customer refuses it.
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

    /// Whether the carrier has the parcel, or had it.
    fn has_left(&self) -> bool {
        self.booking == Booking::Booked && self.parcel.as_ref().is_some_and(|parcel| parcel.status != ShipmentStatus::Created)
    }

    /// The carrier took the parcel.
    pub fn booked(&mut self, tracking_number: String, now: Timestamp) -> BookingOutcome {
        let Ok(next) = self.booking.transition(BookingFact::Booked) else { return BookingOutcome::Known };
        self.booking = next;
        if next != Booking::Booked {
            self.due_at = Some(now);
            return BookingOutcome::CancelledMeanwhile;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.failure = None;
        self.due_at = None;
        self.parcel = Some(Parcel { status: ShipmentStatus::Created, tracking_number: tracking_number.clone(), booked_at: now });
        let ShipmentRecord { order_id, order_number, user_id, shipment_id, .. } = self.clone();
        BookingOutcome::Now(ShipmentCreated { shipment_id, order_id, order_number, user_id, carrier: Carrier::Mock, tracking_number })
    }

    /// The carrier knows that it is not to fetch the parcel. The event that says so, if there was a shipment.
    pub fn cancel_confirmed(&mut self) -> Option<ShipmentReturned> {
        self.booking = self.booking.transition(BookingFact::Recalled).ok()?;
        self.failure = None;
        self.due_at = None;
        let parcel = self.parcel.as_mut()?;
        parcel.status = parcel.status.transition(ShipmentFact::Cancelled).ok()?;
        let parcel = parcel.clone();
        Some(self.returned_event(&parcel, true))
    }

    /// What a carrier's event means for this parcel.
    #[must_use]
    pub fn observe(&self, reported: ShipmentStatus) -> Observed {
        let Some(parcel) = &self.parcel else { return Observed::Known };
        if parcel.status != ShipmentStatus::Returned || self.booking == Booking::Booked {
            return observe(parcel.status, reported);
        }
        let Some(contradiction) = self.contradiction else {
            // That it is here is what was agreed.
            let agreed = matches!(reported, ShipmentStatus::Created | ShipmentStatus::Returned);
            return if agreed { Observed::Known } else { Observed::Contradicted(reported) };
        };
        match observe(contradiction, reported) {
            Observed::Moved(next) => Observed::Contradicted(next),
            known => known,
        }
    }

    /// The carrier moved the parcel on. A recall that is under way came too late. The parcel as it is then.
    pub fn move_to(&mut self, next: ShipmentStatus) -> Option<Parcel> {
        if let Ok(booking) = self.booking.transition(BookingFact::Fetched) {
            self.booking = booking;
            self.failure = None;
            self.due_at = None;
        }
        let parcel = self.parcel.as_mut()?;
        parcel.status = next;
        Some(parcel.clone())
    }

    /// The carrier did not do what it was `asked`; it is asked again at `again`. Unless something else is due by now, or
    /// nothing.
    pub fn failed(&mut self, requested: Booking, failure: Failure, again: Timestamp) {
        if self.booking == requested && self.due_at.is_some() {
            self.attempts = self.attempts.saturating_add(1);
            self.failure = Some(failure);
            self.due_at = Some(again);
        }
    }

    /// What administrators see.
    #[must_use]
    pub fn overview(self) -> ShipmentOverview {
        let (status, tracking_number) = self.parcel.map(|parcel| (parcel.status, parcel.tracking_number)).unzip();
        ShipmentOverview {
            order_id: self.order_id,
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
            carrier: Carrier::Mock,
            tracking_number,
            created_at: self.confirmed_at.unwrap_or(self.updated_at),
            updated_at: self.updated_at,
        }
    }

    /// The event that a scan on the way is.
    #[must_use]
    pub fn updated_event(&self, parcel: &Parcel, message: String) -> ShipmentUpdated {
        ShipmentUpdated {
            shipment_id: self.shipment_id,
            order_id: self.order_id,
            order_number: self.order_number.clone(),
            user_id: self.user_id,
            status: parcel.status,
            carrier: Carrier::Mock,
            tracking_number: parcel.tracking_number.clone(),
            message,
        }
    }

    /// The event that the customer has it.
    #[must_use]
    pub fn delivered_event(&self, parcel: &Parcel) -> ShipmentDelivered {
        ShipmentDelivered {
            shipment_id: self.shipment_id,
            order_id: self.order_id,
            order_number: self.order_number.clone(),
            user_id: self.user_id,
            carrier: Carrier::Mock,
            tracking_number: parcel.tracking_number.clone(),
        }
    }

    /// The event that it came back, or never left.
    #[must_use]
    pub fn returned_event(&self, parcel: &Parcel, recalled: bool) -> ShipmentReturned {
        ShipmentReturned {
            shipment_id: self.shipment_id,
            order_id: self.order_id,
            order_number: self.order_number.clone(),
            user_id: self.user_id,
            carrier: Carrier::Mock,
            tracking_number: parcel.tracking_number.clone(),
            recalled,
        }
    }
}

/// What it means for a shipment in `present` that the carrier reports `reported`: a transition of the table; or nothing new,
/// since the table has a row for everything but what a parcel has behind it. So scans may come in any order.
#[must_use]
pub fn observe(present: ShipmentStatus, reported: ShipmentStatus) -> Observed {
    let fact = match reported {
        ShipmentStatus::Created => return Observed::Known,
        ShipmentStatus::InTransit => ShipmentFact::InTransit,
        ShipmentStatus::Delivered => ShipmentFact::Delivered,
        ShipmentStatus::Returned => ShipmentFact::Returned,
    };
    present.transition(fact).map_or(Observed::Known, Observed::Moved)
}

#[cfg(test)]
mod tests;
