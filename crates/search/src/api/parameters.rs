//! The query parameters of the endpoints.

use crate::domain::query::Request;
use axum::{extract::FromRequestParts, http::request::Parts};
use contracts::search::SearchQuery;
use platform::http::{DescribeArg, Problem, describe::OperationBuilder, query::pairs};
use serde_json::json;

/// The search request of the query string.
pub struct SearchParams(pub Request);

impl<S: Send + Sync> FromRequestParts<S> for SearchParams {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Request::parse(pairs(parts)?).map(SearchParams).map_err(Problem::invalid)
    }
}

impl DescribeArg for SearchParams {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.query::<SearchQuery>();
        operation.open_parameter(
            "attr.",
            "NAME",
            json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 200}}),
            "The attribute NAME has this value, such as `attr.color=red`. Given several times, one of them; different \
             attributes must all be met.",
        );
    }
}
