//! The money of one order: its sales, and the facts that reverse them. The same facts lead to the same balances in any order.

use super::{
    ledger::{Account, Draft, LedgerError, Subject},
    sale::{Sale, Shares},
};
use contracts::{
    ids::{FulfilmentId, OrderId, OrderItemId, UserId, Uuid},
    money::{Currency, split},
    payout::{Day, PostingKind},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A sale as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleRecord {
    pub fulfilment_id: FulfilmentId,
    pub order_id: OrderId,
    pub order_number: String,
    /// `None` for the shop itself.
    pub seller_id: Option<UserId>,
    pub currency: Currency,
    pub sale: Sale,
    /// The day of its confirmation.
    pub day: Day,
    /// `None` until its commission is known and its sale is posted.
    pub posted_at: Option<Timestamp>,
    /// When its categories are looked up.
    pub rate_at: Option<Timestamp>,
    /// When the seller's share becomes available.
    pub release_at: Option<Timestamp>,
    pub released_at: Option<Timestamp>,
}

/// Something that reverses sales of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// A confirmed part was cancelled, and this much goes back to the customer for it.
    Cancelled { fulfilment_id: FulfilmentId, refund_amount: i64 },
    /// Units came back, and this much went back to the customer for them.
    Returned { return_id: Uuid, lines: Vec<(OrderItemId, i64)>, refund_amount: i64 },
    /// Money went back without a cause of its own: an administrator's refund, or the last one of a cancelled order.
    Refunded { refund_id: Uuid, amount: i64, captured_amount: i64, in_full: bool },
}

/// The money of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub order_id: OrderId,
    /// What of the customer's money went back.
    pub returned_amount: i64,
    pub sales: Vec<SaleRecord>,
}

impl SaleRecord {
    /// The account that the seller's share is on.
    fn seller_account(&self) -> Account {
        match (self.seller_id, self.released_at) {
            (Some(seller), None) => Account::SellerPending(seller),
            (Some(seller), Some(_)) => Account::SellerAvailable(seller),
            // The shop has no share of a seller, so nothing is booked there.
            (None, _) => Account::ShopRevenue,
        }
    }

    fn entries(&self, shares: Shares) -> [(Account, i64); 7] {
        [
            (Account::ProviderClearing, -shares.customer),
            (Account::PromotionExpense, -shares.promotion),
            (self.seller_account(), shares.seller),
            (Account::CommissionRevenue, shares.commission),
            (Account::ShopRevenue, shares.shop),
            (Account::ShippingRevenue, shares.shipping),
            (Account::TaxPayable, shares.tax),
        ]
    }

    fn subject(&self, kind: PostingKind, cause: String, commission_amount: i64) -> Subject {
        let order = Some((self.order_id, self.order_number.clone()));
        Subject {
            kind,
            cause,
            order,
            fulfilment_id: Some(self.fulfilment_id),
            seller_id: self.seller_id,
            payout_id: None,
            commission_amount,
        }
    }

    /// Posts the sale.
    ///
    /// # Errors
    /// [`LedgerError`], when an amount is beyond the largest one.
    pub fn post(&mut self, now: Timestamp) -> Result<Draft, LedgerError> {
        self.posted_at = Some(now);
        self.rate_at = None;
        let total = self.sale.total();
        let subject = self.subject(PostingKind::Sale, format!("SALE/{}", self.fulfilment_id), total.commission);
        Draft::new(subject, self.currency, self.entries(total))
    }

    /// Makes what is left of the seller's share available. Nothing is posted for the shop itself, or when nothing is left.
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub fn release(&mut self, now: Timestamp) -> Result<Option<Draft>, LedgerError> {
        let pending = self.seller_account();
        let was_released = self.released_at.replace(now).is_some();
        self.release_at = None;
        let share = self.sale.remaining().seller;
        if was_released || self.seller_id.is_none() || share == 0 {
            return Ok(None);
        }
        let subject = self.subject(PostingKind::Release, format!("RELEASE/{}", self.fulfilment_id), 0);
        Draft::new(subject, self.currency, [(pending, -share), (self.seller_account(), share)]).map(Some)
    }

    /// Posts that `part` is reversed and `back` went to the customer for it. The shop gets or pays the difference.
    fn reversal(&self, kind: PostingKind, cause: String, part: Shares, back: i64) -> Result<Draft, LedgerError> {
        let difference = [(Account::ProviderClearing, back - part.customer), (Account::RefundExpense, part.customer - back)];
        let entries = self.entries(-part).into_iter().chain(difference);
        Draft::new(self.subject(kind, cause, -part.commission), self.currency, entries)
    }
}

impl Order {
    /// What the customer paid and did not get back.
    fn left(&self) -> i64 {
        self.sales.iter().map(|record| record.sale.total().customer).sum::<i64>() - self.returned_amount
    }

