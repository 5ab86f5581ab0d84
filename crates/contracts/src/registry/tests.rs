use super::*;
use crate::{
    cart, catalog, ids::Uuid, inventory, machine::Machine, notification, order, payment, payout, promotion, returns, review, seller,
    shipping, time::Timestamp,
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, value::RawValue};
use std::collections::{HashMap, HashSet};

/// Calls `$check` with the type and the facts of each machine.
macro_rules! for_every_machine {
    ($check:ident $(, $with:expr)*) => {
        $check::<order::OrderStatus>(order::OrderStatus::FACTS $(, $with)*);
        $check::<order::FulfilmentStatus>(order::FulfilmentStatus::FACTS $(, $with)*);
        $check::<payment::PaymentStatus>(payment::PaymentStatus::FACTS $(, $with)*);
        $check::<inventory::ReservationStatus>(inventory::ReservationStatus::FACTS $(, $with)*);
        $check::<shipping::ShipmentStatus>(shipping::ShipmentStatus::FACTS $(, $with)*);
        $check::<catalog::ProductStatus>(catalog::ProductStatus::FACTS $(, $with)*);
        $check::<payout::PayoutStatus>(payout::PayoutStatus::FACTS $(, $with)*);
        $check::<returns::ReturnStatus>(returns::ReturnStatus::FACTS $(, $with)*);
        $check::<review::ReviewStatus>(review::ReviewStatus::FACTS $(, $with)*);
        $check::<catalog::ModerationStatus>(catalog::ModerationStatus::FACTS $(, $with)*);
        $check::<catalog::ImportStatus>(catalog::ImportStatus::FACTS $(, $with)*);
        $check::<cart::CartStatus>(cart::CartStatus::FACTS $(, $with)*);
        $check::<promotion::PromotionStatus>(promotion::PromotionStatus::FACTS $(, $with)*);
        $check::<promotion::PromotionUseStatus>(promotion::PromotionUseStatus::FACTS $(, $with)*);
        $check::<notification::NotificationStatus>(notification::NotificationStatus::FACTS $(, $with)*);
        $check::<seller::SellerStatus>(seller::SellerStatus::FACTS $(, $with)*);
    };
}

fn spec_of<M: Machine>() -> &'static MachineSpec {
    machines().find(|(_, machine)| machine.name == M::NAME).expect("every machine is listed").1
}

fn may_stay<M: Machine>(state: M) -> bool {
    state.is_final() || M::RESTING.contains(&state)
}

/// Applies the facts that `choices` select, from the initial state on; a rejected fact leaves the state as it was.
fn walk<M: Machine>(facts: &[M::Fact], choices: &[usize]) {
    let mut state = M::STATES[0];
    for choice in choices {
        let fact = facts[choice % facts.len()];
        match state.transition(fact) {
            Ok(next) => {
                assert!(!state.is_final() || next == state, "{state:?} is final and took {fact:?}");
                assert!(M::STATES.contains(&next), "{fact:?} leads from {state:?} to an undeclared state");
                state = next;
            }
            Err(illegal) => assert_eq!((illegal.from, illegal.fact), (state, fact)),
        }
    }
}

fn is_consistent<M: Machine>(facts: &[M::Fact]) {
    for (index, row) in M::TABLE.iter().enumerate() {
        assert!(M::STATES.contains(&row.from) && M::STATES.contains(&row.to) && facts.contains(&row.fact), "{row:?}");
        let twice = M::TABLE[..index].iter().any(|other| other.from == row.from && other.fact == row.fact);
        assert!(!twice, "two rows for {row:?}");
    }
    for fact in facts {
        assert!(M::TABLE.iter().any(|row| row.fact == *fact), "{}: nothing takes {fact:?}", M::NAME);
    }
    for state in M::STATES {
        assert!(reachable(M::STATES[0]).contains(state), "{}: {state:?} is never reached", M::NAME);
        assert!(reachable(*state).into_iter().any(may_stay), "{}: {state:?} leads to no state to stay in", M::NAME);
    }
    assert!(M::RESTING.iter().all(|state| !state.is_final()), "{}: a final state needs no rest", M::NAME);
    let words: HashSet<_> = M::STATES.iter().map(|state| state.as_str()).collect();
    assert_eq!(words.len(), M::STATES.len());
    let without_types: Vec<_> = spec_of::<M>().rows.iter().map(|(from, fact, to)| (*from, (*fact).to_owned(), *to)).collect();
    let typed: Vec<_> = M::TABLE.iter().map(|row| (row.from.as_str(), format!("{:?}", row.fact), row.to.as_str())).collect();
    assert_eq!(without_types, typed);
}

