//! The rules of stock and reservations: how a change moves units, who may stock a product, and how a reservation ends.
//! No async, no I/O, no clock.

use crate::Error;
use contracts::{
    ids::{OrderId, ProductId, ReservationId, ReservationLineId, StockItemId, UserId},
    inventory::{self, MAX_QTY, ReservationFact, ReservationStatus, ReserveLine, Shortage, SkuQuantity, StockChangeReason, StockItem},
    machine::Machine as _,
    time::Timestamp,
};
use std::collections::HashMap;

/// The stock of one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    pub stock_item_id: StockItemId,
    pub sku: String,
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    pub available_qty: i64,
    pub reserved_qty: i64,
    pub low_stock_threshold: i64,
    pub version: i64,
    pub updated_at: Timestamp,
}

impl Stock {
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.available_qty <= self.low_stock_threshold
    }

    /// Returns whether `change`, which resulted in this stock, crossed the threshold downwards.
    #[must_use]
    pub fn became_low(&self, change: Change) -> bool {
        self.is_low() && self.available_qty - change.available > self.low_stock_threshold
    }

    /// Returns whether `change`, which resulted in this stock, brought the first units that can be sold.
    #[must_use]
    pub fn brings_first_units(&self, change: Change) -> bool {
        change.available > 0 && self.available_qty == change.available
    }

    /// Returns the change that adds `delta` by hand.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the available stock would leave 0 to [`MAX_QTY`].
    pub fn adjustment(&self, delta: i64) -> Result<Change, Error> {
        match self.available_qty.checked_add(delta) {
            Some(available) if (0..=MAX_QTY).contains(&available) => Ok(Change::of(StockChangeReason::Adjusted, delta)),
            _ => Err(Error::OutOfRange { available: self.available_qty }),
        }
    }

    #[must_use]
    pub fn into_view(self) -> StockItem {
        StockItem {
            low_stock: self.is_low(),
            sku: self.sku,
            product_id: self.product_id,
            seller_id: self.seller_id,
            available_qty: self.available_qty,
            reserved_qty: self.reserved_qty,
            low_stock_threshold: self.low_stock_threshold,
            updated_at: self.updated_at,
        }
    }
}

/// How a change moves units. Units that leave `reserved` and do not return to `available` were sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub available: i64,
    pub reserved: i64,
    pub reason: StockChangeReason,
}

impl Change {
    /// Returns the change of `quantity` units for `reason`; an adjustment's quantity may be negative.
    #[must_use]
    pub fn of(reason: StockChangeReason, quantity: i64) -> Change {
        let (available, reserved) = match reason {
            StockChangeReason::Adjusted | StockChangeReason::Returned => (quantity, 0),
            StockChangeReason::Reserved => (-quantity, quantity),
            StockChangeReason::Confirmed => (0, -quantity),
            StockChangeReason::Released | StockChangeReason::Expired => (quantity, -quantity),
        };
        Change { available, reserved, reason }
    }
}

/// A copy of the catalogue's product, with the fields that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductCopy {
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    pub sku: String,
    pub archived: bool,
    pub on_sale: bool,
    pub version: i64,
}

impl From<&contracts::catalog::Product> for ProductCopy {
    fn from(product: &contracts::catalog::Product) -> ProductCopy {
        ProductCopy {
            product_id: product.product_id,
            seller_id: product.seller_id,
            sku: product.sku.clone(),
            archived: product.status == contracts::catalog::ProductStatus::Archived,
            on_sale: product.is_listed(),
            version: product.version,
        }
    }
}

/// Returns the seller of an item of this SKU and product. `owner` is the calling seller, or `None` for an
/// administrator, who may stock an unknown product; `sku_owner` is the product that has the SKU, if known.
///
/// # Errors
/// [`Error::UnknownProduct`] when the product is not the seller's, [`Error::NotTheProductsSku`] when it has another SKU.
pub fn seller_of(
    owner: Option<UserId>,
    product: Option<&ProductCopy>,
    sku_owner: Option<ProductId>,
    sku: &str,
    product_id: ProductId,
) -> Result<Option<UserId>, Error> {
    let seller = product.and_then(|product| product.seller_id);
    if owner.is_some() && seller != owner {
        return Err(Error::UnknownProduct);
    }
    let fits = product.is_none_or(|product| product.sku == sku) && sku_owner.is_none_or(|sku_owner| sku_owner == product_id);
    if fits { Ok(seller) } else { Err(Error::NotTheProductsSku) }
}

