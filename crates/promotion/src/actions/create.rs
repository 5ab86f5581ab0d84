use crate::{App, Error, domain, store::promotions};
use contracts::{
    body::BoundedVec,
    catalog::{LOOK_UP_PRODUCTS, ProductLookup},
    ids::UserId,
    promotion::{CreatePromotion, Promotion, PromotionCreated},
};
use platform::http::{Created, Idempotent, MaybeIdempotencyKey, Problem};
use std::collections::HashSet;

/// Creates a promotion, in DRAFT. `seller` is the calling seller, or `None` for an administrator.
///
/// # Errors
/// 422 when the fields do not fit each other, or a product is unknown or another seller's; `COUPON_CODE_TAKEN`;
/// `DEPENDENCY_UNAVAILABLE` when products are named and the catalogue is down.
pub async fn create(
    app: &App,
    seller: Option<UserId>,
    key: MaybeIdempotencyKey,
    body: CreatePromotion,
) -> Result<Idempotent<Created<Promotion>>, Problem> {
    if let Some(answer) = key.replay(&app.ctx.db).await? {
        return Ok(answer);
    }
    let env = &app.ctx.env;
    let draft = domain::draft(env.new_id(), seller, &body, app.settings.currency, env.now())?;
    check_products(app, &draft).await?;
    app.ctx
        .db
        .write(async move |tx| {
            key.once(tx, async |tx| -> Result<_, Error> {
                let promotion = Promotion { created_at: tx.now(), updated_at: tx.now(), ..draft.clone() };
                if !promotions::insert(tx, &promotion).await? {
                    return Err(Error::CodeTaken);
                }
                tx.emit(PromotionCreated {
                    promotion_id: promotion.promotion_id,
                    seller_id: promotion.seller_id,
                    title: promotion.title.clone(),
                    kind: promotion.kind,
                    code: promotion.code.clone(),
                    starts_at: promotion.starts_at,
                    ends_at: promotion.ends_at,
                });
                Ok(Created::at(format!("/promotions/{}", promotion.promotion_id), promotion))
            })
            .await
        })
        .await
}

/// Checks that the products exist, and that they are the seller's.
async fn check_products(app: &App, draft: &Promotion) -> Result<(), Error> {
    let wanted = draft.conditions.product_ids.clone();
    let Ok(product_ids) = BoundedVec::new(wanted.clone()) else { return Ok(()) };
    let found = app.ctx.client.call(&LOOK_UP_PRODUCTS).body(&ProductLookup { product_ids }).send().await?;
    let own = found.items.iter().filter(|product| draft.seller_id.is_none() || product.seller_id == draft.seller_id);
    let own: HashSet<_> = own.map(|product| product.product_id).collect();
    let unknown: Vec<usize> = (0..wanted.len()).filter(|at| !own.contains(&wanted[*at])).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::UnknownProducts(unknown)) }
}
