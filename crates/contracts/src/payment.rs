//! Payment: authorizes, captures and refunds money through a payment provider. The built-in provider is a mock.

use crate::{
    calls, events,
    ids::{OrderId, PaymentId, TransactionId, UserId, Uuid},
    machine,
    money::Currency,
    page::{Page, Totals},
    problem::Failure,
    service::ServiceSpec,
    string_enum,
    text::{Amount, RequiredShortText},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service's name.
pub const NAME: &str = "payment";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Moves money through a payment provider.",
    machines: &[PaymentStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &["/admin/payments", "/payments"],
};

machine! {
    /// The life of a payment. While the outcome of an operation is unknown, the status stays, and the transaction is UNKNOWN
    /// until the provider reports the outcome.
    PaymentStatus;
    /// What can happen to a payment.
    PaymentFact;
    states {
        /// Created; no authorization is known.
        Initiated = "INITIATED",
        /// The provider holds the amount.
        Authorized = "AUTHORIZED",
        /// The money was received. Parts of it may have been refunded.
        Captured = "CAPTURED",
        /// It failed for good; nothing is held.
        Failed = "FAILED",
        /// All of it was refunded.
        Refunded = "REFUNDED",
        /// It was voided before the capture; nothing is held.
        Voided = "VOIDED",
    }
    resting { Captured }
    facts {
        /// The provider authorized it.
        Authorized,
        /// The provider refused the authorization for good.
        Declined,
        /// The provider captured it.
        Captured,
        /// The provider refused the capture for good. The authorization is released.
        CaptureFailed,
        /// It was voided.
        Voided,
        /// A part was refunded, and a part is left.
        PartlyRefunded,
        /// The last part was refunded.
        Refunded,
    }
    table {
        Initiated, Authorized => Authorized;
        Initiated, Declined => Failed;
        Initiated, Voided => Voided;
        Authorized, Captured => Captured;
        Authorized, CaptureFailed => Failed;
        Authorized, Voided => Voided;
        Captured, PartlyRefunded => Captured;
        Captured, Refunded => Refunded;
    }
}

string_enum! {
    /// A payment method. The mock provider behaves as the name says.
    PaymentMethod {
        /// Everything works.
        Ok = "pm_ok",
        /// The authorization is declined.
        Declined = "pm_declined",
        /// The authorization is declined: the account does not hold enough.
        InsufficientFunds = "pm_insufficient_funds",
        /// It is authorized, and the capture fails for good.
        CaptureFails = "pm_capture_fails",
        /// It is captured, and refunds fail.
        RefundFails = "pm_refund_fails",
        /// The provider authorizes it and the answer never arrives.
        Timeout = "pm_timeout",
        /// Every operation fails twice with a transient error and then works.
        Flaky = "pm_flaky",
        /// Every operation is slow.
        Slow = "pm_slow",
    }

    /// The payment provider.
    Provider {
        /// The built-in mock.
        Mock = "MOCK",
    }

    /// What a transaction does.
    TransactionType {
        /// Holds the amount.
        Authorize = "AUTHORIZE",
        /// Captures the held amount.
        Capture = "CAPTURE",
        /// Refunds money.
        Refund = "REFUND",
        /// Releases the held amount.
        Void = "VOID",
    }

    /// How far a transaction is.
    TransactionStatus {
        /// Recorded; not sent to the provider yet, or to be sent again after a transient error.
        Pending = "PENDING",
        /// The provider did it.
        Succeeded = "SUCCEEDED",
        /// The provider refused it.
        Failed = "FAILED",
        /// Sent, and no answer came. The provider is queried for the outcome.
        Unknown = "UNKNOWN",
    }
}

/// Creates a payment for an order, without an authorization.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePayment {
    pub order_id: OrderId,
    /// The order number; messages about the payment quote it.
    pub order_number: RequiredShortText,
    /// The customer who placed the order.
    pub user_id: UserId,
    /// In minor units of `currency`, at least 1.
    pub amount: Amount,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The payment method.
    pub payment_method: PaymentMethod,
}

/// Refunds money.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundPayment {
    /// In minor units; the whole rest when absent.
    #[serde(default)]
    pub amount: Option<Amount>,
}

/// Refunds the money of a part of an order, once for each cause.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundPart {
    /// What it is for: the id of a cancelled fulfilment or of a return.
    pub cause_id: Uuid,
    /// In minor units. What is left is refunded when it is less.
    pub amount: Amount,
}

