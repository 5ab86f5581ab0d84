//! Creates many products in one request.

use super::manage_products::insert_new;
use crate::Error;
use contracts::{
    catalog::{CreateProducts, ProductResult, ProductResults},
    ids::UserId,
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
    body: CreateProducts,
) -> Result<Idempotent<Json<ProductResults>>, Problem> {
    db.write(async move |tx| {
        let items = body.items.clone().into_vec();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut results = Vec::with_capacity(items.len());
            for (index, item) in (0..).zip(items) {
                results.push(match tx.savepoint(async |tx| insert_new(tx, seller_id, item).await).await {
                    Ok(product) => ProductResult { index, status: 201, product: Some(product), problem: None },
                    Err(Error::Db(error)) => return Err(error.into()),
                    Err(error) => {
                        let problem = Problem::from(error).document();
                        ProductResult { index, status: problem.status, product: None, problem: Some(problem) }
                    }
                });
            }
            Ok(Json(ProductResults { items: results }))
        })
        .await
    })
    .await
}
