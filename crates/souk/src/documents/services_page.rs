//! Compares the tables of `docs/services.md`, which are written by hand, with the program: every public operation and who may
//! call it, every event with its producer and consumers.

use super::{assert_same, describe, owned, started};
use platform::{http::openapi, testing::TempFolder};
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/services.md");

/// A row of a service's table: the service, the first cell, and the words in backticks of the second cell.
struct Row {
    service: String,
    who: &'static str,
    words: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let mut service = String::new();
    let mut rows = Vec::new();
    for line in PAGE.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            service = name.to_lowercase();
        } else if let Some((who, entry_points)) = line.strip_prefix("| ").and_then(|row| row.split_once(" | "))
            && service != "gateway"
        {
            rows.push(Row { service: service.clone(), who, words: entry_points.split('`').skip(1).step_by(2).collect() });
        }
    }
    rows
}

/// Translates a first cell to grants as in `x-roles`.
fn grants(who: &str) -> BTreeSet<String> {
    let scope = who.split_once("scope `").map(|(_, rest)| format!("SCOPE:{}", rest.trim_end_matches('`')));
    let mut grants: BTreeSet<_> = scope.into_iter().collect();
    for word in who.split([',', ';', ' ']) {
        let grant = match word {
            "user" | "owner" => "ANY",
            "customer" => "CUSTOMER",
            "seller" => "SELLER",
            // Also a suspended one.
            "seller-of-record" => "SELLER_OF_RECORD",
            // "owner, admin" is open to every user; the service checks the owner.
            "admin" if !who.starts_with("owner") => "ADMIN",
            "order" => "SERVICE:order",
            _ => continue,
        };
        grants.insert(grant.to_owned());
    }
    grants
}

/// Service, method, path and who may call it.
type EntryPoint = (String, String, String, BTreeSet<String>);

fn entry_points_on_the_page() -> BTreeSet<EntryPoint> {
    let mut entry_points = BTreeSet::new();
    for row in rows() {
        let mut methods = Vec::new();
        for word in row.words {
            match word.split_once(' ') {
                None if word.chars().all(char::is_uppercase) => methods.push(word),
                Some((method, path)) if path.starts_with('/') => {
                    methods.push(method);
                    for method in methods.drain(..) {
                        entry_points.insert((row.service.clone(), method.to_owned(), path.to_owned(), grants(row.who)));
                    }
                }
                _ => {}
            }
        }
    }
    entry_points
}

fn entry_points_of(openapi: &Value) -> BTreeSet<EntryPoint> {
    let mut entry_points = BTreeSet::new();
    for (path, operations) in openapi["paths"].as_object().expect("a description has paths") {
        for (method, operation) in operations.as_object().expect("a path has operations") {
            let service = operation["tags"][0].as_str().expect("an operation has a tag");
            let anonymous = operation["security"]
                .as_array()
                .is_none_or(|ways| ways.is_empty() || ways.contains(&Value::Object([].into_iter().collect())));
            let roles = operation["x-roles"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            let roles = if anonymous { BTreeSet::new() } else { roles.collect() };
            // Every service has the first, and the gateway the second; the page describes them once.
            if !["parked-events", "system"].contains(&service) {
                entry_points.insert((service.to_owned(), method.to_uppercase(), path.clone(), roles));
            }
        }
    }
    entry_points
}

/// Returns service and type of the events in the rows whose first cell is `who`.
fn events_on_the_page(who: &str) -> BTreeSet<(String, String)> {
    let rows = rows().into_iter().filter(|row| row.who == who);
    rows.flat_map(|row| row.words.into_iter().map(move |word| (row.service.clone(), word.to_owned()))).collect()
}

#[tokio::test]
async fn docs_services_md_lists_exactly_the_entry_points_and_events() {
    let folder = TempFolder::new();
    let runtime = started(&folder).await.unwrap();
    let documents = [describe(&runtime, openapi::document), describe(&runtime, openapi::internal_document)];
    // The page describes only what the gateway routes.
    let routed = |(_, _, path, _): &EntryPoint| !path.starts_with("/internal/");
    let entry_points: BTreeSet<EntryPoint> = documents.iter().flat_map(entry_points_of).filter(routed).collect();
    assert_same("docs/services.md", &entry_points_on_the_page(), &entry_points);
    let answered = entry_points.into_iter().map(|(service, method, path, _)| (service, method, path)).collect();
    let calls = contracts::registry::calls().filter(|call| call.is_public());
    let path_of = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    let declared = calls.map(|call| (call.service.to_owned(), call.method.as_str().to_owned(), path_of(call.path)));
    assert_same("contracts", &declared.collect(), &answered);
    assert_same("docs/services.md", &events_on_the_page("consumes"), &owned(runtime.consumed_event_types()));
    let published = contracts::registry::events().map(|kind| (kind.producer, kind.event_type));
    assert_same("docs/services.md", &events_on_the_page("publishes"), &owned(published));
}

#[tokio::test]
async fn every_service_that_keeps_personal_data_is_asked_for_it() {
    let folder = TempFolder::new();
    let runtime = started(&folder).await.unwrap();
    let (keepers, declared) = (contracts::personal::KEEPERS.iter().copied().collect(), runtime.personal.keys().copied().collect());
    assert_same("`contracts::personal::KEEPERS`", &keepers, &declared);
    assert!(contracts::personal::WITH_OBSTACLES.iter().all(|service| keepers.contains(service)));
    // Nobody else would throw the keys of erased persons away.
    let readers: BTreeSet<&str> = runtime.personal_readers().collect();
    assert!(readers.is_subset(&keepers), "{:?}", readers.difference(&keepers));
}
