//! The built-in provider. It has records of its own, commits in transactions of its own, and continues a request whose caller is
//! gone. The payout account chooses what happens: `po_fails` is refused, the answer of `po_timeout` is lost, every other one works.

mod transfer_store;

use super::{Outcome, PayoutProvider, ProviderError, ProviderFuture, Transfer};
use contracts::{ids::PayoutId, payout::PayoutProviderName};
use platform::db::{self, Db, Tx};

/// The mock. Cheap to clone.
#[derive(Clone)]
pub struct MockProvider {
    db: Db,
}

impl MockProvider {
    /// A provider that keeps its records in `db`.
    #[must_use]
    pub fn new(db: Db) -> MockProvider {
        MockProvider { db }
    }
}

impl PayoutProvider for MockProvider {
    fn name(&self) -> PayoutProviderName {
        PayoutProviderName::Mock
    }

    fn transfer(&self, transfer: Transfer) -> ProviderFuture<'_, Outcome> {
        let db = self.db.clone();
        // A task of its own carries the transfer out when the caller drops this future.
        let task = self.db.env().spawn(async move {
            let is_answered = transfer.account.reveal() != "po_timeout";
            let outcome = db.write(async move |tx| carry_out(tx, &transfer).await).await;
            (is_answered, outcome)
        });
        Box::pin(async move {
            match task.await {
                Ok((true, outcome)) => outcome.map_err(|error| provider_error(&error)),
                Ok((false, _)) | Err(_) => std::future::pending().await,
            }
        })
    }

    fn lookup(&self, id: PayoutId) -> ProviderFuture<'_, Option<Outcome>> {
        Box::pin(
            async move { self.db.read(async move |tx| transfer_store::find(tx, id).await).await.map_err(|error| provider_error(&error)) },
        )
    }
}

/// Records the transfer, once for its id.
async fn carry_out(tx: &mut Tx, transfer: &Transfer) -> Result<Outcome, db::Error> {
    let reference = format!("mock_po_{}", PayoutId::from(tx.new_id::<contracts::ids::Uuid>()));
    let outcome = Outcome { reference, is_refused: transfer.account.reveal() == "po_fails" };
    if transfer_store::insert(tx, transfer, &outcome).await? {
        return Ok(outcome);
    }
    transfer_store::find(tx, transfer.payout_id).await?.ok_or_else(|| db::Error::Failed("a transfer that prevented another is gone".into()))
}

fn provider_error(error: &db::Error) -> ProviderError {
    match error {
        db::Error::Unknown(_) => ProviderError::NoAnswer,
        _ => {
            tracing::warn!(target: "provider", %error, "the mock cannot use its records");
            ProviderError::Unavailable
        }
    }
}
