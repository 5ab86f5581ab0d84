//! RequestLayers 1, HTTP: who may do what with payments.

use crate::{
    App, actions,
    error::Error,
    store::{self, Filter},
    webhook::{self, Signature, WebhookEvent},
};
use contracts::{
    body::EmptyBody,
    ids::PaymentId,
    page::Totals,
    payment::{CreatePayment, Payment as View, PaymentStatus, PaymentSummary, RefundPayment},
};
use platform::{
    http::{
        Body, Created, IdempotencyKey, Idempotent, Json, MaybeBody, NoContent, Paged, Paging, Path, Problem, Query, RawBody, Routes, State,
    },
    identity::{Admin, ClientMarker, Either, ServiceOf, Viewer},
};

pub fn routes() -> Routes<App> {
    Routes::new("payment")
        .post("/payments", create, "Makes a payment for an order")
        .get("/payments/{paymentId}", get, "One payment, with its transactions")
        .post("/payments/{paymentId}/authorize", authorize, "Has the provider hold the amount")
        .post("/payments/{paymentId}/capture", capture, "Takes what is held")
        .post("/payments/{paymentId}/void", void, "Gives the payment up before its capture")
        .post("/payments/{paymentId}/refund", refund, "Gives money back, all that is left or a part")
        .post("/payments/webhooks/mock", receive_webhook, "Hears from the provider that something became of a transaction")
        .get("/admin/payments", list, "Payments, the newest first")
        .get("/admin/payments/totals", totals, "How many payments there are in each status")
}

/// The service that leads payments.
struct Order;
impl ClientMarker for Order {
    const CLIENTS: &'static [&'static str] = &["order"];
}

async fn create(
    _: ServiceOf<Order>,
    State(app): State<App>,
    key: IdempotencyKey,
    Body(body): Body<CreatePayment>,
) -> Result<Idempotent<Created<View>>, Problem> {
    actions::create(&app, key, body).await
}

async fn get(caller: Either<ServiceOf<Order>, Viewer>, State(app): State<App>, Path(id): Path<PaymentId>) -> Result<Json<View>, Problem> {
    let owner = match caller {
        Either::A(_) => None,
        Either::B(viewer) => viewer.owner(),
    };
    let found = app.ctx.db.read(async move |tx| store::find_payment(tx, owner, id).await).await?;
    found.map(|payment| Json(View::from(&payment))).ok_or_else(|| Error::NotFound.into())
}

async fn authorize(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    _: MaybeBody<Option<EmptyBody>>,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::authorize(&app, key, id).await
}

async fn capture(
    _: Either<ServiceOf<Order>, Admin>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    _: MaybeBody<Option<EmptyBody>>,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::capture(&app, key, id).await
}

async fn void(
    _: Either<ServiceOf<Order>, Admin>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    _: MaybeBody<Option<EmptyBody>>,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::void(&app, key, id).await
}

async fn refund(
    _: Either<ServiceOf<Order>, Admin>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    MaybeBody(body): MaybeBody<RefundPayment>,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::refund(&app, key, id, body).await
}

async fn receive_webhook(State(app): State<App>, signature: Signature, RawBody(body): RawBody) -> Result<NoContent, Problem> {
    signature.check(&webhook::key(&app.ctx.master_key), &body, app.ctx.env.now())?;
    if let Some(transaction) = WebhookEvent::read(&body)?.transaction() {
        app.ctx.db.write(async move |tx| store::make_due(tx, transaction).await).await?;
    }
    Ok(NoContent)
}

async fn list(_: Admin, State(app): State<App>, Query(filter): Query<Filter>, paging: Paging) -> Result<Paged<PaymentSummary>, Problem> {
    let tag = format!("payments {filter:?}");
    let (after, rows) = (paging.after(&tag)?, paging.fetch());
    let found = app.ctx.db.read(async move |tx| store::list_payments(tx, filter, after, rows).await).await?;
    Ok(Paged(paging.page(&tag, found, |last| last.payment_id)))
}

async fn totals(_: Admin, State(app): State<App>, Query(filter): Query<Filter>) -> Result<Json<Totals<PaymentStatus>>, Problem> {
    let counts = app.ctx.db.read(async move |tx| store::count_by_status(tx, filter).await).await?;
    Ok(Json(counts.into_iter().collect()))
}