/// Returns `start` and every state that can follow it.
fn reachable<M: Machine>(start: M) -> Vec<M> {
    let mut found = vec![start];
    let mut next = 0;
    while let Some(&state) = found.get(next) {
        for row in M::TABLE.iter().filter(|row| row.from == state) {
            if !found.contains(&row.to) {
                found.push(row.to);
            }
        }
        next += 1;
    }
    found
}

#[test]
fn every_machine_is_consistent() {
    for_every_machine!(is_consistent);
    assert_eq!(machines().count(), 18, "a machine is missing in for_every_machine!");
}

proptest! {
    #[test]
    fn no_sequence_of_facts_leaves_the_table(choices in vec(any::<usize>(), 0..60)) {
        for_every_machine!(walk, &choices);
    }
}

#[test]
fn an_order_is_confirmed_only_after_authorization_and_reservation() {
    use order::{OrderFact, OrderStatus};
    for row in OrderStatus::TABLE.iter().filter(|row| row.fact == OrderFact::Confirmed) {
        assert_eq!(row.from, OrderStatus::InventoryReserved);
    }
    for state in [OrderStatus::Shipped, OrderStatus::Delivered, OrderStatus::Refunded, OrderStatus::Cancelled] {
        assert!(state.transition(OrderFact::CancelRequested).is_err(), "{state} was cancelled");
    }
}

#[test]
fn every_event_type_is_listed_once_and_has_a_description() {
    let mut seen = HashSet::new();
    let mut owners = HashMap::new();
    for kind in events() {
        assert!(seen.insert(kind.event_type), "{} is declared twice", kind.event_type);
        assert!(!kind.description.trim().is_empty(), "{} has no description", kind.event_type);
        let owner = owners.entry(kind.aggregate).or_insert(kind.producer);
        assert_eq!(*owner, kind.producer, "the sequence of {} has two producers", kind.aggregate);
    }
}

#[test]
fn every_service_is_listed_once_and_has_a_description() {
    assert_eq!(SERVICE_NAMES.iter().collect::<HashSet<_>>().len(), SERVICES.len());
    assert!(SERVICES.iter().all(|service| service.description.ends_with('.') && service.description.lines().count() == 1));
    let sources = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap().map(|entry| entry.unwrap().path());
    let declared = sources.filter(|path| path.is_file() && std::fs::read_to_string(path).unwrap().contains("\npub const SERVICE: "));
    assert_eq!(declared.count(), SERVICES.len(), "a module declares a SERVICE that lib.rs does not list");
}

#[test]
fn an_event_is_listed_by_its_producer_only() {
    assert!(is_listed_event("order", "OrderCreated"));
    assert!(!is_listed_event("cart", "OrderCreated"));
    assert!(!is_listed_event("order", "OrderRepainted"));
}

#[test]
fn every_call_fits_its_path() {
    let mut seen = HashSet::new();
    for call in calls() {
        let path = call.path.split('?').next().expect("a path has a beginning");
        assert!(path.starts_with('/') && !path.starts_with("/api/"), "{}", call.name);
        // Every service asks for revocations, auth too: its callers hold tokens as well.
        assert!(call.name == "LIST_REVOCATIONS" || !call.from.contains(&call.service), "{} calls itself", call.name);
        let is_known = |from: &&str| SERVICE_NAMES.contains(from) || *from == "gateway";
        assert!(call.from.iter().all(is_known), "{} is called by no service", call.name);
        assert_eq!(service_of_path(path), call.is_public().then_some(call.service), "{}", call.name);
        assert!(call.is_public() || !call.from.is_empty(), "nothing makes the internal call {}", call.name);
        let shape = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect::<Vec<_>>();
        assert!(seen.insert((call.method.as_str(), shape, call.path.contains('?'))), "{} is declared twice", call.name);
        if let Some(query) = &call.query {
            assert!((query.schema)().to_value()["properties"].is_object(), "{}: query parameters are fields of an object", call.name);
        }
    }
}

