//! Entry point 1, HTTP.

use crate::{
    App, Error, actions,
    channels::webhook,
    store::{self, Filter},
};
use contracts::{
    ids::NotificationId,
    notification::{DeliveryAttempt, Notification, WebhookSecret},
};
use platform::{
    http::{Idempotent, Json, MaybeIdempotencyKey, Paged, Paging, Path, Problem, Query, Routes, State},
    identity::{Admin, User},
};

pub fn routes() -> Routes<App> {
    Routes::new("notification")
        .get("/notifications", list_own, "The messages to the caller, newest first")
        .get("/notifications/webhook-secret", webhook_secret, "The secret that signs the caller's webhooks")
        .get("/admin/notifications", list_all, "The messages to everyone, newest first")
        .get("/admin/notifications/{notificationId}/attempts", list_attempts, "The attempts to deliver a message, last first")
        .post("/admin/notifications/{notificationId}/resend", resend, "Sends a message again that was sent or has failed")
}

async fn list_own(user: User, State(app): State<App>, Query(()): Query<()>, paging: Paging) -> Result<Paged<Notification>, Problem> {
    list(&app, Filter { user_id: Some(user.id), status: None }, paging).await
}

async fn list_all(_: Admin, State(app): State<App>, Query(filter): Query<Filter>, paging: Paging) -> Result<Paged<Notification>, Problem> {
    list(&app, filter, paging).await
}

async fn list(app: &App, filter: Filter, paging: Paging) -> Result<Paged<Notification>, Problem> {
    let tag = format!("notifications {filter:?}");
    let (after, rows) = (paging.after::<NotificationId>(&tag)?, paging.fetch());
    let found = app.ctx.db.read(async move |tx| store::list(tx, filter.clone(), after, rows).await).await?;
    Ok(Paged(paging.page(&tag, found, |notification| notification.notification_id)))
}

async fn list_attempts(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<NotificationId>,
    Query(()): Query<()>,
    paging: Paging,
) -> Result<Paged<DeliveryAttempt>, Problem> {
    let tag = format!("attempts {id}");
    let (before, rows) = (paging.after::<u32>(&tag)?, paging.fetch());
    let found = app
        .ctx
        .db
        .read(async move |tx| match store::exists(tx, id).await? {
            true => Ok(store::list_attempts(tx, id, before, rows).await?),
            false => Err(Error::NotFound),
        })
        .await?;
    Ok(Paged(paging.page(&tag, found, |attempt| attempt.attempt)))
}

async fn resend(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<NotificationId>,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Json<Notification>>, Problem> {
    actions::resend(&app.ctx.db, id, key).await
}

async fn webhook_secret(user: User, State(app): State<App>, Query(()): Query<()>) -> Json<WebhookSecret> {
    Json(WebhookSecret { secret: webhook::secret_of(&app.ctx.master_key, user.id).to_text() })
}
