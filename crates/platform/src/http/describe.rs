//! Describes an operation of OpenAPI from a handler's signature: every argument and the answer add their part.

use super::{
    openapi::{Grant, remove_null},
    query_param_guard::{BodyCheck, HeaderCheck, QueryCheck},
};
use axum::extract::State;
use contracts::problem::Code;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, future::Future};

/// Builds the description of one operation.
pub struct OperationBuilder<'a> {
    /// The schemas of what callers send, and of what they get.
    pub(super) requests: &'a mut SchemaGenerator,
    pub(super) answer_schemas: &'a mut SchemaGenerator,
    /// The names between braces of the path's template, in order.
    pub(super) names: Vec<String>,
    pub(super) parameters: Vec<Value>,
    /// Prefixes of query parameters whose names the caller chooses; an empty one allows any name.
    pub(super) open_names: Vec<&'static str>,
    pub(super) open_parameters: Vec<Value>,
    /// What finds the faults of a query, for each argument that reads it.
    pub(super) query_checks: Vec<QueryCheck>,
    pub(super) header_checks: Vec<HeaderCheck>,
    pub(super) body_check: Option<BodyCheck>,
    pub(super) body: Option<Value>,
    pub(super) answers: BTreeMap<u16, Value>,
    pub(super) grants: Vec<Grant>,
    pub(super) refusals: Vec<Code>,
    pub(super) conditional: bool,
    /// Whether callers without a token are accepted beside those of `grants`.
    pub(super) optional: bool,
    /// The security schemes of the tokens of guests that are taken in place of an access token.
    pub(super) guests: Vec<&'static str>,
    /// Whether a client may prove who it is by its id and secret as `Authorization: Basic`.
    pub(super) client_credentials: bool,
}

