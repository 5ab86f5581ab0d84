//! RequestLayers 1: HTTP.

mod categories;
mod groups;
mod products;

use crate::{App, domain::reader::Reader};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use platform::{
    http::{Answer, DescribeAnswer, Routes, Tagged, TaggedPage, describe::OperationBuilder},
    identity::{ADMIN, MaybeUser},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes<App> {
    Routes::new("catalog")
        .get("/products", products::list, "Products, the newest first")
        .post("/products", products::create, "Makes a product, in DRAFT")
        .get("/products/{productId}", products::get, "One product")
        .get("/products/by-sku/{sku}", products::get_by_sku, "The product with this SKU")
        .patch("/products/{productId}", products::update, "Changes a product")
        .post("/products/{productId}/activate", products::activate, "Puts a product on sale")
        .post("/products/{productId}/deactivate", products::deactivate, "Takes a product off sale")
        .post("/products/{productId}/archive", products::archive, "Removes a product for good")
        .get("/products/{productId}/price-history", products::list_prices, "What a product cost, the newest price first")
        .get("/product-groups/{productGroupId}", groups::get, "The variants of one thing, with prices and availability")
        .get("/categories", categories::whole, "The tree of categories")
        .post("/categories", categories::create, "Makes a category")
        .get("/categories/{categoryId}", categories::get, "One category")
        .patch("/categories/{categoryId}", categories::update, "Renames or moves a category")
        .delete("/categories/{categoryId}", categories::delete, "Deletes a category that is not in use")
        .post("/internal/products/lookup", products::look_up, "Up to 200 products by id, in any status")
}

fn reader(user: &MaybeUser) -> Reader {
    match user.id() {
        Some(_) if user.has_role(ADMIN) => Reader::Admin,
        Some(id) => Reader::Person(id),
        None => Reader::Anyone,
    }
}

const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A read that its reader may keep, if they ask each time whether it is still the present one. `private`, because the
/// same path shows more to its owner.
struct Revalidated<A>(Tagged<A>);

impl<A: Answer> IntoResponse for Revalidated<A> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, ASK_EACH_TIME);
        response
    }
}

impl<A: DescribeAnswer> DescribeAnswer for Revalidated<A> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        <Tagged<A>>::describe(operation);
    }
}

/// The same for a page of a list.
struct RevalidatedPage<T>(TaggedPage<T>);

impl<T: Serialize> IntoResponse for RevalidatedPage<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, ASK_EACH_TIME);
        response
    }
}

impl<T: Serialize + JsonSchema> DescribeAnswer for RevalidatedPage<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        <TaggedPage<T>>::describe(operation);
    }
}
