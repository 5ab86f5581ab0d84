//! What an order costs.

use contracts::{
    money::{Money, MoneyError},
    order::OrderItem,
};

/// What an order costs, in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    pub subtotal_amount: i64,
    pub shipping_amount: i64,
    pub tax_amount: i64,
    pub discount_amount: i64,
    pub total_amount: i64,
}

impl Totals {
    /// Adds up the lines. The tax is `tax_basis_points` of goods and shipping, and is added to the prices.
    ///
    /// # Errors
    /// [`MoneyError`] for mixed currencies or an amount that is too large.
    pub fn of(items: &[OrderItem], shipping: Money, discount: Money, tax_basis_points: u32) -> Result<Totals, MoneyError> {
        let currency = shipping.currency;
        let subtotal = Money::sum(currency, items.iter().map(|item| Money::new(item.line_total_amount, currency)))?;
        Totals::of_subtotal(subtotal, shipping, discount, tax_basis_points)
    }

    /// [`Totals::of`] of lines with this sum.
    ///
    /// # Errors
    /// As [`Totals::of`].
    pub fn of_subtotal(subtotal: Money, shipping: Money, discount: Money, tax_basis_points: u32) -> Result<Totals, MoneyError> {
        let taxed = subtotal.minus(discount)?.plus(shipping)?;
        let tax = taxed.basis_points(tax_basis_points)?;
        Ok(Totals {
            subtotal_amount: subtotal.minor,
            shipping_amount: shipping.minor,
            tax_amount: tax.minor,
            discount_amount: discount.minor,
            total_amount: taxed.plus(tax)?.minor,
        })
    }
}
