//! Entry point 1, HTTP: routes and handlers.

use crate::{App, Error, actions, store};
use contracts::{
    body::EmptyBody,
    ids::{WebhookDeliveryId, WebhookEndpointId},
    webhook::{
        CreateWebhookEndpoint, UpdateWebhookEndpoint, WebhookDelivery, WebhookDeliveryFilter, WebhookEndpoint, WebhookEndpointSecret,
    },
};
use platform::{
    db::Tx,
    http::{
        Body, Created, IfMatch, Json, MaybeBody, NoContent, Paged, Paging, Path, Problem, Query, Routes, State, Tagged,
        UnstoredIdempotencyKey,
    },
    identity::{Role, SellerOrAdmin},
};

pub fn routes() -> Routes<App> {
    Routes::new("webhook")
        .post("/webhook-endpoints", create, "Creates an endpoint, with its secret")
        .get("/webhook-endpoints", list, "The endpoints, the newest first")
        .get("/webhook-endpoints/{webhookEndpointId}", get, "One endpoint")
        .patch("/webhook-endpoints/{webhookEndpointId}", update, "Changes, enables or disables an endpoint")
        .delete("/webhook-endpoints/{webhookEndpointId}", delete, "Deletes an endpoint with its deliveries")
        .post("/webhook-endpoints/{webhookEndpointId}/rotate-secret", rotate, "Gives an endpoint another secret")
        .post("/webhook-endpoints/{webhookEndpointId}/test", test, "Sends a test message")
        .get("/webhook-endpoints/{webhookEndpointId}/deliveries", list_deliveries, "The deliveries to an endpoint, the newest first")
        .post("/webhook-endpoints/{webhookEndpointId}/deliveries/{deliveryId}/retry", retry, "Makes another attempt at once")
}

async fn create(
    caller: SellerOrAdmin,
    State(app): State<App>,
    _: UnstoredIdempotencyKey,
    Body(body): Body<CreateWebhookEndpoint>,
) -> Result<Created<WebhookEndpointSecret>, Problem> {
    let seller_id = if caller.has_role(Role::Admin) { None } else { Some(caller.id) };
    actions::create_endpoint(&app.ctx.db, seller_id, app.secrets.clone(), &app.settings, body).await
}

async fn list(caller: SellerOrAdmin, State(app): State<App>, paging: Paging) -> Result<Paged<WebhookEndpoint>, Problem> {
    let owner = caller.owner();
    let read = async move |tx: &mut Tx, before, rows| store::list_endpoints(tx, owner, before, rows).await;
    Ok(Paged(paging.list(&app.ctx.db, &format!("webhooks {owner:?}"), read, |endpoint| endpoint.webhook_endpoint_id).await?))
}

async fn get(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<WebhookEndpointId>,
) -> Result<Tagged<Json<WebhookEndpoint>>, Problem> {
    let owner = caller.owner();
    let found = app.ctx.db.read(async move |tx| store::find_endpoint(tx, owner, id).await).await?;
    let endpoint = found.ok_or(Error::NotFound("webhook endpoint"))?;
    Ok(Tagged(endpoint.etag(), Json(endpoint.shown)))
}

async fn update(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<WebhookEndpointId>,
    if_match: IfMatch,
    Body(body): Body<UpdateWebhookEndpoint>,
) -> Result<Tagged<Json<WebhookEndpoint>>, Problem> {
    actions::update_endpoint(&app.ctx.db, caller.owner(), id, &app.settings, if_match, body).await
}

async fn delete(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<WebhookEndpointId>,
    if_match: IfMatch,
) -> Result<NoContent, Problem> {
    actions::delete_endpoint(&app.ctx.db, caller.owner(), id, if_match).await?;
    Ok(NoContent)
}

async fn rotate(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<WebhookEndpointId>,
    if_match: IfMatch,
    _: UnstoredIdempotencyKey,
    MaybeBody(EmptyBody {}): MaybeBody<EmptyBody>,
) -> Result<Json<WebhookEndpointSecret>, Problem> {
    Ok(Json(actions::rotate_secret(&app.ctx.db, caller.owner(), id, app.secrets.clone(), if_match).await?))
}

async fn test(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<WebhookEndpointId>,
    _: UnstoredIdempotencyKey,
    MaybeBody(EmptyBody {}): MaybeBody<EmptyBody>,
) -> Result<Json<WebhookDelivery>, Problem> {
    Ok(Json(actions::test_endpoint(&app.ctx.db, caller.owner(), id).await?))
}

async fn list_deliveries(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<WebhookEndpointId>,
    Query(filter): Query<WebhookDeliveryFilter>,
    paging: Paging,
) -> Result<Paged<WebhookDelivery>, Problem> {
    let (owner, tag) = (caller.owner(), format!("deliveries {id} {filter:?}"));
    let read = async move |tx: &mut Tx, before, rows| -> Result<_, Error> {
        store::find_endpoint(tx, owner, id).await?.ok_or(Error::NotFound("webhook endpoint"))?;
        Ok(store::list_deliveries(tx, id, &filter, before, rows).await?)
    };
    Ok(Paged(paging.list(&app.ctx.db, &tag, read, |delivery| delivery.webhook_delivery_id).await?))
}

async fn retry(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path((endpoint, id)): Path<(WebhookEndpointId, WebhookDeliveryId)>,
    _: UnstoredIdempotencyKey,
    MaybeBody(EmptyBody {}): MaybeBody<EmptyBody>,
) -> Result<Json<WebhookDelivery>, Problem> {
    Ok(Json(actions::retry_delivery(&app.ctx.db, caller.owner(), endpoint, id).await?))
}
