//! The account of a customer: an overview, and a page for each part.

pub mod addresses;
mod channels;
mod logins;
mod messages;
mod own_reviews;
mod personal_data;
mod profile;
mod wishes;

pub use messages::{channel_words, kind_words};

use super::{Frame, enter, failed, page};
use crate::{Site, format, session::Visitor};
use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use contracts::{order::LIST_ORDERS, user::GET_PROFILE};

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/account", get(overview))
        .route("/account/addresses", get(addresses::list).post(addresses::add))
        .route("/account/addresses/new", get(addresses::show_new))
        .route("/account/addresses/{addressId}", get(addresses::show).post(addresses::replace))
        .route("/account/addresses/{addressId}/delete", post(addresses::delete))
        .route("/account/profile", get(profile::show).post(profile::change_name))
        .route("/account/profile/password", get(profile::show).post(profile::change_password))
        .route("/account/profile/email", get(profile::show).post(profile::change_email))
        .route("/account/notifications", get(messages::list))
        .route("/account/reviews", get(own_reviews::list))
        .route("/account/reviews/new", get(own_reviews::show_new))
        .route("/account/reviews/{reviewId}", get(own_reviews::show).post(own_reviews::change))
        .route("/account/reviews/{reviewId}/withdraw", post(own_reviews::withdraw))
        .route("/products/{productId}/review", post(own_reviews::write))
        .route("/account/wishlist", get(wishes::list))
        .route("/products/{productId}/wish", post(wishes::wish))
        .route("/products/{productId}/stock-alert", post(wishes::alert))
        .route("/account/preferences", get(channels::show).post(channels::change))
        .route("/account/sessions", get(logins::list))
        .route("/account/sessions/{sessionId}/end", post(logins::end))
        .route("/account/data", get(personal_data::show))
        .route("/account/data/export", post(personal_data::export))
        .route("/account/data/erase", post(personal_data::erase))
}

impl Frame {
    /// The parts of the account: name, address and label.
    pub fn places(&self) -> [(&'static str, &'static str, &'static str); 10] {
        let t = self.t;
        [
            ("overview", "/account", t.overview),
            ("orders", "/account/orders", t.orders),
            ("addresses", "/account/addresses", t.addresses),
            ("reviews", "/account/reviews", t.reviews),
            ("wishlist", "/account/wishlist", t.wishlist),
            ("notifications", "/account/notifications", t.notifications),
            ("preferences", "/account/preferences", t.preferences),
            ("sessions", "/account/sessions", t.sessions),
            ("profile", "/account/profile", t.profile),
            ("data", "/account/data", t.your_data),
        ]
    }
}

/// An order as the overview shows it.
struct LastOrder {
    href: String,
    number: String,
    day: String,
    total: String,
    status: &'static str,
    /// The class of the status.
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct Overview {
    frame: Frame,
    here: &'static str,
    name: String,
    email: String,
    is_verified: bool,
    orders: Vec<LastOrder>,
}

async fn overview(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let api = &site.0.api;
    let (profile, orders) = tokio::join!(api.call(&caller, &GET_PROFILE).send(), api.call(&caller, &LIST_ORDERS).query("limit", 3).send());
    let profile = match profile {
        Ok(profile) => profile,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let (t, lang) = (frame.t, frame.lang);
    let orders = orders.map_or_else(|_| Vec::new(), |found| found.items);
    let orders = orders.iter().map(|order| LastOrder {
        href: format!("/account/orders/{}", order.order_id),
        number: order.order_number.clone(),
        day: format::day(lang, order.created_at),
        total: format::money(lang, order.total_amount, order.currency),
        status: super::orders::words(t, order.status),
        tone: super::orders::tone(order.status),
    });
    let template = Overview {
        here: "overview",
        orders: orders.collect(),
        name: profile.name,
        email: profile.email,
        is_verified: profile.email_verified,
        frame,
    };
    page(&site, &visitor, &template)
}
