//! The service through its entry_points, and its rules against a small world of upstreams.

mod cancellation;
mod consistency_check;
mod entry_points;
mod fault_injection;
mod model;
mod properties;
mod scheduling;
mod stored_json;
mod upstreams;
