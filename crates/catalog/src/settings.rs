//! The settings of this service.

use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// The section `[catalog]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long an answer about a product group waits for inventory, in milliseconds. Afterwards availability is null.
    #[schemars(range(min = 0, max = 10_000))]
    pub stock_wait_ms: u64,
    /// Whether the prices of products and the shipping fees contain the tax. Otherwise it is added to them. Orders keep what was set
    /// when they were placed.
    pub prices_include_tax: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { stock_wait_ms: 500, prices_include_tax: true }
    }
}

impl Settings {
    #[must_use]
    pub fn stock_wait(&self) -> Duration {
        Duration::from_millis(self.stock_wait_ms)
    }
}
