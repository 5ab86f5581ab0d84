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
            "attributes",
            json!({"type": "string", "minLength": 1, "maxLength": 200}),
            "Filters by attributes: each field of this object is a parameter, such as `attr.color=red`. One that is given several \
             times must have one of the values; different attributes must all be met.",
        );
    }
}
