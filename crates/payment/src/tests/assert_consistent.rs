//! M3: our transactions, the provider's ledger, the payment's status and the events agree.

use super::Fixture;
use contracts::{
    ids::{PaymentId, TransactionId},
    payment::{PaymentStatus, TransactionStatus, TransactionType},
};
use platform::db::{Error, Tx};
use std::collections::{BTreeMap, HashMap};

/// An entry of the provider's ledger.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    reference: String,
    kind: TransactionType,
    amount: i64,
    declined: bool,
}

#[derive(Debug)]
struct TransactionRow {
    id: TransactionId,
    kind: TransactionType,
    status: TransactionStatus,
    amount: i64,
    reference: Option<String>,
}

#[derive(Debug)]
struct PaymentRows {
    status: PaymentStatus,
    amount: i64,
    captured: i64,
    refunded: i64,
    transactions: Vec<TransactionRow>,
}

async fn payments(tx: &mut Tx) -> Result<BTreeMap<PaymentId, PaymentRows>, Error> {
    let rows: Vec<(PaymentId, PaymentRows)> = tx
        .query("SELECT payment_id, status, amount, captured_amount, refunded_amount FROM payments", &[], |row| {
            let id = row.next()?;
            let (status, amount, captured, refunded) = (row.next()?, row.next()?, row.next()?, row.next()?);
            Ok((id, PaymentRows { status, amount, captured, refunded, transactions: Vec::new() }))
        })
        .await?;
    let mut payments: BTreeMap<_, _> = rows.into_iter().collect();
    let transactions: Vec<(PaymentId, TransactionRow)> = tx
        .query("SELECT payment_id, transaction_id, type, status, amount, provider_reference FROM payment_transactions", &[], |row| {
            let payment = row.next()?;
            Ok((
                payment,
                TransactionRow { id: row.next()?, kind: row.next()?, status: row.next()?, amount: row.next()?, reference: row.next()? },
            ))
        })
        .await?;
    for (payment, transaction_row) in transactions {
        payments.get_mut(&payment).expect("a transaction has a payment").transactions.push(transaction_row);
    }
    Ok(payments)
}

async fn ledger(tx: &mut Tx) -> Result<HashMap<TransactionId, Entry>, Error> {
    let rows = tx
        .query("SELECT transaction_id, reference, kind, amount, refusal FROM mock_ledger", &[], |row| {
            let id: TransactionId = row.next()?;
            let (reference, kind, amount) = (row.next()?, row.next()?, row.next()?);
            Ok((id, Entry { reference, kind, amount, declined: row.next::<Option<String>>()?.is_some() }))
        })
        .await?;
    Ok(rows.into_iter().collect())
}

impl Fixture {
    /// Counts the open transactions.
    pub async fn open_transactions(&self) -> usize {
        let all = self.db().read(async |tx| payments(tx).await).await.expect("the store can be read");
        all.values().flat_map(|side| &side.transactions).filter(|transaction_row| is_open(transaction_row.status)).count()
    }

    /// Counts the entries of the provider's ledger.
    pub async fn ledger_entries(&self) -> usize {
        self.db().read(async |tx| ledger(tx).await).await.expect("the ledger can be read").len()
    }

    /// Asserts that all records agree and no transaction is open.
    #[track_caller]
    pub fn assert_consistent(&self) -> impl Future<Output = ()> {
        let answer = std::panic::Location::caller();
        async move {
            let (payments, ledger) =
                self.db().read(async |tx| Ok::<_, Error>((payments(tx).await?, ledger(tx).await?))).await.expect("the store can be read");
            let mut known = 0;
            for side in payments.values() {
                for transaction_row in &side.transactions {
                    let entry = ledger
                        .get(&transaction_row.id)
                        .unwrap_or_else(|| panic!("{answer}: the ledger has no entry for {transaction_row:?}"));
                    let status = if entry.declined { TransactionStatus::Failed } else { TransactionStatus::Succeeded };
                    let at_provider = (entry.kind, status, entry.amount, Some(&entry.reference));
                    assert_eq!(
                        (transaction_row.kind, transaction_row.status, transaction_row.amount, transaction_row.reference.as_ref()),
                        at_provider,
                        "{answer}"
                    );
                    known += 1;
                }
                side.status_matches(answer);
            }
            assert_eq!(ledger.len(), known, "{answer}: the ledger has an entry without a transaction");
            self.assert_events(&payments, answer).await;
            let faults = crate::check_consistency(self.db()).await.expect("the ledger can be read");
            assert_eq!(faults, Vec::<String>::new(), "{answer}");
        }
    }

    /// Asserts that each fact has exactly one event.
    async fn assert_events(&self, payments: &BTreeMap<PaymentId, PaymentRows>, answer: &std::panic::Location<'_>) {
        let emitted = self.emitted().await;
        for (id, side) in payments {
            let count = |kind: &str| emitted.iter().filter(|e| e.aggregate_id == id.0 && e.event_type == kind).count();
            let counts = ["PaymentAuthorized", "PaymentFailed", "PaymentCaptured", "PaymentRefunded", "PaymentVoided"].map(count);
            let expected = [
                side.succeeded(TransactionType::Authorize).count(),
                usize::from(side.status == PaymentStatus::Failed),
                side.succeeded(TransactionType::Capture).count(),
                side.succeeded(TransactionType::Refund).count(),
                usize::from(side.status == PaymentStatus::Voided),
            ];
            assert_eq!(counts, expected, "{answer}: {side:?}");
        }
    }
}

fn is_open(status: TransactionStatus) -> bool {
    matches!(status, TransactionStatus::Pending | TransactionStatus::Unknown)
}

impl PaymentRows {
    fn succeeded(&self, kind: TransactionType) -> impl Iterator<Item = &TransactionRow> {
        self.transactions
            .iter()
            .filter(move |transaction_row| transaction_row.kind == kind && transaction_row.status == TransactionStatus::Succeeded)
    }

    fn sum(&self, kind: TransactionType) -> i64 {
        self.succeeded(kind).map(|transaction_row| transaction_row.amount).sum()
    }

    /// Asserts M1 and M3: the capture is nothing or the amount, refunds do not exceed it, and the status fits what is held.
    fn status_matches(&self, answer: &std::panic::Location<'_>) {
        let (captured, refunded) = (self.sum(TransactionType::Capture), self.sum(TransactionType::Refund));
        assert_eq!((self.captured, self.refunded), (captured, refunded), "{answer}: {self:?}");
        assert!(captured == 0 || captured == self.amount, "{answer}: {self:?}");
        assert!(refunded <= captured, "{answer}: {self:?}");
        let voided = self.succeeded(TransactionType::Void).count() > 0;
        let held = if voided || captured > 0 { 0 } else { self.sum(TransactionType::Authorize) };
        let capture_refused = self
            .transactions
            .iter()
            .any(|transaction_row| transaction_row.kind == TransactionType::Capture && transaction_row.status == TransactionStatus::Failed);
        let fits = match self.status {
            PaymentStatus::Initiated => self.transactions.is_empty(),
            PaymentStatus::Authorized => held == self.amount && !capture_refused,
            PaymentStatus::Captured => captured == self.amount && refunded < captured,
            PaymentStatus::Refunded => captured == self.amount && refunded == captured,
            PaymentStatus::Failed => held == 0 && captured == 0 && voided == capture_refused,
            PaymentStatus::Voided => held == 0 && captured == 0 && !capture_refused,
        };
        assert!(fits, "{answer}: {self:?}");
    }
}
