//! The reviews on the page of a product: numbers by stars, one page of them, their order.

use super::Chosen;
use crate::{
    api::{Api, Caller, Failure},
    format,
    pages::Frame,
};
use contracts::{
    ids::ProductId,
    review::{AnswerAuthor, LIST_PRODUCT_REVIEWS, ProductReviews, Review},
};
use platform::http::encode_text;

const REVIEWS: usize = 10;
const SORTS: [&str; 4] = ["newest", "helpful", "-rating", "rating"];

/// How many reviews have a number of stars.
pub struct Bar {
    pub stars: i64,
    pub count: i64,
    /// The reviews with this number of stars, or all of them when they are shown alone now.
    pub href: String,
    pub is_chosen: bool,
}

pub struct ReviewView {
    pub base: String,
    pub stars: String,
    pub title: String,
    pub text: String,
    pub day: String,
    pub answer: Option<(&'static str, String)>,
    pub helpful: i64,
}

/// What the page shows of the reviews.
#[derive(Default)]
pub struct Opinions {
    pub total: i64,
    pub bars: Vec<Bar>,
    pub reviews: Vec<ReviewView>,
    /// Name, text and address of each order.
    pub sorts: Vec<(&'static str, String, bool)>,
    pub next: Option<String>,
}

/// Reads one page of the reviews. What is no order and no number of stars is left out, because anyone writes addresses.
pub async fn read(api: &Api, caller: &Caller, product: ProductId, chosen: &Chosen) -> Result<ProductReviews, Failure> {
    let mut call = api.call(caller, &LIST_PRODUCT_REVIEWS).path(product).query("limit", REVIEWS).query("sort", sort_of(chosen));
    if let Some(stars) = stars_of(chosen) {
        call = call.query("rating", stars);
    }
    if !chosen.cursor.is_empty() {
        call = call.query("cursor", &chosen.cursor);
    }
    call.send().await
}

fn sort_of(chosen: &Chosen) -> &'static str {
    SORTS.into_iter().find(|sort| *sort == chosen.sort).unwrap_or(SORTS[0])
}

fn stars_of(chosen: &Chosen) -> Option<i64> {
    chosen.rating.parse().ok().filter(|stars| (1..=5).contains(stars))
}

/// The address of the reviews in this order, with these stars, from this cursor.
fn address(product: ProductId, sort: &str, stars: Option<i64>, cursor: &str) -> String {
    let mut address = format!("/products/{product}");
    let stars = stars.map(|stars| stars.to_string()).unwrap_or_default();
    let sort = if sort == SORTS[0] { "" } else { sort };
    let parameters = [("sort", sort), ("rating", &*stars), ("cursor", cursor)].into_iter().filter(|(_, value)| !value.is_empty());
    for (place, (name, value)) in parameters.enumerate() {
        address.push(if place == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        encode_text(value, &mut address);
    }
    address + "#reviews"
}

pub fn of(frame: &Frame, product: ProductId, found: ProductReviews, chosen: &Chosen) -> Opinions {
    let (t, sort, only) = (frame.t, sort_of(chosen), stars_of(chosen));
    let mut histogram = found.summary.histogram;
    let bars = (1..=5).rev().map(|stars| Bar {
        stars,
        count: histogram.count_mut(stars).map_or(0, |count| *count),
        href: address(product, sort, Some(stars).filter(|_| only != Some(stars)), ""),
        is_chosen: only == Some(stars),
    });
    let labels = [t.sort_newest, t.sort_helpful, t.sort_best, t.sort_worst];
    let sorts = SORTS.into_iter().zip(labels).map(|(name, label)| (label, address(product, name, only, ""), name == sort));
    Opinions {
        total: found.summary.count,
        bars: bars.collect(),
        next: found.next_cursor.map(|cursor| address(product, sort, only, &cursor)),
        reviews: found.items.into_iter().map(|review| view(frame, review)).collect(),
        sorts: sorts.collect(),
    }
}

fn view(frame: &Frame, review: Review) -> ReviewView {
    let t = frame.t;
    ReviewView {
        base: format!("/products/{}/reviews/{}", review.product_id, review.review_id),
        stars: "★".repeat(usize::try_from(review.rating).unwrap_or(0)),
        title: review.title.unwrap_or_default(),
        text: review.text.unwrap_or_default(),
        day: format::day(frame.lang, review.created_at),
        answer: review.answer.map(|answer| {
            let who = if answer.author == AnswerAuthor::Seller { t.answer_of_seller } else { t.answer_of_shop };
            (who, answer.text)
        }),
        helpful: review.helpful_count,
    }
}
