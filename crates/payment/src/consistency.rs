//! The consistency check of payments, for `souk doctor` and the tests.
//!
//! Compares the payment's status and amounts, its transactions, and the ledger of the mock provider on one snapshot. The
//! payments of another provider are reconciled with its settlement reports instead.

use crate::store::comparison;
use contracts::{
    ids::{OrderId, PaymentId, TransactionId},
    money::Currency,
    payment::{PaymentStatus, TransactionStatus, TransactionType},
    time::Timestamp,
};
use platform::db::{Db, Error, Tx};
use std::time::Duration;

/// The number of faults reported at most.
const MAX_FAULTS: usize = 100;
/// How long a transaction may be open. The provider was called about once a minute by then, without an outcome.
const MAX_OPEN: Duration = Duration::from_secs(15 * 60);

/// The fields of a payment that are compared with its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPayment {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub status: PaymentStatus,
    /// In minor units of `currency`.
    pub amount: i64,
    /// What of it was refunded.
    pub refunded_amount: i64,
    pub currency: Currency,
    /// Whether one of its transactions is open.
    pub is_unsettled: bool,
}

/// An entry of the provider's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub kind: TransactionType,
    pub amount: i64,
    pub reference: String,
    pub declined: bool,
}

/// An entry of the provider's ledger without a transaction of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnmatchedEntry {
    pub reference: String,
    pub kind: TransactionType,
    pub amount: i64,
}

impl UnmatchedEntry {
    fn fault(&self) -> String {
        format!("the provider has {} of {} ({}), which has no transaction of ours (M3)", self.kind, self.amount, self.reference)
    }
}

/// A transaction of ours and the ledger entry of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionRecord {
    pub payment_id: PaymentId,
    pub transaction_id: TransactionId,
    pub kind: TransactionType,
    pub status: TransactionStatus,
    pub amount: i64,
    pub reference: Option<String>,
    pub created_at: Timestamp,
    pub at_provider: Option<Entry>,
}

impl TransactionRecord {
    /// Returns a sentence for people when the two differ.
    fn fault(&self, now: Timestamp) -> Option<String> {
        let TransactionRecord { payment_id, transaction_id, kind, status, amount, created_at, .. } = self;
        let wrong = match (status, &self.at_provider) {
            (_, Some(at_provider)) if (at_provider.kind, at_provider.amount) != (*kind, *amount) => {
                format!("the provider has it as {} of {} ({})", at_provider.kind, at_provider.amount, at_provider.reference)
            }
            (TransactionStatus::Pending | TransactionStatus::Unknown, _) if now.since(*created_at) <= MAX_OPEN => return None,
            (TransactionStatus::Pending | TransactionStatus::Unknown, _) => format!("its outcome is open since {created_at}"),
            (_, None) => "the provider knows nothing of it".into(),
            (TransactionStatus::Succeeded, Some(at_provider)) if at_provider.declined => {
                format!("the provider refused it ({})", at_provider.reference)
            }
            (TransactionStatus::Failed, Some(at_provider)) if !at_provider.declined => {
                format!("the provider did it ({})", at_provider.reference)
            }
            (_, Some(at_provider)) if self.reference.as_ref() != Some(&at_provider.reference) => {
                format!("the provider calls it {}, not {}", at_provider.reference, self.reference.as_deref().unwrap_or("nothing"))
            }
            (TransactionStatus::Succeeded | TransactionStatus::Failed, Some(_)) => return None,
        };
        Some(format!("payment {payment_id}: {kind} of {amount} is {status} in transaction {transaction_id}, but {wrong} (M3)"))
    }
}

/// The sums of the transactions of one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub authorized: i64,
    pub captures: i64,
    pub captured: i64,
    pub voids: i64,
    pub refunded: i64,
}

impl Sums {
    /// The amount that is authorized and neither captured nor voided.
    fn held(&self) -> i64 {
        if self.voids > 0 || self.captures > 0 { 0 } else { self.authorized }
    }

    /// M1: the amount is captured at most once, and refunds do not exceed it.
    fn faults(&self, whose: &str, amount: i64) -> Vec<String> {
        let Sums { captures, captured, refunded, .. } = self;
        let mut faults = Vec::new();
        if !matches!(captures, 0 | 1) || *captured != captures * amount {
            faults.push(format!("{captured} of {amount} captured by {captures} captures {whose} (M1)"));
        }
        if refunded > captured {
            faults.push(format!("{refunded} refunded of {captured} captured {whose} (M1)"));
        }
        faults
    }
}

/// A payment, the sums of its transactions, and the sums at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentRecord {
    pub payment_id: PaymentId,
    pub status: PaymentStatus,
    pub amount: i64,
    pub captured_amount: i64,
    pub refunded_amount: i64,
    /// The number of open transactions.
    pub unsettled: i64,
    pub settled: i64,
    pub captures_refused: i64,
    pub ours: Sums,
    pub at_provider: Sums,
}

