//! Adds a product to the cart, and shows the cart with its discounts.

use crate::{
    App, Error, discounts,
    domain::{Cart, Quotes},
    quotes, store,
};
use contracts::{
    cart::{self, AddCartItem},
    ids::{UserId, Uuid},
};
use platform::{
    db::Tx,
    http::Created,
    idempotency::{IdempotentRequest, Next},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Adds units of a product: to its line if there is one, else as a new line. The promotions are asked after the change, and only for a
/// cart that may have discounts.
///
/// It is refused with `PRODUCT_UNAVAILABLE`, `INSUFFICIENT_STOCK`, `CART_FULL`, `QUANTITY_TOO_LARGE`, `CURRENCY_MISMATCH`,
/// `AMOUNT_TOO_LARGE`, and with `DEPENDENCY_UNAVAILABLE` when the catalogue is down. After an error the cart is unchanged.
pub struct AddItem {
    app: App,
    owner: UserId,
    body: AddCartItem,
    /// Those of the product and of the lines before.
    quotes: OnceLock<Quotes>,
}

/// The cart after the change.
#[derive(Clone)]
pub struct Changed {
    cart: Arc<Cart>,
    /// As it is shown, once the promotions were asked.
    shown: Option<Arc<cart::Cart>>,
}

impl Changed {
    fn new(cart: Cart) -> Changed {
        Changed { cart: Arc::new(cart), shown: None }
    }
}

impl AddItem {
    #[must_use]
    pub fn new(app: App, owner: UserId, body: AddCartItem) -> AddItem {
        AddItem { app, owner, body, quotes: OnceLock::new() }
    }
}

impl IdempotentRequest for AddItem {
    type Answer = Created<cart::Cart>;
    type State = Changed;
    type Error = Error;

    async fn prepare(&self) -> Result<(), Error> {
        let owner = self.owner;
        let lines = self.app.ctx.db.read(async move |tx| store::list_products(tx, owner).await).await?;
        let quotes = quotes::fetch_with(&self.app, self.body.product_id, lines).await?;
        self.quotes.get_or_init(|| quotes);
        Ok(())
    }

    async fn effect(&self, tx: &mut Tx) -> Result<Next<Created<cart::Cart>, Changed>, Error> {
        let none = Quotes::default();
        let quotes = self.quotes.get().unwrap_or(&none);
        let cart = add(tx, self.owner, quotes, &self.body).await?;
        if cart.may_have_discounts() {
            return Ok(Next::Wait(Changed::new(cart)));
        }
        Ok(Next::Answer(Created::at("/cart", cart.view(quotes))))
    }

    fn resource(&self, changed: &Changed) -> Uuid {
        changed.cart.cart_id.into()
    }

    async fn resume(&self, tx: &mut Tx, cart: Uuid) -> Result<Next<Created<cart::Cart>, Changed>, Error> {
        let cart = store::lock(tx, self.owner, cart.into()).await?.ok_or(Error::NotFound)?;
        Ok(Next::Wait(Changed::new(cart)))
    }

    fn limit(&self) -> Duration {
        quotes::LOOKUP_TIMEOUT + discounts::TIMEOUT
    }

    async fn wait(&self, changed: Changed) -> Result<Changed, Error> {
        let Changed { cart, .. } = changed;
        let shown = match self.quotes.get() {
            Some(quotes) => discounts::show(&self.app, &cart, quotes).await,
            None => discounts::show(&self.app, &cart, &quotes::fetch(&self.app, &cart).await).await,
        };
        Ok(Changed { cart, shown: Some(Arc::new(shown)) })
    }

    async fn answer(&self, _: &mut Tx, changed: Changed) -> Result<Next<Created<cart::Cart>, Changed>, Error> {
        Ok(match changed.shown {
            Some(shown) => Next::Answer(Created::at("/cart", Arc::unwrap_or_clone(shown))),
            None => Next::Wait(changed),
        })
    }
}

async fn add(tx: &mut Tx, owner: UserId, quotes: &Quotes, body: &AddCartItem) -> Result<Cart, Error> {
    let quote = quotes.on_sale(body.product_id)?;
    let (mut cart, fresh) = store::lock_or_create(tx, owner, quote.price.currency).await?;
    let mut lines = cart.requote(quotes);
    let line = cart.add(tx.new_id(), body.product_id, quote, body.quantity)?.clone();
    lines.retain(|other| other.cart_item_id != line.cart_item_id);
    lines.push(line);
    store::put_lines(tx, cart.cart_id, &lines).await?;
    if !fresh {
        cart.mark_changed(tx.now());
        store::save(tx, &cart).await?;
    }
    Ok(cart)
}
