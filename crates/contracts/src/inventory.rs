//! Inventory: the stock of each SKU, and the units that are reserved for orders.

use crate::{
    body::{BoundedInt, BoundedVec},
    calls, events,
    ids::{OrderId, ProductId, ReservationId, ReservationLineId, StockAlertId, StockItemId, UserId, Uuid},
    machine,
    page::Page,
    problem::Document,
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
    paths: &[
        "/admin/inventory",
        "/exports/stock.csv",
        "/inventory",
        "/products/{productId}/availability",
        "/products/{productId}/stock-alert",
    ],
};

/// The largest stock of one SKU, in units.
pub const MAX_QTY: i64 = 1_000_000_000;

machine! {
    /// The life of a reservation. It ends exactly once.
    ReservationStatus;
    /// What can happen to a reservation.
    ReservationFact;
    states {
        /// The units are reserved until `expiresAt`.
        Active = "ACTIVE",
        /// The units were sold. When the order is cancelled later, they are returned to the stock, and the reservation stays
        /// CONFIRMED.
        Confirmed = "CONFIRMED",
        /// The units went back on sale.
        Released = "RELEASED",
        /// It was not confirmed in time; the units went back on sale.
        Expired = "EXPIRED",
    }
    facts {
        /// The payment was captured.
        Confirmed,
        /// The order was cancelled, or its payment failed.
        Released,
        /// Its time is over.
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
        /// Units were reserved for an order.
        Reserved = "RESERVED",
        /// Units were sold.
        Confirmed = "CONFIRMED",
        /// Reserved units went back on sale.
        Released = "RELEASED",
        /// Reserved units went back on sale because the reservation expired.
        Expired = "EXPIRED",
        /// Sold units went back on sale because the order was cancelled or refunded before its parcel left.
        Returned = "RETURNED",
    }
}

/// Creates the stock item of a SKU, or sets its available units.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetStock {
    /// Units that can be sold from now on, reserved ones not included.
    pub available_qty: BoundedInt<0, MAX_QTY>,
    /// The product the SKU belongs to.
    pub product_id: ProductId,
    /// At or below how many available units the stock counts as low; unchanged when absent.
    #[serde(default)]
    pub low_stock_threshold: Option<BoundedInt<0, MAX_QTY>>,
}

/// The stock of one of many SKUs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetStockItem {
    pub sku: Sku,
    /// The product the SKU belongs to.
    pub product_id: ProductId,
    /// Units that can be sold from now on, reserved ones not included.
    pub available_qty: BoundedInt<0, MAX_QTY>,
    /// At or below how many available units the stock counts as low; unchanged when absent.
    #[serde(default)]
    pub low_stock_threshold: Option<BoundedInt<0, MAX_QTY>>,
}

/// Sets the stock of up to 250 SKUs. Those that cannot be set do not stop the others.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetStocks {
    pub items: BoundedVec<SetStockItem, 1, 250>,
}

/// Sets the stock of rows of an import.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportStock {
    /// Whether nothing is changed.
    pub dry_run: bool,
    pub items: BoundedVec<SetStockItem, 1, 250>,
}

/// What became of the stock of one SKU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockResult {
    /// Its place in the request, from 0.
    pub index: u32,
    /// What the status of an answer to a request with this item alone would be: 200, 201, 404 or 422.
    pub status: u16,
    /// Whether it was created or has another value now.
    pub changed: bool,
    /// Null when it was not set.
    pub stock: Option<StockItem>,
    /// Why it was not set; otherwise null.
    pub problem: Option<Document>,
}

/// What became of the stock of many SKUs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockResults {
    /// One for each item, in the order of the request.
    pub items: Vec<StockResult>,
}

/// Adds available units, or removes them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdjustStock {
    /// Units to add; negative to remove. The available stock stays between 0 and 1,000,000,000.
    pub delta: BoundedInt<{ -MAX_QTY }, MAX_QTY>,
    /// The reason, in one line. It is stored.
    pub reason: RequiredShortText,
}

/// The stock of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockItem {
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    pub product_id: ProductId,
    /// The seller; null for the marketplace itself, or while the seller is not known yet.
    pub seller_id: Option<UserId>,
    /// Units that can be sold.
    pub available_qty: i64,
    /// Units in active reservations.
    pub reserved_qty: i64,
    /// At or below how many available units the stock counts as low.
    pub low_stock_threshold: i64,
    /// Whether it is low now.
    pub low_stock: bool,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whether a product can be bought now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// Whether any can be sold now.
    pub in_stock: bool,
    /// Units that can be sold; 0 for a product without stock item.
    pub available_qty: i64,
}

/// Reserves units for an order: all lines or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reserve {
    pub order_id: OrderId,
    /// 1 to 200 lines; a SKU may appear once.
    pub lines: BoundedVec<ReserveLine, 1, 200>,
    /// The duration of the reservation: 1 second to 7 days; 15 minutes when absent.
    #[serde(default)]
    pub ttl_seconds: Option<BoundedInt<1, 604_800>>,
}

/// Units of one SKU to reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveLine {
    /// The stock-keeping unit, in upper case.
    pub sku: Sku,
    /// How many units.
    pub quantity: Quantity,
}

/// Puts sold units of a part of an order back on sale.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReturnLines {
    /// Why they are returned: the id of a cancelled fulfilment or of a return. One cause returns units once.
    pub cause_id: Uuid,
    /// 1 to 200 lines; a SKU may appear once.
    pub lines: BoundedVec<ReserveLine, 1, 200>,
}

