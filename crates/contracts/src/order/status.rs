//! The life of an order, and the words for its reasons.

use crate::{machine, string_enum};

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
        Confirmed, ParcelReturned => Confirmed;
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
        /// The seller cancelled its part.
        SellerRequest = "SELLER_REQUEST",
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
