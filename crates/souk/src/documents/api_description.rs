//! Checks of every operation of the API description. A failing one says what to write and where.

use super::{operations, started};
use platform::{
    http::{Operation, openapi},
    testing::TempFolder,
};
use serde_json::Value;
use std::fmt::Write as _;

const IDS: &str = include_str!("operations.txt");
const IDS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/documents/operations.txt");

async fn all() -> Vec<Operation> {
    operations(&started(&TempFolder::new()).await.expect("the services start"))
}

/// The document that holds the operation, and the description of the operation in it.
fn described(operation: &Operation) -> (Value, Value) {
    let write = if operation.is_for_services() { openapi::internal_document } else { openapi::document };
    let document = write(std::slice::from_ref(operation), "Souk", "1");
    let at = format!("/paths/{}/{}", operation.path.replace('/', "~1"), operation.method.as_str().to_ascii_lowercase());
    let described = document.pointer(&at).expect("the operation is in its document").clone();
    (document, described)
}

/// Clients are generated from these names, so that a changed one breaks the code of callers.
#[tokio::test]
async fn the_names_of_operations_are_stable() {
    let mut lines: Vec<String> = all()
        .await
        .iter()
        .filter(|operation| operation.tag != "parked-events" || operation.path.contains("{service}"))
        .map(|operation| {
            let document = if operation.is_for_services() { "internal" } else { "public" };
            format!("{} {} {} {document}", operation.id(), operation.method, operation.path)
        })
        .collect();
    lines.sort();
    lines.dedup();
    let written = lines.join("\n") + "\n";
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not configuration of the program")]
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    if update {
        std::fs::write(IDS_FILE, &written).unwrap();
    } else {
        assert_eq!(
            written, IDS,
            "crates/souk/src/documents/operations.txt is stale; UPDATE_DOCS=1 writes it. Only add lines: clients call the names"
        );
    }
}

#[tokio::test]
async fn every_operation_has_prose_roles_and_examples() {
    let mut lacks = String::new();
    for operation in all().await {
        let (id, place) = (operation.id(), format!("crates/contracts/samples/operations/{}.json", operation.tag));
        if !id.chars().all(|c| c.is_ascii_alphabetic()) {
            let _ = writeln!(
                lacks,
                "{} {}: declare it with `calls!` in crates/contracts/src/{}.rs, whose constant names it",
                operation.method, operation.path, operation.tag
            );
            continue;
        }
        let (_, described) = described(&operation);
        let about = described["description"].as_str().unwrap_or_default();
        for part in ["Who may call: ", "| Status | Code | Meaning |"] {
            assert!(about.contains(part), "{id}: {about}");
        }
        assert!(described["security"].is_array() && described["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{id}");
        let contents = described["requestBody"]["content"].as_object().into_iter().flatten();
        for (_, content) in contents.filter(|(_, content)| !content["schema"].to_string().contains("/EmptyRequest\"")) {
            if content.get("example").is_none() {
                let _ = writeln!(lacks, "{id}: add `request`, an example of the body, in {place}");
            }
        }
        for (status, answer) in described["responses"].as_object().into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
            if answer["content"].get("application/json").is_some_and(|content| content.get("example").is_none()) {
                let _ = writeln!(lacks, "{id}: add `answers.{status}`, an example of the answer, in {place}");
            }
        }
    }
    assert!(lacks.is_empty(), "the API description lacks\n{lacks}");
}

/// A test of one service plays the others and refuses nobody, so that it does not find a refused caller.
#[tokio::test]
async fn each_service_may_make_the_calls_that_it_declares_and_no_other_one() {
    let operations = all().await;
    let mut faults = Vec::new();
    for call in contracts::registry::calls().filter(|call| !call.from.is_empty()) {
        let path = call.path.split('?').next().expect("a text has a first part");
        let is_it = |operation: &&Operation| operation.path == path && operation.method.as_str() == call.method.as_str();
        let Some(operation) = operations.iter().find(is_it) else {
            faults.push(format!("{}: nothing answers it", call.name));
            continue;
        };
        let (_, described) = described(operation);
        let security = described["security"].as_array().cloned().unwrap_or_default();
        let roles: Vec<&str> = described["x-roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if security.is_empty() || security.contains(&serde_json::json!({})) || roles.contains(&"SERVICE") {
            continue;
        }
        let mut allowed: Vec<&str> = roles.iter().filter_map(|role| role.strip_prefix("SERVICE:")).collect();
        let mut declared = call.from.to_vec();
        allowed.sort_unstable();
        declared.sort_unstable();
        if allowed != declared {
            faults.push(format!("{}: declared by {declared:?}, accepted from {allowed:?}", call.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn the_server_takes_the_examples_of_bodies() {
    for operation in all().await {
        let (_, described) = described(&operation);
        for (_, content) in described["requestBody"]["content"].as_object().into_iter().flatten() {
            if let Some(example) = content.get("example") {
                let faults = operation.body_faults(example);
                assert!(faults.is_empty(), "{}: the example of the body is refused: {faults:?}", operation.id());
            }
        }
    }
}

#[tokio::test]
async fn generators_of_clients_can_read_the_schemas() {
    let all = all().await;
    for document in [openapi::document(&all, "Souk", "1"), openapi::internal_document(&all, "Souk", "1")] {
        let faults = openapi::schema_faults(&document);
        assert!(faults.is_empty(), "{faults:#?}");
    }
    let two_faced = openapi::two_faced_schemas(&all);
    assert!(two_faced.is_empty(), "these types are written otherwise in answers than in bodies; make two types of each: {two_faced:?}");
}
