//! The `Idempotency-Key` header and its scope. `platform::idempotency` stores the answers.

use super::{
    IDEMPOTENCY_KEY,
    describe::{DescribeArg, OperationBuilder},
    problem::Problem,
};
use crate::identity::{self, GuestSubject};
use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, request::Parts},
};
use contracts::{
    ids::Uuid,
    problem::{Code, Fault},
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// The subject of requests without a token.
pub const ANONYMOUS: &str = "anonymous";

/// A key under which this request takes effect once. Required: without it the request is 400 `IDEMPOTENCY_KEY_REQUIRED`.
///
/// Its scope is caller, method and path, made of what was parsed: how the request was spelled makes no difference. [`request_hash`](Self::request_hash) distinguishes a repetition from another request.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// What the caller chose, without quotes: 1 to 255 printable ASCII characters.
    pub key: String,
    /// The `sub` of the caller's token, the hash of a guest's token, or [`ANONYMOUS`].
    pub subject: String,
    /// Upper case, such as `POST`.
    pub method: String,
    path: ParsedPath,
    hash: BodyHash,
    /// The key under which the answer is stored, when it carries a secret.
    pub(crate) seal: Option<[u8; 32]>,
    /// Whom or what the answer is about, when that is not the caller.
    pub(crate) about: Option<Uuid>,
}

impl IdempotencyKey {
    /// A key without a request.
    #[cfg(test)]
    pub(crate) fn made(
        key: impl Into<String>,
        subject: impl Into<String>,
        method: &str,
        path: impl Into<String>,
        body: &[u8],
    ) -> IdempotencyKey {
        let hash = BodyHash::default();
        hash.set(body);
        let path = ParsedPath { raw: path.into().into(), parsed: Arc::default() };
        IdempotencyKey { key: key.into(), subject: subject.into(), method: method.to_owned(), path, hash, seal: None, about: None }
    }

    /// The path without [`super::BASE`], with the parsed parameters filled in: two spellings of one SKU have one path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.get()
    }

    /// The key of a request whose answer carries a secret: the answer is stored encrypted with `seal`, and kept for
    /// [`SEALED_KEPT`](crate::idempotency::SEALED_KEPT) alone. Every request to the same path must use the same `seal`.
    #[must_use]
    pub fn sealed(self, seal: [u8; 32]) -> IdempotencyKey {
        IdempotencyKey { seal: Some(seal), ..self }
    }

    /// The key of a request whose answer says something about a person who is not the caller with an account: a user, or something of a
    /// user such as an order. Who erases the person deletes the stored answer by [`forget_answers`](crate::personal::forget_answers).
    #[must_use]
    pub fn about(self, subject: impl Into<Uuid>) -> IdempotencyKey {
        IdempotencyKey { about: Some(subject.into()), ..self }
    }

    /// SHA-256 of the body. Complete once the handler runs, because every argument has been extracted by then.
    #[must_use]
    pub fn request_hash(&self) -> [u8; 32] {
        self.hash.get()
    }
}

/// An optional `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct MaybeIdempotencyKey(pub Option<IdempotencyKey>);

impl MaybeIdempotencyKey {
    /// As [`IdempotencyKey::sealed`].
    #[must_use]
    pub fn sealed(self, seal: [u8; 32]) -> MaybeIdempotencyKey {
        MaybeIdempotencyKey(self.0.map(|key| key.sealed(seal)))
    }

    /// As [`IdempotencyKey::about`].
    #[must_use]
    pub fn about(self, subject: impl Into<Uuid>) -> MaybeIdempotencyKey {
        MaybeIdempotencyKey(self.0.map(|key| key.about(subject)))
    }
}

/// An `Idempotency-Key` on a request whose answer is not stored, because it holds secrets or because a repetition is harmless.
/// Its syntax is checked; the handler decides what else it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnstoredIdempotencyKey(pub Option<String>);

