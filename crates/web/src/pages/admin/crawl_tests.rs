//! Every page of the dashboard is followed by its links, on an API that answers with the examples of the contracts.

use crate::{Setup, routes};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{registry, time::Timestamp};
use http_body_util::BodyExt as _;
use platform::{env::Env, shutdown};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt as _;

/// Pages that are opened at most.
const MOST: usize = 300;

/// How well a template of a path fits: the number of its fixed segments, or nothing.
fn fit(template: &str, path: &str) -> Option<usize> {
    let template = template.split('?').next().unwrap_or_default();
    let (wanted, found): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = wanted.len() == found.len() && wanted.iter().zip(&found).all(|(want, have)| want.starts_with('{') || want == have);
    fits.then(|| wanted.iter().zip(&found).filter(|(want, have)| want == have).count())
}

/// The example of the operation at a path.
fn example(method: &str, path: &str) -> Option<Value> {
    if path.starts_with("/admin/parked-events/") {
        let doc = registry::operation_doc("GET", "/admin/parked-events/{service}")?;
        return doc.sample.answers.values().next().cloned();
    }
    if path == "/admin/system" {
        let doc = registry::operation_doc("GET", path)?;
        return doc.sample.answers.values().next().cloned();
    }
    let fitting = registry::calls().filter(|call| call.method.as_str() == method);
    let (_, call) = fitting.filter_map(|call| Some((fit(call.path, path)?, call))).max_by_key(|(fixed, _)| *fixed)?;
    let doc = registry::operation_doc(method, call.path.split('?').next().unwrap_or_default())?;
    Some(doc.sample.answers.values().next().cloned().unwrap_or(Value::Null))
}

async fn answer(roles: Value, request: Request<Body>) -> Response {
    let path = request.uri().path().strip_prefix("/api/v1").unwrap_or_default().to_owned();
    let Some(mut body) = example(request.method().as_str(), &path) else {
        return (StatusCode::NOT_FOUND, "{}").into_response();
    };
    if path == "/users/me" {
        body["roles"] = roles;
    }
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn site(roles: Value) -> Router {
    let api = Router::new().fallback(move |request| answer(roles.clone(), request));
    let (env, (_, shutdown)) = (Env::seeded(1, Timestamp(1_795_824_000_000_000)), shutdown::channel());
    routes(Setup { env, api, session_key: [7; 32], https: false, public_url: "http://localhost".into(), shutdown, is_demo: true })
}

async fn send(site: &Router, request: Request<Body>) -> Response {
    let Ok(answer) = site.clone().oneshot(request).await;
    answer
}

/// Logs in and returns the cookie.
async fn log_in(site: &Router) -> String {
    let request = Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = send(site, request.body(Body::from("email=a%40example.com&password=x")).unwrap()).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn open(site: &Router, cookie: &str, language: &str, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::COOKIE, cookie).header(header::ACCEPT_LANGUAGE, language);
    let answer = send(site, request.header(header::ACCEPT, "text/html").body(Body::empty()).unwrap()).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The links of a page that stay in the dashboard.
fn links(html: &str) -> impl Iterator<Item = String> {
    html.split("href=\"/admin").skip(1).map(|rest| format!("/admin{}", rest.split('"').next().unwrap_or_default().replace("&#38;", "&")))
}

#[tokio::test]
async fn every_link_of_the_dashboard_leads_to_a_page() {
    let site = site(json!(["CUSTOMER", "ADMIN"]));
    let cookie = log_in(&site).await;
    for language in ["en", "de"] {
        let (mut known, mut next) = (BTreeSet::from(["/admin".to_owned()]), vec!["/admin".to_owned()]);
        let mut shown = 0;
        while let Some(path) = next.pop() {
            let (status, html) = open(&site, &cookie, language, &path).await;
            // Examples of lists and examples of single things name different ones.
            let is_found_in_list = ["/admin/sellers/", "/admin/notifications/"].iter().any(|list| path.starts_with(list));
            assert!(status == 200 || (status == 404 && is_found_in_list), "{path}: {status} {html}");
            assert_eq!(html.matches("<h1").count(), 1, "{path}: {html}");
            assert!(!html.contains("style=\"") && !html.contains("<script>"), "{path} has nothing inline");
            let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: an id stands twice: {ids:?}");
            shown += usize::from(status == 200);
            for link in links(&html) {
                if known.len() < MOST && known.insert(link.clone()) {
                    next.push(link);
                }
            }
        }
        assert!(shown > 40, "{shown} pages: {known:?}");
    }
}

/// Method and path of every page, with something in the place of each parameter.
fn all() -> Vec<(&'static str, String)> {
    let own = include_str!("../admin.rs").split(".route(\"").skip(1).map(|route| route.split_once('"').unwrap());
    let shared = include_str!("../integration.rs").split(".route(&at(\"").skip(1).map(|route| route.split_once('"').unwrap());
    let shared = shared.map(|(path, rest)| (format!("/admin{path}"), rest));
    let mut pages = Vec::new();
    for (mut path, rest) in own.map(|(path, rest)| (path.to_owned(), rest)).chain(shared) {
        let methods = rest.lines().next().unwrap_or_default();
        while let Some((start, end)) = path.find('{').zip(path.find('}')) {
            path.replace_range(start..=end, "0190a1b2-c3d4-7000-8000-00000000000f");
        }
        pages.extend(
            ["get", "post"].into_iter().filter(|method| methods.contains(&format!("{method}("))).map(|method| (method, path.clone())),
        );
    }
    pages
}

#[tokio::test]
async fn the_pages_of_administrators_exist_for_nobody_else() {
    let pages = all();
    assert!(pages.len() > 70, "{pages:?}");
    for roles in [json!(["CUSTOMER"]), json!(["CUSTOMER", "SELLER"])] {
        let site = site(roles);
        let cookie = log_in(&site).await;
        for (method, path) in &pages {
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(path.as_str()).header(header::ACCEPT, "text/html");
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let stranger = send(&site, request.body(Body::empty()).unwrap()).await;
            assert_eq!(stranger.status(), StatusCode::SEE_OTHER, "{method} {path} asks for a login");
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(path.as_str()).header(header::COOKIE, &cookie);
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            assert_eq!(send(&site, request.body(Body::empty()).unwrap()).await.status(), StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_storefront_shows_the_examples() {
    let site = site(json!(["CUSTOMER"]));
    let newest = example("GET", "/products").unwrap()["items"][0]["productId"].as_str().unwrap().to_owned();
    let product = example("GET", "/products/x").unwrap();
    let product = format!("/products/{}", product["productId"].as_str().unwrap());
    let (status, home) = open(&site, "", "en", "/").await;
    assert!(status == 200 && home.contains("New in the shop") && home.contains(&format!("href=\"/products/{newest}\"")), "{status} {home}");
    assert!(!home.contains("Seen lately"));
    let (status, shown) = open(&site, "", "de", &product).await;
    assert!(status == 200 && !shown.split("Aus derselben Kategorie").skip(1).any(|row| row.contains(&format!("{product}\""))), "{shown}");
    assert!(home.contains(">Bathroom</a>"), "{home}");
    let (_, german) = open(&site, "", "de", "/").await;
    assert!(german.contains(">Bad</a>"), "categories in the language of the reader: {german}");
    let (_, again) = open(&site, &format!("souk-seen={newest}"), "de", "/").await;
    assert!(again.split("Zuletzt angesehen").nth(1).is_some_and(|row| row.contains(&newest)), "{again}");
    assert_eq!(open(&site, "", "en", "/search?q=lamp").await.0, 200);
}
