//! What an order costs, and the tax in it.

use super::Fulfilment;
use contracts::{
    ids::ProductId,
    money::{Currency, Money, MoneyError},
    order::OrderItem,
    tax::{TaxClass, Taxation, tax_amount},
};

/// What an order costs, in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    pub subtotal_amount: i64,
    pub shipping_amount: i64,
    pub tax_amount: i64,
    pub discount_amount: i64,
    pub total_amount: i64,
    /// Whether the tax is contained in the other amounts. Otherwise it is added to them.
    pub prices_include_tax: bool,
}

impl Totals {
    /// Adds up lines and fulfilments whose taxes are set.
    ///
    /// # Errors
    /// [`MoneyError`] for an amount that is too large.
    pub fn of(items: &[OrderItem], fulfilments: &[Fulfilment], currency: Currency, prices_include_tax: bool) -> Result<Totals, MoneyError> {
        let sum = |amounts: &mut dyn Iterator<Item = i64>| Money::sum(currency, amounts.map(|minor| Money::new(minor, currency)));
        Totals::of_sums(
            sum(&mut items.iter().map(|item| item.line_total_amount))?,
            sum(&mut fulfilments.iter().map(|part| part.shipping_amount))?,
            sum(&mut items.iter().map(|item| item.discount_amount))?,
            sum(&mut items.iter().map(|item| item.tax_amount).chain(fulfilments.iter().map(|part| part.shipping_tax_amount)))?,
            prices_include_tax,
        )
    }

    /// The totals of an order with these sums.
    ///
    /// # Errors
    /// As [`Totals::of`].
    pub fn of_sums(subtotal: Money, shipping: Money, discount: Money, tax: Money, prices_include_tax: bool) -> Result<Totals, MoneyError> {
        let amount = subtotal.minus(discount)?.plus(shipping)?;
        Ok(Totals {
            subtotal_amount: subtotal.minor,
            shipping_amount: shipping.minor,
            tax_amount: tax.minor,
            discount_amount: discount.minor,
            total_amount: if prices_include_tax { amount } else { amount.plus(tax)? }.minor,
            prices_include_tax,
        })
    }
}

/// Sets the taxes of lines, after their discounts, and of shipping fees. Each is rounded by itself.
pub fn set_taxes(taxation: &Taxation, class_of: impl Fn(ProductId) -> TaxClass, items: &mut [OrderItem], fulfilments: &mut [Fulfilment]) {
    for item in items {
        let rate = taxation.rate(class_of(item.product_id));
        item.tax_basis_points = Some(rate);
        item.tax_amount = tax_amount(item.line_total_amount - item.discount_amount, rate, taxation.prices_include_tax);
    }
    let rate = taxation.shipping_rate();
    for part in fulfilments {
        part.shipping_tax_basis_points = Some(rate);
        part.shipping_tax_amount = tax_amount(part.shipping_amount, rate, taxation.prices_include_tax);
    }
}
