//! The section `[inventory]` of the settings.

use contracts::{body::BoundedInt, inventory::MAX_QTY};
use schemars::JsonSchema;
use serde::Deserialize;

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
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            reservation_ttl_seconds: BoundedInt::new(DEFAULT_TTL_SECONDS).expect("the usual time is within its bounds"),
            low_stock_threshold: BoundedInt::new(DEFAULT_LOW_STOCK_THRESHOLD).expect("the usual threshold is within its bounds"),
        }
    }
}
