//! Estimates what an order would cost.

use super::place::shipping_fees;
use crate::{App, Error, domain::Totals};
use contracts::{
    money::Money,
    order::{EstimateTotals, SellerSubtotal, TotalsEstimate},
    user,
};

/// Returns what an order of lines with this subtotal would cost, by the functions by which an order is placed.
///
/// # Errors
/// [`Error::NotFound`] without a country and without a default shipping address, [`Error::NotServed`],
/// [`Error::AmountTooLarge`], [`Error::Upstream`].
pub async fn estimate(app: &App, request: EstimateTotals) -> Result<TotalsEstimate, Error> {
    let country = match request.country {
        Some(country) => country.into_string(),
        None => default_country(app, &request).await?,
    };
    let subtotal = Money::new(request.subtotal_amount, request.currency);
    let whole = [SellerSubtotal { seller_id: None, subtotal_amount: request.subtotal_amount }];
    let sellers = if request.sellers.is_empty() { &whole[..] } else { &request.sellers };
    let fees = shipping_fees(app, &country, request.currency, sellers).await?;
    let charged = fees.into_iter().zip(sellers).filter(|(_, seller)| !request.free_shipping_sellers.contains(&seller.seller_id));
    let fee = Money::sum(request.currency, charged.map(|(fee, _)| fee))?;
    let discount = Money::new(request.discount_amount.clamp(0, request.subtotal_amount), request.currency);
    let totals = Totals::of_subtotal(subtotal, fee, discount, app.settings.tax_basis_points)?;
    Ok(TotalsEstimate {
        country,
        currency: request.currency,
        subtotal_amount: totals.subtotal_amount,
        shipping_amount: totals.shipping_amount,
        tax_amount: totals.tax_amount,
        total_amount: totals.total_amount,
    })
}

async fn default_country(app: &App, request: &EstimateTotals) -> Result<String, Error> {
    let address = app.ctx.client.call(&user::GET_DEFAULT_ADDRESS).path(&[&request.user_id]).send().await;
    address.map(|address| address.country).map_err(|error| if error.is_not_found() { Error::NotFound } else { error.into() })
}
