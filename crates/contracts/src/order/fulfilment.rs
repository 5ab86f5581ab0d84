//! Fulfilments: the parts of an order, one for each seller of its lines.

use super::{OrderItem, OrderStatus};
use crate::{
    ids::{FulfilmentId, OrderId, OrderItemId, ShipmentId, UserId},
    machine,
    money::Currency,
    shipping::ShipmentStatus,
    string_enum,
    time::Timestamp,
    user::AddressSnapshot,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

machine! {
    /// The life of a fulfilment, the part of an order that one seller ships. The shop's own lines are one as well.
    FulfilmentStatus;
    /// What can happen to a fulfilment.
    FulfilmentFact;
    states {
        /// Its order is not confirmed yet.
        Pending = "PENDING",
        /// Its order is confirmed, and the parcel has not left.
        Confirmed = "CONFIRMED",
        /// The carrier has the parcel.
        Shipped = "SHIPPED",
        /// The customer has the parcel.
        Delivered = "DELIVERED",
        /// It ended without a sale. Its part of the money and of the stock is given back.
        Cancelled = "CANCELLED",
        /// The parcel came back.
        Returned = "RETURNED",
    }
    resting { Confirmed, Shipped, Delivered }
    facts {
        /// The order was confirmed.
        Confirmed,
        /// The carrier took the parcel.
        Shipped,
        /// The carrier delivered the parcel.
        Delivered,
        /// It was cancelled, alone or with its order. After the confirmation this needs a cancelled shipment.
        Cancelled,
        /// The parcel came back.
        Returned,
    }
    table {
        Pending, Confirmed => Confirmed;
        Pending, Cancelled => Cancelled;
        Confirmed, Shipped => Shipped;
        Confirmed, Delivered => Delivered;
        Confirmed, Cancelled => Cancelled;
        Shipped, Delivered => Delivered;
        Shipped, Returned => Returned;
        Delivered, Returned => Returned;
    }
}

/// A row of [`DERIVED_STATUSES`]: while the status of each fulfilment is one of `fulfilments`, the order is `order`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedStatus {
    pub fulfilments: &'static [FulfilmentStatus],
    pub order: OrderStatus,
}

/// The status of a confirmed order by those of its fulfilments. The first row that has all of them counts. A REFUNDED order
/// stays REFUNDED. An order of one fulfilment keeps its status when the parcel comes back.
pub const DERIVED_STATUSES: &[DerivedStatus] = {
    use FulfilmentStatus::{Cancelled, Confirmed, Delivered, Returned, Shipped};
    &[
        DerivedStatus { fulfilments: &[Cancelled], order: OrderStatus::Cancelled },
        DerivedStatus { fulfilments: &[Cancelled, Delivered, Returned], order: OrderStatus::Delivered },
        DerivedStatus { fulfilments: &[Cancelled, Shipped, Delivered, Returned], order: OrderStatus::Shipped },
        DerivedStatus { fulfilments: &[Cancelled, Confirmed, Shipped, Delivered, Returned], order: OrderStatus::Confirmed },
    ]
};

impl FulfilmentStatus {
    /// Whether the parcel left: SHIPPED, DELIVERED or RETURNED.
    #[must_use]
    pub fn has_shipped(self) -> bool {
        matches!(self, FulfilmentStatus::Shipped | FulfilmentStatus::Delivered | FulfilmentStatus::Returned)
    }
}

impl OrderStatus {
    /// Returns the status by [`DERIVED_STATUSES`]; `None` without fulfilments and while one is PENDING.
    #[must_use]
    pub fn of_fulfilments(statuses: &[FulfilmentStatus]) -> Option<OrderStatus> {
        let fits = |row: &&DerivedStatus| !statuses.is_empty() && statuses.iter().all(|status| row.fulfilments.contains(status));
        DERIVED_STATUSES.iter().find(fits).map(|row| row.order)
    }
}

/// Whether some fulfilments have shipped and others neither shipped nor were cancelled.
#[must_use]
pub fn is_partially_shipped(statuses: &[FulfilmentStatus]) -> bool {
    let waits = |status: &FulfilmentStatus| matches!(status, FulfilmentStatus::Pending | FulfilmentStatus::Confirmed);
    statuses.iter().any(|status| status.has_shipped()) && statuses.iter().any(waits)
}

string_enum! {
    /// What a refund of a part of an order's money is for.
    RefundCause {
        /// A fulfilment was cancelled.
        Fulfilment = "FULFILMENT",
        /// Goods were returned.
        Return = "RETURN",
    }
}

/// A line of an order in one of its fulfilments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FulfilmentItem {
    pub order_item_id: OrderItemId,
    /// How many units.
    pub quantity: u32,
}

/// A fulfilment at the moment of ordering, in events of its order. An event without fulfilments is of an order that has one:
/// its id is that of the order, and it has no seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderedFulfilment {
    pub fulfilment_id: FulfilmentId,
    /// Null for the shop's own lines.
    pub seller_id: Option<UserId>,
    pub items: Vec<FulfilmentItem>,
    /// The fee for its shipment, in minor units of the order's currency.
    pub shipping_amount: i64,
    /// The tax on that fee.
    pub shipping_tax_amount: i64,
    /// What the customer pays for it: its lines less their discounts, the fee, and the taxes on both unless they are contained. Those of all fulfilments
    /// add up to the total of the order.
    pub total_amount: i64,
}

