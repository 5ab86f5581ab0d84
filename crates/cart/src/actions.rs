//! What can be done with a cart. Calls to upstreams come before the transaction; the transaction decides on rows that
//! it reads itself.

mod add_item;
mod guests;
mod remind;
mod wishlist;

pub use add_item::AddItem;
pub use guests::{CartToken, Shopper, active_guest_cart, create_guest_cart, merge, owner};
pub use remind::{choose_reminders, remind};
pub use wishlist::{MAX_WISHES, add_wish, show_wishes};

use crate::{
    App, Error, discounts,
    domain::{Cart, Quotes},
    quotes, store,
};
use contracts::{
    cart::{self, CheckedOutItem},
    ids::{CartId, CartItemId, OrderId, UserId},
    money::Currency,
    order::OrderCancelled,
    promotion::{CouponProblem, Evaluation, MAX_COUPONS},
    text::{CouponCode, Quantity},
};
use platform::{
    db::{self, Tx},
    personal::is_erased,
};

/// Returns the active cart at present prices, and whether the shop may have tax rates. Creates the cart if there is none.
///
/// # Errors
/// Those of the database. When an upstream is down the answer only lacks warnings.
pub async fn show_cart(app: &App, owner: UserId) -> Result<(cart::Cart, bool), Error> {
    let mut cart = active_cart(app, owner).await?;
    let quotes = quotes::fetch(app, &cart).await;
    let seen_at_is_stale = app.ctx.db.now().since(cart.seen_at) >= app.settings.seen_at_precision();
    if !cart.requote(&quotes).is_empty() || seen_at_is_stale {
        let (home, shown) = (app.settings.currency, quotes.clone());
        cart = app.ctx.db.write(async move |tx| save_requoted(tx, owner, &shown, home).await).await?;
    }
    let has_tax_rates = quotes.taxation.as_ref().is_none_or(|taxation| taxation.has_rates);
    Ok((discounts::show(app, &cart, &quotes).await, has_tax_rates))
}

/// Enters a coupon, and returns the cart with its discounts. Entering it again changes nothing.
///
/// # Errors
/// The reason why it does not apply to the cart as it is; `COUPON_NOT_COMBINABLE` also when another coupon of the cart would
/// not apply any more. `DEPENDENCY_UNAVAILABLE` when the promotions do not answer.
pub async fn add_coupon(app: &App, owner: UserId, code: &str) -> Result<cart::Cart, Error> {
    let Ok(code) = CouponCode::parse(code) else {
        return Err(Error::Coupon(CouponProblem::Unknown, "there is no such coupon".to_owned()));
    };
    let mut cart = active_cart(app, owner).await?;
    let quotes = quotes::fetch(app, &cart).await;
    cart.requote(&quotes);
    let before = discounts::evaluate(app, &cart, &quotes, &cart.coupons).await?;
    if !cart.coupons.contains(&code) {
        cart.coupons.push(code.clone());
    }
    let after = discounts::evaluate(app, &cart, &quotes, &cart.coupons).await?;
    if let Some((problem, detail)) = refusal(&code, &before, &after) {
        return Err(Error::Coupon(problem, detail));
    }
    let home = app.settings.currency;
    let view = app.ctx.db.write(async move |tx| {
        let (mut cart, _) = store::lock_or_create(tx, owner, home).await?;
        store::put_coupon(tx, cart.cart_id, &code).await?;
        cart.mark_changed(tx.now());
        store::save(tx, &cart).await?;
        Ok::<_, Error>(cart.view(&quotes))
    });
    Ok(discounts::with(view.await?, after))
}

/// Returns why a coupon is refused: it does not apply, or another coupon would not apply any more.
fn refusal(code: &CouponCode, before: &Evaluation, after: &Evaluation) -> Option<(CouponProblem, String)> {
    let own = after.coupons.iter().find(|checked| checked.code == code.as_str())?;
    if let Some(problem) = own.problem {
        return Some((problem, own.detail.clone()));
    }
    let applied = |all: &Evaluation, code: &str| all.coupons.iter().any(|checked| checked.code == code && checked.problem.is_none());
    let displaced = before.coupons.iter().find(|checked| checked.problem.is_none() && !applied(after, &checked.code))?;
    Some((CouponProblem::NotCombinable, format!("with it the coupon {} would not apply any more", displaced.code)))
}

/// Removes a coupon.
///
/// # Errors
/// `NOT_FOUND` for a coupon that is not in the caller's active cart.
pub async fn remove_coupon(app: &App, owner: UserId, code: CouponCode) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut cart = store::lock_active(tx, owner).await?.ok_or(Error::NotFound)?;
            if !store::delete_coupon(tx, cart.cart_id, &code).await? {
                return Err(Error::NotFound);
            }
            cart.mark_changed(tx.now());
            Ok(store::save(tx, &cart).await?)
        })
        .await
}

/// Stores the quotes that were shown, because an order takes exactly what was shown.
async fn save_requoted(tx: &mut Tx, owner: UserId, quotes: &Quotes, home: Currency) -> Result<Cart, Error> {
    let (mut cart, _) = store::lock_or_create(tx, owner, home).await?;
    let lines = cart.requote(quotes);
    store::put_lines(tx, cart.cart_id, &lines).await?;
    cart.seen_at = tx.now();
    if !lines.is_empty() {
        cart.updated_at = tx.now();
    }
    store::save(tx, &cart).await?;
    Ok(cart)
}

