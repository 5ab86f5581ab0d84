//! Order: coordinates payment, stock and shipping. The status of the order is the authoritative one.

use crate::{
    calls, events,
    ids::{AddressId, CartId, OrderId, OrderItemId, PaymentId, ProductId, ReservationId, ShipmentId, UserId},
    machine,
    money::Currency,
    page::{Page, Totals},
    payment::PaymentMethod,
    problem::Failure,
    service::ServiceSpec,
    shipping::ShipmentStatus,
    string_enum,
    text::{Amount, Country, Email, RequiredShortText},
    time::Timestamp,
    user::AddressSnapshot,
    violation::{Violation, deserialize_str},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, str::FromStr};

/// The service's name.
pub const NAME: &str = "order";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns orders and coordinates payment, stock and shipping for each of them.",
    machines: &[OrderStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/orders", "/orders"],
};

machine! {
    /// The life of an order. Authorization and reservation run side by side: a reservation that arrives first leaves the
    /// order in PENDING_PAYMENT, and the authorization then leads to INVENTORY_RESERVED at once. CONFIRMED and later,
    /// PAYMENT_FAILED, CANCELLED and REFUNDED are resting states; an order leaves the others without a request.
    OrderStatus;
    /// What can happen to an order.
    OrderFact;
    states {
        /// Placed. The authorization does not hold yet; the stock may already be reserved.
        PendingPayment = "PENDING_PAYMENT",
        /// The authorization holds, the stock is not reserved yet.
        PaymentAuthorized = "PAYMENT_AUTHORIZED",
        /// The payment failed and the stock was released. The customer may pay again for a limited time.
        PaymentFailed = "PAYMENT_FAILED",
        /// Authorization and reservation both hold; the capture is due.
        InventoryReserved = "INVENTORY_RESERVED",
        /// Paid, and the units are sold. The shipment is being booked.
        Confirmed = "CONFIRMED",
        /// The carrier has it.
        Shipped = "SHIPPED",
        /// The customer has it.
        Delivered = "DELIVERED",
        /// Ended without a sale. The authorization and the stock are released or will be; a refund shows in the payment, and
        /// the order stays CANCELLED.
        Cancelled = "CANCELLED",
        /// The money of a confirmed, shipped or delivered order was refunded in full.
        Refunded = "REFUNDED",
    }
    resting { PaymentFailed, Confirmed, Shipped, Delivered }
    facts {
        /// The provider authorized the payment, and the stock is not reserved yet.
        PaymentAuthorized,
        /// Authorization and reservation both hold.
        ReadyToCapture,
        /// The payment was declined, or its authorization was lost.
        PaymentFailed,
        /// The stock cannot be reserved.
        OutOfStock,
        /// The provider refused the capture for good.
        CaptureFailed,
        /// The reservation expired before it was confirmed; the stock is reserved again.
        ReservationLost,
        /// The money was captured and the stock confirmed.
        Confirmed,
        /// The customer or an administrator cancelled it; after the confirmation this needs a cancelled shipment. Or an
        /// administrator refunded all of the money before the confirmation.
        CancelRequested,
        /// The customer pays again.
        PaymentRetried,
        /// The time to pay again is over.
        RetryWindowClosed,
        /// The carrier took it.
        Shipped,
        /// The carrier delivered it.
        Delivered,
        /// The captured money was refunded in full.
        Refunded,
        /// The parcel came back. The status stays: an administrator restocks the goods and refunds the money.
        ParcelReturned,
    }
    table {
        PendingPayment, PaymentAuthorized => PaymentAuthorized;
        PendingPayment, ReadyToCapture => InventoryReserved;
        PendingPayment, PaymentFailed => PaymentFailed;
        PendingPayment, OutOfStock => Cancelled;
        PendingPayment, CancelRequested => Cancelled;
        PaymentAuthorized, ReadyToCapture => InventoryReserved;
        PaymentAuthorized, PaymentFailed => PaymentFailed;
        PaymentAuthorized, OutOfStock => Cancelled;
        PaymentAuthorized, CancelRequested => Cancelled;
        InventoryReserved, Confirmed => Confirmed;
        InventoryReserved, CaptureFailed => PaymentFailed;
        InventoryReserved, PaymentFailed => PaymentFailed;
        InventoryReserved, ReservationLost => PaymentAuthorized;
        InventoryReserved, OutOfStock => Cancelled;
        InventoryReserved, CancelRequested => Cancelled;
        PaymentFailed, PaymentRetried => PendingPayment;
        PaymentFailed, RetryWindowClosed => Cancelled;
        PaymentFailed, CancelRequested => Cancelled;
        Confirmed, Shipped => Shipped;
        Confirmed, Delivered => Delivered;
        Confirmed, Refunded => Refunded;
        Confirmed, CancelRequested => Cancelled;
        Shipped, Delivered => Delivered;
        Shipped, Refunded => Refunded;
        Shipped, ParcelReturned => Shipped;
        Delivered, Refunded => Refunded;
        Delivered, ParcelReturned => Delivered;
        Refunded, ParcelReturned => Refunded;
    }
}