impl OrderedFulfilment {
    /// Returns the ids of the fulfilments that an event of the order has, or means when it has none.
    #[must_use]
    pub fn ids(order_id: OrderId, fulfilments: &[OrderedFulfilment]) -> Vec<FulfilmentId> {
        match fulfilments {
            [] => vec![FulfilmentId(order_id.0)],
            several => several.iter().map(|fulfilment| fulfilment.fulfilment_id).collect(),
        }
    }
}

/// A fulfilment as the order shows it. All amounts are in minor units of the order's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Fulfilment")]
pub struct FulfilmentView {
    pub fulfilment_id: FulfilmentId,
    /// Who sells and ships it; null for the shop itself.
    pub seller_id: Option<UserId>,
    /// The present status.
    pub status: FulfilmentStatus,
    pub items: Vec<FulfilmentItem>,
    /// The sum of its line totals.
    pub subtotal_amount: i64,
    /// Its share of the discounts, as a positive amount.
    pub discount_amount: i64,
    /// The fee for its shipment.
    pub shipping_amount: i64,
    /// The tax on its lines and its shipping fee. Contained in their amounts where the order's `pricesIncludeTax`.
    pub tax_amount: i64,
    /// The rate of the fee in hundredths of a percent; null in orders of earlier versions.
    #[serde(default)]
    pub shipping_tax_basis_points: Option<u32>,
    /// The part of `taxAmount` on the fee.
    #[serde(default)]
    pub shipping_tax_amount: i64,
    /// What the customer pays for it. Those of all fulfilments add up to the total of the order.
    pub total_amount: i64,
    /// Whether its cancellation is requested and its shipment is not cancelled yet.
    pub cancellation_requested: bool,
    /// Null until there is a shipment.
    pub shipment_id: Option<ShipmentId>,
    /// Null until there is a shipment.
    pub shipment_status: Option<ShipmentStatus>,
    /// The carrier of the parcel.
    pub carrier: Option<String>,
    /// The carrier's tracking number of the parcel.
    pub tracking_number: Option<String>,
}

/// A fulfilment as its seller sees it: the part of an order that the seller ships, without the parts of others and without the
/// payment. All amounts are in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerFulfilment {
    pub fulfilment_id: FulfilmentId,
    pub order_id: OrderId,
    /// The order number that people see.
    pub order_number: String,
    pub seller_id: Option<UserId>,
    /// The present status.
    pub status: FulfilmentStatus,
    /// The currency of every amount.
    pub currency: Currency,
    /// Its lines at the moment of ordering.
    pub items: Vec<OrderItem>,
    /// The sum of its line totals.
    pub subtotal_amount: i64,
    /// Its share of the discounts, as a positive amount.
    pub discount_amount: i64,
    /// The fee for its shipment.
    pub shipping_amount: i64,
    /// The tax on its lines and its shipping fee. Contained in their amounts where `pricesIncludeTax`.
    pub tax_amount: i64,
    /// The rate of the fee in hundredths of a percent; null in orders of earlier versions.
    #[serde(default)]
    pub shipping_tax_basis_points: Option<u32>,
    /// The part of `taxAmount` on the fee.
    #[serde(default)]
    pub shipping_tax_amount: i64,
    /// Whether the tax is contained in the other amounts. Otherwise it is added to them.
    #[serde(default)]
    pub prices_include_tax: bool,
    /// What the customer pays for it.
    pub total_amount: i64,
    /// Whether its cancellation is requested and its shipment is not cancelled yet.
    pub cancellation_requested: bool,
    /// Where it is shipped.
    pub shipping_address_snapshot: AddressSnapshot,
    /// Null until there is a shipment.
    pub shipment_id: Option<ShipmentId>,
    /// Null until there is a shipment.
    pub shipment_status: Option<ShipmentStatus>,
    /// The carrier of the parcel.
    pub carrier: Option<String>,
    /// The carrier's tracking number of the parcel.
    pub tracking_number: Option<String>,
    /// When the order was placed.
    pub created_at: Timestamp,
    /// When the order was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use FulfilmentStatus::{Cancelled, Confirmed, Delivered, Pending, Returned, Shipped};

    #[test]
    fn the_status_of_an_order_follows_from_its_fulfilments() {
        for (statuses, order, partial) in [
            (vec![Confirmed], Some(OrderStatus::Confirmed), false),
            (vec![Confirmed, Shipped], Some(OrderStatus::Confirmed), true),
            (vec![Confirmed, Cancelled], Some(OrderStatus::Confirmed), false),
            (vec![Delivered, Confirmed, Cancelled], Some(OrderStatus::Confirmed), true),
            (vec![Shipped, Cancelled], Some(OrderStatus::Shipped), false),
            (vec![Shipped, Delivered, Returned], Some(OrderStatus::Shipped), false),
            (vec![Delivered, Returned, Cancelled], Some(OrderStatus::Delivered), false),
            (vec![Returned, Cancelled], Some(OrderStatus::Delivered), false),
            (vec![Cancelled, Cancelled], Some(OrderStatus::Cancelled), false),
            (vec![Pending, Pending], None, false),
            (vec![], None, false),
        ] {
            assert_eq!(OrderStatus::of_fulfilments(&statuses), order, "{statuses:?}");
            assert_eq!(is_partially_shipped(&statuses), partial, "{statuses:?}");
        }
    }

    #[test]
    fn every_set_of_statuses_without_pending_has_a_status() {
        let all = [Confirmed, Shipped, Delivered, Cancelled, Returned];
        for set in 1..1_usize << all.len() {
            let statuses: Vec<_> = all.iter().enumerate().filter(|(at, _)| set & (1 << at) != 0).map(|(_, status)| *status).collect();
            assert!(OrderStatus::of_fulfilments(&statuses).is_some(), "{statuses:?}");
        }
    }
}
