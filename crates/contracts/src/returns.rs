//! Returns: goods that customers send back, and what is owed for them.

use crate::{
    body::BoundedVec,
    calls, events,
    ids::{FulfilmentId, OrderId, OrderItemId, ProductId, ReturnId, UserId},
    machine,
    money::Currency,
    page::Page,
    service::ServiceSpec,
    shipping::Carrier,
    string_enum,
    text::{Quantity, RequiredShortText},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{num::NonZeroU16, time::Duration};

/// The service's name.
pub const NAME: &str = "returns";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Takes delivered goods back and says what is owed for them.",
    machines: &[ReturnStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/returns", "/orders/{orderId}/returns", "/returns", "/seller/returns"],
};

/// How long after their delivery goods can be returned: the setting of `[returns]` that `payout` reads as well, because a sale becomes
/// available to its seller when that time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReturnTime {
    #[schemars(range(min = 1, max = 3_650))]
    pub return_days: NonZeroU16,
}

impl Default for ReturnTime {
    fn default() -> ReturnTime {
        ReturnTime { return_days: NonZeroU16::new(30).expect("a default is not zero") }
    }
}

impl ReturnTime {
    /// The time as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.return_days.get()) * 86_400)
    }
}

machine! {
    /// The life of a return.
    ReturnStatus;
    /// What can happen to a return.
    ReturnFact;
    states {
        /// The customer asked for it. Its seller or an administrator decides.
        Requested = "REQUESTED",
        /// It was approved: the customer has a label and sends the goods.
        Approved = "APPROVED",
        /// The seller or an administrator rejected it.
        Rejected = "REJECTED",
        /// The customer cancelled it.
        Cancelled = "CANCELLED",
        /// The carrier has the goods.
        InTransit = "IN_TRANSIT",
        /// The goods came back. The money is owed.
        Received = "RECEIVED",
        /// The money went back.
        Refunded = "REFUNDED",
        /// It is over: the goods were not sent in time, nothing was owed, or the money went back some time ago.
        Closed = "CLOSED",
    }
    resting { Received, Refunded }
    facts {
        /// The seller or an administrator approved it.
        Approved,
        /// The seller or an administrator rejected it.
        Rejected,
        /// The customer cancelled it.
        Cancelled,
        /// The carrier took the goods.
        Sent,
        /// The goods came back.
        Received,
        /// The goods were not sent in time.
        NotSent,
        /// The money went back.
        Refunded,
        /// Nothing was owed.
        NothingOwed,
        /// The money went back some time ago.
        Settled,
    }
    table {
        Requested, Approved => Approved;
        Requested, Rejected => Rejected;
        Requested, Cancelled => Cancelled;
        Approved, Sent => InTransit;
        Approved, Received => Received;
        Approved, Cancelled => Cancelled;
        Approved, NotSent => Closed;
        InTransit, Received => Received;
        Received, Refunded => Refunded;
        Received, NothingOwed => Closed;
        Refunded, Settled => Closed;
    }
}

string_enum! {
    /// Why goods are returned.
    ReturnReason {
        /// They are damaged.
        Damaged = "DAMAGED",
        /// Another item came.
        WrongItem = "WRONG_ITEM",
        /// They are not as described.
        NotAsDescribed = "NOT_AS_DESCRIBED",
        /// The customer changed the mind.
        ChangedMind = "CHANGED_MIND",
        /// Something else, such as a parcel that came back by itself.
        Other = "OTHER",
    }

    /// What happens to goods that came back.
    Disposition {
        /// They are put on sale again.
        Restock = "RESTOCK",
        /// They cannot be sold any more.
        WriteOff = "WRITE_OFF",
    }
}

/// Asks for the return of delivered goods. All lines are of one seller.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestReturn {
    /// 1 to 100 lines; an item may appear once.
    pub lines: BoundedVec<RequestReturnLine, 1, 100>,
}

/// Units of one line of an order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestReturnLine {
    pub order_item_id: OrderItemId,
    /// How many units.
    pub quantity: Quantity,
    /// Why.
    pub reason: ReturnReason,
    /// One line of 1 to 200 characters for the seller.
    #[serde(default)]
    pub note: Option<RequiredShortText>,
}

/// Rejects a return.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RejectReturn {
    /// One line of 1 to 200 characters, shown to the customer.
    pub reason: RequiredShortText,
}

/// Records the goods that came back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveReturn {
    /// 1 to 200 lines; an item may appear once for each disposition. Units that are not listed did not come back.
    pub lines: BoundedVec<ReceiveReturnLine, 1, 200>,
}

/// Units of one line that came back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveReturnLine {
    pub order_item_id: OrderItemId,
    /// How many units.
    pub quantity: Quantity,
    /// What happens to them.
    pub disposition: Disposition,
}

