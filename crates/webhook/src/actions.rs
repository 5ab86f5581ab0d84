//! The commands, one transaction each.

use crate::{
    Error, Settings,
    domain::{
        Delivery, Endpoint, FORMER_SECRET, Match, Secrets, TRIES, event_type_faults, message_of, seller_of, url_faults, wanted_pause,
    },
    store::{self, Wanted},
};
use contracts::{
    event::Envelope,
    ids::{UserId, WebhookDeliveryId, WebhookEndpointId},
    webhook::{
        CreateWebhookEndpoint, DisabledReason, EventTypes, TEST_TYPE, UpdateWebhookEndpoint, WebhookDelivery, WebhookDeliveryStatus,
        WebhookEndpoint, WebhookEndpointCreated, WebhookEndpointDeleted, WebhookEndpointDisabled, WebhookEndpointSecret,
        WebhookEndpointStatus, WebhookEndpointUpdated, WebhookMessage, WebhookSecretRotated,
    },
};
use platform::{
    db::{Db, Tx},
    http::{Created, IfMatch, Json, Problem, Tagged},
    webhooks::{Failure, SigningKey},
};
use std::{collections::BTreeSet, sync::Arc};

/// The worker that posts deliveries, and its notifier.
pub const DELIVER: &str = "webhook-deliveries";

