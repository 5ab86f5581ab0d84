//! Shipping: parcels and their tracking. A shipment is made when an order is confirmed.

use crate::{
    calls, events,
    ids::{OrderId, ShipmentEventId, ShipmentId, UserId},
    machine,
    money::Currency,
    page::Page,
    problem::Failure,
    service::ServiceSpec,
    string_enum,
    text::{Amount, Country, ShortText},
    time::Timestamp,
    user::AddressSnapshot,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "shipping";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns shipments and their tracking history.",
    machines: &[ShipmentStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/shipments", "/orders/{orderId}/shipments", "/shipments", "/shipping"],
};

machine! {
    /// The life of a shipment.
    ShipmentStatus;
    /// What can happen to a shipment.
    ShipmentFact;
    states {
        /// The carrier knows of it and does not have it yet.
        Created = "CREATED",
        /// The carrier has it.
        InTransit = "IN_TRANSIT",
        /// The customer has it.
        Delivered = "DELIVERED",
        /// It came back, or never left.
        Returned = "RETURNED",
    }
    resting { Delivered }
    facts {
        /// The carrier saw it.
        InTransit,
        /// The carrier handed it over. Scans on the way may be missing.
        Delivered,
        /// It came back to the sender. Scans on the way may be missing.
        Returned,
        /// The carrier agreed not to fetch it, because its order was cancelled or refunded.
        Cancelled,
    }
    table {
        Created, InTransit => InTransit;
        Created, Delivered => Delivered;
        Created, Returned => Returned;
        Created, Cancelled => Returned;
        InTransit, InTransit => InTransit;
        InTransit, Delivered => Delivered;
        InTransit, Returned => Returned;
        Delivered, Returned => Returned;
    }
}

impl ShipmentStatus {
    /// Returns how far a shipment is. Reports may arrive late or not at all; one with a lower rank than the present status
    /// is outdated.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            ShipmentStatus::Created => 0,
            ShipmentStatus::InTransit => 1,
            ShipmentStatus::Delivered => 2,
            ShipmentStatus::Returned => 3,
        }
    }
}

string_enum! {
    /// Who carries parcels.
    Carrier {
        /// The built-in mock.
        Mock = "MOCK",
    }
}

/// What the carrier tells of a shipment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordShipmentEvent {
    /// The status the shipment has now: IN_TRANSIT, DELIVERED or RETURNED. What is known already, or came late, changes
    /// nothing; so does CREATED, which every shipment begins with. What contradicts a recall is written in the history.
    pub status: ShipmentStatus,
    /// One line for people, such as where it is.
    #[serde(default)]
    pub message: Option<ShortText>,
}

/// A parcel on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    pub shipment_id: ShipmentId,
    pub order_id: OrderId,
    /// Whose order it is.
    pub user_id: UserId,
    /// The present status.
    pub status: ShipmentStatus,
    /// Who carries the parcel.
    pub carrier: Carrier,
    /// The carrier's name for it.
    pub tracking_number: String,
    /// Where the goods go.
    pub shipping_address_snapshot: AddressSnapshot,
    /// The tracking history, the oldest first.
    pub events: Vec<ShipmentEvent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One entry of the tracking history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentEvent {
    pub shipment_event_id: ShipmentEventId,
    pub shipment_id: ShipmentId,
    /// The present status.
    pub status: ShipmentStatus,
    /// For people; may be empty.
    pub message: String,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// The shipping of one confirmed order, as administrators see it: with a shipment, or with one that is still pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentOverview {
    pub order_id: OrderId,
    /// What people call the order.
    pub order_number: String,
    /// Whose order it is.
    pub user_id: UserId,
    /// Whether the carrier could not be given the parcel yet. It is tried again by itself.
    pub pending: bool,
    /// Whether the carrier is asked not to fetch it, and does not know yet. It is asked again by itself.
    pub recalling: bool,
    /// How often the carrier was asked.
    pub attempts: u32,
    /// Why the last attempt failed; null when it did not.
    pub failure: Option<Failure>,
    /// When the carrier is asked next; null when there is nothing to ask.
    pub next_attempt_at: Option<Timestamp>,
    /// Null while it is pending.
    pub shipment_id: Option<ShipmentId>,
    /// The present status; null while it is pending.
    pub status: Option<ShipmentStatus>,
    /// What the carrier last reported of a parcel that it had agreed not to fetch: that it has it all the same, that it
    /// handed it over, or that it came back. Null while it keeps to the agreement.
    pub contradiction: Option<ShipmentStatus>,
    /// Who carries the parcel.
    pub carrier: Carrier,
    /// The carrier's name for the parcel; null while it is pending.
    pub tracking_number: Option<String>,
    /// When the order was confirmed.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

string_enum! {
    /// What became of the wish to keep a parcel here.
    CancellationOutcome {
        /// It never leaves: there is none and there will be none, or the carrier agreed not to fetch it.
        Cancelled = "RECALLED",
        /// The carrier is being asked. `ShipmentReturned` tells that it agreed, `ShipmentUpdated` or `ShipmentDelivered`
        /// that it had it before.
        Pending = "PENDING",
        /// The carrier has it, or had it.
        TooLate = "TOO_LATE",
    }
}

/// What is known of a recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancellation {
    /// RECALLED and TOO_LATE are final.
    pub outcome: CancellationOutcome,
}

