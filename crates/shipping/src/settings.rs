//! The settings of shipping.

use crate::carrier::Mode;
use contracts::{
    money::Currency,
    text::{Amount, Country},
};
use platform::backoff::Backoff;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The section `[shipping]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The price of shipping to countries without a rate of their own, in minor units of `currency`.
    pub flat_rate_amount: Amount<0>,
    /// The subtotal from which shipping is free, for countries without a rate of their own; never free when absent.
    pub free_from_amount: Option<Amount<0>>,
    /// The currency of these two, an ISO 4217 code.
    pub currency: Currency,
    /// The same in other currencies: `[shipping.currencies.USD]`.
    pub currencies: BTreeMap<Currency, CurrencyRate>,
    /// Whether further currencies have a built-in rate, such as 5.90 USD, 800 JPY and 1.500 KWD. Orders in a currency without a
    /// rate are refused.
    pub builtin_rates: bool,
    /// Rates of single countries: `[shipping.rates.CH]`. They count before the others for orders in their currency.
    pub rates: BTreeMap<Country, Rate>,
    /// The only countries that are shipped to; every country when empty.
    pub countries: BTreeSet<Country>,

    /// The behaviour of the mock carrier, unless an address chooses another.
    pub carrier_mode: Mode,
    /// Whether administrators switch faults of the mock carrier on and off and move parcels while it runs, for demonstrations.
    pub switchable_faults: bool,
    /// How long the mock carrier takes when it is slow, in milliseconds.
    #[schemars(range(min = 0, max = 600_000))]
    pub carrier_slow_ms: u64,
    /// How long a request waits for the carrier, in milliseconds.
    #[schemars(range(min = 1, max = 600_000))]
    pub carrier_timeout_ms: u64,
    /// How many orders have a request to the carrier at the same time. As long as fewer than this wait for an answer, the others
    /// are not delayed.
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: usize,
    /// The pause after the first attempt that failed, in milliseconds; it doubles each time.
    #[schemars(range(min = 1, max = 600_000))]
    pub first_pause_ms: u64,
    /// The longest such pause, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    pub longest_pause_seconds: u64,

    /// Whether parcels move by themselves, for demonstrations.
    pub simulate: bool,
    /// How long a simulated parcel stays in each status, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    pub simulate_step_seconds: u64,
}

/// The price of shipping to one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In minor units of `currency`.
    pub flat_rate_amount: Amount<0>,
    /// From which subtotal on it is free; never when absent.
    #[serde(default)]
    pub free_from_amount: Option<Amount<0>>,
    /// The currency of this rate; EUR when absent.
    #[serde(default = "euro")]
    pub currency: Currency,
}

fn euro() -> Currency {
    Currency::EUR
}

/// The price of shipping in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurrencyRate {
    /// In minor units of the currency.
    pub flat_rate_amount: Amount<0>,
    /// From which subtotal on it is free; never when absent.
    #[serde(default)]
    pub free_from_amount: Option<Amount<0>>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            flat_rate_amount: Amount::new(490).expect("a small amount is an amount"),
            free_from_amount: None,
            currency: Currency::EUR,
            currencies: BTreeMap::new(),
            builtin_rates: true,
            rates: BTreeMap::new(),
            countries: BTreeSet::new(),
            carrier_mode: Mode::Ok,
            switchable_faults: false,
            carrier_slow_ms: 2_000,
            carrier_timeout_ms: 5_000,
            concurrency: 64,
            first_pause_ms: 1_000,
            longest_pause_seconds: 300,
            simulate: false,
            simulate_step_seconds: 15,
        }
    }
}

impl Settings {
    #[must_use]
    pub fn slow(&self) -> Duration {
        Duration::from_millis(self.carrier_slow_ms)
    }
    #[must_use]
    pub fn carrier_timeout(&self) -> Duration {
        Duration::from_millis(self.carrier_timeout_ms)
    }
    /// The pauses after attempts that failed.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_millis(self.first_pause_ms), Duration::from_secs(self.longest_pause_seconds))
    }
    #[must_use]
    pub fn simulate_step(&self) -> Duration {
        Duration::from_secs(self.simulate_step_seconds)
    }
}
