//! Puts the schemas that schemars writes into the form that generators of clients read best.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whether a schema describes what callers send or what they get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Answer,
}

/// Rewrites a schema and all schemas inside:
///
/// - A choice of constants becomes an `enum`, whose description has a line for each value.
/// - `default` of a field becomes a sentence, because generators of TypeScript take it for a field that is always there.
/// - A field of an answer that is left out when there is nothing is not nullable, and unknown fields are allowed.
pub(super) fn rewrite(schema: &mut Value, side: Side) {
    let Value::Object(fields) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(|item| rewrite(item, side));
        }
        return;
    };
    if let Some(values) = constants(fields) {
        write_enum(fields, &values);
        return;
    }
    for (name, inner) in fields.iter_mut() {
        match (name.as_str(), inner) {
            ("properties" | "$defs", Value::Object(properties)) => properties.values_mut().for_each(|property| rewrite(property, side)),
            ("default" | "example" | "examples" | "enum" | "const", _) => {}
            (_, inner) => rewrite(inner, side),
        }
    }
    if side == Side::Answer {
        if fields.get("additionalProperties") == Some(&Value::Bool(false)) {
            fields.remove("additionalProperties");
        }
        let required: Vec<Value> = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        for (name, property) in properties(fields) {
            if !required.contains(&Value::from(name.as_str())) {
                remove_null(property);
            }
        }
    }
    for (_, property) in properties(fields) {
        write_default(property);
    }
}

fn properties(schema: &mut Map<String, Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
}

/// The values of a choice of constant texts, each with its meaning.
fn constants(schema: &Map<String, Value>) -> Option<Vec<(Value, String)>> {
    let choices = schema.get("oneOf")?.as_array()?;
    let constant = |choice: &Value| {
        let about = choice["description"].as_str().unwrap_or_default().replace('\n', " ");
        match (&choice["const"], choice["enum"].as_array()) {
            (Value::String(word), _) => Some(vec![(word.clone().into(), about)]),
            (_, Some(words)) => Some(words.iter().map(|word| (word.clone(), about.clone())).collect()),
            _ => None,
        }
    };
    let found: Option<Vec<Vec<(Value, String)>>> = choices.iter().map(constant).collect();
    found.map(|found| found.into_iter().flatten().collect())
}

fn write_enum(schema: &mut Map<String, Value>, values: &[(Value, String)]) {
    schema.remove("oneOf");
    let mut about = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    if values.iter().any(|(_, meaning)| !meaning.is_empty()) {
        about.push('\n');
        for (value, meaning) in values {
            about.push_str(&format!("\n- `{}`: {meaning}", value.as_str().unwrap_or_default()));
        }
        schema.insert("x-enum-descriptions".into(), values.iter().map(|(_, meaning)| meaning.clone()).collect());
    }
    schema.insert("description".into(), about.trim().into());
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), values.iter().map(|(value, _)| value.clone()).collect());
}

fn write_default(property: &mut Value) {
    let Some(property) = property.as_object_mut() else { return };
    match property.remove("default") {
        None | Some(Value::Null) => {}
        Some(default) => {
            let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
            property.insert("description".into(), format!("{about} Unless given: `{default}`.").trim().into());
        }
    }
}

/// Removes null from the values that a schema allows.
pub(in crate::http) fn remove_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            fields.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            fields.remove("anyOf");
            for (name, value) in only {
                // The description of a field says more than that of its type.
                fields.entry(name).or_insert(value);
            }
        }
    }
}

/// The name of the schema that `schema` refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(PREFIX)
}

const PREFIX: &str = "#/components/schemas/";

/// Gives the schemas of bodies a noun as name: `PlaceOrder` becomes `PlaceOrderRequest`. Returns the new names.
pub(super) fn name_bodies<'a>(bodies: impl Iterator<Item = &'a Value>) -> BTreeMap<String, String> {
    let names = bodies.filter_map(reference).filter(|name| !name.ends_with("Request"));
    names.map(|name| (name.to_owned(), format!("{name}Request"))).collect()
}

