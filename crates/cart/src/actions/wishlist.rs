//! The wish list of a customer.

use crate::{
    App, Error,
    domain::{Listing, Quotes},
    quotes,
    store::wishlist_rows::{self, Wish},
};
use contracts::{
    cart::WishlistItem,
    ids::{ProductId, UserId},
};
use platform::personal::is_erased;

/// The most products on a wish list.
pub const MAX_WISHES: i64 = 500;

/// Adds a product that is on sale. One that is on the list stays where it is, and no service is asked.
///
/// # Errors
/// [`Error::NotOnSale`], [`Error::WishlistFull`], and those of the call.
pub async fn add_wish(app: &App, owner: UserId, product_id: ProductId) -> Result<(), Error> {
    if app.ctx.db.read(async move |tx| wishlist_rows::exists(tx, owner, product_id).await).await? {
        return Ok(());
    }
    let quotes = quotes::look_up(app, vec![product_id]).await?;
    let quote = quotes.on_sale(product_id).map_err(|_| Error::NotOnSale)?;
    let (sku, title) = (quote.sku.clone(), quote.title.clone());
    app.ctx
        .db
        .write(async move |tx| {
            if is_erased(tx, owner.into()).await? || wishlist_rows::exists(tx, owner, product_id).await? {
                return Ok(());
            }
            if wishlist_rows::count(tx, owner).await? >= MAX_WISHES {
                return Err(Error::WishlistFull);
            }
            let (wishlist_item_id, added_at) = (tx.new_id(), tx.now());
            let wish = Wish { wishlist_item_id, user_id: owner, product_id, sku: sku.clone(), title: title.clone(), added_at };
            Ok(wishlist_rows::insert(tx, &wish).await?)
        })
        .await
}

/// Returns the products as they are now. Without an answer of the catalogue they are shown as they were added.
pub async fn show_wishes(app: &App, wishes: Vec<Wish>) -> Vec<WishlistItem> {
    let products = wishes.iter().map(|wish| wish.product_id).collect();
    let quotes = quotes::look_up(app, products).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the catalogue does not answer; the wish list is shown as it was stored");
        Quotes::default()
    });
    wishes.into_iter().map(|wish| show(wish, &quotes)).collect()
}

fn show(wish: Wish, quotes: &Quotes) -> WishlistItem {
    let Wish { product_id, sku, title, added_at, .. } = wish;
    let stored = WishlistItem {
        product_id,
        sku,
        title,
        is_on_sale: None,
        in_stock: None,
        price_amount: None,
        currency: None,
        image_url: None,
        added_at,
    };
    match quotes.listings.get(&product_id) {
        None => stored,
        Some(Listing::OffSale) => WishlistItem { is_on_sale: Some(false), in_stock: Some(false), ..stored },
        Some(Listing::OnSale(quote)) => WishlistItem {
            sku: quote.sku.clone(),
            title: quote.title.clone(),
            is_on_sale: Some(true),
            in_stock: quote.available.map(|units| units > 0),
            price_amount: Some(quote.price.minor),
            currency: Some(quote.price.currency),
            image_url: quote.image_url.clone(),
            ..stored
        },
    }
}
