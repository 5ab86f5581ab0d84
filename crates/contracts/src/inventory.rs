//! Inventory: how much of each SKU there is, and what is set aside for which order.

use crate::{
    body::{BoundedInt, BoundedVec},
    calls, events,
    ids::{OrderId, ProductId, ReservationId, ReservationLineId, StockItemId, UserId},
    machine,
    page::Page,
    service::ServiceSpec,
    string_enum,
    text::{Quantity, RequiredShortText, Sku},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "inventory";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns the stock of each SKU and reserves units for orders.",
    machines: &[ReservationStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/inventory", "/inventory", "/products/{productId}/availability"],
};

/// The most units of one SKU that can be in stock.
pub const MAX_QTY: i64 = 1_000_000_000;

machine! {
    /// The life of a reservation. It ends exactly once.
    ReservationStatus;
    /// What can happen to a reservation.
    ReservationFact;
    states {
        /// The units are set aside until `expiresAt`.
        Active = "ACTIVE",
        /// The units were sold. When the order is cancelled after all they are returned to the stock, and the reservation
        /// stays CONFIRMED.
        Confirmed = "CONFIRMED",
        /// The units went back on sale.
        Released = "RELEASED",
        /// Nobody confirmed in time; the units went back on sale.
        Expired = "EXPIRED",
    }
    resting {}
    facts {
        /// The payment was captured.
        Confirmed,
        /// The order was cancelled, or its payment failed.
        Released,
        /// Its time ran out.
        Expired,
    }
    table {
        Active, Confirmed => Confirmed;
        Active, Released => Released;
        Active, Expired => Expired;
    }
}

string_enum! {
    /// Why the stock of a SKU changed.
    StockChangeReason {
        /// It was set or adjusted by hand.
        Adjusted = "ADJUSTED",
        /// Units were set aside for an order.
        Reserved = "RESERVED",
        /// Units were sold.
        Confirmed = "CONFIRMED",
        /// Units that were set aside went back on sale.
        Released = "RELEASED",
        /// Units that were set aside too long went back on sale.
        Expired = "EXPIRED",
        /// Units of a confirmed order that was cancelled or refunded, and whose parcel never left, went back on sale.
        Returned = "RETURNED",
    }
}

/// Makes the stock item of a SKU, or sets what is available.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetStock {
    /// Units that can be sold from now on, besides those set aside.
    pub available_qty: BoundedInt<0, MAX_QTY>,
    /// The product the SKU belongs to.
    pub product_id: ProductId,
    /// At or below how many available units the stock counts as low; unchanged when absent.
    #[serde(default)]
    pub low_stock_threshold: Option<BoundedInt<0, MAX_QTY>>,
}

/// Adds to what is available, or takes from it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdjustStock {
    /// Units to add; negative to take away. The available stock stays between 0 and 1,000,000,000.
    pub delta: BoundedInt<{ -MAX_QTY }, MAX_QTY>,
    /// Why, in one line; it is kept.
    pub reason: RequiredShortText,
}

/// The stock of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockItem {
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    pub product_id: ProductId,
    /// Who sells the product; null for the marketplace itself or while it is not known yet.
    pub seller_id: Option<UserId>,
    /// Units that can be sold.
    pub available_qty: i64,
    /// Units set aside by active reservations.
    pub reserved_qty: i64,
    /// At or below how many available units the stock counts as low.
    pub low_stock_threshold: i64,
    /// Whether it is low now.
    pub low_stock: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whether a product can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// Whether any can be sold now.
    pub in_stock: bool,
    /// Units that can be sold; 0 for a product without stock item.
    pub available_qty: i64,
}

/// Sets units aside for an order: all lines or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reserve {
    pub order_id: OrderId,
    /// 1 to 200 lines; a SKU may appear once.
    pub lines: BoundedVec<ReserveLine, 1, 200>,
    /// How long they are set aside: 1 second to 7 days; 15 minutes when absent.
    #[serde(default)]
    pub ttl_seconds: Option<BoundedInt<1, 604_800>>,
}

/// Units of one SKU to set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveLine {
    /// The stock-keeping unit, in upper case.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Units set aside for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    pub reservation_id: ReservationId,
    pub order_id: OrderId,
    /// The present status.
    pub status: ReservationStatus,
    /// The units, by SKU.
    pub lines: Vec<ReservationLine>,
    /// When it expires unless it is confirmed or released before.
    pub expires_at: Timestamp,
    /// When the units of a confirmed reservation came back, because the order was cancelled or refunded.
    pub returned_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Units of one SKU in a reservation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReservationLine {
    pub reservation_line_id: ReservationLineId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// How many units.
    pub quantity: u32,
}

/// A line that cannot be had; the problem `INSUFFICIENT_STOCK` lists them in its member `lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// Units wanted.
    pub requested: i64,
    /// Units that can be sold now.
    pub available: i64,
}