impl UnstoredIdempotencyKey {
    /// Describes the header and its effect in this request.
    pub fn describe_as(operation: &mut OperationBuilder<'_>, about: &str) {
        parameter(operation, false, about);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UnstoredIdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(&parts.headers).map(UnstoredIdempotencyKey)
    }
}

impl DescribeArg for UnstoredIdempotencyKey {
    fn describe(operation: &mut OperationBuilder<'_>) {
        UnstoredIdempotencyKey::describe_as(
            operation,
            "Checked, and otherwise without effect: no answer is kept here, and a repetition is served anew.",
        );
    }
}

/// The path of a request. The extractor of the path parameters sets it, before or after the key is extracted.
#[derive(Debug, Clone)]
struct ParsedPath {
    /// As it was sent, for a route without parameters.
    raw: Arc<str>,
    parsed: Arc<OnceLock<String>>,
}

impl ParsedPath {
    fn get(&self) -> &str {
        self.parsed.get().map_or(&*self.raw, String::as_str)
    }

    /// The path of this request, shared by its extractors.
    fn of(parts: &mut Parts) -> ParsedPath {
        if let Some(path) = parts.extensions.get::<ParsedPath>() {
            return path.clone();
        }
        let path = ParsedPath { raw: parts.uri.path().into(), parsed: Arc::default() };
        parts.extensions.insert(path.clone());
        path
    }
}

/// Puts the parsed parameters into the path that the scope of a key is made of. Does nothing for a request without a key.
pub(super) fn set_path_parameters<T: Serialize>(parts: &mut Parts, parameters: &T) {
    let Some(template) = parts.extensions.get::<MatchedPath>().cloned() else { return };
    if !parts.headers.contains_key(IDEMPOTENCY_KEY) {
        return;
    }
    if let Some(path) = serde_json::to_value(parameters).ok().and_then(|values| fill(template.as_str(), values)) {
        let _ = ParsedPath::of(parts).parsed.set(path);
    }
}

/// Fills the parameters of a template in their order. `None` when their number differs.
fn fill(template: &str, values: Value) -> Option<String> {
    let mut values = match values {
        Value::Array(values) => values,
        value => vec![value],
    }
    .into_iter();
    let mut path = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, parameter)) = rest.split_once('{') {
        path.push_str(before);
        match values.next()? {
            Value::String(text) => path.push_str(&text),
            other => path.push_str(&other.to_string()),
        }
        rest = parameter.split_once('}')?.1;
    }
    path.push_str(rest);
    values.next().is_none().then_some(path)
}

/// Set by the extractor that reads the body, so that only requests with a key are hashed.
#[derive(Debug, Clone, Default)]
pub(super) struct BodyHash(Arc<OnceLock<[u8; 32]>>);

impl BodyHash {
    pub(super) fn set(&self, body: &[u8]) {
        let _ = self.0.set(Sha256::digest(body).into());
    }
    fn get(&self) -> [u8; 32] {
        *self.0.get_or_init(|| Sha256::digest([]).into())
    }
}

/// Parses the header; `None` when it is absent.
fn parse(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let bad = |detail: &'static str| {
        Problem::new(Code::BAD_IDEMPOTENCY_KEY).fault(Fault::header("Idempotency-Key", "BAD_IDEMPOTENCY_KEY", detail))
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad("is given more than once"));
    }
    let text = value.to_str().map_err(|_| bad("must be printable ASCII"))?.trim();
    // RFC 8941 strings: quoted, with backslash before quote and backslash.
    let key = match text.strip_prefix('"') {
        None => text.to_owned(),
        Some(quoted) => unquote(quoted).ok_or_else(|| bad("is a quoted string that does not end properly"))?,
    };
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(bad("must have 1 to 255 printable ASCII characters"));
    }
    Ok(Some(key))
}

