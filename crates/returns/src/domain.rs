//! The rules of returns. No async, no I/O, no clock.

use crate::Error;
use contracts::returns::ReturnLabel;
use contracts::{
    ids::{FulfilmentId, OrderId, OrderItemId, ProductId, ReturnId, UserId},
    machine::{IllegalTransition, Machine},
    money::{Currency, share_of_units},
    returns::{
        Disposition, ReceiveReturnLine, ReceivedItem, RequestReturnLine, Return, ReturnFact, ReturnLine, ReturnReason, ReturnStatus,
    },
    shipping::Carrier,
    time::Timestamp,
};

/// A line of an order that was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredItem {
    pub order_item_id: OrderItemId,
    pub order_id: OrderId,
    pub order_number: String,
    pub fulfilment_id: FulfilmentId,
    pub user_id: UserId,
    pub seller_id: Option<UserId>,
    pub product_id: ProductId,
    pub sku: String,
    pub title_snapshot: String,
    pub currency: Currency,
    pub quantity: u32,
    pub line_total_amount: i64,
    pub discount_amount: i64,
    pub tax_amount: i64,
    /// Whether the tax is contained in the line total. Otherwise it is added to it.
    pub prices_include_tax: bool,
    pub delivered_at: Timestamp,
    /// Units in returns that were not rejected, cancelled or closed without the goods.
    pub taken_quantity: u32,
    /// Units that came back.
    pub received_quantity: u32,
}

/// What is owed for some units of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// The share of the line total less the discount, with the tax, which is added or contained.
    pub refund_amount: i64,
    pub discount_amount: i64,
    pub tax_amount: i64,
}

impl DeliveredItem {
    /// Returns what is owed for the next `units` after the first `before`. The shares of all units add up to the line.
    ///
    /// The refund is one share of what was paid for the line, rounded once. The ledger of sellers takes the same share from those who
    /// earned it; a sum of rounded shares may differ from it by a cent, which the shop would pay.
    #[must_use]
    pub fn share(&self, before: u32, units: u32) -> Share {
        let part = |total| share_of_units(total, before, units, self.quantity);
        let (discount_amount, tax_amount) = (part(self.discount_amount), part(self.tax_amount));
        let added_tax = if self.prices_include_tax { 0 } else { self.tax_amount };
        let paid = self.line_total_amount - self.discount_amount + added_tax;
        Share { refund_amount: part(paid), discount_amount, tax_amount }
    }

    /// Takes units for a return. `Err` is how many can be taken.
    ///
    /// # Errors
    /// How many units are left when it is fewer.
    pub fn take(&mut self, units: u32) -> Result<Share, u32> {
        let left = self.quantity - self.taken_quantity;
        if units > left {
            return Err(left);
        }
        let share = self.share(self.taken_quantity, units);
        self.taken_quantity += units;
        Ok(share)
    }
}

/// A return as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnRecord {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub order_number: String,
    pub fulfilment_id: FulfilmentId,
    pub user_id: UserId,
    pub seller_id: Option<UserId>,
    pub status: ReturnStatus,
    pub by_carrier: bool,
    pub lines: Vec<ReturnLine>,
    pub currency: Currency,
    pub refund_amount: i64,
    pub refunded_amount: Option<i64>,
    pub label: Option<ReturnLabel>,
    pub rejection: Option<String>,
    pub send_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When it is closed by itself.
    pub due_at: Option<Timestamp>,
}

/// A requested line: the item with the units that were taken from it, and what they cost.
pub struct TakenLine<'a> {
    pub item: &'a DeliveredItem,
    pub units: u32,
    pub share: Share,
    pub reason: ReturnReason,
    pub note: Option<String>,
}

impl ReturnRecord {
    /// Removes the texts of people.
    pub fn forget_notes(&mut self) {
        self.rejection = None;
        for line in &mut self.lines {
            line.note = None;
        }
    }

    /// Makes a return of lines, of which the first names order, fulfilment and seller. `None` without lines.
    #[must_use]
    pub fn request(return_id: ReturnId, by_carrier: bool, taken: Vec<TakenLine<'_>>, now: Timestamp) -> Option<ReturnRecord> {
        let first = taken.first()?.item.clone();
        let lines: Vec<ReturnLine> = taken
            .into_iter()
            .map(|line| ReturnLine {
                order_item_id: line.item.order_item_id,
                product_id: line.item.product_id,
                sku: line.item.sku.clone(),
                title_snapshot: line.item.title_snapshot.clone(),
                quantity: line.units,
                reason: line.reason,
                note: line.note,
                restocked_quantity: 0,
                written_off_quantity: 0,
                refund_amount: line.share.refund_amount,
                tax_amount: line.share.tax_amount,
            })
            .collect();
        Some(ReturnRecord {
            return_id,
            order_id: first.order_id,
            order_number: first.order_number,
            fulfilment_id: first.fulfilment_id,
            user_id: first.user_id,
            seller_id: first.seller_id,
            status: ReturnStatus::Requested,
            by_carrier,
            refund_amount: lines.iter().map(|line| line.refund_amount).sum(),
            lines,
            currency: first.currency,
            refunded_amount: None,
            label: None,
            rejection: None,
            send_until: None,
            created_at: now,
            updated_at: now,
            due_at: None,
        })
    }

    /// # Errors
    /// [`IllegalTransition`] when the table has no row for the fact.
    pub fn apply(&mut self, fact: ReturnFact, now: Timestamp) -> Result<(), IllegalTransition<ReturnStatus>> {
        self.status = self.status.transition(fact)?;
        (self.send_until, self.due_at, self.updated_at) = (None, None, now);
        Ok(())
    }

