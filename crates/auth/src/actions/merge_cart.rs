//! Moves the cart of a guest who logs in into the cart of the account.

use crate::App;
use contracts::{
    cart::{GuestCartToken, MERGE_GUEST_CART},
    ids::UserId,
};
use platform::identity::{CartTokenHeader, GuestToken};
use std::time::Duration;

/// How long a login waits for the cart.
const WAIT: Duration = Duration::from_secs(1);

/// Merges the cart of this token, if there is one. A login never fails for it: when the cart does not answer in time, the token stays
/// valid, unless the cart merged it nevertheless, and the next login tries again.
pub async fn merge_cart(app: &App, user: UserId, token: Option<GuestToken<CartTokenHeader>>) {
    let Some(token) = token else { return };
    let body = GuestCartToken { cart_token: token.reveal().clone() };
    if let Err(error) = app.ctx.client.call(&MERGE_GUEST_CART).path(&[&user]).body(&body).timeout(WAIT).send().await {
        tracing::warn!(user_id = %user, %error, "the cart of a guest was not merged");
    }
}
