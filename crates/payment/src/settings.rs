//! The section `[payment]` of the settings.

use contracts::body::BoundedInt;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

type Millis = BoundedInt<0, 600_000>;
type Percent = BoundedInt<0, 100>;

/// The time limits for the provider, and the behaviour of the mock.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a request waits for the provider, in milliseconds. After that the outcome is unknown.
    pub deadline_ms: BoundedInt<10, 600_000>,
    /// How long after that the provider is called again, in milliseconds. The pause doubles with each failed attempt.
    pub settle_after_ms: Millis,
    /// The longest such pause, in milliseconds.
    pub longest_pause_ms: Millis,
    /// How many transactions are settled at the same time. As long as fewer than this wait for an answer, the others are not
    /// delayed.
    pub concurrency: BoundedInt<1, 10_000>,
    /// How long the mock takes for every operation, in milliseconds.
    pub latency_ms: Millis,
    /// How long the mock takes for an operation of `pm_slow`, in milliseconds.
    pub slow_ms: Millis,
    /// How many of a hundred requests fail at the mock with a transient error.
    pub transient_failure_percent: Percent,
    /// How many of a hundred requests the mock carries out without an answer.
    pub lost_answer_percent: Percent,
    /// How many of a hundred authorizations the mock declines.
    pub decline_percent: Percent,
    /// Whether administrators switch faults of the mock on and off while it runs, for demonstrations.
    pub switchable_faults: bool,
}

fn bounded<const MIN: i64, const MAX: i64>(number: i64) -> BoundedInt<MIN, MAX> {
    BoundedInt::new(number).expect("a default is within its bounds")
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            deadline_ms: bounded(2_500),
            settle_after_ms: bounded(1_000),
            longest_pause_ms: bounded(60_000),
            concurrency: bounded(256),
            latency_ms: bounded(0),
            slow_ms: bounded(2_000),
            transient_failure_percent: bounded(0),
            lost_answer_percent: bounded(0),
            decline_percent: bounded(0),
            switchable_faults: false,
        }
    }
}

impl Settings {
    pub fn concurrency(&self) -> usize {
        usize::try_from(self.concurrency.get()).unwrap_or(1)
    }
}

/// Returns a number of milliseconds as a duration.
pub fn millis<const MIN: i64, const MAX: i64>(number: BoundedInt<MIN, MAX>) -> Duration {
    Duration::from_millis(u64::try_from(number.get()).unwrap_or(0))
}

/// Returns a percentage as the bound for [`platform::env::Env::random_below`] a hundred.
pub fn percent(number: Percent) -> u64 {
    u64::try_from(number.get()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_or_one_out_of_bounds_stops_the_start() {
        let settings = platform::settings::Settings::default();
        assert_eq!(settings.section::<Settings>("payment").expect("the defaults hold").deadline_ms.get(), 2_500);
        for (key, value) in [("decline_percent", 101), ("latency_ms", -1), ("deadline_ms", 0), ("deadline", 5)] {
            let refused = settings.clone().with("payment", key, value).section::<Settings>("payment").expect_err(key);
            assert_eq!(refused.section, "payment");
        }
    }
}
