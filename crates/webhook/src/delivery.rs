//! Entry point 3, schedule: posts the deliveries that are due, outside of any transaction, and records the attempts.

use crate::{
    App, Error,
    actions::{self, DELIVER},
    domain::{ATTEMPT_TIME, Delivery, Endpoint, Secrets},
    store,
};
use contracts::{
    ids::{WebhookDeliveryId, WebhookEndpointId},
    time::Timestamp,
    webhook::WebhookEndpointStatus,
};
use platform::{
    backoff::Backoff,
    due::{DueQueue, DueWork},
    webhooks::{Failure, SigningKey, Webhook},
};
use std::{sync::Arc, time::Duration};

/// The due deliveries.
#[derive(Clone)]
pub struct Deliveries(pub App);

impl DueWork for Deliveries {
    const NAME: &'static str = DELIVER;
    const PERIOD: Duration = Duration::from_secs(5);
    const QUEUE: DueQueue<WebhookDeliveryId, WebhookEndpointId> = store::DUE;
    type Key = WebhookDeliveryId;
    type Partition = WebhookEndpointId;
    type Error = Error;

    /// Posts a delivery and records the attempt. A failed attempt is recorded with the time of the next one, and is no failure of
    /// the work.
    async fn run(self, id: WebhookDeliveryId) -> Result<(), Error> {
        let App { ctx, secrets, .. } = &self.0;
        let found = ctx.db.read(async move |tx| -> Result<_, Error> {
            let Some(delivery) = store::find_due(tx, id).await? else { return Ok(None) };
            let endpoint = store::find_endpoint(tx, None, delivery.shown.webhook_endpoint_id).await?;
            Ok(Some((delivery, endpoint)))
        });
        let Some((delivery, endpoint)) = found.await? else { return Ok(()) };
        let takes = |endpoint: &Endpoint| endpoint.shown.status == WebhookEndpointStatus::Enabled;
        let Some(endpoint) = endpoint.filter(takes) else {
            return actions::give_up(&ctx.db, delivery.shown.webhook_endpoint_id, id).await;
        };
        let keys = keys_of(&endpoint, secrets, ctx.env.now())?;
        let delivery = Arc::new(delivery);
        let outcome = post(&self.0, delivery.clone(), endpoint.shown.url, keys).await;
        log_attempt(&delivery, &outcome);
        actions::record_attempt(&ctx.db, delivery, Arc::new(outcome)).await
    }

    fn slots(&self) -> usize {
        self.0.settings.concurrency
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(5), Duration::from_secs(600))
    }

    fn grace(&self) -> Duration {
        ATTEMPT_TIME
    }
}

/// The keys that sign now: the present one, and the former one for a while.
fn keys_of(endpoint: &Endpoint, secrets: &Secrets, now: Timestamp) -> Result<Vec<SigningKey>, Error> {
    let signs = endpoint.shown.former_secret_until.is_some_and(|until| now < until);
    let former = endpoint.former_secret.as_ref().filter(|_| signs);
    let encrypted = std::iter::once(&endpoint.secret).chain(former);
    encrypted.map(|secret| secrets.decrypt(secret).ok_or(Error::Secret)).collect()
}

/// Posts a delivery in a task of its own, so that a panic is a failed attempt.
async fn post(app: &App, delivery: Arc<Delivery>, url: String, keys: Vec<SigningKey>) -> Result<u16, Failure> {
    let sender = app.sender.clone();
    let posting = async move {
        let id = delivery.shown.webhook_delivery_id.to_string();
        sender.send(Webhook { url: &url, id: &id, body: delivery.body.clone().into_bytes(), keys: &keys }).await
    };
    app.ctx.env.spawn(posting).await.unwrap_or_else(|_| Err(Failure::Unreachable("the sender failed unexpectedly".to_owned())))
}

fn log_attempt(delivery: &Delivery, outcome: &Result<u16, Failure>) {
    if let Err(failure) = outcome {
        tracing::info!(
            target: "webhook", webhook_delivery_id = %delivery.shown.webhook_delivery_id,
            webhook_endpoint_id = %delivery.shown.webhook_endpoint_id, attempt = delivery.shown.attempts + 1, error = %failure,
            "an event was not delivered"
        );
    }
}
