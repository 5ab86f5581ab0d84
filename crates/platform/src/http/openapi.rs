//! The OpenAPI 3.1 description, made from the signatures of the handlers.

mod conformance;
mod prose;
mod schema;

pub use conformance::undescribed;
pub(super) use schema::remove_null;
pub use schema::schema_faults;

use super::{BASE, describe::OperationBuilder, encode_text};
use crate::identity::{CartTokenHeader, OrderTokenHeader, TokenHeader as _};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use contracts::{
    auth::{Role, key_scope},
    problem::{self, Code, Fault},
    registry::{self, OperationDoc},
};
use schema::{Side, rewrite};
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
    /// A user with a seller's record that is APPROVED or SUSPENDED.
    SellerOfRecord,
    /// Any service.
    Service,
    /// The service or client of this id.
    Client(&'static str),
    /// A client that holds this scope.
    Scope(&'static str),
}

impl Grant {
    /// Whether it is a kind of user.
    #[must_use]
    pub fn is_user(self) -> bool {
        matches!(self, Grant::User | Grant::Role(_) | Grant::SellerOfRecord)
    }

    /// As `x-roles` writes it.
    #[must_use]
    pub fn as_str(self) -> String {
        match self {
            Grant::User => "ANY".to_owned(),
            Grant::Role(role) => role.as_str().to_owned(),
            Grant::SellerOfRecord => "SELLER_OF_RECORD".to_owned(),
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
    /// The security schemes of the tokens of guests that are taken in place of an access token.
    pub guests: Vec<&'static str>,
}

impl Operation {
    /// Who may call, read from the handler's arguments.
    #[must_use]
    pub fn access(&self) -> Access {
        self.described(|builder| Access {
            anonymous: builder.grants.is_empty() || builder.optional,
            grants: builder.grants,
            guests: builder.guests,
        })
    }

    /// The scope that an API key needs for it. `None` where no key is taken.
    #[must_use]
    pub fn key_scope(&self) -> Option<String> {
        key_scope(self.method == Method::GET, self.path)
    }

    /// Describes this operation alone, and reads from that.
    pub(super) fn described<R>(&self, read: impl FnOnce(OperationBuilder<'_>) -> R) -> R {
        let (mut requests, mut answers) = (generator(Side::Request), generator(Side::Answer));
        let mut builder = OperationBuilder::new(&mut requests, &mut answers, self.path);
        (self.describe)(&mut builder);
        read(builder)
    }

    /// Whether the gateway does not route it.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.path.starts_with("/internal/")
    }

    /// Whether only services may call it, so that it is not in the public description.
    #[must_use]
    pub fn is_for_services(&self) -> bool {
        let Access { grants, anonymous, guests } = self.access();
        self.is_internal()
            || (!anonymous && guests.is_empty() && grants.iter().all(|grant| matches!(grant, Grant::Service | Grant::Client(_))))
    }

    fn doc(&self) -> Option<&'static OperationDoc> {
        registry::operation_doc(self.method.as_str(), self.path)
    }

    /// The name that generated clients give it, such as `placeOrder`. An operation that `contracts` does not declare is named
    /// by method and path.
    #[must_use]
    pub fn id(&self) -> String {
        if let Some(doc) = self.doc() {
            return doc.id.clone();
        }
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        std::iter::once(self.method.as_str().to_ascii_lowercase()).chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
    }

    /// The codes of its errors, by status: those of its arguments and those that `contracts` lists. All operations answer
    /// those of [`registry`] that are no fault of one operation.
    #[must_use]
    pub fn error_codes(&self) -> Vec<Code> {
        self.described(|builder| self.errors(&builder))
    }

    /// Whether it may answer with this code.
    #[must_use]
    pub fn may_answer(&self, code: Code) -> bool {
        prose::is_general(code) || self.error_codes().contains(&code)
    }

    /// What the server finds wrong with this value as the body.
    #[must_use]
    pub fn body_faults(&self, body: &Value) -> Vec<Fault> {
        let (text, form) = (body.to_string(), form_of(body));
        self.described(|builder| match (builder.body_check, &builder.body) {
            (Some(check), Some(body)) => {
                let kind = body["content"].as_object().and_then(|kinds| kinds.keys().next()).map_or("", String::as_str);
                let bytes = if kind.ends_with("json") { text.as_bytes() } else { form.as_bytes() };
                let kind = HeaderValue::from_str(kind).expect("a media type is a header");
                (check.faults)(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]), bytes)
            }
            _ => Vec::new(),
        })
    }

    fn errors(&self, builder: &OperationBuilder<'_>) -> Vec<Code> {
        // Any query may hold a broken escape or an unknown parameter.
        let everywhere = [Code::MALFORMED_REQUEST, Code::INVALID_REQUEST];
        let mut codes: Vec<Code> = builder.refusals.clone();
        let declared = self.doc().into_iter().flat_map(|doc| &doc.sample.errors).copied();
        for code in everywhere.into_iter().filter(|_| !builder.client_credentials).chain(declared) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes.sort_by_key(|code| (code.status(), code.as_str()));
        codes
    }

    fn describe_in(&self, requests: &mut SchemaGenerator, answers: &mut SchemaGenerator, problem: &Value) -> Value {
        let mut builder = OperationBuilder::new(requests, answers, self.path);
        (self.describe)(&mut builder);
        let sample = self.doc().map(|doc| doc.sample.clone()).unwrap_or_default();
        if builder.conditional && matches!(self.method, Method::GET) {
            builder.empty_answer(304, "The copy named by `If-None-Match` is the present one.");
            let about = "The `ETag` of the copy at hand.";
            builder.parameter("header", "If-None-Match", false, json!({"type": "string"}), about);
        }
        let errors = self.errors(&builder);
        let access = Access { anonymous: builder.grants.is_empty() || builder.optional, grants: builder.grants, guests: builder.guests };
        let mut responses: BTreeMap<String, Value> = BTreeMap::new();
        for (status, mut answer) in builder.answers {
            rewrite(&mut answer, Side::Answer);
            if let (Some(example), Some(content)) = (sample.answers.get(&status), answer.pointer_mut("/content/application~1json")) {
                content["example"] = example.clone();
            }
            responses.insert(status.to_string(), answer);
        }
        for codes in errors.chunk_by(|one, other| one.status() == other.status()) {
            responses.insert(codes[0].status().to_string(), prose::answer(codes, problem));
        }
        responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
        let about = self.doc().map_or(self.summary, |doc| &doc.description);
        let is_for_users = access.grants.iter().any(|grant| grant.is_user());
        let scope = self.key_scope().filter(|_| is_for_users);
        let mut callers = prose::callers(&access);
        if is_for_users {
            callers = format!("{callers} {}", prose::api_key(scope.as_deref()));
        }
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "description": format!("{about}\n\n{callers}\n\n{}", prose::errors(&errors)),
            "tags": [self.tag],
            "responses": responses,
        });
        if self.path.starts_with("/.well-known/") {
            operation["servers"] = json!([{"url": "/"}]);
        }
        let mut parameters = builder.parameters;
        for parameter in &mut parameters {
            if let Some(example) = parameter["name"].as_str().and_then(|name| sample.parameters.get(name)) {
                parameter["example"] = example.clone();
            }
        }
        parameters.extend(builder.open_parameters);
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(mut body) = builder.body {
            if let (Some(example), Some(content)) =
                (sample.request, body["content"].as_object_mut().and_then(|all| all.values_mut().next()))
            {
                content["example"] = example;
            }
            operation["requestBody"] = body;
        }
        let mut ways = if access.grants.is_empty() { Vec::new() } else { vec![json!({"bearer": []})] };
        if builder.client_credentials {
            ways.push(json!({"client": []}));
        }
        ways.extend(access.guests.iter().map(|scheme| json!({*scheme: []})));
        if access.anonymous && !ways.is_empty() {
            ways.insert(0, json!({}));
        }
        operation["security"] = ways.into();
        if !access.grants.is_empty() {
            let words: BTreeSet<String> = access.grants.iter().map(|grant| grant.as_str()).collect();
            operation["x-roles"] = json!(words);
        }
        if let Some(scope) = scope {
            operation["x-scopes"] = json!([scope]);
        }
        operation
    }
}

