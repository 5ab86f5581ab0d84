//! The installation as administrators see it at a gateway.

use crate::{call::Call, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The gateway that answers, the requests that it answered, and the services behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemStatus {
    /// The version of the program.
    pub version: String,
    /// When the process of the gateway began to serve.
    pub serving_since: Timestamp,
    pub requests: RequestFigures,
    /// The last 24 hours in spans of five minutes, the oldest first. Those without requests are left out.
    #[serde(default)]
    pub last_day: Vec<RequestSpan>,
    /// In the order of the documents.
    pub services: Vec<ServiceStatus>,
}

/// Requests to the API that one gateway answered within the last hour, those of pages included. Times are in microseconds, at most an
/// eighth too high, and null without requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestFigures {
    pub requests: u64,
    /// Those that were answered with 500 and above.
    pub failed: u64,
    /// Half of the requests were answered within this time.
    pub median_micros: Option<u64>,
    pub p95_micros: Option<u64>,
    pub p99_micros: Option<u64>,
}

/// Requests to the API that one gateway answered within five minutes. Times are in microseconds, at most an eighth too high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestSpan {
    /// When the five minutes began.
    pub from: Timestamp,
    pub requests: u64,
    /// Half of the requests were answered within this time.
    pub median_micros: u64,
    pub p99_micros: u64,
}

/// A service as a gateway sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    pub service: String,
    /// Whether it answered just now.
    pub answers: bool,
    /// How many processes of it the gateway knows: its addresses, or 1 when it runs in the process of the gateway.
    pub replicas: u32,
    /// How many of them were ready when they were last asked.
    pub ready_replicas: u32,
    /// The events that it could not consume yet, as far as it answered.
    pub failed_events: FailedEventCounts,
}

/// How many events a service could not consume yet. At most the oldest 100 are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedEventCounts {
    /// They are retried automatically, or wait for an earlier one.
    pub retrying: u32,
    /// An administrator may replay them.
    pub parked: u32,
    /// Whether there are more.
    pub has_more: bool,
}

/// Reads the state of the installation. The gateway itself answers it, to an access token; it takes no API key.
pub const GET_SYSTEM: Call<(), SystemStatus> = Call::get("gateway", "/admin/system");
