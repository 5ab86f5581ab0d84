//! The cart.

use super::{Frame, failed, page, refused_page, see_other};
use crate::{
    Site,
    api::Failure,
    countries, format,
    forms::Faults,
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use contracts::{
    cart::{
        ADD_CART_ITEM, ADD_COUPON, CREATE_GUEST_CART, Cart, CartWarning, GET_CART, REMOVE_CART_ITEM, REMOVE_COUPON, UPDATE_CART_ITEM,
        WarningCode,
    },
    ids::CartItemId,
    money::Currency,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A line as the page shows it.
struct Line {
    id: CartItemId,
    href: String,
    title: String,
    image: Option<String>,
    unit_price: String,
    total: String,
    quantity: u32,
    warning: Option<String>,
}

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    frame: Frame,
    lines: Vec<Line>,
    cart: Option<Cart>,
    faults: Faults,
}

/// Reads the cart with the cost of shipping it to the default address, or to the country that is assumed without one; `None` for a
/// visitor who has none.
pub async fn read(site: &Site, visitor: &mut Visitor) -> Result<Option<Cart>, Failure> {
    if visitor.is_logged_in() {
        let cart = read_for(site, visitor, "", "").await?;
        let has_cost = cart.as_ref().is_none_or(|cart| cart.items.is_empty() || cart.estimate.is_some());
        if has_cost {
            return Ok(cart);
        }
    }
    read_for(site, visitor, countries::DEFAULT, "").await
}

/// Reads the cart with the cost of shipping it there. An empty country is that of the default address.
pub async fn read_for(site: &Site, visitor: &mut Visitor, country: &str, state: &str) -> Result<Option<Cart>, Failure> {
    if !visitor.is_logged_in() && visitor.session.cart_token.is_none() {
        return Ok(None);
    }
    let caller = visitor.caller();
    let mut call = site.0.api.call(&caller, &GET_CART);
    for (name, value) in [("country", country), ("state", state)] {
        if !country.is_empty() && !value.is_empty() {
            call = call.query(name, value);
        }
    }
    match call.send().await {
        Ok(cart) => {
            visitor.session.cart_count = count(&cart);
            Ok(Some(cart))
        }
        // The cart of a guest ends when it was not used for a long time.
        Err(failure) if !visitor.is_logged_in() && failure.status() == StatusCode::UNAUTHORIZED => {
            visitor.session.cart_token = None;
            visitor.session.cart_count = 0;
            Ok(None)
        }
        // No country has this code, or the state is none of its own: the form says so when it is sent.
        Err(failure) if !country.is_empty() && failure.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Box::pin(read_for(site, visitor, "", "")).await
        }
        Err(failure) => Err(failure),
    }
}

fn count(cart: &Cart) -> u32 {
    cart.items.iter().map(|item| item.quantity).sum()
}

fn template(visitor: &mut Visitor, cart: Option<Cart>, faults: Faults) -> CartPage {
    let frame = Frame::of(visitor);
    let lines = cart.iter().flat_map(|cart| cart.items.iter().map(move |item| (cart, item))).map(|(cart, item)| Line {
        id: item.cart_item_id,
        href: format!("/products/{}", item.product_id),
        title: format::title(&item.title_snapshot),
        image: item.image_url.clone(),
        unit_price: format::money(frame.lang, item.unit_price_snapshot, item.currency),
        total: format::money(frame.lang, item.line_total_amount, item.currency),
        quantity: item.quantity,
        warning: cart
            .warnings
            .iter()
            .find(|warning| warning.cart_item_id == item.cart_item_id)
            .map(|warning| warning_words(&frame, warning, item.currency)),
    });
    CartPage { lines: lines.collect(), cart, faults, frame }
}

