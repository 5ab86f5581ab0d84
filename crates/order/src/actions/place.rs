//! Places an order for everything in the cart.
//!
//! Cart, products, addresses and shipping fee are read before the transaction. The transaction only writes the order, refuses a
//! cart that was ordered before, and wakes the saga.

use super::{ANSWER_GRACE, OrderAdvance, answer_in_background};
use crate::{
    App, Error,
    domain::{Order, SagaState, Totals, order_number},
    store,
    view::{find_view, view},
};
use contracts::{
    body::BoundedVec,
    cart::{self, Cart, CheckOutCart, CheckedOutItem},
    catalog::{self, Product, ProductLookup, ProductStatus},
    ids::{AddressId, OrderId, ProductId, UserId},
    money::{Currency, Money},
    order::{OrderCreated, OrderItem, OrderShipping, OrderStatus, OrderView, PlaceOrder},
    problem::Code,
    shipping,
    user::{self, AddressSnapshot},
};
use platform::{
    client::CallError,
    db::Tx,
    due::DueWork as _,
    http::{Created, IdempotencyKey, Idempotent, Problem},
    idempotency::Opened,
};
use std::{collections::HashMap, time::Duration};

/// An order that is not written yet.
#[derive(Clone)]
struct Draft {
    order_id: OrderId,
    owner: UserId,
    cart: Cart,
    items: Vec<OrderItem>,
    currency: Currency,
    totals: Totals,
    shipping_address: AddressSnapshot,
    billing_address: AddressSnapshot,
    request: PlaceOrder,
}

/// Places an order, and waits for it to settle for at most `wait`.
///
/// One key makes at most one order, and a repeated request gets the first answer byte for byte. One cart makes at most one order.
///
/// # Errors
/// `CART_EMPTY`, `PRODUCT_UNAVAILABLE`, `UNKNOWN_ADDRESS`, `TOTAL_CHANGED`, `AMOUNT_TOO_LARGE`; `DEPENDENCY_UNAVAILABLE`
/// when cart, catalog or user do not answer. Then no order was placed.
pub async fn place_order(
    app: &App,
    owner: UserId,
    key: IdempotencyKey,
    request: PlaceOrder,
    wait: Option<Duration>,
) -> Result<Idempotent<Created<OrderView>>, Problem> {
    match key.earlier(&app.ctx.db).await? {
        Some(Opened::Answered(answer)) => return Ok(answer),
        // The request that opened the key is gone, so this one answers it.
        Some(Opened::Unanswered(id)) => return answer(app, owner, key, id.into(), wait.unwrap_or_default()).await,
        None => {}
    }
    // A refusal is stored under the key too, so it is decided here and returned inside the transaction.
    let draft = match prepare(app, owner, request).await {
        Err(Error::Upstream(error)) if error.retryable() => return Err(error.into()),
        outcome => outcome,
    };
    match wait {
        None => place_at_once(app, key, draft).await,
        Some(wait) => place_and_wait(app, owner, key, draft, wait).await,
    }
}

async fn place_at_once(app: &App, key: IdempotencyKey, draft: Result<Draft, Error>) -> Result<Idempotent<Created<OrderView>>, Problem> {
    let placed = draft.clone().ok();
    let answer = app
        .ctx
        .db
        .write(async move |tx| {
            key.once(tx, async |tx| {
                let order = place(tx, draft.clone()?).await?;
                let timeline = vec![order.first_entry()];
                Ok::<_, Error>(created(view(order, timeline)))
            })
            .await
        })
        .await?;
    if let Some(draft) = placed.filter(|_| !answer.replayed && answer.stored.status.is_success()) {
        check_out(app, &draft).await;
    }
    Ok(answer)
}

