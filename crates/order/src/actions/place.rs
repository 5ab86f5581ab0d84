//! Places an order for everything in the cart.
//!
//! Cart, products, addresses and shipping fee are read before the transaction. The transaction only writes the order, refuses a
//! cart that was ordered before, and wakes the saga.

use super::{
    OrderAdvance,
    discounts::{self, Discounts},
    emit,
    guests::{self, Guest},
    store::{self, Insertion},
};
use crate::{
    App, Error,
    domain::{Fulfilment, Order, SagaState, Totals, order_number, set_taxes},
    view::{find_view, view},
};
use contracts::{
    body::BoundedVec,
    cart::{self, Cart, CheckOutCart, CheckedOutItem, GuestCartToken},
    catalog::{self, Product, ProductLookup},
    ids::{AddressId, OrderId, ProductId, UserId, Uuid},
    money::{Currency, Money},
    order::{OrderItem, OrderShipping, OrderStatus, OrderView, PlaceGuestOrder, PlaceOrder, SellerSubtotal},
    payment::PaymentMethod,
    problem::{Code, Fault},
    shipping,
    tax::{TaxDestination, Taxation},
    text::{Amount, ExternalId},
    user::{self, AddressSnapshot, PostalAddress},
};
use platform::{
    client::CallError,
    context::Context,
    db::{self, Tx},
    due::DueWork as _,
    http::Created,
    idempotency::{IdempotentRequest, Next},
};
use std::{collections::HashMap, sync::OnceLock, time::Duration};

/// Places an order, and waits for it to settle for at most `wait`. One key makes at most one order, and so does one cart.
///
/// It is refused with `CART_EMPTY`, `PRODUCT_UNAVAILABLE`, `UNKNOWN_ADDRESS`, `UNSUPPORTED_COUNTRY`, `UNSUPPORTED_CURRENCY`,
/// `TOTAL_CHANGED`, `AMOUNT_TOO_LARGE`, and with `DEPENDENCY_UNAVAILABLE` when cart, catalog or user do not answer. Then no order was placed.
pub struct Place {
    pub app: App,
    /// The customer of the order. That of a guest is made of the address.
    pub owner: UserId,
    pub buyer: Buyer,
    pub wait: Option<Duration>,
    /// The order before it is written.
    pub draft: OnceLock<Draft>,
}

/// Who orders, with the body of the request.
pub enum Buyer {
    Customer(PlaceOrder),
    Guest(Guest, Box<PlaceGuestOrder>),
}

impl Place {
    /// Adds the token to the order of a guest.
    async fn with_token(&self, tx: &mut Tx, placed: OrderView) -> Result<OrderView, Error> {
        match self.buyer {
            Buyer::Customer(_) => Ok(placed),
            Buyer::Guest(..) => guests::with_token(tx, &self.app.guest_keys, placed).await,
        }
    }
}

/// An order before it is written.
pub struct Draft {
    order: Order,
    discounts: Discounts,
    cart_owner: UserId,
}

impl IdempotentRequest for Place {
    type Answer = Created<OrderView>;
    type State = OrderId;
    type Error = Error;

    async fn prepare(&self) -> Result<(), Error> {
        let draft = draft(&self.app, self.owner, &self.buyer).await?;
        discounts::reserve(&self.app, &draft.order, &draft.discounts).await?;
        self.draft.get_or_init(|| draft);
        Ok(())
    }

    /// Writes the order and its event, and wakes the saga.
    async fn effect(&self, tx: &mut Tx) -> Result<Next<Created<OrderView>, OrderId>, Error> {
        let draft = self.draft.get().ok_or_else(|| db::Error::Failed("an order is placed before it was prepared".into()))?;
        let now = tx.now();
        if !discounts::may_write(&draft.discounts, draft.order.created_at, now) {
            return Err(Error::TooLate);
        }
        let mut order = Order { created_at: now, updated_at: now, ..draft.order.clone() };
        match store::insert(tx, &mut order, Some(now)).await? {
            Insertion::Inserted => {}
            // A request under another key ordered the cart a moment ago.
            Insertion::CartOrdered => return Err(Error::CartEmpty),
            Insertion::ExternalIdTaken => return Err(Error::ExternalIdTaken),
        }
        if let Buyer::Guest(guest, _) = &self.buyer {
            guests::insert(tx, &self.app.guest_keys, order.order_id, guest).await?;
        }
        store::insert_discounts(tx, order.order_id, &draft.discounts.shown).await?;
        emit::created(tx, &order);
        tx.notify_worker(OrderAdvance::NAME);
        if self.wait.is_some() {
            return Ok(Next::Wait(order.order_id));
        }
        let timeline = vec![order.first_entry()];
        let placed = OrderView { discounts: draft.discounts.shown.clone(), ..view(order, timeline) };
        Ok(Next::Answer(created(self.with_token(tx, placed).await?)))
    }

