//! Entry point 1: HTTP.

use crate::{
    App, Error,
    actions::{self, Actor, Buyer, Cancel, CancelFulfilment, Guest, OrderToken, PayAgain, Place, Restock, Ship},
    domain::by_day,
    export::OrderPages,
    store::{self, OrderQuery},
    view::{find_view, seller_view},
};
use contracts::{
    body::UpdateIntegratorData,
    ids::{FulfilmentId, OrderId, UserId},
    order::{
        CancelOrder, DailyOrders, EstimateTotals, GuestContact, OrderCustomer, OrderExport, OrderFilter, OrderHistory, OrderRef, OrderSort,
        OrderStatus, OrderSummary, OrderTokenLookup, OrderView, OwnOrderFilter, PayOrder, PlaceGuestOrder, PlaceOrder, SellerFulfilment,
        SellerFulfilmentFilter, StatusOfOrder, TotalsEstimate,
    },
    page::{Series, SeriesFilter, Totals},
    problem::Code,
    shipping::HandOverParcel,
    text::ExternalId,
    user::{self, EmailLookup},
};
use platform::{
    csv::CsvStream,
    db::Tx,
    http::{
        Body, BodyByCaller, Created, IdempotencyKey, Idempotent, Json, MaybeBody, MaybeIdempotencyKey, NoBody, NoContent, Paged, Paging,
        Path, Prefer, Preferred, Problem, Query, Routes, State,
    },
    idempotency::IdempotentRequest as _,
    identity::{Admin, CartTokenHeader, ClientMarker, Customer, OrGuest, OrderTokenHeader, Role, SellerOfRecord, ServiceOf, Viewer},
};
use std::sync::OnceLock;

pub fn routes() -> Routes<App> {
    Routes::new("order")
        .post("/orders", place, "Places an order for everything in the cart")
        .get("/orders", list_own, "The caller's orders, the newest first")
        .get("/orders/{orderId}", get, "One order with its timeline, by its id or its number")
        .patch("/orders/{orderId}", update, "Changes what integrators saved with an order")
        .post("/orders/{orderId}/restock", restock, "Puts the goods of a parcel that came back on sale again")
        .post("/orders/{orderId}/cancel", cancel, "Cancels an order that was not sent")
        .post("/orders/{orderId}/fulfilments/{fulfilmentId}/cancel", cancel_fulfilment, "Cancels the part of one seller before it ships")
        .delete("/orders/{orderId}/personal-data", erase_personal_data, "Erases the personal data of a guest's order")
        .get("/seller/fulfilments", list_fulfilments, "The caller's fulfilments, the newest first")
        .get("/seller/fulfilments/{fulfilmentId}", get_fulfilment, "One of the caller's fulfilments")
        .post("/seller/fulfilments/{fulfilmentId}/ship", ship, "Ships one of the caller's fulfilments")
        .post("/orders/{orderId}/pay", pay, "Pays an order again whose payment failed")
        .post("/internal/orders/estimate", estimate, "What an order would cost")
        .post("/internal/orders/by-token", find_by_token, "The order that a guest's token opens")
        .get("/internal/orders/{orderId}/guest-contact", get_guest_contact, "Where the mails about a guest's order go")
        .get("/internal/orders/{orderId}/status", get_status, "The status of an order")
        .get("/internal/customers/{userId}/order-history", get_history, "Whether a customer ordered before")
        .get("/admin/orders", list_all, "Everyone's orders, the newest first unless sorted")
        .get("/exports/orders.csv", export_orders, "Orders as a CSV file, the oldest first")
        .get("/admin/orders/daily", daily, "Orders and what came in, by day")
        .get("/admin/orders/totals", totals, "How many of these orders there are in each status")
}

/// The service that shows what a cart will cost.
struct Cart;
impl ClientMarker for Cart {
    const CLIENTS: &'static [&'static str] = &["cart"];
}

/// The services that show what belongs to the order of a guest.
struct TokenCheckers;
impl ClientMarker for TokenCheckers {
    const CLIENTS: &'static [&'static str] = &["returns", "shipping"];
}

/// The service that writes to guests.
struct Notification;
impl ClientMarker for Notification {
    const CLIENTS: &'static [&'static str] = &["notification"];
}

