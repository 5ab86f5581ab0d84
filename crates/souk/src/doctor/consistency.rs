//! The books between services: whether every order, its payments, its units and its parcel tell the same story.
//!
//! Orders are read in batches by the order of their ids, with the payments, units and parcels of the same range, and joined
//! in memory; a batch is all that is held at a time. No snapshot spans the four databases, and an event may be on its way
//! from one to the other. So what does not fit is looked at once more, order by order: only what stands still, and of
//! which the order has heard everything, is a fault.

mod rules;

use anyhow::Result;
use contracts::{
    ids::{OrderId, Uuid},
    time::Timestamp,
};
use inventory::OrderUnits;
use order::OrderRecord;
use payment::OrderPayment;
use platform::{db::Db, inbox, outbox};
use rules::{Findings, OrderCase};
use serde::Deserialize;
use shipping::OrderShipment;
use std::collections::{BTreeMap, BTreeSet};

/// Orders that are read at a time.
const BATCH: usize = 1_000;
/// Faults that are told at most; where there are more, the first ones suffice to begin with.
const MAX_FAULTS: usize = 100;
/// Orders in progress that are named at most.
const MAX_NAMED: usize = 20;
/// Events that are read at a time.
const EVENTS: usize = 1_000;

/// What came of the check.
#[derive(Default)]
pub struct Consistency {
    /// Orders that were checked.
    orders: usize,
    /// What is wrong, in plain words.
    pub faults: Vec<String>,
    in_progress: usize,
    /// The first of those in progress.
    named: Vec<String>,
}

impl Consistency {
    #[must_use]
    pub fn heading(&self) -> String {
        let against = "their payments, units and parcels";
        match self.faults.is_empty() {
            true => format!("orders: {} tell the same story as {against}", self.orders),
            false => format!("orders: {} looked at beside {against}", self.orders),
        }
    }

    /// What is in progress, in plain words.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.named.iter().map(|progress| format!("in progress: {progress}")).collect();
        if self.in_progress > self.named.len() {
            notes.push(format!("in progress: {} more", self.in_progress - self.named.len()));
        }
        notes
    }

    fn is_full(&self) -> bool {
        self.faults.len() >= MAX_FAULTS
    }

    fn fault(&mut self, fault: String) {
        if !self.is_full() {
            self.faults.push(fault);
        }
    }

    fn add(&mut self, findings: Findings) {
        for progress in findings.in_progress {
            self.progress(progress);
        }
        for fault in findings.own {
            self.fault(fault);
        }
    }

    fn progress(&mut self, text: String) {
        self.in_progress += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push(text);
        }
    }
}

/// The four databases that tell of orders.
#[derive(Clone, Copy)]
struct Sources<'a> {
    orders: &'a Db,
    payments: &'a Db,
    inventory: &'a Db,
    shipping: &'a Db,
}

