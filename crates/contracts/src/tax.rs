//! Taxes on what is sold: the class of a product, the rates of a destination, and the one rule by which tax is computed.
//!
//! A rate belongs to a country, or to one of its states, and to a class. What is sold is taxed line by line: the amount of a line is
//! what is left of it after discounts, its tax is rounded half up, and the fee of each parcel is a line of its own. The tax of an
//! order, of a part of it and of a refund is the sum of the taxes of its lines, so all parts add up to the whole. `docs/taxes.md` has
//! worked examples, which are a test.

use crate::{
    body::{BoundedInt, BoundedVec},
    money::share,
    string_enum,
    text::{Country, RequiredShortText},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

string_enum! {
    /// Which of the rates of a destination counts for a product. A class for which a destination has no rate is not taxed there.
    TaxClass {
        /// Most goods.
        Standard = "STANDARD",
        /// Goods with a reduced rate.
        Reduced = "REDUCED",
        /// Goods with a second reduced rate, in countries that have two.
        SecondReduced = "SECOND_REDUCED",
        /// Goods with the lowest rate above zero, in countries that have one.
        SuperReduced = "SUPER_REDUCED",
        /// Goods that are never taxed.
        Zero = "ZERO",
        /// Shipping. Where a destination has no rate for it, shipping has the rate of STANDARD.
        Shipping = "SHIPPING",
    }
}

/// Goods are STANDARD unless somebody said otherwise.
impl Default for TaxClass {
    fn default() -> TaxClass {
        TaxClass::Standard
    }
}

/// A rate of tax as an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTaxRate {
    /// Where the parcel goes.
    pub country: Country,
    /// Only in this state, by its code or name. In that state it takes the place of the rate of the whole country.
    #[serde(default)]
    pub state: Option<RequiredShortText>,
    pub tax_class: TaxClass,
    /// In hundredths of a percent: 1900 is 19 %. That of ZERO is 0.
    pub basis_points: BoundedInt<0, 10_000>,
}

/// Replaces the whole table of tax rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplaceTaxRates {
    /// At most 2,000, each for another country, state and class. Without any nothing is taxed.
    pub items: BoundedVec<NewTaxRate, 0, 2_000>,
}

/// A rate of tax as answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxRate {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The code of the state, or its name where it has no code; null for the whole country.
    pub state: Option<String>,
    pub tax_class: TaxClass,
    /// In hundredths of a percent.
    pub basis_points: u32,
}

/// The table of tax rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxRates {
    /// By country, state and class.
    pub items: Vec<TaxRate>,
    /// Whether the prices of products and the shipping fees contain the tax. Set by the configuration.
    pub prices_include_tax: bool,
}

/// Where goods are shipped to, which decides their rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaxDestination {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// A state by its code or name, as addresses have it; may be empty.
    #[serde(default)]
    pub state: String,
}

/// The rate of a class at one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassRate {
    pub tax_class: TaxClass,
    /// In hundredths of a percent.
    pub basis_points: u32,
}

/// How a sale to one destination is taxed. The default is that nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Taxation {
    /// Whether prices and fees contain the tax. Otherwise it is added.
    pub prices_include_tax: bool,
    /// Whether the shop has any rate, for whatever destination.
    pub has_rates: bool,
    /// The rates of the destination, one for each class that it taxes.
    pub rates: Vec<ClassRate>,
}

impl Taxation {
    /// The same rate for everything, added to the prices.
    #[must_use]
    pub fn flat(basis_points: u32) -> Taxation {
        let rates = TaxClass::ALL.iter().map(|class| ClassRate { tax_class: *class, basis_points });
        Taxation { prices_include_tax: false, has_rates: true, rates: rates.collect() }
    }

    /// Returns the rate of goods of a class in basis points; 0 where there is none.
    #[must_use]
    pub fn rate(&self, class: TaxClass) -> u32 {
        self.find(class).unwrap_or(0)
    }

    /// Returns the rate of shipping in basis points: that of SHIPPING, else that of STANDARD, else 0.
    #[must_use]
    pub fn shipping_rate(&self) -> u32 {
        self.find(TaxClass::Shipping).unwrap_or_else(|| self.rate(TaxClass::Standard))
    }

    fn find(&self, class: TaxClass) -> Option<u32> {
        self.rates.iter().find(|rate| rate.tax_class == class).map(|rate| rate.basis_points)
    }
}

/// Returns the tax on an amount in minor units, rounded half up to the minor unit: `basis_points` of it, or with `is_included` the part
/// of it that makes the rest taxed with `basis_points`.
///
/// With an amount from 0 and a rate from 0 to 10,000 the tax lies between 0 and the amount.
#[must_use]
pub fn tax_amount(amount: i64, basis_points: u32, is_included: bool) -> i64 {
    let points = i64::from(basis_points);
    share(amount, points, if is_included { 10_000 + points } else { 10_000 })
}

/// A line or a shipping fee with its tax, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxedAmount {
    /// After discounts; with the tax in it where prices include it.
    pub amount: i64,
    pub basis_points: u32,
    pub tax_amount: i64,
}

impl TaxedAmount {
    /// Taxes an amount by [`tax_amount`].
    #[must_use]
    pub fn of(amount: i64, basis_points: u32, is_included: bool) -> TaxedAmount {
        TaxedAmount { amount, basis_points, tax_amount: tax_amount(amount, basis_points, is_included) }
    }
}

/// What was taxed at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaxTotal {
    /// The rate in hundredths of a percent; 0 for what is not taxed.
    pub basis_points: u32,
    /// The goods and shipping fees at this rate after discounts and without the tax, in minor units.
    pub net_amount: i64,
    /// The tax on them, in minor units.
    pub tax_amount: i64,
}

/// Adds up what was taxed at each rate, the highest rate first. All net and tax amounts together are the total of the lines.
#[must_use]
pub fn tax_totals(lines: impl IntoIterator<Item = TaxedAmount>, is_included: bool) -> Vec<TaxTotal> {
    let mut totals: BTreeMap<u32, TaxTotal> = BTreeMap::new();
    for TaxedAmount { amount, basis_points, tax_amount } in lines {
        let total = totals.entry(basis_points).or_insert(TaxTotal { basis_points, net_amount: 0, tax_amount: 0 });
        total.net_amount += if is_included { amount - tax_amount } else { amount };
        total.tax_amount += tax_amount;
    }
    totals.into_values().rev().collect()
}

#[cfg(test)]
mod tests;