impl PaymentRecord {
    /// Returns a sentence for people for each difference.
    fn faults(&self) -> Vec<String> {
        let PaymentRecord { payment_id, status, amount, captured_amount, refunded_amount, ours, at_provider, .. } = self;
        let mut faults = ours.faults("in its transactions", *amount);
        faults.extend(at_provider.faults("at the provider", *amount));
        if (*captured_amount, *refunded_amount) != (ours.captured, ours.refunded) {
            faults.push(format!(
                "{captured_amount} captured and {refunded_amount} refunded, but its transactions add up to {} and {} (M3)",
                ours.captured, ours.refunded
            ));
        }
        if !self.status_matches() {
            faults.push(format!(
                "{status}, but its transactions hold {}, captured {} and refunded {}, and {} are open (M3)",
                ours.held(),
                ours.captured,
                ours.refunded,
                self.unsettled
            ));
        }
        let provider_sums = (at_provider.held(), at_provider.captured, at_provider.refunded);
        let is_over = matches!(status, PaymentStatus::Failed | PaymentStatus::Voided);
        if is_over && at_provider.held() > 0 {
            faults.push(format!("{status}, but the provider still holds {} (M2)", at_provider.held()));
        } else if (is_over || self.unsettled == 0) && provider_sums != self.expected_sums() {
            faults.push(format!(
                "{status}, but the provider holds {}, captured {} and refunded {} (M3)",
                provider_sums.0, provider_sums.1, provider_sums.2
            ));
        }
        faults.into_iter().map(|fault| format!("payment {payment_id}: {fault}")).collect()
    }

    /// The held, captured and refunded amounts that the payment states.
    fn expected_sums(&self) -> (i64, i64, i64) {
        match self.status {
            PaymentStatus::Initiated | PaymentStatus::Failed | PaymentStatus::Voided => (0, 0, 0),
            PaymentStatus::Authorized => (self.amount, 0, 0),
            PaymentStatus::Captured | PaymentStatus::Refunded => (0, self.amount, self.refunded_amount),
        }
    }

    /// Returns whether the transactions lead to the status.
    fn status_matches(&self) -> bool {
        let PaymentRecord { amount, unsettled, settled, captures_refused, ours, .. } = self;
        let nothing_is_held = ours.held() == 0 && ours.captured == 0 && *unsettled == 0;
        match self.status {
            PaymentStatus::Initiated => *settled == 0,
            // After a refused capture the void is open until it is FAILED.
            PaymentStatus::Authorized => ours.held() == *amount && (*captures_refused == 0 || *unsettled > 0),
            PaymentStatus::Captured => ours.captured == *amount && ours.refunded < ours.captured,
            PaymentStatus::Refunded => ours.captured == *amount && ours.refunded == ours.captured && *unsettled == 0,
            PaymentStatus::Failed => nothing_is_held && *settled > 0 && (ours.voids > 0) == (*captures_refused > 0),
            PaymentStatus::Voided => nothing_is_held && *captures_refused == 0,
        }
    }
}

/// Checks the money of the whole database on one snapshot: M1 (an amount is captured at most once, and refunds do not exceed
/// it), M2 (nothing is held for a payment that has ended) and M3 (status, transactions and the provider's ledger agree, and no
/// transaction stays open). Returns at most 100 faults as sentences; none when the records are consistent.
///
/// # Errors
/// Those of the database.
pub async fn check_consistency(db: &Db) -> Result<Vec<String>, Error> {
    db.read(async |tx| check_in(tx).await).await
}

/// The same inside a unit of work.
pub(crate) async fn check_in(tx: &mut Tx) -> Result<Vec<String>, Error> {
    let (mut faults, now) = (Vec::new(), tx.now());
    comparison::each_payment(tx, |payment| add_faults(&mut faults, payment.faults())).await?;
    comparison::each_transaction(tx, |transaction| add_faults(&mut faults, transaction.fault(now))).await?;
    let unmatched = comparison::list_unmatched(tx, MAX_FAULTS).await?;
    add_faults(&mut faults, unmatched.iter().map(UnmatchedEntry::fault));
    Ok(faults)
}

/// Returns the payments of the orders after `after` up to and including `up_to`, in this order, for the check across services.
///
/// # Errors
/// Those of the database.
pub async fn list_by_orders(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<OrderPayment>, Error> {
    db.read(async move |tx| comparison::list_by_orders(tx, after, up_to).await).await
}

fn add_faults(faults: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    let left = MAX_FAULTS.saturating_sub(faults.len());
    faults.extend(more.into_iter().take(left));
}
