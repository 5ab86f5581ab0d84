//! The price of shipping: the rate of the country or a flat rate, each in one currency, and free from a subtotal on.

use crate::{
    Error,
    settings::{CurrencyRate, Settings},
};
use contracts::{
    money::Currency,
    shipping::{Carrier, ShippingRate, ShippingRates},
    text::{Amount, Country},
};

/// Rates in minor units, each about what a small parcel costs. Amounts of one currency say nothing about another: 490 is 4.90
/// euros, 490 yen or 0.490 dinars.
const BUILTIN: &[(&str, i64)] = &[
    ("AED", 1_990),
    ("AUD", 890),
    ("BHD", 1_900),
    ("BRL", 2_490),
    ("CAD", 790),
    ("CHF", 690),
    ("CNY", 2_900),
    ("CZK", 9_900),
    ("DKK", 3_900),
    ("EUR", 490),
    ("GBP", 420),
    ("HKD", 3_900),
    ("HUF", 149_000),
    ("ILS", 1_990),
    ("INR", 14_900),
    ("JPY", 800),
    ("KRW", 4_000),
    ("KWD", 1_500),
    ("MXN", 9_900),
    ("NOK", 5_900),
    ("NZD", 790),
    ("PLN", 1_490),
    ("RON", 1_990),
    ("SAR", 1_990),
    ("SEK", 4_900),
    ("SGD", 590),
    ("THB", 5_000),
    ("TND", 8_000),
    ("TRY", 9_900),
    ("USD", 590),
    ("ZAR", 9_900),
];

/// Returns the rate for orders to `country` in `currency`, if there is one.
fn find_rate(settings: &Settings, country: &Country, currency: Currency) -> Option<CurrencyRate> {
    if let Some(own) = settings.rates.get(country).filter(|own| own.currency == currency) {
        return Some(CurrencyRate { flat_rate_amount: own.flat_rate_amount, free_from_amount: own.free_from_amount });
    }
    if currency == settings.currency {
        return Some(CurrencyRate { flat_rate_amount: settings.flat_rate_amount, free_from_amount: settings.free_from_amount });
    }
    settings.currencies.get(&currency).copied().or_else(|| {
        let (_, amount) = BUILTIN.iter().find(|(code, _)| settings.builtin_rates && *code == currency.as_str())?;
        Some(CurrencyRate { flat_rate_amount: Amount::new(*amount).ok()?, free_from_amount: None })
    })
}

/// Returns the rates of `carrier` to a country for goods of this subtotal, in minor units of `currency`.
///
/// # Errors
/// [`Error::UnsupportedCountry`] when the settings have a list of countries without this one, [`Error::UnsupportedCurrency`] when
/// there is no rate in this currency.
pub fn rates(settings: &Settings, carrier: Carrier, country: Country, subtotal: i64, currency: Currency) -> Result<ShippingRates, Error> {
    if !settings.countries.is_empty() && !settings.countries.contains(&country) {
        return Err(Error::UnsupportedCountry(country));
    }
    let rate = find_rate(settings, &country, currency).ok_or(Error::UnsupportedCurrency(currency))?;
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
