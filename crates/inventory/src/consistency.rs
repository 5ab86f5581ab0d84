//! The consistency check of `souk doctor` and the tests.
//!
//! The quantities of an item, the ledger of its movements and the reservations count the same units in three ways, each
//! written by other statements. This module compares their sums on one snapshot.

use crate::store::check_rows;
use contracts::{
    ids::{OrderId, ReservationId},
    inventory::ReservationStatus,
    time::Timestamp,
};
use platform::db::{Db, Error};

/// The most faults that are reported.
const MAX_FAULTS: usize = 100;

/// The units that an order holds or has bought and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderUnits {
    pub order_id: OrderId,
    pub reservation_id: ReservationId,
    /// Bought; otherwise reserved.
    pub is_sold: bool,
    /// SKUs and quantities.
    pub lines: Vec<(String, i64)>,
}

/// The sums of one stock item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemRecord {
    pub sku: String,
    pub available: i64,
    pub reserved: i64,
    /// The sums of the ledger.
    pub ledger_available: i64,
    pub ledger_reserved: i64,
    /// The sum of all adjustments, the first quantity included.
    pub entered: i64,
    /// Units in active reservations.
    pub active: i64,
    /// Units in confirmed reservations that were not returned.
    pub sold: i64,
}

impl ItemRecord {
    fn faults(&self) -> Vec<String> {
        let ItemRecord { sku, available, reserved, ledger_available, ledger_reserved, entered, active, sold } = self;
        let mut faults = Vec::new();
        if *available < 0 || *reserved < 0 {
            faults.push(format!("{sku}: {available} available and {reserved} reserved; neither may be negative (S1)"));
        }
        if (available, reserved) != (ledger_available, ledger_reserved) {
            faults.push(format!(
                "{sku}: {available} available and {reserved} reserved, but the ledger adds up to {ledger_available} and {ledger_reserved} (S1)"
            ));
        }
        if *entered != available + reserved + sold {
            faults.push(format!(
                "{sku}: {entered} were entered, but {available} available, {reserved} reserved and {sold} sold are {} (S1)",
                available + reserved + sold
            ));
        }
        if reserved != active {
            faults.push(format!("{sku}: {reserved} reserved, but active reservations hold {active} (S2)"));
        }
        faults
    }
}

/// The sums of one reservation line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineRecord {
    pub reservation_id: ReservationId,
    pub sku: String,
    pub quantity: i64,
    /// Units that went back before the whole reservation was returned.
    pub returned: i64,
    pub status: ReservationStatus,
    pub returned_at: Option<Timestamp>,
    /// The number of its movements in the ledger, and their sums.
    pub movements: i64,
    pub available: i64,
    pub reserved: i64,
}

impl LineRecord {
    fn fault(&self) -> Option<String> {
        let actual = (self.movements, self.available, self.reserved);
        let right = match (self.status, self.returned_at) {
            (ReservationStatus::Active, None) => (1, -self.quantity, self.quantity),
            (ReservationStatus::Confirmed, _) if self.returned > 0 => {
                // Each return of a part is a movement, and so is that of the rest.
                let kept = if self.returned_at.is_none() { self.quantity - self.returned } else { 0 };
                (self.movements.max(3), -kept, 0)
            }
            (ReservationStatus::Confirmed, None) => (2, -self.quantity, 0),
            (ReservationStatus::Confirmed, Some(_)) => (3, 0, 0),
            (ReservationStatus::Released | ReservationStatus::Expired, None) => (2, 0, 0),
            (status, Some(_)) => return Some(format!("reservation {}: {status} but returned (S2)", self.reservation_id)),
        };
        (actual != right).then(|| {
            format!(
                "reservation {}: {} of {} in {}, but the ledger has {} movements that add up to {} available and {} reserved (S2)",
                self.reservation_id, self.quantity, self.sku, self.status, actual.0, actual.1, actual.2
            )
        })
    }
}

