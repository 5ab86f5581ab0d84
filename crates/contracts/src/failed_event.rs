//! Events that a service failed to consume. Every service answers the same two operations about its own.

use crate::{call::Call, event::Envelope, page::Page, string_enum, time::Timestamp};
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

/// Lists the events that a service could not consume yet, the oldest first. Its query is a [`FailedEventFilter`].
#[must_use]
pub const fn list_failed_events(service: &'static str) -> Call<(), Page<FailedEvent>> {
    Call::get(service, "/admin/parked-events/{service}")
}

/// Retries an event at once.
#[must_use]
pub const fn replay_failed_event(service: &'static str) -> Call<(), ()> {
    Call::post_unkeyed(service, "/admin/parked-events/{service}/{eventId}/replay")
}
