//! The settings of this service.

use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[seller]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long payouts of a seller are held after the payout account was changed, in hours.
    #[schemars(range(min = 0, max = 8_784))]
    pub payout_hold_hours: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { payout_hold_hours: 72 }
    }
}

impl Settings {
    #[must_use]
    pub fn payout_hold(&self) -> Duration {
        Duration::from_secs(self.payout_hold_hours * 3_600)
    }
}
