//! Payouts to sellers.

use super::{
    AdminRequest, PageFaults,
    admin_orders::Parameters,
    names::Shops,
    screens::{Cell, FormView, Link, Row, Saved, Screen, Table},
    sent::Sent,
    words::badge,
};
use crate::{
    dashboard::{Head, Listing},
    forms::Faults,
    session::AdminNotice,
};
use axum::{Form, extract::Query, response::Response};
use contracts::{
    machine::Machine as _,
    payout::{LIST_ALL_PAYOUTS, PayoutFailure, PayoutStatus, RUN_PAYOUTS},
};

const PATH: &str = "/admin/payouts";

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show(request, parameters, None).await
}

async fn show(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_ALL_PAYOUTS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let shops = Shops::of(&request, found.items.iter().map(|payout| Some(payout.seller_id))).await;
    let rows = found.items.iter().map(|payout| {
        let why = match payout.failure {
            Some(PayoutFailure::Refused) => t.payout_refused,
            Some(PayoutFailure::AccountMissing) => t.payout_account_missing,
            None => "",
        };
        Row::of([
            shops.cell(&request, Some(payout.seller_id)).over(payout.payout_account.as_deref().unwrap_or_default()),
            Cell { beneath: why.to_owned(), ..Cell::badge(badge(t, &payout.status.to_string())) },
            Cell::text(request.moment(payout.created_at)),
            Cell::maybe(payout.provider_reference.as_ref()),
            Cell::number(request.money(payout.amount, payout.currency)),
        ])
    });
    let rows = rows.collect();
    let run = FormView::new("run", t.run_payouts, "/admin/payouts/run", t.run_payouts).hint(t.run_payouts_hint).main();
    let screen = Screen {
        title: t.payouts,
        intro: t.payouts_intro,
        faults: refused.or(faults),
        saved: Saved::by_status(t.all, &list, |status: PayoutStatus| badge(t, status.as_str()).words),
        chips: list.chip("status", badge(t, list.value("status")).words).into_iter().collect(),
        table: Table {
            id: "payouts",
            heads: vec![
                Head::new(t.seller),
                Head::new(t.status),
                list.times_head(t.time),
                Head::new(t.reference),
                list.head(t.amount, "", "-amount").of_numbers(),
            ],
            rows,
            empty: t.no_payouts,
            ..Table::default()
        },
        empty_text: t.no_payouts_text,
        forms: vec![run],
        empty_step: Some(Link { label: t.ledger, href: "/admin/ledger".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn run(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&RUN_PAYOUTS).key(sent.key()).send().await;
    match result {
        Ok(_) => request.done(AdminNotice::Requested, PATH),
        Err(failure) => {
            let refused = Some((failure.status(), Faults::of(&failure)));
            show(request, Parameters::new(), refused).await
        }
    }
}
