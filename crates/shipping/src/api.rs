//! Entry point 1, HTTP.

use crate::{App, Error, actions, rates, store};
use contracts::{
    auth::SHIPPING_EVENTS,
    ids::{FulfilmentId, OrderId, ShipmentId},
    money::Currency,
    page::Page,
    shipping::{
        AdvanceParcels, AdvancedParcels, CarrierFaults, HandOverParcel, ParcelQuery, PutCarrierFaults, RatesQuery, RecordShipmentEvent,
        Shipment, ShipmentCancellation, ShipmentFilter, ShipmentOverview, ShippingRates,
    },
    text::Amount,
};
use platform::{
    db::Tx,
    http::{Body, Idempotent, Json, MaybeIdempotencyKey, Paged, Paging, Path, Problem, Query, Routes, State},
    identity::{Admin, ClientMarker, Either, OrGuest, OrderTokenHeader, ServiceOf, Viewer},
};

pub fn routes() -> Routes<App> {
    Routes::new("shipping")
        .get("/orders/{orderId}/shipments", list_of_order, "The shipments of an order, one for each fulfilment; without pending ones")
        .get("/shipments", find, "Shipments by the number on the parcel")
        .get("/shipments/{shipmentId}", get, "One shipment, with its tracking history")
        .post("/shipments/{shipmentId}/events", record, "Reports an event of the carrier; repeated and late events change nothing")
        .get("/shipping/rates", get_rates, "The price of shipping to a country")
        .get("/admin/shipments", list, "Shipments of everyone, by the newest order; pending ones too")
        .post("/admin/shipments/{orderId}/retry", retry, "Calls the carrier for a pending shipment at once")
        .get("/admin/shipments/faults", get_faults, "Which faults of the mock carrier are switched on, in a demonstration")
        .put("/admin/shipments/faults", put_faults, "Switches faults of the mock carrier on and off, in a demonstration")
        .post("/admin/shipments/advance", advance, "Moves the parcels that are under way, in a demonstration")
        .put("/internal/shipments/{fulfilmentId}/recall", cancel_shipment, "Cancels the shipment of a fulfilment")
        .put("/internal/shipments/{fulfilmentId}/ship", hand_over, "Sets the shipment of a fulfilment in transit")
}

/// The carrier: a client with its scope.
struct CarrierClient;
impl ClientMarker for CarrierClient {
    const CLIENTS: &'static [&'static str] = &[];
    const SCOPE: Option<&'static str> = Some(SHIPPING_EVENTS);
}

/// The service that cancels orders.
struct Order;
impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

/// A user, or a guest with the token of the order.
type ViewerOrGuest = OrGuest<Viewer, OrderTokenHeader>;

async fn list_of_order(
    caller: ViewerOrGuest,
    State(app): State<App>,
    Path(id): Path<OrderId>,
    paging: Paging,
) -> Result<Paged<Shipment>, Problem> {
    // They are one page, so every cursor is invalid.
    paging.after::<ShipmentId>("shipments of an order")?;
    let owner = match caller {
        OrGuest::Known(viewer) => viewer.owner(),
        OrGuest::Guest(token) => {
            let order = token.find_order(&app.ctx.client).await?;
            if order.order_id != id {
                return Err(Error::NotFound.into());
            }
            Some(order.user_id)
        }
    };
    let found = app.ctx.db.read(async move |tx| store::find_of_order(tx, owner, id).await).await?;
    Ok(Paged(Page { items: found.ok_or(Error::NotFound)?, next_cursor: None }))
}

async fn get(caller: ViewerOrGuest, State(app): State<App>, Path(id): Path<ShipmentId>) -> Result<Json<Shipment>, Problem> {
    let (owner, order) = match caller {
        OrGuest::Known(viewer) => (viewer.owner(), None),
        OrGuest::Guest(token) => {
            let order = token.find_order(&app.ctx.client).await?;
            (Some(order.user_id), Some(order.order_id))
        }
    };
    let found = app.ctx.db.read(async move |tx| store::find_shipment(tx, owner, id).await).await?;
    // The orders of a guest have one customer, and each a token of its own.
    let found = found.filter(|shipment| order.is_none_or(|order| shipment.order_id == order));
    Ok(Json(found.ok_or(Error::NotFound)?))
}

async fn find(
    _: Either<Admin, ServiceOf<CarrierClient>>,
    State(app): State<App>,
    Query(query): Query<ParcelQuery>,
    paging: Paging,
) -> Result<Paged<Shipment>, Problem> {
    let tag = format!("shipments {query:?}");
    let filter = ShipmentFilter { tracking_number: Some(query.tracking_number), pending: Some(false), ..ShipmentFilter::default() };
    let read = async move |tx: &mut Tx, after, rows| {
        let mut found = Vec::new();
        for shipment in store::list(tx, filter.clone(), after, rows).await? {
            found.extend(store::view(tx, shipment).await?);
        }
        Ok::<_, Error>(found)
    };
    paging.list(&app.ctx.db, &tag, read, |shipment| shipment.fulfilment_id).await.map(Paged)
}

async fn record(
    _: Either<Admin, ServiceOf<CarrierClient>>,
    State(app): State<App>,
    Path(id): Path<ShipmentId>,
    key: MaybeIdempotencyKey,
    Body(body): Body<RecordShipmentEvent>,
) -> Result<Idempotent<Json<Shipment>>, Problem> {
    actions::record_event(&app, id, key.about(id), body).await
}

async fn get_rates(State(app): State<App>, Query(query): Query<RatesQuery>) -> Result<Json<ShippingRates>, Problem> {
    let subtotal = query.subtotal.map_or(0, Amount::get);
    Ok(Json(rates::rates(&app.settings, app.carrier.name(), query.country, subtotal, query.currency.unwrap_or(Currency::EUR))?))
}

async fn list(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<ShipmentFilter>,
    paging: Paging,
) -> Result<Paged<ShipmentOverview>, Problem> {
    let tag = format!("shipments {filter:?}");
    let read = async move |tx: &mut Tx, after, rows| store::list(tx, filter.clone(), after, rows).await;
    let page = paging.list(&app.ctx.db, &tag, read, |shipment| shipment.fulfilment_id).await?;
    Ok(Paged(page.map(|shipment| shipment.overview(app.carrier.name().as_str()))))
}

async fn retry(_: Admin, State(app): State<App>, Path(id): Path<OrderId>) -> Result<Json<ShipmentOverview>, Problem> {
    Ok(Json(actions::retry(&app, id.into()).await?))
}

async fn cancel_shipment(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<FulfilmentId>,
) -> Result<Json<ShipmentCancellation>, Problem> {
    Ok(Json(actions::cancel_shipment(&app, id.into()).await?))
}

async fn hand_over(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<FulfilmentId>,
    Body(body): Body<HandOverParcel>,
) -> Result<Json<Shipment>, Problem> {
    Ok(Json(actions::hand_over(&app, id, body).await?))
}

async fn get_faults(_: Admin, State(app): State<App>) -> Result<Json<CarrierFaults>, Problem> {
    Ok(Json(actions::get_faults(&app)?))
}

async fn put_faults(_: Admin, State(app): State<App>, Body(body): Body<PutCarrierFaults>) -> Result<Json<CarrierFaults>, Problem> {
    Ok(Json(actions::put_faults(&app, body.into()).await?))
}

async fn advance(
    _: Admin,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(AdvanceParcels { step }): Body<AdvanceParcels>,
) -> Result<Idempotent<Json<AdvancedParcels>>, Problem> {
    actions::advance(&app, key, step).await
}