fn unquote(text: &str) -> Option<String> {
    let mut key = String::with_capacity(text.len());
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(key),
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeIdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(key) = parse(&parts.headers)? else { return Ok(MaybeIdempotencyKey(None)) };
        let guest = parts.extensions.get::<GuestSubject>().map(|guest| guest.0.clone());
        let subject = match guest {
            Some(guest) => guest,
            None => identity::identify(parts).await?.map_or_else(|| ANONYMOUS.to_owned(), |identity| identity.subject.clone()),
        };
        let hash = BodyHash::default();
        parts.extensions.insert(hash.clone());
        let (method, path) = (parts.method.as_str().to_owned(), ParsedPath::of(parts));
        Ok(MaybeIdempotencyKey(Some(IdempotencyKey { key, subject, method, path, hash, seal: None, about: None })))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let MaybeIdempotencyKey(key) = MaybeIdempotencyKey::from_request_parts(parts, state).await?;
        key.ok_or_else(|| {
            let fault = Fault::header("Idempotency-Key", "REQUIRED", "must be given");
            Problem::new(Code::IDEMPOTENCY_KEY_REQUIRED).fault(fault)
        })
    }
}

/// 1 to 255 printable ASCII characters, bare or as a quoted string.
const KEY_PATTERN: &str = r#"^([!#-~]([ -~]{0,253}[!-~])?|"([ !#-\[\]-~]|\\["\\]){1,255}")$"#;

fn describe(operation: &mut OperationBuilder<'_>, required: bool) {
    parameter(operation, required, "The same key and body gives the first answer again, with `Idempotency-Replayed: true`.");
    operation.refuse([Code::IDEMPOTENCY_IN_PROGRESS, Code::IDEMPOTENCY_KEY_REUSED]);
    if required {
        operation.refuse([Code::IDEMPOTENCY_KEY_REQUIRED]);
    }
}

fn parameter(operation: &mut OperationBuilder<'_>, required: bool, about: &str) {
    let schema = json!({"type": "string", "pattern": KEY_PATTERN, "examples": ["b6f1c2d8-checkout-1"]});
    operation.parameter("header", "Idempotency-Key", required, schema, about);
    operation.refuse([Code::BAD_IDEMPOTENCY_KEY]);
    operation.header_checks.push(|headers| parse(headers).err());
}

impl DescribeArg for IdempotencyKey {
    fn describe(operation: &mut OperationBuilder<'_>) {
        describe(operation, true);
    }
}

impl DescribeArg for MaybeIdempotencyKey {
    fn describe(operation: &mut OperationBuilder<'_>) {
        describe(operation, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(value: &[u8]) -> Result<Option<String>, Code> {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        parse(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_is_read_bare_or_quoted() {
        for (value, key) in [("abc", "abc"), ("\"abc\"", "abc"), (r#""a\"b\\c""#, r#"a"b\c"#), (" a b ", "a b")] {
            assert_eq!(read(value.as_bytes()).unwrap().as_deref(), Some(key));
        }
        assert_eq!(read("x".repeat(255).as_bytes()).unwrap().unwrap().len(), 255);
        assert_eq!(parse(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn a_key_that_cannot_be_used_is_refused() {
        let long = "x".repeat(256);
        for bad in [&b""[..], b"  ", b"\"\"", b"\"abc", b"\"a\"b", br#""\n""#, "schl\u{fc}ssel".as_bytes(), b"a\tb", long.as_bytes()] {
            assert_eq!(read(bad), Err(Code::BAD_IDEMPOTENCY_KEY), "{}", String::from_utf8_lossy(bad));
        }
        let mut twice = HeaderMap::new();
        twice.append(IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        twice.append(IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        assert_eq!(parse(&twice).unwrap_err().status(), 400);
    }

    #[test]
    fn parameters_are_filled_into_a_path_in_their_order() {
        assert_eq!(fill("/stock/{sku}/adjust", json!("A-1")).as_deref(), Some("/stock/A-1/adjust"));
        assert_eq!(fill("/users/{userId}/addresses/{addressId}", json!(["u", 7])).as_deref(), Some("/users/u/addresses/7"));
        assert_eq!(fill("/users/{userId}", json!(["u", "a"])), None);
        assert_eq!(fill("/users/{userId}/addresses/{addressId}", json!(["u"])), None);
    }
}