/// Checks every order against its payments, units and parcel. It stops after 100 faults.
///
/// # Errors
/// Those of the databases.
pub async fn check(orders: &Db, payments: &Db, inventory: &Db, shipping: &Db) -> Result<Consistency> {
    let sources = Sources { orders, payments, inventory, shipping };
    let (mut consistency, mut after) = (Consistency::default(), OrderId(Uuid::nil()));
    while !consistency.is_full() {
        let batch = Batch::read(sources, after).await?;
        let last = batch.up_to;
        let suspects = batch.check(orders.now(), &mut consistency);
        check_again(sources, suspects, &mut consistency).await?;
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    Ok(consistency)
}

/// Orders of a range of ids, and what the upstreams have of them.
struct Batch {
    /// The end of the range; `None` when nothing comes after it.
    up_to: Option<OrderId>,
    orders: Vec<OrderRecord>,
    payments: BTreeMap<OrderId, Vec<OrderPayment>>,
    units: BTreeMap<OrderId, Vec<OrderUnits>>,
    /// An order has one at most.
    parcels: BTreeMap<OrderId, OrderShipment>,
}

impl Batch {
    async fn read(sources: Sources<'_>, after: OrderId) -> Result<Batch> {
        let orders = order::list_for_check(sources.orders, after, BATCH).await?;
        let up_to = orders.get(BATCH - 1).map(|last| last.order.order_id);
        Batch::around(sources, orders, after, up_to).await
    }

    /// The batch of one order, there or not.
    async fn of(sources: Sources<'_>, id: OrderId) -> Result<Batch> {
        Batch::around(sources, find(sources.orders, id).await?.into_iter().collect(), before(id), Some(id)).await
    }

    async fn around(sources: Sources<'_>, orders: Vec<OrderRecord>, after: OrderId, up_to: Option<OrderId>) -> Result<Batch> {
        let end = up_to.unwrap_or(OrderId(Uuid::max()));
        let (mut payments, mut units) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for payment in payment::list_by_orders(sources.payments, after, end).await? {
            payments.entry(payment.order_id).or_default().push(payment);
        }
        for held in inventory::list_for_check(sources.inventory, after, end).await? {
            units.entry(held.order_id).or_default().push(held);
        }
        let parcels = shipping::list_by_orders(sources.shipping, after, end).await?;
        let parcels = parcels.into_iter().map(|parcel| (parcel.order_id, parcel)).collect();
        Ok(Batch { up_to, orders, payments, units, parcels })
    }

    /// Takes in what is certain. The orders that do not fit what the upstreams have of them.
    fn check(mut self, now: Timestamp, consistency: &mut Consistency) -> Vec<OrderId> {
        consistency.orders += self.orders.len();
        let mut suspects = Vec::new();
        for order in &self.orders {
            let id = order.order.order_id;
            let payments = self.payments.remove(&id).unwrap_or_default();
            let units = self.units.remove(&id).unwrap_or_default();
            let parcel = self.parcels.get(&id);
            let findings = OrderCase { record: order, payments: &payments, units: &units, parcel }.check(now);
            if !findings.between.is_empty() {
                suspects.push(id);
            }
            consistency.add(findings);
        }
        // What is left belongs to no order.
        suspects.extend(self.payments.keys().chain(self.units.keys()).collect::<BTreeSet<_>>());
        suspects
    }

    /// What does not fit in a batch of one order.
    fn faults(&self, id: OrderId, now: Timestamp) -> Vec<String> {
        let payments = self.payments.get(&id).map_or(&[][..], Vec::as_slice);
        let units = self.units.get(&id).map_or(&[][..], Vec::as_slice);
        match self.orders.first() {
            Some(record) => OrderCase { record, payments, units, parcel: self.parcels.get(&id) }.check(now).between,
            None => rules::without_order(id, payments, units),
        }
    }

    /// When its one order changed last.
    fn changed_at(&self) -> Option<Timestamp> {
        self.orders.first().map(|record| record.order.updated_at)
    }
}

/// Whether the suspects still do not fit, although they stand still and have heard everything.
///
/// Read in this order, a change of a upstream is known to the order, or on its way as an event, or the order changed
/// while it was looked at.
async fn check_again(sources: Sources<'_>, mut suspects: Vec<OrderId>, consistency: &mut Consistency) -> Result<()> {
    suspects.truncate(MAX_FAULTS);
    let now = sources.orders.now();
    let mut mismatches = Vec::new();
    for id in suspects {
        let batch = Batch::of(sources, id).await?;
        let faults = batch.faults(id, now);
        if !faults.is_empty() {
            mismatches.push((id, batch.changed_at(), faults));
        }
    }
    if mismatches.is_empty() {
        return Ok(());
    }
    let awaiting_events = awaiting_events(sources, &mismatches.iter().map(|(id, ..)| *id).collect()).await?;
    for (id, changed_at, faults) in mismatches {
        let is_moving = find(sources.orders, id).await?.map(|record| record.order.updated_at) != changed_at;
        if awaiting_events.contains(&id) {
            consistency.progress(format!("an event about order {id} is on its way to it"));
        } else if is_moving {
            consistency.progress(format!("order {id} changed while it was looked at"));
        } else {
            for fault in faults {
                consistency.fault(fault);
            }
        }
    }
    Ok(())
}

/// What an event of a upstream says of the order that it is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    order_id: Option<OrderId>,
}

/// Which of these orders have not heard everything that payment and inventory announced about them.
async fn awaiting_events(sources: Sources<'_>, of: &BTreeSet<OrderId>) -> Result<BTreeSet<OrderId>> {
    let about = |payload: &str| serde_json::from_str::<About>(payload).ok()?.order_id.filter(|id| of.contains(id));
    let mut found = BTreeSet::new();
    for producer in [sources.payments, sources.inventory] {
        let mut position = inbox::position(sources.orders, producer.service()).await?;
        loop {
            let waiting = outbox::read_after(producer, position, EVENTS).await?;
            let Some(last) = waiting.last() else { break };
            position = last.position;
            found.extend(waiting.iter().filter_map(|published| about(published.envelope.payload.get())));
        }
    }
    inbox::walk_failed_events(sources.orders, |failed| found.extend(about(failed.event.payload.get()))).await?;
    Ok(found)
}

async fn find(orders: &Db, id: OrderId) -> Result<Option<OrderRecord>> {
    let next = order::list_for_check(orders, before(id), 1).await?;
    Ok(next.into_iter().find(|record| record.order.order_id == id))
}

/// The id just before this one.
fn before(id: OrderId) -> OrderId {
    OrderId(Uuid::from_u128(id.0.as_u128().saturating_sub(1)))
}

#[cfg(test)]
mod tests;
