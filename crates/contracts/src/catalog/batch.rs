//! Many products in one request.

use super::{CreateProduct, Product};
use crate::{body::BoundedVec, problem::Document};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates up to 250 products, each in DRAFT. Those that cannot be created do not stop the others.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProducts {
    pub items: BoundedVec<CreateProduct, 1, 250>,
}

/// What became of one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductResult {
    /// Its place in the request, from 0.
    pub index: u32,
    /// What the status of an answer to a request with this product alone would be: 201, 409 or 422.
    pub status: u16,
    /// Null when it was not created.
    pub product: Option<Product>,
    /// Why it was not created; otherwise null.
    pub problem: Option<Document>,
}

/// What became of the products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductResults {
    /// One for each product, in the order of the request.
    pub items: Vec<ProductResult>,
}