/// Units of one SKU, as events tell them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkuQuantity {
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// How many units.
    pub quantity: u32,
}

/// Asks for the stock of many SKUs at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockLookup {
    /// 1 to 200 SKUs.
    pub skus: BoundedVec<Sku, 1, 200>,
}

/// The stock that was found; SKUs without a stock item are left out and cannot be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockList {
    /// In no particular order.
    pub items: Vec<StockItem>,
}

/// Which stock items a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StockFilter {
    /// With `true`, only items that are low; with `false`, only items that are not.
    pub low_stock: Option<bool>,
}

calls! {
    /// Lists the stock of the seller's products, for an administrator that of all; the newest item first.
    LIST_STOCK: get(()) -> Page<StockItem>, "/inventory/stock", query StockFilter;
    /// Reads the stock of one SKU.
    GET_STOCK: get(()) -> StockItem, "/inventory/stock/{sku}";
    /// Creates the stock item of a SKU, or sets how many units are available.
    SET_STOCK: put(SetStock) -> StockItem, "/inventory/stock/{sku}";
    /// Adds units to the available stock, or removes them.
    ADJUST_STOCK: post(AdjustStock) -> StockItem, "/inventory/stock/{sku}/adjust";
    /// Reads whether a product can be bought now.
    GET_AVAILABILITY: get(()) -> Availability, "/products/{productId}/availability";
    /// Reads the stock of up to 200 SKUs at once.
    LOOK_UP_STOCK: query(StockLookup) -> StockList, "/internal/stock/lookup", from "cart", "catalog", "order";
    /// Sets units aside for an order, all lines or none; `INSUFFICIENT_STOCK` with the lines that are short.
    RESERVE: post_keyed(Reserve) -> Reservation, "/inventory/reservations", from "order";
    /// Turns units set aside into units sold. `RESERVATION_EXPIRED` when it came too late.
    CONFIRM_RESERVATION: post_keyed(()) -> Reservation, "/inventory/reservations/{reservationId}/confirm", from "order";
    /// Puts units set aside back on sale. On a reservation that was released or expired before it changes nothing.
    RELEASE_RESERVATION: post_keyed(()) -> Reservation, "/inventory/reservations/{reservationId}/release", from "order";
    /// Puts the units of a confirmed reservation back on sale, once, because the order was cancelled or refunded
    /// and its parcel never left.
    /// The reservation stays CONFIRMED and shows `returnedAt`.
    RETURN_RESERVATION: post_keyed(()) -> Reservation, "/inventory/reservations/{reservationId}/return", from "order";
    /// Reads a reservation.
    GET_RESERVATION: get(()) -> Reservation, "/inventory/reservations/{reservationId}", from "order";
}

events! {
    "RESERVATION", reservation_id: ReservationId;
    /// Units were set aside for an order.
    StockReserved {
        order_id: OrderId,
        /// The units, by SKU.
        lines: Vec<SkuQuantity>,
        /// When they go back on sale unless confirmed.
        expires_at: Timestamp,
    }
    /// The units could not be set aside; nothing was. The id names the attempt.
    StockReservationFailed {
        order_id: OrderId,
        /// The lines that are short.
        shortages: Vec<Shortage>,
    }
    /// Units set aside were sold.
    StockConfirmed {
        order_id: OrderId,
        /// The units, by SKU.
        lines: Vec<SkuQuantity>,
    }
    /// Units set aside went back on sale.
    StockReleased {
        order_id: OrderId,
        /// The units, by SKU.
        lines: Vec<SkuQuantity>,
    }
    /// Units set aside went back on sale because nobody confirmed in time.
    StockExpired {
        order_id: OrderId,
        /// The units, by SKU.
        lines: Vec<SkuQuantity>,
    }
    /// Units of a confirmed order that was cancelled or refunded, and whose parcel never left, went back on sale.
    StockReturned {
        order_id: OrderId,
        /// The units, by SKU.
        lines: Vec<SkuQuantity>,
    }
    "STOCK_ITEM", stock_item_id: StockItemId;
    /// The stock of a SKU changed; here it is.
    StockChanged {
        /// The stock-keeping unit, in upper case.
        sku: String,
        product_id: ProductId,
        /// Units that can be sold.
        available_qty: i64,
        /// Units set aside.
        reserved_qty: i64,
        /// Why.
        reason: StockChangeReason,
        /// What was written when it was adjusted by hand.
        note: Option<String>,
    }
    /// The stock of a SKU fell to its threshold or below it. It is told again only after the stock was above it.
    StockLow {
        /// The stock-keeping unit, in upper case.
        sku: String,
        product_id: ProductId,
        seller_id: Option<UserId>,
        /// Units that can be sold.
        available_qty: i64,
        /// At or below how many available units the stock counts as low.
        low_stock_threshold: i64,
    }
}