/// What shipping costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingRates {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The cheapest first; never empty.
    pub items: Vec<ShippingRate>,
}

/// One way to ship, and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingRate {
    /// Who carries the parcel.
    pub carrier: Carrier,
    /// For people, such as `Standard`.
    pub name: String,
    /// In minor units of `currency`; 0 when it is free.
    pub shipping_amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// From which subtotal on it is free; null when it never is.
    pub free_from_amount: Option<i64>,
}

/// What is to be shipped where.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatesQuery {
    /// ISO 3166-1 alpha-2, such as DE.
    pub country: Country,
    /// What the goods cost, in minor units of the currency; 0 when absent.
    #[serde(default)]
    pub subtotal: Option<Amount<0>>,
    /// The currency of the order; EUR when absent.
    #[serde(default)]
    pub currency: Option<Currency>,
}

/// Which shipments a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShipmentFilter {
    /// Only shipments in this status.
    pub status: Option<ShipmentStatus>,
    /// With `true`, only orders whose shipment is not booked with the carrier yet; with `false`, only the others.
    pub pending: Option<bool>,
}

calls! {
    /// Lists the shipments of an order; none while the shipment is pending.
    LIST_SHIPMENTS_OF_ORDER: get(()) -> Page<Shipment>, "/orders/{orderId}/shipments";
    /// Reads a shipment with its tracking history.
    GET_SHIPMENT: get(()) -> Shipment, "/shipments/{shipmentId}";
    /// Records what the carrier reported. Repeated and late events change nothing.
    RECORD_SHIPMENT_EVENT: post(RecordShipmentEvent) -> Shipment, "/shipments/{shipmentId}/events";
    /// Lists the shipping of all confirmed orders, the newest order first, pending ones too.
    LIST_SHIPMENTS: get(()) -> Page<ShipmentOverview>, "/admin/shipments", query ShipmentFilter;
    /// Books a pending shipment with the carrier at once.
    RETRY_SHIPMENT: post_unkeyed(()) -> ShipmentOverview, "/admin/shipments/{orderId}/retry";
    /// What shipping an order to a country costs. The subtotal is in minor units of the currency.
    GET_RATES: get(()) -> ShippingRates, "/shipping/rates?country={country}&subtotal={subtotal}&currency={currency}", from "order";
    /// Asks that the parcel of an order stays here. Whether it does is decided by shipping alone, which knows what the
    /// carrier does. It holds for the future too: an order that was recalled is never shipped, even when nothing was heard
    /// of it before. Asking again changes nothing and answers what is known by then, so it needs no key.
    CANCEL_SHIPMENT: put(()) -> ShipmentCancellation, "/internal/shipments/{orderId}/recall", from "order";
}

events! {
    "SHIPMENT", shipment_id: ShipmentId;
    /// A shipment was made for a confirmed order.
    ShipmentCreated {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// Who carries the parcel.
        carrier: Carrier,
        /// The carrier's name for the parcel.
        tracking_number: String,
    }
    /// The carrier saw the shipment on its way. The first of these means that the order shipped.
    ShipmentUpdated {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// The present status.
        status: ShipmentStatus,
        /// Who carries the parcel.
        carrier: Carrier,
        /// The carrier's name for the parcel.
        tracking_number: String,
        /// For people; may be empty.
        message: String,
    }
    /// The customer has it.
    ShipmentDelivered {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// Who carries the parcel.
        carrier: Carrier,
        /// The carrier's name for the parcel.
        tracking_number: String,
    }
    /// It came back, or the carrier agreed not to fetch it.
    ShipmentReturned {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// Who carries the parcel.
        carrier: Carrier,
        /// The carrier's name for the parcel.
        tracking_number: String,
        /// Whether it was recalled because its order was cancelled or refunded, rather than sent back.
        recalled: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    #[test]
    fn no_transition_lowers_the_rank_of_a_shipment() {
        let order = [ShipmentStatus::Created, ShipmentStatus::InTransit, ShipmentStatus::Delivered, ShipmentStatus::Returned];
        assert!(order.windows(2).all(|pair| pair[0].rank() < pair[1].rank()));
        assert_eq!(order.len(), ShipmentStatus::STATES.len());
        assert!(ShipmentStatus::TABLE.iter().all(|row| row.from.rank() < row.to.rank() || row.from == row.to));
    }
}
