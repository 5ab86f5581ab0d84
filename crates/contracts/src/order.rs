//! Order: coordinates payment, stock and shipping. The status of the order is the authoritative one.
//!
//! An order has one fulfilment for each seller of its lines. Each is shipped, cancelled and announced apart; the status of the
//! order is derived from theirs by [`DERIVED_STATUSES`].

use crate::{
    body::UpdateIntegratorData,
    calls,
    page::{Page, Series, SeriesFilter, Totals},
    service::ServiceSpec,
    shipping::HandOverParcel,
};

mod bodies;
mod events;
mod fulfilment;
mod reference;
mod status;

pub use bodies::*;
pub use events::*;
pub use fulfilment::*;
pub use reference::*;
pub use status::*;

/// The service's name.
pub const NAME: &str = "order";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns orders and coordinates payment, stock and shipping for each of them.",
    machines: &[OrderStatus::SPEC, FulfilmentStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/orders", "/exports/orders.csv", "/orders", "/seller/fulfilments"],
};

calls! {
    /// Places an order for everything in the cart.
    PLACE_ORDER: post_keyed(PlaceOrder) -> OrderView, "/orders";
    /// Lists the caller's orders, the newest first.
    LIST_ORDERS: get(()) -> Page<OrderSummary>, "/orders", query OwnOrderFilter;
    /// Reads an order with its timeline, by its id or by the number that people see.
    GET_ORDER: get(()) -> OrderView, "/orders/{orderId}";
    /// Changes what integrators saved with an order.
    UPDATE_ORDER: patch(UpdateIntegratorData) -> OrderView, "/orders/{orderId}";
    /// Cancels an order that has not shipped.
    CANCEL_ORDER: post(CancelOrder) -> OrderView, "/orders/{orderId}/cancel";
    /// Cancels the part of an order that one seller ships, before it ships.
    CANCEL_FULFILMENT: post(CancelOrder) -> OrderView, "/orders/{orderId}/fulfilments/{fulfilmentId}/cancel";
    /// Lists the caller's fulfilments, the newest first.
    LIST_FULFILMENTS: get(()) -> Page<SellerFulfilment>, "/seller/fulfilments", query SellerFulfilmentFilter;
    /// Reads one of the caller's fulfilments.
    GET_FULFILMENT: get(()) -> SellerFulfilment, "/seller/fulfilments/{fulfilmentId}";
    /// Ships one of the caller's fulfilments.
    SHIP_FULFILMENT: post(HandOverParcel) -> SellerFulfilment, "/seller/fulfilments/{fulfilmentId}/ship";
    /// Pays again an order whose payment failed.
    PAY_ORDER: post(PayOrder) -> OrderView, "/orders/{orderId}/pay";
    /// Erases the personal data of a guest's order that is at rest, and ends its token.
    ERASE_PERSONAL_DATA: delete(()) -> (), "/orders/{orderId}/personal-data";
    /// Puts the goods of a parcel that came back on sale again, once.
    RESTOCK_ORDER: post(()) -> OrderView, "/orders/{orderId}/restock";
    /// Estimates what an order would cost, by the rules by which it is placed. `NOT_FOUND` without a country and without a
    /// default shipping address.
    ESTIMATE_TOTALS: query(EstimateTotals) -> TotalsEstimate, "/internal/orders/estimate", from "cart";
    /// Reads the status of an order; `NOT_FOUND` when it was never written.
    GET_ORDER_STATUS: get(()) -> StatusOfOrder, "/internal/orders/{orderId}/status", from "promotion";
    /// Finds the order that a guest's token opens; `NOT_FOUND` when it opens none.
    FIND_ORDER_BY_TOKEN: query(OrderTokenLookup) -> OrderCustomer, "/internal/orders/by-token", from "returns", "shipping";
    /// Reads where the mails about the order of a guest go; `NOT_FOUND` once it was claimed or erased.
    GET_GUEST_CONTACT: get(()) -> GuestContact, "/internal/orders/{orderId}/guest-contact", from "notification";
    /// Reads whether a customer ordered before.
    GET_ORDER_HISTORY: get(()) -> OrderHistory, "/internal/customers/{userId}/order-history", from "promotion";
    /// Lists the orders of all customers, the newest first.
    LIST_ALL_ORDERS: get(()) -> Page<OrderSummary>, "/admin/orders", query OrderFilter;
    /// Writes orders as a CSV file, the oldest first, one for each row.
    EXPORT_ORDERS: get(()) -> (), "/exports/orders.csv", query OrderExport;
    /// Counts orders and adds up what came in, by the day on which they were placed.
    LIST_DAILY_ORDERS: get(()) -> Series<DailyOrders>, "/admin/orders/daily", query SeriesFilter;
    /// Counts these orders by status.
    COUNT_ORDERS: get(()) -> Totals<OrderStatus>, "/admin/orders/totals", query OrderFilter;
}
