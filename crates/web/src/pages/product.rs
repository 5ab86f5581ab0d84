//! The page of a product.

use super::{Card, Frame, browse::Link, failed, page};
use crate::{Site, format, session::Visitor, texts::Language};
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use contracts::{
    catalog::{GET_PRODUCT, GET_PRODUCT_GROUP, Product},
    inventory::{Availability, GET_AVAILABILITY},
    review::{LIST_PRODUCT_REVIEWS, ProductReviews},
    search::SEARCH_PRODUCTS,
    seller::{GET_SELLER, PublicSeller},
};
use std::collections::BTreeMap;

/// Products of the same category below.
const RELATED: usize = 5;
/// From so many units on the page says how many are left.
const FEW: i64 = 10;
const REVIEWS: usize = 10;

struct VariantLink {
    label: String,
    href: String,
    is_this: bool,
    in_stock: bool,
}

struct ReviewView {
    stars: String,
    title: String,
    text: String,
    day: String,
    answer: Option<String>,
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    product: Product,
    title: String,
    price: String,
    path: Vec<Link>,
    availability: Option<Availability>,
    /// Quantities to choose from.
    quantities: Vec<i64>,
    seller: Option<PublicSeller>,
    stars: String,
    variants: Vec<VariantLink>,
    attributes: BTreeMap<String, String>,
    reviews: Vec<ReviewView>,
    related: Vec<Card>,
}

impl ProductPage {
    fn few_left(&self) -> Option<i64> {
        self.availability.as_ref().map(|stock| stock.available_qty).filter(|count| (1..FEW).contains(count))
    }
    fn is_sold_out(&self) -> bool {
        self.availability.as_ref().is_some_and(|stock| !stock.in_stock)
    }
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let (caller, api, language) = (visitor.caller(), &site.0.api, visitor.language);
    let product = match api.call(&caller, &GET_PRODUCT).path(&id).send().await {
        Ok(product) => product,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    // What stands beside the product is left out when its service does not answer.
    let availability = api.call(&caller, &GET_AVAILABILITY).path(product.product_id).send();
    let reviews = api.call(&caller, &LIST_PRODUCT_REVIEWS).path(product.product_id).query("limit", REVIEWS).send();
    let seller = async {
        let id = product.seller_id?;
        api.call(&caller, &GET_SELLER).path(id).send().await.ok()
    };
    let group = async {
        let id = product.product_group_id?;
        api.call(&caller, &GET_PRODUCT_GROUP).path(id).send().await.ok()
    };
    let related = async {
        let category = product.category_id?;
        api.call(&caller, &SEARCH_PRODUCTS).query("category", category).query("limit", RELATED + 1).send().await.ok()
    };
    let (availability, reviews, seller, group, related) = tokio::join!(availability, reviews, seller, group, related);
    let availability = availability.ok();
    let variants = group.map(|group| {
        group
            .variants
            .iter()
            .map(|variant| VariantLink {
                label: group
                    .options
                    .iter()
                    .filter_map(|option| variant.product.attributes.get(&option.name))
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
                href: format!("/products/{}", variant.product.product_id),
                is_this: variant.product.product_id == product.product_id,
                in_stock: variant.availability.as_ref().is_none_or(|stock| stock.in_stock),
            })
            .collect()
    });
    let related = related.map_or_else(Vec::new, |found| found.items);
    let related = related.iter().filter(|hit| hit.product_id != product.product_id).take(RELATED).map(|hit| Card::of(language, hit));
    let most = availability.as_ref().map_or(1, |stock| stock.available_qty).clamp(1, 10);
    let template = ProductPage {
        title: format::title(&product.title),
        price: format::money(language, product.price_amount, product.currency),
        path: product
            .category_path
            .iter()
            .map(|category| Link { label: category.name.clone(), href: format!("/search?category={}", category.category_id) })
            .collect(),
        quantities: (1..=most).collect(),
        availability,
        seller,
        stars: if product.rating.count > 0 { format::stars(language, product.rating) } else { String::new() },
        variants: variants.unwrap_or_default(),
        attributes: product.attributes.iter().map(|(name, value)| (format::attribute(name), value.clone())).collect(),
        reviews: reviews.map(|found| views(language, found)).unwrap_or_default(),
        related: related.collect(),
        product,
        frame: Frame::of(&mut visitor),
    };
    page(&site, &visitor, &template)
}

fn views(language: Language, found: ProductReviews) -> Vec<ReviewView> {
    let view = |review: contracts::review::Review| ReviewView {
        stars: "★".repeat(usize::try_from(review.rating).unwrap_or(0)),
        title: review.title.unwrap_or_default(),
        text: review.text.unwrap_or_default(),
        day: format::day(language, review.created_at),
        answer: review.answer.map(|answer| answer.text),
    };
    found.items.into_iter().map(view).collect()
}