impl<'a> OperationBuilder<'a> {
    pub(super) fn new(requests: &'a mut SchemaGenerator, answers: &'a mut SchemaGenerator, path: &str) -> OperationBuilder<'a> {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        OperationBuilder {
            requests,
            answer_schemas: answers,
            names: names.map(|name| name.trim_start_matches('*').to_owned()).collect(),
            parameters: Vec::new(),
            open_names: Vec::new(),
            open_parameters: Vec::new(),
            query_checks: Vec::new(),
            header_checks: Vec::new(),
            body_check: None,
            body: None,
            answers: BTreeMap::new(),
            grants: Vec::new(),
            refusals: Vec::new(),
            conditional: false,
            optional: false,
            guests: Vec::new(),
            client_credentials: false,
        }
    }

    /// The schema of `T` as callers send it: a reference, where `T` has a name.
    pub fn schema<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().to_value()
    }

    /// The schema of `T` itself, with its fields.
    fn fields<T: JsonSchema>(&mut self) -> Value {
        T::json_schema(self.requests).to_value()
    }

    /// A parameter in `place`: `query`, `path` or `header`.
    pub fn parameter(&mut self, place: &str, name: &str, required: bool, schema: Value, about: &str) {
        let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
        if !about.is_empty() {
            parameter["description"] = about.into();
        }
        self.parameters.push(parameter);
    }

    /// Query parameters whose names begin with `prefix`, each with a value of this schema. OpenAPI writes them as one object,
    /// `name`, whose fields become parameters; the name itself is not sent.
    pub fn open_parameter(&mut self, prefix: &'static str, name: &str, value: Value, about: &str) {
        let names = format!("^{}.+$", prefix.replace('.', "\\."));
        let schema = json!({"type": "object", "propertyNames": {"pattern": names}, "additionalProperties": value});
        self.open_parameters.push(json!({
            "name": name, "in": "query", "required": false, "style": "form", "explode": true, "schema": schema, "description": about,
        }));
        self.open_names.push(prefix);
    }

    /// Every field of `T` as a query parameter; with a flattened map, any other name as well.
    pub fn query<T: JsonSchema>(&mut self) {
        let schema = self.fields::<T>();
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fields: BTreeMap<&String, &Value> = schema["properties"].as_object().into_iter().flatten().collect();
        for (name, field) in fields {
            let mut field = field.clone();
            remove_null(&mut field);
            if let Some(default) = field.as_object_mut().and_then(|field| field.remove("default"))
                && !default.is_null()
                && default != json!([])
            {
                field["default"] = default;
            }
            let about = field.as_object_mut().and_then(|field| field.remove("description"));
            let about = about.as_ref().and_then(Value::as_str).unwrap_or("").to_owned();
            self.parameter("query", name, required.contains(&name.as_str()), field, &about);
        }
        if schema.get("additionalProperties").is_some_and(|rest| rest != &Value::Bool(false)) {
            self.open_names.push("");
        }
    }

    /// The path's ids: one type for all, or a tuple's types in order, or a struct's fields by name.
    pub(super) fn path<T: JsonSchema>(&mut self) {
        let schema = self.fields::<T>();
        for (at, name) in self.names.clone().into_iter().enumerate() {
            let field = match (schema.pointer(&format!("/prefixItems/{at}")), schema.pointer(&format!("/properties/{name}"))) {
                (Some(field), _) | (None, Some(field)) => field.clone(),
                (None, None) => self.schema::<T>(),
            };
            self.parameter("path", &name, true, field, "");
        }
    }

    /// An answer with a JSON body.
    pub fn answer<T: JsonSchema>(&mut self, status: u16, about: &str) {
        let schema = self.answer_schemas.subschema_for::<T>().to_value();
        self.answers.insert(status, json!({"description": about, "content": {"application/json": {"schema": schema}}}));
    }

    /// Adds a media type with text to an answer that has JSON, which `Accept` chooses.
    pub fn text_answer(&mut self, status: u16, media_type: &str) {
        if let Some(answer) = self.answers.get_mut(&status) {
            answer["content"][media_type] = json!({"schema": {"type": "string"}});
        }
    }

    /// An answer that is a file of one of these media types.
    pub fn file_answer(&mut self, status: u16, about: &str, media_types: &[&str]) {
        let content: Map<String, Value> = media_types.iter().map(|media_type| ((*media_type).to_owned(), json!({}))).collect();
        self.answers.insert(status, json!({"description": about, "content": content}));
    }

    /// Says that a caller that has the answer already gets 304.
    pub fn answer_not_modified(&mut self) {
        self.conditional = true;
    }

    /// An answer that is a CSV file.
    pub fn csv_answer(&mut self, status: u16, about: &str) {
        self.answers.insert(status, json!({"description": about, "content": {"text/csv": {"schema": {"type": "string"}}}}));
    }

    /// A body that is a CSV file of at most `limit` bytes.
    pub fn csv_body(&mut self, limit: u64) {
        self.body = Some(json!({"required": true, "content": {"text/csv": {"schema": {"type": "string"}}}, "x-max-bytes": limit}));
        self.refuse([Code::UNSUPPORTED_MEDIA_TYPE, Code::PAYLOAD_TOO_LARGE, Code::MALFORMED_REQUEST]);
    }

    /// An answer without a body.
    pub fn empty_answer(&mut self, status: u16, about: &str) {
        self.answers.insert(status, json!({"description": about}));
    }

    /// A header of every answer so far.
    pub fn answer_header(&mut self, name: &str, about: &str) {
        for answer in self.answers.values_mut() {
            let mut header = Map::new();
            header.insert(name.to_owned(), json!({"description": about, "schema": {"type": "string"}}));
            match answer.get_mut("headers").and_then(Value::as_object_mut) {
                Some(headers) => headers.extend(header),
                None => answer["headers"] = Value::Object(header),
            }
        }
    }

    /// A JSON body of at most `limit` bytes.
    pub fn json_body<T: JsonSchema>(&mut self, required: bool, limit: usize) {
        let schema = self.schema::<T>();
        self.body = Some(json!({"required": required, "content": {"application/json": {"schema": schema}}, "x-max-bytes": limit}));
    }

    /// Accepts callers without a token as well.
    pub fn allow_anonymous(&mut self) {
        self.optional = true;
    }

    /// Guests may call it as well, with the token of this security scheme.
    pub fn allow_guests(&mut self, scheme: &'static str) {
        self.guests.push(scheme);
    }

    /// Adds errors that an argument refuses with.
    pub fn refuse(&mut self, codes: impl IntoIterator<Item = Code>) {
        for code in codes {
            if !self.refusals.contains(&code) {
                self.refusals.push(code);
            }
        }
    }

    /// Says `other` where an argument would refuse with `code`.
    pub fn replace_refusal(&mut self, code: Code, other: Code) {
        self.refusals.retain(|refusal| *refusal != code);
        self.refuse([other]);
    }

    /// Takes the id and the secret of a client as `Authorization: Basic` too.
    pub fn accept_client_credentials(&mut self) {
        self.client_credentials = true;
    }

    /// Adds a kind of caller. From the first one on all others are refused.
    pub fn grant(&mut self, grant: Grant) {
        if !self.grants.contains(&grant) {
            self.grants.push(grant);
        }
        self.refuse([Code::UNAUTHENTICATED, Code::FORBIDDEN]);
    }
}

