//! Reviews: what waits to be published, and what customers reported.

use super::{
    AdminRequest, PageFaults,
    admin_orders::{Parameters, Tally},
    names::People,
    screens::{Bulk, Cell, Field, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::Sent,
    words::{badge, choices},
};
use crate::{
    dashboard::{Head, Listing},
    format,
    session::AdminNotice,
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use contracts::{
    call::Call,
    catalog::GET_PRODUCT,
    review::{GET_REVIEW, LIST_ALL_REVIEWS, LIST_REVIEW_FLAGS, ModerateReview, PUBLISH_REVIEW, REJECT_REVIEW, Review, ReviewStatus},
};

const PATH: &str = "/admin/reviews";
const FLAGS: usize = 50;

fn stars(rating: i64) -> String {
    "★".repeat(usize::try_from(rating).unwrap_or(0))
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show_list(request, parameters, None).await
}

async fn show_list(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status", "productId", "flagged"]);
    let (found, faults) = match request.fetch(&LIST_ALL_REVIEWS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|review| {
        let title = review.title.clone().or_else(|| review.text.clone()).unwrap_or_else(|| stars(review.rating));
        let title: String = title.chars().take(80).collect();
        let path = |step: &str| format!("{PATH}/{}/{step}", review.review_id);
        let publish = || Cell::button(t.publish, path("publish"));
        let buttons = match review.status {
            ReviewStatus::Pending => publish().and_button(t.refuse, path("reject")),
            ReviewStatus::Published => Cell::button(t.refuse, path("reject")),
            ReviewStatus::Rejected => publish(),
            ReviewStatus::Withdrawn => Cell::text("–"),
        };
        Row::of([
            Cell::link(&title, format!("{PATH}/{}", review.review_id)).over(format::title(&review.product_title)),
            Cell::text(format!("{} / 5", review.rating)),
            Cell::badge(badge(t, &review.status.to_string())),
            Cell::number(review.flag_count.unwrap_or(0)),
            Cell::text(request.moment(review.created_at)),
            buttons,
        ])
        .chosen_by(review.review_id, format!("{} {title}", request.d.choose))
    });
    let rows = rows.collect();
    let saved = |label, query: &str| {
        let href = if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") };
        Saved { label, is_here: list.here() == href, href }
    };
    let screen = Screen {
        title: t.reviews,
        faults: refused.or(faults),
        saved: vec![saved(t.all, ""), saved(t.saved_to_review, "status=PENDING"), saved(t.saved_reported, "flagged=true")],
        filters: vec![
            Field::select("status", t.status, list.value("status"), choices::<ReviewStatus>(t)),
            Field::select("flagged", t.reported, list.value("flagged"), [("", t.all), ("true", t.yes), ("false", t.no)]),
        ],
        chips: [
            list.chip("status", badge(t, list.value("status")).words),
            list.chip("flagged", format!("{}: {}", t.reported, if list.value("flagged") == "true" { t.yes } else { t.no })),
            list.chip("productId", t.one_product),
        ]
        .into_iter()
        .flatten()
        .collect(),
        table: Table {
            id: "reviews",
            heads: vec![
                Head::choice(request.d),
                Head::new(t.review),
                list.head(t.stars, "rating", ""),
                Head::new(t.status),
                Head::number(t.reports),
                list.times_head(t.written),
                Head::new(request.d.actions),
            ],
            rows,
            empty: t.no_reviews,
            ..Table::default()
        },
        bulk: Some(Bulk { actions: vec![(t.publish, "/admin/reviews/publish"), (t.refuse, "/admin/reviews/reject")], reason: t.reason }),
        empty_text: t.no_reviews_text,
        empty_step: Some(Link { label: t.products, href: "/admin/products".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

async fn moderate_many(request: AdminRequest, sent: Sent, call: &Call<ModerateReview, Review>) -> Response {
    let mut tally = Tally::default();
    for id in sent.chosen() {
        tally.count(id, request.call(call).path(id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Saved, PATH),
        Some(faults) => show_list(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}

pub async fn publish_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    moderate_many(request, sent, &PUBLISH_REVIEW).await
}

pub async fn reject_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    moderate_many(request, sent, &REJECT_REVIEW).await
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let review = match request.call(&GET_REVIEW).path(id).send().await {
        Ok(review) => review,
        Err(failure) => return request.failed(&failure),
    };
    let product = request.call(&GET_PRODUCT).path(review.product_id).send();
    let flags = request.call(&LIST_REVIEW_FLAGS).path(id).query("limit", FLAGS).send();
    let (product, flags) = tokio::join!(product, flags);
    let title = product.map_or_else(|_| review.product_id.to_string(), |product| format::title(&product.title));
    let flags = flags.map(|page| page.items).unwrap_or_default();
    let people = People::of(&request, flags.iter().map(|flag| flag.user_id).chain(review.user_id)).await;
    let rows = flags.iter().map(|flag| {
        Row::of([Cell::text(request.moment(flag.created_at)), Cell::maybe(flag.reason.as_ref()), people.cell(&request, flag.user_id)])
    });
    let path = |step: &str| format!("{PATH}/{}/{step}", review.review_id);
    let reason = || Field::text("reason", t.reason, "").hint(t.reason_for_author);
    let publish = || FormView::new("publish", t.publish_title, path("publish"), t.publish).field(reason()).main();
    let reject = || FormView::new("reject", t.refuse_title, path("reject"), t.refuse).field(reason()).danger();
    let forms = match review.status {
        ReviewStatus::Pending => vec![publish(), reject()],
        ReviewStatus::Published => vec![reject()],
        ReviewStatus::Rejected => vec![publish()],
        ReviewStatus::Withdrawn => Vec::new(),
    };
    let author = review.user_id.map_or_else(|| Cell::text("–"), |id| people.cell(&request, id));
    let view = Sheet {
        title: review.title.clone().unwrap_or_else(|| t.review.to_owned()),
        back: Some(Link { label: t.reviews, href: PATH.into() }),
        badges: vec![badge(t, &review.status.to_string())],
        faults: Refused::page_faults(refused.as_ref()),
        facts: vec![
            (t.product, Cell::link(title, format!("/admin/products/{}", review.product_id))),
            (t.stars, Cell::text(format!("{} / 5", review.rating))),
            (t.author, author),
            (t.reason, Cell::maybe(review.reason.as_ref())),
            (t.found_helpful, Cell::text(review.helpful_count)),
            (t.answer, Cell::maybe(review.answer.as_ref().map(|answer| answer.text.clone()))),
            (t.written, Cell::text(request.moment(review.created_at))),
            (t.id, Cell::code(review.review_id)),
        ],
        text: review.text.clone().unwrap_or_default(),
        tables: vec![Table {
            id: "flags",
            title: t.reports,
            heads: vec![Head::new(t.time), Head::new(t.reason), Head::new(t.user)],
            rows: rows.collect(),
            empty: t.no_reports,
            ..Table::default()
        }],
        forms: forms.into_iter().map(|form| form.again(refused.as_ref())).collect(),
        ..Sheet::default()
    };
    request.sheet(view)
}

async fn moderate(request: AdminRequest, id: &str, sent: Sent, form: &'static str, call: &Call<ModerateReview, Review>) -> Response {
    let result = request.call(call).path(id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await;
    let to = (AdminNotice::Saved, &*format!("{PATH}/{id}"));
    request.finish(result, (form, sent), to, |request, refused| sheet(request, id, Some(refused))).await
}

pub async fn publish(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    moderate(request, &id, sent, "publish", &PUBLISH_REVIEW).await
}

pub async fn reject(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    moderate(request, &id, sent, "reject", &REJECT_REVIEW).await
}
