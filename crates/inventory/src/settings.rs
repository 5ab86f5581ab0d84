//! The section `[inventory]` of the settings.

use contracts::{body::BoundedInt, inventory::MAX_QTY};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The default time to live of a reservation.
const DEFAULT_TTL_SECONDS: i64 = 900;
/// The default threshold of low stock.
pub(crate) const DEFAULT_LOW_STOCK_THRESHOLD: i64 = 5;

/// The settings of this service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long units are reserved when a reservation does not say, in seconds.
    pub reservation_ttl_seconds: BoundedInt<1, 604_800>,
    /// At or below how many available units a new stock item counts as low. An item keeps the threshold that it was
    /// created with or given.
    pub low_stock_threshold: BoundedInt<0, MAX_QTY>,
    /// How many days an alert of a customer waits for a product to be on sale again.
    pub stock_alert_days: BoundedInt<1, 3_650>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            reservation_ttl_seconds: BoundedInt::new(DEFAULT_TTL_SECONDS).expect("the usual time is within its bounds"),
            low_stock_threshold: BoundedInt::new(DEFAULT_LOW_STOCK_THRESHOLD).expect("the usual threshold is within its bounds"),
            stock_alert_days: BoundedInt::new(180).expect("180 is within its bounds"),
        }
    }
}

impl Settings {
    #[must_use]
    pub fn stock_alert_kept(&self) -> Duration {
        Duration::from_secs(self.stock_alert_days.get().unsigned_abs() * 86_400)
    }
}
