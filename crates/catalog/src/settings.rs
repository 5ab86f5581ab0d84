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
    /// The most pixels of an uploaded picture. Reading one takes up to 8 bytes for each.
    #[schemars(range(min = 10_000, max = 200_000_000))]
    pub picture_pixels: u64,
    /// How many pictures are read at the same time, each by a thread that keeps a processor busy.
    #[schemars(range(min = 1, max = 64))]
    pub pictures_at_once: usize,
    /// How many uploaded pictures wait for their turn, each with up to 10 MB. More are refused for a moment.
    #[schemars(range(min = 1, max = 1_000))]
    pub pictures_waiting: usize,
    /// The most pictures that a seller, or the shop itself, keeps.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub pictures_per_seller: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            stock_wait_ms: 500,
            prices_include_tax: true,
            picture_pixels: 30_000_000,
            pictures_at_once: 1,
            pictures_waiting: 8,
            pictures_per_seller: 100_000,
        }
    }
}

impl Settings {
    #[must_use]
    pub fn stock_wait(&self) -> Duration {
        Duration::from_millis(self.stock_wait_ms)
    }
}
