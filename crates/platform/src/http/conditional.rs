//! Conditional requests: `ETag`, `If-Match`, `If-None-Match` (RFC 9110, 8.8 and 13).

use super::{
    answer::{Answer, Paged, RenderedPage, Stored},
    describe::{DescribeAnswer, DescribeArg, OperationBuilder},
    problem::Problem,
};
use crate::hex;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use contracts::{
    page::Page,
    problem::{Code, Fault},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A strong entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of an object at this version.
    #[must_use]
    pub fn of_version(version: i64) -> ETag {
        ETag(format!("v{version}"))
    }
    /// The tag of an object at this version whose answer has other parts as well: `beside` is a hash of those.
    #[must_use]
    pub fn of_version_beside(version: i64, beside: u64) -> ETag {
        ETag(format!("v{version}-{beside:x}"))
    }
    /// Adds a part of the answer that others change, such as a rating: a cached copy is compared with it, `If-Match` is not.
    #[must_use]
    pub fn beside_others(self, part: u64) -> ETag {
        ETag(format!("{}.{part:x}", self.0))
    }
    /// The tag of an answer without a version, such as a page of a list.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> ETag {
        let hash = Sha256::digest(bytes);
        ETag(hex::encode(&hash[..12]))
    }
    fn header(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// The versions that the caller may change. Absent unless it sent `If-Match`.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Checks that the caller's copy is the present version.
    ///
    /// # Errors
    /// 412 `PRECONDITION_FAILED` with the present `ETag`.
    pub fn check(&self, present: &ETag) -> Result<(), Problem> {
        match &self.0 {
            Some(tags) if !tags.iter().any(|tag| tag == "*" || compared(tag) == compared(&present.to_string())) => {
                Err(Problem::new(Code::PRECONDITION_FAILED).header(header::ETAG, present.header()).member("etag", present.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Checks a request for something that does not exist yet.
    ///
    /// # Errors
    /// 412 `PRECONDITION_FAILED` when the caller expects a version.
    pub fn check_absent(&self) -> Result<(), Problem> {
        match &self.0 {
            Some(_) => Err(Problem::new(Code::PRECONDITION_FAILED).detail("there is nothing yet that this could match")),
            None => Ok(()),
        }
    }
}

/// Returns the part of a tag that `If-Match` compares: all before [`ETag::beside_others`].
fn compared(tag: &str) -> &str {
    // A weak tag matches nothing.
    tag.strip_prefix('"').and_then(|strong| strong.split(['.', '"']).next()).unwrap_or(tag)
}

/// A list of entity tags, or `*`.
const TAGS_PATTERN: &str = r#"^(\*|(W/)?"[!#-+\--~]*"( *, *(W/)?"[!#-+\--~]*"){0,31})$"#;

/// Splits `"a", W/"b", *`. `None` when it is not such a list.
fn tags(value: &str) -> Option<Vec<String>> {
    let tags: Vec<String> = value.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
    let sound = |tag: &String| {
        let quoted = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || (quoted.len() >= 2 && quoted.starts_with('"') && quoted.ends_with('"') && !quoted[1..quoted.len() - 1].contains('"'))
    };
    (!tags.is_empty() && tags.len() <= 32 && tags.iter().all(sound)).then_some(tags)
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        IfMatch::read(&parts.headers)
    }
}

impl IfMatch {
    fn read(headers: &HeaderMap) -> Result<IfMatch, Problem> {
        let Some(value) = headers.get(header::IF_MATCH) else { return Ok(IfMatch(None)) };
        // An unknown tag is stale and not malformed.
        value.to_str().ok().and_then(tags).map(|tags| IfMatch(Some(tags))).ok_or_else(|| {
            let problem = Problem::new(Code::MALFORMED_REQUEST).detail("the If-Match header cannot be read");
            problem.fault(Fault::header("If-Match", "NOT_AN_ETAG", "must be an ETag in double quotes, as it was given"))
        })
    }
}

impl DescribeArg for IfMatch {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.parameter(
            "header",
            "If-Match",
            false,
            json!({"type": "string", "pattern": TAGS_PATTERN}),
            "The `ETag` of the copy that is being changed.",
        );
        operation.refuse([Code::MALFORMED_REQUEST, Code::PRECONDITION_FAILED]);
        operation.header_checks.push(|headers| IfMatch::read(headers).err());
    }
}

/// Whether `If-None-Match` names the tag of the answer (weak comparison, RFC 9110), so that it becomes 304.
pub(super) fn none_match(wanted: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Some(present), Ok(wanted)) = (headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()), wanted.to_str()) else { return false };
    let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    wanted.split(',').map(str::trim).any(|tag| tag == "*" || strong(tag) == strong(present))
}

/// An answer with its `ETag`. The request layers make 304 of it where `If-None-Match` names the tag.
#[derive(Debug, Clone)]
pub struct Tagged<A>(pub ETag, pub A);

impl<A: Answer> Answer for Tagged<A> {
    fn stored(&self) -> Stored {
        self.1.stored().header(header::ETAG, self.0.header())
    }
}

impl<A: Answer> IntoResponse for Tagged<A> {
    fn into_response(self) -> Response {
        self.stored().into_response()
    }
}

impl<A: DescribeAnswer> DescribeAnswer for Tagged<A> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
        operation.answer_header("ETag", "The version of this copy, for `If-Match` and `If-None-Match`.");
        operation.conditional = true;
    }
}

