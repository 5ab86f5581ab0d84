//! Uses are reserved, confirmed and released together: all those of an order.

use crate::{
    Error,
    store::{
        promotions,
        uses::{self, Use},
    },
};
use contracts::{
    ids::{OrderId, PromotionId},
    machine::Machine as _,
    promotion::{
        ASK_ORDER_AFTER, Promotion, PromotionUseConfirmed, PromotionUseFact, PromotionUseReleased, PromotionUseReserved,
        PromotionUseStatus, ReserveUses, UseToReserve,
    },
};
use platform::db::{Db, Tx};

/// Reserves one use of each promotion for an order, all or none. A repetition changes nothing.
///
/// # Errors
/// [`Error::Exhausted`], [`Error::AppliesNoMore`]; [`Error::OtherUses`] when the order has other uses or they were released.
pub async fn reserve(db: &Db, order: OrderId, body: ReserveUses) -> Result<(), Error> {
    db.write(async move |tx| {
        let mut wanted = body.uses.to_vec();
        wanted.sort_by_key(|one| one.promotion_id);
        // The same request may have arrived twice.
        tx.lock_absent("promotion_uses", order.into()).await?;
        let present = uses::lock_of_order(tx, order).await?;
        if !present.is_empty() {
            let same = present.iter().map(|one| one.promotion_id).eq(wanted.iter().map(|one| one.promotion_id));
            let live = present.iter().all(|one| one.status != PromotionUseStatus::Released);
            return if same && live { Ok(()) } else { Err(Error::OtherUses) };
        }
        let mut is_first_order = false;
        for one in &wanted {
            let used = reserve_one(tx, order, &body, one, !is_first_order).await?;
            is_first_order |= used.is_first_order;
        }
        Ok(())
    })
    .await
}

async fn reserve_one(tx: &mut Tx, order: OrderId, body: &ReserveUses, wanted: &UseToReserve, counts_first: bool) -> Result<Use, Error> {
    let now = tx.now();
    let mut new = Use {
        promotion_use_id: tx.new_id(),
        promotion_id: wanted.promotion_id,
        order_id: order,
        user_id: body.user_id,
        seller_id: None,
        status: PromotionUseStatus::Reserved,
        currency: body.currency,
        amount: wanted.amount,
        is_first_order: false,
        created_at: now,
        updated_at: now,
    };
    let promotion = match promotions::try_use(tx, wanted.promotion_id).await? {
        Some(promotion) => promotion,
        None => return Err(refusal(tx, wanted.promotion_id).await?),
    };
    if let Some(limit) = promotion.per_customer_limit
        && !uses::try_use(tx, promotion.promotion_id, body.user_id, limit).await?
    {
        return Err(exhausted(promotion));
    }
    new.is_first_order = promotion.conditions.first_order_only && counts_first;
    if new.is_first_order && !uses::try_use(tx, uses::FIRST_ORDERS, body.user_id, 1).await? {
        return Err(exhausted(promotion));
    }
    new.seller_id = promotion.seller_id;
    if !uses::insert(tx, &new, now.after(ASK_ORDER_AFTER)).await? {
        return Err(Error::OtherUses);
    }
    tx.emit(PromotionUseReserved {
        promotion_use_id: new.promotion_use_id,
        promotion_id: new.promotion_id,
        order_id: order,
        user_id: new.user_id,
        seller_id: new.seller_id,
        currency: new.currency,
        amount: new.amount,
    });
    Ok(new)
}

/// Returns why a promotion has no use to reserve.
async fn refusal(tx: &mut Tx, id: PromotionId) -> Result<Error, Error> {
    let Some(promotion) = promotions::find(tx, None, id).await? else { return Ok(Error::NotFound) };
    let is_full = promotion.total_limit.is_some_and(|limit| promotion.used_count >= limit);
    Ok(if is_full { exhausted(promotion) } else { Error::AppliesNoMore(id) })
}

fn exhausted(promotion: Promotion) -> Error {
    Error::Exhausted { promotion_id: promotion.promotion_id, title: promotion.title, code: promotion.code }
}

/// Confirms the uses of an order. A repetition changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn confirm(tx: &mut Tx, order: OrderId) -> Result<(), Error> {
    for mut one in uses::lock_of_order(tx, order).await? {
        let Ok(status) = one.status.transition(PromotionUseFact::Confirmed) else { continue };
        one.status = status;
        one.updated_at = tx.now();
        uses::save(tx, &one).await?;
        tx.emit(PromotionUseConfirmed {
            promotion_use_id: one.promotion_use_id,
            promotion_id: one.promotion_id,
            order_id: order,
            user_id: one.user_id,
            seller_id: one.seller_id,
            currency: one.currency,
            amount: one.amount,
        });
    }
    Ok(())
}

/// Releases the uses of an order: they do not count any more. A repetition changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn release(tx: &mut Tx, order: OrderId) -> Result<(), Error> {
    for mut one in uses::lock_of_order(tx, order).await? {
        let Ok(status) = one.status.transition(PromotionUseFact::Released) else { continue };
        promotions::release(tx, one.promotion_id).await?;
        uses::release(tx, one.promotion_id, one.user_id).await?;
        if std::mem::take(&mut one.is_first_order) {
            uses::release(tx, uses::FIRST_ORDERS, one.user_id).await?;
        }
        one.status = status;
        one.updated_at = tx.now();
        uses::save(tx, &one).await?;
        tx.emit(PromotionUseReleased {
            promotion_use_id: one.promotion_use_id,
            promotion_id: one.promotion_id,
            order_id: order,
            user_id: one.user_id,
            seller_id: one.seller_id,
            currency: one.currency,
            amount: one.amount,
        });
    }
    Ok(())
}

/// Lets the uses of a known order wait for its events.
///
/// # Errors
/// Those of the database.
pub async fn claim(tx: &mut Tx, order: OrderId) -> Result<(), Error> {
    Ok(uses::claim(tx, order).await?)
}
