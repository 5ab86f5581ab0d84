//! The service through its entry points, and its rules against a model of the other services.

mod cancellation;
mod consistency_check;
mod domain_rules;
mod entry_points;
mod fault_injection;
mod model;
mod properties;
mod scheduling;
mod stored_json;
mod upstreams;
