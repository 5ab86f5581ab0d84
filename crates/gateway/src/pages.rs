//! The gateway's own pages: probes, the API description and its documentation, and the error codes.

mod html;
mod problems;

use crate::{Ready, assets::Asset};
use axum::{
    Json, Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use contracts::problem::Code;
use html::Page;
use platform::http::{Operation, Problem, openapi};
use serde_json::{Value, json};
use std::sync::Arc;

/// For files that change with a new version of the program.
const SHORT: &str = "public, max-age=300";
/// For files that rarely change.
const LONG: &str = "public, max-age=86400";

/// The static files; those of the docs by their names below `/api/docs/`.
struct Files {
    description: Asset,
    internal_description: Asset,
    style: Asset,
    docs: Vec<(&'static str, Asset)>,
}

pub(crate) fn router(operations: &[Operation], landing: bool, ready: Ready) -> Router {
    let files = Arc::new(Files {
        description: Asset::new("application/json", SHORT, written(openapi::document, operations)),
        internal_description: Asset::new("application/json", SHORT, written(openapi::internal_document, operations)),
        style: Asset::new("text/css; charset=utf-8", SHORT, include_str!("../assets/style.css")),
        docs: vec![
            (
                "swagger-ui-bundle.js",
                Asset::compressed("text/javascript; charset=utf-8", LONG, include_bytes!("../assets/swagger-ui/swagger-ui-bundle.js.gz")),
            ),
            (
                "swagger-ui.css",
                Asset::compressed("text/css; charset=utf-8", LONG, include_bytes!("../assets/swagger-ui/swagger-ui.css.gz")),
            ),
            ("docs.js", Asset::new("text/javascript; charset=utf-8", SHORT, include_str!("../assets/docs.js"))),
        ],
    });
    let with = |serve: fn(&Files) -> &Asset| {
        let files = files.clone();
        get(move |headers: HeaderMap| async move { serve(&files).answer(&headers).await })
    };
    let docs = files.clone();
    let router = probes(ready)
        .route("/api/v1/openapi.json", with(|files| &files.description))
        .route("/api/v1/openapi-internal.json", with(|files| &files.internal_description))
        .route("/api/style.css", with(|files| &files.style))
        .route("/api/docs", get(|| async { html::docs() }))
        .route("/api/docs/{file}", get(move |Path(file): Path<String>, headers: HeaderMap| doc_file(docs, file, headers)))
        .route("/problems", get(problems::list))
        .route("/problems/{slug}", get(problems::one));
    if landing { router.route("/", get(|| async { html::landing() })) } else { router }
}

/// Returns the probes: liveness at `/healthz`, readiness at `/readyz` with the reasons of `ready`.
pub fn probes(ready: Ready) -> Router {
    Router::new().route("/healthz", get(|| async { fresh(Json(json!({"status": "ok"}))) })).route("/readyz", get(move || readiness(ready)))
}

fn written(document: fn(&[Operation], &str, &str) -> Value, operations: &[Operation]) -> Vec<u8> {
    document(operations, "Souk", env!("CARGO_PKG_VERSION")).to_string().into_bytes()
}

async fn readiness(ready: Ready) -> Response {
    let reasons = ready();
    if reasons.is_empty() {
        return fresh(Json(json!({"status": "ready"})));
    }
    let mut answer = fresh(Json(json!({"status": "unavailable", "reasons": reasons})));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn fresh(answer: impl IntoResponse) -> Response {
    let mut answer = answer.into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn doc_file(files: Arc<Files>, name: String, headers: HeaderMap) -> Response {
    match files.docs.iter().find(|(known, _)| *known == name) {
        Some((_, file)) => file.answer(&headers).await,
        None => Problem::new(Code::NOT_FOUND).into_response(),
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut answer = Response::new(Body::from(self.write()));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(SHORT));
        answer
    }
}
