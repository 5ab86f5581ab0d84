//! Shipping: shipments and their tracking. Each fulfilment of an order gets its shipment when the order is confirmed.

use crate::{
    calls, events,
    ids::{FulfilmentId, OrderId, ShipmentEventId, ShipmentId, UserId},
    machine,
    money::Currency,
    page::Page,
    problem::Failure,
    service::ServiceSpec,
    string_enum,
    text::{Amount, Country, RequiredShortText, ShortText},
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
        /// It is booked, and the carrier does not have the parcel yet.
        Created = "CREATED",
        /// The carrier has the parcel.
        InTransit = "IN_TRANSIT",
        /// The customer has the parcel.
        Delivered = "DELIVERED",
        /// The parcel came back, or never left.
        Returned = "RETURNED",
    }
    resting { Delivered }
    facts {
        /// The carrier scanned the parcel.
        InTransit,
        /// The carrier delivered the parcel. Earlier scans may be missing.
        Delivered,
        /// The parcel came back to the sender. Earlier scans may be missing.
        Returned,
        /// The carrier cancelled the pickup, because the order was cancelled or refunded.
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
    /// A parcel carrier.
    Carrier {
        /// The built-in mock.
        Mock = "MOCK",
    }
}

/// A tracking event that the carrier reports.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordShipmentEvent {
    /// The status of the shipment: IN_TRANSIT, DELIVERED or RETURNED. A report that is known already or late changes nothing;
    /// neither does CREATED, the initial status. A report that contradicts a cancellation is added to the history.
    pub status: ShipmentStatus,
    /// One line for people, such as the place of the parcel.
    #[serde(default)]
    pub message: Option<ShortText>,
    /// When the carrier scanned the parcel; the time of this request when absent. It may lie at most five minutes in the future,
    /// because clocks differ.
    #[serde(default)]
    pub occurred_at: Option<Timestamp>,
}

/// A parcel that its sender handed to a carrier. What is absent stays as it was booked.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandOverParcel {
    /// The carrier that took it.
    #[serde(default)]
    pub carrier: Option<RequiredShortText>,
    /// The number on the parcel.
    #[serde(default)]
    pub tracking_number: Option<RequiredShortText>,
}

/// A shipment with its tracking history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shipment {
    pub shipment_id: ShipmentId,
    pub order_id: OrderId,
    /// The part of the order that is shipped.
    pub fulfilment_id: FulfilmentId,
    /// The customer who placed the order.
    pub user_id: UserId,
    /// The present status.
    pub status: ShipmentStatus,
    /// The carrier of the parcel.
    pub carrier: String,
    /// The carrier's tracking number of the parcel.
    pub tracking_number: String,
    /// The shipping address.
    pub shipping_address_snapshot: AddressSnapshot,
    /// The tracking history, in the order in which it was recorded.
    pub events: Vec<ShipmentEvent>,
    /// When it was created.
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
    /// A text for people; may be empty.
    pub message: String,
    /// When it occurred, as the carrier reported it.
    pub occurred_at: Timestamp,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
}

/// The shipping of one part of a confirmed order, as administrators see it. Its shipment may still be pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentOverview {
    pub order_id: OrderId,
    /// The part of the order that is shipped.
    pub fulfilment_id: FulfilmentId,
    /// The order number that people see.
    pub order_number: String,
    /// The customer who placed the order.
    pub user_id: UserId,
    /// Whether the shipment is not booked with the carrier yet. Booking is retried automatically.
    pub pending: bool,
    /// Whether the pickup is being cancelled and the carrier has not answered yet. The request is retried automatically.
    pub recalling: bool,
    /// The number of requests to the carrier.
    pub attempts: u32,
    /// Why the last attempt failed; null when it did not.
    pub failure: Option<Failure>,
    /// When the next request to the carrier is due; null when none is.
    pub next_attempt_at: Option<Timestamp>,
    /// Null while it is pending.
    pub shipment_id: Option<ShipmentId>,
    /// The present status; null while it is pending.
    pub status: Option<ShipmentStatus>,
    /// The last report of the carrier that contradicts the cancellation: the parcel is in transit, was delivered or came back
    /// although the carrier had cancelled the pickup. Null when there is no such report.
    pub contradiction: Option<ShipmentStatus>,
    /// The carrier of the parcel.
    pub carrier: String,
    /// The carrier's tracking number of the parcel; null while the shipment is pending.
    pub tracking_number: Option<String>,
    /// When the order was confirmed.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