/// The service that counts the uses of promotions.
struct Promotion;
impl ClientMarker for Promotion {
    const CLIENTS: &'static [&'static str] = &["promotion"];
}

/// A customer, or a guest with the token of a cart.
type Shopper = OrGuest<Customer, CartTokenHeader>;
/// A user, or a guest with the token of the order.
type ViewerOrGuest = OrGuest<Viewer, OrderTokenHeader>;

/// Returns the id of an order by what the path names. With `owner`, an order of another customer is not found.
async fn id_of(app: &App, owner: Option<UserId>, named: OrderRef) -> Result<OrderId, Error> {
    match named {
        OrderRef::Id(id) => Ok(id),
        OrderRef::Number(number) => {
            let found = app.ctx.db.read(async move |tx| store::find_by_number(tx, owner, &number).await).await?;
            found.ok_or(Error::NotFound)
        }
    }
}

async fn place(
    shopper: Shopper,
    State(app): State<App>,
    key: IdempotencyKey,
    prefer: Prefer,
    body: BodyByCaller<PlaceOrder, PlaceGuestOrder>,
) -> Result<Preferred<Idempotent<Created<OrderView>>>, Problem> {
    let db = app.ctx.db.clone();
    let (owner, key, buyer) = match (shopper, body) {
        (OrGuest::Known(customer), BodyByCaller::Known(body)) => (customer.id, key, Buyer::Customer(body)),
        (OrGuest::Guest(cart), BodyByCaller::Guest(body)) => {
            let guest = Guest { cart, order: OrderToken::of(app.ctx.env.random_bytes()), contact: body.guest.clone() };
            let (owner, key) = (app.guest_keys.customer(&body.guest.email), key.sealed(app.guest_keys.answers));
            let key = key.about(owner);
            (owner, key, Buyer::Guest(guest, Box::new(body)))
        }
        // Both look at the same header.
        _ => return Err(Code::UNAUTHENTICATED.into()),
    };
    let place = Place { app, owner, buyer, wait: prefer.wait, draft: OnceLock::new() };
    place.run(&db, key).await.map(|answer| prefer.honoured(answer))
}

async fn get(caller: ViewerOrGuest, State(app): State<App>, Path(named): Path<OrderRef>) -> Result<Json<OrderView>, Problem> {
    let (owner, id) = match caller {
        OrGuest::Known(viewer) => (viewer.owner(), id_of(&app, viewer.owner(), named).await?),
        OrGuest::Guest(token) => {
            let id = id_of(&app, None, named).await?;
            (Some(actions::customer_of(&app, id, &token).await?), id)
        }
    };
    let view = app.ctx.db.read(async move |tx| find_view(tx, owner, id).await);
    Ok(Json(view.await?.ok_or(Error::NotFound)?))
}

async fn update(
    viewer: Viewer,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    Body(body): Body<UpdateIntegratorData>,
) -> Result<Json<OrderView>, Problem> {
    Ok(Json(actions::update_integrator_data(&app.ctx.db, viewer.owner(), id, body).await?))
}

async fn erase_personal_data(
    caller: OrGuest<Admin, OrderTokenHeader>,
    State(app): State<App>,
    Path(id): Path<OrderId>,
) -> Result<NoContent, Problem> {
    if let OrGuest::Guest(token) = caller {
        actions::customer_of(&app, id, &token).await?;
    }
    app.ctx.db.write(async move |tx| actions::erase(tx, id).await).await?;
    Ok(NoContent)
}

async fn find_by_token(
    _: ServiceOf<TokenCheckers>,
    State(app): State<App>,
    Body(body): Body<OrderTokenLookup>,
) -> Result<Json<OrderCustomer>, Problem> {
    let token = OrderToken::parse(body.order_token.reveal()).ok_or(Error::NotFound)?;
    Ok(Json(actions::find_by_token(&app, &token).await?))
}

async fn get_guest_contact(
    _: ServiceOf<Notification>,
    State(app): State<App>,
    Path(id): Path<OrderId>,
) -> Result<Json<GuestContact>, Problem> {
    Ok(Json(actions::contact_of(&app, id).await?))
}

