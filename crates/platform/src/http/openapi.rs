//! The OpenAPI 3.1 description, made from the signatures of the handlers.

use super::{BASE, describe::OperationBuilder};
use axum::http::Method;
use contracts::{auth::Role, problem};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One method of one path.
#[derive(Clone)]
pub struct Operation {
    /// The service.
    pub tag: &'static str,
    pub method: Method,
    /// Without [`BASE`], parameters in braces.
    pub path: &'static str,
    pub summary: &'static str,
    pub(super) describe: fn(&mut OperationBuilder<'_>),
}

/// One kind of caller that may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Any user who is logged in.
    User,
    /// A user with this role.
    Role(Role),
    /// Any service.
    Service,
    /// The service or client of this id.
    Client(&'static str),
    /// A client that holds this scope.
    Scope(&'static str),
}

impl Grant {
    /// As `x-roles` writes it.
    #[must_use]
    pub fn as_str(self) -> String {
        match self {
            Grant::User => "ANY".to_owned(),
            Grant::Role(role) => role.as_str().to_owned(),
            Grant::Service => "SERVICE".to_owned(),
            Grant::Client(client) => format!("SERVICE:{client}"),
            Grant::Scope(scope) => format!("SCOPE:{scope}"),
        }
    }
}

/// Who may call an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Empty when anyone may.
    pub grants: Vec<Grant>,
    /// Whether callers without a token may call as well.
    pub anonymous: bool,
}

impl Operation {
    /// Who may call, read from the handler's arguments.
    #[must_use]
    pub fn access(&self) -> Access {
        self.described(|builder| Access { anonymous: builder.grants.is_empty() || builder.optional, grants: builder.grants })
    }

    /// Describes this operation alone, and reads from that.
    pub(super) fn described<R>(&self, read: impl FnOnce(OperationBuilder<'_>) -> R) -> R {
        let mut generator = generator();
        let mut builder = OperationBuilder::new(&mut generator, self.path);
        (self.describe)(&mut builder);
        read(builder)
    }

    /// Whether it is for other services only and not in the public description.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.path.starts_with("/internal/")
    }

    /// A name that is unique in the document, such as `post_orders_orderId_cancel`.
    #[must_use]
    pub fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        std::iter::once(self.method.as_str().to_ascii_lowercase()).chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
    }

    fn describe_in(&self, generator: &mut SchemaGenerator) -> Value {
        let mut builder = OperationBuilder::new(generator, self.path);
        (self.describe)(&mut builder);
        if builder.conditional && matches!(self.method, Method::GET) {
            builder.empty_answer(304, "The copy named by `If-None-Match` is the present one.");
            let about = "The `ETag` of the copy at hand.";
            builder.parameter("header", "If-None-Match", false, json!({"type": "string"}), about);
        }
        let mut responses: BTreeMap<String, Value> =
            builder.answers.iter().map(|(status, answer)| (status.to_string(), answer.clone())).collect();
        for status in &builder.refusals {
            responses.entry(status.to_string()).or_insert_with(|| json!({"$ref": "#/components/responses/Problem"}));
        }
        responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "tags": [self.tag],
            "responses": responses,
        });
        if self.path.starts_with("/.well-known/") {
            operation["servers"] = json!([{"url": "/"}]);
        }
        if !builder.parameters.is_empty() {
            operation["parameters"] = builder.parameters.into();
        }
        if let Some(body) = builder.body {
            operation["requestBody"] = body;
        }
        if builder.grants.is_empty() {
            operation["security"] = json!([]);
        } else {
            operation["security"] = if builder.optional { json!([{}, {"bearer": []}]) } else { json!([{"bearer": []}]) };
            let words: BTreeSet<String> = builder.grants.iter().map(|grant| grant.as_str()).collect();
            operation["x-roles"] = json!(words);
        }
        operation
    }
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator()
}

const NOTE: &str = "Enumerations in answers may grow and fields may be added without notice: ignore what you do not know. \
Fields and query parameters that a request does not have are refused. Errors are RFC 9457 problem documents with a stable `code`. \
Only what cannot be read as HTTP at all, or has more than 200 headers, an address of more than 65,534 bytes or 96 KiB before \
its body, is answered with a bare 400, 414 or 431, and the connection ends.";

/// The description of these operations as one document, the same for the same operations. Internal ones are left out.
#[must_use]
pub fn document(operations: &[Operation], title: &str, version: &str) -> Value {
    let mut generator = generator();
    let problem = generator.subschema_for::<problem::Document>().to_value();
    let mut paths: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    for operation in operations.iter().filter(|operation| !operation.is_internal()) {
        let described = operation.describe_in(&mut generator);
        paths.entry(operation.path).or_default().insert(operation.method.as_str().to_ascii_lowercase(), described);
        tags.insert(operation.tag);
    }
    let schemas: BTreeMap<String, Value> = generator.take_definitions(true).into_iter().collect();
    let tags: Vec<Value> = tags.into_iter().map(|tag| json!({"name": tag})).collect();
    sorted(json!({
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": NOTE},
        "servers": [{"url": BASE}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {
                "description": "What went wrong.",
                "headers": {"X-Correlation-Id": {"schema": {"type": "string"}, "description": "Names this request in logs and events."}},
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }))
}

/// With every object's keys in order, whatever map serde_json was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().map(|(name, field)| (name, sorted(field))).collect();
            Value::Object(Map::from_iter(fields))
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[cfg(test)]
#[path = "tests/openapi.rs"]
mod tests;
