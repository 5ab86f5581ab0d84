//! The page of a product.

mod opinions;
mod variants;

use super::{
    Card, Frame,
    browse::{Link, NEWEST, one_of_each_group},
    failed, page, see_other,
};
use crate::{
    Site, countries, format,
    pictures::Sizes,
    session::{Notice, Visitor},
    structured,
    texts::goods_words,
};
use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use contracts::{
    catalog::{GET_PRODUCT, GET_PRODUCT_GROUP, LIST_PRODUCTS, Product},
    inventory::{Availability, GET_AVAILABILITY},
    review::{FLAG_REVIEW, MARK_REVIEW_HELPFUL},
    seller::{GET_SELLER, PublicSeller},
    shipping::{LIST_SHIPPING_RATES, ShippingRates},
};
use opinions::Opinions;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use variants::OptionRow;

/// Products of the same category below.
const RELATED: usize = 5;
/// Below so many units the page says how many are left.
const FEW: i64 = 10;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/products/{productId}", get(show))
        .route("/products/{productId}/reviews/{reviewId}/helpful", post(helpful))
        .route("/products/{productId}/reviews/{reviewId}/report", post(report))
}

/// What the address chooses besides the product.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Chosen {
    /// Which picture is large, from 1.
    picture: String,
    /// The order of the reviews.
    sort: String,
    /// Only reviews with so many stars.
    rating: String,
    /// The page of the reviews.
    cursor: String,
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    product: Product,
    title: String,
    price: String,
    path: Vec<Link>,
    pictures: Vec<Sizes>,
    /// The place of the large picture.
    shown: usize,
    availability: Option<Availability>,
    /// Quantities to choose from.
    quantities: Vec<i64>,
    /// What shipping costs, in words; empty when it is not known.
    shipping: String,
    seller: Option<PublicSeller>,
    stars: String,
    options: Vec<OptionRow>,
    attributes: BTreeMap<String, String>,
    opinions: Opinions,
    related: Vec<Card>,
    /// The address of the picture for messengers; empty without one.
    og_image: String,
    canonical: String,
    structured: String,
    summary: String,
}

