//! Creates many products in one request.

use super::manage_products::insert_new;
use crate::Error;
use contracts::{
    catalog::{CreateProduct, ProductResult, ProductResults},
    ids::UserId,
    problem::Document,
};
use platform::{
    db::Db,
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};

/// Creates each product by itself: those that are refused do not stop the others.
///
/// # Errors
/// Those of the database. What is wrong with single products stands in their results.
pub async fn create_products(
    db: &Db,
    seller_id: Option<UserId>,
    key: MaybeIdempotencyKey,
    items: Vec<Result<CreateProduct, Box<Document>>>,
) -> Result<Idempotent<Json<ProductResults>>, Problem> {
    db.write(async move |tx| {
        let items = items.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut results = Vec::with_capacity(items.len());
            for (index, item) in (0..).zip(items) {
                let created = match item {
                    Ok(item) => match tx.savepoint(async |tx| insert_new(tx, seller_id, item).await).await {
                        Err(Error::Db(error)) => return Err(error.into()),
                        created => created.map_err(|error| Problem::from(error).document()),
                    },
                    Err(problem) => Err(*problem),
                };
                results.push(match created {
                    Ok(product) => ProductResult { index, status: 201, product: Some(product), problem: None },
                    Err(problem) => ProductResult { index, status: problem.status, product: None, problem: Some(problem) },
                });
            }
            Ok(Json(ProductResults { items: results }))
        })
        .await
    })
    .await
}