string_enum! {
    /// Why an order was cancelled.
    CancelReason {
        /// The customer cancelled it.
        CustomerRequest = "CUSTOMER_REQUEST",
        /// An administrator cancelled it, or refunded the money.
        AdminRequest = "ADMIN_REQUEST",
        /// There was not enough stock.
        OutOfStock = "OUT_OF_STOCK",
        /// It was not paid in time.
        PaymentWindowClosed = "PAYMENT_WINDOW_CLOSED",
    }
}

/// The reason of the timeline entry of a parcel that came back.
pub const PARCEL_RETURNED: &str = "PARCEL_RETURNED";

string_enum! {
    /// Whether the goods of a parcel that came back are on sale again.
    RestockStatus {
        /// An administrator restocked them, and the inventory has not confirmed it yet.
        Pending = "PENDING",
        /// They are on sale again.
        Done = "DONE",
    }
}

/// The number that people see of an order: 3 to 40 letters, digits and hyphens. Upper and lower case are the same, and the
/// hyphen of a number of ten letters may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrderNumber(String);

impl OrderNumber {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderNumber {
    type Err = Violation;
    fn from_str(text: &str) -> Result<OrderNumber, Violation> {
        let text = text.trim().to_ascii_uppercase();
        let fits = (3..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match fits {
            true if text.len() == 10 && !text.contains('-') => Ok(OrderNumber(format!("{}-{}", &text[..5], &text[5..]))),
            true => Ok(OrderNumber(text)),
            false => Err(Violation::new("NOT_AN_ORDER_NUMBER", "must be an order number such as 7QK2M-XW9PD")),
        }
    }
}

impl<'de> Deserialize<'de> for OrderNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrderNumber, D::Error> {
        deserialize_str(deserializer, "a string", str::parse)
    }
}

impl JsonSchema for OrderNumber {
    fn schema_name() -> Cow<'static, str> {
        "OrderNumber".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": "^[A-Za-z0-9-]{3,40}$", "description": "The number that people see, such as 7QK2M-XW9PD.",
        })
    }
}

/// What names an order in a path: its id, or the number that people see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OrderRef {
    Id(OrderId),
    Number(OrderNumber),
}

impl<'de> Deserialize<'de> for OrderRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrderRef, D::Error> {
        deserialize_str(deserializer, "a string", |text| match text.parse() {
            Ok(id) => Ok(OrderRef::Id(id)),
            // Another spelling of an id is no number.
            Err(refused) if text.len() >= 32 => Err(refused),
            Err(_) => text.parse().map(OrderRef::Number),
        })
    }
}

impl JsonSchema for OrderRef {
    fn schema_name() -> Cow<'static, str> {
        "OrderRef".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 3, "maxLength": 40, "description": "The `orderId`, or the `orderNumber`."})
    }
}