/// Units reserved for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub reservation_id: ReservationId,
    pub order_id: OrderId,
    pub status: ReservationStatus,
    /// In the order of their SKUs.
    pub lines: Vec<Line>,
    pub expires_at: Timestamp,
    pub returned_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// Units of one stock item in a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub reservation_line_id: ReservationLineId,
    pub stock_item_id: StockItemId,
    pub sku: String,
    pub quantity: u32,
    /// How many of them went back on sale before the whole reservation was returned.
    pub returned_quantity: u32,
}

impl Line {
    /// Returns how many units it still holds or has sold.
    #[must_use]
    pub fn kept(&self) -> u32 {
        self.quantity.saturating_sub(self.returned_quantity)
    }
}

/// What the order service does with its reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationCommand {
    Confirm,
    Release,
    Return,
}

impl Reservation {
    /// Returns whether it has expired and the expiry is not stored yet. It counts as expired from `expires_at` on.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status == ReservationStatus::Active && self.expires_at <= now
    }

    /// Returns the reason for which units move on `command`, or `None` when the command was applied before or no units
    /// are held. The caller expires an overdue reservation first.
    ///
    /// # Errors
    /// [`Error::Expired`] when a confirmation came too late, [`Error::Illegal`] for every other command that the state
    /// forbids.
    pub fn reason_for(&self, command: ReservationCommand) -> Result<Option<StockChangeReason>, Error> {
        use ReservationCommand::{Confirm, Release, Return};
        use ReservationStatus::{Active, Confirmed, Expired, Released};
        match (command, self.status) {
            (Confirm, Active) => Ok(Some(StockChangeReason::Confirmed)),
            (Release, Active) => Ok(Some(StockChangeReason::Released)),
            (Return, Confirmed) if self.returned_at.is_none() => Ok(Some(StockChangeReason::Returned)),
            (Confirm | Return, Confirmed) | (Release, Released | Expired) => Ok(None),
            (Confirm, Expired) => Err(Error::Expired),
            (Confirm, Released) | (Release, Confirmed) | (Return, Active | Released | Expired) => Err(Error::Illegal(self.status)),
        }
    }

    /// Applies a movement of its units. A return keeps it CONFIRMED; every other reason follows the transition table.
    ///
    /// # Errors
    /// [`Error::Illegal`] when the table has no such row.
    pub fn apply(&mut self, reason: StockChangeReason, now: Timestamp) -> Result<(), Error> {
        let illegal = Error::Illegal(self.status);
        let fact = match reason {
            StockChangeReason::Confirmed => ReservationFact::Confirmed,
            StockChangeReason::Released => ReservationFact::Released,
            StockChangeReason::Expired => ReservationFact::Expired,
            StockChangeReason::Returned if self.status == ReservationStatus::Confirmed && self.returned_at.is_none() => {
                self.returned_at = Some(now);
                return Ok(());
            }
            StockChangeReason::Returned | StockChangeReason::Adjusted | StockChangeReason::Reserved => return Err(illegal),
        };
        self.status = self.status.transition(fact).map_err(|_| illegal)?;
        Ok(())
    }

    /// Returns whether it holds exactly these units. Both lists are in the order of their SKUs.
    #[must_use]
    pub fn holds(&self, wanted: &[ReserveLine]) -> bool {
        let held = self.lines.iter().map(|line| (line.sku.as_str(), line.quantity));
        held.eq(wanted.iter().map(|line| (line.sku.as_str(), line.quantity.get())))
    }

    /// Counts units as returned, and gives the changed lines with how many of each: never more than were kept. SKUs of no line are
    /// left out.
    pub fn return_units(&mut self, wanted: &[ReserveLine]) -> Vec<(Line, u32)> {
        let mut changed = Vec::new();
        for line in &mut self.lines {
            let units: u32 = wanted.iter().filter(|wanted| wanted.sku.as_str() == line.sku).map(|wanted| wanted.quantity.get()).sum();
            let units = units.min(line.kept());
            if units > 0 {
                line.returned_quantity += units;
                changed.push((line.clone(), units));
            }
        }
        changed
    }

    /// Returns the units that it holds, has sold or had, without those that went back before, in the form of the events.
    #[must_use]
    pub fn units(&self) -> Vec<SkuQuantity> {
        let kept = self.lines.iter().filter(|line| line.kept() > 0);
        kept.map(|line| SkuQuantity { sku: line.sku.clone(), quantity: line.kept() }).collect()
    }

    #[must_use]
    pub fn into_view(self) -> inventory::Reservation {
        let line = |line: Line| inventory::ReservationLine {
            reservation_line_id: line.reservation_line_id,
            sku: line.sku,
            quantity: line.quantity,
        };
        inventory::Reservation {
            reservation_id: self.reservation_id,
            order_id: self.order_id,
            status: self.status,
            lines: self.lines.into_iter().map(line).collect(),
            expires_at: self.expires_at,
            returned_at: self.returned_at,
            created_at: self.created_at,
        }
    }
}

