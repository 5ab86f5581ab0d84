//! What promotions take off a cart: one call, and none while nothing can apply.

use crate::{
    App, Error,
    domain::{Cart, Listing, Quote, Quotes},
};
use contracts::{
    body::BoundedVec,
    cart::{self, CartCoupon, CartDiscount, CartLineDiscount},
    promotion::{EVALUATE_PROMOTIONS, EvaluatePromotions, EvaluatedLine, Evaluation},
    text::CouponCode,
};
use std::time::Duration;

/// The time limit of the call. Without an answer the cart is shown without discounts; the order computes them again.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// Returns what the promotions take off the lines of `cart` that can be bought, with these coupons.
///
/// # Errors
/// Those of the call.
pub async fn evaluate(app: &App, cart: &Cart, quotes: &Quotes, coupons: &[CouponCode]) -> Result<Evaluation, Error> {
    let lines = cart.lines.iter().filter_map(|line| match quotes.listings.get(&line.product_id) {
        Some(Listing::OnSale(Quote { available: Some(..=0), .. })) => None,
        Some(Listing::OnSale(quote)) if quote.price.currency == cart.currency => Some(EvaluatedLine {
            line_id: line.cart_item_id.into(),
            product_id: line.product_id,
            category_ids: quote.category_ids.clone(),
            seller_id: quote.seller_id,
            quantity: line.quantity,
            unit_price_amount: line.unit_price,
        }),
        _ => None,
    });
    let body = EvaluatePromotions {
        user_id: cart.user_id,
        currency: cart.currency,
        lines: BoundedVec::new(lines.collect()).map_err(|_| Error::Full)?,
        shipping: None,
        coupons: BoundedVec::new(coupons.to_vec()).map_err(|_| Error::TooManyCoupons)?,
        first_order: None,
    };
    Ok(app.ctx.client.call(&EVALUATE_PROMOTIONS).body(&body).timeout(TIMEOUT).send().await?)
}

/// Returns the cart as it is shown, with its discounts. Without an answer it shows its coupons and no discount.
pub async fn show(app: &App, cart: &Cart, quotes: &Quotes) -> cart::Cart {
    let view = cart.view(quotes);
    if !cart.may_have_discounts() || cart.lines.is_empty() {
        return view;
    }
    match evaluate(app, cart, quotes, &cart.coupons).await {
        Ok(evaluation) => with(view, evaluation),
        Err(error) => {
            tracing::warn!(%error, "the promotions do not answer; the cart is shown without discounts");
            view
        }
    }
}

/// Returns the cart with its discounts.
pub fn with(view: cart::Cart, evaluation: Evaluation) -> cart::Cart {
    let discounts = evaluation.discounts.into_iter().map(|applied| CartDiscount {
        promotion_id: applied.promotion_id,
        code: applied.code,
        title: applied.title,
        seller_id: applied.seller_id,
        amount: applied.lines.iter().map(|line| line.amount).sum(),
        lines: applied.lines.into_iter().map(|line| CartLineDiscount { cart_item_id: line.line_id.into(), amount: line.amount }).collect(),
        free_shipping_sellers: applied.shipping.into_iter().map(|fee| fee.seller_id).collect(),
    });
    let discounts: Vec<_> = discounts.collect();
    cart::Cart {
        discount_amount: discounts.iter().map(|discount| discount.amount).sum(),
        discounts,
        coupons: evaluation
            .coupons
            .into_iter()
            .map(|checked| CartCoupon { code: checked.code, problem: checked.problem, detail: checked.detail })
            .collect(),
        near_misses: evaluation.near_misses,
        ..view
    }
}