/// Units reserved for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    pub reservation_id: ReservationId,
    pub order_id: OrderId,
    /// The present status.
    pub status: ReservationStatus,
    /// The units of each SKU.
    pub lines: Vec<ReservationLine>,
    /// When it expires unless it is confirmed or released earlier.
    pub expires_at: Timestamp,
    /// When the units of a confirmed reservation were returned, because the order was cancelled or refunded.
    pub returned_at: Option<Timestamp>,
    /// When it was created.
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

/// A line with too little stock; the problem `INSUFFICIENT_STOCK` lists them in its member `lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// Requested units.
    pub requested: i64,
    /// Units that can be sold now.
    pub available: i64,
}

/// Units of one SKU, in events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkuQuantity {
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// How many units.
    pub quantity: u32,
}

/// The SKUs of many stock items.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockLookup {
    /// 1 to 200 SKUs.
    pub skus: BoundedVec<Sku, 1, 200>,
}

/// The stock items that were found. SKUs without one are left out and cannot be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockList {
    /// In unspecified order.
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
    /// Asks for one message when the product can be bought again: when its stock or its sale begins again after this request. A repetition
    /// keeps the alert for longer.
    SET_STOCK_ALERT: put(()) -> (), "/products/{productId}/stock-alert";
    /// Takes the request back.
    DELETE_STOCK_ALERT: delete(()) -> (), "/products/{productId}/stock-alert";
    /// Reads the stock of up to 200 SKUs at once.
    LOOK_UP_STOCK: query(StockLookup) -> StockList, "/internal/stock/lookup", from "cart", "catalog", "order";
    /// Sets the stock of up to 250 SKUs, each by itself.
    SET_STOCKS: post(SetStocks) -> StockResults, "/inventory/stock/batch";
    /// Sets the stock of rows of an import, once for each key.
    IMPORT_STOCK: post_keyed(ImportStock) -> StockResults, "/internal/stock/import", from "catalog";
    /// Writes stock as a CSV file that can be imported, the oldest item first.
    EXPORT_STOCK: get(()) -> (), "/exports/stock.csv";
    /// Reserves units for an order, all lines or none; `INSUFFICIENT_STOCK` with the lines that have too little stock.
    RESERVE_STOCK: post_keyed(Reserve) -> Reservation, "/inventory/reservations", from "order";
    /// Marks the reserved units as sold. `RESERVATION_EXPIRED` after the expiry.
    CONFIRM_RESERVATION: post_keyed(()) -> Reservation, "/inventory/reservations/{reservationId}/confirm", from "order";
    /// Puts reserved units back on sale. A reservation that was released or has expired is left unchanged.
    RELEASE_RESERVATION: post_keyed(()) -> Reservation, "/inventory/reservations/{reservationId}/release", from "order";
    /// Puts the units of a confirmed reservation back on sale, once, because the order was cancelled or refunded before its
    /// parcel left. The reservation stays CONFIRMED and shows `returnedAt`.
    RETURN_RESERVATION: post_keyed(()) -> Reservation, "/inventory/reservations/{reservationId}/return", from "order";
    /// Puts some units of a confirmed reservation back on sale, once for each cause, and never more than were sold and not returned.
    RETURN_LINES: post_keyed(ReturnLines) -> Reservation, "/internal/reservations/{reservationId}/returns", from "order";
    /// Reads a reservation.
    GET_RESERVATION: get(()) -> Reservation, "/inventory/reservations/{reservationId}", from "order";
}

events! {
    "RESERVATION", reservation_id: ReservationId;
    /// Units were reserved for an order.
    StockReserved {
        order_id: OrderId,
        /// The units of each SKU.
        lines: Vec<SkuQuantity>,
        /// When they go back on sale unless the reservation is confirmed.
        expires_at: Timestamp,
    }
    /// Nothing was reserved, because a line has too little stock. The id stands for the attempt.
    StockReservationFailed {
        order_id: OrderId,
        /// The lines with too little stock.
        shortages: Vec<Shortage>,
    }
    /// Reserved units were sold.
    StockConfirmed {
        order_id: OrderId,
        /// The units of each SKU.
        lines: Vec<SkuQuantity>,
    }
    /// Reserved units went back on sale.
    StockReleased {
        order_id: OrderId,
        /// The units of each SKU.
        lines: Vec<SkuQuantity>,
    }
    /// Reserved units went back on sale because the reservation was not confirmed in time.
    StockExpired {
        order_id: OrderId,
        /// The units of each SKU.
        lines: Vec<SkuQuantity>,
    }
    /// Sold units went back on sale because the order was cancelled or refunded before its parcel left.
    StockReturned {
        order_id: OrderId,
        /// The units of each SKU.
        lines: Vec<SkuQuantity>,
    }
    "STOCK_ITEM", stock_item_id: StockItemId;
    /// The stock of a SKU changed. The event carries the new stock.
    StockChanged {
        /// The stock-keeping unit, in upper case.
        sku: String,
        product_id: ProductId,
        /// Units that can be sold.
        available_qty: i64,
        /// Reserved units.
        reserved_qty: i64,
        /// The reason.
        reason: StockChangeReason,
        /// The reason given for an adjustment by hand.
        note: Option<String>,
        /// The seller of the product; null for the shop's own, and in events of earlier versions.
        #[serde(default)]
        seller_id: Option<UserId>,
    }
    /// The stock of a SKU fell to its threshold or below. The next such event follows only after the stock was above it.
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
    "STOCK_ALERT", stock_alert_id: StockAlertId;
    /// A product can be bought again, and a customer had asked for a message. The request has ended with it.
    BackInStockAlertTriggered {
        user_id: UserId,
        product_id: ProductId,
        /// The product's title when the customer asked.
        title_snapshot: String,
    }
}
