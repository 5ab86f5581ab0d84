//! Webhook endpoints and what was sent to them.

use super::IntoDashboardRequest;
use crate::{
    dashboard::{
        Badge, DashboardRequest, Head, Listing, Parameters, finish,
        screens::{Cell, Field, FormView, Link, Refused, Row, Screen, Sheet, Table},
        sent::Sent,
    },
    pages::admin,
    session::{AdminNotice, Notice},
    texts::{AdminTexts, IntegrationTexts},
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::machine::Machine as _;
use contracts::{
    registry,
    webhook::{
        Audience, CREATE_WEBHOOK_ENDPOINT, DELETE_WEBHOOK_ENDPOINT, DisabledReason, GET_WEBHOOK_ENDPOINT, LIST_WEBHOOK_DELIVERIES,
        LIST_WEBHOOK_ENDPOINTS, RETRY_WEBHOOK_DELIVERY, ROTATE_WEBHOOK_SECRET, TEST_WEBHOOK_ENDPOINT, UPDATE_WEBHOOK_ENDPOINT,
        WebhookDeliveryStatus, WebhookEndpointSecret, WebhookEndpointStatus, audience_of,
    },
};
use serde_json::json;

const PATH: &str = "/webhooks";

/// The words of a state of an endpoint or a delivery.
fn badge(request: &DashboardRequest, state: &str) -> Badge {
    admin::badge(AdminTexts::of(request.lang), state)
}

/// The types of events that a form offers: sellers get those that are about one seller.
fn offered(request: &DashboardRequest) -> impl Iterator<Item = &'static str> {
    let is_admin = request.place.is_admin;
    registry::events().map(|event| event.event_type).filter(move |kind| match audience_of(kind) {
        Some(Audience::Sellers) => true,
        Some(Audience::Administrators) => is_admin,
        None => false,
    })
}

pub async fn list<D: IntoDashboardRequest>(request: D, Query(parameters): Query<Parameters>) -> Response {
    show_list(request.into(), parameters, None).await
}

