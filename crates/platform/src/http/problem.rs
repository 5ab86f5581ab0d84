//! Errors of extractors and handlers, rendered as problem documents (RFC 9457).

use crate::{context::Context, error_chain};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, Document, Fault};
use serde_json::{Map, Value};
use std::{borrow::Cow, error::Error, fmt, time::Duration};

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The members that every document has. No other member may have one of these names.
const STANDARD: [&str; 8] = ["type", "title", "status", "detail", "code", "correlationId", "retryable", "errors"];

/// The `Retry-After` of retryable problems that set none.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A code of the catalogue with the details of this case. Boxed, because it is the rare branch.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    /// Replaces the status of the code.
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of this code. Its detail is the catalogue's help unless [`detail`](Self::detail) replaces it.
    #[must_use]
    pub fn new(code: Code) -> Problem {
        Problem(Box::new(Parts {
            code,
            detail: Cow::Borrowed(code.help()),
            faults: Vec::new(),
            members: Map::new(),
            retry_after: None,
            status: None,
            headers: Vec::new(),
        }))
    }

    /// Sets what is wrong in this case, as callers read it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Problem {
        self.0.detail = detail.into();
        self
    }

    /// Adds a faulty value.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Problem {
        self.0.faults.push(fault);
        self
    }

    /// Adds a member, such as `lines`. A value that cannot be written as JSON is omitted.
    ///
    /// # Panics
    /// In a debug build, when it is the name of a standard member.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl serde::Serialize) -> Problem {
        debug_assert!(!STANDARD.contains(&name), "{name} is a standard member of problem documents");
        if let Ok(value) = serde_json::to_value(value) {
            self.0.members.insert(name.to_owned(), value);
        }
        self
    }

    /// Answers 422 instead of the status of the code, for a value of the request that is refused for a reason which is a conflict
    /// elsewhere.
    #[must_use]
    pub fn unprocessable(mut self) -> Problem {
        self.0.status = Some(StatusCode::UNPROCESSABLE_ENTITY);
        self
    }

    /// Sets how long the caller waits before it retries.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Problem {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds a header, such as the present `ETag` of a 412.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// 422 with these faults. Its detail names the first one.
    #[must_use]
    pub fn invalid(faults: Vec<Fault>) -> Problem {
        let mut problem = Problem::new(Code::INVALID_REQUEST);
        if let Some(first) = faults.first() {
            let more = match faults.len() - 1 {
                0 => String::new(),
                1 => "; 1 more fault".to_owned(),
                more => format!("; {more} more faults"),
            };
            problem.0.detail = format!("{} {}{more}", place(first), first.detail).into();
        }
        problem.0.faults = faults;
        problem
    }

    /// 408 for a body that did not arrive in time. The connection ends, because the rest of the body is not read.
    #[must_use]
    pub fn slow_body() -> Problem {
        let problem = Problem::new(Code::REQUEST_TIMEOUT).detail("the body did not arrive in time");
        problem.header(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 500 for an unexpected error. The chain of errors goes to one log line with the correlation id, and not to the caller.
    #[must_use]
    pub fn internal(error: &dyn Error) -> Problem {
        tracing::error!(correlation_id = %Context::current().correlation_id, error = error_chain(error), "unexpected error");
        Problem::new(Code::INTERNAL_ERROR)
    }

    /// Passes on the problem of an upstream. A code that is not in the catalogue becomes 500.
    #[must_use]
    pub fn carried(document: Document) -> Problem {
        match Code::find(&document.code) {
            Some(code) => {
                let mut problem = Problem::new(code).detail(document.detail);
                problem.0.faults = document.errors;
                problem.0.members = document.members;
                problem
            }
            None => {
                tracing::error!(correlation_id = %document.correlation_id, code = %document.code, "an upstream answered with an unknown code");
                Problem::new(Code::INTERNAL_ERROR)
            }
        }
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status.or_else(|| StatusCode::from_u16(self.0.code.status()).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// The value of `Retry-After`: the one that was set, or the default of the code, or none.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        let usual = matches!(self.0.code.status(), 429 | 503) || self.0.code == Code::IDEMPOTENCY_IN_PROGRESS;
        self.0.retry_after.or(usual.then_some(DEFAULT_RETRY_AFTER))
    }

    /// The document that callers see, with the correlation id of the present context.
    #[must_use]
    pub fn document(&self) -> Document {
        let Parts { code, detail, faults, members, .. } = &*self.0;
        Document {
            r#type: format!("/problems/{}", code.slug()),
            title: code.title().to_owned(),
            status: self.status().as_u16(),
            detail: detail.clone().into_owned(),
            code: code.as_str().to_owned(),
            correlation_id: Context::current().correlation_id.to_string(),
            retryable: code.retryable(),
            errors: faults.clone(),
            members: members.clone(),
        }
    }

    /// The headers of the answer, including the content type.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = self.0.headers.clone();
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
        if let Some(wait) = self.wait() {
            headers.push((header::RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).max(1) as u64)));
        }
        // A challenge of another scheme replaces this one.
        if self.0.code.status() == 401 && headers.iter().all(|(name, _)| *name != header::WWW_AUTHENTICATE) {
            headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        headers
    }

    /// The answer's status and body.
    #[must_use]
    pub fn rendered(&self) -> (StatusCode, Vec<u8>) {
        (self.status(), serde_json::to_vec(&self.document()).unwrap_or_default())
    }
}

