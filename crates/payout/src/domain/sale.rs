//! The shares of a sale: who gets what of the customer's money, and what of it was reversed.

use contracts::{
    ids::{OrderItemId, ProductId},
    money::share,
    order::{FulfilmentConfirmed, OrderItem},
};
use serde::{Deserialize, Serialize};
use std::ops::{Add, Neg, Sub};

/// Who gets what of an amount. What the customer and the shop's promotions pay is what the others get:
/// `customer + promotion = seller + commission + shop + shipping + tax`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    pub customer: i64,
    /// Paid by the shop for its promotions.
    pub promotion: i64,
    pub seller: i64,
    pub commission: i64,
    /// Goods of the shop itself.
    pub shop: i64,
    /// Shipping fees of the shop itself.
    pub shipping: i64,
    pub tax: i64,
}

impl Shares {
    fn map2(self, other: Shares, f: impl Fn(i64, i64) -> i64) -> Shares {
        Shares {
            customer: f(self.customer, other.customer),
            promotion: f(self.promotion, other.promotion),
            seller: f(self.seller, other.seller),
            commission: f(self.commission, other.commission),
            shop: f(self.shop, other.shop),
            shipping: f(self.shipping, other.shipping),
            tax: f(self.tax, other.tax),
        }
    }

    /// Returns `part` of `whole` of each share, each rounded half up. The share that gets the rest takes the differences, so that
    /// the sums hold.
    #[must_use]
    pub fn portion(self, part: i64, whole: i64) -> Shares {
        let of = |amount: i64| share(amount, part, whole);
        let rounded = Shares {
            customer: of(self.customer),
            promotion: of(self.promotion),
            commission: of(self.commission),
            shipping: of(self.shipping),
            tax: of(self.tax),
            seller: 0,
            shop: 0,
        };
        let rest = rounded.customer + rounded.promotion - rounded.commission - rounded.shipping - rounded.tax;
        if self.seller != 0 || self.commission != 0 {
            Shares { seller: rest, ..rounded }
        } else if self.shop != 0 || self.shipping == 0 {
            Shares { shop: rest, ..rounded }
        } else {
            Shares { shipping: rounded.shipping + rest, ..rounded }
        }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Shares::default()
    }

    /// Whether no share of it is larger than that of `other`.
    fn fits(self, other: Shares) -> bool {
        let fits = self.map2(other, |own, other| i64::from(own <= other));
        fits == Shares { customer: 1, promotion: 1, seller: 1, commission: 1, shop: 1, shipping: 1, tax: 1 }
    }
}

impl Add for Shares {
    type Output = Shares;
    fn add(self, other: Shares) -> Shares {
        self.map2(other, |a, b| a + b)
    }
}

impl Sub for Shares {
    type Output = Shares;
    fn sub(self, other: Shares) -> Shares {
        self.map2(other, |a, b| a - b)
    }
}

impl Neg for Shares {
    type Output = Shares;
    fn neg(self) -> Shares {
        Shares::default() - self
    }
}

/// A line of a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub order_item_id: OrderItemId,
    pub product_id: ProductId,
    pub quantity: i64,
    /// How many of its units were taken back.
    pub returned: i64,
    pub shares: Shares,
}

/// The shares of a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    pub lines: Vec<Line>,
    /// Those of the shipping fee.
    pub shipping: Shares,
    /// What was reversed so far, of all lines and the fee.
    pub reversed: Shares,
}

/// The amounts of the event do not add up to its total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the parts of a fulfilment add up to {parts}, and its total is {total}")]
pub struct TotalDiffers {
    pub parts: i64,
    pub total: i64,
}

