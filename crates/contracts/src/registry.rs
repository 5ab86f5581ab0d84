//! Lookups in the list of services, and the documents made from it.
//!
//! `docs/contracts.md`, `souk events` and `souk problems` are generated here, so they cannot differ from the code.

use crate::{
    SERVICE_NAMES, SERVICES,
    call::CallSpec,
    event::{Envelope, EventSpec},
    machine::MachineSpec,
    problem::Code,
};
use serde_json::{Value, json};

mod operations;
mod render;

pub use operations::{OperationDoc, Sample, operation_doc, operation_docs};
pub use render::contracts_markdown;

/// Every state machine with the name of its service.
pub fn machines() -> impl Iterator<Item = (&'static str, &'static MachineSpec)> {
    SERVICES.iter().flat_map(|service| service.machines.iter().map(|machine| (service.name, machine)))
}

/// Every type of event, by producer.
pub fn events() -> impl Iterator<Item = &'static EventSpec> {
    SERVICES.iter().flat_map(|service| service.events)
}

/// Every public operation and internal call, by the service that answers it.
pub fn calls() -> impl Iterator<Item = &'static CallSpec> {
    SERVICES.iter().flat_map(|service| service.calls)
}

/// Whether `producer` lists the type of event that it publishes.
#[must_use]
pub fn is_listed_event(producer: &str, event_type: &str) -> bool {
    events().any(|event| event.producer == producer && event.event_type == event_type)
}

/// Below this path the next segment names the service.
const FAILED_EVENTS: &str = "/admin/parked-events/";

/// Returns the service that answers this public path, written without `/api/v1`; `None` when no service does.
///
/// The most specific pattern counts: from the left, text is more specific than a parameter, and more segments are more
/// specific than fewer.
#[must_use]
pub fn service_of_path(path: &str) -> Option<&'static str> {
    if let Some(rest) = path.strip_prefix(FAILED_EVENTS) {
        let name = rest.split('/').next()?;
        return SERVICE_NAMES.into_iter().find(|service| *service == name);
    }
    let patterns = SERVICES.iter().flat_map(|service| service.paths.iter().map(|pattern| (service.name, pattern)));
    let fitting = patterns.filter_map(|(service, pattern)| Some((specificity(pattern, path)?, service)));
    fitting.max_by_key(|(specificity, _)| *specificity).map(|(_, service)| service)
}

/// Compares the patterns that fit one path: two bits for each segment, the first segment in the highest bits. `None` when
/// the path does not begin with the pattern.
fn specificity(pattern: &str, path: &str) -> Option<u32> {
    let mut segments = path.split('/');
    let mut specificity = 0;
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        let weight = match wanted {
            text if text == segment => 2,
            parameter if parameter.starts_with('{') => 1,
            _ => return None,
        };
        specificity = specificity << 2 | weight;
    }
    // Segments that the pattern lacks weigh nothing.
    let lacking = MAX_SEGMENTS.checked_sub(pattern.split('/').count())?;
    Some(specificity << (2 * lacking))
}

/// How many segments a pattern may have, the empty one before the first slash included.
const MAX_SEGMENTS: usize = 16;

/// All events with their JSON Schemas (draft 2020-12), as `souk events` prints them.
#[must_use]
pub fn events_json() -> Value {
    let events: Vec<Value> = events()
        .map(|event| {
            json!({
                "eventType": event.event_type,
                "aggregateType": event.aggregate,
                "producer": event.producer,
                "schemaVersion": event.version,
                "description": sentence(event.description),
                "schema": (event.schema)(),
            })
        })
        .collect();
    json!({"envelope": schemars::schema_for!(Envelope), "events": events})
}

/// All problem codes, as `souk problems` prints them.
#[must_use]
pub fn problems_json() -> Value {
    let problems: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "code": code.as_str(),
                "type": format!("/problems/{}", code.slug()),
                "status": code.status(),
                "title": code.title(),
                "help": code.help(),
                "retryable": code.retryable(),
            })
        })
        .collect();
    json!({"problems": problems})
}

/// Joins the lines of a doc comment.
fn sentence(description: &str) -> String {
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Converts a name of words with underscores to camel case.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |spelled, word| spelled + &word[..1].to_ascii_uppercase() + &word[1..])
}

#[cfg(test)]
mod tests;