async fn show_list(request: DashboardRequest, parameters: Parameters, refused: Option<Refused>) -> Response {
    let t = IntegrationTexts::of(request.lang);
    let list = Listing::new(request.path(PATH), parameters, &[]);
    let (found, faults) = match request.fetch(&LIST_WEBHOOK_ENDPOINTS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|endpoint| {
        Row::of([
            Cell::link(&endpoint.url, request.path(&format!("{PATH}/{}", endpoint.webhook_endpoint_id)))
                .over(endpoint.description.as_deref().unwrap_or_default()),
            Cell::badge(badge(&request, &endpoint.status.to_string())),
            Cell::number(endpoint.event_types.len()),
            Cell::text(request.moment(endpoint.created_at)),
        ])
    });
    let rows = rows.collect();
    let create = FormView::new("endpoint", t.new_endpoint, request.path(PATH), t.create)
        .field(Field::new("url", t.address, "url", "").required())
        .field(Field::text("description", t.description, ""))
        .checks("eventTypes", t.event_types, offered(&request).map(|kind| (kind, request.words(kind).to_owned())).collect())
        .main()
        .again(refused.as_ref());
    let screen = Screen {
        title: t.webhooks,
        faults: Refused::page_faults(refused.as_ref()).or(faults),
        intro: t.webhooks_intro,
        table: Table {
            id: "endpoints",
            heads: vec![Head::new(t.address), Head::new(request.d.status), Head::number(t.event_types), Head::newest(t.made)],
            rows,
            empty: t.no_endpoints,
            ..Table::default()
        },
        empty_text: t.no_endpoints_text,
        forms: vec![create],
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn create<D: IntoDashboardRequest>(request: D, Form(sent): Form<Sent>) -> Response {
    let request: DashboardRequest = request.into();
    let mut body = sent.body(&["url", "description"]);
    body["eventTypes"] = json!(sent.all("eventTypes").collect::<Vec<_>>());
    let result = request.call(&CREATE_WEBHOOK_ENDPOINT).key(sent.key()).raw_body(&body).send().await;
    match result {
        Ok(made) => with_secret(request, &made),
        Err(failure) => {
            let refused = Refused::new("endpoint", sent, &failure);
            show_list(request, Parameters::new(), Some(refused)).await
        }
    }
}

/// Shows a secret, which no other page does. There is no redirection, because the secret must not be kept for the next page.
fn with_secret(request: DashboardRequest, made: &WebhookEndpointSecret) -> Response {
    let t = IntegrationTexts::of(request.lang);
    let href = request.path(&format!("{PATH}/{}", made.endpoint.webhook_endpoint_id));
    let view = Sheet {
        title: t.secret.to_owned(),
        back: Some(Link { label: t.webhooks, href: request.path(PATH) }),
        lead: t.shown_once.to_owned(),
        links: vec![Link { label: t.to_endpoint, href }],
        facts: vec![(t.address, Cell::text(&made.endpoint.url)), (t.secret, Cell::code(made.secret.reveal()))],
        ..Sheet::default()
    };
    request.sheet(view)
}

pub async fn show<D: IntoDashboardRequest>(request: D, Path(id): Path<String>, Query(parameters): Query<Parameters>) -> Response {
    sheet(request.into(), &id, parameters, None).await
}

async fn sheet(request: DashboardRequest, id: &str, parameters: Parameters, refused: Option<Refused>) -> Response {
    let t = IntegrationTexts::of(request.lang);
    let list = Listing::new(request.path(&format!("{PATH}/{id}")), parameters, &["status"]);
    let deliveries = request.fetch_from(request.call(&LIST_WEBHOOK_DELIVERIES).path(id), &list);
    let (endpoint, deliveries) = tokio::join!(request.call(&GET_WEBHOOK_ENDPOINT).path(id).send(), deliveries);
    let (endpoint, (deliveries, faults)) = match (endpoint, deliveries) {
        (Ok(endpoint), Ok(deliveries)) => (endpoint, deliveries),
        (Err(failure), _) | (_, Err(failure)) => return request.failed(&failure),
    };
    let rows = deliveries.items.iter().map(|delivery| {
        let answer = match (delivery.response_status, &delivery.last_error) {
            (Some(status), Some(error)) => format!("{status} {error}"),
            (Some(status), None) => status.to_string(),
            (None, Some(error)) => error.clone(),
            (None, None) => "–".to_owned(),
        };
        let path = request.path(&format!("{PATH}/{id}/deliveries/{}/replay", delivery.webhook_delivery_id));
        Row::of([
            Cell::text(request.words(&delivery.event_type)).over(&delivery.event_type),
            Cell::badge(badge(&request, &delivery.status.to_string())),
            Cell::number(delivery.attempts),
            Cell::text(answer),
            Cell::text(request.moment(delivery.created_at)),
            Cell::button(t.replay, path),
        ])
    });
    let rows = rows.collect();
    let is_enabled = endpoint.status == WebhookEndpointStatus::Enabled;
    let path = |step: &str| request.path(&format!("{PATH}/{id}/{step}"));
    let toggle = if is_enabled {
        FormView::new("disable", t.disable_title, path("disable"), t.disable)
    } else {
        FormView::new("enable", t.enable_title, path("enable"), t.enable).main()
    };
    let states = WebhookDeliveryStatus::STATES.iter().map(|state| (state.as_str(), badge(&request, state.as_str()).words));
    let filter = FormView::new("filter", t.deliveries, request.path(&format!("{PATH}/{id}")), request.d.filter)
        .field(Field::select("status", request.d.status, list.value("status"), std::iter::once(("", t.all)).chain(states)))
        .by_get();
    let reason = match endpoint.disabled_reason {
        Some(DisabledReason::ByOwner) => t.disabled_by_owner,
        Some(DisabledReason::ReceiverGone) => t.disabled_gone,
        Some(DisabledReason::TooManyPending) => t.disabled_too_many,
        None => "–",
    };
    let kinds = endpoint.event_types.iter().map(|kind| format!("{} ({kind})", request.words(kind))).collect();
    let mut links = Vec::new();
    links.extend(list.first().map(|href| Link { label: request.d.first_page, href }));
    links.extend(list.next(deliveries.next_cursor.as_ref()).map(|href| Link { label: request.d.next_page, href }));
    let view = Sheet {
        title: endpoint.url.clone(),
        back: Some(Link { label: t.webhooks, href: request.path(PATH) }),
        badges: vec![badge(&request, &endpoint.status.to_string())],
        faults: Refused::page_faults(refused.as_ref()).or(faults),
        links,
        facts: vec![
            (t.description, Cell::maybe(endpoint.description.as_ref())),
            (t.event_types, Cell { lines: kinds, ..Cell::default() }),
            (t.reason, Cell::text(reason)),
            (t.former_secret_until, Cell::maybe(endpoint.former_secret_until.map(|at| request.moment(at)))),
            (t.changed, Cell::text(request.moment(endpoint.updated_at))),
            (t.id, Cell::code(endpoint.webhook_endpoint_id)),
        ],
        tables: vec![Table {
            id: "deliveries",
            title: t.deliveries,
            heads: vec![
                Head::new(t.event),
                Head::new(request.d.status),
                Head::number(t.attempts),
                Head::new(t.answer),
                Head::new(t.time),
                Head::new(request.d.actions),
            ],
            rows,
            empty: t.no_deliveries,
            ..Table::default()
        }],
        // There is nothing to filter before the first message.
        forms: (!deliveries.items.is_empty() || list.is_filtered())
            .then_some(filter)
            .into_iter()
            .chain([
                FormView::new("test", t.test_title, path("test"), t.send_test).hint(t.test_hint),
                toggle,
                FormView::new("rotate", t.rotate_title, path("rotate"), t.rotate).hint(t.rotate_hint),
                FormView::new("delete", t.delete_title, path("delete"), t.delete).hint(t.delete_endpoint_hint).danger(),
            ])
            .collect(),
        ..Sheet::default()
    };
    request.sheet(view)
}

pub async fn step<D: IntoDashboardRequest>(request: D, Path((id, step)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let request: DashboardRequest = request.into();
    let (all, here) = (request.path(PATH), request.path(&format!("{PATH}/{id}")));
    let (result, to) = match step.as_str() {
        "test" => (request.call(&TEST_WEBHOOK_ENDPOINT).path(&id).key(sent.key()).send().await.map(drop), &*here),
        "enable" | "disable" => {
            let status = if step == "enable" { WebhookEndpointStatus::Enabled } else { WebhookEndpointStatus::Disabled };
            let body = json!({"status": status});
            (request.call(&UPDATE_WEBHOOK_ENDPOINT).path(&id).raw_body(&body).send().await.map(drop), &*here)
        }
        "rotate" => match request.call(&ROTATE_WEBHOOK_SECRET).path(&id).key(sent.key()).send().await {
            Ok(made) => return with_secret(request, &made),
            Err(failure) => (Err(failure), &*here),
        },
        "delete" => (request.call(&DELETE_WEBHOOK_ENDPOINT).path(&id).send().await, &*all),
        _ => return request.not_found(),
    };
    let done = |request: DashboardRequest| request.done(Notice::Admin(AdminNotice::Done), to);
    finish(request, result, ("step", sent), done, |request, refused| sheet(request, &id, Parameters::new(), Some(refused))).await
}

pub async fn replay<D: IntoDashboardRequest>(request: D, Path((id, delivery)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let request: DashboardRequest = request.into();
    let result = request.call(&RETRY_WEBHOOK_DELIVERY).path(&id).path(&delivery).key(sent.key()).send().await;
    let done = |request: DashboardRequest| {
        let to = request.path(&format!("{PATH}/{id}"));
        request.done(Notice::Admin(AdminNotice::Replayed), &to)
    };
    finish(request, result, ("replay", sent), done, |request, refused| sheet(request, &id, Parameters::new(), Some(refused))).await
}
