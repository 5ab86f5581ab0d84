//! The section `[payout]` of the settings.

use contracts::{body::BoundedInt, money::Currency, returns::ReturnTime};
use platform::backoff::Backoff;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Commission, the time until a sale is available, and payouts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The shop's currency: balances are shown in it first.
    pub currency: Currency,
    /// The default commission in hundredths of a percent, while administrators have set none.
    pub commission_basis_points: BoundedInt<0, 10_000>,
    /// How many days after its delivery a sale becomes available to its seller. Null is `return_days` of `[returns]`. With fewer days
    /// sellers are paid for goods that may still be returned, and such a return makes their balance smaller.
    pub return_window_days: Option<BoundedInt<0, 365>>,
    /// The smallest available balance that is paid out, in minor units of its currency.
    pub minimum_amount: BoundedInt<1, 1_000_000_000>,
    /// The hours between two runs of payouts.
    pub interval_hours: BoundedInt<1, 8_760>,
    /// How long a request waits for the provider, in milliseconds. After that the outcome is unknown.
    pub deadline_ms: BoundedInt<10, 600_000>,
    /// How long after that the provider is asked again, in milliseconds. The pause doubles with each failed attempt.
    pub settle_after_ms: BoundedInt<1, 600_000>,
    /// The longest such pause, in milliseconds.
    pub longest_pause_ms: BoundedInt<1, 3_600_000>,
    /// How many payouts are settled at the same time.
    pub concurrency: BoundedInt<1, 10_000>,
}

fn bounded<const MIN: i64, const MAX: i64>(number: i64) -> BoundedInt<MIN, MAX> {
    BoundedInt::new(number).expect("a default is within its bounds")
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            currency: Currency::EUR,
            commission_basis_points: bounded(1_000),
            return_window_days: None,
            minimum_amount: bounded(1_000),
            interval_hours: bounded(24),
            deadline_ms: bounded(2_500),
            settle_after_ms: bounded(1_000),
            longest_pause_ms: bounded(60_000),
            concurrency: bounded(16),
        }
    }
}

fn number<const MIN: i64, const MAX: i64>(number: BoundedInt<MIN, MAX>) -> u64 {
    u64::try_from(number.get()).unwrap_or(0)
}

impl Settings {
    /// How long a sale stays pending after its delivery, where goods can be returned for `return_time`.
    pub fn return_window(&self, return_time: ReturnTime) -> Duration {
        self.return_window_days.map_or(return_time.duration(), |days| Duration::from_secs(number(days) * 24 * 3_600))
    }

    pub fn interval(&self) -> Duration {
        Duration::from_secs(number(self.interval_hours) * 3_600)
    }

    pub fn deadline(&self) -> Duration {
        Duration::from_millis(number(self.deadline_ms))
    }

    /// The pauses between requests about one payout, before jitter.
    pub fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_millis(number(self.settle_after_ms)), Duration::from_millis(number(self.longest_pause_ms)))
    }

    pub fn concurrency(&self) -> usize {
        usize::try_from(self.concurrency.get()).unwrap_or(1)
    }
}
