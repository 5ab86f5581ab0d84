//! The settings of this service.

use platform::backoff::Backoff;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[order]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Tax on goods and shipping in hundredths of a percent, on top of the prices, for every country. It counts only while the
    /// catalogue has no tax rates (`PUT /admin/tax-rates`), which take its place.
    #[schemars(range(min = 0, max = 10_000))]
    pub tax_basis_points: u32,
    /// How long an order in PAYMENT_FAILED can be paid again, in seconds.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub pay_again_seconds: u64,
    /// How long the cancellation of a confirmed order waits for shipping's decision, in seconds, unless the request says
    /// otherwise.
    #[schemars(range(min = 0, max = 25))]
    pub cancel_wait_seconds: u64,
    /// How long stock is reserved for an order, in seconds.
    #[schemars(range(min = 1, max = 604_800))]
    pub reservation_seconds: u32,
    /// How long payments, reservations and shipments of an order that is not known are left alone, in seconds. It is not known
    /// when the database was restored from an older copy; a newer one may follow.
    #[schemars(range(min = 0, max = 2_592_000))]
    pub orphan_grace_seconds: u64,
    /// The pause after the first failed attempt to advance an order, in milliseconds. It doubles each time.
    #[schemars(range(min = 1, max = 60_000))]
    pub first_pause_ms: u64,
    /// The longest pause between attempts, in seconds.
    #[schemars(range(min = 1, max = 3_600))]
    pub longest_pause_seconds: u64,
    /// How many orders are advanced at the same time. Each is a task of a few kilobytes that mostly waits for its calls. Orders
    /// whose provider hangs delay others only once they are this many.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            tax_basis_points: 0,
            pay_again_seconds: 24 * 3600,
            cancel_wait_seconds: 5,
            reservation_seconds: 15 * 60,
            orphan_grace_seconds: 15 * 60,
            first_pause_ms: 500,
            longest_pause_seconds: 60,
            concurrency: 1_024,
        }
    }
}

impl Settings {
    #[must_use]
    pub fn pay_again(&self) -> Duration {
        Duration::from_secs(self.pay_again_seconds)
    }
    #[must_use]
    pub fn cancel_wait(&self) -> Duration {
        Duration::from_secs(self.cancel_wait_seconds)
    }
    #[must_use]
    pub fn orphan_grace(&self) -> Duration {
        Duration::from_secs(self.orphan_grace_seconds)
    }
    /// The pauses between failed attempts.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_millis(self.first_pause_ms), Duration::from_secs(self.longest_pause_seconds))
    }
}
