use crate::{
    App, Error,
    domain::{self, Basket, Candidate},
    store::{promotions, uses},
};
use contracts::{
    ids::{PromotionId, UserId},
    money::{Currency, Money},
    order,
    promotion::{EvaluatePromotions, EvaluatedLine, Evaluation, Promotion},
    text::CouponCode,
};
use platform::db::Tx;
use std::collections::HashSet;

/// Returns what the promotions take off these lines and fees.
///
/// # Errors
/// `AMOUNT_TOO_LARGE`; `DEPENDENCY_UNAVAILABLE` when a promotion is for first orders and the order service is down.
pub async fn evaluate(app: &App, body: EvaluatePromotions) -> Result<Evaluation, Error> {
    check_sum(&body.lines, body.currency)?;
    let mut seen = HashSet::new();
    let coupons: Vec<CouponCode> = body.coupons.iter().filter(|code| seen.insert((*code).clone())).cloned().collect();
    let (user, codes) = (body.user_id, coupons.clone());
    let candidates = app.ctx.db.read(async move |tx| candidates(tx, user, &codes).await).await?;
    let asks = candidates.iter().any(|candidate| candidate.promotion.conditions.first_order_only);
    let first_order = match body.first_order {
        Some(first_order) => first_order,
        None if asks => !app.ctx.client.call(&order::GET_ORDER_HISTORY).path(&[&user]).send().await?.has_ordered,
        None => false,
    };
    let basket =
        Basket { currency: body.currency, lines: body.lines.into_vec(), shipping: body.shipping.map(|fees| fees.into_vec()), first_order };
    Ok(domain::evaluate(&basket, candidates, &coupons, app.ctx.env.now()))
}

/// Sums of lines stay within the bound of amounts, so that discounts can be added.
fn check_sum(lines: &[EvaluatedLine], currency: Currency) -> Result<(), Error> {
    let line = |line: &EvaluatedLine| Money::new(line.unit_price_amount, currency).times(line.quantity);
    let sum = lines.iter().try_fold(Money::zero(currency), |sum, next| sum.plus(line(next)?));
    sum.map(|_| ()).map_err(|_| Error::AmountTooLarge)
}

/// Returns the promotions that apply by themselves and those of the coupons.
async fn candidates(tx: &mut Tx, user: UserId, coupons: &[CouponCode]) -> Result<Vec<Candidate>, Error> {
    let mut found: Vec<Promotion> = promotions::list_automatic(tx).await?;
    for code in coupons {
        found.extend(promotions::find_by_code(tx, code).await?);
    }
    let limited: Vec<PromotionId> = found.iter().filter(|p| p.per_customer_limit.is_some()).map(|p| p.promotion_id).collect();
    let counts = uses::count_of_customer(tx, user, &limited).await?;
    let candidate =
        |promotion: Promotion| Candidate { customer_uses: counts.get(&promotion.promotion_id).copied().unwrap_or(0), promotion };
    Ok(found.into_iter().map(candidate).collect())
}