/// Returns the lines in the order in which stock is locked.
///
/// # Errors
/// The positions of the lines that repeat the SKU of an earlier line.
pub fn in_sku_order(lines: Vec<ReserveLine>) -> Result<Vec<ReserveLine>, Vec<usize>> {
    let mut first = HashMap::new();
    let repeated: Vec<usize> =
        lines.iter().enumerate().filter(|(at, line)| *first.entry(line.sku.as_str()).or_insert(*at) != *at).map(|(at, _)| at).collect();
    if !repeated.is_empty() {
        return Err(repeated);
    }
    let mut lines = lines;
    lines.sort_by(|a, b| a.sku.cmp(&b.sku));
    Ok(lines)
}

/// Returns the shortages of lines; `available` has the units by SKU, and a missing SKU has none.
#[must_use]
pub fn shortages(short: &[ReserveLine], available: &HashMap<String, i64>) -> Vec<Shortage> {
    let shortage = |line: &ReserveLine| Shortage {
        sku: line.sku.as_str().to_owned(),
        requested: i64::from(line.quantity.get()),
        available: available.get(line.sku.as_str()).copied().unwrap_or(0),
    };
    short.iter().map(shortage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReservationCommand::{Confirm, Release, Return};
    use contracts::{
        ids::Uuid,
        text::{Quantity, Sku},
    };
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn stock(available: i64, threshold: i64) -> Stock {
        Stock {
            stock_item_id: StockItemId(Uuid::nil()),
            sku: "LAMP-1".into(),
            product_id: ProductId(Uuid::nil()),
            seller_id: None,
            available_qty: available,
            reserved_qty: 0,
            low_stock_threshold: threshold,
            version: 1,
            updated_at: NOW,
        }
    }

    fn reservation(status: ReservationStatus, returned: bool) -> Reservation {
        Reservation {
            reservation_id: ReservationId(Uuid::nil()),
            order_id: OrderId(Uuid::nil()),
            status,
            lines: Vec::new(),
            expires_at: NOW,
            returned_at: returned.then_some(NOW),
            created_at: Timestamp::EPOCH,
        }
    }

    fn line(sku: &str, quantity: i64) -> ReserveLine {
        ReserveLine { sku: Sku::parse(sku).unwrap(), quantity: Quantity::new(quantity).unwrap() }
    }

    #[test]
    fn a_change_neither_creates_nor_loses_units() {
        use StockChangeReason::{Adjusted, Confirmed, Expired, Released, Reserved, Returned};
        for reason in StockChangeReason::ALL {
            let Change { available, reserved, .. } = Change::of(*reason, 7);
            let (moved, entered, sold) = match reason {
                Adjusted => ((7, 0), 7, 0),
                Reserved => ((-7, 7), 0, 0),
                Released | Expired => ((7, -7), 0, 0),
                Confirmed => ((0, -7), 0, 7),
                Returned => ((7, 0), 0, -7),
            };
            assert_eq!((available, reserved), moved, "{reason}");
            assert_eq!(available + reserved + sold, entered, "{reason}");
        }
    }

    #[test]
    fn a_reservation_ends_as_its_table_says_and_in_no_other_way() {
        use StockChangeReason::{Confirmed, Expired, Released};
        let facts = [(Confirmed, ReservationFact::Confirmed), (Released, ReservationFact::Released), (Expired, ReservationFact::Expired)];
        for status in ReservationStatus::STATES {
            for (reason, fact) in facts {
                let mut taken = reservation(*status, false);
                match (taken.apply(reason, NOW), status.transition(fact)) {
                    (Ok(()), Ok(to)) => assert_eq!(taken.status, to),
                    (Err(Error::Illegal(from)), Err(_)) => assert_eq!((from, taken.status), (*status, *status)),
                    (took, table) => panic!("{status} on {reason}: {took:?}, but the table says {table:?}"),
                }
            }
        }
    }

    #[test]
    fn units_are_returned_once_and_only_if_they_were_sold() {
        for status in ReservationStatus::STATES {
            let mut first = reservation(*status, false);
            assert_eq!(first.apply(StockChangeReason::Returned, NOW).is_ok(), *status == ReservationStatus::Confirmed);
            assert_eq!((first.status, first.returned_at.is_some()), (*status, *status == ReservationStatus::Confirmed));
            assert!(reservation(*status, true).apply(StockChangeReason::Returned, NOW).is_err());
        }
    }

    #[test]
    fn a_command_that_applies_can_be_repeated_without_effect() {
        for status in ReservationStatus::STATES {
            for returned in [false, true] {
                for command in [Confirm, Release, Return] {
                    let mut held = reservation(*status, returned && *status == ReservationStatus::Confirmed);
                    if let Ok(Some(reason)) = held.reason_for(command) {
                        held.apply(reason, NOW).unwrap();
                        assert!(matches!(held.reason_for(command), Ok(None)), "{command:?} twice from {status}");
                    }
                }
            }
        }
    }

    #[test]
    fn each_command_moves_units_in_one_state_only() {
        for (command, from, reason) in [
            (Confirm, ReservationStatus::Active, StockChangeReason::Confirmed),
            (Release, ReservationStatus::Active, StockChangeReason::Released),
            (Return, ReservationStatus::Confirmed, StockChangeReason::Returned),
        ] {
            for status in ReservationStatus::STATES {
                let moves = reservation(*status, false).reason_for(command).ok().flatten();
                assert_eq!(moves, (*status == from).then_some(reason), "{command:?} from {status}");
            }
        }
    }

    #[test]
    fn a_reservation_holds_exactly_its_lines() {
        let held = Line {
            reservation_line_id: ReservationLineId(Uuid::nil()),
            stock_item_id: StockItemId(Uuid::nil()),
            sku: "AAA".into(),
            quantity: 2,
            returned_quantity: 0,
        };
        let reservation = Reservation { lines: vec![held], ..reservation(ReservationStatus::Active, false) };
        assert!(reservation.holds(&[line("AAA", 2)]));
        for other in [vec![], vec![line("AAA", 1)], vec![line("BBB", 2)], vec![line("AAA", 2), line("BBB", 1)]] {
            assert!(!reservation.holds(&other), "{other:?}");
        }
    }

    #[test]
    fn an_item_is_low_at_its_threshold() {
        for (available, low) in [(4, true), (5, true), (6, false)] {
            assert_eq!(stock(available, 5).into_view().low_stock, low, "{available}");
        }
    }

    #[test]
    fn commands_that_come_too_late_have_different_errors() {
        use ReservationStatus::{Active, Confirmed, Expired, Released};
        assert!(matches!(reservation(Expired, false).reason_for(Confirm), Err(Error::Expired)));
        assert!(matches!(reservation(Released, false).reason_for(Confirm), Err(Error::Illegal(Released))));
        assert!(matches!(reservation(Confirmed, false).reason_for(Release), Err(Error::Illegal(Confirmed))));
        assert!(matches!(reservation(Expired, false).reason_for(Release), Ok(None)));
        assert!(matches!(reservation(Active, false).reason_for(Return), Err(Error::Illegal(Active))));
    }

    #[test]
    fn a_reservation_is_overdue_from_the_very_instant_on() {
        assert!(!reservation(ReservationStatus::Active, false).is_overdue(Timestamp(NOW.0 - 1)));
        assert!(reservation(ReservationStatus::Active, false).is_overdue(NOW));
        assert!(!reservation(ReservationStatus::Confirmed, false).is_overdue(NOW));
    }

    #[test]
    fn stock_becomes_low_only_when_it_crosses_the_threshold() {
        for (before, after, expected) in [(6, 5, true), (6, 0, true), (5, 4, false), (7, 6, false), (4, 5, false), (5, 6, false)] {
            let change = Change::of(StockChangeReason::Adjusted, after - before);
            assert_eq!(stock(after, 5).became_low(change), expected, "{before} to {after}");
        }
    }

    #[test]
    fn first_units_are_told_from_further_ones() {
        for (before, after, expected) in [(0, 5, true), (0, 1, true), (1, 2, false), (5, 0, false), (0, 0, false)] {
            let change = Change::of(StockChangeReason::Adjusted, after - before);
            assert_eq!(stock(after, 5).brings_first_units(change), expected, "{before} to {after}");
        }
    }

    #[test]
    fn an_adjustment_keeps_the_bounds() {
        assert_eq!(stock(3, 5).adjustment(-3).unwrap().available, -3);
        assert_eq!(stock(MAX_QTY - 1, 5).adjustment(1).unwrap().available, 1);
        for (available, delta) in [(3, -4), (MAX_QTY, 1), (0, i64::MIN), (1, i64::MAX)] {
            assert!(matches!(stock(available, 5).adjustment(delta), Err(Error::OutOfRange { .. })), "{available} {delta}");
        }
    }

    #[test]
    fn a_seller_stocks_only_own_products_and_nobody_under_a_wrong_sku() {
        let [mine, other] = [1, 2].map(|id| UserId(Uuid::from_u128(id)));
        let [lamp, chair] = [3, 4].map(|id| ProductId(Uuid::from_u128(id)));
        let known =
            ProductCopy { product_id: lamp, seller_id: Some(mine), sku: "LAMP-1".into(), archived: false, on_sale: true, version: 1 };
        let seller = |owner, known: Option<&ProductCopy>, sku_owner, sku| seller_of(owner, known, sku_owner, sku, lamp);

        assert_eq!(seller(Some(mine), Some(&known), Some(lamp), "LAMP-1").unwrap(), Some(mine));
        assert!(matches!(seller(Some(other), Some(&known), Some(lamp), "LAMP-1"), Err(Error::UnknownProduct)));
        assert!(matches!(seller(Some(other), Some(&known), None, "LAMP-2"), Err(Error::UnknownProduct)));
        assert!(matches!(seller(Some(mine), None, None, "LAMP-1"), Err(Error::UnknownProduct)));
        assert!(matches!(seller(Some(mine), Some(&known), None, "LAMP-2"), Err(Error::NotTheProductsSku)));
        // An administrator may stock any seller's product and unknown ones, but not under another product's SKU.
        assert_eq!(seller(None, Some(&known), Some(lamp), "LAMP-1").unwrap(), Some(mine));
        assert_eq!(seller(None, None, None, "LAMP-1").unwrap(), None);
        assert!(matches!(seller(None, None, Some(chair), "LAMP-1"), Err(Error::NotTheProductsSku)));
        assert!(matches!(seller(None, Some(&known), None, "LAMP-2"), Err(Error::NotTheProductsSku)));
    }

    #[test]
    fn a_repeated_sku_is_refused() {
        let repeated = in_sku_order(vec![line("bbb", 1), line("AAA", 1), line("BBB", 2), line("bbb", 3)]).unwrap_err();
        assert_eq!(repeated, [2, 3]);
    }

    #[test]
    fn a_sku_without_stock_has_none_available() {
        let found = HashMap::from([("AAA".to_owned(), 2)]);
        let shortages = shortages(&[line("AAA", 3), line("BBB", 1)], &found);
        assert_eq!(
            shortages.iter().map(|s| (s.sku.as_str(), s.requested, s.available)).collect::<Vec<_>>(),
            [("AAA", 3, 2), ("BBB", 1, 0)]
        );
    }

    proptest! {
        #[test]
        fn lines_are_sorted_by_sku_and_none_is_lost(skus in proptest::collection::hash_set("[A-Z0-9]{3,5}", 1..20)) {
            let lines: Vec<_> = skus.iter().map(|sku| line(sku, 1)).collect();
            let ordered = in_sku_order(lines).unwrap();
            prop_assert!(ordered.windows(2).all(|pair| pair[0].sku < pair[1].sku));
            prop_assert_eq!(ordered.len(), skus.len());
        }

        #[test]
        fn an_adjustment_that_is_allowed_stays_in_bounds(available in 0..=MAX_QTY, delta in any::<i64>()) {
            if let Ok(change) = stock(available, 5).adjustment(delta) {
                prop_assert!((0..=MAX_QTY).contains(&(available + change.available)));
            } else {
                prop_assert!(available.checked_add(delta).is_none_or(|sum| !(0..=MAX_QTY).contains(&sum)));
            }
        }
    }
}
