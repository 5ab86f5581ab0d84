//! Returns: goods that customers send back.

use super::{
    AdminRequest, PageFaults,
    admin_orders::{Parameters, Tally},
    names::{People, Shops},
    screens::{Bulk, Cell, Field, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::Sent,
    words::{badge, words},
};
use crate::{
    api::Failure,
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
    machine::Machine as _,
    returns::{APPROVE_RETURN, GET_RETURN, LIST_ALL_RETURNS, RECEIVE_RETURN, REJECT_RETURN, Return, ReturnStatus},
};
use serde_json::{Value, json};

const PATH: &str = "/admin/returns";

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show_list(request, parameters, None).await
}

async fn show_list(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_ALL_RETURNS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let shops = Shops::of(&request, found.items.iter().map(|one| one.seller_id)).await;
    let rows = found.items.iter().map(|one| {
        let goods = one.lines.iter().map(|line| format!("{} × {}", line.quantity, line.title_snapshot)).collect::<Vec<_>>().join(", ");
        Row::of([
            Cell::link(format!("{} {}", t.return_of, one.order_number), format!("{PATH}/{}", one.return_id)).over(goods),
            Cell::badge(badge(t, &one.status.to_string())),
            shops.cell(&request, one.seller_id),
            Cell::text(request.moment(one.created_at)),
            Cell::number(request.money(one.refund_amount, one.currency)),
        ])
        .chosen_by(one.return_id, format!("{} {}", request.d.choose, one.order_number))
    });
    let rows = rows.collect();
    let screen = Screen {
        title: t.returns,
        faults: refused.or(faults),
        saved: Saved::by_status(t.all, &list, |status: ReturnStatus| badge(t, status.as_str()).words),
        chips: list.chip("status", badge(t, list.value("status")).words).into_iter().collect(),
        table: Table {
            id: "returns",
            heads: vec![
                Head::choice(request.d),
                Head::new(t.a_return),
                Head::new(t.status),
                Head::new(t.sold_by),
                list.times_head(t.time),
                Head::number(t.owed),
            ],
            rows,
            empty: t.no_returns,
            ..Table::default()
        },
        bulk: Some(Bulk { actions: vec![(t.approve, "/admin/returns/approve")], reason: "" }),
        empty_text: t.no_returns_text,
        empty_step: Some(Link { label: t.orders, href: "/admin/orders".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

/// What can be done in the present state.
fn forms(request: &AdminRequest, one: &Return) -> Vec<FormView> {
    let t = request.t;
    let path = |step: &str| format!("{PATH}/{}/{step}", one.return_id);
    let approve = || FormView::new("approve", t.approve_return, path("approve"), t.approve).hint(t.approve_return_hint).main();
    let reject = || {
        let reason = Field::text("reason", t.reason, "").required().hint(t.reason_for_customer);
        FormView::new("reject", t.refuse_title, path("reject"), t.refuse).field(reason).danger()
    };
    let receive = || {
        let dispositions = [("RESTOCK", t.restock), ("WRITE_OFF", t.write_off)];
        FormView::new("receive", t.receive_title, path("receive"), t.receive).hint(t.receive_hint).field(Field::select(
            "disposition",
            t.what_happens,
            "RESTOCK",
            dispositions,
        ))
    };
    match one.status {
        ReturnStatus::Requested => vec![approve(), reject()],
        ReturnStatus::Approved | ReturnStatus::InTransit => vec![receive().main()],
        _ => Vec::new(),
    }
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let one = match request.call(&GET_RETURN).path(id).send().await {
        Ok(one) => one,
        Err(failure) => return request.failed(&failure),
    };
    let rows = one.lines.iter().map(|line| {
        Row::of([
            Cell::text(format::title(&line.title_snapshot)).over(line.note.as_deref().unwrap_or_default()),
            Cell::number(line.quantity),
            Cell::text(words(t, line.reason.as_str())),
            Cell::number(line.restocked_quantity),
            Cell::number(line.written_off_quantity),
            Cell::number(request.money(line.refund_amount, one.currency)),
        ])
    });
    let (shops, people) = tokio::join!(Shops::of(&request, [one.seller_id]), People::of(&request, [one.user_id]));
    let (seller, customer) = (shops.cell(&request, one.seller_id), people.cell(&request, one.user_id));
    let label = one.label.as_ref().map(|label| format!("{} {}", request.words(label.carrier.as_str()), label.tracking_number));
    let forms = forms(&request, &one);
    let view = Sheet {
        title: format!("{} {}", t.return_of, one.order_number),
        back: Some(Link { label: t.returns, href: PATH.into() }),
        badges: vec![badge(t, &one.status.to_string())],
        faults: Refused::page_faults(refused.as_ref()),
        facts: vec![
            (t.order, Cell::link(&one.order_number, format!("/admin/orders/{}", one.order_id))),
            (t.customer, customer),
            (t.sold_by, seller),
            (t.owed, Cell::text(request.money(one.refund_amount, one.currency))),
            (t.refunded, Cell::maybe(one.refunded_amount.map(|amount| request.money(amount, one.currency)))),
            (t.label, Cell::maybe(label)),
            (t.send_until, Cell::maybe(one.send_until.map(|at| request.moment(at)))),
            (t.reason, Cell::maybe(one.rejection.as_ref())),
            (t.time, Cell::text(request.moment(one.created_at))),
            (t.id, Cell::code(one.return_id)),
        ],
        tables: vec![Table {
            id: "lines",
            title: t.goods,
            heads: vec![
                Head::new(t.product),
                Head::number(t.quantity),
                Head::new(t.reason),
                Head::number(t.restocked),
                Head::number(t.written_off),
                Head::number(t.owed),
            ],
            rows: rows.collect(),
            empty: t.none,
            ..Table::default()
        }],
        forms: forms.into_iter().map(|form| form.again(refused.as_ref())).collect(),
        ..Sheet::default()
    };
    request.sheet(view)
}

async fn answer<A>(request: AdminRequest, id: &str, form: &'static str, sent: Sent, result: Result<A, Failure>) -> Response {
    let to = (AdminNotice::Saved, &*format!("{PATH}/{id}"));
    request.finish(result, (form, sent), to, |request, refused| sheet(request, id, Some(refused))).await
}

pub async fn approve(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&APPROVE_RETURN).path(&id).key(sent.key()).send().await;
    answer(request, &id, "approve", sent, result).await
}

pub async fn reject(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&REJECT_RETURN).path(&id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await;
    answer(request, &id, "reject", sent, result).await
}

/// Records that everything came back, and what happens to it.
pub async fn receive(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let one = match request.call(&GET_RETURN).path(&id).send().await {
        Ok(one) => one,
        Err(failure) => return request.failed(&failure),
    };
    let line = |line: &contracts::returns::ReturnLine| json!({"orderItemId": line.order_item_id, "quantity": line.quantity, "disposition": sent.text("disposition")});
    let lines: Vec<Value> = one.lines.iter().map(line).collect();
    let result = request.call(&RECEIVE_RETURN).path(&id).key(sent.key()).raw_body(&json!({"lines": lines})).send().await;
    answer(request, &id, "receive", sent, result).await
}

/// Approves the chosen returns.
pub async fn approve_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let mut tally = Tally::default();
    for id in sent.chosen() {
        tally.count(id, request.call(&APPROVE_RETURN).path(id).key(sent.key()).send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Saved, PATH),
        Some(faults) => show_list(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}