impl Sale {
    /// Makes the shares of a confirmed fulfilment, before commission.
    ///
    /// Its seller gets the goods and the fee without tax and pays the discounts of the own promotions; the shop pays the others, also
    /// what its promotions waive of the fee. The shop owes the tax. Prices are read as with tax when the total has no tax beside them.
    ///
    /// # Errors
    /// [`TotalDiffers`].
    pub fn of(event: &FulfilmentConfirmed) -> Result<Sale, TotalDiffers> {
        let net = event.subtotal_amount - event.discount_amount + event.shipping_amount;
        let tax_is_contained = match event.total_amount {
            total if total == net + event.tax_amount => false,
            total if total == net => true,
            total => return Err(TotalDiffers { parts: net + event.tax_amount, total }),
        };
        let shares = |gross: i64, discount: i64, paid_by_seller: i64, tax: i64, is_shipping: bool| {
            let paid_by_seller = if event.seller_id.is_some() { paid_by_seller } else { 0 };
            let added_tax = if tax_is_contained { 0 } else { tax };
            let base = gross - paid_by_seller + added_tax - tax;
            let (seller, shop, shipping) = match (event.seller_id, is_shipping) {
                (Some(_), _) => (base, 0, 0),
                (None, false) => (0, base, 0),
                (None, true) => (0, 0, base),
            };
            let (customer, promotion) = (gross - discount + added_tax, discount - paid_by_seller);
            Shares { customer, promotion, seller, commission: 0, shop, shipping, tax }
        };
        let line = |item: &OrderItem| Line {
            order_item_id: item.order_item_id,
            product_id: item.product_id,
            quantity: i64::from(item.quantity),
            returned: 0,
            shares: shares(item.line_total_amount, item.discount_amount, item.seller_discount_amount, item.tax_amount, false),
        };
        let lines: Vec<Line> = event.items.iter().map(line).collect();
        let of_items = |amount: fn(&OrderItem) -> i64| event.items.iter().map(amount).sum::<i64>();
        let shipping = shares(
            event.shipping_amount + event.waived_shipping_amount + event.subtotal_amount - of_items(|item| item.line_total_amount),
            event.waived_shipping_amount + event.discount_amount - of_items(|item| item.discount_amount),
            event.seller_discount_amount - of_items(|item| item.seller_discount_amount),
            event.tax_amount - of_items(|item| item.tax_amount),
            true,
        );
        Ok(Sale { lines, shipping, reversed: Shares::default() })
    }

    /// Takes the commission of each line off the seller's share: `basis_points` of what the seller gets for the goods.
    pub fn charge(&mut self, basis_points: impl Fn(&Line) -> u32) {
        for line in &mut self.lines {
            let commission = share(line.shares.seller.max(0), i64::from(basis_points(line)), 10_000);
            line.shares.seller -= commission;
            line.shares.commission += commission;
        }
    }

    /// All shares together, without reversals.
    #[must_use]
    pub fn total(&self) -> Shares {
        self.lines.iter().fold(self.shipping, |sum, line| sum + line.shares)
    }

    /// What is not reversed.
    #[must_use]
    pub fn remaining(&self) -> Shares {
        self.total() - self.reversed
    }

    /// How many units are sold and were not taken back.
    #[must_use]
    pub fn units(&self) -> i64 {
        if self.remaining().is_zero() { 0 } else { self.lines.iter().map(|line| line.quantity - line.returned).sum() }
    }

    /// Reverses all that is left, and returns it.
    pub fn reverse_all(&mut self) -> Shares {
        self.reverse(self.remaining())
    }

    /// Reverses the shares of this much of the customer's money.
    pub fn reverse_amount(&mut self, amount: i64) -> Shares {
        let remaining = self.remaining();
        let part = if amount >= remaining.customer { remaining } else { remaining.portion(amount, remaining.customer) };
        self.reverse(part)
    }

    /// Reverses the shares of units of a line. The parts of all units are exactly the line. Units beyond those that are left are
    /// ignored, and so is what an earlier refund of money reversed.
    pub fn reverse_units(&mut self, item: OrderItemId, units: i64) -> Shares {
        let Some(line) = self.lines.iter_mut().find(|line| line.order_item_id == item) else { return Shares::default() };
        let before = line.shares.portion(line.returned, line.quantity);
        line.returned = line.quantity.min(line.returned + units.max(0));
        let part = line.shares.portion(line.returned, line.quantity) - before;
        let remaining = self.remaining();
        match part.fits(remaining) {
            true => self.reverse(part),
            false => self.reverse_amount(part.customer.min(remaining.customer)),
        }
    }

    fn reverse(&mut self, part: Shares) -> Shares {
        self.reversed = self.reversed + part;
        part
    }
}
