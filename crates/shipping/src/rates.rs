//! The price of shipping: a flat rate or the rate of the country, and free from a subtotal on.

use crate::{
    Error,
    settings::{Rate, Settings},
};
use contracts::{
    money::Currency,
    shipping::{Carrier, ShippingRate, ShippingRates},
    text::Country,
};

/// Returns the rates of `carrier` to a country for goods of this subtotal, in minor units of `currency`.
///
/// # Errors
/// [`Error::UnsupportedCountry`] when the settings have a list of countries without this one.
pub fn rates(settings: &Settings, carrier: Carrier, country: Country, subtotal: i64, currency: Currency) -> Result<ShippingRates, Error> {
    if !settings.countries.is_empty() && !settings.countries.contains(&country) {
        return Err(Error::UnsupportedCountry(country));
    }
    let flat = Rate { flat_rate_amount: settings.flat_rate_amount, free_from_amount: settings.free_from_amount };
    let rate = settings.rates.get(&country).copied().unwrap_or(flat);
    let free_from_amount = rate.free_from_amount.map(|amount| amount.get());
    let is_free = free_from_amount.is_some_and(|from| subtotal >= from);
    let standard = ShippingRate {
        carrier,
        name: "Standard".to_owned(),
        shipping_amount: if is_free { 0 } else { rate.flat_rate_amount.get() },
        currency,
        free_from_amount,
    };
    Ok(ShippingRates { country: country.into_string(), items: vec![standard] })
}
