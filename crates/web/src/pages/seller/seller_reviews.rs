//! The reviews of a seller's products, and the seller's answers.

use super::{Shell, done, enter_shop, is_fatal};
use crate::{
    Site,
    api::{Caller, Failure},
    dashboard::{Chip, Choice, Dashboard, Listing},
    format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page},
    session::{SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::Response,
};
use contracts::{
    catalog::{GET_PRODUCT, LIST_PRODUCTS, Product},
    review::{ANSWER_REVIEW, GET_REVIEW, LIST_PRODUCT_REVIEWS, Review},
    seller::Seller,
};
use serde::Deserialize;
use serde_json::json;

/// The API lists the reviews of one product. So many products of one page of the seller's list are asked for.
const PRODUCTS: usize = 100;
const ASKED: usize = 12;
/// Reviews of each of them, and of a product that is chosen.
const NEWEST: usize = 5;
const ROWS: usize = 20;

struct ReviewRow {
    id: String,
    product: String,
    href: String,
    stars: String,
    rating: i64,
    title: String,
    text: String,
    day: String,
    /// What was answered, or what was typed.
    answer: String,
    is_answered: bool,
    fault: String,
}

#[derive(Template)]
#[template(path = "seller/reviews.html")]
struct ReviewsPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    products: Vec<Choice>,
    chips: Vec<Chip>,
    list: Listing,
    rows: Vec<ReviewRow>,
    first: Option<String>,
    next: Option<String>,
    faults: Faults,
}

struct Found {
    /// Products with reviews.
    products: Vec<Product>,
    reviews: Vec<Review>,
    next: Option<String>,
}

async fn read(site: &Site, caller: &Caller, seller: &Seller, list: &Listing) -> Result<Found, Failure> {
    let api = &site.0.api;
    let chosen = list.value("product");
    let mut call = api.call(caller, &LIST_PRODUCTS).query("sellerId", seller.seller_id).query("limit", PRODUCTS);
    if chosen.is_empty() && !list.value("cursor").is_empty() {
        call = call.query("cursor", list.value("cursor"));
    }
    let page = call.send().await?;
    let products: Vec<Product> = page.items.into_iter().filter(|product| product.rating.count > 0).collect();
    if !chosen.is_empty() {
        let mut call = api.call(caller, &LIST_PRODUCT_REVIEWS).path(chosen).query("limit", ROWS);
        if !list.value("cursor").is_empty() {
            call = call.query("cursor", list.value("cursor"));
        }
        let found = call.send().await?;
        return Ok(Found { products, reviews: found.items, next: found.next_cursor });
    }
    let mut reviews = Vec::new();
    for product in products.iter().take(ASKED) {
        reviews.extend(api.call(caller, &LIST_PRODUCT_REVIEWS).path(product.product_id).query("limit", NEWEST).send().await?.items);
    }
    reviews.sort_by_key(|review| std::cmp::Reverse(review.created_at));
    Ok(Found { products, reviews, next: page.next_cursor })
}

pub async fn list(State(site): State<Site>, visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    show(&site, visitor, sent, None).await
}

async fn show(site: &Site, mut visitor: Visitor, sent: Vec<(String, String)>, refused: Option<(String, AnswerForm, Failure)>) -> Response {
    let (user, seller) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/reviews", sent, &["product", "open"]);
    let caller = visitor.caller();
    let Found { products, reviews, next } = match read(site, &caller, &seller, &list).await {
        Ok(found) => found,
        Err(failure) if is_fatal(&failure) => return failed(site, &mut visitor, &failure),
        Err(_) => return not_found_page(site, &mut visitor),
    };
    // A product of somebody else has reviews as well, but they are not answered here.
    if !list.value("product").is_empty() && !products.iter().any(|product| product.product_id.to_string() == list.value("product")) {
        match site.0.api.call(&caller, &GET_PRODUCT).path(list.value("product")).send().await {
            Ok(product) if product.seller_id == Some(seller.seller_id) => {}
            _ => return not_found_page(site, &mut visitor),
        }
    }
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let faults = refused.as_ref().map(|(.., failure)| Faults::of(failure)).unwrap_or_default();
    let row = |review: &Review| {
        let id = review.review_id.to_string();
        let typed = refused.as_ref().filter(|(refused, ..)| *refused == id);
        let product = products.iter().find(|product| product.product_id == review.product_id);
        ReviewRow {
            product: product.map(|product| format::title(&product.title)).unwrap_or_default(),
            href: format!("/seller/products/{}", review.product_id),
            stars: "★".repeat(usize::try_from(review.rating).unwrap_or(0)),
            rating: review.rating,
            title: review.title.clone().unwrap_or_default(),
            text: review.text.clone().unwrap_or_default(),
            day: format::day(language, review.created_at),
            answer: match typed {
                Some((_, form, _)) => form.text.clone(),
                None => review.answer.as_ref().map(|answer| answer.text.clone()).unwrap_or_default(),
            },
            is_answered: review.answer.is_some(),
            fault: typed.map(|_| faults.field("text").to_owned()).unwrap_or_default(),
            id,
        }
    };
    let mut pairs = vec![(String::new(), t.all_products.to_owned())];
    pairs.extend(products.iter().map(|product| (product.product_id.to_string(), format!("{} ({})", product.title, product.rating.count))));
    let chosen = products.iter().find(|product| product.product_id.to_string() == list.value("product"));
    let label = chosen.map_or_else(|| t.product.to_owned(), |product| product.title.clone());
    let only_open = !list.value("open").is_empty();
    let template = ReviewsPage {
        products: Choice::list(pairs, list.value("product")),
        chips: [list.chip("product", label), list.chip("open", t.not_answered)].into_iter().flatten().collect(),
        rows: reviews.iter().filter(|review| !only_open || review.answer.is_none()).map(row).collect(),
        first: list.first(),
        next: list.next(next.as_ref()),
        list,
        faults,
        frame,
        board,
        t,
    };
    match refused {
        Some((.., failure)) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AnswerForm {
    text: String,
    /// The query of the list, to come back to.
    product: String,
    open: String,
}

pub async fn answer(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<AnswerForm>) -> Response {
    let seller = match enter_shop(&site, &mut visitor).await {
        Ok((_, seller)) => seller,
        Err(answer) => return *answer,
    };
    let (caller, api) = (visitor.caller(), &site.0.api);
    // To others than the seller of the product the review cannot be answered, so it does not exist here.
    let is_own = async {
        let review = api.call(&caller, &GET_REVIEW).path(&id).send().await?;
        let product = api.call(&caller, &GET_PRODUCT).path(review.product_id).send().await?;
        Ok::<bool, Failure>(product.seller_id == Some(seller.seller_id))
    };
    match is_own.await {
        Ok(true) => {}
        Err(failure) if is_fatal(&failure) => return failed(&site, &mut visitor, &failure),
        Ok(false) | Err(_) => return not_found_page(&site, &mut visitor),
    }
    let back = vec![("product".to_owned(), form.product.clone()), ("open".to_owned(), form.open.clone())];
    let text = form.text.replace("\r\n", "\n");
    match api.call(&caller, &ANSWER_REVIEW).path(&id).raw_body(&json!({"text": text})).send().await {
        Ok(_) => {
            let list = Listing::new("/seller/reviews", back, &["product", "open"]);
            done(&site, visitor, SellerNotice::Answered, &list.here())
        }
        Err(failure) if is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        Err(failure) => show(&site, visitor, back, Some((id, form, failure))).await,
    }
}