    /// Records the units that came back. `items` are those of the lines. Returns what came back and what is owed for it.
    ///
    /// # Errors
    /// [`Error::Illegal`] unless the goods are expected, [`Error::Line`] for units that are not expected.
    pub fn receive(
        &mut self,
        received: &[ReceiveReturnLine],
        items: &mut [DeliveredItem],
        now: Timestamp,
    ) -> Result<Vec<ReceivedItem>, Error> {
        self.apply(ReturnFact::Received, now)?;
        for (number, line) in received.iter().enumerate() {
            let same = |other: &ReceiveReturnLine| other.order_item_id == line.order_item_id && other.disposition == line.disposition;
            if received[..number].iter().any(same) {
                return Err(Error::Line(number, "DUPLICATE", "is listed twice with this disposition"));
            }
            let expected = self.lines.iter_mut().find(|expected| expected.order_item_id == line.order_item_id);
            let expected = expected.ok_or(Error::Line(number, "UNKNOWN_ITEM", "is not a line of this return"))?;
            let units = line.quantity.get();
            match line.disposition {
                Disposition::Restock => expected.restocked_quantity += units,
                Disposition::WriteOff => expected.written_off_quantity += units,
            }
            if expected.received() > expected.quantity {
                return Err(Error::Line(number, "TOO_MANY", "has fewer units in this return"));
            }
        }
        let mut came_back = Vec::new();
        for line in &mut self.lines {
            let item = items.iter_mut().find(|item| item.order_item_id == line.order_item_id).ok_or(Error::NotFound)?;
            let units = line.received();
            let share = item.share(item.received_quantity, units);
            item.received_quantity += units;
            item.taken_quantity -= line.quantity - units;
            (line.refund_amount, line.tax_amount) = (share.refund_amount, share.tax_amount);
            if units > 0 {
                came_back.push(ReceivedItem {
                    order_item_id: line.order_item_id,
                    product_id: line.product_id,
                    sku: line.sku.clone(),
                    restocked_quantity: line.restocked_quantity,
                    written_off_quantity: line.written_off_quantity,
                    refund_amount: share.refund_amount,
                    tax_amount: share.tax_amount,
                    discount_amount: share.discount_amount,
                });
            }
        }
        self.refund_amount = came_back.iter().map(|item| item.refund_amount).sum();
        Ok(came_back)
    }

    /// Releases the units that this return had taken, because it ended without the goods.
    pub fn release_units(&self, items: &mut [DeliveredItem]) {
        for item in items {
            let taken = self.lines.iter().filter(|line| line.order_item_id == item.order_item_id).map(|line| line.quantity).sum::<u32>();
            item.taken_quantity = item.taken_quantity.saturating_sub(taken);
        }
    }

    #[must_use]
    pub fn view(self) -> Return {
        Return {
            tax_amount: self.lines.iter().map(|line| line.tax_amount).sum(),
            return_id: self.return_id,
            order_id: self.order_id,
            order_number: self.order_number,
            fulfilment_id: self.fulfilment_id,
            user_id: self.user_id,
            seller_id: self.seller_id,
            status: self.status,
            by_carrier: self.by_carrier,
            lines: self.lines,
            currency: self.currency,
            refund_amount: self.refund_amount,
            refunded_amount: self.refunded_amount,
            label: self.label,
            rejection: self.rejection,
            send_until: self.send_until,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Checks requested lines against the items of the order, and takes their units.
///
/// # Errors
/// [`Error::Line`] for an item that is listed twice, is not in the order, or is of another seller; [`Error::WindowClosed`],
/// [`Error::TooMany`].
pub fn take_lines(
    lines: &[RequestReturnLine],
    items: &mut [DeliveredItem],
    earliest: Timestamp,
) -> Result<Vec<(usize, u32, Share)>, Error> {
    let mut taken: Vec<(usize, u32, Share)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let found = items.iter().position(|item| item.order_item_id == line.order_item_id);
        let at = found.ok_or(Error::Line(number, "UNKNOWN_ITEM", "is not a delivered item of this order"))?;
        if taken.iter().any(|(other, ..)| *other == at) {
            return Err(Error::Line(number, "DUPLICATE", "is listed twice"));
        }
        if taken.first().is_some_and(|(first, ..)| items[*first].fulfilment_id != items[at].fulfilment_id) {
            return Err(Error::Line(number, "ANOTHER_SELLER", "is of another seller; return it by a request of its own"));
        }
        if items[at].delivered_at < earliest {
            return Err(Error::WindowClosed);
        }
        let (order_item_id, requested) = (line.order_item_id, line.quantity.get());
        let share = items[at].take(requested).map_err(|available| Error::TooMany { order_item_id, requested, available })?;
        taken.push((at, requested, share));
    }
    Ok(taken)
}

/// Returns the label of the mock carrier for a return. The same return has the same label.
#[must_use]
pub fn mock_label(id: ReturnId) -> ReturnLabel {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let letters = id.0.as_bytes()[4..].iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
    ReturnLabel { carrier: Carrier::Mock, tracking_number: format!("MOCK-R{}", letters.collect::<String>()) }
}

/// The units of a line that came back.
trait Received {
    fn received(&self) -> u32;
}

impl Received for ReturnLine {
    fn received(&self) -> u32 {
        self.restocked_quantity + self.written_off_quantity
    }
}

#[cfg(test)]
mod tests;