/// Places an order for everything in the caller's active cart.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// The shipping address; an address of the caller's address book.
    pub shipping_address_id: AddressId,
    /// The billing address; the shipping address when absent.
    #[serde(default)]
    pub billing_address_id: Option<AddressId>,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The total that the customer saw, in minor units. When the order would have another total, it is not placed, and the
    /// answer is `TOTAL_CHANGED` with the new totals.
    #[serde(default)]
    pub expected_total_amount: Option<Amount<0>>,
}

/// Cancels an order whose parcel has not left.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {
    /// One line of 1 to 200 characters, shown in the timeline.
    #[serde(default)]
    pub reason: Option<RequiredShortText>,
}

/// Pays again an order in PAYMENT_FAILED.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayOrder {
    /// The payment method.
    pub payment_method: PaymentMethod,
}

/// An order. Items, addresses and amounts are those of the moment of ordering and never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Order")]
pub struct OrderView {
    pub order_id: OrderId,
    /// The number that people see. It cannot be guessed from another one.
    pub order_number: String,
    pub user_id: UserId,
    /// The present status.
    pub status: OrderStatus,
    /// The currency of every amount.
    pub currency: Currency,
    /// The lines at the moment of ordering.
    pub items: Vec<OrderItem>,
    /// The sum of the line totals, in minor units.
    pub subtotal_amount: i64,
    /// The shipping cost, in minor units of `currency`.
    pub shipping_amount: i64,
    /// The tax that is added, in minor units of `currency`.
    pub tax_amount: i64,
    /// The discount, as a positive amount in minor units of `currency`.
    pub discount_amount: i64,
    /// Subtotal plus shipping plus tax minus discount.
    pub total_amount: i64,
    /// The amount refunded so far.
    pub refunded_amount: i64,
    /// The present payment; null until it is created.
    pub payment_id: Option<PaymentId>,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// The progress of the shipment.
    pub shipping: OrderShipping,
    /// Whether a cancellation of the confirmed order is requested and its shipment is not cancelled yet. The order becomes
    /// CANCELLED when shipping can cancel the shipment; otherwise this becomes false and the order continues.
    pub cancellation_requested: bool,
    /// The shipping address.
    pub shipping_address_snapshot: AddressSnapshot,
    /// The billing address.
    pub billing_address_snapshot: AddressSnapshot,
    /// Why it failed or was cancelled; otherwise null.
    pub failure: Option<Failure>,
    /// Whether the goods of a parcel that came back are on sale again; null until an administrator restocks them.
    #[serde(default)]
    pub restock: Option<RestockStatus>,
    /// Every status that it had, the oldest first. A parcel that came back is an entry with the status of then and the reason
    /// `PARCEL_RETURNED`.
    pub timeline: Vec<TimelineEntry>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderItem {
    pub order_item_id: OrderItemId,
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title when the order was placed.
    pub title_snapshot: String,
    /// The price of one unit when the order was placed, in minor units of the order's currency.
    pub unit_price_snapshot: i64,
    /// How many units.
    pub quantity: u32,
    /// `unitPriceSnapshot` times `quantity`.
    pub line_total_amount: i64,
    /// The address of the product's main picture when the order was placed; null when it had none.
    #[serde(default)]
    pub image_url: Option<String>,
}

/// The shipment of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipping {
    /// Null until there is a shipment.
    pub status: Option<ShipmentStatus>,
    pub shipment_id: Option<ShipmentId>,
    /// The carrier of the parcel.
    pub carrier: Option<String>,
    /// The carrier's tracking number of the parcel.
    pub tracking_number: Option<String>,
    /// Whether the order is confirmed and its shipment is not booked yet. Booking is retried automatically.
    pub pending: bool,
}

/// A status that an order had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineEntry {
    /// The status.
    pub status: OrderStatus,
    /// When it entered this status.
    pub occurred_at: Timestamp,
    /// A code such as `OUT_OF_STOCK`, or the customer's text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// An order as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummary {
    pub order_id: OrderId,
    /// The order number that people see.
    pub order_number: String,
    pub user_id: UserId,
    /// The present status.
    pub status: OrderStatus,
    /// The currency of the amounts.
    pub currency: Currency,
    /// In minor units.
    pub total_amount: i64,
    /// How many lines it has.
    pub item_count: u32,
    /// Its first 20 lines.
    #[serde(default)]
    pub items: Vec<OrderSummaryItem>,
    pub payment_id: Option<PaymentId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One line of an order as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderSummaryItem {
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title when the order was placed.
    pub title_snapshot: String,
    /// How many units.
    pub quantity: u32,
    /// The address of the product's main picture when the order was placed; null when it had none.
    pub image_url: Option<String>,
}

