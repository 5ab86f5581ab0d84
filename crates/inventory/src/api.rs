//! Entry point 1: HTTP.

use crate::{
    App, Error,
    actions::{self, StockSet},
    domain::{ReservationCommand, Stock},
    export::StockPages,
    store,
};
use axum::response::{IntoResponse, Response};
use contracts::{
    body::EmptyBody,
    ids::{ProductId, ReservationId},
    inventory::{
        AdjustStock, Availability, ImportStock, Reservation, Reserve, ReturnLines, SetStock, SetStockItem, SetStocks, StockFilter,
        StockItem, StockList, StockLookup, StockResults,
    },
    text::Sku,
};
use platform::{
    csv::CsvStream,
    db::Tx,
    http::{
        BatchBody, Body, Created, DescribeAnswer, ETag, IdempotencyKey, Idempotent, IfMatch, Json, MaybeBody, MaybeIdempotencyKey, NoBody,
        NoContent, Paged, Paging, Path, Problem, Query, Routes, State, Tagged, describe::OperationBuilder,
    },
    identity::{ClientMarker, Customer, SellerOrAdmin, ServiceOf},
};

pub fn routes() -> Routes<App> {
    Routes::new("inventory")
        .get("/inventory/stock", list_stock, "The stock of the seller's products, or of all; the newest item first")
        .post("/inventory/stock/batch", set_many, "Sets the stock of up to 250 SKUs")
        .get("/exports/stock.csv", export_stock, "Stock as a CSV file that can be imported")
        .get("/inventory/stock/{sku}", get_stock, "The stock of one SKU")
        .put("/inventory/stock/{sku}", set_stock, "Creates the stock item of a SKU, or sets its available units")
        .post("/inventory/stock/{sku}/adjust", adjust_stock, "Adds to the available units, or subtracts from them")
        .get("/products/{productId}/availability", get_availability, "Whether a product is available")
        .put("/products/{productId}/stock-alert", set_alert, "Asks for a message when a product can be bought again")
        .delete("/products/{productId}/stock-alert", delete_alert, "Takes the request for that message back")
        .post("/inventory/reservations", reserve, "Reserves units for an order, all lines or none")
        .get("/inventory/reservations/{reservationId}", get_reservation, "One reservation")
        .post("/inventory/reservations/{reservationId}/confirm", confirm, "Turns reserved units into sold ones")
        .post("/inventory/reservations/{reservationId}/release", release, "Puts reserved units back on sale")
        .post("/inventory/reservations/{reservationId}/return", return_units, "Puts sold units back on sale, once")
        .post("/internal/reservations/{reservationId}/returns", return_lines, "Puts sold units of a part of an order back on sale")
        .post("/internal/stock/import", import_stock, "Sets the stock of rows of an import")
        .post("/internal/stock/lookup", look_up, "The stock of up to 200 SKUs")
}

/// The service that reserves.
struct Order;
impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

/// The services that look stock up.
struct StockReaders;
impl ClientMarker for StockReaders {
    const CLIENTS: &'static [&'static str] = &["cart", "catalog", "order"];
}

async fn list_stock(
    who: SellerOrAdmin,
    State(app): State<App>,
    Query(filter): Query<StockFilter>,
    paging: Paging,
) -> Result<Paged<StockItem>, Problem> {
    let (owner, low) = (who.owner(), filter.low_stock);
    let tag = format!("stock?lowStock={low:?}&seller={owner:?}");
    let read = async move |tx: &mut Tx, after, rows| store::stock::list_stock(tx, owner, low, after, rows).await;
    let page = paging.list(&app.ctx.db, &tag, read, |stock| stock.stock_item_id).await?;
    Ok(Paged(page.map(Stock::into_view)))
}

async fn get_stock(who: SellerOrAdmin, State(app): State<App>, Path(sku): Path<Sku>) -> Result<Tagged<Json<StockItem>>, Problem> {
    let owner = who.owner();
    let found = app.ctx.db.read(async move |tx| store::stock::find_stock(tx, owner, &sku).await).await?;
    let stock = found.ok_or(Error::UnknownSku)?;
    Ok(Tagged(ETag::of_version(stock.version), Json(stock.into_view())))
}

async fn set_stock(
    who: SellerOrAdmin,
    State(app): State<App>,
    Path(sku): Path<Sku>,
    if_match: IfMatch,
    Body(body): Body<SetStock>,
) -> Result<StockAnswer, Problem> {
    Ok(match actions::set_stock(&app, who.owner(), sku, if_match, body).await? {
        StockSet::Created(etag, item) => StockAnswer::Created(Tagged(etag, Created::at(format!("/inventory/stock/{}", item.sku), item))),
        StockSet::Set(etag, item) => StockAnswer::Set(Tagged(etag, Json(item))),
    })
}

