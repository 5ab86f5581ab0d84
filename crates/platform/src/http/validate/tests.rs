use super::{super::input::json, *};
use contracts::{
    body::{Attributes, BoundedInt, BoundedVec, Patch},
    ids::ProductId,
    text::{Name, Quantity, Sku},
    time::Timestamp,
};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct Body {
    name: Name,
    owner: Option<Owner>,
    lines: BoundedVec<Line, 1, 4>,
    #[serde(default)]
    prices: BTreeMap<String, u32>,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    at: Patch<Option<Timestamp>>,
    kind: Kind,
    #[serde(default)]
    matrix: Vec<Vec<BoundedInt<0, 9>>>,
    #[serde(default)]
    shape: Option<Shape>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct Owner {
    first: Name,
    last: Name,
    age: u8,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct Line {
    sku: Sku,
    quantity: Quantity,
    product: Option<ProductId>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Small,
    Large,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(dead_code, reason = "only parsed")]
enum Shape {
    Circle { radius: u8, colour: Name },
    Box(u8, u8),
    Point,
}

fn check(text: &str) -> Result<Body, Vec<(String, String)>> {
    let faults = |faults: Vec<Fault>| faults.into_iter().map(|fault| (fault.pointer.unwrap(), fault.code.into_owned())).collect();
    validate(&json::parse(text).unwrap(), Origin::Body, Some(schema_of::<Body>)).map_err(faults)
}

fn faults(body: &serde_json::Value) -> Vec<(String, String)> {
    check(&body.to_string()).unwrap_err()
}

fn good() -> serde_json::Value {
    json!({
        "name": "A", "owner": {"first": "B", "last": "C", "age": 3}, "kind": "SMALL", "at": null,
        "lines": [{"sku": "abc", "quantity": 1}, {"sku": "abd", "quantity": 2, "product": null}, {"sku": "abe", "quantity": 3}],
        "prices": {"de": 1, "fr": 2}, "attributes": {"size": "M"}, "matrix": [[1, 2], [], [3]], "shape": {"CIRCLE": {"radius": 1, "colour": "red"}},
    })
}

#[test]
fn a_sound_body_is_deserialized() {
    check(&good().to_string()).unwrap();
    for shape in [json!("POINT"), json!({"POINT": null}), json!({"BOX": [1, 2]}), json!(null)] {
        let mut body = good();
        body["shape"] = shape;
        check(&body.to_string()).unwrap();
        serde_json::from_value::<Body>(body).unwrap();
    }
}

#[test]
fn every_fault_is_reported_in_the_order_of_the_document() {
    let text = r#"{
        "nmae": 1, "owner": {"last": 7, "age": 300, "x": 1}, "lines": [{"sku": "?", "quantity": 0}, 7, {"product": "1"}],
        "prices": {"de": -1, "fr": 1, "it": 1e400}, "attributes": {"": "x", "a": ""}, "at": "noon", "kind": "HUGE",
        "kind": "SMALL", "matrix": [[1, 10], 3, ["x"]], "shape": {"CIRCLE": {"radius": "x"}}
    }"#;
    let expected = [
        ("/nmae", "UNKNOWN_FIELD"),
        ("/owner/last", "WRONG_TYPE"),
        ("/owner/age", "OUT_OF_RANGE"),
        ("/owner/x", "UNKNOWN_FIELD"),
        ("/owner/first", "REQUIRED"),
        ("/lines/0/sku", "NOT_A_SKU"),
        ("/lines/0/quantity", "OUT_OF_RANGE"),
        ("/lines/1", "WRONG_TYPE"),
        ("/lines/2/product", "NOT_A_UUID"),
        ("/lines/2/sku", "REQUIRED"),
        ("/lines/2/quantity", "REQUIRED"),
        ("/prices/de", "OUT_OF_RANGE"),
        ("/prices/it", "OUT_OF_RANGE"),
        ("/attributes/", "REQUIRED"),
        ("/attributes/a", "REQUIRED"),
        ("/at", "NOT_A_TIME"),
        ("/kind", "NOT_ONE_OF"),
        ("/kind", "DUPLICATE_FIELD"),
        ("/matrix/0/1", "OUT_OF_RANGE"),
        ("/matrix/1", "WRONG_TYPE"),
        ("/matrix/2/0", "WRONG_TYPE"),
        ("/shape/CIRCLE/radius", "WRONG_TYPE"),
        ("/name", "REQUIRED"),
    ];
    assert_eq!(check(text).unwrap_err(), expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
}

#[test]
fn what_follows_from_a_fault_is_not_reported() {
    let mut body = good();
    body["lines"] = json!([{"sku": "abc"}]);
    assert_eq!(faults(&body), [("/lines/0/quantity".to_owned(), "REQUIRED".to_owned())], "the list is not called too short");
    body["lines"] = json!([{"sku": "abc"}, 1, 2, 3, 4]);
    assert!(faults(&body).contains(&("/lines".to_owned(), "TOO_MANY".to_owned())), "it is too long whatever it holds");
    body["lines"] = json!([]);
    body["name"] = json!(7);
    let expected = [("/lines", "TOO_FEW"), ("/name", "WRONG_TYPE")].map(|(at, code)| (at.to_owned(), code.to_owned()));
    let mut found = faults(&body);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_number_of_faults_is_bounded() {
    let mut body = good();
    for n in 0..1_000 {
        body["prices"][format!("p{n}")] = json!("x");
        body[format!("f{n}")] = json!(1);
    }
    assert_eq!(faults(&body).len(), MAX_FAULTS);
}

/// Places of a good body, what to put there, and the fault that follows.
const INJECTIONS: &[(&str, &str, &str)] = &[
    ("/name", "7", "WRONG_TYPE"),
    ("/name", "\"\"", "REQUIRED"),
    ("/owner/first", "\"\"", "REQUIRED"),
    ("/owner/last", "remove", "REQUIRED"),
    ("/owner/age", "-1", "OUT_OF_RANGE"),
    ("/owner/pet", "1", "UNKNOWN_FIELD"),
    ("/lines/0/sku", "remove", "REQUIRED"),
    ("/lines/0/quantity", "1.5", "WRONG_TYPE"),
    ("/lines/1", "\"x\"", "WRONG_TYPE"),
    ("/lines/2/quantity", "0", "OUT_OF_RANGE"),
    ("/lines/2/product", "\"x\"", "NOT_A_UUID"),
    ("/lines/2/price", "null", "UNKNOWN_FIELD"),
    ("/prices/de", "null", "WRONG_TYPE"),
    ("/prices/fr", "4294967296", "OUT_OF_RANGE"),
    ("/attributes/size", "\"\"", "REQUIRED"),
    ("/attributes/co!our", "\"x\"", "NOT_AN_ATTRIBUTE_NAME"),
    ("/at", "\"x\"", "NOT_A_TIME"),
    ("/kind", "null", "WRONG_TYPE"),
    ("/matrix/0/1", "-1", "OUT_OF_RANGE"),
    ("/matrix/1", "{}", "WRONG_TYPE"),
    ("/matrix/2/0", "\"1\"", "WRONG_TYPE"),
    ("/shape/CIRCLE/radius", "256", "OUT_OF_RANGE"),
    ("/extra", "[]", "UNKNOWN_FIELD"),
];

proptest! {
    #[test]
    fn every_injected_fault_is_reported(chosen in prop::sample::subsequence((0..INJECTIONS.len()).collect::<Vec<_>>(), 1..12)) {
        let mut body = good();
        let mut expected: Vec<(String, String)> = Vec::new();
        for (pointer, value, code) in chosen.into_iter().map(|at| INJECTIONS[at]) {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match body.pointer_mut(parent).unwrap() {
                serde_json::Value::Object(fields) if value == "remove" => drop(fields.remove(name)),
                serde_json::Value::Object(fields) => drop(fields.insert(name.to_owned(), serde_json::from_str(value).unwrap())),
                serde_json::Value::Array(items) => items[name.parse::<usize>().unwrap()] = serde_json::from_str(value).unwrap(),
                other => panic!("{other}"),
            }
            expected.retain(|(known, _)| known != pointer);
            expected.push((pointer.to_owned(), code.to_owned()));
        }
        let mut found = faults(&body);
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn it_accepts_what_serde_json_accepts(text in "(\\{\"(CIRCLE|BOX|POINT|x)\": ?(\\[1,[1-9][0-9]{0,2}\\]|null|\\{\"radius\":[1-9][0-9]{0,2},\"colour\":\"a\"\\})\\})|\"(POINT|BOX)\"|null") {
        let ours = validate::<Option<Shape>>(&json::parse(&text).unwrap(), Origin::Body, None);
        prop_assert_eq!(ours.is_ok(), serde_json::from_str::<Option<Shape>>(&text).is_ok(), "{}", text);
    }
}
