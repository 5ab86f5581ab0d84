//! What is true of parcels. No clock, no database, no carrier.

use contracts::{
    ids::{OrderId, ShipmentId, UserId},
    machine,
    machine::{Illegal, Machine},
    problem::Failure,
    shipping::{
        Carrier, ShipmentCreated, ShipmentDelivered, ShipmentFact, ShipmentOverview, ShipmentReturned, ShipmentStatus, ShipmentUpdated,
    },
    time::Timestamp,
    user::AddressSnapshot,
};

machine! {
    /// What the carrier is to be asked for an order.
    Booking, on
    /// What can happen to it.
    BookingFact {
        states {
            /// The order is placed and not confirmed: nothing.
            Awaited = "AWAITED",
            /// To take the parcel; asked until it does.
            Pending = "PENDING",
            /// Nothing: it took the parcel.
            Booked = "BOOKED",
            /// Not to fetch the parcel; asked until it knows.
            Recalling = "RECALLING",
            /// Nothing any more.
            Closed = "CLOSED",
        }
        facts {
            /// The order was confirmed.
            Confirmed,
            /// The carrier took the parcel.
            Booked,
            /// The order was cancelled, or refunded, before the carrier had the parcel in its hands.
            Cancelled,
            /// The carrier knows that it is not to fetch the parcel.
            Recalled,
        }
        table {
            Awaited, Confirmed => Pending;
            Awaited, Cancelled => Closed;
            Pending, Booked => Booked;
            // Even one that was never answered: the carrier may have taken it all the same.
            Pending, Cancelled => Recalling;
            Booked, Cancelled => Recalling;
            Recalling, Recalled => Closed;
            // An answer that was overtaken by the cancellation: the carrier is told again.
            Recalling, Booked => Recalling;
            Closed, Booked => Recalling;
        }
    }
}

/// An order's parcel: what is to be sent where, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consignment {
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

/// What the cancellation of an order meant for its parcel.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancelled {
    /// There was nothing left to cancel.
    Nothing,
    /// There will be no shipment.
    Dropped,
    /// The shipment comes back before it left.
    Recalled(ShipmentReturned),
}

/// What it meant that the carrier took a parcel.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// There is a shipment now.
    Now(ShipmentCreated),
    /// It was taken before.
    Known,
    /// The order was cancelled meanwhile: the carrier is told again.
    Unwanted,
}

/// An order was cancelled when the carrier already had its parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the carrier has the parcel in state {0}")]
pub struct TooLate(pub ShipmentStatus);

/// What a carrier's event means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// The shipment is in this status now.
    Moved(ShipmentStatus),
    /// It was known, or was overtaken by what is known.
    Known,
}

impl Consignment {
    /// The order was confirmed: the carrier is to take its parcel. Whether that is new.
    pub fn confirm(&mut self, correlation_id: String, confirmed_at: Timestamp, now: Timestamp) -> bool {
        let Ok(next) = self.booking.on(BookingFact::Confirmed) else { return false };
        self.booking = next;
        self.correlation_id = correlation_id;
        self.confirmed_at = Some(confirmed_at);
        self.due_at = Some(now);
        true
    }

    /// The order was cancelled, or refunded: a parcel that is not taken yet never will be, one that is taken and not
    /// fetched is recalled.
    ///
    /// # Errors
    /// [`TooLate`] when the carrier has it in its hands: it travels on, and comes back if the customer refuses it.
    pub fn cancel(&mut self, now: Timestamp) -> Result<Cancelled, TooLate> {
        let Ok(next) = self.booking.on(BookingFact::Cancelled) else { return Ok(Cancelled::Nothing) };
        if let Some(parcel) = &mut self.parcel {
            parcel.status = parcel.status.on(ShipmentFact::Recalled).map_err(|_| TooLate(parcel.status))?;
        }
        self.booking = next;
        self.attempts = 0;
        self.failure = None;
        self.due_at = (next == Booking::Recalling).then_some(now);
        Ok(self.parcel.as_ref().map_or(Cancelled::Dropped, |parcel| Cancelled::Recalled(self.returned(parcel, true))))
    }

    /// The carrier took the parcel.
    pub fn booked(&mut self, tracking_number: String, now: Timestamp) -> Taken {
        let Ok(next) = self.booking.on(BookingFact::Booked) else { return Taken::Known };
        self.booking = next;
        if next != Booking::Booked {
            self.due_at = Some(now);
            return Taken::Unwanted;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.failure = None;
        self.due_at = None;
        self.parcel = Some(Parcel { status: ShipmentStatus::Created, tracking_number: tracking_number.clone(), booked_at: now });
        let Consignment { order_id, order_number, user_id, shipment_id, .. } = self.clone();
        Taken::Now(ShipmentCreated { shipment_id, order_id, order_number, user_id, carrier: Carrier::Mock, tracking_number })
    }

    /// The carrier knows that it is not to fetch the parcel.
    pub fn recalled(&mut self) {
        if let Ok(next) = self.booking.on(BookingFact::Recalled) {
            self.booking = next;
            self.failure = None;
            self.due_at = None;
        }
    }

    /// The carrier did not do what it was `asked`; it is asked again at `again`. Unless something else is due by now, or
    /// nothing.
    pub fn failed(&mut self, asked: Booking, failure: Failure, again: Timestamp) {
        if self.booking == asked && self.due_at.is_some() {
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
            attempts: self.attempts,
            failure: self.failure,
            next_attempt_at: self.due_at,
            shipment_id: status.map(|_| self.shipment_id),
            status,
            carrier: Carrier::Mock,
            tracking_number,
            created_at: self.confirmed_at.unwrap_or(self.updated_at),
            updated_at: self.updated_at,
        }
    }

    /// The event that a scan on the way is.
    #[must_use]
    pub fn scanned(&self, parcel: &Parcel, message: String) -> ShipmentUpdated {
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
    pub fn delivered(&self, parcel: &Parcel) -> ShipmentDelivered {
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
    pub fn returned(&self, parcel: &Parcel, recalled: bool) -> ShipmentReturned {
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

/// What it means for a shipment in `present` that the carrier reports `reported`: a transition of the table; or nothing
/// new, when that is the present status or one that leads to it.
///
/// # Errors
/// [`Illegal`] for what cannot have happened yet, such as the return of a parcel that the carrier never had.
pub fn observe(present: ShipmentStatus, reported: ShipmentStatus) -> Result<Observed, Illegal<ShipmentStatus>> {
    let fact = match reported {
        ShipmentStatus::Created => return Ok(Observed::Known),
        ShipmentStatus::InTransit => ShipmentFact::InTransit,
        ShipmentStatus::Delivered => ShipmentFact::Delivered,
        ShipmentStatus::Returned => ShipmentFact::Returned,
    };
    match present.on(fact) {
        Ok(next) => Ok(Observed::Moved(next)),
        Err(_) if leads_to(reported, present) => Ok(Observed::Known),
        Err(illegal) => Err(illegal),
    }
}

/// Whether the table leads from `from` to `to`, over however many rows. Every status leads to itself.
fn leads_to(from: ShipmentStatus, to: ShipmentStatus) -> bool {
    let mut reached = vec![from];
    let mut at = 0;
    while let Some(&status) = reached.get(at) {
        for row in ShipmentStatus::TABLE.iter().filter(|row| row.from == status) {
            if !reached.contains(&row.to) {
                reached.push(row.to);
            }
        }
        at += 1;
    }
    reached.contains(&to)
}

#[cfg(test)]
mod tests;