/// A page of a list with the `ETag` of its bytes, for lists that callers read again and again.
#[derive(Debug, Clone)]
pub struct TaggedPage<T>(pub Page<T>);

impl<T: Serialize> IntoResponse for TaggedPage<T> {
    fn into_response(self) -> Response {
        let body = match serde_json::to_vec(&self.0) {
            Ok(body) => body,
            Err(error) => return Problem::internal(&error).into_response(),
        };
        let tag = ETag::of_bytes(&body).header();
        let mut response = RenderedPage { body: body.into(), next_cursor: self.0.next_cursor }.into_response();
        response.headers_mut().insert(header::ETAG, tag);
        response
    }
}

impl<T: Serialize + JsonSchema> DescribeAnswer for TaggedPage<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        <Paged<T>>::describe(operation);
        operation.answer_header("ETag", "The version of this page, for `If-None-Match`.");
        operation.conditional = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_copy_is_refused_with_the_present_tag() {
        let present = ETag::of_version(3);
        let stale = IfMatch(tags("\"v2\"")).check(&present).unwrap_err().into_response();
        assert_eq!(stale.status(), 412);
        assert_eq!(stale.headers()["etag"], "\"v3\"");
        for fresh in ["\"v3\"", "*", "\"v2\", \"v3\""] {
            IfMatch(tags(fresh)).check(&present).unwrap();
        }
        let rated = ETag::of_version(3).beside_others(0x1c2);
        assert_eq!(rated.to_string(), "\"v3.1c2\"");
        for fresh in ["\"v3\"", "\"v3.1\"", "\"v2\", \"v3.1c2\""] {
            IfMatch(tags(fresh)).check(&rated).unwrap();
        }
        for stale in ["\"v2.1c2\"", "\"v2\"", "\"v31\"", "W/\"v3\"", "\"\""] {
            assert!(IfMatch(tags(stale)).check(&rated).is_err(), "{stale}");
        }
        IfMatch(None).check(&present).unwrap();
        IfMatch(None).check_absent().unwrap();
        assert_eq!(IfMatch(tags("*")).check_absent().unwrap_err().code(), Code::PRECONDITION_FAILED);
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for bad in ["", "v3", "\"v3", "\"a\"b\"", ",", "W/v3"] {
            assert_eq!(tags(bad), None, "{bad}");
        }
    }
}
