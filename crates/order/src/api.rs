//! Entry point 1: HTTP.

use crate::{
    App, Error,
    actions::{Actor, Cancel, PayAgain, Place},
    store,
    view::find_view,
};
use contracts::{
    ids::OrderId,
    order::{CancelOrder, OrderFilter, OrderStatus, OrderSummary, OrderView, OwnOrderFilter, PayOrder, PlaceOrder},
    page::Totals,
};
use platform::{
    db::Tx,
    http::{
        Body, Created, IdempotencyKey, Idempotent, Json, MaybeBody, MaybeIdempotencyKey, Paged, Paging, Path, Prefer, Preferred, Problem,
        Query, Routes, State,
    },
    idempotency::IdempotentRequest as _,
    identity::{Admin, Customer, Role, Viewer},
};
use std::sync::OnceLock;

pub fn routes() -> Routes<App> {
    Routes::new("order")
        .post("/orders", place, "Places an order for everything in the cart")
        .get("/orders", list_own, "The caller's orders, the newest first")
        .get("/orders/{orderId}", get, "One order, with its timeline")
        .post("/orders/{orderId}/cancel", cancel, "Cancels an order that was not sent")
        .post("/orders/{orderId}/pay", pay, "Pays an order again whose payment failed")
        .get("/admin/orders", list_all, "Everyone's orders, the newest first")
        .get("/admin/orders/totals", totals, "How many of these orders there are in each status")
}

async fn place(
    customer: Customer,
    State(app): State<App>,
    key: IdempotencyKey,
    prefer: Prefer,
    Body(body): Body<PlaceOrder>,
) -> Result<Preferred<Idempotent<Created<OrderView>>>, Problem> {
    let db = app.ctx.db.clone();
    let place = Place { app, owner: customer.id, request: body, wait: prefer.wait, draft: OnceLock::new() };
    place.run(&db, key).await.map(|answer| prefer.honoured(answer))
}

async fn get(viewer: Viewer, State(app): State<App>, Path(id): Path<OrderId>) -> Result<Json<OrderView>, Problem> {
    let owner = viewer.owner();
    let view = app.ctx.db.read(async move |tx| find_view(tx, owner, id).await).await?;
    Ok(Json(view.ok_or(Error::NotFound)?))
}

async fn cancel(
    viewer: Viewer,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    key: MaybeIdempotencyKey,
    prefer: Prefer,
    MaybeBody(body): MaybeBody<CancelOrder>,
) -> Result<Preferred<Idempotent<Json<OrderView>>>, Problem> {
    let actor = if viewer.has_role(Role::Admin) { Actor::Admin } else { Actor::Customer(viewer.id) };
    let (note, wait) = (body.reason.map(|reason| reason.into_string()), prefer.wait.unwrap_or(app.settings.cancel_wait()));
    let db = app.ctx.db.clone();
    Cancel { app, actor, id, note, wait }.run(&db, key).await.map(|answer| prefer.honoured(answer))
}

async fn pay(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    key: MaybeIdempotencyKey,
    prefer: Prefer,
    Body(body): Body<PayOrder>,
) -> Result<Preferred<Idempotent<Json<OrderView>>>, Problem> {
    let db = app.ctx.db.clone();
    let pay = PayAgain { app, owner: customer.id, id, method: body.payment_method, wait: prefer.wait };
    pay.run(&db, key).await.map(|answer| prefer.honoured(answer))
}

async fn list_own(
    customer: Customer,
    State(app): State<App>,
    Query(filter): Query<OwnOrderFilter>,
    paging: Paging,
) -> Result<Paged<OrderSummary>, Problem> {
    list(&app, OrderFilter { user_id: Some(customer.id), status: filter.status, ..OrderFilter::default() }, paging).await
}

async fn list_all(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<OrderFilter>,
    paging: Paging,
) -> Result<Paged<OrderSummary>, Problem> {
    list(&app, filter, paging).await
}

async fn list(app: &App, filter: OrderFilter, paging: Paging) -> Result<Paged<OrderSummary>, Problem> {
    let tag = format!("orders {filter:?}");
    let read = async move |tx: &mut Tx, after, rows| store::list_orders(tx, filter.clone(), after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |order| order.order_id).await.map(Paged)
}

async fn totals(_: Admin, State(app): State<App>, Query(filter): Query<OrderFilter>) -> Result<Json<Totals<OrderStatus>>, Problem> {
    let counts = app.ctx.db.read(async move |tx| store::count_by_status(tx, filter.clone()).await).await?;
    Ok(Json(counts.into_iter().collect()))
}
