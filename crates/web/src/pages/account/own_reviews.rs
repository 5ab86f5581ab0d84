//! The reviews of a customer: the list, a new one of something that was delivered, and changes.

use crate::{
    Site,
    api::Failure,
    format,
    forms::Faults,
    pages::{Frame, enter, failed, page, refused_page, see_other},
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use contracts::{
    catalog::GET_PRODUCT,
    ids::Uuid,
    review::{GET_REVIEW, LIST_OWN_REVIEWS, ReviewStatus, UPDATE_REVIEW, WITHDRAW_REVIEW, WRITE_REVIEW},
};
use serde::Deserialize;
use serde_json::{Value, json};

const PATH: &str = "/account/reviews";
const REVIEWS: usize = 20;

struct ReviewLine {
    href: String,
    product: String,
    stars: String,
    title: String,
    text: String,
    day: String,
    status: &'static str,
    tone: &'static str,
    reason: String,
    answer: String,
}

#[derive(Template)]
#[template(path = "account/reviews.html")]
struct ReviewsPage {
    frame: Frame,
    here: &'static str,
    reviews: Vec<ReviewLine>,
    next: Option<String>,
}

/// What was typed.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ReviewForm {
    rating: String,
    title: String,
    text: String,
    form_key: String,
}

impl ReviewForm {
    /// With `null` in the place of what was left empty: it removes what was written before.
    fn body(&self) -> Value {
        let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map_or(Value::Null, Value::from);
        let rating = self.rating.parse::<i64>().map_or_else(|_| Value::from(0), Value::from);
        json!({"rating": rating, "title": text(&self.title), "text": text(&self.text.replace("\r\n", "\n"))})
    }
}

#[derive(Template)]
#[template(path = "account/review.html")]
struct ReviewPage {
    frame: Frame,
    here: &'static str,
    product: String,
    product_href: String,
    image: Option<String>,
    action: String,
    is_new: bool,
    typed: ReviewForm,
    faults: Faults,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct At {
    cursor: String,
    product: String,
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor, Query(at): Query<At>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let mut call = site.0.api.call(&caller, &LIST_OWN_REVIEWS).query("limit", REVIEWS);
    if !at.cursor.is_empty() {
        call = call.query("cursor", &at.cursor);
    }
    let found = match call.send().await {
        Ok(found) => found,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let frame = Frame::of(&mut visitor);
    let (t, lang) = (frame.t, frame.lang);
    let reviews = found.items.into_iter().map(|review| {
        let (status, tone) = match review.status {
            ReviewStatus::Pending => (t.review_pending, "few"),
            ReviewStatus::Published => (t.review_published, "good"),
            ReviewStatus::Rejected => (t.review_rejected, "bad"),
            ReviewStatus::Withdrawn => (t.review_withdrawn, ""),
        };
        ReviewLine {
            href: if review.status == ReviewStatus::Withdrawn { String::new() } else { format!("{PATH}/{}", review.review_id) },
            product: format!("/products/{}", review.product_id),
            stars: "★".repeat(usize::try_from(review.rating).unwrap_or(0)),
            title: review.title.unwrap_or_default(),
            text: review.text.unwrap_or_default(),
            day: format::day(lang, review.created_at),
            status,
            tone,
            reason: review.reason.unwrap_or_default(),
            answer: review.answer.map(|answer| answer.text).unwrap_or_default(),
        }
    });
    let template = ReviewsPage { reviews: reviews.collect(), next: found.next_cursor, here: "reviews", frame };
    page(&site, &visitor, &template)
}

pub async fn show_new(State(site): State<Site>, visitor: Visitor, Query(at): Query<At>) -> Response {
    show_form(&site, visitor, &at.product, None, ReviewForm::default(), None).await
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &GET_REVIEW).path(&id).send().await {
        // A review of somebody else is read as well, without its author.
        Ok(review) if review.user_id.is_none() => failed(&site, &mut visitor, &Failure::not_found()),
        Ok(review) => {
            let typed = ReviewForm {
                rating: review.rating.to_string(),
                title: review.title.unwrap_or_default(),
                text: review.text.unwrap_or_default(),
                form_key: String::new(),
            };
            show_form(&site, visitor, &review.product_id.to_string(), Some(&id), typed, None).await
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

async fn show_form(
    site: &Site,
    mut visitor: Visitor,
    product: &str,
    review: Option<&str>,
    mut typed: ReviewForm,
    refused: Option<Failure>,
) -> Response {
    let Some(caller) = visitor.customer() else { return enter(site, &visitor) };
    let (name, image) = match site.0.api.call(&caller, &GET_PRODUCT).path(product).send().await {
        Ok(product) => (format::title(&product.title), product.images.first().cloned()),
        // What was delivered may be off sale; a new review of what never existed is refused by the API.
        Err(failure) if failure.status() == StatusCode::NOT_FOUND && review.is_some() => (String::new(), None),
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    typed.form_key = site.0.env.new_id::<Uuid>().to_string();
    let template = ReviewPage {
        here: "reviews",
        product: name,
        product_href: format!("/products/{product}"),
        image,
        action: review.map_or_else(|| format!("/products/{product}/review"), |id| format!("{PATH}/{id}")),
        is_new: review.is_none(),
        typed,
        faults: refused.as_ref().map(Faults::of).unwrap_or_default(),
        frame: Frame::of(&mut visitor),
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

/// Writes a review of a product.
pub async fn write(State(site): State<Site>, mut visitor: Visitor, Path(product): Path<String>, Form(form): Form<ReviewForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let written = site.0.api.call(&caller, &WRITE_REVIEW).path(&product).key(&form.form_key).raw_body(&form.body()).send().await;
    match written {
        Ok(_) => {
            visitor.session.notice = Some(Notice::Reviewed);
            see_other(&site, &visitor, PATH)
        }
        Err(failure) if failure.is_about_the_form() => show_form(&site, visitor, &product, None, form, Some(failure)).await,
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

pub async fn change(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<ReviewForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &UPDATE_REVIEW).path(&id).raw_body(&form.body()).send().await {
        Ok(_) => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(&site, &visitor, PATH)
        }
        Err(failure) if failure.is_about_the_form() => match site.0.api.call(&caller, &GET_REVIEW).path(&id).send().await {
            Ok(review) => show_form(&site, visitor, &review.product_id.to_string(), Some(&id), form, Some(failure)).await,
            Err(failure) => failed(&site, &mut visitor, &failure),
        },
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

pub async fn withdraw(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &WITHDRAW_REVIEW).path(&id).send().await {
        Ok(()) => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(&site, &visitor, PATH)
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}