/// Says what changed about a line since it was added.
fn warning_words(frame: &Frame, warning: &CartWarning, currency: Currency) -> String {
    let t = frame.t;
    match warning.code {
        WarningCode::PriceChanged => match (warning.old_unit_price_amount, warning.new_unit_price_amount) {
            (Some(old), Some(new)) => {
                format!("{} {} → {}", t.price_changed, format::money(frame.lang, old, currency), format::money(frame.lang, new, currency))
            }
            _ => t.price_changed.to_owned(),
        },
        WarningCode::QuantityCapped => match warning.available_qty {
            Some(left) => format!("{} {left} {}", t.quantity_capped, t.few_left),
            None => t.quantity_capped.to_owned(),
        },
        WarningCode::Unavailable => t.unavailable.to_owned(),
    }
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor) -> Response {
    match read(&site, &mut visitor).await {
        Ok(cart) => {
            let template = template(&mut visitor, cart, Faults::default());
            page(&site, &visitor, &template)
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddForm {
    product_id: String,
    #[serde(default = "one")]
    quantity: i64,
}

fn one() -> i64 {
    1
}

/// Adds a product. A guest gets a cart with the first one, and another one when it ended.
pub async fn add(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<AddForm>) -> Response {
    let had_cart = visitor.session.cart_token.is_some();
    let added = add_to_cart(&site, &mut visitor, &form).await;
    let added = match added {
        Err(failure) if had_cart && !visitor.is_logged_in() && failure.status() == StatusCode::UNAUTHORIZED => {
            visitor.session.cart_token = None;
            add_to_cart(&site, &mut visitor, &form).await
        }
        added => added,
    };
    match added {
        Ok(cart) => {
            visitor.session.cart_count = count(&cart);
            visitor.session.notice = Some(Notice::Added);
            see_other(&site, &visitor, "/cart")
        }
        Err(failure) => refuse(&site, visitor, failure).await,
    }
}

async fn add_to_cart(site: &Site, visitor: &mut Visitor, form: &AddForm) -> Result<Cart, Failure> {
    if !visitor.is_logged_in() && visitor.session.cart_token.is_none() {
        let caller = visitor.caller();
        let cart = site.0.api.call(&caller, &CREATE_GUEST_CART).send().await?;
        visitor.session.cart_token = Some(cart.cart_token.reveal().to_owned());
    }
    let body = json!({"productId": form.product_id, "quantity": form.quantity});
    let caller = visitor.caller();
    site.0.api.call(&caller, &ADD_CART_ITEM).raw_body(&body).send().await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ChangeForm {
    quantity: String,
    /// The button that removes the line.
    remove: String,
}

/// Changes how many units a line has; none removes it.
pub async fn change(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<ChangeForm>) -> Response {
    let (caller, api) = (visitor.caller(), &site.0.api);
    let quantity = form.quantity.trim().parse::<i64>().map_or_else(|_| Value::from(&*form.quantity), Value::from);
    let changed = if form.remove.is_empty() && quantity != 0 {
        api.call(&caller, &UPDATE_CART_ITEM).path(&id).raw_body(&json!({"quantity": quantity})).send().await.map(|_| ())
    } else {
        match api.call(&caller, &REMOVE_CART_ITEM).path(&id).send().await {
            // A second click finds it removed.
            Err(failure) if failure.status() != StatusCode::NOT_FOUND => Err(failure),
            _ => {
                visitor.session.notice = Some(Notice::Removed);
                Ok(())
            }
        }
    };
    match changed {
        Ok(()) => see_other(&site, &visitor, "/cart"),
        Err(failure) => refuse(&site, visitor, failure).await,
    }
}

#[derive(Deserialize)]
pub struct CouponForm {
    code: String,
}

pub async fn add_coupon(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<CouponForm>) -> Response {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &ADD_COUPON).raw_body(&json!({"code": form.code})).send().await {
        Ok(_) => {
            visitor.session.notice = Some(Notice::CouponAdded);
            see_other(&site, &visitor, "/cart")
        }
        Err(failure) => refuse(&site, visitor, failure).await,
    }
}

/// Shows the cart with what is wrong with the step.
async fn refuse(site: &Site, mut visitor: Visitor, failure: Failure) -> Response {
    if failure.status() == StatusCode::UNAUTHORIZED || failure.status().is_server_error() {
        return failed(site, &mut visitor, &failure);
    }
    visitor.session.notice = None;
    match read(site, &mut visitor).await {
        Ok(cart) => {
            let template = template(&mut visitor, cart, Faults::of(&failure));
            refused_page(site, &visitor, failure.status(), &template)
        }
        Err(failure) => failed(site, &mut visitor, &failure),
    }
}

pub async fn remove_coupon(State(site): State<Site>, visitor: Visitor, Path(code): Path<String>) -> Response {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &REMOVE_COUPON).path(&code).send().await {
        // A second click finds it removed.
        Err(failure) if failure.status() != StatusCode::NOT_FOUND => refuse(&site, visitor, failure).await,
        _ => see_other(&site, &visitor, "/cart"),
    }
}
