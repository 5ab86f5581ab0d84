//! What an order of a cart would cost. The order service computes it, by the rules by which it places orders.

use crate::{App, Error};
use contracts::{
    cart::{Cart, CartEstimate, CartItem, WarningCode},
    money::{Money, MoneyError},
    order::{self, EstimateTotals, SellerSubtotal},
    problem::Code,
    text::Country,
};
use std::time::Duration;

/// The time limit of the call. Without an answer the cart is shown without an estimate.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Adds the estimate for `country`, or for the default shipping address, to a cart that has something to buy.
///
/// # Errors
/// [`Error::NotServed`] when nothing is shipped to the country of the request.
pub async fn add_to(app: &App, cart: Cart, country: Option<Country>) -> Result<Cart, Error> {
    if cart.items.is_empty() || cart.items.len() == unavailable(&cart) {
        return Ok(cart);
    }
    let (user_id, currency, subtotal_amount) = (cart.user_id, cart.currency, cart.subtotal_amount);
    let Ok(sellers) = by_seller(&cart) else { return Ok(cart) };
    let waived = cart.discounts.iter().flat_map(|discount| discount.free_shipping_sellers.iter().copied());
    let body = EstimateTotals {
        user_id,
        country: country.clone(),
        currency,
        subtotal_amount,
        sellers,
        discount_amount: cart.discount_amount,
        free_shipping_sellers: waived.collect(),
    };
    let estimate = match (app.ctx.client.call(&order::ESTIMATE_TOTALS).body(&body).timeout(TIMEOUT).send().await, country) {
        (Ok(totals), _) => Some(CartEstimate {
            country: totals.country,
            shipping_amount: totals.shipping_amount,
            tax_amount: totals.tax_amount,
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
    Ok(Cart { estimate, ..cart })
}

/// Counts the lines that cannot be bought. The subtotal does not hold them.
fn unavailable(cart: &Cart) -> usize {
    cart.items.iter().filter(|item| is_unavailable(cart, item)).count()
}

fn is_unavailable(cart: &Cart, item: &CartItem) -> bool {
    cart.warnings.iter().any(|warning| warning.code == WarningCode::Unavailable && warning.cart_item_id == item.cart_item_id)
}

/// Returns the sums by seller of the lines that can be bought.
fn by_seller(cart: &Cart) -> Result<Vec<SellerSubtotal>, MoneyError> {
    let sold = cart.items.iter().filter(|item| !is_unavailable(cart, item));
    SellerSubtotal::of_lines(sold.map(|item| (item.seller_id, Money::new(item.line_total_amount, cart.currency))))
}
