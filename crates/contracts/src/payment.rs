//! Payment: moves money through a provider, which is a mock that behaves like a real one.

use crate::{
    calls, events,
    ids::{OrderId, PaymentId, TransactionId, UserId},
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
    /// The life of a payment. While the outcome of an operation is unknown the status stays, and the transaction says
    /// UNKNOWN until the provider was asked.
    PaymentStatus;
    /// What can happen to a payment.
    PaymentFact;
    states {
        /// Made; nothing is held at the provider that we know of.
        Initiated = "INITIATED",
        /// The provider holds the amount for us.
        Authorized = "AUTHORIZED",
        /// The money is ours. Parts of it may have been given back.
        Captured = "CAPTURED",
        /// It failed for good; nothing is held.
        Failed = "FAILED",
        /// All of it was given back.
        Refunded = "REFUNDED",
        /// It was given up before the capture; nothing is held.
        Voided = "VOIDED",
    }
    resting { Captured }
    facts {
        /// The provider authorized it.
        Authorized,
        /// The provider finally refused to authorize it.
        Declined,
        /// The provider captured it.
        Captured,
        /// The provider finally refused to capture it. What it held is let go.
        CaptureFailed,
        /// It was given up.
        Voided,
        /// A part was given back, and some is left.
        PartlyRefunded,
        /// The last of it was given back.
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
    /// What to pay with. The mock provider does what the word says.
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
        /// Every operation takes its time.
        Slow = "pm_slow",
    }

    /// Who moves the money.
    Provider {
        /// The built-in mock.
        Mock = "MOCK",
    }

    /// What a transaction does.
    TransactionType {
        /// Holds the amount.
        Authorize = "AUTHORIZE",
        /// Takes what is held.
        Capture = "CAPTURE",
        /// Gives money back.
        Refund = "REFUND",
        /// Lets go of what is held.
        Void = "VOID",
    }

    /// How far a transaction is.
    TransactionStatus {
        /// Written down; the provider was not asked yet, or is asked again after a transient error.
        Pending = "PENDING",
        /// The provider did it.
        Succeeded = "SUCCEEDED",
        /// The provider refused it.
        Failed = "FAILED",
        /// Sent, and no answer came. The provider is asked what happened.
        Unknown = "UNKNOWN",
    }
}

/// Makes a payment for an order. Nothing is moved yet.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatePayment {
    pub order_id: OrderId,
    /// What people call the order; it goes into messages about the payment.
    pub order_number: RequiredShortText,
    /// Whose order it is.
    pub user_id: UserId,
    /// In minor units of `currency`, at least 1.
    pub amount: Amount,
    /// The currency of the amounts.
    pub currency: Currency,
    /// What to pay with.
    pub payment_method: PaymentMethod,
}

/// Gives money back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundPayment {
    /// In minor units; all that is left when absent.
    #[serde(default)]
    pub amount: Option<Amount>,
}

/// A payment with everything that was tried for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub user_id: UserId,
    /// The present status.
    pub status: PaymentStatus,
    /// What is to be paid, in minor units of `currency`.
    pub amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// What was captured so far: nothing or all.
    pub captured_amount: i64,
    /// What was given back so far.
    pub refunded_amount: i64,
    /// Who moves the money.
    pub provider: Provider,
    /// What to pay with.
    pub payment_method: PaymentMethod,
    /// Why it failed, or why the last refund did; null while all is well.
    pub failure: Option<Failure>,
    /// The oldest first. Of refunds that were refused, the newest 20.
    pub transactions: Vec<Transaction>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One movement of money that was asked of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    pub transaction_id: TransactionId,
    pub payment_id: PaymentId,
    /// Whether it holds, takes or gives back.
    pub r#type: TransactionType,
    /// The present status.
    pub status: TransactionStatus,
    /// In minor units of the payment's currency.
    pub amount: i64,
    /// The provider's name for it; null until the provider answered.
    pub provider_reference: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A payment as lists show it: without its transactions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSummary {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    /// What people call the order.
    pub order_number: String,
    pub user_id: UserId,
    /// The present status.
    pub status: PaymentStatus,
    /// What is to be paid, in minor units of `currency`.
    pub amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// What was captured so far: nothing or all.
    pub captured_amount: i64,
    /// What was given back so far.
    pub refunded_amount: i64,
    /// What to pay with.
    pub payment_method: PaymentMethod,
    /// Why it failed, or why the last refund did; null while all is well.
    pub failure: Option<Failure>,
    /// When it was made.
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
}

calls! {
    /// Lists payments, the newest first.
    LIST_PAYMENTS: get(()) -> Page<PaymentSummary>, "/admin/payments", query PaymentFilter;
    /// Counts these payments by status.
    COUNT_PAYMENTS: get(()) -> Totals<PaymentStatus>, "/admin/payments/totals", query PaymentFilter;
    /// Notifies of a change at the mock provider. The body is signed by the Standard Webhooks scheme.
    RECEIVE_WEBHOOK: post_unkeyed(serde_json::Value) -> (), "/payments/webhooks/mock";
    /// Makes a payment for an order, in INITIATED.
    CREATE_PAYMENT: post_keyed(CreatePayment) -> Payment, "/payments", from "order";
    /// Asks the provider to hold the amount. The answer is the payment as it is now: AUTHORIZED, FAILED with the
    /// failure, or still INITIATED while the outcome is unknown; the event tells the rest.
    AUTHORIZE_PAYMENT: post_keyed(()) -> Payment, "/payments/{paymentId}/authorize", from "order";
    /// Takes what is held. The answer is the payment as it is now: CAPTURED, FAILED, or still AUTHORIZED while the
    /// outcome is unknown.
    CAPTURE_PAYMENT: post_keyed(()) -> Payment, "/payments/{paymentId}/capture", from "order";
    /// Gives the payment up before its capture. While an authorization's outcome is unknown it is settled first.
    VOID_PAYMENT: post_keyed(()) -> Payment, "/payments/{paymentId}/void", from "order";
    /// Gives money back, all that is left or a part.
    REFUND_PAYMENT: post_keyed(RefundPayment) -> Payment, "/payments/{paymentId}/refund", from "order";
    /// Reads a payment with its transactions.
    GET_PAYMENT: get(()) -> Payment, "/payments/{paymentId}", from "order";
}

events! {
    "PAYMENT", payment_id: PaymentId;
    /// The provider holds the amount.
    PaymentAuthorized {
        order_id: OrderId,
        /// What people call the order.
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
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
        /// Whether the authorization or the capture failed.
        stage: TransactionType,
        /// Why.
        failure: Failure,
    }
    /// The money is ours.
    PaymentCaptured {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
    }
    /// Money was given back.
    PaymentRefunded {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// What was given back this time.
        amount: i64,
        /// What was given back so far, this time included.
        refunded_amount: i64,
        /// What had been captured.
        captured_amount: i64,
        /// The currency of the amounts.
        currency: Currency,
        /// Whether nothing is left to refund.
        in_full: bool,
    }
    /// The payment was given up before its capture. Nothing is held at the provider.
    PaymentVoided {
        order_id: OrderId,
        /// What people call the order.
        order_number: String,
        user_id: UserId,
        /// In minor units of `currency`.
        amount: i64,
        /// The currency of the amounts.
        currency: Currency,
    }
}
