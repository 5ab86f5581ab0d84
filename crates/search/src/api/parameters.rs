//! The query parameters of the endpoints.

use crate::{
    Error,
    domain::query::{self, Request},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use contracts::{
    ids::{CategoryId, UserId},
    money::Currency,
    problem::Fault,
    search::Sort,
};
use platform::http::{DescribeArg, Problem, describe::OperationBuilder, query::pairs};
use schemars::JsonSchema;
use serde::Deserialize;
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
        operation.query::<Parameters>();
        operation.open_parameter(
            "attr.",
            "NAME",
            json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 200}}),
            "The attribute NAME has this value, such as `attr.color=red`. Given several times, one of them; different \
             attributes must all be met.",
        );
    }
}

/// The parameters of a search for the API description only, because some may be repeated and attribute names are open.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes and is never made")]
struct Parameters {
    /// Plain text of at most 500 characters and 40 words. Every word must be found. The last word may be the beginning of a
    /// longer one, and a word that no product has is also searched in similar spellings. Without text everything is found.
    q: Option<String>,
    /// In this category or below it. If repeated, in one of them.
    category: Option<Vec<CategoryId>>,
    /// Of this brand. If repeated, of one of them.
    brand: Option<Vec<String>>,
    /// Sold by this seller. If repeated, by one of them.
    seller_id: Option<Vec<UserId>>,
    /// Whether the product is in stock.
    in_stock: Option<bool>,
    /// Priced in this currency. `minPrice`, `maxPrice` and sorting by price compare amounts of one currency: this one, or the
    /// shop's default currency. Products in other currencies are then left out.
    currency: Option<Currency>,
    /// The least price in minor units of `currency`.
    min_price: Option<i64>,
    /// The highest price in minor units of `currency`.
    max_price: Option<i64>,
    /// The order of the hits; `relevance` unless given.
    sort: Option<Sort>,
}

/// The text typed so far.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SuggestQuery {
    /// Plain text of at most 500 characters and 40 words.
    q: String,
}

impl SuggestQuery {
    /// Returns the text as a search parses it; `None` when it is blank.
    ///
    /// # Errors
    /// 422 when the text is too long.
    pub fn text(&self) -> Result<Option<String>, Error> {
        query::search_text(&self.q).map_err(|refused| Error::Invalid(vec![Fault::parameter("q", refused.code, refused.detail)]))
    }
}
