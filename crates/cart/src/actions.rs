//! What can be done with a cart. Upstreams are asked before the unit; the unit decides on the rows it reads itself.

use crate::{
    App, Error,
    domain::{Cart, Offers},
    market, store,
};
use contracts::{
    cart::{self, AddCartItem, CheckedOutItem},
    ids::{CartId, CartItemId, OrderId, UserId},
    money::Currency,
    order::OrderItem,
    text::Quantity,
};
use platform::{
    db::{self, Tx},
    http::{Created, Idempotent, MaybeIdempotencyKey, Problem},
    idempotency::Opened,
};

/// The active cart as its owner sees it now, made if there is none.
///
/// # Errors
/// Those of the database. A upstream that is down only costs warnings.
pub async fn show_cart(app: &App, owner: UserId) -> Result<cart::Cart, Error> {
    let mut cart = active_cart(app, owner).await?;
    let offers = market::offers(app, &cart).await;
    let visit_is_due = app.ctx.db.now().since(cart.seen_at) >= app.settings.visits_noted_every();
    if cart.look_at(&offers).is_empty() && !visit_is_due {
        return Ok(cart.view(&offers));
    }
    let home = app.settings.currency;
    app.ctx.db.write(async move |tx| note_visit(tx, owner, &offers, home).await).await
}

/// Keeps what was shown, so that it is what an order takes.
async fn note_visit(tx: &mut Tx, owner: UserId, offers: &Offers, home: Currency) -> Result<cart::Cart, Error> {
    let mut cart = lock_or_open(tx, owner, home).await?;
    let lines = cart.look_at(offers);
    store::put_lines(tx, cart.cart_id, &lines).await?;
    cart.seen_at = tx.now();
    if !lines.is_empty() {
        cart.updated_at = tx.now();
    }
    store::save(tx, &cart).await?;
    Ok(cart.view(offers))
}

/// The active cart as it was last seen, made if there is none: one read, and no call.
///
/// # Errors
/// Those of the database.
pub async fn active_cart(app: &App, owner: UserId) -> Result<Cart, Error> {
    if let Some(cart) = find_active(app, owner).await? {
        return Ok(cart);
    }
    let home = app.settings.currency;
    app.ctx.db.write(async move |tx| lock_or_open(tx, owner, home).await).await
}

/// Puts units of a product into the cart. A product that is there gets them on its line.
///
/// # Errors
/// `PRODUCT_UNAVAILABLE`, `INSUFFICIENT_STOCK`, `CART_FULL`, `QUANTITY_TOO_LARGE`, `CURRENCY_MISMATCH`, `AMOUNT_TOO_LARGE`;
/// `DEPENDENCY_UNAVAILABLE` when the catalogue is down. In each case the cart is as it was.
pub async fn add_item(
    app: &App,
    owner: UserId,
    key: MaybeIdempotencyKey,
    body: AddCartItem,
) -> Result<Idempotent<Created<cart::Cart>>, Problem> {
    if let Some(key) = &key.0
        && let Some(Opened::Answered(answer)) = key.earlier(&app.ctx.db).await?
    {
        return Ok(answer);
    }
    let present = find_active(app, owner).await?;
    let offers = market::offers_with(app, body.product_id, present.as_ref()).await?;
    app.ctx
        .db
        .write(async move |tx| {
            key.once(tx, async |tx| {
                let cart = put_in(tx, owner, &offers, &body).await?;
                Ok::<_, Error>(Created::at("/cart", cart.view(&offers)))
            })
            .await
        })
        .await
}

async fn put_in(tx: &mut Tx, owner: UserId, offers: &Offers, body: &AddCartItem) -> Result<Cart, Error> {
    let goods = offers.on_sale(body.product_id)?;
    let (mut cart, fresh) = match store::lock_active(tx, owner).await? {
        Some(cart) => (cart, false),
        None => (store::open(tx, owner, goods.price.currency).await?, true),
    };
    let mut lines = cart.look_at(offers);
    let line = cart.add(tx.new_id(), body.product_id, goods, body.quantity)?.clone();
    lines.retain(|other| other.cart_item_id != line.cart_item_id);
    lines.push(line);
    store::put_lines(tx, cart.cart_id, &lines).await?;
    if !fresh {
        cart.changed(tx.now());
        store::save(tx, &cart).await?;
    }
    Ok(cart)
}