#[test]
fn every_path_belongs_to_the_service_whose_data_it_shows() {
    for (path, service) in [
        ("/auth/login", "auth"),
        ("/.well-known/jwks.json", "auth"),
        ("/users/me/addresses", "user"),
        ("/products", "catalog"),
        ("/products/1", "catalog"),
        ("/products/1/availability", "inventory"),
        ("/products/by-sku/availability", "catalog"),
        ("/product-groups/1", "catalog"),
        ("/search/suggest", "search"),
        ("/cart/items/1", "cart"),
        ("/orders/1/cancel", "order"),
        ("/orders/1/shipments", "shipping"),
        ("/shipping/rates", "shipping"),
        ("/admin/orders/totals", "order"),
        ("/admin/shipments/1/retry", "shipping"),
        ("/admin/parked-events/cart", "cart"),
        ("/admin/parked-events/audit/1/replay", "audit"),
    ] {
        assert_eq!(service_of_path(path), Some(service), "{path}");
    }
    for path in [
        "",
        "/",
        "orders",
        "x/orders",
        "/internal/products/lookup",
        "/admin",
        "/admin/users",
        "/admin/parked-events",
        "/admin/parked-events/x",
    ] {
        assert_eq!(service_of_path(path), None, "{path}");
    }
    for path in ["/cartography", "/order", "/Orders", "/searching", "/products-of"] {
        assert_eq!(service_of_path(path), None, "{path}");
    }
    let patterns = || SERVICES.iter().flat_map(|service| service.paths);
    assert_eq!(patterns().collect::<HashSet<_>>().len(), patterns().count(), "two services list one path");
}

/// Returns a value that fits a schema.
fn sample(schema: &Value, root: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return sample(root.pointer(reference.trim_start_matches('#')).expect("a reference resolves"), root);
    }
    if let Some(word) = schema.get("const") {
        return word.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|key| schema[*key].get(0)) {
        return sample(first, root);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).expect("a schema names its type");
    match (kind, schema["format"].as_str()) {
        ("string", Some("uuid")) => json!(Uuid::from_u128(7)),
        ("string", Some("date-time")) => json!(Timestamp::EPOCH),
        // The pattern of a closed list of codes, such as `^(AED|AFN)$`.
        ("string", _) => {
            let codes = schema["pattern"].as_str().and_then(|pattern| pattern.strip_prefix("^(?:").or_else(|| pattern.strip_prefix("^(")));
            json!(codes.and_then(|codes| codes.split(['|', ')']).next()).unwrap_or("text"))
        }
        ("integer", _) => json!(1),
        ("boolean", _) => json!(true),
        ("array", _) => json!([sample(&schema["items"], root)]),
        ("object", _) => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            Value::Object(properties.iter().map(|(name, schema)| (name.clone(), sample(schema, root))).collect())
        }
        other => panic!("no sample for {other:?}"),
    }
}

/// Adds an unknown field to every object. Samples of maps are empty, because every name is valid in a map.
fn with_unknown_fields(value: &Value) -> Value {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let mut fields: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), with_unknown_fields(value))).collect();
            fields.insert("addedLater".to_owned(), json!({"by": "a newer release"}));
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.iter().map(with_unknown_fields).collect()),
        other => other.clone(),
    }
}

#[test]
fn an_old_consumer_ignores_the_fields_of_a_newer_release() {
    for kind in events() {
        let schema = (kind.schema)().to_value();
        let payload = sample(&schema, &schema);
        let newer = with_unknown_fields(&payload).to_string();
        let kept = (kind.round_trip)(&newer).unwrap_or_else(|error| panic!("{}: {error}\n{newer}", kind.event_type));
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept, payload, "{}", kind.event_type);
    }
}

