use super::check_conditions;
use crate::{App, Error, domain, store::promotions};
use contracts::{
    ids::UserId,
    promotion::{CreatePromotion, Promotion, PromotionCreated},
};
use platform::http::{Created, Idempotent, MaybeIdempotencyKey, Problem};

/// Creates a promotion, in DRAFT. `seller` is the calling seller, or `None` for an administrator.
///
/// # Errors
/// 422 when the fields do not fit each other, or a condition names an unknown category, seller or product, or another seller's product;
/// `COUPON_CODE_TAKEN`; `DEPENDENCY_UNAVAILABLE` when conditions name something and its service is down.
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
    check_conditions(app, &draft).await?;
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
