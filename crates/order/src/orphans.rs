//! Payments, reservations and shipments of orders that are not known here.
//!
//! An order is written before anything is called for it. So an event about an unknown order means that this database was
//! restored from an older copy, and that what the event announces belongs to a lost order. After a grace period, in which the
//! operator may restore a newer copy, it is released: the shipment is cancelled, the payment voided or refunded, the
//! reservation released or returned. If the parcel has left, the customer keeps the goods and the shop the money.

use crate::{App, Error, domain::Fact, store};
use contracts::{
    ids::{OrderId, PaymentId, ReservationId, Uuid},
    inventory,
    payment::{self, PaymentStatus, RefundPayment},
    problem::Code,
    shipping::{self, CancellationOutcome},
    string_enum,
    time::Timestamp,
};
use platform::{
    backoff::Backoff,
    client::CallError,
    db::{self, Db, Tx},
    due::{DueQueue, DueWork},
};
use std::{fmt, time::Duration};

/// The pauses between attempts that fail. People may have to act before a refund works.
const BACKOFF: Backoff = Backoff::doubling(Duration::from_secs(10), Duration::from_secs(6 * 3600));

string_enum! {
    /// What belongs to an unknown order.
    OrphanKind {
        Payment = "PAYMENT",
        Reservation = "RESERVATION",
        Shipment = "SHIPMENT",
    }
    /// What became of it.
    OrphanOutcome {
        /// It holds neither money nor stock any more.
        Released = "RELEASED",
        /// The parcel left, so nothing is undone.
        Shipped = "SHIPPED",
    }
}

/// A payment, reservation or shipment of an unknown order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub resource_id: Uuid,
    pub kind: OrphanKind,
    pub order_id: OrderId,
    pub found_at: Timestamp,
    pub outcome: Option<OrphanOutcome>,
}

/// Writes it for people.
impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orphan { resource_id, kind, order_id, .. } = self;
        write!(f, "order {order_id} is not known any more: its {} {resource_id} ", kind.as_str().to_lowercase())?;
        f.write_str(match self.outcome {
            None => "is going to be released",
            Some(OrphanOutcome::Released) => "was released",
            Some(OrphanOutcome::Shipped) => "is kept, because the parcel has left",
        })
    }
}

/// Records what a fact about an unknown order says to exist.
pub async fn record(tx: &mut Tx, order_id: OrderId, fact: &Fact, grace: Duration) -> Result<(), db::Error> {
    let (kind, resource_id) = match fact {
        Fact::PaymentCreated(id) | Fact::PaymentAuthorized(id) | Fact::PaymentCaptured(id) | Fact::PaymentPartlyRefunded(id, _) => {
            (OrphanKind::Payment, id.0)
        }
        Fact::StockReserved(id) | Fact::StockConfirmed(id) => (OrphanKind::Reservation, id.0),
        Fact::ShipmentCreated { shipment_id, .. } | Fact::ShipmentUpdated(shipment_id, ..) => (OrphanKind::Shipment, shipment_id.0),
        // These hold nothing.
        _ => return Ok(()),
    };
    let orphan = Orphan { resource_id, kind, order_id, found_at: tx.now(), outcome: None };
    let due_at = tx.now().after(grace);
    if store::orphan_rows::insert(tx, &orphan, due_at).await? {
        tracing::warn!(target: "order", %order_id, %resource_id, kind = kind.as_str(), %due_at, "an event about an unknown order: this database is older than it was; what the order holds is released");
        metrics::counter!("souk_order_orphans_total", "kind" => kind.as_str()).increment(1);
        tx.notify_worker(ReleaseOrphan::NAME);
    }
    Ok(())
}

/// What belongs to unknown orders, in the order of these, 1,000 at most.
///
/// # Errors
/// Those of the database.
pub async fn list_orphans(db: &Db) -> Result<Vec<Orphan>, db::Error> {
    db.read(async |tx| store::orphan_rows::list(tx).await).await
}

/// Releases what belongs to an unknown order.
#[derive(Clone)]
pub struct ReleaseOrphan(pub App);

impl DueWork for ReleaseOrphan {
    const NAME: &'static str = "orphans";
    const PERIOD: Duration = Duration::from_secs(60);
    const QUEUE: DueQueue<Uuid> = store::orphan_rows::DUE;
    type Key = Uuid;
    type Partition = Uuid;
    type Error = Error;

