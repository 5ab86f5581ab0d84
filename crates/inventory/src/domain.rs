//! What is true of stock and of reservations: how a change moves units, who may stock what, and what ends a
//! reservation. No async, no I/O, no clock.

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

    /// Whether `change`, which led here, took the stock to its threshold or below it.
    #[must_use]
    pub fn fell_low(&self, change: Change) -> bool {
        self.is_low() && self.available_qty - change.available > self.low_stock_threshold
    }

    /// The change that adds `delta` by hand.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the available stock would leave 0 to [`MAX_QTY`].
    pub fn adjusted(&self, delta: i64) -> Result<Change, Error> {
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

/// How a change moves units. What leaves `reserved` without coming back to `available` was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub available: i64,
    pub reserved: i64,
    pub reason: StockChangeReason,
}

impl Change {
    /// The change of `quantity` units for `reason`; an adjustment's quantity may be negative.
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

/// What the catalogue said of a product, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    pub sku: String,
    pub archived: bool,
    pub version: i64,
}

impl From<&contracts::catalog::Product> for Known {
    fn from(product: &contracts::catalog::Product) -> Known {
        Known {
            product_id: product.product_id,
            seller_id: product.seller_id,
            sku: product.sku.clone(),
            archived: product.status == contracts::catalog::ProductStatus::Archived,
            version: product.version,
        }
    }
}

/// Whose stock an item of this SKU and product is. `owner` is the seller who asks, or `None` for an administrator, who
/// may stock a product that has not been heard of; `holder` is the product that has the SKU, if one is known.
///
/// # Errors
/// [`Error::UnknownProduct`] when the product is not the seller's, [`Error::NotTheProductsSku`] when it has another SKU.
pub fn seller_of(
    owner: Option<UserId>,
    product: Option<&Known>,
    holder: Option<ProductId>,
    sku: &str,
    product_id: ProductId,
) -> Result<Option<UserId>, Error> {
    let seller = product.and_then(|product| product.seller_id);
    if owner.is_some() && seller != owner {
        return Err(Error::UnknownProduct);
    }
    let fits = product.is_none_or(|product| product.sku == sku) && holder.is_none_or(|holder| holder == product_id);
    if fits { Ok(seller) } else { Err(Error::NotTheProductsSku) }
}

/// Units set aside for an order.
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
}

/// What an order asks of its reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Confirm,
    Release,
    Return,
}

impl Reservation {
    /// Whether its time is over although nobody wrote that down yet. From this instant on it counts as expired.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.status == ReservationStatus::Active && self.expires_at <= now
    }

    /// Why units are to be moved for `ending`; `None` when that has happened before, or nothing is held any more.
    /// An overdue reservation is to be expired first.
    ///
    /// # Errors
    /// [`Error::Expired`] when a confirmation came too late, [`Error::Illegal`] for whatever else its state forbids.
    pub fn due_for(&self, ending: Ending) -> Result<Option<StockChangeReason>, Error> {
        use ReservationStatus::{Active, Confirmed, Expired, Released};
        match (ending, self.status) {
            (Ending::Confirm, Active) => Ok(Some(StockChangeReason::Confirmed)),
            (Ending::Release, Active) => Ok(Some(StockChangeReason::Released)),
            (Ending::Return, Confirmed) if self.returned_at.is_none() => Ok(Some(StockChangeReason::Returned)),
            (Ending::Confirm | Ending::Return, Confirmed) | (Ending::Release, Released | Expired) => Ok(None),
            (Ending::Confirm, Expired) => Err(Error::Expired),
            (Ending::Confirm, Released) | (Ending::Release, Confirmed) | (Ending::Return, Active | Released | Expired) => {
                Err(Error::Illegal(self.status))
            }
        }
    }

    /// Writes down that its units moved for `reason`. A return leaves it CONFIRMED; all else is in the published table.
    ///
    /// # Errors
    /// [`Error::Illegal`] when the table has no such row.
    pub fn take(&mut self, reason: StockChangeReason, now: Timestamp) -> Result<(), Error> {
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
        self.status = self.status.on(fact).map_err(|_| illegal)?;
        Ok(())
    }

    /// Whether it holds exactly these units. Both are in the order of their SKUs.
    #[must_use]
    pub fn holds(&self, wanted: &[ReserveLine]) -> bool {
        let held = self.lines.iter().map(|line| (line.sku.as_str(), line.quantity));
        held.eq(wanted.iter().map(|line| (line.sku.as_str(), line.quantity.get())))
    }

    /// Its units, as events tell them.
    #[must_use]
    pub fn units(&self) -> Vec<SkuQuantity> {
        self.lines.iter().map(|line| SkuQuantity { sku: line.sku.clone(), quantity: line.quantity }).collect()
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

/// The lines in the order in which stock is taken.
///
/// # Errors
/// The positions of lines whose SKU stood in a line before.
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

/// What the lines that cannot be had lack; `available` is what there is of each SKU, and a SKU without stock has none.
#[must_use]
pub fn shortages(short: &[ReserveLine], available: &HashMap<String, i64>) -> Vec<Shortage> {
    let shortage = |line: &ReserveLine| Shortage {
        sku: line.sku.as_str().to_owned(),
        requested: i64::from(line.quantity.get()),
        available: available.get(line.sku.as_str()).copied().unwrap_or(0),
    };
    short.iter().map(shortage).collect()
}