async fn place_and_wait(
    app: &App,
    owner: UserId,
    key: IdempotencyKey,
    draft: Result<Draft, Error>,
    wait: Duration,
) -> Result<Idempotent<Created<OrderView>>, Problem> {
    let placed = draft.clone().ok();
    let (unit_key, busy) = (key.clone(), wait + ANSWER_GRACE);
    let opened: Opened<Created<OrderView>> = app
        .ctx
        .db
        .write(async move |tx| {
            unit_key
                .open(tx, busy, async |tx| {
                    let order = place(tx, draft.clone()?).await?;
                    Ok::<_, Error>(order.order_id.into())
                })
                .await
        })
        .await?;
    let id: OrderId = match opened {
        Opened::Answered(answer) => return Ok(answer),
        Opened::Unanswered(id) => id.into(),
    };
    if let Some(draft) = placed.filter(|draft| draft.order_id == id) {
        check_out(app, &draft).await;
    }
    answer(app, owner, key, id, wait).await
}

/// Stores the order under its key once it has settled or the wait is over.
async fn answer(
    app: &App,
    owner: UserId,
    key: IdempotencyKey,
    id: OrderId,
    wait: Duration,
) -> Result<Idempotent<Created<OrderView>>, Problem> {
    let own = app.clone();
    answer_in_background(app, async move {
        own.waiters.wait_until_settled(&own.ctx.db, id, wait).await?;
        let view = own.ctx.db.read(async move |tx| find_view(tx, Some(owner), id).await.map_err(Error::from)).await?;
        key.settle(&own.ctx.db, &created(view.ok_or(Error::NotFound)?)).await
    })
    .await
}

fn created(view: OrderView) -> Created<OrderView> {
    Created::at(format!("/orders/{}", view.order_id), view)
}

/// Empties the cart now, so that the customer sees it. If the call is lost, `OrderCreated` does the same.
async fn check_out(app: &App, draft: &Draft) {
    let items = draft.items.iter().map(|item| CheckedOutItem { product_id: item.product_id, quantity: item.quantity }).collect();
    let body = CheckOutCart { cart_id: draft.cart.cart_id, order_id: draft.order_id, items };
    let call = app.ctx.client.call(&cart::CHECK_OUT_CART).path(&[&draft.owner]).body(&body).timeout(Duration::from_secs(2));
    if let Err(error) = call.send().await {
        tracing::debug!(target: "order", %error, "the cart is emptied by the event instead");
    }
}

/// Writes the order and its event, and wakes the saga.
async fn place(tx: &mut Tx, draft: Draft) -> Result<Order, Error> {
    let now = tx.now();
    let Draft { order_id, owner, cart, items, currency, totals, shipping_address, billing_address, request } = draft;
    let mut order = Order {
        order_id,
        order_number: order_number(tx.random_bytes()),
        user_id: owner,
        cart_id: cart.cart_id,
        status: OrderStatus::PendingPayment,
        currency,
        items,
        totals,
        payment_method: request.payment_method,
        shipping_address,
        billing_address,
        saga: SagaState { correlation_id: tx.context().correlation_id.to_string(), ..SagaState::new() },
        shipping: OrderShipping::default(),
        failure: None,
        timeline_length: 1,
        created_at: now,
        updated_at: now,
    };
    if !store::insert(tx, &mut order, Some(now)).await? {
        // A request under another key ordered the cart a moment ago.
        return Err(Error::CartEmpty);
    }
    tx.emit(OrderCreated {
        order_id: order.order_id,
        order_number: order.order_number.clone(),
        user_id: order.user_id,
        cart_id: order.cart_id,
        currency,
        subtotal_amount: totals.subtotal_amount,
        shipping_amount: totals.shipping_amount,
        tax_amount: totals.tax_amount,
        discount_amount: totals.discount_amount,
        total_amount: totals.total_amount,
        payment_method: order.payment_method,
        items: order.items.clone(),
        shipping_address_snapshot: order.shipping_address.clone(),
        billing_address_snapshot: order.billing_address.clone(),
    });
    tx.notify_worker(OrderAdvance::NAME);
    Ok(order)
}

