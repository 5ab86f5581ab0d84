//! Entry point 1, HTTP.

use crate::{App, Error, actions, channels::webhook, store};
use contracts::{
    ids::NotificationId,
    notification::{DeliveryAttempt, Notification, NotificationFilter, WebhookSecret},
};
use platform::{
    db::Tx,
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
    list(&app, NotificationFilter { user_id: Some(user.id), status: None }, paging).await
}

async fn list_all(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<NotificationFilter>,
    paging: Paging,
) -> Result<Paged<Notification>, Problem> {
    list(&app, filter, paging).await
}

async fn list(app: &App, filter: NotificationFilter, paging: Paging) -> Result<Paged<Notification>, Problem> {
    let tag = format!("notifications {filter:?}");
    let read = async move |tx: &mut Tx, after, rows| store::list(tx, filter, after, rows).await;
    paging.list(&app.ctx.db, &tag, read, |notification| notification.notification_id).await.map(Paged)
}

async fn list_attempts(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<NotificationId>,
    Query(()): Query<()>,
    paging: Paging,
) -> Result<Paged<DeliveryAttempt>, Problem> {
    let read = async move |tx: &mut Tx, before, rows| match store::exists(tx, id).await? {
        true => Ok(store::list_attempts(tx, id, before, rows).await?),
        false => Err(Error::NotFound),
    };
    paging.list(&app.ctx.db, &format!("attempts {id}"), read, |attempt| attempt.attempt).await.map(Paged)
}

async fn resend(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<NotificationId>,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Json<Notification>>, Problem> {
    actions::resend(&app.ctx.db, id, key.about(id)).await
}

async fn webhook_secret(user: User, State(app): State<App>, Query(()): Query<()>) -> Json<WebhookSecret> {
    Json(WebhookSecret { secret: webhook::secret_of(&app.ctx.master_key, user.id).to_text() })
}