/// An argument of a handler that can describe itself.
pub trait DescribeArg {
    /// Adds what this argument takes from a request.
    fn describe(operation: &mut OperationBuilder<'_>);
}

/// An answer of a handler that can describe itself.
pub trait DescribeAnswer {
    /// Adds the answers that mean success.
    fn describe(operation: &mut OperationBuilder<'_>);
}

impl<S> DescribeArg for State<S> {
    fn describe(_: &mut OperationBuilder<'_>) {}
}
impl<T> DescribeArg for axum::Extension<T> {
    fn describe(_: &mut OperationBuilder<'_>) {}
}
impl DescribeArg for axum::http::HeaderMap {
    fn describe(_: &mut OperationBuilder<'_>) {}
}
impl DescribeArg for axum::http::Uri {
    fn describe(_: &mut OperationBuilder<'_>) {}
}
impl DescribeArg for axum::extract::Request {
    fn describe(_: &mut OperationBuilder<'_>) {}
}

impl<A: DescribeAnswer, E> DescribeAnswer for Result<A, E> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
    }
}
/// An answer without a type: a page, a file, a redirection.
impl DescribeAnswer for axum::response::Response {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(200, "The answer.");
    }
}
impl DescribeAnswer for axum::http::StatusCode {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(200, "It is done.");
    }
}

/// A handler whose arguments and answer describe themselves. `T` is the type parameter of axum's `Handler`.
pub trait DescribeOperation<T> {
    /// Describes the whole operation.
    fn describe_operation(operation: &mut OperationBuilder<'_>);
}

macro_rules! described {
    ($($arg:ident)*) => {
        impl<F, Fut, R, M, $($arg),*> DescribeOperation<(M, $($arg,)*)> for F
        where
            F: Fn($($arg),*) -> Fut,
            Fut: Future<Output = R>,
            R: DescribeAnswer,
            $($arg: DescribeArg,)*
        {
            fn describe_operation(operation: &mut OperationBuilder<'_>) {
                $($arg::describe(operation);)*
                R::describe(operation);
            }
        }
    };
}

impl<F, Fut, R> DescribeOperation<((),)> for F
where
    F: Fn() -> Fut,
    Fut: Future<Output = R>,
    R: DescribeAnswer,
{
    fn describe_operation(operation: &mut OperationBuilder<'_>) {
        R::describe(operation);
    }
}
described!(A1);
described!(A1 A2);
described!(A1 A2 A3);
described!(A1 A2 A3 A4);
described!(A1 A2 A3 A4 A5);
described!(A1 A2 A3 A4 A5 A6);
described!(A1 A2 A3 A4 A5 A6 A7);
described!(A1 A2 A3 A4 A5 A6 A7 A8);
described!(A1 A2 A3 A4 A5 A6 A7 A8 A9);