    /// Empties the cart now, so that the customer sees it. If the call is lost, `OrderCreated` does the same.
    async fn after_effect(&self) {
        let Some(Draft { order, cart_owner, .. }) = self.draft.get() else { return };
        let items = order.items.iter().map(|item| CheckedOutItem { product_id: item.product_id, quantity: item.quantity }).collect();
        let body = CheckOutCart { cart_id: order.cart_id, order_id: order.order_id, items };
        let call = self.app.ctx.client.call(&cart::CHECK_OUT_CART).path(&[cart_owner]).body(&body).timeout(Duration::from_secs(2));
        if let Err(error) = call.send().await {
            tracing::debug!(target: "order", %error, "the cart is emptied by the event instead");
        }
    }

    async fn undo_preparation(&self) {
        let Some(Draft { order, discounts, .. }) = self.draft.get() else { return };
        discounts::release(&self.app, order.order_id, discounts).await;
    }

    fn resource(&self, id: &OrderId) -> Uuid {
        (*id).into()
    }

    async fn resume(&self, _: &mut Tx, id: Uuid) -> Result<Next<Created<OrderView>, OrderId>, Error> {
        Ok(Next::Wait(id.into()))
    }

    fn limit(&self) -> Duration {
        self.wait.unwrap_or_default()
    }

    async fn wait(&self, id: OrderId) -> Result<OrderId, Error> {
        self.app.waiters.wait_until_settled(&self.app.ctx.db, id, self.limit()).await?;
        Ok(id)
    }

    async fn answer(&self, tx: &mut Tx, id: OrderId) -> Result<Next<Created<OrderView>, OrderId>, Error> {
        let placed = find_view(tx, Some(self.owner), id).await?.ok_or(Error::NotFound)?;
        Ok(Next::Answer(created(self.with_token(tx, placed).await?)))
    }
}

fn created(view: OrderView) -> Created<OrderView> {
    Created::at(format!("/orders/{}", view.order_id), view)
}

/// What an order is made of beside the products.
struct Basis {
    cart: Cart,
    shipping_address: AddressSnapshot,
    billing_address: AddressSnapshot,
    payment_method: PaymentMethod,
    expected_total_amount: Option<i64>,
}

/// Reads the cart and the addresses of a customer.
async fn of_customer(app: &App, owner: UserId, request: &PlaceOrder) -> Result<Basis, Error> {
    let cart_call = app.ctx.client.call(&cart::GET_ACTIVE_CART).path(&[&owner]);
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
    let expected_total_amount = request.expected_total_amount.map(Amount::get);
    Ok(Basis { cart, shipping_address, billing_address, payment_method: request.payment_method, expected_total_amount })
}

/// Reads the cart of a guest and has the addresses checked.
async fn of_guest(app: &App, guest: &Guest, request: &PlaceGuestOrder) -> Result<Basis, Error> {
    let body = GuestCartToken { cart_token: guest.cart.reveal().clone() };
    let cart_call = app.ctx.client.call(&cart::GET_GUEST_CART).body(&body);
    let (cart, shipping, billing) =
        tokio::join!(cart_call.send(), checked(app, guest, &request.shipping_address, "/shippingAddress"), async {
            match &request.billing_address {
                Some(address) => checked(app, guest, address, "/billingAddress").await.map(Some),
                None => Ok(None),
            }
        });
    let (shipping_address, billing_address) = match (shipping, billing) {
        (Err(Error::Invalid(one)), Err(Error::Invalid(other))) => return Err(Error::Invalid([one, other].concat())),
        (shipping, billing) => (shipping?, billing?),
    };
    // The cart answers 401, which the client takes for a refusal of its own token.
    let cart = cart.map_err(|error| if error.is_not_found() { Error::UnknownCart } else { error.into() })?;
    let billing_address = billing_address.unwrap_or_else(|| shipping_address.clone());
    let expected_total_amount = request.expected_total_amount.map(Amount::get);
    Ok(Basis { cart, shipping_address, billing_address, payment_method: request.payment_method, expected_total_amount })
}