/// A return. All amounts are in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Return {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    /// The order number that people see.
    pub order_number: String,
    /// The fulfilment whose goods come back.
    pub fulfilment_id: FulfilmentId,
    /// The customer.
    pub user_id: UserId,
    /// Null for the shop itself.
    pub seller_id: Option<UserId>,
    /// The present status.
    pub status: ReturnStatus,
    /// Whether the parcel came back by itself, without a request of the customer.
    pub by_carrier: bool,
    pub lines: Vec<ReturnLine>,
    /// The currency of the amounts.
    pub currency: Currency,
    /// What is owed: for the requested units until the goods came back, for the received units afterwards.
    pub refund_amount: i64,
    /// The tax that is contained in `refundAmount`. Zero in returns of earlier versions.
    #[serde(default)]
    pub tax_amount: i64,
    /// What went back to the customer; null until then.
    pub refunded_amount: Option<i64>,
    /// How the goods are sent; null until it is approved.
    pub label: Option<ReturnLabel>,
    /// Why it was rejected; otherwise null.
    pub rejection: Option<String>,
    /// Until when the goods have to be sent; null unless it is APPROVED.
    pub send_until: Option<Timestamp>,
    /// When it was requested.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Units of one line of an order that come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnLine {
    pub order_item_id: OrderItemId,
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// The product's title when the order was placed.
    pub title_snapshot: String,
    /// How many units are to come back.
    pub quantity: u32,
    /// Why.
    pub reason: ReturnReason,
    /// The customer's text; null when there is none.
    pub note: Option<String>,
    /// How many units came back and are on sale again.
    pub restocked_quantity: u32,
    /// How many units came back and cannot be sold any more.
    pub written_off_quantity: u32,
    /// What is owed for it: for `quantity` until the goods came back, for the received units afterwards.
    pub refund_amount: i64,
    /// The part of the tax of the line that is contained in `refundAmount`. Zero in returns of earlier versions.
    #[serde(default)]
    pub tax_amount: i64,
}

/// The label with which goods are sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnLabel {
    /// The carrier of the parcel.
    pub carrier: Carrier,
    /// The carrier's tracking number of the parcel.
    pub tracking_number: String,
}

/// Which returns a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReturnFilter {
    /// Only returns in this status.
    pub status: Option<ReturnStatus>,
}

string_enum! {
    /// The order of a list of an administrator.
    ReturnSort {
        /// The newest first.
        Newest = "newest",
        /// The oldest first.
        Oldest = "oldest",
    }
}

/// Which returns a list of an administrator shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AllReturnsFilter {
    /// Only returns in this status.
    pub status: Option<ReturnStatus>,
    /// The order; the newest first when absent.
    pub sort: Option<ReturnSort>,
}

calls! {
    /// Asks for the return of delivered goods of one seller.
    REQUEST_RETURN: post(RequestReturn) -> Return, "/orders/{orderId}/returns";
    /// Lists the caller's returns, the newest first.
    LIST_RETURNS: get(()) -> Page<Return>, "/returns", query ReturnFilter;
    /// Reads a return, for its customer, its seller and administrators.
    GET_RETURN: get(()) -> Return, "/returns/{returnId}";
    /// Cancels the caller's return before the goods were sent.
    CANCEL_RETURN: post(()) -> Return, "/returns/{returnId}/cancel";
    /// Approves a return: the customer gets a label.
    APPROVE_RETURN: post(()) -> Return, "/returns/{returnId}/approve";
    /// Rejects a return.
    REJECT_RETURN: post(RejectReturn) -> Return, "/returns/{returnId}/reject";
    /// Records that the carrier has the goods.
    SEND_RETURN: post(()) -> Return, "/returns/{returnId}/sent";
    /// Records the goods that came back. Their money is owed from then on.
    RECEIVE_RETURN: post(ReceiveReturn) -> Return, "/returns/{returnId}/receive";
    /// Lists the returns of the caller's goods, the newest first.
    LIST_SELLER_RETURNS: get(()) -> Page<Return>, "/seller/returns", query ReturnFilter;
    /// Lists the returns of everyone, the newest first.
    LIST_ALL_RETURNS: get(()) -> Page<Return>, "/admin/returns", query AllReturnsFilter;
}

/// Units of one line that came back, as `ReturnReceived` announces them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedItem {
    pub order_item_id: OrderItemId,
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// How many units are put on sale again.
    pub restocked_quantity: u32,
    /// How many units cannot be sold any more.
    pub written_off_quantity: u32,
    /// What is owed for the units: their share of the line, less discount, with tax.
    pub refund_amount: i64,
    /// The part of the tax of the line in `refundAmount`.
    pub tax_amount: i64,
    /// The part of the discount of the line, as a positive amount, by which `refundAmount` is less.
    pub discount_amount: i64,
}

// Each transition publishes exactly one of these events. All amounts are in minor units of `currency`.
events! {
    "RETURN", return_id: ReturnId;
    /// A customer asked for a return, or a parcel came back by itself.
    ReturnRequested {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        fulfilment_id: FulfilmentId,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
        /// Whether the parcel came back by itself.
        by_carrier: bool,
        /// The currency of the amounts.
        currency: Currency,
        /// What will be owed if all of it comes back.
        refund_amount: i64,
    }
    /// A return was approved.
    ReturnApproved {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
        /// The carrier of the parcel.
        carrier: Carrier,
        /// The carrier's tracking number of the parcel.
        tracking_number: String,
        /// Until when the goods have to be sent; null when they are back already.
        send_until: Option<Timestamp>,
    }
    /// A return was rejected.
    ReturnRejected {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
        /// Why.
        reason: String,
    }
    /// The customer cancelled a return.
    ReturnCancelled {
        order_id: OrderId,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
    }
    /// The carrier has the goods.
    ReturnSent {
        order_id: OrderId,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
    }
    /// The goods came back. The stock follows the dispositions, and `refundAmount` is owed to the customer, once for this return.
    ReturnReceived {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        fulfilment_id: FulfilmentId,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// The units that came back.
        items: Vec<ReceivedItem>,
        /// What is owed: the sum of the items.
        refund_amount: i64,
    }
    /// The money of a return went back.
    ReturnRefunded {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
        /// The currency of the amounts.
        currency: Currency,
        /// What went back for this return.
        refunded_amount: i64,
    }
    /// A return is over.
    ReturnClosed {
        order_id: OrderId,
        user_id: UserId,
        /// Null for the shop itself.
        seller_id: Option<UserId>,
        /// Whether it ended because the goods were not sent in time.
        not_sent: bool,
    }
}