/// Whether `kept` holds everything that `given` does.
fn holds(kept: &Value, given: &Value) -> bool {
    match (kept, given) {
        (Value::Object(kept), Value::Object(given)) => {
            given.iter().all(|(name, value)| kept.get(name).is_some_and(|field| holds(field, value)))
        }
        (Value::Array(kept), Value::Array(given)) => {
            kept.len() == given.len() && kept.iter().zip(given).all(|(kept, given)| holds(kept, given))
        }
        _ => kept == given,
    }
}

#[test]
fn every_version_that_an_event_ever_had_is_read_from_its_stored_sample() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/events");
    // A sample is named after the type and the version; a number follows for a further one. A sample without a field that
    // was added later stays as it is: it shows that old events are still read.
    let mut samples: HashMap<(String, u32), Vec<(String, String)>> = HashMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut parts = name.strip_suffix(".json").expect("a sample is JSON").split('.');
        let event_type = parts.next().unwrap().to_owned();
        let version = parts.next().and_then(|part| part.strip_prefix('v')).and_then(|version| version.parse().ok());
        let version = version.unwrap_or_else(|| panic!("{name} is not named TYPE.vVERSION.json or TYPE.vVERSION.NUMBER.json"));
        samples.entry((event_type, version)).or_default().push((name, std::fs::read_to_string(path).unwrap()));
    }
    for event in events() {
        let schema = (event.schema)().to_value();
        for version in 1..=event.version {
            let name = format!("{}.v{version}.json", event.event_type);
            let found = samples.remove(&(event.event_type.to_owned(), version)).unwrap_or_default();
            assert!(
                found.iter().any(|(file, _)| *file == name),
                "{folder}/{name} is missing. Store a realistic payload there, beginning with this one:\n{:#}",
                sample(&schema, &schema)
            );
            for (file, text) in found {
                let given: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
                let kept = (event.round_trip)(&text).unwrap_or_else(|error| panic!("{file} is not readable any more: {error}"));
                let kept: Value = serde_json::from_str(&kept).unwrap();
                assert!(holds(&kept, &given), "reading {file} drops or changes a field:\n{kept:#}");
            }
        }
    }
    assert!(samples.is_empty(), "no event has these samples: {:?}", samples.keys());
}

#[test]
fn an_envelope_is_read_as_it_was_written() {
    let written = Envelope {
        event_id: Uuid::from_u128(1).into(),
        event_type: "OrderCreated".to_owned(),
        aggregate_type: "ORDER".to_owned(),
        aggregate_id: Uuid::from_u128(2),
        sequence: 1,
        payload: RawValue::from_string(r#"{"orderId": "…",  "spaces": "are kept"}"#.to_owned()).unwrap(),
        correlation_id: "abc".to_owned(),
        causation_id: None,
        actor_id: Some(Uuid::from_u128(3).into()),
        producer: "order".to_owned(),
        schema_version: 1,
        occurred_at: Timestamp(1_700_000_000_123_456),
    };
    let text = serde_json::to_string(&written).unwrap();
    let read: Envelope = serde_json::from_str(&text).unwrap();
    assert_eq!(read.payload.get(), written.payload.get());
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    let mut older: serde_json::Value = serde_json::from_str(&text).unwrap();
    older.as_object_mut().unwrap().remove("actorId");
    assert_eq!(serde_json::from_str::<Envelope>(&older.to_string()).unwrap().actor_id, None);
    let newer = text.replacen('{', r#"{"addedLater":1,"#, 1);
    assert_eq!(serde_json::from_str::<Envelope>(&newer).unwrap().event_id, written.event_id);
}

#[test]
fn docs_contracts_md_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/contracts.md");
    let fresh = contracts_markdown();
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    let update = std::env::var("UPDATE_DOCS").is_ok();
    if update {
        std::fs::create_dir_all(std::path::Path::new(path).parent().expect("the file is in a folder")).unwrap();
        std::fs::write(path, &fresh).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == fresh, "docs/contracts.md is stale; write it again with: UPDATE_DOCS=1 cargo test -p contracts");
}

#[test]
fn the_documents_hold_every_event_and_problem() {
    let events = events_json();
    assert_eq!(events["events"].as_array().map(Vec::len), Some(super::events().count()));
    assert_eq!(events["events"][0]["schema"]["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(problems_json()["problems"].as_array().map(Vec::len), Some(Code::ALL.len()));
}