/// Returns the active cart as it was last stored, in one read and without a call. Creates it if there is none.
///
/// # Errors
/// Those of the database.
pub async fn active_cart(app: &App, owner: UserId) -> Result<Cart, Error> {
    if let Some(cart) = find_active(app, owner).await? {
        return Ok(cart);
    }
    let home = app.settings.currency;
    app.ctx.db.write(async move |tx| Ok(store::lock_or_create(tx, owner, home).await?.0)).await
}

/// Sets the quantity of a line.
///
/// # Errors
/// `NOT_FOUND` for a line that is not in the caller's active cart, `PRODUCT_UNAVAILABLE`, `INSUFFICIENT_STOCK`,
/// `CURRENCY_MISMATCH`, `AMOUNT_TOO_LARGE`.
pub async fn update_item(app: &App, owner: UserId, item: CartItemId, quantity: Quantity) -> Result<cart::Cart, Error> {
    let max = app.settings.max_line_quantity();
    let present = find_active(app, owner).await?.ok_or(Error::NotFound)?;
    if quantity.get() > max && present.lines.iter().any(|line| line.cart_item_id == item) {
        return Err(Error::QuantityTooLarge { requested: quantity.get(), max });
    }
    let quotes = quotes::fetch(app, &present).await;
    let shown = quotes.clone();
    let changed = app
        .ctx
        .db
        .write(async move |tx| {
            let mut cart = store::lock_active(tx, owner).await?.ok_or(Error::NotFound)?;
            // The quantity is set before the new price is applied: the customer has not seen that price and did not
            // accept it.
            let line = cart.set_quantity(item, &quotes, quantity)?.clone();
            let mut lines = cart.requote(&quotes);
            if lines.iter().all(|requoted| requoted.cart_item_id != item) {
                lines.push(line);
            }
            store::put_lines(tx, cart.cart_id, &lines).await?;
            cart.mark_changed(tx.now());
            store::save(tx, &cart).await?;
            Ok::<_, Error>(cart)
        })
        .await?;
    Ok(discounts::show(app, &changed, &shown).await)
}

/// Removes a line.
///
/// # Errors
/// `NOT_FOUND` for a line that is not in the caller's active cart.
pub async fn remove_item(app: &App, owner: UserId, item: CartItemId) -> Result<(), Error> {
    let home = app.settings.currency;
    app.ctx
        .db
        .write(async move |tx| {
            let mut cart = store::lock_active(tx, owner).await?.ok_or(Error::NotFound)?;
            let line = cart.remove(item, home)?;
            store::delete_line(tx, line.cart_item_id).await?;
            cart.mark_changed(tx.now());
            Ok(store::save(tx, &cart).await?)
        })
        .await
}

/// Removes every line. An empty cart stays unchanged.
///
/// # Errors
/// Those of the database.
pub async fn clear_cart(app: &App, owner: UserId) -> Result<(), Error> {
    let home = app.settings.currency;
    app.ctx
        .db
        .write(async move |tx| {
            let Some(mut cart) = store::lock_active(tx, owner).await?.filter(|cart| !cart.lines.is_empty()) else { return Ok(()) };
            store::delete_lines(tx, cart.cart_id).await?;
            cart.currency = home;
            cart.mark_changed(tx.now());
            Ok(store::save(tx, &cart).await?)
        })
        .await
}

/// Marks a cart as checked out by its order and moves what the order did not take into a new active cart. A cart that
/// is not active, or belongs to another user, stays unchanged.
///
/// # Errors
/// Those of the database.
pub async fn check_out(tx: &mut Tx, owner: UserId, cart: CartId, order: OrderId, items: &[CheckedOutItem]) -> Result<(), Error> {
    let Some(mut cart) = store::lock(tx, owner, cart).await? else { return Ok(()) };
    let now = tx.now();
    let Some(split) = cart.check_out(order, items, now, || tx.new_id()) else { return Ok(()) };
    store::save(tx, &cart).await?;
    if !split.left.is_empty() {
        let (next, _) = store::lock_or_create(tx, owner, cart.currency).await?;
        store::put_lines(tx, next.cart_id, &split.left).await?;
        store::put_lines(tx, cart.cart_id, &split.taken).await?;
    }
    Ok(())
}

/// Adds the lines of an order that failed to the active cart, `max` units on a line, and the coupons of its cart, as far as there is
/// room for them.
///
/// # Errors
/// Those of the database.
pub async fn restore(tx: &mut Tx, owner: UserId, event: &OrderCancelled, max: u32) -> Result<(), Error> {
    if is_erased(tx, owner.into()).await? {
        return Ok(());
    }
    let (mut cart, _) = store::lock_or_create(tx, owner, event.currency).await?;
    let lines = cart.restore_lines(&event.items, event.currency, max, || tx.new_id());
    if lines.len() < event.items.len() {
        let left_out = event.items.len() - lines.len();
        tracing::info!(cart_id = %cart.cart_id, left_out, "some lines of an order did not fit into the cart");
    }
    store::put_lines(tx, cart.cart_id, &lines).await?;
    let coupons = store::list_coupons_of(tx, owner, event.cart_id).await?;
    let missing = coupons.iter().filter(|code| !cart.coupons.contains(code));
    for code in missing.take(MAX_COUPONS.saturating_sub(cart.coupons.len())) {
        store::put_coupon(tx, cart.cart_id, code).await?;
    }
    cart.mark_changed(tx.now());
    Ok(store::save(tx, &cart).await?)
}

async fn find_active(app: &App, owner: UserId) -> Result<Option<Cart>, db::Error> {
    app.ctx.db.read(async move |tx| store::find_active(tx, owner).await).await
}
