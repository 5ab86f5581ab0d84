//! Entry point 1, HTTP.

use crate::{
    App, actions,
    error::Error,
    provider::{WEBHOOK_HEADERS, WebhookEvent},
    store,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::HeaderMap,
};
use contracts::{
    ids::PaymentId,
    page::Totals,
    payment::{
        CreatePayment, Payment as View, PaymentFilter, PaymentStatus, PaymentSummary, ProviderFaults, PutProviderFaults, RefundPart,
        RefundPayment,
    },
    problem::Code,
};
use platform::{
    db::Tx,
    env::LockUnpoisoned as _,
    http::body::DEFAULT_LIMIT,
    http::describe::OperationBuilder,
    http::{
        Body, Created, DescribeArg, IdempotencyKey, Idempotent, Json, MaybeBody, NoBody, NoContent, Paged, Paging, Path, Problem, Query,
        RawBody, Routes, State,
    },
    identity::{Admin, ClientMarker, Either, ServiceOf, Viewer},
};
use serde_json::json;
use std::sync::Mutex;

pub fn routes() -> Routes<App> {
    Routes::new("payment")
        .post("/payments", create, "Creates a payment for an order")
        .get("/payments/{paymentId}", get, "One payment, with its transactions")
        .post("/payments/{paymentId}/authorize", authorize, "Holds the amount at the provider")
        .post("/payments/{paymentId}/capture", capture, "Captures the held amount")
        .post("/payments/{paymentId}/void", void, "Voids the payment before its capture")
        .post("/payments/{paymentId}/refund", refund, "Refunds all that is left, or a part")
        .post("/internal/payments/{paymentId}/refunds", refund_part, "Refunds the money of a part of an order, once for each cause")
        .post("/payments/webhooks/mock", receive_webhook, "Receives the provider's webhooks: a transaction has an outcome")
        .get("/admin/payments", list, "Payments, the newest first")
        .get("/admin/payments/totals", totals, "How many payments there are in each status")
        .get("/admin/payments/faults", get_faults, "Which faults of the mock provider are switched on, in a demonstration")
        .put("/admin/payments/faults", put_faults, "Switches faults of the mock provider on and off, in a demonstration")
}

/// The service that starts and ends payments.
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
    _: NoBody,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::authorize(&app, key, id).await
}

async fn capture(
    _: Either<ServiceOf<Order>, Admin>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::capture(&app, key, id).await
}

async fn void(
    _: Either<ServiceOf<Order>, Admin>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    _: NoBody,
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

async fn refund_part(
    _: ServiceOf<Order>,
    State(app): State<App>,
    Path(id): Path<PaymentId>,
    key: IdempotencyKey,
    Body(body): Body<RefundPart>,
) -> Result<Idempotent<Json<View>>, Problem> {
    actions::refund_part(&app, key, id, body).await
}

/// A webhook as it was sent. Each provider has its own; the API document describes that of the mock.
struct SignedWebhook {
    headers: HeaderMap,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for SignedWebhook {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<SignedWebhook, Problem> {
        let headers = request.headers().clone();
        RawBody::<DEFAULT_LIMIT>::from_request(request, state).await.map(|RawBody(body)| SignedWebhook { headers, body })
    }
}

impl DescribeArg for SignedWebhook {
    fn describe(operation: &mut OperationBuilder<'_>) {
        for (name, about) in WEBHOOK_HEADERS {
            operation.parameter("header", name, true, json!({"type": "string", "pattern": "^[!-~][ -~]*$"}), about);
        }
        operation.json_body::<WebhookEvent>(true, DEFAULT_LIMIT);
        operation.refuse([Code::MALFORMED_REQUEST, Code::UNAUTHENTICATED, Code::PAYLOAD_TOO_LARGE, Code::INVALID_REQUEST]);
    }
}

async fn receive_webhook(State(app): State<App>, SignedWebhook { headers, body }: SignedWebhook) -> Result<NoContent, Problem> {
    if let Some(transaction) = app.provider.read_webhook(&headers, &body, app.ctx.env.now())? {
        app.ctx.db.write(async move |tx| store::make_due(tx, transaction).await).await?;
    }
    Ok(NoContent)
}

async fn list(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<PaymentFilter>,
    paging: Paging,
) -> Result<Paged<PaymentSummary>, Problem> {
    let tag = format!("payments {filter:?}");
    let read = async move |tx: &mut Tx, after, rows| store::list_payments(tx, filter, after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |last| last.payment_id).await.map(Paged)
}

async fn totals(_: Admin, State(app): State<App>, Query(filter): Query<PaymentFilter>) -> Result<Json<Totals<PaymentStatus>>, Problem> {
    let counts = app.ctx.db.read(async move |tx| store::count_by_status(tx, filter).await).await?;
    Ok(Json(counts.into_iter().collect()))
}

fn faults(app: &App) -> Result<&Mutex<ProviderFaults>, Error> {
    app.provider.faults().ok_or(Error::NoDemonstration)
}

async fn get_faults(_: Admin, State(app): State<App>) -> Result<Json<ProviderFaults>, Problem> {
    Ok(Json(*faults(&app)?.lock_unpoisoned()))
}

async fn put_faults(_: Admin, State(app): State<App>, Body(body): Body<PutProviderFaults>) -> Result<Json<ProviderFaults>, Problem> {
    let wanted = ProviderFaults::from(body);
    *faults(&app)?.lock_unpoisoned() = wanted;
    tracing::warn!(target: "provider", declines = wanted.declines, slow = wanted.slow, "an administrator switched the faults of the mock");
    Ok(Json(wanted))
}