string_enum! {
    /// The outcome of cancelling a shipment.
    CancellationOutcome {
        /// The parcel does not leave: it was never booked, or the carrier cancelled the pickup.
        Cancelled = "RECALLED",
        /// The carrier has not answered yet. `ShipmentReturned` follows when the pickup is cancelled, `ShipmentUpdated` or
        /// `ShipmentDelivered` when the carrier already had the parcel.
        Pending = "PENDING",
        /// The carrier has or had the parcel.
        TooLate = "TOO_LATE",
    }
}

/// The state of a shipment's cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShipmentCancellation {
    /// RECALLED and TOO_LATE are final.
    pub outcome: CancellationOutcome,
}

/// The shipping rates for a country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingRates {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The cheapest first; never empty.
    pub items: Vec<ShippingRate>,
}

/// A shipping option and its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingRate {
    /// The carrier of the parcel.
    pub carrier: Carrier,
    /// For people, such as `Standard`.
    pub name: String,
    /// In minor units of `currency`; 0 when it is free.
    pub shipping_amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The subtotal from which shipping is free; null when it is never free.
    pub free_from_amount: Option<i64>,
}

/// The destination and the value of a shipment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatesQuery {
    /// ISO 3166-1 alpha-2, such as DE.
    pub country: Country,
    /// The value of the goods, in minor units of the currency; 0 when absent.
    #[serde(default)]
    pub subtotal: Option<Amount<0>>,
    /// The currency of the order; EUR when absent.
    #[serde(default)]
    pub currency: Option<Currency>,
}

/// Which shipments a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ShipmentFilter {
    /// Only shipments in this status.
    pub status: Option<ShipmentStatus>,
    /// Only shipments with this tracking number.
    pub tracking_number: Option<RequiredShortText>,
    /// With `true`, only orders whose shipment is not booked with the carrier yet; with `false`, only the others.
    pub pending: Option<bool>,
}

/// Which parcel a carrier looks for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParcelQuery {
    /// The number on the parcel.
    pub tracking_number: RequiredShortText,
}

/// Faults of the mock carrier that administrators switch on and off in a demonstration. They end with the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CarrierFaults {
    /// Every request is refused, and repeated later.
    pub down: bool,
}

/// All faults of the mock carrier, as they shall be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutCarrierFaults {
    /// Every request is refused, and repeated later.
    pub down: bool,
}

impl From<PutCarrierFaults> for CarrierFaults {
    fn from(PutCarrierFaults { down }: PutCarrierFaults) -> CarrierFaults {
        CarrierFaults { down }
    }
}

string_enum! {
    /// How far the parcels of a demonstration move.
    ParcelStep {
        /// Each is scanned once: a booked one is picked up, one in transit is delivered.
        NextScan = "NEXT_SCAN",
        /// Each is delivered.
        Deliver = "DELIVER",
    }
}

/// Moves the parcels of a demonstration.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdvanceParcels {
    pub step: ParcelStep,
}

/// The parcels that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedParcels {
    /// How many; more of them may be under way when it is 500.
    pub moved: u64,
}

