//! The events of orders and of their fulfilments.

use super::{CancelReason, NAME, OrderItem, OrderedFulfilment, RefundCause, SERVICE};
use crate::{
    events,
    ids::{CartId, FulfilmentId, OrderId, PaymentId, ReservationId, ShipmentId, UserId, Uuid},
    money::Currency,
    payment::PaymentMethod,
    problem::Failure,
    time::Timestamp,
    user::AddressSnapshot,
};

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
        /// The tax on goods and shipping, in minor units of `currency`.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// The discount, as a positive amount in minor units of `currency`.
        discount_amount: i64,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The payment method.
        payment_method: PaymentMethod,
        /// The lines at the moment of ordering.
        items: Vec<OrderItem>,
        /// The parts of the order, one for each seller of its lines. None in an old event: then it has one.
        #[serde(default)]
        fulfilments: Vec<OrderedFulfilment>,
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
        /// The tax on goods and shipping, in minor units of `currency`.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// The discount, as a positive amount in minor units of `currency`.
        discount_amount: i64,
        /// The total of the order, in minor units of `currency`.
        total_amount: i64,
        /// The lines at the moment of ordering.
        items: Vec<OrderItem>,
        /// The parts of the order, one for each seller of its lines. None in an old event: then it has one.
        #[serde(default)]
        fulfilments: Vec<OrderedFulfilment>,
        /// The shipping address.
        shipping_address_snapshot: AddressSnapshot,
    }
    /// The carrier has the parcel.
    OrderShipped {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The part of the order whose parcel it was. None in an old event: then no event of a fulfilment announced the parcel.
        #[serde(default)]
        fulfilment_id: Option<FulfilmentId>,
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
        /// The part of the order whose parcel it was. None in an old event: then no event of a fulfilment announced the parcel.
        #[serde(default)]
        fulfilment_id: Option<FulfilmentId>,
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
    /// A part of the captured money was given back for a cancelled fulfilment or a return. It is announced once for each cause.
    OrderPartRefunded {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        payment_id: PaymentId,
        /// What it was for.
        cause: RefundCause,
        /// The id of the fulfilment or the return.
        cause_id: Uuid,
        /// The currency of the amounts.
        currency: Currency,
        /// What was owed and went back for it. Less went back only when an administrator had refunded money before.
        amount: i64,
        /// The amount refunded so far.
        refunded_amount: i64,
    }
    /// An account verified the address of the guest who ordered, and is the customer now.
    OrderClaimed {
        /// The order number that people see.
        order_number: String,
        /// The account.
        user_id: UserId,
        /// The customer before.
        guest_id: UserId,
    }
    /// The personal data of a guest's order is erased: names, addresses and texts of people. Whoever has a copy erases it.
    OrderPersonalDataErased {
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
    }
    // Each transition of a fulfilment publishes exactly one of these events.
    "FULFILMENT", fulfilment_id: FulfilmentId;
    /// The order was confirmed: the seller ships this part.
    FulfilmentConfirmed {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop's own lines.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// Its lines at the moment of ordering, with their discounts and taxes.
        items: Vec<OrderItem>,
        /// The sum of its line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// Its share of the discounts, as a positive amount.
        discount_amount: i64,
        /// The part of `discountAmount` that its seller pays, who made the promotions; the shop pays the rest. It exceeds the sum
        /// of those of the items by what the seller pays of the shipping fee.
        #[serde(default)]
        seller_discount_amount: i64,
        /// The fee for its shipment.
        shipping_amount: i64,
        /// The part of the fee that promotions of the shop waive. The customer does not pay it, its seller gets it from the shop, and
        /// `shippingAmount` does not hold it.
        #[serde(default)]
        waived_shipping_amount: i64,
        /// The tax on that fee.
        shipping_tax_amount: i64,
        /// The tax on its lines and its shipping fee.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// What the customer pays for it.
        total_amount: i64,
    }
    /// The carrier has the parcel.
    FulfilmentShipped {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop's own lines.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// Its lines at the moment of ordering, with their discounts and taxes.
        items: Vec<OrderItem>,
        /// The sum of its line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// Its share of the discounts, as a positive amount.
        discount_amount: i64,
        /// The fee for its shipment.
        shipping_amount: i64,
        /// The tax on that fee.
        shipping_tax_amount: i64,
        /// The tax on its lines and its shipping fee.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// What the customer pays for it.
        total_amount: i64,
        /// How many fulfilments its order has; 0 in an old event.
        #[serde(default)]
        fulfilment_count: u32,
        shipment_id: ShipmentId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
    }
    /// The customer has the parcel.
    FulfilmentDelivered {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop's own lines.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// Its lines at the moment of ordering, with their discounts and taxes.
        items: Vec<OrderItem>,
        /// The sum of its line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// Its share of the discounts, as a positive amount.
        discount_amount: i64,
        /// The fee for its shipment.
        shipping_amount: i64,
        /// The tax on that fee.
        shipping_tax_amount: i64,
        /// The tax on its lines and its shipping fee.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// What the customer pays for it.
        total_amount: i64,
        /// How many fulfilments its order has; 0 in an old event.
        #[serde(default)]
        fulfilment_count: u32,
        shipment_id: ShipmentId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
    }
    /// This part of the order ended without a sale, alone or with its order.
    FulfilmentCancelled {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop's own lines.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// Its lines at the moment of ordering, with their discounts and taxes.
        items: Vec<OrderItem>,
        /// The sum of its line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// Its share of the discounts, as a positive amount.
        discount_amount: i64,
        /// The fee for its shipment.
        shipping_amount: i64,
        /// The tax on that fee.
        shipping_tax_amount: i64,
        /// The tax on its lines and its shipping fee.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// What the customer pays for it.
        total_amount: i64,
        /// Who cancelled it, or why.
        reason: CancelReason,
        /// The text of the one who cancelled it.
        note: Option<String>,
        /// Whether it was confirmed before; `FulfilmentConfirmed` announced that.
        was_confirmed: bool,
        /// Whether its whole order is cancelled, is being cancelled, or was refunded in full. Then events of the order tell the customer.
        #[serde(default)]
        with_order: bool,
        /// What goes back to the customer because of this: its total, or less when the money was refunded before.
        refund_amount: i64,
    }
    /// The parcel came back.
    FulfilmentReturned {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop's own lines.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// Its lines at the moment of ordering, with their discounts and taxes.
        items: Vec<OrderItem>,
        /// The sum of its line totals, in minor units of `currency`.
        subtotal_amount: i64,
        /// Its share of the discounts, as a positive amount.
        discount_amount: i64,
        /// The fee for its shipment.
        shipping_amount: i64,
        /// The tax on that fee.
        shipping_tax_amount: i64,
        /// The tax on its lines and its shipping fee.
        tax_amount: i64,
        /// Whether the tax is contained in the other amounts. Otherwise it is added to them, as in old events.
        #[serde(default)]
        prices_include_tax: bool,
        /// What the customer pays for it.
        total_amount: i64,
        shipment_id: ShipmentId,
        /// The carrier of the parcel.
        carrier: String,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
    }
}
