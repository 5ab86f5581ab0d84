//! Request bodies: JSON, forms and bytes, each bounded.

use super::{
    describe::{DescribeArg, OperationBuilder},
    input::{self, json::Malformed},
    key::BodyHash,
    problem::Problem,
    query_param_guard::BodyCheck,
    serve::is_slow_body,
    text,
    validate::{self, Origin, SchemaOf},
};
use crate::identity::GuestSubject;
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use contracts::{
    body::EmptyBody,
    problem::{Code, Fault},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::json;
use std::{collections::HashSet, fmt};

/// The largest body in bytes, unless the handler's signature has another limit.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// A JSON body of at most `LIMIT` bytes. Unknown fields are an error when `T` says `deny_unknown_fields`, as bodies do.
///
/// Refuses with 413, 415, 400 `MALFORMED_REQUEST` (not JSON, not UTF-8, too deep) or 422 `INVALID_REQUEST` with a pointer.
#[derive(Debug, Clone)]
pub struct Body<T, const LIMIT: usize = DEFAULT_LIMIT>(pub T);

/// A JSON body that may be absent: `T::default()` then.
#[derive(Debug, Clone)]
pub struct MaybeBody<T>(pub T);

/// A request without content: no body, an object without fields, or `null`, with which services write a call that has no body.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

/// A JSON body whose type depends on the caller of an [`OrGuest`](crate::identity::OrGuest), which comes before it.
#[derive(Debug, Clone)]
pub enum BodyByCaller<A, G> {
    Known(A),
    Guest(G),
}

/// An `application/x-www-form-urlencoded` body, as OAuth 2 requires it.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

/// The bytes as they were sent, of any type: a file, or what a signature is about.
#[derive(Debug, Clone)]
pub struct RawBody<const LIMIT: usize = DEFAULT_LIMIT>(pub Bytes);

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_type(request.headers(), "application/json")?;
        parse_described(&read(request, LIMIT).await?).map(Body)
    }
}

impl<S, A, G> FromRequest<S> for BodyByCaller<A, G>
where
    S: Send + Sync,
    A: DeserializeOwned + JsonSchema,
    G: DeserializeOwned + JsonSchema,
{
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.extensions().get::<GuestSubject>().is_some() {
            return Body::<G>::from_request(request, state).await.map(|Body(body)| BodyByCaller::Guest(body));
        }
        Body::<A>::from_request(request, state).await.map(|Body(body)| BodyByCaller::Known(body))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema + Default> FromRequest<S> for MaybeBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let typed = require_type(request.headers(), "application/json");
        let bytes = read(request, DEFAULT_LIMIT).await?;
        if bytes.is_empty() {
            return Ok(MaybeBody(T::default()));
        }
        typed?;
        parse_described(&bytes).map(MaybeBody)
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        MaybeBody::<Option<EmptyBody>>::from_request(request, state).await.map(|_| NoBody)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema> FromRequest<S> for Form<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_type(request.headers(), "application/x-www-form-urlencoded")?;
        let bytes = read(request, DEFAULT_LIMIT).await?;
        let form = std::str::from_utf8(&bytes).map_err(|_| not_utf8())?;
        text::parse(form, &[]).map(Form)
    }
}

impl<S: Send + Sync, const LIMIT: usize> FromRequest<S> for RawBody<LIMIT> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request, LIMIT).await.map(RawBody)
    }
}

pub(crate) fn require_type(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut parts = given.split(';').map(str::trim);
    let media = parts.next().unwrap_or("");
    let utf8 = parts.all(|part| match part.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"),
        _ => true,
    });
    match media.eq_ignore_ascii_case(wanted) && utf8 {
        true => Ok(()),
        false => Err(Problem::new(Code::UNSUPPORTED_MEDIA_TYPE).detail(format!("send the body as {wanted} in UTF-8"))),
    }
}