/// Replaces references to schemas that have a new name.
pub(super) fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            if let Some(new) = fields.get("$ref").and_then(|at| at.as_str()?.strip_prefix(PREFIX)).and_then(|name| names.get(name)) {
                fields.insert("$ref".into(), format!("{PREFIX}{new}").into());
            }
            fields.values_mut().for_each(|field| rename(field, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

/// The faults of a set of schemas that make it a bad base for generated clients, in words.
#[must_use]
pub fn schema_faults(document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for name in document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| name) {
        if name.ends_with(|last: char| last.is_ascii_digit()) {
            faults.push(format!("schema {name}: two types have this name; give one of them `#[schemars(rename = \"…\")]`"));
        }
        if ["Document", "View", "Body", "Dto"].iter().any(|word| name.ends_with(word)) {
            faults.push(format!("schema {name}: name it by what it holds, with `#[schemars(rename = \"…\")]`"));
        }
    }
    find(document, "", &mut faults);
    faults
}

fn find(value: &Value, at: &str, faults: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields
                .get("oneOf")
                .and_then(Value::as_array)
                .is_some_and(|choices| choices.iter().any(|choice| choice.get("const").is_some()))
            {
                faults.push(format!("{at}: a choice of constants is an enumeration: use `string_enum!`"));
            }
            if fields.get("default").is_some_and(Value::is_null) {
                faults.push(format!("{at}: `default: null` makes an optional field required in generated clients"));
            }
            fields
                .iter()
                .filter(|(name, _)| !name.starts_with("example"))
                .for_each(|(name, field)| find(field, &format!("{at}/{name}"), faults));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| find(item, &format!("{at}/{index}"), faults)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_choice_of_constants_becomes_an_enumeration() {
        let mut schema = json!({"description": "How.", "oneOf": [
            {"const": "A", "type": "string", "description": "One."}, {"enum": ["B", "C"], "type": "string"},
        ]});
        rewrite(&mut schema, Side::Answer);
        assert_eq!(schema["enum"], json!(["A", "B", "C"]));
        assert_eq!(schema["description"], "How.\n\n- `A`: One.\n- `B`: \n- `C`:");
        assert!(schema.get("oneOf").is_none());
        let mut other = json!({"oneOf": [{"const": "A"}, {"type": "integer"}]});
        rewrite(&mut other, Side::Answer);
        assert_eq!(other["oneOf"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn defaults_are_said_in_words_and_null_is_none() {
        let mut schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "a": {"type": ["string", "null"], "default": null}, "b": {"type": "boolean", "default": false, "description": "Whether."},
            "c": {"properties": {"default": {"type": "string", "default": "x"}}},
        }});
        rewrite(&mut schema, Side::Request);
        assert_eq!(schema["properties"]["a"], json!({"type": ["string", "null"]}));
        assert_eq!(schema["properties"]["b"], json!({"type": "boolean", "description": "Whether. Unless given: `false`."}));
        assert_eq!(schema["properties"]["c"]["properties"]["default"], json!({"type": "string", "description": "Unless given: `\"x\"`."}));
        assert_eq!(schema["additionalProperties"], false);
    }

    #[test]
    fn a_field_of_an_answer_is_nullable_only_when_it_is_always_there() {
        let mut schema = json!({"type": "object", "required": ["a"], "additionalProperties": false, "properties": {
            "a": {"type": ["string", "null"]}, "b": {"type": ["string", "null"]},
            "c": {"anyOf": [{"$ref": "#/components/schemas/X"}, {"type": "null"}], "description": "Its."},
        }});
        rewrite(&mut schema, Side::Answer);
        assert_eq!(schema["properties"]["a"]["type"], json!(["string", "null"]));
        assert_eq!(schema["properties"]["b"]["type"], "string");
        assert_eq!(schema["properties"]["c"], json!({"$ref": "#/components/schemas/X", "description": "Its."}));
        assert!(schema.get("additionalProperties").is_none());
    }

    #[test]
    fn faults_of_schemas_are_found() {
        let document = json!({"components": {"schemas": {
            "Totals2": {}, "OrderView": {}, "Order": {"properties": {"a": {"default": null}, "b": {"oneOf": [{"const": "X"}]}}},
        }}});
        assert_eq!(schema_faults(&document).len(), 4);
    }
}
