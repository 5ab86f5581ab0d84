//! The settings of this service.

use schemars::JsonSchema;
use serde::Deserialize;

/// The section `[review]`.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether a review is published as soon as it is written. Otherwise an administrator publishes each one.
    pub publish_at_once: bool,
}