impl ProductPage {
    fn few_left(&self) -> Option<i64> {
        self.availability.as_ref().map(|stock| stock.available_qty).filter(|count| (1..FEW).contains(count))
    }
    fn is_sold_out(&self) -> bool {
        self.availability.as_ref().is_some_and(|stock| !stock.in_stock)
    }
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Query(chosen): Query<Chosen>) -> Response {
    let (caller, api, language) = (visitor.caller(), &site.0.api, visitor.language);
    let product = match api.call(&caller, &GET_PRODUCT).path(&id).send().await {
        Ok(product) => product,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    // What stands beside the product is left out when its service does not answer.
    let availability = api.call(&caller, &GET_AVAILABILITY).path(product.product_id).send();
    let reviews = opinions::read(api, &caller, product.product_id, &chosen);
    let rates = api.call(&caller, &LIST_SHIPPING_RATES).path(countries::DEFAULT).path(product.price_amount).path(product.currency).send();
    let seller = async {
        let id = product.seller_id?;
        api.call(&caller, &GET_SELLER).path(id).send().await.ok()
    };
    let group = async {
        let id = product.product_group_id?;
        api.call(&caller, &GET_PRODUCT_GROUP).path(id).send().await.ok()
    };
    let stranger = visitor.stranger();
    let related = async {
        // A search would count facets over the whole category, which nothing here shows.
        let category = product.category_id?;
        api.call(&stranger, &LIST_PRODUCTS).query("category", category).query("limit", NEWEST).send().await.ok()
    };
    let (availability, reviews, rates, seller, group, related) = tokio::join!(availability, reviews, rates, seller, group, related);
    let availability = availability.ok();
    visitor.seen.add(product.product_id);
    let frame = Frame::of(&mut visitor);
    let related = related.map_or_else(Vec::new, |found| found.items);
    let own_group = product.product_group_id.as_slice();
    let related = one_of_each_group(&related, own_group).filter(|other| other.product_id != product.product_id);
    let related = related.take(RELATED).map(|other| Card::of_product(language, other)).collect();
    let most = availability.as_ref().map_or(1, |stock| stock.available_qty).clamp(1, 10);
    let path: Vec<Link> = product
        .category_path
        .iter()
        .map(|category| Link {
            label: goods_words(language, &category.name).to_owned(),
            href: format!("/categories/{}", category.category_id),
        })
        .collect();
    let canonical = site.address(&format!("/products/{}", product.product_id));
    let template = ProductPage {
        title: format::title(&product.title),
        price: format::money(language, product.price_amount, product.currency),
        structured: structured::product(&site, &product, availability.as_ref(), seller.as_ref(), &path),
        path,
        pictures: product.images.iter().map(|image| Sizes::of(image)).collect(),
        shown: chosen.picture.parse::<usize>().unwrap_or(1).clamp(1, product.images.len().max(1)) - 1,
        quantities: (1..=most).collect(),
        shipping: rates.map(|rates| shipping_words(&frame, &rates)).unwrap_or_default(),
        availability,
        seller,
        stars: if product.rating.count > 0 { format::stars(language, product.rating) } else { String::new() },
        options: group.map(|group| variants::rows(language, &group, product.product_id)).unwrap_or_default(),
        attributes: product.attributes.iter().map(|(name, value)| format::fact(language, name, value)).collect(),
        opinions: reviews.map(|found| opinions::of(&frame, product.product_id, found, &chosen)).unwrap_or_default(),
        related,
        og_image: product.images.first().map(|image| site.address(image)).unwrap_or_default(),
        summary: structured::summary(&product.description, &product.title),
        canonical,
        product,
        frame,
    };
    page(&site, &visitor, &template)
}

/// Says what the cheapest shipping to the assumed country costs, for an order of one.
fn shipping_words(frame: &Frame, rates: &ShippingRates) -> String {
    let t = frame.t;
    let Some(rate) = rates.items.first() else { return String::new() };
    let country = countries::name(frame.lang, &rates.country);
    let cost = match rate.shipping_amount {
        0 => t.free.to_owned(),
        amount => format::money(frame.lang, amount, rate.currency),
    };
    let mut words = format!("{} {country}: {cost}", t.shipping_to);
    if let Some(from) = rate.free_from_amount.filter(|_| rate.shipping_amount > 0) {
        words.push_str(&format!(", {} {}", t.free_from, format::money(frame.lang, from, rate.currency)));
    }
    words
}

/// Votes for a review.
async fn helpful(State(site): State<Site>, visitor: Visitor, Path((product, review)): Path<(String, String)>) -> Response {
    let Some(caller) = visitor.customer() else { return to_login_for(&site, &visitor, &product) };
    let voted = site.0.api.call(&caller, &MARK_REVIEW_HELPFUL).path(&review).send().await.map(|_| ());
    after(&site, visitor, &product, voted)
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ReportForm {
    reason: String,
}

/// Reports a review to the administrators.
async fn report(
    State(site): State<Site>,
    visitor: Visitor,
    Path((product, review)): Path<(String, String)>,
    Form(form): Form<ReportForm>,
) -> Response {
    let Some(caller) = visitor.customer() else { return to_login_for(&site, &visitor, &product) };
    // The whole of what was typed is more than nothing.
    let reason: String = form.reason.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    let body = if reason.is_empty() { json!({}) } else { json!({"reason": reason}) };
    let reported = site.0.api.call(&caller, &FLAG_REVIEW).path(&review).raw_body(&body).send().await.map(|_| ());
    after(&site, visitor, &product, reported)
}

fn to_login_for(site: &Site, visitor: &Visitor, product: &str) -> Response {
    super::to_login(site, visitor, &format!("/products/{product}"))
}

fn after(site: &Site, mut visitor: Visitor, product: &str, done: Result<(), crate::api::Failure>) -> Response {
    match done {
        // An author who votes for the own review gets no message of it.
        Err(failure) if failure.status() != StatusCode::CONFLICT => failed(site, &mut visitor, &failure),
        _ => {
            visitor.session.notice = Some(Notice::Thanked);
            see_other(site, &visitor, &format!("/products/{product}#reviews"))
        }
    }
}