/// Sets how many units a line holds.
///
/// # Errors
/// `NOT_FOUND` for a line that is not in the caller's active cart, `PRODUCT_UNAVAILABLE`, `INSUFFICIENT_STOCK`,
/// `CURRENCY_MISMATCH`, `AMOUNT_TOO_LARGE`.
pub async fn update_item(app: &App, owner: UserId, item: CartItemId, quantity: Quantity) -> Result<cart::Cart, Error> {
    let present = find_active(app, owner).await?.ok_or(Error::NotFound)?;
    let offers = market::offers(app, &present).await;
    app.ctx
        .db
        .write(async move |tx| {
            let mut cart = store::lock_active(tx, owner).await?.ok_or(Error::NotFound)?;
            // A price that changed since the customer last looked is not one that they agreed to: it is looked at after.
            let held = cart.set_quantity(item, &offers, quantity)?.clone();
            let mut lines = cart.look_at(&offers);
            if lines.iter().all(|looked_at| looked_at.cart_item_id != item) {
                lines.push(held);
            }
            store::put_lines(tx, cart.cart_id, &lines).await?;
            cart.changed(tx.now());
            store::save(tx, &cart).await?;
            Ok(cart.view(&offers))
        })
        .await
}

/// Takes a line out.
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
            cart.changed(tx.now());
            Ok(store::save(tx, &cart).await?)
        })
        .await
}

/// Takes every line out. An empty cart stays as it is.
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
            cart.changed(tx.now());
            Ok(store::save(tx, &cart).await?)
        })
        .await
}

/// Hands a cart over to its order; what the order did not take goes on in a fresh cart. A cart that is not active was
/// handed over before, or is nobody's any more: nothing changes.
///
/// # Errors
/// Those of the database.
pub async fn check_out(tx: &mut Tx, owner: UserId, cart: CartId, order: OrderId, items: &[CheckedOutItem]) -> Result<(), Error> {
    let Some(mut cart) = store::lock(tx, owner, cart).await? else { return Ok(()) };
    let now = tx.now();
    let Some(split) = cart.check_out(order, items, now, || tx.new_id()) else { return Ok(()) };
    store::save(tx, &cart).await?;
    if !split.left.is_empty() {
        let next = store::open(tx, owner, cart.currency).await?;
        store::put_lines(tx, next.cart_id, &split.left).await?;
        store::put_lines(tx, cart.cart_id, &split.taken).await?;
    }
    Ok(())
}

/// Puts the lines of an order that the shop could not fulfil back into the active cart.
///
/// # Errors
/// Those of the database.
pub async fn take_back(tx: &mut Tx, owner: UserId, items: &[OrderItem], currency: Currency) -> Result<(), Error> {
    let mut cart = lock_or_open(tx, owner, currency).await?;
    let lines = cart.take_back(items, currency, || tx.new_id());
    if lines.len() < items.len() {
        tracing::info!(cart_id = %cart.cart_id, left_out = items.len() - lines.len(), "lines of an order did not fit into the cart again");
    }
    store::put_lines(tx, cart.cart_id, &lines).await?;
    cart.changed(tx.now());
    Ok(store::save(tx, &cart).await?)
}

async fn find_active(app: &App, owner: UserId) -> Result<Option<Cart>, db::Error> {
    app.ctx.db.read(async move |tx| store::find_active(tx, owner).await).await
}

async fn lock_or_open(tx: &mut Tx, owner: UserId, currency: Currency) -> Result<Cart, Error> {
    match store::lock_active(tx, owner).await? {
        Some(cart) => Ok(cart),
        None => store::open(tx, owner, currency).await,
    }
}