/// Which of the caller's orders a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnOrderFilter {
    /// Only orders in this status, or in one of several.
    #[serde(default)]
    pub status: Vec<OrderStatus>,
}

/// Which orders a list or a count of an administrator covers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrderFilter {
    /// Only orders in this status, or in one of several.
    pub status: Vec<OrderStatus>,
    /// Only orders of this customer.
    pub user_id: Option<UserId>,
    /// Only the order with this number.
    pub order_number: Option<OrderNumber>,
    /// Only orders of the customer with this e-mail address.
    pub email: Option<Email>,
    /// Only orders placed at this instant or later.
    pub from: Option<Timestamp>,
    /// Only orders placed before this instant.
    pub to: Option<Timestamp>,
}

/// Estimates what an order would cost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EstimateTotals {
    pub user_id: UserId,
    /// Where it would be shipped; the country of the user's default shipping address when absent.
    #[serde(default)]
    pub country: Option<Country>,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The sum of the lines, in minor units of `currency`.
    pub subtotal_amount: i64,
}

/// What an order would cost that is placed now. All amounts are in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalsEstimate {
    /// Where it would be shipped, as ISO 3166-1 alpha-2.
    pub country: String,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The sum of the lines.
    pub subtotal_amount: i64,
    /// The shipping cost.
    pub shipping_amount: i64,
    /// The tax that is added.
    pub tax_amount: i64,
    /// Subtotal plus shipping plus tax.
    pub total_amount: i64,
}

calls! {
    /// Places an order for everything in the cart.
    PLACE_ORDER: post_keyed(PlaceOrder) -> OrderView, "/orders";
    /// Lists the caller's orders, the newest first.
    LIST_ORDERS: get(()) -> Page<OrderSummary>, "/orders", query OwnOrderFilter;
    /// Reads an order with its timeline, by its id or by the number that people see.
    GET_ORDER: get(()) -> OrderView, "/orders/{orderId}";
    /// Cancels an order that has not shipped.
    CANCEL_ORDER: post(CancelOrder) -> OrderView, "/orders/{orderId}/cancel";
    /// Pays again an order whose payment failed.
    PAY_ORDER: post(PayOrder) -> OrderView, "/orders/{orderId}/pay";
    /// Puts the goods of a parcel that came back on sale again, once.
    RESTOCK_ORDER: post(()) -> OrderView, "/orders/{orderId}/restock";
    /// Estimates what an order would cost, by the rules by which it is placed. `NOT_FOUND` without a country and without a
    /// default shipping address.
    ESTIMATE_TOTALS: query(EstimateTotals) -> TotalsEstimate, "/internal/orders/estimate", from "cart";
    /// Lists the orders of all customers, the newest first.
    LIST_ALL_ORDERS: get(()) -> Page<OrderSummary>, "/admin/orders", query OrderFilter;
    /// Counts these orders by status.
    COUNT_ORDERS: get(()) -> Totals<OrderStatus>, "/admin/orders/totals", query OrderFilter;
}

