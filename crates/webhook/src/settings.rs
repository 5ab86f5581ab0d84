//! The settings of this service.

use schemars::JsonSchema;
use serde::Deserialize;

/// The section `[webhook]`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether endpoints may have private and loopback addresses. For tests and closed networks.
    pub allow_private_addresses: bool,
    /// The most endpoints of a seller, and of the shop.
    #[schemars(range(min = 1, max = 1_000))]
    pub endpoints_per_owner: usize,
    /// The most deliveries that wait for one endpoint. With more it is disabled.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pending_per_endpoint: usize,
    /// How many deliveries are posted at the same time; at most an eighth of them to one endpoint.
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrency: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { allow_private_addresses: false, endpoints_per_owner: 20, pending_per_endpoint: 10_000, concurrency: 32 }
    }
}