/// Reads at most `limit` bytes, and sets their hash in the request's idempotency key if it has one.
pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("the body may have at most {limit} bytes"));
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let bytes = match Limited::new(body, limit).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(error) if is_slow_body(&*error) => return Err(Problem::slow_body()),
        Err(_) => return Err(Problem::new(Code::MALFORMED_REQUEST).detail("the body ended before it was complete")),
    };
    if let Some(hash) = parts.extensions.get::<BodyHash>() {
        hash.set(&bytes);
    }
    Ok(bytes)
}

fn not_utf8() -> Problem {
    Problem::new(Code::MALFORMED_REQUEST).detail("the body is not UTF-8")
}

/// Parses JSON strictly: what is not JSON is 400; what is JSON and not a `T`, or has a key twice, is 422 with every fault.
/// Of the missing fields of an object only the first is reported, because `T` has no schema.
///
/// # Errors
/// See above.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    parse_with(bytes, None)
}

/// [`parse`] that reports all missing fields.
pub(super) fn parse_described<T: DeserializeOwned + JsonSchema>(bytes: &[u8]) -> Result<T, Problem> {
    parse_with(bytes, Some(validate::schema_of::<T>))
}

fn parse_with<T: DeserializeOwned>(bytes: &[u8], schema: Option<SchemaOf>) -> Result<T, Problem> {
    let json = std::str::from_utf8(bytes).map_err(|_| not_utf8())?;
    // serde takes a list for a struct and lets a map's key come twice. Parsing twice costs a microsecond.
    let is_list = json.trim_start().starts_with('[');
    if !is_list
        && serde_json::from_str::<StrictJson>(json).is_ok()
        && let Ok(value) = serde_json::from_str(json)
    {
        return Ok(value);
    }
    let root = input::json::parse(json).map_err(|(what, at)| malformed(what, &json[..at]))?;
    if is_list {
        return Err(Problem::invalid(vec![Fault::at("", "WRONG_TYPE", "must be an object")]));
    }
    validate::validate(&root, Origin::Body, schema).map_err(Problem::invalid)
}

fn malformed(what: Malformed, before: &str) -> Problem {
    let what = match what {
        Malformed::TooDeep => "is nested too deeply",
        Malformed::EndsEarly => "ends too early",
        Malformed::NotJson => "is not JSON",
    };
    let (line, column) = (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1);
    Problem::new(Code::MALFORMED_REQUEST).detail(format!("the body {what} (line {line}, column {column})"))
}

/// Any JSON in which no object has a key twice.
struct StrictJson;

impl<'de> Deserialize<'de> for StrictJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StrictJson, D::Error> {
        deserializer.deserialize_any(StrictJsonVisitor)
    }
}

struct StrictJsonVisitor;

impl<'de> Visitor<'de> for StrictJsonVisitor {
    type Value = StrictJson;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<StrictJson, E> {
        Ok(StrictJson)
    }
    fn visit_i64<E>(self, _: i64) -> Result<StrictJson, E> {
        Ok(StrictJson)
    }
    fn visit_u64<E>(self, _: u64) -> Result<StrictJson, E> {
        Ok(StrictJson)
    }
    fn visit_f64<E>(self, _: f64) -> Result<StrictJson, E> {
        Ok(StrictJson)
    }
    fn visit_str<E>(self, _: &str) -> Result<StrictJson, E> {
        Ok(StrictJson)
    }
    fn visit_unit<E>(self) -> Result<StrictJson, E> {
        Ok(StrictJson)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<StrictJson, A::Error> {
        while items.next_element::<StrictJson>()?.is_some() {}
        Ok(StrictJson)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<StrictJson, A::Error> {
        // A handful of keys is compared one by one; more are hashed, so that a thousand cost no million.
        let mut few: Vec<text::CowKey<'de>> = Vec::new();
        let mut many: HashSet<text::CowKey<'de>> = HashSet::new();
        while let Some(key) = fields.next_key::<text::CowKey<'de>>()? {
            let known = if few.len() < 16 { few.contains(&key) } else { few.contains(&key) || many.contains(&key) };
            if known {
                return Err(A::Error::custom("a field is given twice"));
            }
            fields.next_value::<StrictJson>()?;
            if few.len() < 16 {
                few.push(key);
            } else {
                many.insert(key);
            }
        }
        Ok(StrictJson)
    }
}

/// What a body can be refused with.
pub(super) const OF_A_BODY: [Code; 4] =
    [Code::MALFORMED_REQUEST, Code::PAYLOAD_TOO_LARGE, Code::UNSUPPORTED_MEDIA_TYPE, Code::INVALID_REQUEST];

/// Collects faults that depend on several values, so that a caller gets all of them at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds a fault of the body.
    pub fn at(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(Fault::at(pointer, code, detail));
    }

