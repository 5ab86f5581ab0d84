//! Sellers: applications to decide on, and shops to suspend.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    screens::{Cell, Field, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::Sent,
    words::badge,
};
use crate::{
    dashboard::{Head, Listing},
    format,
    session::AdminNotice,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::{
    payout::LIST_POSTINGS,
    seller::{APPROVE_SELLER, LIST_SELLER_RECORDS, REINSTATE_SELLER, REJECT_SELLER, REVIEW_SELLER, SUSPEND_SELLER, SellerStatus},
};

const PATH: &str = "/admin/sellers";
/// At most so many pages of records are read for the one of a page: the API has no operation for one.
const PAGES: usize = 50;
const POSTINGS: usize = 10;

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_SELLER_RECORDS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|seller| {
        let path = |step: &str| format!("{PATH}/{}/{step}", seller.seller_id);
        let buttons = match seller.status {
            SellerStatus::Applied => Cell::button(t.begin_review, path("review")).and_button(t.approve, path("approve")),
            SellerStatus::UnderReview => Cell::button(t.approve, path("approve")),
            SellerStatus::Suspended => Cell::button(t.reinstate, path("reinstate")),
            SellerStatus::Approved | SellerStatus::Rejected => Cell::text("–"),
        };
        let legal_name = seller.legal_name.as_deref().filter(|name| *name != seller.shop_name);
        Row::of([
            Cell::link(&seller.shop_name, format!("{PATH}/{}", seller.seller_id)).over(legal_name.unwrap_or_default()),
            Cell::maybe(seller.country.as_deref().map(|code| request.country(code))),
            Cell::badge(badge(t, &seller.status.to_string())),
            Cell::text(request.moment(seller.applied_at)),
            buttons,
        ])
    });
    let rows = rows.collect();
    let saved = |label, status: &str| Saved { label, href: list.with("status", status), is_here: list.value("status") == status };
    let screen = Screen {
        title: t.sellers,
        faults,
        saved: vec![
            saved(t.all, ""),
            saved(badge(t, "APPLIED").words, "APPLIED"),
            saved(badge(t, "UNDER_REVIEW").words, "UNDER_REVIEW"),
            saved(badge(t, "APPROVED").words, "APPROVED"),
            saved(badge(t, "SUSPENDED").words, "SUSPENDED"),
            saved(badge(t, "REJECTED").words, "REJECTED"),
        ],
        chips: list.chip("status", badge(t, list.value("status")).words).into_iter().collect(),
        table: Table {
            id: "sellers",
            heads: vec![Head::new(t.shop), Head::new(t.country), Head::new(t.status), Head::new(t.applied), Head::new(request.d.actions)],
            rows,
            empty: t.no_sellers,
            ..Table::default()
        },
        empty_text: t.no_sellers_text,
        empty_step: Some(Link { label: t.users, href: "/admin/users".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let seller = match request.find(&LIST_SELLER_RECORDS, PAGES, |seller| seller.seller_id.to_string() == id).await {
        Ok(Some(seller)) => seller,
        Ok(None) => return request.not_found(),
        Err(failure) => return request.failed(&failure),
    };
    let postings = request.call(&LIST_POSTINGS).query("sellerId", id).query("limit", POSTINGS).send().await;
    let postings = postings.map(|page| page.items).unwrap_or_default();
    let path = |step: &str| format!("{PATH}/{}/{step}", seller.seller_id);
    let reason = || Field::text("reason", t.reason, "").hint(t.reason_for_seller);
    let form = |id, title, step: &str, submit| FormView::new(id, title, path(step), submit).field(reason());
    let approve = || form("approve", t.approve_title, "approve", t.approve).main();
    let reject = || form("reject", t.refuse_title, "reject", t.refuse).danger();
    let forms = match seller.status {
        SellerStatus::Applied => vec![approve(), form("review", t.review_title, "review", t.begin_review), reject()],
        SellerStatus::UnderReview => vec![approve(), reject()],
        SellerStatus::Approved => vec![form("suspend", t.suspend_title, "suspend", t.suspend).hint(t.suspend_hint).danger()],
        SellerStatus::Suspended => vec![form("reinstate", t.reinstate_title, "reinstate", t.reinstate)],
        SellerStatus::Rejected => Vec::new(),
    };
    let held = seller.payouts_held_until.map(|until| request.moment(until));
    let rating = match seller.rating.count {
        0 => "–".to_owned(),
        count => format!("★ {} ({count})", format::stars(request.lang, seller.rating)),
    };
    let view = Sheet {
        title: seller.shop_name.clone(),
        back: Some(Link { label: t.sellers, href: PATH.into() }),
        badges: vec![badge(t, &seller.status.to_string())],
        faults: Refused::page_faults(refused.as_ref()),
        links: vec![
            Link { label: t.user, href: format!("/admin/users/{}", seller.seller_id) },
            Link { label: t.products, href: format!("/admin/products?sellerId={}", seller.seller_id) },
            Link { label: t.ledger, href: format!("/admin/ledger?sellerId={}", seller.seller_id) },
        ],
        facts: vec![
            (t.legal_name, Cell::maybe(seller.legal_name.as_ref())),
            (t.country, Cell::maybe(seller.country.as_deref().map(|code| request.country(code)))),
            (t.contact, Cell::maybe(seller.contact_email.as_ref())),
            (t.reason, Cell::maybe(seller.reason.as_ref())),
            (t.rating, Cell::text(rating)),
            (t.applied, Cell::text(request.moment(seller.applied_at))),
            (t.approved_at, Cell::maybe(seller.approved_at.map(|at| request.moment(at)))),
            (t.payout_account, Cell::maybe(seller.payout_account.as_ref())),
            (t.payouts_held, Cell::maybe(held)),
            (t.id, Cell::code(seller.seller_id)),
        ],
        text: seller.description.clone(),
        tables: vec![super::admin_ledger::table(&request, &postings, true).await],
        forms: forms.into_iter().map(|form| form.again(refused.as_ref())).collect(),
        ..Sheet::default()
    };
    request.sheet(view)
}

pub async fn decide(request: AdminRequest, Path((id, decision)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let (form, call) = match decision.as_str() {
        "review" => ("review", &REVIEW_SELLER),
        "approve" => ("approve", &APPROVE_SELLER),
        "reject" => ("reject", &REJECT_SELLER),
        "suspend" => ("suspend", &SUSPEND_SELLER),
        "reinstate" => ("reinstate", &REINSTATE_SELLER),
        _ => return request.not_found(),
    };
    let result = request.call(call).path(&id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await;
    let to = (AdminNotice::Saved, &*format!("{PATH}/{id}"));
    request.finish(result, (form, sent), to, |request, refused| sheet(request, &id, Some(refused))).await
}
