//! The settings of this service.

use contracts::money::Currency;
use schemars::JsonSchema;
use serde::Deserialize;

/// The section `[promotion]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The currency of a least subtotal that is given without one.
    pub currency: Currency,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { currency: Currency::EUR }
    }
}