    async fn run(self, id: Uuid) -> Result<(), Error> {
        let db = &self.0.ctx.db;
        let found = db.read(async move |tx| store::orphan_rows::find(tx, id).await).await?;
        let Some(orphan) = found else { return Ok(()) };
        let order_id = orphan.order_id;
        // A newer copy of this database was restored meanwhile.
        if db.read(async move |tx| store::find_order(tx, None, order_id).await).await?.is_some() {
            return Ok(db.write(async move |tx| store::orphan_rows::delete(tx, id).await).await?);
        }
        match release(&self.0, &orphan).await? {
            Some(outcome) => {
                tracing::info!(target: "order", %order_id, resource_id = %id, kind = orphan.kind.as_str(), outcome = outcome.as_str(), "what an unknown order held is settled");
                Ok(db.write(async move |tx| store::orphan_rows::end(tx, id, outcome).await).await?)
            }
            None => Ok(db.write(async move |tx| store::orphan_rows::DUE.reschedule(tx, id, BACKOFF).await).await?),
        }
    }

    fn slots(&self) -> usize {
        8
    }

    fn backoff(&self) -> Backoff {
        BACKOFF
    }
}

/// Makes the calls for one orphan. Returns `None` while its outcome is not known. Only shipping decides whether the parcel
/// leaves, so it is asked first.
async fn release(app: &App, orphan: &Orphan) -> Result<Option<OrphanOutcome>, CallError> {
    let client = &app.ctx.client;
    match client.call(&shipping::CANCEL_SHIPMENT).path(&[&orphan.order_id]).body(&()).send().await?.outcome {
        CancellationOutcome::Cancelled => {}
        CancellationOutcome::TooLate => return Ok(Some(OrphanOutcome::Shipped)),
        CancellationOutcome::Pending => return Ok(None),
    }
    match orphan.kind {
        OrphanKind::Shipment => Ok(Some(OrphanOutcome::Released)),
        OrphanKind::Payment => release_payment(app, PaymentId(orphan.resource_id)).await,
        OrphanKind::Reservation => release_reservation(app, ReservationId(orphan.resource_id)).await,
    }
}

async fn release_payment(app: &App, id: PaymentId) -> Result<Option<OrphanOutcome>, CallError> {
    let client = &app.ctx.client;
    let read = async || match client.call(&payment::GET_PAYMENT).path(&[&id]).send().await {
        Ok(payment) => Ok(Some(payment.status)),
        Err(error) if error.code() == Some(Code::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    };
    // An attempt that the provider refused is repeated under a key of its own, since a key keeps its answer.
    let key = |verb: &str| format!("orphan:{id}:{verb}:{}", app.ctx.env.now().unix_seconds() / 60);
    match read().await? {
        Some(PaymentStatus::Initiated | PaymentStatus::Authorized) => {
            client.call(&payment::VOID_PAYMENT).path(&[&id]).body(&()).key(key("void")).send().await?;
        }
        Some(PaymentStatus::Captured) => {
            client.call(&payment::REFUND_PAYMENT).path(&[&id]).body(&RefundPayment::default()).key(key("refund")).send().await?;
        }
        Some(PaymentStatus::Voided | PaymentStatus::Refunded | PaymentStatus::Failed) | None => return Ok(Some(OrphanOutcome::Released)),
    }
    let is_over = matches!(read().await?, Some(PaymentStatus::Voided | PaymentStatus::Refunded | PaymentStatus::Failed) | None);
    Ok(is_over.then_some(OrphanOutcome::Released))
}

async fn release_reservation(app: &App, id: ReservationId) -> Result<Option<OrphanOutcome>, CallError> {
    let client = &app.ctx.client;
    // An active reservation is released, and the units of a confirmed one return. Each refuses the state of the other.
    for (verb, call) in [("release", &inventory::RELEASE_RESERVATION), ("return", &inventory::RETURN_RESERVATION)] {
        match client.call(call).path(&[&id]).body(&()).key(format!("orphan:{id}:{verb}")).send().await {
            Ok(_) => return Ok(Some(OrphanOutcome::Released)),
            Err(error) if matches!(error.code(), Some(Code::NOT_FOUND | Code::RESERVATION_EXPIRED)) => {
                return Ok(Some(OrphanOutcome::Released));
            }
            Err(error) if error.code() == Some(Code::ILLEGAL_TRANSITION) => {}
            Err(error) => return Err(error),
        }
    }
    // Both refuse a reservation that was released or returned before.
    Ok(Some(OrphanOutcome::Released))
}
