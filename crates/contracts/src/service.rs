//! What a service offers to the others, in one constant.

use crate::{call::CallSpec, event::EventSpec, machine::MachineSpec};

/// The most bytes of a file that is read while it arrives.
pub const MAX_UPLOAD_BYTES: u64 = 64 * 1024 * 1024;

/// Whether the body of a request is read while it arrives, by the handler alone. `path` is without the prefix of the API.
#[must_use]
pub fn is_streamed_upload(method: &str, path: &str) -> bool {
    method == "POST" && path == "/imports"
}

/// The contract of one service.
pub struct ServiceSpec {
    /// Names the service everywhere: crate, database, subject of events, log target, label of metrics, `--only`.
    pub name: &'static str,
    /// What the service does, in one line.
    pub description: &'static str,
    /// The state machines that this service alone advances.
    pub machines: &'static [MachineSpec],
    /// The events that it publishes.
    pub events: &'static [EventSpec],
    /// The public operations and internal calls that it answers.
    pub calls: &'static [CallSpec],
    /// The public paths that it answers, each with everything below it. A segment in braces stands for any text.
    /// Paths are below `/api/v1`, those below `/.well-known` at the root.
    pub paths: &'static [&'static str],
}