/// A payment with its transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub user_id: UserId,
    /// The present status.
    pub status: PaymentStatus,
    /// The amount to be paid, in minor units of `currency`.
    pub amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The amount captured so far: nothing or all.
    pub captured_amount: i64,
    /// The amount refunded so far.
    pub refunded_amount: i64,
    /// The payment provider.
    pub provider: Provider,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// Why it failed, or why the last refund failed; otherwise null.
    pub failure: Option<Failure>,
    /// The oldest first; of refused refunds only the newest 20.
    pub transactions: Vec<Transaction>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An operation at the payment provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    pub transaction_id: TransactionId,
    pub payment_id: PaymentId,
    /// The operation.
    pub r#type: TransactionType,
    /// The present status.
    pub status: TransactionStatus,
    /// In minor units of the payment's currency.
    pub amount: i64,
    /// The provider's id of it; null until the provider answered.
    pub provider_reference: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What a refund of a part of the order is for: the id of a fulfilment or of a return.
    #[serde(default)]
    pub cause_id: Option<Uuid>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A payment as lists show it: without its transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSummary {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    /// The order number that people see.
    pub order_number: String,
    pub user_id: UserId,
    /// The present status.
    pub status: PaymentStatus,
    /// The amount to be paid, in minor units of `currency`.
    pub amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The amount captured so far: nothing or all.
    pub captured_amount: i64,
    /// The amount refunded so far.
    pub refunded_amount: i64,
    /// The payment method.
    pub payment_method: PaymentMethod,
    /// Why it failed, or why the last refund failed; otherwise null.
    pub failure: Option<Failure>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which payments a list or a count covers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PaymentFilter {
    /// Only payments in this status.
    pub status: Option<PaymentStatus>,
    /// Only payments of this order.
    pub order_id: Option<OrderId>,
    /// True for payments whose last refund the provider refused: money is owed. False for all others.
    pub refund_failed: Option<bool>,
}

/// Faults of the mock provider that administrators switch on and off in a demonstration. They end with the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderFaults {
    /// Every authorization is declined.
    pub declines: bool,
    /// Every request takes as long as one of `pm_slow`.
    pub slow: bool,
}

/// All faults of the mock provider, as they shall be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutProviderFaults {
    /// Every authorization is declined.
    pub declines: bool,
    /// Every request takes as long as one of `pm_slow`.
    pub slow: bool,
}

impl From<PutProviderFaults> for ProviderFaults {
    fn from(PutProviderFaults { declines, slow }: PutProviderFaults) -> ProviderFaults {
        ProviderFaults { declines, slow }
    }
}

calls! {
    /// Lists payments, the newest first.
    LIST_PAYMENTS: get(()) -> Page<PaymentSummary>, "/admin/payments", query PaymentFilter;
    /// Counts these payments by status.
    COUNT_PAYMENTS: get(()) -> Totals<PaymentStatus>, "/admin/payments/totals", query PaymentFilter;
    /// Reads which faults of the mock provider are switched on. Only a demonstration has them.
    GET_PROVIDER_FAULTS: get(()) -> ProviderFaults, "/admin/payments/faults";
    /// Switches the faults of the mock provider on and off, from the next request to it on. Only a demonstration has them.
    PUT_PROVIDER_FAULTS: put(PutProviderFaults) -> ProviderFaults, "/admin/payments/faults";
    /// Notifies of a change at the mock provider. The body is signed by the Standard Webhooks scheme.
    RECEIVE_PAYMENT_WEBHOOK: post_unkeyed(serde_json::Value) -> (), "/payments/webhooks/mock";
    /// Creates a payment for an order, in INITIATED.
    CREATE_PAYMENT: post_keyed(CreatePayment) -> Payment, "/payments", from "order";
    /// Authorizes the payment at the provider. The answer is the present payment: AUTHORIZED, FAILED with the failure, or
    /// still INITIATED while the outcome is unknown; an event follows then.
    AUTHORIZE_PAYMENT: post_keyed(()) -> Payment, "/payments/{paymentId}/authorize", from "order";
    /// Captures the held amount. The answer is the present payment: CAPTURED, FAILED, or still AUTHORIZED while the outcome is
    /// unknown.
    CAPTURE_PAYMENT: post_keyed(()) -> Payment, "/payments/{paymentId}/capture", from "order";
    /// Voids the payment before its capture. An authorization with an unknown outcome is settled first.
    VOID_PAYMENT: post_keyed(()) -> Payment, "/payments/{paymentId}/void", from "order";
    /// Refunds the rest of the money or a part of it.
    REFUND_PAYMENT: post_keyed(RefundPayment) -> Payment, "/payments/{paymentId}/refund", from "order";
    /// Refunds the money of a part of an order, once for each cause: the amount, or what is left when that is less. The answer is
    /// the present payment; the transaction with the cause says whether the money went back.
    REFUND_PART: post_keyed(RefundPart) -> Payment, "/internal/payments/{paymentId}/refunds", from "order";
    /// Reads a payment with its transactions.
    GET_PAYMENT: get(()) -> Payment, "/payments/{paymentId}", from "order";
}

events! {
    "PAYMENT", payment_id: PaymentId;
    /// The provider holds the amount.
    PaymentAuthorized {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
    }
    /// The payment failed for good. Nothing is held at the provider.
    PaymentFailed {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
        /// Whether the authorization or the capture failed.
        stage: TransactionType,
        /// The reason.
        failure: Failure,
    }
    /// The money was received.
    PaymentCaptured {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
    }
    /// Money was refunded.
    PaymentRefunded {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// The amount of this refund.
        amount: i64,
        /// The amount refunded so far, this refund included.
        refunded_amount: i64,
        /// The captured amount.
        captured_amount: i64,
        /// The currency of the amounts.
        currency: Currency,
        /// Whether nothing is left to refund.
        in_full: bool,
        /// What a refund of a part of the order is for: the id of a fulfilment or of a return.
        #[serde(default)]
        cause_id: Option<Uuid>,
    }
    /// The payment was voided before its capture. Nothing is held at the provider.
    PaymentVoided {
        order_id: OrderId,
        /// The order number that people see.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
    }
}
