//! API keys, with which programs act for their maker.

use super::IntoDashboardRequest;
use crate::{
    dashboard::{
        Badge, DashboardRequest, Head, Listing, Parameters, Tone, finish,
        screens::{Cell, Field, FormView, Link, Refused, Row, Screen, Sheet, Table},
        sent::Sent,
    },
    session::{AdminNotice, Notice},
    texts::IntegrationTexts,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::{
    auth::{CREATE_API_KEY, CreatedApiKey, DELETE_API_KEY, LIST_API_KEYS, key_scopes},
    time::Timestamp,
};
use serde_json::json;

const PATH: &str = "/keys";

/// What the programs of sellers need: the first segments of their paths.
const OF_SELLERS: [&str; 11] =
    ["exports", "imports", "inventory", "orders", "products", "promotions", "returns", "reviews", "seller", "sellers", "webhook-endpoints"];

/// The scopes that a form offers. A key may never more than its maker, so a seller is not offered what only administrators may.
fn offered(request: &DashboardRequest) -> impl Iterator<Item = &'static str> {
    let is_admin = request.place.is_admin;
    key_scopes().iter().map(String::as_str).filter(move |scope| {
        let segment = scope.split(':').next().unwrap_or_default();
        is_admin || OF_SELLERS.contains(&segment)
    })
}

pub async fn list<D: IntoDashboardRequest>(request: D, Query(parameters): Query<Parameters>) -> Response {
    show(request.into(), parameters, None).await
}

async fn show(request: DashboardRequest, parameters: Parameters, refused: Option<Refused>) -> Response {
    let t = IntegrationTexts::of(request.lang);
    let list = Listing::new(request.path(PATH), parameters, &[]);
    let (found, faults) = match request.fetch(&LIST_API_KEYS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let now = request.now();
    let rows = found.items.iter().map(|key| {
        let state = match key.expires_at {
            Some(at) if at <= now => Badge::new(t.expired, Tone::Bad),
            _ => Badge::new(t.valid, Tone::Good),
        };
        let ends = key.expires_at.map_or_else(|| t.never.to_owned(), |at| request.moment(at));
        let used = key.last_used_at.map_or_else(|| t.never.to_owned(), |at| request.moment(at));
        Row::of([
            Cell::text(&key.name),
            Cell::badge(state),
            Cell { lines: key.scopes.clone(), ..Cell::default() },
            Cell::text(request.moment(key.created_at)),
            Cell::text(used),
            Cell::text(ends),
            Cell::button(t.revoke, request.path(&format!("{PATH}/{}/delete", key.api_key_id))),
        ])
    });
    let create = FormView::new("key", t.new_key, request.path(PATH), t.create)
        .hint(t.new_key_hint)
        .field(Field::text("name", t.name, "").required())
        .field(Field::new("expiresAt", t.expires, "date", "").hint(t.expires_hint))
        .checks("scopes", t.scopes, offered(&request).map(|scope| (scope, String::new())).collect())
        .main()
        .again(refused.as_ref());
    let screen = Screen {
        title: t.api_keys,
        intro: t.api_keys_intro,
        faults: Refused::page_faults(refused.as_ref()).or(faults),
        links: vec![Link { label: t.api_docs, href: "/api/docs".into() }],
        table: Table {
            id: "keys",
            heads: vec![
                Head::new(t.name),
                Head::new(request.d.status),
                Head::new(t.scopes),
                Head::newest(t.made),
                Head::new(t.last_used),
                Head::new(t.expires),
                Head::new(request.d.actions),
            ],
            rows: rows.collect(),
            empty: t.no_keys,
            ..Table::default()
        },
        empty_text: t.no_keys_text,
        forms: vec![create],
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

/// Reads the last day of a key: it ends with the day in UTC. What is no day goes to the API as it is, which says so.
fn end_of(day: &str) -> String {
    let begins = format!("{day}T00:00:00Z").parse::<Timestamp>();
    begins.map_or_else(|_| day.to_owned(), |at| at.after(std::time::Duration::from_secs(86_400)).to_string())
}

pub async fn create<D: IntoDashboardRequest>(request: D, Form(sent): Form<Sent>) -> Response {
    let request: DashboardRequest = request.into();
    let mut body = json!({"name": sent.text("name"), "scopes": sent.all("scopes").collect::<Vec<_>>()});
    if !sent.text("expiresAt").is_empty() {
        body["expiresAt"] = json!(end_of(sent.text("expiresAt")));
    }
    let result = request.call(&CREATE_API_KEY).key(sent.key()).raw_body(&body).send().await;
    match result {
        Ok(made) => shown_once(request, &made),
        Err(failure) => {
            let refused = Refused::new("key", sent, &failure);
            show(request, Parameters::new(), Some(refused)).await
        }
    }
}

/// Shows a key, which no other page does. There is no redirection, because the key must not be kept for the next page.
fn shown_once(request: DashboardRequest, made: &CreatedApiKey) -> Response {
    let t = IntegrationTexts::of(request.lang);
    let ends = made.expires_at.map_or_else(|| t.never.to_owned(), |at| request.moment(at));
    let view = Sheet {
        title: t.new_key.to_owned(),
        back: Some(Link { label: t.api_keys, href: request.path(PATH) }),
        lead: t.shown_once.to_owned(),
        links: vec![Link { label: t.to_keys, href: request.path(PATH) }],
        facts: vec![
            (t.name, Cell::text(&made.name)),
            (t.key, Cell::code(made.key.reveal())),
            (t.scopes, Cell { lines: made.scopes.clone(), ..Cell::default() }),
            (t.expires, Cell::text(ends)),
        ],
        ..Sheet::default()
    };
    request.sheet(view)
}

pub async fn delete<D: IntoDashboardRequest>(request: D, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let request: DashboardRequest = request.into();
    let result = request.call(&DELETE_API_KEY).path(&id).send().await;
    let done = |request: DashboardRequest| {
        let to = request.path(PATH);
        request.done(Notice::Admin(AdminNotice::Done), &to)
    };
    finish(request, result, ("delete", sent), done, |request, refused| show(request, Parameters::new(), Some(refused))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_with_its_last_day() {
        assert_eq!(end_of("2026-12-31"), "2027-01-01T00:00:00.000000Z");
        assert_eq!(end_of("tomorrow"), "tomorrow");
    }

    #[test]
    fn what_sellers_are_offered_exists() {
        for segment in OF_SELLERS {
            assert!(key_scopes().iter().any(|scope| scope.starts_with(&format!("{segment}:"))), "{segment}");
        }
    }
}
