//! What promotions take off an order: computed and reserved before the order is written, frozen with it.

use crate::{
    App, Error,
    domain::{Fulfilment, Order},
    store,
};
use contracts::{
    body::BoundedVec,
    cart::Cart,
    catalog::Product,
    ids::{OrderId, ProductId, UserId},
    money::Money,
    order::{DiscountedOrderLine, OrderDiscount, OrderItem},
    promotion::{
        CouponProblem, EVALUATE_PROMOTIONS, EvaluatePromotions, EvaluatedLine, Evaluation, RELEASE_PROMOTION_USES, RESERVE_PROMOTION_USES,
        ReserveUses, ShippingFee, UseToReserve, WRITE_ORDER_WITHIN,
    },
    text::CouponCode,
    time::Timestamp,
};
use std::{collections::HashMap, time::Duration};

/// The discounts of an order that is not written yet.
#[derive(Debug, Clone)]
pub struct Discounts {
    /// As the order shows them.
    pub shown: Vec<OrderDiscount>,
    /// What is taken off the lines.
    pub amount: Money,
    uses: Vec<UseToReserve>,
}

/// Computes the discounts, sets those of the items, and takes waived fees off the fulfilments. A cart to which nothing can apply needs no call.
///
/// # Errors
/// [`Error::Coupon`] when a coupon of the cart was used up or ended meanwhile: the order is never placed without the discount that
/// the customer expects. The error of the call.
pub async fn compute(
    app: &App,
    owner: UserId,
    cart: &Cart,
    products: &HashMap<ProductId, Product>,
    items: &mut [OrderItem],
    fulfilments: &mut [Fulfilment],
) -> Result<Discounts, Error> {
    let currency = cart.currency;
    let mut discounts = Discounts { shown: Vec::new(), amount: Money::zero(currency), uses: Vec::new() };
    if !cart.may_have_discounts {
        return Ok(discounts);
    }
    let first_order = !app.ctx.db.read(async move |tx| store::has_ordered(tx, owner).await).await?;
    let evaluation = evaluate(app, owner, cart, products, items, fulfilments, first_order).await?;
    let ended = |problem| matches!(problem, CouponProblem::Exhausted | CouponProblem::Expired);
    for checked in evaluation.coupons {
        if let Some(problem) = checked.problem.filter(|problem| ended(*problem)) {
            return Err(Error::Coupon { code: checked.code, problem, detail: checked.detail });
        }
    }
    for applied in evaluation.discounts {
        let mut lines = Vec::with_capacity(applied.lines.len());
        for line in &applied.lines {
            let Some(item) = items.iter_mut().find(|item| line.line_id == item.order_item_id.0) else { continue };
            item.discount_amount += line.amount;
            if applied.seller_id.is_some() {
                item.seller_discount_amount += line.amount;
            }
            lines.push(DiscountedOrderLine { order_item_id: item.order_item_id, amount: line.amount });
        }
        let amount = lines.iter().map(|line| line.amount).sum();
        for waived in &applied.shipping {
            for part in fulfilments.iter_mut().filter(|part| part.seller_id == waived.seller_id) {
                part.shipping_amount -= waived.amount;
                if applied.seller_id.is_none() {
                    part.waived_shipping_amount += waived.amount;
                }
            }
        }
        let shipping_amount = applied.shipping.iter().map(|fee| fee.amount).sum();
        discounts.amount = discounts.amount.plus(Money::new(amount, currency))?;
        discounts.uses.push(UseToReserve { promotion_id: applied.promotion_id, amount: applied.amount });
        discounts.shown.push(OrderDiscount {
            promotion_id: applied.promotion_id,
            code: applied.code,
            title: applied.title,
            seller_id: applied.seller_id,
            amount,
            lines,
            shipping_amount,
        });
    }
    Ok(discounts)
}

async fn evaluate(
    app: &App,
    user_id: UserId,
    cart: &Cart,
    products: &HashMap<ProductId, Product>,
    items: &[OrderItem],
    fulfilments: &[Fulfilment],
    first_order: bool,
) -> Result<Evaluation, Error> {
    let line = |item: &OrderItem| EvaluatedLine {
        line_id: item.order_item_id.into(),
        product_id: item.product_id,
        category_ids: products
            .get(&item.product_id)
            .map(|product| product.category_path.iter().map(|category| category.category_id).collect())
            .unwrap_or_default(),
        seller_id: item.seller_id,
        quantity: item.quantity,
        unit_price_amount: item.unit_price_snapshot,
    };
    let fees = fulfilments.iter().map(|part| ShippingFee { seller_id: part.seller_id, amount: part.shipping_amount });
    let coupons = cart.coupons.iter().filter_map(|coupon| CouponCode::parse(&coupon.code).ok());
    let body = EvaluatePromotions {
        user_id,
        currency: cart.currency,
        lines: BoundedVec::new(items.iter().map(line).collect()).map_err(|_| Error::AmountTooLarge)?,
        shipping: BoundedVec::new(fees.collect()).ok(),
        coupons: BoundedVec::new(coupons.collect()).map_err(|_| Error::AmountTooLarge)?,
        first_order: Some(first_order),
    };
    Ok(app.ctx.client.call(&EVALUATE_PROMOTIONS).body(&body).send().await?)
}

/// Reserves the uses of an order that is about to be written. See decision 0013.
///
/// # Errors
/// The error of the call: `COUPON_EXHAUSTED` when a limit was reached meanwhile.
pub async fn reserve(app: &App, order: &Order, discounts: &Discounts) -> Result<(), Error> {
    let Ok(uses) = BoundedVec::new(discounts.uses.clone()) else { return Ok(()) };
    let body = ReserveUses { user_id: order.user_id, currency: order.currency, uses };
    let id: OrderId = order.order_id;
    Ok(app.ctx.client.call(&RESERVE_PROMOTION_USES).path(&[&id]).body(&body).send().await?)
}

/// Releases the uses of an order that will not be written. Without an answer the promotion service does it later by itself.
pub async fn release(app: &App, order: OrderId, discounts: &Discounts) {
    if discounts.uses.is_empty() {
        return;
    }
    let call = app.ctx.client.call(&RELEASE_PROMOTION_USES).path(&[&order]).timeout(Duration::from_secs(2));
    if let Err(error) = call.send().await {
        tracing::info!(target: "order", order_id = %order, %error, "the uses of an order that was not written are released later");
    }
}

/// Whether an order that was drafted at `drafted_at` may still be written: its uses are released when it is not written in time.
pub fn may_write(discounts: &Discounts, drafted_at: Timestamp, now: Timestamp) -> bool {
    discounts.uses.is_empty() || now.since(drafted_at) < WRITE_ORDER_WITHIN
}