/// Has the address of a guest checked by the rules of its country. The guest's name stands in for a recipient.
async fn checked(app: &App, guest: &Guest, address: &PostalAddress, pointer: &'static str) -> Result<AddressSnapshot, Error> {
    let name = || Some(guest.contact.name.clone());
    let address = PostalAddress { recipient: address.recipient.clone().or_else(name), ..address.clone() };
    app.ctx.client.call(&user::CHECK_ADDRESS).body(&address).send().await.map_err(|error| match error.document() {
        Some(document) if error.code() == Some(Code::INVALID_REQUEST) => {
            let at = |fault: &Fault| Fault { pointer: fault.pointer.as_ref().map(|inner| format!("{pointer}{inner}")), ..fault.clone() };
            Error::Invalid(document.errors.iter().map(at).collect())
        }
        _ => error.into(),
    })
}

/// Reads everything the order is made of.
async fn draft(app: &App, owner: UserId, buyer: &Buyer) -> Result<Draft, Error> {
    let basis = match buyer {
        Buyer::Customer(request) => of_customer(app, owner, request).await?,
        Buyer::Guest(guest, request) => of_guest(app, guest, request).await?,
    };
    let Basis { cart, shipping_address, billing_address, payment_method, expected_total_amount } = basis;
    if cart.items.is_empty() {
        return Err(Error::CartEmpty);
    }
    let destination = TaxDestination { country: shipping_address.country.clone(), state: shipping_address.state.clone() };
    let (products, taxation) = products(app, cart.items.iter().map(|item| item.product_id), &destination).await?;
    let taxation = self::taxation(app, taxation);
    let mut items = lines(app, &cart, &products)?;
    let currency = cart.currency;
    let mut fulfilments = fulfilments(app, &items, currency, &shipping_address.country).await.map_err(|error| match (error, buyer) {
        (Error::NotServed(country), Buyer::Guest(..)) => Error::GuestNotServed(country),
        (error, _) => error,
    })?;
    let discounts = discounts::compute(app, owner, &cart, &products, &mut items, &mut fulfilments).await?;
    let class_of = |id| products.get(&id).map(|product| product.tax_class).unwrap_or_default();
    set_taxes(&taxation, class_of, &mut items, &mut fulfilments);
    let totals = Totals::of(&items, &fulfilments, currency, taxation.prices_include_tax)?;
    if expected_total_amount.is_some_and(|expected| expected != totals.total_amount) {
        return Err(Error::TotalChanged(totals));
    }
    let (env, now) = (&app.ctx.env, app.ctx.env.now());
    let (external_id, metadata) = match buyer {
        Buyer::Customer(request) => (request.external_id.clone(), request.metadata.clone()),
        Buyer::Guest(_, request) => (request.external_id.clone(), request.metadata.clone()),
    };
    let order = Order {
        order_id: env.new_id(),
        order_number: order_number(env.random_bytes()),
        user_id: owner,
        cart_id: cart.cart_id,
        status: OrderStatus::PendingPayment,
        currency,
        items,
        fulfilments,
        totals,
        payment_method,
        shipping_address,
        billing_address,
        saga: SagaState { correlation_id: Context::current().correlation_id.to_string(), ..SagaState::new() },
        shipping: OrderShipping::default(),
        failure: None,
        external_id: external_id.map(ExternalId::into_string),
        metadata: metadata.into_map(),
        timeline_length: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(Draft { order, discounts, cart_owner: cart.user_id })
}

async fn address(app: &App, owner: UserId, id: AddressId, pointer: &'static str) -> Result<AddressSnapshot, Error> {
    match app.ctx.client.call(&user::GET_ADDRESS_OF_USER).path(&[&owner, &id]).send().await {
        Ok(address) => Ok(address.into()),
        Err(error) if error.is_not_found() => Err(Error::UnknownAddress(pointer)),
        Err(error) => Err(error.into()),
    }
}

/// Returns the products and how a sale to `destination` is taxed, by one call.
pub(super) async fn products(
    app: &App,
    ids: impl Iterator<Item = ProductId>,
    destination: &TaxDestination,
) -> Result<(HashMap<ProductId, Product>, Taxation), Error> {
    let product_ids = BoundedVec::new(ids.collect()).map_err(|_| Error::CartEmpty)?;
    let body = ProductLookup { product_ids, tax_destination: Some(destination.clone()) };
    let found = app.ctx.client.call(&catalog::LOOK_UP_PRODUCTS).body(&body).send().await?;
    Ok((found.items.into_iter().map(|product| (product.product_id, product)).collect(), found.taxation))
}

/// Returns how sales are taxed: as the catalogue says, or without any rate there by the one rate of the settings.
pub(super) fn taxation(app: &App, found: Taxation) -> Taxation {
    match app.settings.tax_basis_points {
        0 => found,
        _ if found.has_rates => found,
        points => Taxation::flat(points),
    }
}

/// Returns the lines at the catalogue's current prices. Those in the cart may be old.
fn lines(app: &App, cart: &Cart, products: &HashMap<ProductId, Product>) -> Result<Vec<OrderItem>, Error> {
    cart.items
        .iter()
        .map(|item| {
            let product = products
                .get(&item.product_id)
                .filter(|product| product.is_on_sale() && product.currency == cart.currency)
                .ok_or_else(|| Error::Unavailable(item.sku.clone()))?;
            Ok(OrderItem {
                order_item_id: app.ctx.env.new_id(),
                product_id: product.product_id,
                sku: product.sku.clone(),
                title_snapshot: product.title.clone(),
                unit_price_snapshot: product.price_amount,
                quantity: item.quantity,
                line_total_amount: Money::new(product.price_amount, cart.currency).times(item.quantity)?.minor,
                image_url: product.images.first().cloned(),
                seller_id: product.seller_id,
                discount_amount: 0,
                seller_discount_amount: 0,
                tax_amount: 0,
                tax_basis_points: None,
                returned_quantity: 0,
            })
        })
        .collect()
}

/// Returns a fulfilment for each seller of the lines, in the order of their first lines, each with the fee for its own lines.
async fn fulfilments(app: &App, items: &[OrderItem], currency: Currency, country: &str) -> Result<Vec<Fulfilment>, Error> {
    let lines = items.iter().map(|item| (item.seller_id, Money::new(item.line_total_amount, currency)));
    let sellers = SellerSubtotal::of_lines(lines)?;
    let fees = shipping_fees(app, country, currency, &sellers).await?;
    let part = |(seller, fee): (&SellerSubtotal, Money)| Fulfilment::new(app.ctx.env.new_id(), seller.seller_id, fee.minor);
    Ok(sellers.iter().zip(fees).map(part).collect())
}

/// Returns the shipping fee of each seller, whose lines are one parcel. The calls run side by side.
pub(super) async fn shipping_fees(app: &App, country: &str, currency: Currency, sellers: &[SellerSubtotal]) -> Result<Vec<Money>, Error> {
    if let [only] = sellers {
        return Ok(vec![shipping_fee(app, country, Money::new(only.subtotal_amount, currency)).await?]);
    }
    let mut calls = app.ctx.env.task_set();
    for (at, seller) in sellers.iter().enumerate() {
        let (app, country, subtotal) = (app.clone(), country.to_owned(), Money::new(seller.subtotal_amount, currency));
        calls.spawn(Context::current().scope(async move { (at, shipping_fee(&app, &country, subtotal).await) }));
    }
    let mut fees = vec![Money::zero(currency); sellers.len()];
    while let Some(joined) = calls.join_next().await {
        let (at, fee) = joined.map_err(|error| db::Error::Failed(error.to_string()))?;
        fees[at] = fee?;
    }
    Ok(fees)
}

/// Returns the lowest shipping rate.
pub(super) async fn shipping_fee(app: &App, country: &str, subtotal: Money) -> Result<Money, Error> {
    let call = app.ctx.client.call(&shipping::LIST_SHIPPING_RATES).path(&[&country, &subtotal.minor, &subtotal.currency]);
    let rates = call.send().await.map_err(|error| match error.code() {
        Some(Code::UNSUPPORTED_COUNTRY) => Error::NotServed(country.to_owned()),
        Some(Code::UNSUPPORTED_CURRENCY) => Error::NoShippingPrice(subtotal.currency),
        _ => Error::Upstream(error),
    })?;
    let cheapest = rates.items.iter().filter(|rate| rate.currency == subtotal.currency).map(|rate| rate.shipping_amount).min();
    cheapest
        .map(|minor| Money::new(minor, subtotal.currency))
        .ok_or(Error::Upstream(CallError::Unreadable("shipping has no rate in this currency".into())))
}