// Each transition publishes exactly one of these events. All amounts are in minor units of `currency`.
events! {
    "ORDER", order_id: OrderId;
    /// A customer placed an order. The cart becomes CHECKED_OUT.
    OrderCreated {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The cart that was ordered.
        cart_id: CartId,
        /// The currency of the amounts.
        currency: Currency,
        /// The sum of the line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// The shipping cost, in minor units of `currency`.
        shipping_amount: i64,
        /// The tax that is added, in minor units of `currency`.
        tax_amount: i64,
        /// The discount, as a positive amount in minor units of `currency`.
        discount_amount: i64,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The payment method.
        payment_method: PaymentMethod,
        /// The lines at the moment of ordering.
        items: Vec<OrderItem>,
        /// The shipping address.
        shipping_address_snapshot: AddressSnapshot,
        /// The billing address.
        billing_address_snapshot: AddressSnapshot,
    }
    /// The authorization holds; the stock is not reserved yet.
    OrderPaymentAuthorized {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        payment_id: PaymentId,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
    }
    /// Authorization and reservation hold; the capture is due.
    OrderInventoryReserved {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        payment_id: PaymentId,
        reservation_id: ReservationId,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
    }
    /// The reservation expired before it was confirmed; the order is PAYMENT_AUTHORIZED again.
    OrderReservationLost {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The reservation that expired.
        reservation_id: ReservationId,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
    }
    /// The payment failed. The customer may pay again until `payableUntil`.
    OrderPaymentFailed {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null when no payment could be created.
        payment_id: Option<PaymentId>,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The reason.
        failure: Failure,
        /// Until when the customer may pay again.
        payable_until: Timestamp,
    }
    /// The customer pays again; the order is PENDING_PAYMENT.
    OrderPaymentRetried {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The payment method.
        payment_method: PaymentMethod,
        /// Counts the payments of this order; the first retry is 2.
        attempt: u32,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
    }
    /// The order ended without a sale.
    OrderCancelled {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The reason.
        reason: CancelReason,
        /// The text of the customer or the administrator.
        note: Option<String>,
        /// Whether the customer cancelled it.
        by_customer: bool,
        /// Whether the lines are added to the active cart again.
        lines_return: bool,
        cart_id: CartId,
        /// The lines at the moment of ordering.
        items: Vec<OrderItem>,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// Whether money was captured, or may have been because a capture was requested. Captured money is refunded.
        refund_due: bool,
    }
    /// Paid, and the units are sold. A shipment is due.
    OrderConfirmed {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        payment_id: PaymentId,
        reservation_id: ReservationId,
        /// The currency of the amounts.
        currency: Currency,
        /// The sum of the line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// The shipping cost, in minor units of `currency`.
        shipping_amount: i64,
        /// The tax that is added, in minor units of `currency`.
        tax_amount: i64,
        /// The discount, as a positive amount in minor units of `currency`.
        discount_amount: i64,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The lines at the moment of ordering.
        items: Vec<OrderItem>,
        /// The shipping address.
        shipping_address_snapshot: AddressSnapshot,
    }
    /// The carrier has the parcel.
    OrderShipped {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        shipment_id: ShipmentId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
    }
    /// The customer has the parcel.
    OrderDelivered {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        shipment_id: ShipmentId,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
    }
    /// The money of a confirmed, shipped or delivered order was refunded in full.
    OrderRefunded {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        payment_id: PaymentId,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The refunded amount.
        refunded_amount: i64,
    }
    /// The parcel came back. The order keeps its status.
    OrderParcelReturned {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        shipment_id: ShipmentId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
        /// The currency of the amounts.
        currency: Currency,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The amount refunded so far.
        refunded_amount: i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_its_id_or_its_number() {
        let read = |text: &str| serde_json::from_value::<OrderRef>(text.into());
        let id = "0190a1b2-0000-7000-8000-00000000000a";
        assert_eq!(read(id).unwrap(), OrderRef::Id(id.parse().unwrap()));
        for number in ["7QK2M-XW9PD", "7qk2m-xw9pd", "7QK2MXW9PD", " 7qk2mXW9PD "] {
            assert_eq!(read(number).unwrap(), OrderRef::Number("7QK2M-XW9PD".parse().unwrap()), "{number}");
        }
        assert_eq!("SK-7F3Q-92KD".parse::<OrderNumber>().unwrap().as_str(), "SK-7F3Q-92KD");
        for other in
            ["", "7", "7QK2M_XW9PD", "../etc", &id.to_uppercase(), &id.replace('-', ""), &format!("{{{id}}}"), "\u{660}\u{661}\u{662}"]
        {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
