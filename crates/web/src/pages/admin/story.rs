//! The whole story of an order on one page.

use super::{
    AdminRequest, Dashboard, Frame, PageFaults, admin_messages,
    admin_orders::PATH,
    audit_log,
    gathered::beside,
    refunds::refundable,
    screens::{Cell, Field, FormView, Refused, Row, Table},
    sent::Sent,
    words::{badge, words},
};
use crate::{
    api::Failure,
    dashboard::{Badge, Head, Tone},
    format,
    pages::orders::reason_words,
    session::AdminNotice,
    texts::{AdminTexts, failure_words},
};
use askama::Template;
use axum::{Form, extract::Path, response::Response};
use contracts::{
    audit::DomainEvent,
    ids::UserId,
    order::{CANCEL_FULFILMENT, CANCEL_ORDER, FulfilmentStatus, GET_ORDER, OrderStatus, OrderView, RESTOCK_ORDER, RestockStatus},
    payment::Payment,
    returns::Return,
    shipping::RETRY_SHIPMENT,
    user::User,
};
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "admin/story.html")]
struct StoryPage {
    frame: Frame,
    board: Dashboard,
    t: &'static AdminTexts,
    key: String,
    title: String,
    order: OrderView,
    status: Badge,
    placed: String,
    faults: PageFaults,
    customer: Vec<(&'static str, Cell)>,
    address: Vec<String>,
    timeline: Vec<Step>,
    shares: Vec<Part>,
    /// Sums of the order.
    sums: Vec<(&'static str, String)>,
    payments: Vec<PaymentView>,
    stock: Table,
    parcels: Vec<Parcel>,
    returns: Table,
    messages: Table,
    people: Table,
    ledger: Table,
    events: Table,
    has_more_events: bool,
    can_refund: bool,
    forms: Vec<FormView>,
    folds: Folds,
}

/// The tones of what somebody has to look at.
const NEEDS_SOMEBODY: [Tone; 2] = [Tone::Bad, Tone::Waiting];

/// What a part that can be folded says of itself, and whether it is open.
#[derive(Default)]
struct Fold {
    hint: String,
    is_open: bool,
}

impl Fold {
    fn new(hint: impl ToString, is_open: bool) -> Fold {
        Fold { hint: hint.to_string(), is_open }
    }

    /// A table, which says how many rows it has and is open when one of them needs somebody.
    fn of(table: &Table) -> Fold {
        let needs_somebody = |row: &Row| row.cells.iter().any(|cell| NEEDS_SOMEBODY.iter().any(|tone| cell.has_tone(*tone)));
        Fold::new(table.rows.len(), table.rows.iter().any(needs_somebody))
    }
}

/// The parts that phones fold.
#[derive(Default)]
struct Folds {
    parcels: Fold,
    customer: Fold,
    money: Fold,
    stock: Fold,
    returns: Fold,
    people: Fold,
    ledger: Fold,
    messages: Fold,
    events: Fold,
}

fn needs_somebody(badge: Badge) -> bool {
    NEEDS_SOMEBODY.contains(&badge.tone)
}

impl Folds {
    fn of(page: &StoryPage) -> Folds {
        let parcels = page.order.shipping.pending || page.parcels.iter().any(|parcel| needs_somebody(parcel.status));
        // The newest attempt comes first; a failed one is over once another one worked.
        let money = page.payments.first().is_some_and(|payment| needs_somebody(payment.status));
        let customer = page.customer.first().map(|(_, cell)| cell.text.clone()).unwrap_or_default();
        let total = page.sums.iter().rev().nth(1).map(|(_, amount)| amount.clone()).unwrap_or_default();
        Folds {
            parcels: Fold::new(page.parcels.len(), parcels),
            customer: Fold::new(customer, false),
            money: Fold::new(total, money),
            stock: Fold::new(page.stock.rows.len(), page.stock.rows.last().is_some_and(|row| row.cells[0].has_tone(Tone::Bad))),
            returns: Fold::of(&page.returns),
            people: Fold::new(page.people.rows.len(), false),
            ledger: Fold::new(page.ledger.rows.len(), false),
            messages: Fold::of(&page.messages),
            events: Fold::new(page.events.rows.len(), false),
        }
    }
}

struct Step {
    badge: Badge,
    moment: String,
    reason: String,
}

/// What one seller ships.
struct Part {
    seller: Cell,
    status: Badge,
    items: Vec<(String, String)>,
    total: String,
    /// The path that cancels it; empty when it cannot be.
    cancel: String,
}

struct PaymentView {
    status: Badge,
    amount: String,
    method: String,
    moment: String,
    failure: String,
    transactions: Table,
}

struct Parcel {
    status: Badge,
    number: String,
    steps: Vec<Step>,
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    page(request, &id, None).await
}

/// What happened to the units, by the events of the inventory: the API shows reservations to services alone.
fn stock(request: &AdminRequest, events: &[DomainEvent]) -> Table {
    let t = request.t;
    let state = |event: &DomainEvent| match event.event_type.as_str() {
        "StockReserved" => Some("RESERVED"),
        "StockConfirmed" => Some("CONFIRMED"),
        "StockReleased" => Some("RELEASED"),
        "StockExpired" => Some("EXPIRED"),
        "StockReturned" => Some("RETURNED"),
        "StockReservationFailed" => Some("FAILED"),
        _ => None,
    };
    let rows = events.iter().rev().filter_map(|event| {
        let state = state(event)?;
        let lines = event.payload["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
        let line = |line: &Value| {
            let quantity = if line["quantity"].is_null() { &line["requested"] } else { &line["quantity"] };
            format!("{quantity} × {}", admin_messages::plain(&line["sku"]))
        };
        Some(Row::of([
            Cell::badge(badge(t, state)),
            Cell { lines: lines.iter().map(line).collect(), ..Cell::default() },
            Cell::text(request.moment(event.occurred_at)),
        ]))
    });
    Table {
        id: "stock",
        title: t.stock,
        heads: vec![Head::new(t.status), Head::new(t.units), Head::new(t.time)],
        rows: rows.collect(),
        empty: t.no_reservation,
        note: String::new(),
    }
}

/// Who caused what, from the log: requests of people, the oldest first.
fn people(request: &AdminRequest, events: &[DomainEvent], known: &BTreeMap<UserId, User>, customer: UserId) -> Table {
    let t = request.t;
    let mut by_request: Vec<(UserId, &DomainEvent, Vec<&str>)> = Vec::new();
    for event in events.iter().rev() {
        let Some(actor) = event.actor_id else { continue };
        match by_request.iter_mut().find(|(_, first, _)| first.correlation_id == event.correlation_id) {
            Some((_, _, types)) => types.push(&event.event_type),
            None => by_request.push((actor, event, vec![&event.event_type])),
        }
    }
    let rows = by_request.into_iter().map(|(actor, first, mut types)| {
        types.dedup();
        let name = known.get(&actor).map_or_else(|| actor.to_string(), |user| user.name.clone());
        let who = if actor == customer { t.customer } else { t.role_admin };
        let who =
            known.get(&actor).filter(|_| actor != customer).and_then(|user| user.roles.last()).map_or(who, |role| words(t, role.as_str()));
        Row::of([
            Cell::link(name, format!("/admin/users/{actor}")).over(who),
            Cell::text(types.into_iter().map(|kind| request.words(kind)).collect::<Vec<_>>().join(", ")),
            Cell::link(request.moment(first.occurred_at), format!("{}?correlationId={}", audit_log::PATH, first.correlation_id)),
        ])
    });
    Table {
        id: "people",
        title: t.who_did_what,
        heads: vec![Head::new(t.who), Head::new(t.caused), Head::new(t.time)],
        rows: rows.collect(),
        empty: t.nobody,
        note: String::new(),
    }
}

fn payment(request: &AdminRequest, payment: &Payment) -> PaymentView {
    let t = request.t;
    let money = |minor| request.money(minor, payment.currency);
    let failure =
        |why: Option<&contracts::problem::Failure>| why.map(|why| failure_words(request.lang, &why.code).to_owned()).unwrap_or_default();
    let rows = payment.transactions.iter().map(|transaction| {
        Row::of([
            Cell::text(words(t, transaction.r#type.as_str())).over(failure(transaction.failure.as_ref())),
            Cell::badge(badge(t, transaction.status.as_str())),
            Cell::text(request.moment(transaction.created_at)),
            Cell::number(money(transaction.amount)),
        ])
    });
    PaymentView {
        status: badge(t, &payment.status.to_string()),
        amount: money(payment.amount),
        method: request.words(payment.payment_method.as_str()).to_owned(),
        moment: request.moment(payment.created_at),
        failure: failure(payment.failure.as_ref()),
        transactions: Table {
            id: "transactions",
            title: t.transactions,
            heads: vec![Head::new(t.transaction), Head::new(t.status), Head::new(t.time), Head::number(t.amount)],
            rows: rows.collect(),
            empty: t.none,
            note: String::new(),
        },
    }
}

fn returns(request: &AdminRequest, found: &[Return]) -> Table {
    let t = request.t;
    let rows = found.iter().map(|one| {
        Row::of([
            Cell::link(t.a_return, format!("/admin/returns/{}", one.return_id)),
            Cell::badge(badge(t, &one.status.to_string())),
            Cell::text(request.moment(one.created_at)),
            Cell::number(request.money(one.refund_amount, one.currency)),
        ])
    });
    Table {
        id: "returns",
        title: t.returns,
        heads: vec![Head::new(t.a_return), Head::new(t.status), Head::new(t.time), Head::number(t.owed)],
        rows: rows.collect(),
        empty: t.no_returns,
        note: String::new(),
    }
}

/// Whether the whole order can still be cancelled.
fn can_cancel(order: &OrderView) -> bool {
    use OrderStatus::{Confirmed, InventoryReserved, PaymentAuthorized, PaymentFailed, PendingPayment};
    let is_open = matches!(order.status, PendingPayment | PaymentAuthorized | InventoryReserved | Confirmed | PaymentFailed);
    is_open && !order.cancellation_requested && !order.partially_shipped
}

fn forms(request: &AdminRequest, order: &OrderView) -> Vec<FormView> {
    let t = request.t;
    let path = |step: &str| format!("{PATH}/{}/{step}", order.order_id);
    let mut forms = Vec::new();
    if order.shipping.pending {
        forms.push(FormView::new("ship", t.book_again_title, path("ship"), t.book_again).hint(t.book_again_hint));
    }
    let came_back = order.fulfilments.iter().any(|part| part.status == FulfilmentStatus::Returned);
    if came_back && order.restock.is_none_or(|state| state != RestockStatus::Done) {
        forms.push(FormView::new("restock", t.restock_title, path("restock"), t.restock).hint(t.restock_hint));
    }
    if can_cancel(order) {
        let reason = Field::text("reason", t.reason, "").hint(t.reason_for_customer);
        forms.push(FormView::new("cancel", t.cancel_order, path("cancel"), t.cancel_order).field(reason).danger());
    }
    forms
}

async fn page(mut request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let order = match request.call(&GET_ORDER).path(id).send().await {
        Ok(order) => order,
        Err(failure) => return request.failed(&failure),
    };
    let found = beside(&request, &order).await;
    let (frame, board) = request.frames();
    let t = request.t;
    let money = |minor| request.money(minor, order.currency);
    let step = |status: &str, at, reason: Option<&String>| Step {
        badge: badge(t, status),
        moment: request.moment(at),
        reason: reason.cloned().unwrap_or_default(),
    };
    let parts = order.fulfilments.iter().map(|part| {
        let name = |id: UserId| found.sellers.get(&id).map_or_else(|| id.to_string(), |seller| seller.shop_name.clone());
        let title = |wanted| {
            let item = order.items.iter().find(|item| item.order_item_id == wanted);
            item.map_or_else(String::new, |item| format::title(&item.title_snapshot))
        };
        let can_cancel = order.fulfilments.len() > 1 && part.status == FulfilmentStatus::Confirmed && !part.cancellation_requested;
        Part {
            seller: part.seller_id.map_or_else(|| Cell::text(t.the_shop), |id| Cell::link(name(id), format!("/admin/sellers/{id}"))),
            status: badge(t, &part.status.to_string()),
            items: part.items.iter().map(|item| (format!("{} ×", item.quantity), title(item.order_item_id))).collect(),
            total: money(part.total_amount),
            cancel: if can_cancel { format!("{PATH}/{}/fulfilments/{}/cancel", order.order_id, part.fulfilment_id) } else { String::new() },
        }
    });
    let parcels = found.shipments.iter().map(|shipment| Parcel {
        status: badge(t, &shipment.status.to_string()),
        number: format!("{} {}", request.words(&shipment.carrier), shipment.tracking_number),
        steps: shipment
            .events
            .iter()
            .map(|event| step(&event.status.to_string(), event.occurred_at, Some(&request.words(&event.message).to_owned())))
            .collect(),
    });
    let user = found.people.get(&order.user_id);
    let mut customer = Vec::new();
    match (&order.guest, user) {
        (Some(guest), _) => {
            customer.push((t.guest, Cell::text(&guest.name)));
            customer.push((t.email, Cell::text(&guest.email)));
        }
        (None, Some(user)) => {
            customer.push((t.customer, Cell::link(&user.name, format!("/admin/users/{}", user.user_id))));
            customer.push((t.email, Cell::text(&user.email)));
        }
        (None, None) => customer.push((t.customer, Cell::code(order.user_id))),
    }
    let mut sums = vec![(frame.t.subtotal, money(order.subtotal_amount))];
    if order.discount_amount > 0 {
        sums.push((frame.t.discount, money(-order.discount_amount)));
    }
    sums.push((frame.t.shipping, money(order.shipping_amount)));
    if order.tax_amount > 0 {
        sums.push((if order.prices_include_tax { frame.t.tax_contained } else { frame.t.tax }, money(order.tax_amount)));
    }
    sums.push((t.total, money(order.total_amount)));
    sums.push((t.refunded, money(order.refunded_amount)));
    let to = &order.shipping_address_snapshot;
    let lines = [
        to.recipient.clone().unwrap_or_default(),
        to.company.clone().unwrap_or_default(),
        format!("{} {}", to.street, to.number),
        to.complement.clone(),
        format!("{} {}", to.zip, to.city),
        format!("{} {}", to.state, request.country(&to.country)),
    ];
    let timeline = order.timeline.iter().map(|entry| {
        let reason = entry.reason.as_deref().map(|reason| reason_words(frame.t, reason));
        step(&entry.status.to_string(), entry.occurred_at, reason.as_ref())
    });
    let present = found.payments.iter().find(|payment| Some(payment.payment_id) == order.payment_id);
    let status = refused.as_ref().map(|refused| refused.status);
    let mut template = StoryPage {
        t,
        key: request.key(),
        title: format!("{} {}", t.order, order.order_number),
        status: badge(t, &order.status.to_string()),
        placed: request.moment(order.created_at),
        faults: Refused::page_faults(refused.as_ref()),
        customer,
        address: lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect(),
        timeline: timeline.collect(),
        shares: parts.collect(),
        sums,
        payments: found.payments.iter().map(|one| payment(&request, one)).collect(),
        stock: stock(&request, &found.events),
        parcels: parcels.collect(),
        returns: returns(&request, &found.returns),
        people: people(&request, &found.events, &found.people, order.user_id),
        events: audit_log::table(&request, "events", &found.events).await,
        has_more_events: found.has_more_events,
        can_refund: present.is_some_and(|payment| refundable(payment) > 0),
        forms: forms(&request, &order).into_iter().map(|form| form.again(refused.as_ref())).collect(),
        messages: found.messages,
        ledger: found.postings,
        folds: Folds::default(),
        order,
        frame,
        board,
    };
    template.folds = Folds::of(&template);
    request.answer_as(status, &template)
}

async fn answer<A>(request: AdminRequest, id: &str, form: &'static str, sent: Sent, result: Result<A, Failure>) -> Response {
    let to = (AdminNotice::Requested, &*format!("{PATH}/{id}"));
    request.finish(result, (form, sent), to, |request, refused| page(request, id, Some(refused))).await
}

pub async fn cancel(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&CANCEL_ORDER).path(&id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await;
    answer(request, &id, "cancel", sent, result).await
}

pub async fn cancel_part(request: AdminRequest, Path((id, part)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&CANCEL_FULFILMENT).path(&id).path(&part).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await;
    answer(request, &id, "part", sent, result).await
}

pub async fn book_again(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&RETRY_SHIPMENT).path(&id).send().await;
    answer(request, &id, "ship", sent, result).await
}

pub async fn restock(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&RESTOCK_ORDER).path(&id).key(sent.key()).send().await;
    answer(request, &id, "restock", sent, result).await
}