    /// Applies a fact and returns its postings; `None` when a sale that it is about is not posted yet. No more than what the customer
    /// paid goes back.
    ///
    /// # Errors
    /// [`LedgerError`], when an amount is beyond the largest one.
    pub fn apply(&mut self, fact: &Fact) -> Result<Option<Vec<Draft>>, LedgerError> {
        let left = self.left();
        match fact {
            Fact::Cancelled { fulfilment_id, refund_amount } => {
                let Some(record) = self.posted(|record| record.fulfilment_id == *fulfilment_id) else { return Ok(None) };
                let part = record.sale.reverse_all();
                let back = if part.is_zero() { 0 } else { left.min(*refund_amount) };
                let draft = record.reversal(PostingKind::Cancellation, format!("CANCELLATION/{fulfilment_id}"), part, back)?;
                self.returned_amount += back;
                Ok(Some(vec![draft]))
            }
            Fact::Returned { return_id, lines, refund_amount } => self.reverse_return(*return_id, lines, left.min(*refund_amount)),
            Fact::Refunded { refund_id, amount, captured_amount, in_full } => {
                let total: i64 = self.sales.iter().map(|record| record.sale.total().customer).sum();
                let all_posted = self.sales.iter().all(|record| record.posted_at.is_some());
                match in_full {
                    true if total != *captured_amount || !all_posted => Ok(None),
                    _ if self.sales.is_empty() => Ok(None),
                    true => self.refund_rest(*refund_id, left.min(*amount)).map(Some),
                    false => {
                        let back = left.min(*amount);
                        self.returned_amount += back;
                        Ok(Some(vec![self.expense(*refund_id, back)?]))
                    }
                }
            }
        }
    }

    fn posted(&mut self, is_it: impl Fn(&SaleRecord) -> bool) -> Option<&mut SaleRecord> {
        self.sales.iter_mut().find(|record| is_it(record) && record.posted_at.is_some())
    }

    /// Reverses the shares of units that came back, with the commission in proportion.
    fn reverse_return(
        &mut self,
        return_id: Uuid,
        lines: &[(OrderItemId, i64)],
        refund_amount: i64,
    ) -> Result<Option<Vec<Draft>>, LedgerError> {
        let has = |record: &SaleRecord, item: OrderItemId| record.sale.lines.iter().any(|line| line.order_item_id == item);
        if lines.iter().any(|(item, _)| self.posted(|record| has(record, *item)).is_none()) {
            return Ok(None);
        }
        let parts: Vec<Shares> = self
            .sales
            .iter_mut()
            .map(|record| lines.iter().fold(Shares::default(), |sum, (item, units)| sum + record.sale.reverse_units(*item, *units)))
            .collect();
        let weights: Vec<i64> = parts.iter().map(|part| part.customer).collect();
        let mut drafts = Vec::new();
        let backs = split(refund_amount, &weights);
        for ((record, part), back) in self.sales.iter().zip(parts).zip(backs) {
            if !part.is_zero() || back != 0 {
                let cause = format!("RETURN/{return_id}/{}", record.fulfilment_id);
                drafts.push(record.reversal(PostingKind::Return, cause, part, back)?);
            }
        }
        self.returned_amount += refund_amount;
        Ok(Some(drafts))
    }

    /// Splits the last refund by fulfilment, in proportion to what is left of each. The shop pays what no fulfilment has.
    fn refund_rest(&mut self, refund_id: Uuid, amount: i64) -> Result<Vec<Draft>, LedgerError> {
        let weights: Vec<i64> = self.sales.iter().map(|record| record.sale.remaining().customer).collect();
        let of_sales = amount.min(weights.iter().sum());
        let mut drafts = Vec::new();
        for (record, back) in self.sales.iter_mut().zip(split(of_sales, &weights)).filter(|(_, back)| *back > 0) {
            let part = record.sale.reverse_amount(back);
            let cause = format!("REFUND/{refund_id}/{}", record.fulfilment_id);
            drafts.push(record.reversal(PostingKind::Refund, cause, part, back)?);
        }
        self.returned_amount += amount;
        if amount > of_sales {
            drafts.push(self.expense(refund_id, amount - of_sales)?);
        }
        Ok(drafts)
    }

    /// A refund that the shop pays.
    fn expense(&self, refund_id: Uuid, amount: i64) -> Result<Draft, LedgerError> {
        let first = &self.sales[0];
        let subject =
            Subject { fulfilment_id: None, seller_id: None, ..first.subject(PostingKind::Refund, format!("REFUND/{refund_id}"), 0) };
        Draft::new(subject, first.currency, [(Account::ProviderClearing, amount), (Account::RefundExpense, -amount)])
    }
}