/// Checks the invariants of stock over the whole database, on one snapshot: S1 (nothing is negative; every unit that
/// was entered is available, reserved or sold), S2 (reserved units are those of active reservations; each reservation
/// ended at most once) and S3 (an order holds or has bought its units once). Returns at most 100 faults in plain words.
///
/// # Errors
/// Those of the database.
pub async fn check_consistency(db: &Db) -> Result<Vec<String>, Error> {
    db.read(async |tx| {
        let mut faults = Vec::new();
        check_rows::each_item(tx, |item| add_faults(&mut faults, item.faults())).await?;
        check_rows::each_line(tx, |line| add_faults(&mut faults, line.fault())).await?;
        let repeated = check_rows::list_orders_with_several_reservations(tx, MAX_FAULTS).await?;
        add_faults(&mut faults, repeated.iter().map(|order| format!("order {order}: holds or has bought its units more than once (S3)")));
        Ok(faults)
    })
    .await
}

/// Returns the reservations that hold or have sold units, of the orders after `after` up to and including `up_to`, by
/// order id, for the check across services.
///
/// # Errors
/// Those of the database.
pub async fn list_for_check(db: &Db, after: OrderId, up_to: OrderId) -> Result<Vec<OrderUnits>, Error> {
    db.read(async move |tx| check_rows::list_for_check(tx, after, up_to).await).await
}

fn add_faults(faults: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    let left = MAX_FAULTS.saturating_sub(faults.len());
    faults.extend(more.into_iter().take(left));
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{ids::Uuid, machine::Machine as _};

    fn item() -> ItemRecord {
        let sku = "LAMP-1".into();
        ItemRecord { sku, available: 5, reserved: 2, ledger_available: 5, ledger_reserved: 2, entered: 10, active: 2, sold: 3 }
    }

    #[test]
    fn each_difference_between_the_sums_of_an_item_is_one_fault() {
        assert!(item().faults().is_empty());
        for (wrong, part) in [
            (ItemRecord { available: -1, ledger_available: -1, entered: 4, ..item() }, "neither may be negative"),
            (ItemRecord { reserved: -1, ledger_reserved: -1, active: -1, entered: 7, ..item() }, "neither may be negative"),
            (ItemRecord { ledger_available: 6, ..item() }, "the ledger adds up to 6 and 2"),
            (ItemRecord { ledger_reserved: 1, ..item() }, "the ledger adds up to 5 and 1"),
            (ItemRecord { entered: 11, ..item() }, "11 were entered"),
            (ItemRecord { active: 3, ..item() }, "active reservations hold 3"),
        ] {
            let faults = wrong.faults();
            assert!(matches!(&faults[..], [fault] if fault.contains(part)), "{faults:?}");
        }
    }

    #[test]
    fn the_ledger_of_a_line_matches_the_state_of_its_reservation() {
        use ReservationStatus::{Active, Confirmed, Expired, Released};
        let line = |status, returned: bool, (movements, available, reserved)| LineRecord {
            reservation_id: ReservationId(Uuid::nil()),
            sku: "LAMP-1".into(),
            quantity: 3,
            returned: 0,
            status,
            returned_at: returned.then_some(Timestamp(1)),
            movements,
            available,
            reserved,
        };
        for (status, returned, right) in [
            (Active, false, (1, -3, 3)),
            (Confirmed, false, (2, -3, 0)),
            (Confirmed, true, (3, 0, 0)),
            (Released, false, (2, 0, 0)),
            (Expired, false, (2, 0, 0)),
        ] {
            let (movements, available, reserved) = right;
            assert_eq!(line(status, returned, right).fault(), None, "{status}");
            for wrong in [(movements + 1, available, reserved), (movements, available + 1, reserved), (movements, available, reserved + 1)]
            {
                assert!(line(status, returned, wrong).fault().is_some(), "{status} {wrong:?}");
            }
        }
        for status in ReservationStatus::STATES.iter().filter(|status| **status != Confirmed) {
            assert!(line(*status, true, (3, 0, 0)).fault().is_some_and(|fault| fault.contains("but returned")), "{status}");
        }
    }
}
