use crate::{App, Error, store::promotions};
use contracts::{
    ids::{PromotionId, UserId},
    machine::Machine as _,
    promotion::{MAX_AUTOMATIC, Promotion, PromotionActivated, PromotionEnded, PromotionFact, PromotionPaused},
};
use platform::{
    db::{Db, Tx},
    http::{Idempotent, Json, MaybeIdempotencyKey, Problem},
};

/// Activates, pauses or ends a promotion. `owner` is the calling seller, or `None` for an administrator.
///
/// # Errors
/// 404, also for the promotion of another; `ILLEGAL_TRANSITION`; `TOO_MANY_PROMOTIONS`.
pub async fn transition(
    app: &App,
    owner: Option<UserId>,
    id: PromotionId,
    fact: PromotionFact,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Json<Promotion>>, Problem> {
    app.ctx
        .db
        .write(async move |tx| {
            key.once(tx, async |tx| -> Result<_, Error> {
                let promotion = promotions::lock(tx, owner, id).await?.ok_or(Error::NotFound)?;
                Ok(Json(apply(tx, promotion, fact).await?))
            })
            .await
        })
        .await
}

/// Ends those of these promotions whose time is over, in one commit.
///
/// # Errors
/// Those of the database.
pub async fn end_overdue(db: &Db, mut ids: Vec<PromotionId>) -> Result<(), Error> {
    ids.sort();
    db.write(async move |tx| {
        for id in &ids {
            let due = promotions::lock(tx, None, *id).await?.filter(|promotion| promotion.ends_at.is_some_and(|end| end <= tx.now()));
            if let Some(promotion) = due.filter(|promotion| promotion.status.transition(PromotionFact::Ended).is_ok()) {
                apply(tx, promotion, PromotionFact::Ended).await?;
            }
        }
        Ok(())
    })
    .await
}

async fn apply(tx: &mut Tx, mut promotion: Promotion, fact: PromotionFact) -> Result<Promotion, Error> {
    promotion.status = promotion.status.transition(fact)?;
    promotion.updated_at = tx.now();
    let Promotion { promotion_id, seller_id, kind, starts_at, ends_at, used_count, .. } = promotion;
    let (title, code) = (promotion.title.clone(), promotion.code.clone());
    match fact {
        PromotionFact::Activated => {
            if code.is_none() && promotions::count_automatic(tx).await? >= MAX_AUTOMATIC as i64 {
                return Err(Error::TooManyAutomatic);
            }
            tx.emit(PromotionActivated { promotion_id, seller_id, title, kind, code, starts_at, ends_at });
        }
        PromotionFact::Paused => tx.emit(PromotionPaused { promotion_id, seller_id, title, kind, code }),
        PromotionFact::Ended => tx.emit(PromotionEnded { promotion_id, seller_id, title, kind, code, used_count }),
    }
    promotions::save(tx, &promotion).await?;
    if promotion.ends_at.is_some() {
        tx.notify_worker(crate::workers::ENDING);
    }
    Ok(promotion)
}
