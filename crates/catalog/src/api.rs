//! Entry point 1, HTTP: routes and handlers.

mod category_handlers;
mod group_handlers;
mod import_handlers;
mod picture_handlers;
mod product_handlers;
mod tax_handlers;

use crate::{App, domain::viewer::Viewer};
use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use platform::{
    http::{Answer, DescribeAnswer, Routes, Tagged, TaggedPage, describe::OperationBuilder},
    identity::{MaybeUser, Role},
};
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> Routes<App> {
    Routes::new("catalog")
        .get("/products", product_handlers::list, "Products, the newest first")
        .post("/products", product_handlers::create, "Makes a product, in DRAFT")
        .get("/products/{productId}", product_handlers::get, "One product")
        .get("/products/by-sku/{sku}", product_handlers::get_by_sku, "The product with this SKU")
        .patch("/products/{productId}", product_handlers::update, "Changes a product")
        .post("/products/{productId}/activate", product_handlers::activate, "Puts a product on sale")
        .post("/products/{productId}/deactivate", product_handlers::deactivate, "Takes a product off sale")
        .post("/products/{productId}/archive", product_handlers::archive, "Removes a product for good")
        .post("/products/{productId}/block", product_handlers::block, "Takes a product off sale, whatever its seller does")
        .post("/products/{productId}/unblock", product_handlers::unblock, "Lifts the block of a product")
        .post("/products/{productId}/images", picture_handlers::upload, "Uploads a picture of a product")
        .get("/products/{productId}/images", picture_handlers::list, "The uploaded pictures of a product, with all sizes")
        .patch("/products/{productId}/images", picture_handlers::arrange, "Orders the pictures of a product, and removes others")
        .get("/images/{file}", picture_handlers::get, "One size of an uploaded picture")
        .get("/products/{productId}/price-history", product_handlers::list_prices, "What a product cost, the newest price first")
        .get("/product-groups/{productGroupId}", group_handlers::get, "The variants of one thing, with prices and availability")
        .get("/categories", category_handlers::get_tree, "The tree of categories")
        .post("/categories", category_handlers::create, "Makes a category")
        .get("/categories/{categoryId}", category_handlers::get, "One category")
        .patch("/categories/{categoryId}", category_handlers::update, "Renames or moves a category")
        .delete("/categories/{categoryId}", category_handlers::delete, "Deletes a category that is not in use")
        .post("/products/batch", product_handlers::create_many, "Makes up to 250 products, each in DRAFT")
        .post("/imports", import_handlers::receive, "Imports a CSV file of products, stock or prices")
        .get("/imports/{importId}", import_handlers::get, "How far an import is")
        .get("/imports/{importId}/errors", import_handlers::list_errors, "What is wrong with the rows of an import")
        .post("/imports/{importId}/cancel", import_handlers::cancel, "Ends an import")
        .get("/exports/products.csv", import_handlers::export_products, "Products as a CSV file that can be imported")
        .get("/admin/tax-rates", tax_handlers::get, "The tax rates by destination and class")
        .put("/admin/tax-rates", tax_handlers::put, "Replaces the tax rates")
        .post(
            "/internal/products/lookup",
            product_handlers::look_up,
            "Up to 200 products by id, in any status, with the tax rates of a destination",
        )
}

fn viewer(user: &MaybeUser) -> Viewer {
    match user.id() {
        Some(_) if user.has_role(Role::Admin) => Viewer::Admin,
        Some(id) => Viewer::User(id),
        None => Viewer::Anyone,
    }
}

const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A response that the client may cache but must revalidate each time. It is `private`, because the same path shows more
/// to the owner.
struct Revalidated<A>(Tagged<A>);

impl<A: Answer> IntoResponse for Revalidated<A> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, REVALIDATE);
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
        response.headers_mut().insert(header::CACHE_CONTROL, REVALIDATE);
        response
    }
}

impl<T: Serialize + JsonSchema> DescribeAnswer for RevalidatedPage<T> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        <TaggedPage<T>>::describe(operation);
    }
}
