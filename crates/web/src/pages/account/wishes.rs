//! The wish list, and the alerts for what is sold out.

use crate::{
    Site,
    api::Failure,
    format,
    pages::{Frame, enter, failed, page, see_other, to_login},
    pictures,
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::Response,
};
use contracts::{
    cart::{ADD_TO_WISHLIST, LIST_WISHLIST, REMOVE_FROM_WISHLIST},
    inventory::{DELETE_STOCK_ALERT, SET_STOCK_ALERT},
};
use serde::Deserialize;

const WISHES: usize = 24;

struct Wish {
    id: String,
    title: String,
    image: Option<String>,
    price: String,
    /// Why it cannot be bought now; empty when it can.
    problem: &'static str,
    is_on_sale: bool,
    can_buy: bool,
}

#[derive(Template)]
#[template(path = "account/wishlist.html")]
struct WishlistPage {
    frame: Frame,
    here: &'static str,
    wishes: Vec<Wish>,
    next: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct At {
    cursor: String,
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor, Query(at): Query<At>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let mut call = site.0.api.call(&caller, &LIST_WISHLIST).query("limit", WISHES);
    if !at.cursor.is_empty() {
        call = call.query("cursor", &at.cursor);
    }
    let found = match call.send().await {
        Ok(found) => found,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let t = frame.t;
    let wishes = found.items.into_iter().map(|item| {
        let (is_on_sale, in_stock) = (item.is_on_sale != Some(false), item.in_stock != Some(false));
        Wish {
            id: item.product_id.to_string(),
            title: format::title(&item.title),
            image: item.image_url.as_deref().map(pictures::small),
            price: item
                .price_amount
                .zip(item.currency)
                .map(|(amount, currency)| format::money(frame.lang, amount, currency))
                .unwrap_or_default(),
            problem: match (is_on_sale, in_stock) {
                (false, _) => t.unavailable,
                (true, false) => t.sold_out,
                (true, true) => "",
            },
            is_on_sale,
            can_buy: is_on_sale && in_stock,
        }
    });
    let template = WishlistPage { wishes: wishes.collect(), here: "wishlist", next: found.next_cursor, frame };
    page(&site, &visitor, &template)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Wanted {
    /// The button that takes it back.
    remove: String,
}

/// Puts a product on the wish list, or takes it off.
pub async fn wish(State(site): State<Site>, visitor: Visitor, Path(product): Path<String>, Form(wanted): Form<Wanted>) -> Response {
    let Some(caller) = visitor.customer() else { return to_login(&site, &visitor, &format!("/products/{product}")) };
    let call = if wanted.remove.is_empty() { &ADD_TO_WISHLIST } else { &REMOVE_FROM_WISHLIST };
    let done = site.0.api.call(&caller, call).path(&product).send().await;
    after(&site, visitor, done, "/account/wishlist")
}

/// Asks for a message when a product can be bought again, or takes that back.
pub async fn alert(State(site): State<Site>, visitor: Visitor, Path(product): Path<String>, Form(wanted): Form<Wanted>) -> Response {
    let page = format!("/products/{product}");
    let Some(caller) = visitor.customer() else { return to_login(&site, &visitor, &page) };
    let call = if wanted.remove.is_empty() { &SET_STOCK_ALERT } else { &DELETE_STOCK_ALERT };
    let done = site.0.api.call(&caller, call).path(&product).send().await;
    after(&site, visitor, done, &page)
}

fn after(site: &Site, mut visitor: Visitor, done: Result<(), Failure>, to: &str) -> Response {
    match done {
        Ok(()) => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(site, &visitor, to)
        }
        Err(failure) => failed(site, &mut visitor, &failure),
    }
}
