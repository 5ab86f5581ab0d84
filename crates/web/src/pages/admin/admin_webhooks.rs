//! Webhook endpoints and what was sent to them.

use super::{
    Desk,
    admin_orders::Parameters,
    screens::{Cell, Field, FormView, Link, Refused, Row, Screen, Sheet, Table},
    sent::Sent,
    words::{badge, choices},
};
use crate::{
    dashboard::{Head, Listing},
    session::AdminNotice,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::webhook::{
    CREATE_WEBHOOK_ENDPOINT, DELETE_WEBHOOK_ENDPOINT, DisabledReason, GET_WEBHOOK_ENDPOINT, LIST_WEBHOOK_DELIVERIES,
    LIST_WEBHOOK_ENDPOINTS, RETRY_WEBHOOK_DELIVERY, ROTATE_WEBHOOK_SECRET, TEST_WEBHOOK_ENDPOINT, UPDATE_WEBHOOK_ENDPOINT,
    WebhookDeliveryStatus, WebhookEndpointSecret, WebhookEndpointStatus,
};
use serde_json::json;

const PATH: &str = "/admin/webhooks";

pub async fn list(desk: Desk, Query(parameters): Query<Parameters>) -> Response {
    show_list(desk, parameters, None).await
}

async fn show_list(desk: Desk, parameters: Parameters, refused: Option<Refused>) -> Response {
    let t = desk.t;
    let list = Listing::new(PATH, parameters, &[]);
    let (found, faults) = match desk.fetch(&LIST_WEBHOOK_ENDPOINTS, &list).await {
        Ok(found) => found,
        Err(failure) => return desk.failed(&failure),
    };
    let rows = found.items.iter().map(|endpoint| {
        Row::of([
            Cell::link(&endpoint.url, format!("{PATH}/{}", endpoint.webhook_endpoint_id))
                .over(endpoint.description.as_deref().unwrap_or_default()),
            Cell::badge(badge(t, &endpoint.status.to_string())),
            Cell::text(if endpoint.seller_id.is_some() { t.seller } else { t.the_shop }),
            Cell::number(endpoint.event_types.len()),
            Cell::text(desk.moment(endpoint.created_at)),
        ])
    });
    let rows = rows.collect();
    let create = FormView::new("endpoint", t.new_endpoint, PATH, t.create)
        .field(Field::new("url", t.address, "url", "").required())
        .field(Field::new("eventTypes", t.event_types, "textarea", "").hint(t.event_types_hint))
        .field(Field::text("description", t.description, ""))
        .main()
        .again(refused.as_ref());
    let screen = Screen {
        title: t.webhooks,
        faults: Refused::trouble(refused.as_ref()).or(faults),
        path: PATH,
        table: Table {
            id: "endpoints",
            heads: vec![Head::new(t.address), Head::new(t.status), Head::new(t.owner), Head::number(t.event_types), Head::new(t.since)],
            rows,
            empty: t.no_endpoints,
            ..Table::default()
        },
        empty_text: t.no_endpoints_text,
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
        forms: vec![create],
        ..Screen::default()
    };
    desk.list(screen)
}

/// The types of events that were typed, one a line or with commas.
fn event_types(sent: &Sent) -> Vec<&str> {
    sent.text("eventTypes").split(|sign: char| sign == ',' || sign.is_whitespace()).filter(|word| !word.is_empty()).collect()
}

pub async fn create(desk: Desk, Form(sent): Form<Sent>) -> Response {
    let mut body = sent.body(&["url", "description"]);
    body["eventTypes"] = json!(event_types(&sent));
    let result = desk.call(&CREATE_WEBHOOK_ENDPOINT).key(sent.key()).raw_body(&body).send().await;
    match result {
        Ok(made) => with_secret(desk, &made),
        Err(failure) => {
            let refused = Refused::new("endpoint", sent, &failure);
            show_list(desk, Parameters::new(), Some(refused)).await
        }
    }
}

/// Shows a secret, which no other page does. There is no redirection, because the secret must not be kept for the next page.
fn with_secret(desk: Desk, made: &WebhookEndpointSecret) -> Response {
    let t = desk.t;
    let href = format!("{PATH}/{}", made.endpoint.webhook_endpoint_id);
    let view = Sheet {
        title: t.secret.to_owned(),
        back: Some(Link { label: t.webhooks, href: PATH.into() }),
        lead: t.secret_lead.to_owned(),
        links: vec![Link { label: t.to_endpoint, href }],
        facts: vec![(t.address, Cell::text(&made.endpoint.url)), (t.secret, Cell::code(made.secret.reveal()))],
        ..Sheet::default()
    };
    desk.sheet(view)
}

pub async fn show(desk: Desk, Path(id): Path<String>, Query(parameters): Query<Parameters>) -> Response {
    sheet(desk, &id, parameters, None).await
}

async fn sheet(desk: Desk, id: &str, parameters: Parameters, refused: Option<Refused>) -> Response {
    let t = desk.t;
    let list = Listing::new(format!("{PATH}/{id}"), parameters, &["status"]);
    let mut call = desk.call(&LIST_WEBHOOK_DELIVERIES).path(id).query("limit", Desk::ROWS);
    for (name, value) in list.parameters() {
        call = call.query(name, value);
    }
    let (endpoint, deliveries) = tokio::join!(desk.call(&GET_WEBHOOK_ENDPOINT).path(id).send(), call.send());
    let (endpoint, deliveries) = match (endpoint, deliveries) {
        (Ok(endpoint), Ok(deliveries)) => (endpoint, deliveries),
        (Err(failure), _) | (_, Err(failure)) => return desk.failed(&failure),
    };
    let rows = deliveries.items.iter().map(|delivery| {
        let answer = match (delivery.response_status, &delivery.last_error) {
            (Some(status), Some(error)) => format!("{status} {error}"),
            (Some(status), None) => status.to_string(),
            (None, Some(error)) => error.clone(),
            (None, None) => "–".to_owned(),
        };
        let path = format!("{PATH}/{id}/deliveries/{}/replay", delivery.webhook_delivery_id);
        Row::of([
            Cell::code(&delivery.event_type),
            Cell::badge(badge(t, &delivery.status.to_string())),
            Cell::number(delivery.attempts),
            Cell::text(answer),
            Cell::text(desk.moment(delivery.created_at)),
            Cell::button(t.replay, path),
        ])
    });
    let rows = rows.collect();
    let is_enabled = endpoint.status == WebhookEndpointStatus::Enabled;
    let path = |step: &str| format!("{PATH}/{id}/{step}");
    let toggle = if is_enabled {
        FormView::new("disable", t.disable_title, path("disable"), t.disable)
    } else {
        FormView::new("enable", t.enable_title, path("enable"), t.enable).main()
    };
    let filter = FormView::new("filter", t.deliveries, path(""), desk.d.filter)
        .field(Field::select("status", t.status, list.value("status"), choices::<WebhookDeliveryStatus>(t)))
        .by_get();
    let filter = FormView { action: format!("{PATH}/{id}"), ..filter };
    let reason = match endpoint.disabled_reason {
        Some(DisabledReason::ByOwner) => t.disabled_by_owner,
        Some(DisabledReason::ReceiverGone) => t.disabled_gone,
        Some(DisabledReason::TooManyPending) => t.disabled_too_many,
        None => "–",
    };
    let mut links = Vec::new();
    links.extend(list.first().map(|href| Link { label: desk.d.first_page, href }));
    links.extend(list.next(deliveries.next_cursor.as_ref()).map(|href| Link { label: desk.d.next_page, href }));
    let owner = endpoint.seller_id.map_or_else(|| Cell::text(t.the_shop), |id| Cell::link(t.seller, format!("/admin/sellers/{id}")));
    let view = Sheet {
        title: endpoint.url.clone(),
        back: Some(Link { label: t.webhooks, href: PATH.into() }),
        badges: vec![badge(t, &endpoint.status.to_string())],
        faults: Refused::trouble(refused.as_ref()),
        links,
        facts: vec![
            (t.owner, owner),
            (t.description, Cell::maybe(endpoint.description.as_ref())),
            (t.event_types, Cell { lines: endpoint.event_types.clone(), ..Cell::default() }),
            (t.reason, Cell::text(reason)),
            (t.former_secret_until, Cell::maybe(endpoint.former_secret_until.map(|at| desk.moment(at)))),
            (t.changed, Cell::text(desk.moment(endpoint.updated_at))),
            (t.id, Cell::code(endpoint.webhook_endpoint_id)),
        ],
        tables: vec![Table {
            id: "deliveries",
            title: t.deliveries,
            heads: vec![
                Head::new(t.event),
                Head::new(t.status),
                Head::number(t.attempts),
                Head::new(t.answer),
                Head::new(t.time),
                Head::new(desk.d.actions),
            ],
            rows,
            empty: t.no_deliveries,
            ..Table::default()
        }],
        forms: vec![
            filter,
            FormView::new("test", t.test_title, path("test"), t.send_test).hint(t.test_hint),
            toggle,
            FormView::new("rotate", t.rotate_title, path("rotate"), t.rotate).hint(t.rotate_hint),
            FormView::new("delete", t.delete_title, path("delete"), t.delete).hint(t.delete_endpoint_hint).danger(),
        ],
        ..Sheet::default()
    };
    desk.sheet(view)
}

pub async fn step(mut desk: Desk, Path((id, step)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let here = format!("{PATH}/{id}");
    let set = |status: WebhookEndpointStatus| json!({"status": status});
    let (result, to) = match step.as_str() {
        "test" => (desk.call(&TEST_WEBHOOK_ENDPOINT).path(&id).key(sent.key()).send().await.map(drop), &*here),
        "enable" => {
            let body = set(WebhookEndpointStatus::Enabled);
            (desk.call(&UPDATE_WEBHOOK_ENDPOINT).path(&id).raw_body(&body).send().await.map(drop), &*here)
        }
        "disable" => {
            let body = set(WebhookEndpointStatus::Disabled);
            (desk.call(&UPDATE_WEBHOOK_ENDPOINT).path(&id).raw_body(&body).send().await.map(drop), &*here)
        }
        "rotate" => match desk.call(&ROTATE_WEBHOOK_SECRET).path(&id).key(sent.key()).send().await {
            Ok(made) => return with_secret(desk, &made),
            Err(failure) => (Err(failure), &*here),
        },
        "delete" => (desk.call(&DELETE_WEBHOOK_ENDPOINT).path(&id).send().await, PATH),
        _ => return super::super::not_found_page(&desk.site, &mut desk.visitor),
    };
    match result {
        Ok(()) => desk.done(AdminNotice::Done, to),
        Err(failure) => {
            let refused = Refused::new("step", sent, &failure);
            sheet(desk, &id, Parameters::new(), Some(refused)).await
        }
    }
}

pub async fn replay(desk: Desk, Path((id, delivery)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let result = desk.call(&RETRY_WEBHOOK_DELIVERY).path(&id).path(&delivery).key(sent.key()).send().await;
    match result {
        Ok(_) => desk.done(AdminNotice::Replayed, &format!("{PATH}/{id}")),
        Err(failure) => {
            let refused = Refused::new("replay", sent, &failure);
            sheet(desk, &id, Parameters::new(), Some(refused)).await
        }
    }
}
