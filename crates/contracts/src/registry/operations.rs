//! What the API description says about an operation beyond the signature of its handler: its name, its meaning, the error
//! codes of its service, and examples.
//!
//! The name is that of the constant of [`calls!`](crate::calls) in camel case, and the meaning is its comment. Codes and
//! examples stand in `samples/operations/SERVICE.json` under that name.

use super::{calls, camel, sentence};
use crate::problem::Code;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// What is written about one operation.
#[derive(Debug, Clone, Default)]
pub struct OperationDoc {
    /// The name that generated clients give to the operation, such as `placeOrder`. It is stable.
    pub id: String,
    pub description: String,
    pub sample: Sample,
}

/// The part of an [`OperationDoc`] that is written as JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sample {
    /// The codes that the service answers with beside those that follow from the signature.
    #[serde(default)]
    pub errors: Vec<Code>,
    /// Examples of path and query parameters and of headers, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// An example of the body.
    #[serde(default)]
    pub request: Option<Value>,
    /// An example of each answer with a body, by status.
    #[serde(default)]
    pub answers: BTreeMap<u16, Value>,
}

/// The operations that every service has, which no service declares.
const IN_EVERY_SERVICE: [(&str, &str, &str, &str); 2] = [
    (
        "GET",
        "/admin/parked-events/{service}",
        "listFailedEvents",
        "Lists the events that a service could not consume yet, the oldest first.",
    ),
    (
        "POST",
        "/admin/parked-events/{service}/{eventId}/replay",
        "replayFailedEvent",
        "Lets a service try an event again at once, whatever the time of its next attempt.",
    ),
];

/// The operation that the gateway itself answers.
const OF_GATEWAY: (&str, &str, &str, &str) = (
    "GET",
    "/admin/system",
    "getSystem",
    "Reads the gateway that answers, how long its requests of the last hour took, and the services behind it.",
);

macro_rules! samples {
    ($($service:literal)*) => {
        [$(($service, include_str!(concat!("../../samples/operations/", $service, ".json")))),*]
    };
}

/// The samples of each service, as they are written.
const SAMPLES: &[(&str, &str)] = &samples![
    "auth" "user" "seller" "catalog" "search" "cart" "promotion" "order" "payment" "payout" "inventory" "shipping" "returns" "review" "notification" "audit" "webhook" "parked-events" "system"
];

static DOCS: LazyLock<HashMap<(&'static str, &'static str), OperationDoc>> = LazyLock::new(|| {
    let mut samples: HashMap<String, Sample> = HashMap::new();
    for (service, text) in SAMPLES {
        let read: HashMap<String, Sample> =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("crates/contracts/samples/operations/{service}.json: {error}"));
        samples.extend(read);
    }
    let declared = calls().map(|call| {
        let path = call.path.split('?').next().unwrap_or_default();
        (call.method.as_str(), path, camel(&call.name.to_ascii_lowercase()), sentence(call.description))
    });
    let everywhere = IN_EVERY_SERVICE.map(|(method, path, id, description)| (method, path, id.to_owned(), description.to_owned()));
    let (method, path, id, description) = OF_GATEWAY;
    let own = std::iter::once((method, path, id.to_owned(), description.to_owned()));
    let docs = declared.chain(everywhere).chain(own).map(|(method, path, id, description)| {
        let sample = samples.get(&id).cloned().unwrap_or_default();
        ((method, path), OperationDoc { id, description, sample })
    });
    docs.collect()
});

/// What is written about the operation `method` of `path`, which is below `/api/v1` and has its parameters in braces.
#[must_use]
pub fn operation_doc(method: &str, path: &str) -> Option<&'static OperationDoc> {
    DOCS.iter().find(|((known, template), _)| *known == method && *template == path).map(|(_, doc)| doc)
}

/// Every operation that has a doc.
pub fn operation_docs() -> impl Iterator<Item = &'static OperationDoc> {
    DOCS.values()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_sample_belongs_to_an_operation_of_its_service() {
        let of_service: HashMap<String, &str> = calls().map(|call| (camel(&call.name.to_ascii_lowercase()), call.service)).collect();
        for (service, text) in SAMPLES.iter().copied() {
            let samples: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
            for id in samples.keys() {
                let owner = IN_EVERY_SERVICE
                    .iter()
                    .find(|(_, _, known, _)| known == id)
                    .map(|_| "parked-events")
                    .or((OF_GATEWAY.2 == id).then_some("system"))
                    .or_else(|| of_service.get(id).copied());
                assert_eq!(owner, Some(service), "samples/operations/{service}.json has {id}, which {owner:?} declares");
            }
        }
    }

    #[test]
    fn names_of_operations_are_unique_camel_case() {
        let mut seen = HashSet::new();
        for doc in operation_docs() {
            assert!(seen.insert(&doc.id), "{} names two operations", doc.id);
            let plain = doc.id.starts_with(|c: char| c.is_ascii_lowercase()) && doc.id.chars().all(|c| c.is_ascii_alphabetic());
            assert!(plain, "{} is not in camel case", doc.id);
            assert!(doc.description.ends_with('.'), "{}: \"{}\" is no sentence", doc.id, doc.description);
        }
    }
}