calls! {
    /// Lists the shipments of an order, one for each fulfilment; without those that are pending.
    LIST_SHIPMENTS_OF_ORDER: get(()) -> Page<Shipment>, "/orders/{orderId}/shipments";
    /// Finds shipments by the number on the parcel, for the carrier; the newest order first.
    FIND_SHIPMENTS: get(()) -> Page<Shipment>, "/shipments", query ParcelQuery;
    /// Reads a shipment with its tracking history.
    GET_SHIPMENT: get(()) -> Shipment, "/shipments/{shipmentId}";
    /// Records what the carrier reported. Repeated and late events change nothing.
    RECORD_SHIPMENT_EVENT: post(RecordShipmentEvent) -> Shipment, "/shipments/{shipmentId}/events";
    /// Lists the shipping of all confirmed orders, the newest order first, pending ones too.
    LIST_SHIPMENTS: get(()) -> Page<ShipmentOverview>, "/admin/shipments", query ShipmentFilter;
    /// Books the pending shipments of an order or of a fulfilment with the carrier at once.
    RETRY_SHIPMENT: post_unkeyed(()) -> ShipmentOverview, "/admin/shipments/{orderId}/retry";
    /// Reads which faults of the mock carrier are switched on. Only a demonstration has them.
    GET_CARRIER_FAULTS: get(()) -> CarrierFaults, "/admin/shipments/faults";
    /// Switches the faults of the mock carrier on and off. Once it is up again, the requests that wait are sent. Only a demonstration has
    /// them.
    PUT_CARRIER_FAULTS: put(PutCarrierFaults) -> CarrierFaults, "/admin/shipments/faults";
    /// Moves up to 500 parcels that are under way, those of the oldest orders first. Only a demonstration has it.
    ADVANCE_PARCELS: post(AdvanceParcels) -> AdvancedParcels, "/admin/shipments/advance";
    /// Reads the shipping rates for an order. The subtotal is in minor units of the currency.
    LIST_SHIPPING_RATES: get(()) -> ShippingRates, "/shipping/rates?country={country}&subtotal={subtotal}&currency={currency}", from "order";
    /// Cancels the shipment of a fulfilment. Shipping alone decides the outcome, because it knows the state at the carrier. A
    /// fulfilment that shipping does not know yet is never shipped afterwards. A repetition changes nothing and answers the
    /// present outcome, so the call needs no key.
    CANCEL_SHIPMENT: put(()) -> ShipmentCancellation, "/internal/shipments/{fulfilmentId}/recall", from "order";
    /// Sets the shipment of a fulfilment IN_TRANSIT, because its seller handed the parcel over. `SHIPMENT_PENDING` without a
    /// tracking number while it is not booked. A repetition changes nothing.
    HAND_OVER_PARCEL: put(HandOverParcel) -> Shipment, "/internal/shipments/{fulfilmentId}/ship", from "order";
}

events! {
    "SHIPMENT", shipment_id: ShipmentId;
    /// A shipment was booked for a confirmed order.
    ShipmentCreated {
        order_id: OrderId,
        /// The part of the order that is shipped. None in an old event: then its id is that of the order.
        #[serde(default)]
        fulfilment_id: Option<FulfilmentId>,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
    }
    /// The carrier scanned the parcel. The first of these events means that the order has shipped.
    ShipmentUpdated {
        order_id: OrderId,
        /// The part of the order that is shipped. None in an old event: then its id is that of the order.
        #[serde(default)]
        fulfilment_id: Option<FulfilmentId>,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The present status.
        status: ShipmentStatus,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
        /// A text for people; may be empty.
        message: String,
    }
    /// The customer has the parcel.
    ShipmentDelivered {
        order_id: OrderId,
        /// The part of the order that is shipped. None in an old event: then its id is that of the order.
        #[serde(default)]
        fulfilment_id: Option<FulfilmentId>,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
    }
    /// The parcel came back, or the carrier cancelled the pickup.
    ShipmentReturned {
        order_id: OrderId,
        /// The part of the order that is shipped. None in an old event: then its id is that of the order.
        #[serde(default)]
        fulfilment_id: Option<FulfilmentId>,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
        /// True when the shipment was cancelled because its order was cancelled or refunded, false when the parcel came back.
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