/// The fields of an object as a form.
fn form_of(body: &Value) -> String {
    let mut form = String::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.push_str(if form.is_empty() { "" } else { "&" });
        encode_text(name, &mut form);
        form.push('=');
        encode_text(&value, &mut form);
    }
    form
}

fn generator(side: Side) -> SchemaGenerator {
    let settings = match side {
        Side::Request => SchemaSettings::draft2020_12().for_deserialize(),
        Side::Answer => SchemaSettings::draft2020_12().for_serialize(),
    };
    settings.with(|settings| settings.definitions_path = "/components/schemas".into()).into_generator()
}

const NOTE: &str = "Enumerations in answers may grow and fields may be added without notice: ignore what you do not know. \
Fields and query parameters that a request does not have are refused. Amounts are whole numbers in minor units of the currency \
beside them. Lists are read page by page: send `nextCursor` as `cursor`.\n\n\
Errors are RFC 9457 problem documents with a stable `code`. Each operation lists the codes of its own; a 422 lists every faulty \
value in `errors`. The answer `default` holds those that any operation may answer: a method that the path does not take, a \
limit of the rate, a failure of ours. Only what cannot be read as HTTP at all, or has more than 200 headers, an address of more \
than 65,534 bytes or 96 KiB before its body, is answered with a bare 400, 414 or 431, and the connection ends.\n\n\
Take a token from `POST /auth/login` or `POST /auth/register` and send it as `Authorization: Bearer`. A token that is not valid \
is 401 on operations without a lock too. A program may send an API key of `POST /api-keys` instead: it opens the operations of its \
scopes (`x-scopes`), and what its maker may.";

