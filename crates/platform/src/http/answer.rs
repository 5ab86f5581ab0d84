//! What handlers answer. Every answer can be stored under an idempotency key, because it is rendered the same way.

use super::{
    BASE, IDEMPOTENCY_REPLAYED,
    describe::{DescribeAnswer, OperationBuilder},
    problem::Problem,
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::page::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// A rendered answer, as it is sent and as an idempotency record stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

/// The headers of a stored answer, as text for a column.
#[derive(Serialize, Deserialize)]
struct HeadersText(Vec<(String, String)>);

impl Stored {
    /// JSON with this status. A value that cannot be written as JSON is logged, and answered with 500.
    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Stored {
        match serde_json::to_vec(value) {
            Ok(body) => Stored::rendered_json(status, body.into()),
            Err(error) => Stored::from(&Problem::internal(&error)),
        }
    }

    fn rendered_json(status: StatusCode, body: Bytes) -> Stored {
        Stored { status, headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body }
    }

    /// No body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Stored {
        Stored { status, headers: Vec::new(), body: Bytes::new() }
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Stored {
        self.headers.push((name, value));
        self
    }

    /// Whether a repetition gets this answer: 401, 403, 429, 500 and 503 say nothing about the execution.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !matches!(self.status.as_u16(), 401 | 403 | 429 | 500 | 503)
    }

    /// The headers as JSON text, for a column beside status and body.
    #[must_use]
    pub fn headers_text(&self) -> String {
        let text = |(name, value): &(HeaderName, HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
        serde_json::to_string(&HeadersText(self.headers.iter().filter_map(text).collect())).unwrap_or_default()
    }

    /// Restores a stored answer. `None` when the headers are not what [`headers_text`](Self::headers_text) wrote.
    #[must_use]
    pub fn restore(status: u16, headers: &str, body: Vec<u8>) -> Option<Stored> {
        let HeadersText(headers) = serde_json::from_str(headers).ok()?;
        let headers = headers
            .into_iter()
            .map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)))
            .collect::<Option<_>>()?;
        Some(Stored { status: StatusCode::from_u16(status).ok()?, headers, body: body.into() })
    }
}

impl From<&Problem> for Stored {
    fn from(problem: &Problem) -> Stored {
        let (status, body) = problem.rendered();
        Stored { status, headers: problem.headers(), body: body.into() }
    }
}

impl IntoResponse for Stored {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An answer that can be stored under an idempotency key.
pub trait Answer {
    /// Status, headers and body.
    fn stored(&self) -> Stored;
}

/// 200 with JSON.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// 201 with JSON, and the path of the new resource without [`BASE`].
#[derive(Debug, Clone)]
pub struct Created<T> {
    pub location: String,
    pub body: T,
}

impl<T> Created<T> {
    pub fn at(location: impl Into<String>, body: T) -> Created<T> {
        Created { location: location.into(), body }
    }
}

/// 202: accepted, with an unknown outcome.
#[derive(Debug, Clone, Copy)]
pub struct Accepted;

/// 204.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

/// 200 with a page of a list. The request layers add a `Link` to the next page.
#[derive(Debug, Clone)]
pub struct Paged<T>(pub Page<T>);

/// The cursor from which the request layers make the `Link` header.
#[derive(Clone)]
pub(super) struct NextCursor(pub String);

/// Lets the request layers add a `Link` to the next page, if there is one.
pub fn link_next(mut response: Response, cursor: Option<String>) -> Response {
    if let Some(cursor) = cursor {
        response.extensions_mut().insert(NextCursor(cursor));
    }
    response
}

/// 200 with a rendered page of any shape. The request layers add a `Link` to the next page.
#[derive(Debug, Clone)]
pub struct RenderedPage {
    /// JSON.
    pub body: Bytes,
    pub next_cursor: Option<String>,
}

impl IntoResponse for RenderedPage {
    fn into_response(self) -> Response {
        link_next(Stored::rendered_json(StatusCode::OK, self.body).into_response(), self.next_cursor)
    }
}

impl<T: Serialize> Answer for Json<T> {
    fn stored(&self) -> Stored {
        Stored::json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> Answer for Created<T> {
    fn stored(&self) -> Stored {
        let stored = Stored::json(StatusCode::CREATED, &self.body);
        match HeaderValue::try_from(format!("{BASE}{}", self.location)) {
            Ok(location) => stored.header(header::LOCATION, location),
            Err(_) => stored,
        }
    }
}

impl Answer for Accepted {
    fn stored(&self) -> Stored {
        Stored::empty(StatusCode::ACCEPTED)
    }
}

impl Answer for NoContent {
    fn stored(&self) -> Stored {
        Stored::empty(StatusCode::NO_CONTENT)
    }
}

macro_rules! respond {
    ($($name:ident $(<$param:ident>)?),*) => {$(
        impl $(<$param: Serialize>)? IntoResponse for $name $(<$param>)? {
            fn into_response(self) -> Response { self.stored().into_response() }
        }
    )*};
}
respond!(Json<T>, Created<T>, Accepted, NoContent);

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        link_next(Stored::json(StatusCode::OK, &self.0).into_response(), self.0.next_cursor)
    }
}

/// The answer of a request under an idempotency key. A repetition gets the first answer, byte for byte. `A` is its type:
/// `Idempotent<Created<OrderView>>`.
#[derive(Debug, Clone)]
pub struct Idempotent<A> {
    pub stored: Stored,
    pub replayed: bool,
    answer: PhantomData<fn() -> A>,
}

impl<A> Idempotent<A> {
    /// The answer of the execution itself.
    pub fn first(answer: &A) -> Idempotent<A>
    where
        A: Answer,
    {
        Idempotent { stored: answer.stored(), replayed: false, answer: PhantomData }
    }

    /// A stored answer.
    #[must_use]
    pub fn of(stored: Stored, replayed: bool) -> Idempotent<A> {
        Idempotent { stored, replayed, answer: PhantomData }
    }
}

impl<A> IntoResponse for Idempotent<A> {
    fn into_response(self) -> Response {
        let mut response = self.stored.into_response();
        if self.replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

impl<T: JsonSchema> DescribeAnswer for Json<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<T>(200, "The answer.");
    }
}
impl<T: JsonSchema> DescribeAnswer for Created<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<T>(201, "It was made.");
        operation.answer_header("Location", "Where it is.");
    }
}
impl<T: JsonSchema> DescribeAnswer for Paged<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<Page<T>>(200, "A page of the list.");
        operation.answer_header("Link", "The next page, with `rel=\"next\"`.");
    }
}
impl DescribeAnswer for Accepted {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(202, "It was taken.");
    }
}
impl DescribeAnswer for NoContent {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.empty_answer(204, "It is done.");
    }
}
impl<A: DescribeAnswer> DescribeAnswer for Idempotent<A> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
        operation.answer_header("Idempotency-Replayed", "`true` when this answer was given before.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_answer_is_restored_byte_for_byte() {
        let first = Idempotent::first(&Created::at("/orders/1", [1, 2])).stored;
        let again = Stored::restore(first.status.as_u16(), &first.headers_text(), first.body.to_vec()).unwrap();
        assert_eq!(again, first);
        let response = Idempotent::<Created<[i32; 2]>>::of(again, true).into_response();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], "/api/v1/orders/1");
        assert_eq!(response.headers()["idempotency-replayed"], "true");
    }
}