/// Names the place of a fault as people write it: `lines[1].quantity`.
fn place(fault: &Fault) -> String {
    if let Some(header) = &fault.header {
        return format!("the header {header}");
    }
    let pointer = fault.parameter.as_deref().or(fault.pointer.as_deref()).unwrap_or_default();
    let Some(path) = pointer.strip_prefix('/') else {
        return if pointer.is_empty() { "the body".to_owned() } else { pointer.to_owned() };
    };
    let mut place = String::new();
    for part in path.split('/') {
        match part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            true => place.push_str(&format!("[{part}]")),
            false if place.is_empty() => place.push_str(&part.replace("~1", "/").replace("~0", "~")),
            false => place.push_str(&format!(".{}", part.replace("~1", "/").replace("~0", "~"))),
        }
    }
    place
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, body) = self.rendered();
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        for (name, value) in self.headers() {
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Problem {
        Problem::new(code)
    }
}

impl From<Document> for Problem {
    fn from(document: Document) -> Problem {
        Problem::carried(document)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_code_the_members_and_the_correlation_id() {
        let problem = Problem::new(Code::INSUFFICIENT_STOCK).detail("one line is short").member("lines", [1, 2]);
        let (status, body) = Context::new("c-1").sync_scope(|| problem.rendered());
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 409);
        assert_eq!(body["type"], "/problems/insufficient-stock");
        assert_eq!(body["correlationId"], "c-1");
        assert_eq!(body["lines"], serde_json::json!([1, 2]));
        let carried = Problem::from(serde_json::from_value::<Document>(body).unwrap());
        assert_eq!(carried.code(), Code::INSUFFICIENT_STOCK);
        assert_eq!(carried.members()["lines"], serde_json::json!([1, 2]));
    }

    #[test]
    fn the_detail_of_a_422_names_the_first_fault_in_words() {
        let detail = |faults: Vec<Fault>| Problem::invalid(faults).document().detail;
        let range = || Fault::at("/lines/1/quantity", "OUT_OF_RANGE", "must be a whole number from 1 to 999");
        assert_eq!(detail(vec![range()]), "lines[1].quantity must be a whole number from 1 to 999");
        assert_eq!(detail(vec![Fault::at("", "WRONG_TYPE", "must be an object")]), "the body must be an object");
        assert_eq!(detail(vec![Fault::at("/a~1b~0/c", "REQUIRED", "must be given"), range()]), "a/b~.c must be given; 1 more fault");
        let three = vec![Fault::parameter("limit", "OUT_OF_RANGE", "must be a whole number from 1 to 100"), range(), range()];
        assert_eq!(detail(three), "limit must be a whole number from 1 to 100; 2 more faults");
        assert_eq!(detail(vec![Fault::header("If-Match", "NOT_AN_ETAG", "must be an ETag")]), "the header If-Match must be an ETag");
    }

    #[test]
    #[should_panic = "status is a standard member"]
    fn a_member_cannot_have_a_standard_name() {
        let _ = Problem::new(Code::ILLEGAL_TRANSITION).member("status", "CAPTURED");
    }

    #[test]
    fn the_standard_members_are_those_of_a_document() {
        let problem = Problem::invalid(vec![Fault::header("If-Match", "NOT_AN_ETAG", "must be an ETag")]);
        let document: Map<String, Value> = serde_json::from_slice(&problem.rendered().1).unwrap();
        let mut names: Vec<_> = document.keys().map(String::as_str).collect();
        let mut standard = STANDARD;
        names.sort_unstable();
        standard.sort_unstable();
        assert_eq!(names, standard);
    }

    #[test]
    fn retries_and_challenges_are_headers() {
        let waits = Problem::new(Code::RATE_LIMITED).retry_after(Duration::from_millis(1500)).into_response();
        assert_eq!(waits.headers()["retry-after"], "2");
        assert_eq!(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS).into_response().headers()["retry-after"], "1");
        assert_eq!(Problem::new(Code::UNAUTHENTICATED).into_response().headers()["www-authenticate"], "Bearer");
        let basic = Problem::new(Code::INVALID_CLIENT).header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        let challenges: Vec<_> = basic.into_response().headers().get_all("www-authenticate").iter().cloned().collect();
        assert_eq!(challenges, ["Basic"], "one way to prove it");
        assert!(!Problem::new(Code::NOT_FOUND).into_response().headers().contains_key("retry-after"));
    }

    #[test]
    fn an_internal_error_is_not_shown() {
        let (_, body) = Problem::internal(&std::io::Error::other("password=hunter2")).rendered();
        assert!(!String::from_utf8(body).unwrap().contains("hunter2"));
    }
}