async fn restock(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    key: MaybeIdempotencyKey,
    prefer: Prefer,
    _: NoBody,
) -> Result<Preferred<Idempotent<Json<OrderView>>>, Problem> {
    let (db, wait) = (app.ctx.db.clone(), prefer.wait.unwrap_or(app.settings.cancel_wait()));
    Restock { app, id, wait }.run(&db, key.about(id)).await.map(|answer| prefer.honoured(answer))
}

async fn estimate(_: ServiceOf<Cart>, State(app): State<App>, Body(body): Body<EstimateTotals>) -> Result<Json<TotalsEstimate>, Problem> {
    Ok(Json(actions::estimate(&app, body).await?))
}

async fn get_status(
    _: ServiceOf<Promotion>,
    State(app): State<App>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<StatusOfOrder>, Problem> {
    let found = app.ctx.db.read(async move |tx| store::find_status(tx, order_id).await).await?;
    Ok(Json(StatusOfOrder { order_id, status: found.ok_or(Error::NotFound)? }))
}

async fn get_history(_: ServiceOf<Promotion>, State(app): State<App>, Path(user_id): Path<UserId>) -> Result<Json<OrderHistory>, Problem> {
    let has_ordered = app.ctx.db.read(async move |tx| store::has_ordered(tx, user_id).await).await?;
    Ok(Json(OrderHistory { user_id, has_ordered }))
}

async fn cancel(
    caller: ViewerOrGuest,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    key: MaybeIdempotencyKey,
    prefer: Prefer,
    MaybeBody(body): MaybeBody<CancelOrder>,
) -> Result<Preferred<Idempotent<Json<OrderView>>>, Problem> {
    let (actor, key) = match caller {
        OrGuest::Known(viewer) if viewer.has_role(Role::Admin) => (Actor::Admin, key),
        OrGuest::Known(viewer) => (Actor::Customer(viewer.id), key),
        OrGuest::Guest(token) => (Actor::Customer(actions::customer_of(&app, id, &token).await?), key.sealed(app.guest_keys.answers)),
    };
    let (note, wait) = (body.reason.map(|reason| reason.into_string()), prefer.wait.unwrap_or(app.settings.cancel_wait()));
    let db = app.ctx.db.clone();
    Cancel { app, actor, id, note, wait }.run(&db, key.about(id)).await.map(|answer| prefer.honoured(answer))
}

async fn cancel_fulfilment(
    caller: ViewerOrGuest,
    State(app): State<App>,
    Path((order_id, id)): Path<(OrderId, FulfilmentId)>,
    key: MaybeIdempotencyKey,
    prefer: Prefer,
    MaybeBody(body): MaybeBody<CancelOrder>,
) -> Result<Preferred<Idempotent<Json<OrderView>>>, Problem> {
    let (caller, is_admin, key) = match caller {
        OrGuest::Known(viewer) => (viewer.id, viewer.has_role(Role::Admin), key),
        OrGuest::Guest(token) => (actions::customer_of(&app, order_id, &token).await?, false, key.sealed(app.guest_keys.answers)),
    };
    let (note, wait) = (body.reason.map(|reason| reason.into_string()), prefer.wait.unwrap_or(app.settings.cancel_wait()));
    let db = app.ctx.db.clone();
    let cancel = CancelFulfilment { app, caller, is_admin, order_id, id, note, wait };
    cancel.run(&db, key.about(order_id)).await.map(|answer| prefer.honoured(answer))
}

async fn list_fulfilments(
    seller: SellerOfRecord,
    State(app): State<App>,
    Query(filter): Query<SellerFulfilmentFilter>,
    paging: Paging,
) -> Result<Paged<SellerFulfilment>, Problem> {
    let (tag, seller) = (format!("fulfilments {filter:?}"), seller.id);
    let read = async move |tx: &mut Tx, after, rows| {
        let found = store::list_of_seller(tx, seller, filter.status, after, rows).await?;
        Ok::<_, Error>(found.iter().filter_map(|(id, order)| seller_view(order, *id)).collect())
    };
    paging.list(&app.ctx.db, &tag, read, |shown| shown.fulfilment_id).await.map(Paged)
}

async fn get_fulfilment(
    seller: SellerOfRecord,
    State(app): State<App>,
    Path(id): Path<FulfilmentId>,
) -> Result<Json<SellerFulfilment>, Problem> {
    let seller = seller.id;
    let order = app.ctx.db.read(async move |tx| store::find_of_seller(tx, seller, id).await).await?;
    Ok(Json(order.and_then(|order| seller_view(&order, id)).ok_or(Error::NotFound)?))
}

async fn ship(
    seller: SellerOfRecord,
    State(app): State<App>,
    Path(id): Path<FulfilmentId>,
    key: MaybeIdempotencyKey,
    MaybeBody(body): MaybeBody<HandOverParcel>,
) -> Result<Idempotent<Json<SellerFulfilment>>, Problem> {
    let db = app.ctx.db.clone();
    Ship { app, seller: seller.id, id, body, shipment: OnceLock::new() }.run(&db, key.about(id)).await
}

async fn pay(
    caller: OrGuest<Customer, OrderTokenHeader>,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    key: MaybeIdempotencyKey,
    prefer: Prefer,
    Body(body): Body<PayOrder>,
) -> Result<Preferred<Idempotent<Json<OrderView>>>, Problem> {
    let db = app.ctx.db.clone();
    let (owner, key) = match caller {
        OrGuest::Known(customer) => (customer.id, key),
        OrGuest::Guest(token) => (actions::customer_of(&app, id, &token).await?, key.sealed(app.guest_keys.answers)),
    };
    let pay = PayAgain { app, owner, id, method: body.payment_method, wait: prefer.wait };
    pay.run(&db, key.about(id)).await.map(|answer| prefer.honoured(answer))
}

async fn list_own(
    customer: Customer,
    State(app): State<App>,
    Query(filter): Query<OwnOrderFilter>,
    paging: Paging,
) -> Result<Paged<OrderSummary>, Problem> {
    let OwnOrderFilter { status, external_id } = filter;
    let filter = OrderFilter { user_id: Some(customer.id), status, external_id, ..OrderFilter::default() };
    list(&app, filter, paging).await
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
    let sort = filter.sort.unwrap_or(OrderSort::Newest);
    let query = query_of(app, filter).await?;
    let read = async move |tx: &mut Tx, after, rows| store::list_orders(tx, &query, sort, after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |order| store::list_key(sort, order)).await.map(Paged)
}

async fn totals(_: Admin, State(app): State<App>, Query(filter): Query<OrderFilter>) -> Result<Json<Totals<OrderStatus>>, Problem> {
    let query = query_of(&app, filter).await?;
    let counts = app.ctx.db.read(async move |tx| store::count_by_status(tx, &query).await).await?;
    Ok(Json(counts.into_iter().collect()))
}

async fn daily(_: Admin, State(app): State<App>, Query(filter): Query<SeriesFilter>) -> Result<Json<Series<DailyOrders>>, Problem> {
    let (from, to) = filter.span(app.ctx.env.now()).map_err(|fault| Problem::invalid(vec![fault]))?;
    let counts = app.ctx.db.read(async move |tx| store::count_by_day(tx, from, to).await).await?;
    Ok(Json(Series { items: by_day(counts) }))
}

/// Returns what the store is asked. The customer of an e-mail address is looked up, because orders do not hold it.
async fn query_of(app: &App, filter: OrderFilter) -> Result<OrderQuery, Error> {
    let OrderFilter { status, user_id, order_number, email, external_id, from, to, sort: _ } = filter;
    let users = match email {
        None => user_id.map(|id| vec![id]),
        Some(email) => {
            let found = app.ctx.client.call(&user::FIND_USERS_BY_EMAIL).body(&EmailLookup { email }).send().await?;
            Some(found.user_ids.into_iter().filter(|id| user_id.is_none_or(|wanted| *id == wanted)).collect())
        }
    };
    let mut statuses = Vec::new();
    for status in status {
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    let external_id = external_id.map(ExternalId::into_string);
    Ok(OrderQuery { users, statuses, order_number, external_id, from, to })
}

async fn export_orders(_: Admin, State(app): State<App>, Query(filter): Query<OrderExport>) -> Result<CsvStream<OrderPages>, Problem> {
    Ok(CsvStream { name: "orders.csv", pages: OrderPages { db: app.ctx.db.clone(), filter, after: None, has_begun: false } })
}
