//! The settings of this service.

use contracts::returns::ReturnTime;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{num::NonZeroU16, time::Duration};

/// The section `[returns]`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many days after the delivery goods can be returned. So long the share of a seller in the sale is pending.
    #[schemars(range(min = 1, max = 3_650))]
    pub return_days: NonZeroU16,
    /// How many days after the approval the goods have to be sent.
    #[schemars(range(min = 1, max = 365))]
    pub return_shipping_days: NonZeroU16,
    /// After how many days a refunded return is closed.
    #[schemars(range(min = 1, max = 365))]
    pub closed_after_days: NonZeroU16,
}

impl Default for Settings {
    fn default() -> Settings {
        let days = |days| NonZeroU16::new(days).expect("a default is not zero");
        Settings { return_days: ReturnTime::default().return_days, return_shipping_days: days(14), closed_after_days: days(14) }
    }
}

fn days(days: NonZeroU16) -> Duration {
    Duration::from_secs(u64::from(days.get()) * 86_400)
}

impl Settings {
    #[must_use]
    pub fn window(&self) -> Duration {
        ReturnTime { return_days: self.return_days }.duration()
    }
    #[must_use]
    pub fn shipping_time(&self) -> Duration {
        days(self.return_shipping_days)
    }
    #[must_use]
    pub fn closed_after(&self) -> Duration {
        days(self.closed_after_days)
    }
}
