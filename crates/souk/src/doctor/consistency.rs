//! The consistency check between services: compares every order with its payments, its units of stock and its shipment.
//!
//! Orders are read in batches by id, with the payments, units and shipments of the same range, and joined in memory. No
//! snapshot spans the four databases, and an event may be in transit between them. A mismatch is therefore read again,
//! order by order. It is a fault only if the order did not change and has consumed every event about it.

mod rules;

use super::pending_events;
use anyhow::Result;
use contracts::{
    ids::{OrderId, Uuid},
    time::Timestamp,
};
use inventory::OrderUnits;
use order::OrderRecord;
use payment::OrderPayment;
use platform::db::Db;
use rules::{Findings, OrderCase};
use shipping::OrderShipment;
use std::collections::{BTreeMap, BTreeSet};

/// Orders of a batch.
const BATCH: usize = 1_000;
/// The check stops after this many faults.
const MAX_FAULTS: usize = 100;
/// Orders in progress that are named at most; the others are only counted.
const MAX_NAMED: usize = 20;

/// The result of the check.
#[derive(Default)]
pub struct Consistency {
    /// Orders that were checked.
    orders: usize,
    /// A sentence for each fault.
    pub faults: Vec<String>,
    in_progress: usize,
    /// A sentence for each of the first in progress.
    named: Vec<String>,
}

impl Consistency {
    pub fn heading(&self) -> String {
        let against = "their payments, units and shipments";
        match self.faults.is_empty() {
            true => format!("orders: {} agree with {against}", self.orders),
            false => format!("orders: {} compared with {against}", self.orders),
        }
    }

    /// Sentences about orders in progress, which are no faults.
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

/// The four databases with data about orders.
#[derive(Clone, Copy)]
struct Sources<'a> {
    orders: &'a Db,
    payments: &'a Db,
    inventory: &'a Db,
    shipping: &'a Db,
}

/// Checks every order. It stops after [`MAX_FAULTS`].
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

/// Orders of a range of ids with their payments, units and shipments.
struct Batch {
    /// The end of the range; `None` for the last one.
    up_to: Option<OrderId>,
    orders: Vec<OrderRecord>,
    payments: BTreeMap<OrderId, Vec<OrderPayment>>,
    units: BTreeMap<OrderId, Vec<OrderUnits>>,
    parcels: BTreeMap<OrderId, Vec<OrderShipment>>,
}

impl Batch {
    async fn read(sources: Sources<'_>, after: OrderId) -> Result<Batch> {
        let orders = order::list_for_check(sources.orders, after, BATCH).await?;
        let up_to = orders.get(BATCH - 1).map(|last| last.order.order_id);
        Batch::around(sources, orders, after, up_to).await
    }

    /// Reads the batch of one order, which may not exist.
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
        let mut parcels = BTreeMap::<_, Vec<_>>::new();
        for parcel in shipping::list_by_orders(sources.shipping, after, end).await? {
            parcels.entry(parcel.order_id).or_default().push(parcel);
        }
        Ok(Batch { up_to, orders, payments, units, parcels })
    }

    /// Adds findings that need no second read. Returns the orders that do not agree with the other services.
    fn check(mut self, now: Timestamp, consistency: &mut Consistency) -> Vec<OrderId> {
        consistency.orders += self.orders.len();
        let mut suspects = Vec::new();
        for order in &self.orders {
            let id = order.order.order_id;
            let payments = self.payments.remove(&id).unwrap_or_default();
            let units = self.units.remove(&id).unwrap_or_default();
            let parcels = self.parcels.get(&id).map_or(&[][..], Vec::as_slice);
            let findings = OrderCase { record: order, payments: &payments, units: &units, parcels }.check(now);
            if !findings.between.is_empty() {
                suspects.push(id);
            }
            consistency.add(findings);
        }
        // The rest belongs to no order.
        let known: BTreeSet<OrderId> = self.orders.iter().map(|record| record.order.order_id).collect();
        let unknown = self.parcels.keys().filter(|id| !known.contains(id));
        suspects.extend(self.payments.keys().chain(self.units.keys()).chain(unknown).collect::<BTreeSet<_>>());
        suspects
    }

    /// Returns the mismatches in a batch of one order.
    fn faults(&self, id: OrderId, now: Timestamp) -> Vec<String> {
        let payments = self.payments.get(&id).map_or(&[][..], Vec::as_slice);
        let units = self.units.get(&id).map_or(&[][..], Vec::as_slice);
        let parcels = self.parcels.get(&id).map_or(&[][..], Vec::as_slice);
        match self.orders.first() {
            Some(record) => OrderCase { record, payments, units, parcels }.check(now).between,
            None => rules::without_order(id, payments, units, parcels),
        }
    }

    /// Returns when the one order changed last.
    fn changed_at(&self) -> Option<Timestamp> {
        self.orders.first().map(|record| record.order.updated_at)
    }
}

/// Checks the suspects again. A mismatch is a fault unless an event is in transit or the order changed meanwhile.
///
/// The order of reads matters: a change in another service is known to the order by then, or its event is found in transit,
/// or the order changes before it is read the second time.
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
    // What such an order holds is released as due work.
    let orphans = order::list_orphans(sources.orders).await?;
    let released: BTreeSet<OrderId> = orphans.iter().map(|orphan| orphan.order_id).collect();
    let suspects = mismatches.iter().map(|(id, ..)| *id).collect();
    let awaiting_events = pending_events::orders_of(sources.orders, &[sources.payments, sources.inventory], &suspects).await?;
    for (id, changed_at, faults) in mismatches {
        let is_moving = find(sources.orders, id).await?.map(|record| record.order.updated_at) != changed_at;
        if released.contains(&id) {
            let of_it = orphans.iter().filter(|orphan| orphan.order_id == id);
            of_it.for_each(|orphan| consistency.progress(orphan.to_string()));
        } else if awaiting_events.contains(&id) {
            consistency.progress(format!("order {id} still has to consume an event"));
        } else if is_moving {
            consistency.progress(format!("order {id} changed during the check"));
        } else {
            for fault in faults {
                consistency.fault(fault);
            }
        }
    }
    Ok(())
}

/// Returns an order with what the check reads of it.
pub(super) async fn find(orders: &Db, id: OrderId) -> Result<Option<OrderRecord>> {
    let next = order::list_for_check(orders, before(id), 1).await?;
    Ok(next.into_iter().find(|record| record.order.order_id == id))
}

/// The greatest id below this one.
pub(super) fn before(id: OrderId) -> OrderId {
    OrderId(Uuid::from_u128(id.0.as_u128().saturating_sub(1)))
}

#[cfg(test)]
mod tests;
