//! Query parameters.

use super::{
    describe::{DescribeArg, OperationBuilder},
    paging,
    problem::Problem,
    query_param_guard, text,
};
use axum::{extract::FromRequestParts, http::request::Parts};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// The parameters of the query. Each one that `T` does not have, that comes twice or is not valid, is a fault of the 422.
/// `limit` and `cursor` belong to [`Paging`](super::Paging); [`Routes`](super::Routes) refuses them where that is no argument.
/// Optional parameters are `Option` fields; a flattened map takes any name.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + JsonSchema> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = text::pairs(parts.uri.query().unwrap_or(""))?;
        text::deserialize(pairs, paging::NAMES).map(Query).map_err(|faults| query_param_guard::refuse(parts, faults))
    }
}

impl<T: DeserializeOwned + JsonSchema> DescribeArg for Query<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.query::<T>();
        operation.query_checks.push(|pairs| text::deserialize::<T>(pairs, paging::NAMES).err().unwrap_or_default());
    }
}

/// All parameters, decoded, in their order: for extractors whose parameters may be repeated or have names that the caller
/// chooses. Such an extractor describes the names that it takes.
///
/// # Errors
/// 400 when an escape is broken or not UTF-8.
pub fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Problem> {
    text::pairs(parts.uri.query().unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{body::BoundedVec, ids::UserId, text::Sku, time::Timestamp};
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    enum Sort {
        #[serde(rename = "-price")]
        PriceDown,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Filter {
        user_id: Option<UserId>,
        sku: Option<Sku>,
        low_stock: Option<bool>,
        min_price: Option<i64>,
        sort: Option<Sort>,
        sizes: Option<BoundedVec<u8, 1, 2>>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Open {
        q: Option<String>,
        min: Option<i64>,
        #[serde(flatten)]
        attributes: BTreeMap<String, String>,
    }

    fn parse<T: DeserializeOwned + JsonSchema>(query: &str) -> Result<T, Problem> {
        text::parse(query, paging::NAMES)
    }

    #[test]
    fn parameters_become_typed_values() {
        let filter: Filter =
            parse("userId=0190a1b2-0000-7000-8000-000000000000&lowStock=true&minPrice=-5&sort=-price&sku=a%2Db%2d1&limit=3").unwrap();
        assert_eq!(filter.sku.unwrap().as_str(), "A-B-1");
        assert_eq!((filter.low_stock, filter.min_price, filter.sort), (Some(true), Some(-5), Some(Sort::PriceDown)));
        assert!(filter.user_id.is_some());
        for (query, sizes) in [("sizes=7", vec![7]), ("sizes=7&lowStock=true&sizes=8", vec![7, 8])] {
            assert_eq!(parse::<Filter>(query).unwrap().sizes.unwrap().into_vec(), sizes);
        }
        let time = "9999-12-31T00%3A00%3A00.5Z";
        assert!(parse::<Filter>(&format!("from={time}&to={time}")).is_ok());
        let open: Open = parse("q=red+shoe&min=3&attr.color=red&cursor=x").unwrap();
        assert_eq!(open.q.as_deref(), Some("red shoe"));
        assert_eq!(open.min, Some(3));
        assert_eq!(open.attributes["attr.color"], "red");
        assert!(parse::<()>("limit=1").is_ok() && parse::<()>("x=1").is_err());
        assert_eq!(open.attributes.len(), 1);
    }

    #[test]
    fn bad_parameters_are_named() {
        for (query, status, parameter, code) in [
            ("page=1", 422, "page", "UNKNOWN_PARAMETER"),
            ("lowStock=true&lowStock=true", 422, "lowStock", "REPEATED_PARAMETER"),
            ("lowStock=yes", 422, "lowStock", "WRONG_TYPE"),
            ("minPrice=1.5", 422, "minPrice", "WRONG_TYPE"),
            ("minPrice=99999999999999999999", 422, "minPrice", "WRONG_TYPE"),
            ("minPrice=", 422, "minPrice", "WRONG_TYPE"),
            ("sizes=7&sizes=x", 422, "sizes", "WRONG_TYPE"),
            ("sizes=1&sizes=2&sizes=3", 422, "sizes", "TOO_MANY"),
            ("lowStock=true&minPrice=1&lowStock=false", 422, "lowStock", "REPEATED_PARAMETER"),
            ("userId=7&userId=7&userId=7", 422, "userId", "REPEATED_PARAMETER"),
            ("sort=-price&sort=-price", 422, "sort", "REPEATED_PARAMETER"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 422, "from", "OUT_OF_RANGE"),
            ("to=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00-00:01", 422, "from", "OUT_OF_RANGE"),
            ("userId=0190A1B2-0000-7000-8000-000000000000", 422, "userId", "NOT_A_UUID"),
            ("userId=7", 422, "userId", "NOT_A_UUID"),
            ("sku=%00%00%00", 422, "sku", "NOT_A_SKU"),
            ("sku=..%2F..%2Fetc", 422, "sku", "NOT_A_SKU"),
            ("sort=colour", 422, "sort", "NOT_ONE_OF"),
        ] {
            let problem = parse::<Filter>(query).unwrap_err();
            assert_eq!(problem.status(), status, "{query}");
            assert_eq!(problem.faults()[0].parameter.as_deref(), Some(parameter), "{query}");
            assert_eq!(problem.faults()[0].code, code, "{query}");
        }
        for broken in ["sku=%", "sku=%f", "sku=%zz", "sku=%ff", "%C3%28=1"] {
            assert_eq!(parse::<Filter>(broken).unwrap_err().status(), 400, "{broken}");
        }
    }
}