async fn set_many(
    who: SellerOrAdmin,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    body: BatchBody<SetStocks, SetStockItem>,
) -> Result<Idempotent<Json<StockResults>>, Problem> {
    actions::set_stocks(&app, who.owner(), key, body.items).await
}

/// The service that imports files.
struct Catalog;
impl ClientMarker for Catalog {
    const CLIENTS: &'static [&'static str] = &["catalog"];
}

async fn import_stock(
    _: ServiceOf<Catalog>,
    State(app): State<App>,
    key: IdempotencyKey,
    Body(body): Body<ImportStock>,
) -> Result<Idempotent<Json<StockResults>>, Problem> {
    actions::import_stock(&app, key, body).await
}

async fn export_stock(who: SellerOrAdmin, State(app): State<App>) -> Result<CsvStream<StockPages>, Problem> {
    let pages = StockPages { db: app.ctx.db.clone(), owner: who.owner(), after: None, has_begun: false };
    Ok(CsvStream { name: "stock.csv", pages })
}

/// 201 for a new item, else 200.
enum StockAnswer {
    Created(Tagged<Created<StockItem>>),
    Set(Tagged<Json<StockItem>>),
}

impl IntoResponse for StockAnswer {
    fn into_response(self) -> Response {
        match self {
            StockAnswer::Created(answer) => answer.into_response(),
            StockAnswer::Set(answer) => answer.into_response(),
        }
    }
}

impl DescribeAnswer for StockAnswer {
    fn describe(operation: &mut OperationBuilder<'_>) {
        Tagged::<Created<StockItem>>::describe(operation);
        Tagged::<Json<StockItem>>::describe(operation);
    }
}

async fn adjust_stock(
    who: SellerOrAdmin,
    State(app): State<App>,
    Path(sku): Path<Sku>,
    key: MaybeIdempotencyKey,
    Body(body): Body<AdjustStock>,
) -> Result<Idempotent<Tagged<Json<StockItem>>>, Problem> {
    actions::adjust_stock(&app, who.owner(), sku, key, body).await
}

async fn get_availability(State(app): State<App>, Path(id): Path<ProductId>) -> Result<Json<Availability>, Problem> {
    let read = app.ctx.db.read(async move |tx| -> Result<_, Error> {
        Ok((store::products::is_on_sale(tx, id).await?, store::stock::available_of(tx, id).await?))
    });
    let (on_sale, available_qty) = read.await?;
    if !on_sale && !actions::is_on_sale(&app, id).await? {
        return Err(Error::NotOnSale.into());
    }
    Ok(Json(Availability { in_stock: available_qty > 0, available_qty }))
}

async fn set_alert(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    _: MaybeBody<Option<EmptyBody>>,
) -> Result<NoContent, Problem> {
    actions::set_alert(&app, customer.id, id).await?;
    Ok(NoContent)
}

async fn delete_alert(customer: Customer, State(app): State<App>, Path(id): Path<ProductId>) -> Result<NoContent, Problem> {
    app.ctx.db.write(async move |tx| store::alerts::delete(tx, customer.id, id).await).await?;
    Ok(NoContent)
}

async fn reserve(
    _: ServiceOf<Order>,
    State(app): State<App>,
    key: IdempotencyKey,
    Body(body): Body<Reserve>,
) -> Result<Idempotent<Created<Reservation>>, Problem> {
    actions::reserve(&app, key, body).await
}

async fn get_reservation(_: ServiceOf<Order>, State(app): State<App>, Path(id): Path<ReservationId>) -> Result<Json<Reservation>, Problem> {
    let found = app.ctx.db.read(async move |tx| store::reservations::find_reservation(tx, id).await).await?;
    Ok(Json(found.ok_or(Error::UnknownReservation)?.into_view()))
}

async fn confirm(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<ReservationId>,
    key: IdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Reservation>>, Problem> {
    actions::end_reservation(&app, key, id, ReservationCommand::Confirm).await
}

async fn release(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<ReservationId>,
    key: IdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Reservation>>, Problem> {
    actions::end_reservation(&app, key, id, ReservationCommand::Release).await
}

async fn return_units(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<ReservationId>,
    key: IdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<Reservation>>, Problem> {
    actions::end_reservation(&app, key, id, ReservationCommand::Return).await
}

async fn return_lines(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<ReservationId>,
    key: IdempotencyKey,
    Body(body): Body<ReturnLines>,
) -> Result<Idempotent<Json<Reservation>>, Problem> {
    actions::return_lines(&app, key, id, body).await
}

async fn look_up(_: ServiceOf<StockReaders>, State(app): State<App>, Body(body): Body<StockLookup>) -> Result<Json<StockList>, Problem> {
    let skus: Vec<String> = body.skus.iter().map(|sku| sku.as_str().to_owned()).collect();
    let found = app.ctx.db.read(async move |tx| store::stock::find_stocks(tx, &skus).await).await?;
    Ok(Json(StockList { items: found.into_iter().map(Stock::into_view).collect() }))
}