/// Creates an endpoint of `seller_id`, or of the shop.
///
/// # Errors
/// `INVALID_REQUEST` for a private address and for types that the owner cannot have, `TOO_MANY_WEBHOOK_ENDPOINTS`.
pub async fn create_endpoint(
    db: &Db,
    seller_id: Option<UserId>,
    secrets: Secrets,
    settings: &Settings,
    body: CreateWebhookEndpoint,
) -> Result<Created<WebhookEndpointSecret>, Problem> {
    let event_types = names(body.event_types);
    let mut faults = url_faults(&body.url, settings.allow_private_addresses);
    faults.extend(event_type_faults(&event_types, seller_id.is_some()));
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let most = settings.endpoints_per_owner;
    let (url, description) = (body.url.into_string(), body.description.map(|text| text.into_string()));
    let created = db.write(async move |tx| -> Result<_, Error> {
        if store::count_endpoints(tx, seller_id).await? >= most {
            return Err(Error::TooMany(most));
        }
        let (key, now) = (SigningKey(tx.random_bytes()), tx.now());
        let shown = WebhookEndpoint {
            webhook_endpoint_id: tx.new_id(),
            seller_id,
            url: url.clone(),
            event_types: event_types.clone(),
            description: description.clone(),
            status: WebhookEndpointStatus::Enabled,
            disabled_reason: None,
            former_secret_until: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let endpoint = Endpoint { shown, secret: secrets.encrypt(tx.random_bytes(), &key), former_secret: None, resumes_at: None };
        store::insert_endpoint(tx, &endpoint).await?;
        store::put_wanted(tx, &endpoint.shown).await?;
        let webhook_endpoint_id = endpoint.shown.webhook_endpoint_id;
        tx.emit(WebhookEndpointCreated { webhook_endpoint_id, seller_id, event_types: endpoint.shown.event_types.clone() });
        Ok(WebhookEndpointSecret { endpoint: endpoint.shown, secret: key.to_text() })
    });
    let created = created.await?;
    Ok(Created::at(format!("/webhook-endpoints/{}", created.endpoint.webhook_endpoint_id), created))
}

/// Changes, enables or disables an endpoint.
///
/// # Errors
/// `NOT_FOUND` also for that of another owner, `PRECONDITION_FAILED`, and `INVALID_REQUEST` as in [`create_endpoint`].
pub async fn update_endpoint(
    db: &Db,
    owner: Option<UserId>,
    id: WebhookEndpointId,
    settings: &Settings,
    if_match: IfMatch,
    body: UpdateWebhookEndpoint,
) -> Result<Tagged<Json<WebhookEndpoint>>, Problem> {
    let allow_private = settings.allow_private_addresses;
    let updated = db.write(async move |tx| -> Result<_, Error> {
        let UpdateWebhookEndpoint { url, event_types, description, status } = body.clone();
        let mut endpoint = lock(tx, owner, id, &if_match).await?;
        let before = endpoint.shown.clone();
        if let Some(url) = url.0 {
            endpoint.shown.url = url.into_string();
        }
        if let Some(types) = event_types.0 {
            endpoint.shown.event_types = names(types);
        }
        if let Some(description) = description.0 {
            endpoint.shown.description = description.map(|text| text.into_string());
        }
        let mut faults = Vec::new();
        if endpoint.shown.url != before.url {
            faults.extend(url_faults(&endpoint.shown.url, allow_private));
            endpoint.resumes_at = None;
        }
        faults.extend(event_type_faults(&endpoint.shown.event_types, endpoint.shown.seller_id.is_some()));
        if !faults.is_empty() {
            return Err(Error::Refused(Problem::invalid(faults)));
        }
        if let Some(status) = status.0 {
            endpoint.set_status(status, DisabledReason::ByOwner)?;
        }
        if endpoint.shown != before {
            save(tx, &mut endpoint).await?;
            let WebhookEndpoint { webhook_endpoint_id, seller_id, ref event_types, .. } = endpoint.shown;
            match (before.status, endpoint.shown.status) {
                (WebhookEndpointStatus::Enabled, WebhookEndpointStatus::Disabled) => {
                    tx.emit(WebhookEndpointDisabled { webhook_endpoint_id, seller_id, reason: DisabledReason::ByOwner });
                }
                _ => tx.emit(WebhookEndpointUpdated { webhook_endpoint_id, seller_id, event_types: event_types.clone() }),
            }
        }
        Ok(Tagged(endpoint.etag(), Json(endpoint.shown)))
    });
    Ok(updated.await?)
}

/// Deletes an endpoint with its deliveries.
///
/// # Errors
/// `NOT_FOUND` also for that of another owner, `PRECONDITION_FAILED`.
pub async fn delete_endpoint(db: &Db, owner: Option<UserId>, id: WebhookEndpointId, if_match: IfMatch) -> Result<(), Error> {
    db.write(async move |tx| {
        let endpoint = lock(tx, owner, id, &if_match).await?;
        store::delete_endpoint(tx, id).await?;
        tx.emit(WebhookEndpointDeleted { webhook_endpoint_id: id, seller_id: endpoint.shown.seller_id });
        tx.notify_worker(crate::workers::PURGE);
        Ok(())
    })
    .await
}

/// Replaces the secret. The former one signs as well for [`FORMER_SECRET`].
///
/// # Errors
/// As [`delete_endpoint`].
pub async fn rotate_secret(
    db: &Db,
    owner: Option<UserId>,
    id: WebhookEndpointId,
    secrets: Secrets,
    if_match: IfMatch,
) -> Result<WebhookEndpointSecret, Error> {
    db.write(async move |tx| {
        let mut endpoint = lock(tx, owner, id, &if_match).await?;
        let key = SigningKey(tx.random_bytes());
        let fresh = secrets.encrypt(tx.random_bytes(), &key);
        endpoint.former_secret = Some(std::mem::replace(&mut endpoint.secret, fresh));
        endpoint.shown.former_secret_until = Some(tx.now().after(FORMER_SECRET));
        save(tx, &mut endpoint).await?;
        tx.emit(WebhookSecretRotated { webhook_endpoint_id: id, seller_id: endpoint.shown.seller_id });
        Ok(WebhookEndpointSecret { endpoint: endpoint.shown, secret: key.to_text() })
    })
    .await
}

/// Sends a test message, in one attempt.
///
/// # Errors
/// `NOT_FOUND` also for the endpoint of another owner, `ILLEGAL_TRANSITION` while it is disabled.
pub async fn test_endpoint(db: &Db, owner: Option<UserId>, id: WebhookEndpointId) -> Result<WebhookDelivery, Error> {
    db.write(async move |tx| {
        let endpoint = lock(tx, owner, id, &IfMatch::default()).await?;
        require_enabled(&endpoint)?;
        let message = WebhookMessage {
            r#type: TEST_TYPE.to_owned(),
            timestamp: tx.now(),
            event_id: None,
            sequence: 0,
            data: serde_json::json!({"webhookEndpointId": id}),
            is_truncated: false,
        };
        let delivery = Delivery::new(tx.new_id(), id, &message, 1, tx.now());
        store::insert_delivery(tx, &delivery).await?;
        tx.notify_worker(DELIVER);
        Ok(delivery.shown)
    })
    .await
}

/// Makes another attempt due at once.
///
/// # Errors
/// `NOT_FOUND` also for the endpoint of another owner, `ILLEGAL_TRANSITION` while it is disabled.
pub async fn retry_delivery(
    db: &Db,
    owner: Option<UserId>,
    endpoint: WebhookEndpointId,
    id: WebhookDeliveryId,
) -> Result<WebhookDelivery, Error> {
    db.write(async move |tx| {
        require_enabled(&lock(tx, owner, endpoint, &IfMatch::default()).await?)?;
        let mut delivery = store::lock_delivery(tx, endpoint, id).await?.ok_or(Error::NotFound("delivery"))?;
        delivery.retry(tx.now())?;
        store::save_delivery(tx, &delivery).await?;
        tx.notify_worker(DELIVER);
        Ok(delivery.shown)
    })
    .await
}

/// Finds the endpoints that want these events, by two reads at most.
pub async fn match_events(tx: &mut Tx, events: &[&Envelope]) -> Result<Vec<Match>, Error> {
    if !store::wants_anything(tx).await? {
        return Ok(Vec::new());
    }
    let types: BTreeSet<String> = events.iter().map(|event| event.event_type.clone()).collect();
    let sellers: Vec<Option<UserId>> = events.iter().map(|event| seller_of(event)).collect();
    let known: BTreeSet<UserId> = sellers.iter().flatten().copied().collect();
    let (types, known): (Vec<_>, Vec<_>) = (types.into_iter().collect(), known.into_iter().collect());
    let wanted = store::list_wanted(tx, &types, &known).await?;
    let mut matches = Vec::new();
    for (event, seller) in events.iter().zip(sellers) {
        let of_event = wanted.iter().filter(|wanted| fits(wanted, event, seller));
        matches.extend(of_event.map(|wanted| Match { endpoint: wanted.webhook_endpoint_id, event: event.event_id }));
    }
    Ok(matches)
}

fn fits(wanted: &Wanted, event: &Envelope, seller: Option<UserId>) -> bool {
    wanted.event_type == event.event_type && wanted.since <= event.occurred_at && (wanted.seller_id.is_none() || wanted.seller_id == seller)
}

/// Writes a delivery of each event for each endpoint that wants it. An endpoint for which more than `most` wait is disabled.
pub async fn record_events(tx: &mut Tx, events: &[&Envelope], most: usize) -> Result<(), Error> {
    let matches = match_events(tx, events).await?;
    for event in events {
        let endpoints = matches.iter().filter(|found| found.event == event.event_id).map(|found| found.endpoint);
        let mut message = None;
        for endpoint in endpoints {
            if message.is_none() {
                message = Some(message_of(event).map_err(|error| Error::Event(error.to_string()))?);
            }
            if let Some(message) = &message {
                let delivery = Delivery::new(tx.new_id(), endpoint, message, TRIES, tx.now());
                store::insert_delivery(tx, &delivery).await?;
            }
        }
    }
    let endpoints: BTreeSet<WebhookEndpointId> = matches.iter().map(|found| found.endpoint).collect();
    for id in &endpoints {
        if store::has_more_pending(tx, *id, most).await? {
            disable(tx, *id, DisabledReason::TooManyPending).await?;
        }
    }
    if !endpoints.is_empty() {
        tx.notify_worker(DELIVER);
    }
    Ok(())
}

/// Records an attempt that has ended, and what the receiver said about later ones.
pub async fn record_attempt(db: &Db, attempted: Arc<Delivery>, outcome: Arc<Result<u16, Failure>>) -> Result<(), Error> {
    db.write(async move |tx| {
        let (endpoint, id) = (attempted.shown.webhook_endpoint_id, attempted.shown.webhook_delivery_id);
        let found = store::lock_delivery(tx, endpoint, id).await?;
        // Another process has recorded this attempt, or the endpoint was deleted.
        let Some(mut delivery) = found.filter(|found| found.shown.attempts == attempted.shown.attempts) else { return Ok(()) };
        if delivery.shown.status != WebhookDeliveryStatus::Pending {
            return Ok(());
        }
        // The engine counts an attempt that could not be recorded.
        delivery.tries = attempted.tries;
        let now = tx.now();
        delivery.attempted(&outcome, now, |pause| tx.jitter(pause))?;
        store::save_delivery(tx, &delivery).await?;
        if let Err(failure) = &*outcome {
            if *failure == Failure::Gone {
                disable(tx, endpoint, DisabledReason::ReceiverGone).await?;
            }
            if let Some(pause) = wanted_pause(failure) {
                store::postpone(tx, endpoint, now.after(pause)).await?;
            }
        }
        Ok(())
    })
    .await
}

/// Ends a delivery whose endpoint takes none.
pub async fn give_up(db: &Db, endpoint: WebhookEndpointId, id: WebhookDeliveryId) -> Result<(), Error> {
    db.write(async move |tx| {
        let found = store::lock_delivery(tx, endpoint, id).await?;
        let Some(mut delivery) = found.filter(|found| found.shown.status == WebhookDeliveryStatus::Pending) else { return Ok(()) };
        delivery.give_up("the endpoint is disabled")?;
        Ok(store::save_delivery(tx, &delivery).await?)
    })
    .await
}

async fn disable(tx: &mut Tx, id: WebhookEndpointId, reason: DisabledReason) -> Result<(), Error> {
    let Some(mut endpoint) = store::lock_endpoint(tx, None, id).await? else { return Ok(()) };
    if endpoint.shown.status == WebhookEndpointStatus::Disabled {
        return Ok(());
    }
    endpoint.set_status(WebhookEndpointStatus::Disabled, reason)?;
    save(tx, &mut endpoint).await?;
    tx.emit(WebhookEndpointDisabled { webhook_endpoint_id: id, seller_id: endpoint.shown.seller_id, reason });
    Ok(())
}

/// Stores a changed endpoint under its next version.
async fn save(tx: &mut Tx, endpoint: &mut Endpoint) -> Result<(), Error> {
    endpoint.shown.version += 1;
    endpoint.shown.updated_at = tx.now();
    store::save_endpoint(tx, endpoint).await?;
    Ok(store::put_wanted(tx, &endpoint.shown).await?)
}

async fn lock(tx: &mut Tx, owner: Option<UserId>, id: WebhookEndpointId, if_match: &IfMatch) -> Result<Endpoint, Error> {
    let endpoint = store::lock_endpoint(tx, owner, id).await?.ok_or(Error::NotFound("webhook endpoint"))?;
    if_match.check(&endpoint.etag()).map_err(Error::Refused)?;
    Ok(endpoint)
}

fn require_enabled(endpoint: &Endpoint) -> Result<(), Error> {
    if endpoint.shown.status == WebhookEndpointStatus::Enabled { Ok(()) } else { Err(Error::Disabled) }
}

fn names(types: EventTypes) -> Vec<String> {
    types.into_vec().into_iter().map(|name| name.into_string()).collect()
}
