//! The reviews of a seller's products, and the seller's answers.

use super::{Shell, Tab, done, enter_shop, is_fatal, read_list};
use crate::{
    Site,
    api::Failure,
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
    catalog::GET_PRODUCT,
    page::Page,
    review::{ANSWER_REVIEW, GET_REVIEW, LIST_SELLER_REVIEWS, Review},
};
use serde::Deserialize;
use serde_json::json;

const PATH: &str = "/seller/reviews";
const FILTERS: [&str; 3] = ["productId", "rating", "answered"];
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
    tabs: Vec<Tab>,
    stars: Vec<Choice>,
    chips: Vec<Chip>,
    list: Listing,
    rows: Vec<ReviewRow>,
    first: Option<String>,
    next: Option<String>,
    faults: Faults,
}

pub async fn list(State(site): State<Site>, visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    show(&site, visitor, sent, None).await
}

async fn show(site: &Site, mut visitor: Visitor, sent: Vec<(String, String)>, refused: Option<(String, AnswerForm, Failure)>) -> Response {
    let (user, _) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new(PATH, sent, &FILTERS);
    let caller = visitor.caller();
    let found = match read_list(site, &caller, &LIST_SELLER_REVIEWS, &list, ROWS).await {
        Ok(found) => found,
        // A filter that cannot be read finds nothing.
        Err(failure) if failure.is_about_the_form() => Page { items: Vec::new(), next_cursor: None },
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let faults = refused.as_ref().map(|(.., failure)| Faults::of(failure)).unwrap_or_default();
    let row = |review: &Review| {
        let id = review.review_id.to_string();
        let typed = refused.as_ref().filter(|(refused, ..)| *refused == id);
        ReviewRow {
            product: format::title(&review.product_title),
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
    let stars = ["5", "4", "3", "2", "1"].map(|stars| (stars, format!("{stars} / 5")));
    let tab = |label, answered: &str| Tab { label, href: list.with("answered", answered), is_here: list.value("answered") == answered };
    let product = found.items.first().map_or_else(|| t.product.to_owned(), |review| format::title(&review.product_title));
    let template = ReviewsPage {
        tabs: vec![tab(t.all, ""), tab(t.not_answered, "false"), tab(t.answered, "true")],
        stars: Choice::list(std::iter::once(("", t.all.to_owned())).chain(stars), list.value("rating")),
        chips: [
            list.chip("productId", product),
            list.chip("rating", format!("{} / 5", list.value("rating"))),
            list.chip("answered", if list.value("answered") == "true" { t.answered } else { t.not_answered }),
        ]
        .into_iter()
        .flatten()
        .collect(),
        rows: found.items.iter().map(row).collect(),
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
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
    #[serde(rename = "productId")]
    product_id: String,
    rating: String,
    answered: String,
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
    let back = FILTERS.iter().zip([&form.product_id, &form.rating, &form.answered]);
    let back = back.map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let text = form.text.replace("\r\n", "\n");
    match api.call(&caller, &ANSWER_REVIEW).path(&id).raw_body(&json!({"text": text})).send().await {
        Ok(_) => {
            let list = Listing::new(PATH, back, &FILTERS);
            done(&site, visitor, SellerNotice::Answered, &list.here())
        }
        Err(failure) if is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        Err(failure) => show(&site, visitor, back, Some((id, form, failure))).await,
    }
}