/// Reads everything the order is made of.
async fn prepare(app: &App, owner: UserId, request: PlaceOrder) -> Result<Draft, Error> {
    let client = &app.ctx.client;
    let cart_call = client.call(&cart::GET_ACTIVE_CART).path(&[&owner]);
    let billing_id = request.billing_address_id.filter(|id| *id != request.shipping_address_id);
    let (cart, shipping_address, billing_address) =
        tokio::join!(cart_call.send(), address(app, owner, request.shipping_address_id, "/shippingAddressId"), async {
            match billing_id {
                Some(id) => address(app, owner, id, "/billingAddressId").await.map(Some),
                None => Ok(None),
            }
        });
    let cart = cart.map_err(|error| if error.is_not_found() { Error::CartEmpty } else { error.into() })?;
    let shipping_address = shipping_address?;
    let billing_address = billing_address?.unwrap_or_else(|| shipping_address.clone());
    if cart.items.is_empty() {
        return Err(Error::CartEmpty);
    }
    let products = products(app, &cart).await?;
    let items = lines(app, &cart, &products)?;
    let currency = cart.currency;
    let subtotal = Money::sum(currency, items.iter().map(|item| Money::new(item.line_total_amount, currency)))?;
    let fee = shipping_fee(app, &shipping_address.country, subtotal).await?;
    let totals = Totals::of(&items, fee, Money::zero(currency), app.settings.tax_basis_points)?;
    if request.expected_total_amount.is_some_and(|expected| expected.get() != totals.total_amount) {
        return Err(Error::TotalChanged(totals));
    }
    let order_id = app.ctx.env.new_id();
    Ok(Draft { order_id, owner, cart, items, currency, totals, shipping_address, billing_address, request })
}

async fn address(app: &App, owner: UserId, id: AddressId, pointer: &'static str) -> Result<AddressSnapshot, Error> {
    match app.ctx.client.call(&user::GET_ADDRESS).path(&[&owner, &id]).send().await {
        Ok(address) => Ok(address.into()),
        Err(error) if error.is_not_found() => Err(Error::UnknownAddress(pointer)),
        Err(error) => Err(error.into()),
    }
}

async fn products(app: &App, cart: &Cart) -> Result<HashMap<ProductId, Product>, Error> {
    let product_ids = BoundedVec::new(cart.items.iter().map(|item| item.product_id).collect()).map_err(|_| Error::CartEmpty)?;
    let found = app.ctx.client.call(&catalog::LOOK_UP_PRODUCTS).body(&ProductLookup { product_ids }).send().await?;
    Ok(found.items.into_iter().map(|product| (product.product_id, product)).collect())
}

/// Returns the lines at the catalogue's current prices. Those in the cart may be old.
fn lines(app: &App, cart: &Cart, products: &HashMap<ProductId, Product>) -> Result<Vec<OrderItem>, Error> {
    cart.items
        .iter()
        .map(|item| {
            let product = products
                .get(&item.product_id)
                .filter(|product| product.status == ProductStatus::Active && product.currency == cart.currency)
                .ok_or_else(|| Error::Unavailable(item.sku.clone()))?;
            Ok(OrderItem {
                order_item_id: app.ctx.env.new_id(),
                product_id: product.product_id,
                sku: product.sku.clone(),
                title_snapshot: product.title.clone(),
                unit_price_snapshot: product.price_amount,
                quantity: item.quantity,
                line_total_amount: Money::new(product.price_amount, cart.currency).times(item.quantity)?.minor,
            })
        })
        .collect()
}

/// Returns the lowest shipping rate.
async fn shipping_fee(app: &App, country: &str, subtotal: Money) -> Result<Money, Error> {
    let call = app.ctx.client.call(&shipping::GET_RATES).path(&[&country, &subtotal.minor, &subtotal.currency]);
    let rates = call.send().await.map_err(|error| match error.code() {
        Some(Code::UNSUPPORTED_COUNTRY) => Error::NotServed(country.to_owned()),
        _ => Error::Upstream(error),
    })?;
    let cheapest = rates.items.iter().filter(|rate| rate.currency == subtotal.currency).map(|rate| rate.shipping_amount).min();
    cheapest
        .map(|minor| Money::new(minor, subtotal.currency))
        .ok_or(Error::Upstream(CallError::Unreadable("shipping has no rate in this currency".into())))
}
