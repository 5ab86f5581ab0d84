//! Events that a service failed to consume. Every service answers the same two operations about its own.

use crate::{event::Envelope, string_enum, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

string_enum! {
    /// What happens next to an event that could not be consumed.
    FailedEventStatus {
        /// It is retried automatically.
        Retrying = "RETRYING",
        /// An earlier event of its aggregate has to be consumed first.
        Blocked = "BLOCKED" | "WAITING",
        /// Its retries are used up. An administrator may replay it.
        Parked = "PARKED",
    }
}

/// An event that could not be consumed, as administrators see it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedEvent {
    /// The service that could not consume it.
    pub service: String,
    pub status: FailedEventStatus,
    /// The number of attempts.
    pub attempts: u32,
    /// The error of the last attempt.
    pub error: String,
    /// When the first attempt failed.
    pub parked_at: Timestamp,
    /// When it is tried next.
    pub next_attempt_at: Timestamp,
    pub event: Envelope,
}

/// Which failed events a list shows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailedEventFilter {
    /// Only events in this status.
    #[serde(default)]
    pub status: Option<FailedEventStatus>,
}
