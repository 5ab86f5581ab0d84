//! Estimates what an order would cost.

use super::place::{self, shipping_fees};
use crate::{App, Error, domain::Totals};
use contracts::{
    ids::ProductId,
    money::Money,
    order::{EstimateTotals, SellerSubtotal, TotalsEstimate},
    tax::{TaxClass, TaxDestination, Taxation, TaxedAmount, tax_totals},
    user,
};
use std::collections::HashMap;

/// Returns what an order of these lines would cost, by the functions by which an order is placed.
///
/// # Errors
/// [`Error::NotFound`] without a country and without a default shipping address, [`Error::NotServed`],
/// [`Error::AmountTooLarge`], [`Error::Upstream`].
pub async fn estimate(app: &App, request: EstimateTotals) -> Result<TotalsEstimate, Error> {
    let destination = match &request.country {
        Some(country) => TaxDestination {
            country: country.as_str().to_owned(),
            state: request.state.as_ref().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        },
        None => default_destination(app, &request).await?,
    };
    let currency = request.currency;
    let money = |minor| Money::new(minor, currency);
    let sellers = SellerSubtotal::of_lines(request.lines.iter().map(|line| (line.seller_id, money(line.line_total_amount))))?;
    let (fees, products) = tokio::join!(shipping_fees(app, &destination.country, currency, &sellers), async {
        if !request.has_tax_rates {
            return Ok((HashMap::default(), Taxation { prices_include_tax: request.prices_include_tax, ..Taxation::default() }));
        }
        place::products(app, request.lines.iter().map(|line| line.product_id), &destination).await
    });
    let (fees, (products, taxation)) = (fees?, products?);
    let taxation = place::taxation(app, taxation);
    let classes: HashMap<ProductId, TaxClass> = products.into_values().map(|product| (product.product_id, product.tax_class)).collect();
    let charged = fees.into_iter().zip(&sellers).filter(|(_, seller)| !request.free_shipping_sellers.contains(&seller.seller_id));
    let fees: Vec<Money> = charged.map(|(fee, _)| fee).collect();

    let is_included = taxation.prices_include_tax;
    let goods = request.lines.iter().map(|line| {
        let rate = taxation.rate(classes.get(&line.product_id).copied().unwrap_or_default());
        TaxedAmount::of(line.line_total_amount - line.discount_amount.clamp(0, line.line_total_amount), rate, is_included)
    });
    let shipping = fees.iter().map(|fee| TaxedAmount::of(fee.minor, taxation.shipping_rate(), is_included));
    let taxed: Vec<TaxedAmount> = goods.chain(shipping).collect();
    let discounts = request.lines.iter().map(|line| money(line.discount_amount.clamp(0, line.line_total_amount)));
    let totals = Totals::of_sums(
        Money::sum(currency, request.lines.iter().map(|line| money(line.line_total_amount)))?,
        Money::sum(currency, fees)?,
        Money::sum(currency, discounts)?,
        Money::sum(currency, taxed.iter().map(|line| money(line.tax_amount)))?,
        is_included,
    )?;
    Ok(TotalsEstimate {
        country: destination.country,
        currency,
        subtotal_amount: totals.subtotal_amount,
        shipping_amount: totals.shipping_amount,
        tax_amount: totals.tax_amount,
        prices_include_tax: is_included,
        taxes: tax_totals(taxed, is_included),
        total_amount: totals.total_amount,
    })
}

async fn default_destination(app: &App, request: &EstimateTotals) -> Result<TaxDestination, Error> {
    match app.ctx.client.call(&user::GET_DEFAULT_ADDRESS).path(&[&request.user_id]).send().await {
        Ok(address) => Ok(TaxDestination { country: address.country, state: address.state }),
        Err(error) if error.is_not_found() => Err(Error::NotFound),
        Err(error) => Err(error.into()),
    }
}
