//! The section `[payment]` of the settings.

use contracts::body::BoundedInt;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

type Millis = BoundedInt<0, 600_000>;
type Percent = BoundedInt<0, 100>;

/// How patient we are with the provider, and how the mock behaves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long an answer of the provider is waited for, in milliseconds. Later it counts as unknown.
    pub deadline_ms: BoundedInt<10, 600_000>,
    /// How long after that the provider is asked what became of it, in milliseconds. The pause doubles while it gives no answer.
    pub settle_after_ms: Millis,
    /// The longest pause between two such questions, in milliseconds.
    pub longest_pause_ms: Millis,
    /// Transactions of unknown outcome that the provider is asked about at the same time: while it is silent about fewer than
    /// this many, others do not notice.
    pub concurrency: BoundedInt<1, 10_000>,
    /// How long the mock takes for every operation, in milliseconds.
    pub latency_ms: Millis,
    /// How long the mock takes for an operation of `pm_slow`, in milliseconds.
    pub slow_ms: Millis,
    /// How many of a hundred questions the mock turns down with a transient error.
    pub transient_failure_percent: Percent,
    /// How many of a hundred operations the mock carries out without ever answering.
    pub lost_answer_percent: Percent,
    /// How many of a hundred authorizations the mock declines.
    pub decline_percent: Percent,
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
        }
    }
}

impl Settings {
    pub fn concurrency(&self) -> usize {
        usize::try_from(self.concurrency.get()).unwrap_or(1)
    }
}

/// A number of milliseconds as a span.
pub fn millis<const MIN: i64, const MAX: i64>(number: BoundedInt<MIN, MAX>) -> Duration {
    Duration::from_millis(u64::try_from(number.get()).unwrap_or(0))
}

/// A percentage as what [`platform::env::Env::random_below`] a hundred must stay under.
pub fn percent(number: Percent) -> u64 {
    u64::try_from(number.get()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_or_unknown_stops_the_start() {
        let settings = platform::settings::Settings::default();
        assert_eq!(settings.section::<Settings>("payment").expect("the defaults hold").deadline_ms.get(), 2_500);
        for (key, value) in [("decline_percent", 101), ("latency_ms", -1), ("deadline_ms", 0), ("deadline", 5)] {
            let refused = settings.clone().with("payment", key, value).section::<Settings>("payment").expect_err(key);
            assert_eq!(refused.section, "payment");
        }
    }
}
