//! Money: an integer count of minor units and its currency. Amounts are never floating-point numbers.

use crate::violation::{Violation, deserialize_str};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

mod share;

pub use share::{share, share_of_units, split};

/// The largest accepted amount: 10^13 minor units. The sum of a thousand such amounts fits an `i64`.
pub const MAX_AMOUNT: i64 = 10_000_000_000_000;

/// The ISO 4217 codes of currencies in circulation, in alphabetical order.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF \
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR \
    IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK \
    MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD \
    SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// An ISO 4217 code: three upper-case letters that name a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Why an amount cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("amounts of {0} and {1} cannot be added")]
    CurrencyMismatch(Currency, Currency),
    #[error("the amount is too large")]
    Overflow,
}

impl Currency {
    pub const EUR: Currency = Currency(*b"EUR");
    pub const USD: Currency = Currency(*b"USD");

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is three ASCII letters")
    }

    /// Returns the number of decimal digits of the minor unit: 2 for most currencies, 0 for JPY, 3 for KWD (ISO 4217).
    #[must_use]
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"VND" | b"VUV" | b"XAF"
            | b"XOF" | b"XPF" => 0,
            b"KWD" | b"BHD" | b"OMR" | b"JOD" | b"TND" | b"IQD" | b"LYD" => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Currency {
    type Err = Violation;
    fn from_str(text: &str) -> Result<Self, Violation> {
        match text.as_bytes() {
            [a, b, c] if CODES.split(' ').any(|code| code == text) => Ok(Currency([*a, *b, *c])),
            _ => Err(Violation::new("NOT_A_CURRENCY", "must be an ISO 4217 code of three upper-case letters such as EUR")),
        }
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_str(deserializer, "a string", str::parse)
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": crate::text::one_of(CODES), "description": "ISO 4217 code"})
    }
}

/// An amount in minor units of one currency. Arithmetic is checked: a mix of currencies and an overflow are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    #[must_use]
    pub const fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`] past [`MAX_AMOUNT`].
    pub fn plus(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Money::bounded(self.minor.checked_add(other.minor), self.currency)
    }

    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn minus(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Money::bounded(self.minor.checked_sub(other.minor), self.currency)
    }

    /// # Errors
    /// [`MoneyError::Overflow`] past [`MAX_AMOUNT`].
    pub fn times(self, quantity: u32) -> Result<Money, MoneyError> {
        Money::bounded(self.minor.checked_mul(i64::from(quantity)), self.currency)
    }

    /// Returns this many basis points (hundredths of a percent) of the amount, rounded half up as [`share`] is.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] past [`MAX_AMOUNT`].
    pub fn basis_points(self, points: u32) -> Result<Money, MoneyError> {
        let exact = share::round_half_up(i128::from(self.minor) * i128::from(points), 10_000);
        Money::bounded(i64::try_from(exact).ok(), self.currency)
    }

    /// # Errors
    /// As [`Money::plus`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        amounts.into_iter().try_fold(Money::zero(currency), Money::plus)
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::CurrencyMismatch(self.currency, other.currency)) }
    }

    fn bounded(minor: Option<i64>, currency: Currency) -> Result<Money, MoneyError> {
        match minor {
            Some(minor) if minor.abs() <= MAX_AMOUNT => Ok(Money { minor, currency }),
            _ => Err(MoneyError::Overflow),
        }
    }
}

/// Writes the amount for people, such as `12.50 EUR`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.decimals() as usize;
        let unit = 10_u64.pow(self.currency.decimals());
        let (sign, minor) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        if digits == 0 {
            write!(f, "{sign}{minor} {}", self.currency)
        } else {
            write!(f, "{sign}{}.{:0digits$} {}", minor / unit, minor % unit, self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount() -> impl Strategy<Value = Money> {
        (-MAX_AMOUNT..=MAX_AMOUNT).prop_map(|minor| Money::new(minor, Currency::EUR))
    }

    #[test]
    fn only_codes_of_the_standard_are_currencies() {
        for known in ["EUR", "JPY", "AED", "ZWG"] {
            assert_eq!(known.parse::<Currency>().unwrap().as_str(), known);
        }
        for unknown in ["", "eur", "XXZ", "EU", "EURO", "R U", "UR ", "E\u{20ac}"] {
            assert_eq!(unknown.parse::<Currency>().unwrap_err().code, "NOT_A_CURRENCY", "{unknown}");
        }
        assert!(CODES.split(' ').is_sorted());
    }

    proptest! {
        #[test]
        fn a_sum_is_exact_or_refused(a in amount(), b in amount()) {
            let exact = i128::from(a.minor) + i128::from(b.minor);
            match a.plus(b) {
                Ok(sum) => prop_assert_eq!(i128::from(sum.minor), exact),
                Err(_) => prop_assert!(exact.abs() > i128::from(MAX_AMOUNT)),
            }
        }

        #[test]
        fn what_was_added_can_be_taken_away(a in amount(), b in amount()) {
            if let Ok(sum) = a.plus(b) {
                prop_assert_eq!(sum.minus(b).unwrap(), a);
            }
        }

        #[test]
        fn a_product_is_exact_or_refused(a in amount(), quantity in 0_u32..=999) {
            let exact = i128::from(a.minor) * i128::from(quantity);
            match a.times(quantity) {
                Ok(product) => prop_assert_eq!(i128::from(product.minor), exact),
                Err(_) => prop_assert!(exact.abs() > i128::from(MAX_AMOUNT)),
            }
        }

        #[test]
        fn a_percentage_is_within_half_a_unit(a in amount(), points in 0_u32..=10_000) {
            let part = a.basis_points(points).unwrap();
            let error = i128::from(part.minor) * 10_000 - i128::from(a.minor) * i128::from(points);
            prop_assert!(error.abs() <= 5_000);
        }
    }

    #[test]
    fn an_amount_past_the_bound_is_refused() {
        let (most, one) = (Money::new(MAX_AMOUNT, Currency::EUR), Money::new(1, Currency::EUR));
        assert_eq!(most.minus(one).unwrap().plus(one), Ok(most));
        assert_eq!([most.plus(one), most.times(2), most.basis_points(10_001)], [Err(MoneyError::Overflow); 3]);
    }

    #[test]
    fn currencies_do_not_mix() {
        let refused = Money::new(1, Currency::EUR).plus(Money::new(1, Currency::USD));
        assert_eq!(refused, Err(MoneyError::CurrencyMismatch(Currency::EUR, Currency::USD)));
    }

    #[test]
    fn people_read_the_minor_unit_of_the_currency() {
        assert_eq!(Money::new(-1205, Currency::EUR).to_string(), "-12.05 EUR");
        assert_eq!(Money::new(500, "JPY".parse().unwrap()).to_string(), "500 JPY");
        assert_eq!(Money::new(1, "KWD".parse().unwrap()).to_string(), "0.001 KWD");
    }
}
