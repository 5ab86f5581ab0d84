//! Orders of guests: the tokens that open them, the accounts that claim them, and the erasure of their personal data.

use crate::{
    App, Error,
    store::{
        self,
        guest_rows::{self, GuestRow},
    },
};
use contracts::{
    ids::{OrderId, UserId},
    order::{GuestContact, GuestCustomer, GuestView, OrderClaimed, OrderCustomer, OrderView},
    secret::Secret,
};
use platform::{
    db::Tx,
    encryption,
    identity::{CartTokenHeader, GuestToken, OrderTokenHeader},
    master_key::MasterKey,
    personal::{ORDERS_ERASED_SINCE, end_erased_since, forget_answers, list_erased_since},
};
use std::{sync::Arc, time::Duration};

pub type CartToken = GuestToken<CartTokenHeader>;
pub type OrderToken = GuestToken<OrderTokenHeader>;

/// How long after the last change of its order a token ends.
pub const TOKEN_LIFE: Duration = Duration::from_secs(180 * 24 * 3600);

/// The guest of an order that is being placed.
#[derive(Debug, Clone)]
pub struct Guest {
    pub cart: CartToken,
    pub order: OrderToken,
    pub contact: GuestCustomer,
}

/// What is derived for guests from the secret of the installation.
#[derive(Clone)]
pub struct GuestKeys {
    master: MasterKey,
    /// Encrypts the tokens that are stored for mails.
    tokens: [u8; 32],
    /// Encrypts the stored answers to guests.
    pub answers: [u8; 32],
}

impl GuestKeys {
    #[must_use]
    pub fn new(master: &MasterKey) -> Arc<GuestKeys> {
        let (tokens, answers) = (master.key_for("seal:guest-order-token"), master.key_for("seal:guest-order-answer"));
        Arc::new(GuestKeys { master: master.clone(), tokens, answers })
    }

    /// Returns the customer of all orders of guests with this address, in its normal form.
    #[must_use]
    pub fn customer(&self, email: &str) -> UserId {
        self.master.guest_of(email)
    }
}

/// Returns the customer of the order that this token opens.
///
/// # Errors
/// [`Error::NotFound`] for an order that it does not open, also when it has ended.
pub async fn customer_of(app: &App, id: OrderId, token: &OrderToken) -> Result<UserId, Error> {
    let found = find_by_token(app, token).await?;
    if found.order_id == id { Ok(found.user_id) } else { Err(Error::NotFound) }
}

/// Returns the order that this token opens.
///
/// # Errors
/// [`Error::NotFound`] when it opens none, also when it has ended.
pub async fn find_by_token(app: &App, token: &OrderToken) -> Result<OrderCustomer, Error> {
    let hash = token.hash();
    let since = app.ctx.db.now().before(TOKEN_LIFE);
    let found = app.ctx.db.read(async move |tx| guest_rows::find_by_token(tx, hash, since).await).await?;
    found.ok_or(Error::NotFound)
}

/// Stores the guest of a new order.
pub(super) async fn insert(tx: &mut Tx, keys: &GuestKeys, id: OrderId, guest: &Guest) -> Result<(), Error> {
    let sealed = encryption::encrypt(&keys.tokens, tx.random_bytes(), guest.order.reveal().reveal().as_bytes());
    let row = GuestRow {
        order_id: id,
        token_hash: Some(guest.order.hash()),
        sealed_token: Some(sealed),
        email: Some(guest.contact.email.to_string()),
        name: Some(guest.contact.name.to_string()),
        event_count: 0,
    };
    Ok(guest_rows::insert(tx, &row).await?)
}

/// Adds the token to the view of an order that was just placed by a guest.
pub(super) async fn with_token(tx: &mut Tx, keys: &GuestKeys, view: OrderView) -> Result<OrderView, Error> {
    let guest = guest_rows::find(tx, view.order_id).await?.ok_or(Error::NotFound)?;
    Ok(OrderView { order_token: token_of(keys, &guest), guest: guest_view(&guest), ..view })
}

fn token_of(keys: &GuestKeys, guest: &GuestRow) -> Option<Secret> {
    let token = encryption::decrypt(&keys.tokens, guest.sealed_token.as_deref()?)?;
    Secret::parse(String::from_utf8(token).ok()?).ok()
}

/// Returns the guest as the order shows it.
#[must_use]
pub fn guest_view(guest: &GuestRow) -> Option<GuestView> {
    Some(GuestView { email: guest.email.clone()?, name: guest.name.clone()? })
}

/// Returns where the mails about a guest's order go, with the token for their links.
///
/// # Errors
/// [`Error::NotFound`] when the order is not one of a guest any more.
pub async fn contact_of(app: &App, id: OrderId) -> Result<GuestContact, Error> {
    let guest = app.ctx.db.read(async move |tx| guest_rows::find(tx, id).await).await?.ok_or(Error::NotFound)?;
    let email = guest.email.clone().ok_or(Error::NotFound)?;
    Ok(GuestContact { email, order_token: token_of(&app.guest_keys, &guest).ok_or(Error::NotFound)? })
}

/// Gives the orders of the guests with this address to the account that verified it. Their tokens end.
///
/// # Errors
/// Those of the database.
pub async fn claim(tx: &mut Tx, keys: &GuestKeys, user: UserId, email: &str) -> Result<(), Error> {
    let guest_id = keys.customer(email);
    for (order_id, order_number) in guest_rows::list_claimable(tx, guest_id).await? {
        // The lock of the order comes first, as everywhere.
        store::lock_order(tx, None, order_id).await?;
        guest_rows::set_customer(tx, order_id, user).await?;
        guest_rows::forget(tx, order_id).await?;
        // They hold the token.
        forget_answers(tx, guest_id).await?;
        tx.emit(OrderClaimed { order_id, order_number, user_id: user, guest_id });
    }
    Ok(())
}

/// Erases who ordered, where the goods went and what people wrote, of an order of a guest that is at rest. Lines, amounts and countries
/// stay. The token ends.
///
/// # Errors
/// [`Error::NotFound`] for an order that is not one of a guest, [`Error::NotAtRest`] while it is under way.
pub async fn erase(tx: &mut Tx, id: OrderId) -> Result<(), Error> {
    let order = store::lock_order(tx, None, id).await?.ok_or(Error::NotFound)?;
    guest_rows::lock(tx, id).await?.filter(|guest| guest.email.is_some()).ok_or(Error::NotFound)?;
    if !order.is_at_rest() {
        return Err(Error::NotAtRest(order.status));
    }
    Ok(store::personal::erase_guest_order(tx, order).await?)
}

/// Erases the orders of guests again that were erased after the backup from which this data directory was restored, also those that are
/// under way since.
///
/// # Errors
/// When the file that names them cannot be read, and those of the database.
pub async fn erase_again(app: &App) -> Result<(), Error> {
    let data_dir = app.ctx.folder.parent().unwrap_or(&app.ctx.folder);
    for id in list_erased_since::<OrderId>(data_dir, ORDERS_ERASED_SINCE)? {
        let erase = async move |tx: &mut Tx| -> Result<(), Error> {
            let Some(order) = store::lock_order(tx, None, id).await? else { return Ok(()) };
            Ok(store::personal::erase_guest_order(tx, order).await?)
        };
        app.ctx.db.write(erase).await?;
    }
    Ok(end_erased_since(data_dir, ORDERS_ERASED_SINCE)?)
}
