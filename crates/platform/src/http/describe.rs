//! Describes an operation of OpenAPI from a handler's signature: every argument and the answer add their part.

use super::{openapi::Grant, query_param_guard::QueryCheck};
use axum::extract::State;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

/// Builds the description of one operation.
pub struct OperationBuilder<'a> {
    pub(super) generator: &'a mut SchemaGenerator,
    /// The names between braces of the path's template, in order.
    pub(super) names: Vec<String>,
    pub(super) parameters: Vec<Value>,
    /// Prefixes of query parameters whose names the caller chooses; an empty one allows any name.
    pub(super) open_names: Vec<&'static str>,
    /// What finds the faults of a query, for each argument that reads it.
    pub(super) query_checks: Vec<QueryCheck>,
    pub(super) body: Option<Value>,
    pub(super) answers: BTreeMap<u16, Value>,
    pub(super) grants: Vec<Grant>,
    pub(super) refusals: BTreeSet<u16>,
    pub(super) conditional: bool,
    /// Whether callers without a token are accepted beside those of `grants`.
    pub(super) optional: bool,
}

impl<'a> OperationBuilder<'a> {
    pub(super) fn new(generator: &'a mut SchemaGenerator, path: &str) -> OperationBuilder<'a> {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        OperationBuilder {
            generator,
            names: names.map(|name| name.trim_start_matches('*').to_owned()).collect(),
            parameters: Vec::new(),
            open_names: Vec::new(),
            query_checks: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            grants: Vec::new(),
            refusals: BTreeSet::new(),
            conditional: false,
            optional: false,
        }
    }

    /// The schema of `T`: a reference, where `T` has a name.
    pub fn schema<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// The schema of `T` itself, with its fields.
    fn fields<T: JsonSchema>(&mut self) -> Value {
        T::json_schema(self.generator).to_value()
    }

    /// A parameter in `place`: `query`, `path` or `header`.
    pub fn parameter(&mut self, place: &str, name: &str, required: bool, schema: Value, about: &str) {
        let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
        if !about.is_empty() {
            parameter["description"] = about.into();
        }
        self.parameters.push(parameter);
    }

    /// Query parameters whose names begin with `prefix`; `rest` describes the part that the caller chooses.
    pub fn open_parameter(&mut self, prefix: &'static str, rest: &str, schema: Value, about: &str) {
        self.parameter("query", &format!("{prefix}{rest}"), false, schema, about);
        self.open_names.push(prefix);
    }

    /// Every field of `T` as a query parameter; with a flattened map, any other name as well.
    pub fn query<T: JsonSchema>(&mut self) {
        self.refusals.extend([400, 422]);
        let schema = self.fields::<T>();
        let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fields: BTreeMap<&String, &Value> = schema["properties"].as_object().into_iter().flatten().collect();
        for (name, field) in fields {
            let mut field = field.clone();
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
        let schema = self.schema::<T>();
        self.answers.insert(status, json!({"description": about, "content": {"application/json": {"schema": schema}}}));
    }

    /// The same with an inline schema, because a generic type has no name.
    pub(super) fn inline_answer<T: JsonSchema>(&mut self, status: u16, about: &str) {
        let schema = self.fields::<T>();
        self.answers.insert(status, json!({"description": about, "content": {"application/json": {"schema": schema}}}));
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

    /// Accepts callers without a token as well.
    pub fn allow_anonymous(&mut self) {
        self.optional = true;
    }

    /// Removes an error status that an argument added and that this operation does not answer.
    pub fn remove_refusal(&mut self, status: u16) {
        self.refusals.remove(&status);
    }

    /// Adds a kind of caller. From the first one on all others are refused.
    pub fn grant(&mut self, grant: Grant) {
        if !self.grants.contains(&grant) {
            self.grants.push(grant);
        }
        self.refusals.insert(401);
        if grant != Grant::User {
            self.refusals.insert(403);
        }
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
