//! What an order of a cart would cost. The order service computes it, by the rules by which it places orders.

use crate::{App, Error};
use contracts::{
    cart::{Cart, CartEstimate, CartItem, CartQuery, WarningCode},
    order::{self, EstimateTotals, EstimatedLine},
    problem::Code,
};
use std::time::Duration;

/// The time limit of the call. Without an answer the cart is shown without an estimate.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Adds the estimate for the country of the query, or for the default shipping address, to a cart that has something to buy.
///
/// # Errors
/// [`Error::NotServed`] when nothing is shipped to the country of the request.
pub async fn add_to(app: &App, cart: Cart, has_tax_rates: bool, query: CartQuery) -> Result<Cart, Error> {
    if cart.items.is_empty() || cart.items.len() == unavailable(&cart) {
        return Ok(cart);
    }
    let CartQuery { country, state } = query;
    let waived = cart.discounts.iter().flat_map(|discount| discount.free_shipping_sellers.iter().copied());
    let body = EstimateTotals {
        user_id: cart.user_id,
        country: country.clone(),
        state,
        currency: cart.currency,
        lines: lines(&cart),
        free_shipping_sellers: waived.collect(),
        has_tax_rates,
        prices_include_tax: cart.prices_include_tax.unwrap_or_default(),
    };
    let estimate = match (app.ctx.client.call(&order::ESTIMATE_TOTALS).body(&body).timeout(TIMEOUT).send().await, country) {
        (Ok(totals), _) => Some(CartEstimate {
            country: totals.country,
            shipping_amount: totals.shipping_amount,
            tax_amount: totals.tax_amount,
            prices_include_tax: totals.prices_include_tax,
            taxes: totals.taxes,
            total_amount: totals.total_amount,
        }),
        (Err(error), Some(country)) if error.code() == Some(Code::UNSUPPORTED_COUNTRY) => {
            return Err(Error::NotServed(country.into_string()));
        }
        (Err(error), _) => {
            let expected = error.is_not_found() || matches!(error.code(), Some(Code::UNSUPPORTED_COUNTRY | Code::AMOUNT_TOO_LARGE));
            if !expected {
                tracing::warn!(%error, "the order service does not answer; the cart is shown without an estimate");
            }
            None
        }
    };
    let prices_include_tax = estimate.as_ref().map(|totals| totals.prices_include_tax).or(cart.prices_include_tax);
    Ok(Cart { estimate, prices_include_tax, ..cart })
}

/// Counts the lines that cannot be bought. The subtotal does not hold them.
fn unavailable(cart: &Cart) -> usize {
    cart.items.iter().filter(|item| is_unavailable(cart, item)).count()
}

fn is_unavailable(cart: &Cart, item: &CartItem) -> bool {
    cart.warnings.iter().any(|warning| warning.code == WarningCode::Unavailable && warning.cart_item_id == item.cart_item_id)
}

/// Returns the lines that can be bought, with what the promotions take off each.
fn lines(cart: &Cart) -> Vec<EstimatedLine> {
    let discount_of = |item: &CartItem| {
        let of_line = cart.discounts.iter().flat_map(|discount| &discount.lines).filter(|line| line.cart_item_id == item.cart_item_id);
        of_line.map(|line| line.amount).sum()
    };
    let sold = cart.items.iter().filter(|item| !is_unavailable(cart, item));
    sold.map(|item| EstimatedLine {
        product_id: item.product_id,
        seller_id: item.seller_id,
        line_total_amount: item.line_total_amount,
        discount_amount: discount_of(item),
    })
    .collect()
}