const SERVICES_NOTE: &str = "The operations that services call. Each needs the token of a service (`POST /auth/token`). Paths \
below `/internal` are answered by the services themselves, and not by the gateway.";

/// The public description of these operations, the same for the same operations. Those for services are left out.
#[must_use]
pub fn document(operations: &[Operation], title: &str, version: &str) -> Value {
    describe(operations.iter().filter(|operation| !operation.is_for_services()), title, version, NOTE)
}

/// The description of the operations that only services call.
#[must_use]
pub fn internal_document(operations: &[Operation], title: &str, version: &str) -> Value {
    describe(operations.iter().filter(|operation| operation.is_for_services()), title, version, SERVICES_NOTE)
}

fn describe<'a>(operations: impl Iterator<Item = &'a Operation>, title: &str, version: &str, note: &str) -> Value {
    let (mut requests, mut answers) = (generator(Side::Request), generator(Side::Answer));
    let problem = answers.subschema_for::<problem::Document>().to_value();
    let mut paths: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    let mut codes: Vec<Code> = prose::general().collect();
    for operation in operations {
        let described = operation.describe_in(&mut requests, &mut answers, &problem);
        codes.extend(operation.error_codes());
        paths.entry(operation.path).or_default().insert(operation.method.as_str().to_ascii_lowercase(), described);
        tags.insert(operation.tag);
    }
    let (schemas, names) = components(requests, answers, &paths);
    let examples: BTreeMap<&str, Value> =
        codes.into_iter().map(|code| (code.as_str(), json!({"summary": code.title(), "value": prose::example(code)}))).collect();
    let about = |tag: &str| contracts::SERVICES.iter().find(|service| service.name == tag).map_or("", |service| service.description);
    let tags: Vec<Value> = tags.into_iter().map(|tag| json!({"name": tag, "description": about(tag)})).collect();
    let general: Vec<Code> = prose::general().collect();
    let mut failed = prose::answer(&general, &problem);
    failed["description"] = "Any other error.".into();
    failed["headers"] = json!({
        "X-Correlation-Id": {"schema": {"type": "string"}, "description": "Names this request in logs and events."},
        "Retry-After": {"schema": {"type": "integer"}, "description": "The seconds to wait before the next attempt; with 429 and 503."},
    });
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": note, "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}},
        "servers": [{"url": BASE}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "examples": examples,
            "responses": {"Problem": failed},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token, or an API key."},
                CartTokenHeader::SCHEME: {"type": "apiKey", "in": "header", "name": CartTokenHeader::NAME, "description": "The token of a guest's cart."},
                OrderTokenHeader::SCHEME: {"type": "apiKey", "in": "header", "name": OrderTokenHeader::NAME, "description": "The token of a guest's order."},
                "client": {"type": "http", "scheme": "basic", "description": "The id and the secret of a client."},
            },
        },
    });
    schema::rename(&mut document, &names);
    sorted(document)
}

/// The schemas by their names, and the names that change.
fn components(
    mut requests: SchemaGenerator,
    mut answers: SchemaGenerator,
    paths: &BTreeMap<&str, BTreeMap<String, Value>>,
) -> (BTreeMap<String, Value>, BTreeMap<String, String>) {
    let operations = paths.values().flat_map(BTreeMap::values);
    let bodies = operations.filter_map(|operation| operation["requestBody"]["content"].as_object()).flatten();
    let alternatives = |schema: &'_ Value| schema["oneOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
    let bodies: Vec<Value> = bodies.flat_map(|(_, content)| alternatives(&content["schema"])).collect();
    let mut names = schema::name_bodies(bodies.iter());
    let mut schemas: BTreeMap<String, Value> = answers.take_definitions(true).into_iter().collect();
    schemas.values_mut().for_each(|schema| rewrite(schema, Side::Answer));
    // A type of answers that is a body as well keeps its name there.
    names.retain(|name, _| !schemas.contains_key(name));
    for (name, mut schema) in requests.take_definitions(true) {
        rewrite(&mut schema, Side::Request);
        let name = names.get(&name).cloned().unwrap_or(name);
        schemas.entry(name).or_insert(schema);
    }
    (schemas, names)
}

/// The names of the types that requests and answers write in different ways, which one schema cannot describe.
#[must_use]
pub fn two_faced_schemas(operations: &[Operation]) -> Vec<String> {
    let (mut requests, mut answers) = (generator(Side::Request), generator(Side::Answer));
    for operation in operations {
        (operation.describe)(&mut OperationBuilder::new(&mut requests, &mut answers, operation.path));
    }
    let written = |schema: &Value, side| {
        let mut schema = schema.clone();
        rewrite(&mut schema, side);
        schema
    };
    let sent = requests.take_definitions(true);
    let answered = answers.take_definitions(true);
    let differs = |(name, schema): (&String, &Value)| {
        let other = answered.get(name)?;
        (written(schema, Side::Request) != written(other, Side::Answer)).then(|| name.clone())
    };
    sent.iter().filter_map(differs).collect()
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
