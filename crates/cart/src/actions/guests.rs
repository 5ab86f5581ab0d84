//! Carts of guests: making them, finding them by their token, and moving them into the cart of an account.

use crate::{
    App, Error,
    domain::Cart,
    store::{
        self,
        guest_rows::{self, Guest},
    },
};
use contracts::{cart::GuestCart, ids::UserId, money::Currency};
use platform::{
    db::Tx,
    identity::{CartTokenHeader, Customer, GuestToken, OrGuest},
};

/// A customer, or a guest with the token of a cart.
pub type Shopper = OrGuest<Customer, CartTokenHeader>;
pub type CartToken = GuestToken<CartTokenHeader>;

/// Makes an empty cart for a guest.
///
/// # Errors
/// Those of the database.
pub async fn create_guest_cart(app: &App) -> Result<GuestCart, Error> {
    let (home, unused) = (app.settings.currency, app.settings.unused_guest());
    app.ctx
        .db
        .write(async move |tx| {
            let token = CartToken::of(tx.random_bytes());
            let guest = Guest { guest_id: tx.new_id(), token_hash: token.hash(), expires_at: tx.now().after(unused) };
            guest_rows::insert(tx, &guest).await?;
            let (cart, _) = store::lock_or_create(tx, guest.guest_id, home).await?;
            Ok(GuestCart { cart_id: cart.cart_id, cart_token: token.reveal().clone() })
        })
        .await
}

/// Returns the owner of the caller's cart. The use of a token moves its expiry on, at most ten times within its life.
///
/// # Errors
/// [`Error::UnknownToken`].
pub async fn owner(app: &App, shopper: &Shopper) -> Result<UserId, Error> {
    let token = match shopper {
        OrGuest::Known(customer) => return Ok(customer.id),
        OrGuest::Guest(token) => token,
    };
    let hash = token.hash();
    let guest = app.ctx.db.read(async move |tx| guest_rows::find(tx, hash).await).await?.ok_or(Error::UnknownToken)?;
    keep(app, &guest).await?;
    Ok(guest.guest_id)
}

/// Returns the active cart of a guest as it was last stored, for an order.
///
/// # Errors
/// [`Error::UnknownToken`].
pub async fn active_guest_cart(app: &App, token: &CartToken) -> Result<Cart, Error> {
    let hash = token.hash();
    let found = app.ctx.db.read(async move |tx| guest_rows::find_cart(tx, hash).await).await?;
    let (guest, cart) = found.ok_or(Error::UnknownToken)?;
    match cart {
        Some(cart) => Ok(cart),
        None => super::active_cart(app, guest.guest_id).await,
    }
}

async fn keep(app: &App, guest: &Guest) -> Result<(), Error> {
    let (idle, now) = (app.settings.guest_idle(), app.ctx.db.now());
    if guest.expires_at.since(now) > idle - idle / 10 {
        return Ok(());
    }
    let (id, until) = (guest.guest_id, now.after(idle));
    Ok(app.ctx.db.write(async move |tx| guest_rows::extend(tx, id, until).await).await?)
}

/// Moves the lines and coupons of a guest's cart into the cart of `owner`, `max` units on a line. The guest's cart and token are
/// gone then. A token that opens nothing, or did so once, changes nothing.
///
/// Lines in another currency than those of a cart that is not empty are left out: a cart has one currency.
///
/// # Errors
/// Those of the database.
pub async fn merge(tx: &mut Tx, owner: UserId, token_hash: [u8; 32], home: Currency, max: u32) -> Result<(), Error> {
    let Some(guest) = guest_rows::lock(tx, token_hash).await? else { return Ok(()) };
    let Some(from) = guest_rows::take(tx, &guest, owner).await? else { return Ok(()) };
    if from.lines.is_empty() && from.coupons.is_empty() {
        return Ok(());
    }
    let (mut cart, _) = store::lock_or_create(tx, owner, home).await?;
    let lines = cart.merge(&from, max, || tx.new_id());
    if lines.len() < from.lines.len() {
        let left_out = from.lines.len() - lines.len();
        tracing::info!(cart_id = %cart.cart_id, left_out, "some lines of a guest's cart did not fit into the cart");
    }
    store::put_lines(tx, cart.cart_id, &lines).await?;
    for code in cart.merge_coupons(&from.coupons) {
        store::delete_coupon(tx, cart.cart_id, &code).await?;
    }
    for code in &from.coupons {
        store::put_coupon(tx, cart.cart_id, code).await?;
    }
    cart.mark_changed(tx.now());
    Ok(store::save(tx, &cart).await?)
}
