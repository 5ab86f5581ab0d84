//! Entry point 1, HTTP.

use crate::{
    App, Error,
    actions::{self, Actor, Command},
    domain::ReturnRecord,
    store::{self, Owner},
};
use contracts::{
    auth::SHIPPING_EVENTS,
    ids::{OrderId, ReturnId},
    returns::{AllReturnsFilter, ReceiveReturn, RejectReturn, RequestReturn, Return, ReturnFilter},
};
use platform::{
    db::Tx,
    http::{Body, Created, Idempotent, Json, MaybeIdempotencyKey, NoBody, Paged, Paging, Path, Problem, Query, Routes, State},
    identity::{
        Admin, ClientMarker, Customer, Either, GuestToken, OrGuest, OrderTokenHeader, SellerOfRecord, SellerOfRecordOrAdmin, ServiceOf,
        Viewer,
    },
};

pub fn routes() -> Routes<App> {
    Routes::new("returns")
        .post("/orders/{orderId}/returns", request, "Asks for the return of delivered goods")
        .get("/returns", list_own, "The caller's returns, the newest first")
        .get("/returns/{returnId}", get, "One return, for its customer, its seller and administrators")
        .post("/returns/{returnId}/cancel", cancel, "Cancels the caller's return before the goods were sent")
        .post("/returns/{returnId}/approve", approve, "Approves a return and makes its label")
        .post("/returns/{returnId}/reject", reject, "Rejects a return")
        .post("/returns/{returnId}/sent", send, "Records that the carrier has the goods")
        .post("/returns/{returnId}/receive", receive, "Records the goods that came back, and what happens to them")
        .get("/seller/returns", list_of_seller, "Returns of the caller's goods, the newest first")
        .get("/admin/returns", list, "Returns of everyone, the newest first")
}

/// The carrier: a client with its scope.
struct CarrierClient;
impl ClientMarker for CarrierClient {
    const CLIENTS: &'static [&'static str] = &[];
    const SCOPE: Option<&'static str> = Some(SHIPPING_EVENTS);
}

/// A seller acts on the returns of own goods, also while suspended.
fn seller_or_admin(caller: &SellerOfRecordOrAdmin) -> Actor {
    caller.owner().map_or(Actor::Admin, Actor::Seller)
}

/// A customer, or a guest with the token of the order.
type CustomerOrGuest = OrGuest<Customer, OrderTokenHeader>;

async fn request(
    caller: CustomerOrGuest,
    State(app): State<App>,
    Path(order): Path<OrderId>,
    key: MaybeIdempotencyKey,
    Body(body): Body<RequestReturn>,
) -> Result<Idempotent<Created<Return>>, Problem> {
    let customer = match caller {
        OrGuest::Known(customer) => customer.id,
        OrGuest::Guest(token) => {
            let found = token.find_order(&app.ctx.client).await?;
            if found.order_id != order {
                return Err(Error::NotFound.into());
            }
            found.user_id
        }
    };
    actions::request_return(&app, customer, order, key, body).await
}

async fn get(caller: OrGuest<Viewer, OrderTokenHeader>, State(app): State<App>, Path(id): Path<ReturnId>) -> Result<Json<Return>, Problem> {
    let caller = match caller {
        OrGuest::Known(viewer) => viewer,
        OrGuest::Guest(token) => return Ok(Json(find_of_guest(&app, &token, id).await?.view())),
    };
    let owner = caller.owner();
    let is_seen = |record: &ReturnRecord| owner.is_none_or(|user| record.user_id == user || record.seller_id == Some(user));
    let found = app.ctx.db.read(async move |tx| store::find(tx, id).await).await?;
    Ok(Json(found.filter(is_seen).ok_or(Error::NotFound)?.view()))
}

/// Returns a return of the order that the token opens.
async fn find_of_guest(app: &App, token: &GuestToken<OrderTokenHeader>, id: ReturnId) -> Result<ReturnRecord, Problem> {
    let order = token.find_order(&app.ctx.client).await?.order_id;
    let found = app.ctx.db.read(async move |tx| store::find(tx, id).await).await?;
    Ok(found.filter(|record| record.order_id == order).ok_or(Error::NotFound)?)
}

async fn cancel(
    caller: CustomerOrGuest,
    State(app): State<App>,
    Path(id): Path<ReturnId>,
    key: MaybeIdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Return>>, Problem> {
    let customer = match caller {
        OrGuest::Known(customer) => customer.id,
        OrGuest::Guest(token) => find_of_guest(&app, &token, id).await?.user_id,
    };
    actions::carry_out(&app, Actor::Customer(customer), id, key, Command::Cancel).await
}

async fn approve(
    caller: SellerOfRecordOrAdmin,
    State(app): State<App>,
    Path(id): Path<ReturnId>,
    key: MaybeIdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Return>>, Problem> {
    actions::carry_out(&app, seller_or_admin(&caller), id, key, Command::Approve).await
}

async fn reject(
    caller: SellerOfRecordOrAdmin,
    State(app): State<App>,
    Path(id): Path<ReturnId>,
    key: MaybeIdempotencyKey,
    Body(body): Body<RejectReturn>,
) -> Result<Idempotent<Json<Return>>, Problem> {
    actions::carry_out(&app, seller_or_admin(&caller), id, key, Command::Reject(body)).await
}

async fn send(
    _: Either<Admin, ServiceOf<CarrierClient>>,
    State(app): State<App>,
    Path(id): Path<ReturnId>,
    key: MaybeIdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Return>>, Problem> {
    actions::carry_out(&app, Actor::Admin, id, key, Command::Send).await
}

async fn receive(
    caller: SellerOfRecordOrAdmin,
    State(app): State<App>,
    Path(id): Path<ReturnId>,
    key: MaybeIdempotencyKey,
    Body(body): Body<ReceiveReturn>,
) -> Result<Idempotent<Json<Return>>, Problem> {
    actions::carry_out(&app, seller_or_admin(&caller), id, key, Command::Receive(body)).await
}

async fn list_own(
    caller: CustomerOrGuest,
    State(app): State<App>,
    Query(filter): Query<ReturnFilter>,
    paging: Paging,
) -> Result<Paged<Return>, Problem> {
    let owner = match caller {
        OrGuest::Known(customer) => Owner::Customer(customer.id),
        OrGuest::Guest(token) => Owner::Order(token.find_order(&app.ctx.client).await?.order_id),
    };
    page(&app, owner, of_status(filter), paging).await
}

async fn list_of_seller(
    caller: SellerOfRecord,
    State(app): State<App>,
    Query(filter): Query<ReturnFilter>,
    paging: Paging,
) -> Result<Paged<Return>, Problem> {
    page(&app, Owner::Seller(caller.id), of_status(filter), paging).await
}

/// Lists of customers and sellers have the newest first.
fn of_status(ReturnFilter { status }: ReturnFilter) -> AllReturnsFilter {
    AllReturnsFilter { status, sort: None }
}

async fn list(_: Admin, State(app): State<App>, Query(filter): Query<AllReturnsFilter>, paging: Paging) -> Result<Paged<Return>, Problem> {
    page(&app, Owner::Anyone, filter, paging).await
}

async fn page(app: &App, owner: Owner, filter: AllReturnsFilter, paging: Paging) -> Result<Paged<Return>, Problem> {
    let tag = format!("returns {owner:?} {filter:?}");
    let read = async move |tx: &mut Tx, before, rows| store::listed(owner, filter, before, rows).list(tx).await;
    let page = paging.list(&app.ctx.db, &tag, read, |record| record.return_id).await?;
    Ok(Paged(page.map(ReturnRecord::view)))
}
