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
    text::{Amount, RequiredShortText},
    time::Timestamp,
    user::AddressSnapshot,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
        Delivered, Refunded => Refunded;
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
    /// Every status that it had, the oldest first.
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
    pub payment_id: Option<PaymentId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which of the caller's orders a list shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnOrderFilter {
    /// Only orders in this status.
    #[serde(default)]
    pub status: Option<OrderStatus>,
}

/// Which orders a list or a count of an administrator covers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrderFilter {
    /// Only orders in this status.
    pub status: Option<OrderStatus>,
    /// Only orders of this customer.
    pub user_id: Option<UserId>,
    /// Only orders placed at this instant or later.
    pub from: Option<Timestamp>,
    /// Only orders placed before this instant.
    pub to: Option<Timestamp>,
}

calls! {
    /// Places an order for everything in the cart.
    PLACE_ORDER: post_keyed(PlaceOrder) -> OrderView, "/orders";
    /// Lists the caller's orders, the newest first.
    LIST_OWN_ORDERS: get(()) -> Page<OrderSummary>, "/orders", query OwnOrderFilter;
    /// Reads an order with its timeline.
    GET_ORDER: get(()) -> OrderView, "/orders/{orderId}";
    /// Cancels an order that has not shipped.
    CANCEL_ORDER: post(CancelOrder) -> OrderView, "/orders/{orderId}/cancel";
    /// Pays again an order whose payment failed.
    PAY_ORDER: post(PayOrder) -> OrderView, "/orders/{orderId}/pay";
    /// Lists the orders of all customers, the newest first.
    LIST_ORDERS: get(()) -> Page<OrderSummary>, "/admin/orders", query OrderFilter;
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
}