    /// # Errors
    /// 422 with all faults, if there are any.
    pub fn check(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

/// Finds the faults of a body for the answer to a request that has others. A body that cannot be read has none.
pub(super) fn faults_of<T: DeserializeOwned + JsonSchema>(headers: &HeaderMap, body: &[u8]) -> Vec<Fault> {
    let described = !body.is_empty() && require_type(headers, "application/json").is_ok();
    let refused = described.then(|| parse_described::<T>(body).err()).flatten();
    refused.map(|problem| problem.faults().to_vec()).unwrap_or_default()
}

fn faults_of_form<T: DeserializeOwned + JsonSchema>(headers: &HeaderMap, body: &[u8]) -> Vec<Fault> {
    let form = std::str::from_utf8(body).ok().filter(|_| require_type(headers, "application/x-www-form-urlencoded").is_ok());
    let refused = form.and_then(|form| text::parse::<T>(form, &[]).err());
    refused.map(|problem| problem.faults().to_vec()).unwrap_or_default()
}

impl<T: DeserializeOwned + JsonSchema, const LIMIT: usize> DescribeArg for Body<T, LIMIT> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.json_body::<T>(true, LIMIT);
        operation.body_check = Some(BodyCheck { limit: LIMIT, faults: faults_of::<T> });
        operation.refuse(OF_A_BODY);
    }
}

impl<A: DeserializeOwned + JsonSchema, G: DeserializeOwned + JsonSchema> DescribeArg for BodyByCaller<A, G> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        Body::<A>::describe(operation);
        let guest = operation.schema::<G>();
        if let Some(schema) = operation.body.as_mut().and_then(|body| body.pointer_mut("/content/application~1json/schema")) {
            *schema = json!({"oneOf": [schema.take(), guest]});
        }
    }
}

impl<T: DeserializeOwned + JsonSchema> DescribeArg for MaybeBody<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.json_body::<T>(false, DEFAULT_LIMIT);
        operation.body_check = Some(BodyCheck { limit: DEFAULT_LIMIT, faults: faults_of::<T> });
        operation.refuse(OF_A_BODY);
    }
}

impl DescribeArg for NoBody {
    fn describe(operation: &mut OperationBuilder<'_>) {
        MaybeBody::<Option<EmptyBody>>::describe(operation);
    }
}

impl<T: DeserializeOwned + JsonSchema> DescribeArg for Form<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        let schema = operation.schema::<T>();
        operation.body = Some(json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}));
        operation.body_check = Some(BodyCheck { limit: DEFAULT_LIMIT, faults: faults_of_form::<T> });
        operation.refuse(OF_A_BODY);
    }
}

impl<const LIMIT: usize> DescribeArg for RawBody<LIMIT> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.body = Some(json!({"required": true, "content": {"*/*": {"schema": {}}}, "x-max-bytes": LIMIT}));
        operation.refuse([Code::MALFORMED_REQUEST, Code::PAYLOAD_TOO_LARGE]);
    }
}

#[cfg(test)]
#[path = "tests/body.rs"]
mod tests;
