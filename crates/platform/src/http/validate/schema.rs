//! What the JSON Schema of a type adds to its runs: the missing fields of an object beyond the first, and the bounds of a
//! list whose items were masked.

use super::{REQUIRED, Run, SchemaOf};
use crate::http::input::{Node, Value};
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

/// Records the faults of the tree that `schema` shows.
pub(super) fn check(root: &Node, schema: SchemaOf, run: &Run<'_>) {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schema = schema(&mut generator).to_value();
    let definitions = generator.take_definitions(true);
    Walk { definitions: &definitions, run }.visit(root, &schema);
}

struct Walk<'a> {
    definitions: &'a serde_json::Map<String, Json>,
    run: &'a Run<'a>,
}

impl Walk<'_> {
    fn visit(&self, node: &Node, schema: &Json) {
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next())
            && let Some(definition) = self.definitions.get(name)
        {
            self.visit(node, definition);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.visit(node, part);
        }
        // An optional value is written as "anyOf: it, or null". A choice between several types does not determine the type of the value.
        let mut choices = schema["anyOf"].as_array().into_iter().flatten().filter(|choice| choice["type"] != "null");
        if let (Some(only), None) = (choices.next(), choices.next()) {
            self.visit(node, only);
        }
        match &node.value {
            Value::Object(entries) => {
                if node.incomplete.get() {
                    self.note_missing(node, schema);
                }
                for entry in entries {
                    let inner = schema["properties"].get(entry.name()).or_else(|| schema.get("additionalProperties"));
                    if let Some(inner) = inner {
                        self.run.inside(entry.name(), || self.visit(&entry.value, inner));
                    }
                }
            }
            Value::Array(items) => {
                if items.iter().any(|item| item.masked.get()) {
                    self.note_length(node, items.len() as u64, schema);
                }
                for (index, item) in items.iter().enumerate() {
                    self.run.inside(&index.to_string(), || self.visit(item, &schema["items"]));
                }
            }
            _ => {}
        }
    }

    fn note_missing(&self, node: &Node, schema: &Json) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if node.field(name).is_none() {
                self.run.inside(name, || self.run.record(node.end, REQUIRED, "must be given"));
            }
        }
    }

    fn note_length(&self, node: &Node, length: u64, schema: &Json) {
        if let Some(least) = schema["minItems"].as_u64().filter(|least| length < *least) {
            self.run.record(node.at, "TOO_FEW", format!("must have at least {least} items"));
        }
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| length > *most) {
            self.run.record(node.at, "TOO_MANY", format!("must have at most {most} items"));
        }
    }
}
