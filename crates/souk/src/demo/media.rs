//! Serves the pictures of the demo from the program itself.

use super::catalogue::Catalogue;
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use platform::hex::encode as hex;

/// Routes of the pictures, `/demo/images/…`, and of their sources, `/demo/attribution`.
pub fn router() -> Router {
    Router::new()
        .route(
            "/demo/images/{file}",
            get(|Path(file): Path<String>, headers: HeaderMap| async move { serve(&format!("images/{file}"), &headers) }),
        )
        .route("/demo/attribution", get(|headers: HeaderMap| async move { serve("ATTRIBUTION.md", &headers) }))
}

fn serve(path: &str, request: &HeaderMap) -> Response {
    let Some(file) = Catalogue::get(path) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = format!("\"{}\"", &hex(&file.metadata.sha256_hash())[..16]);
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(&etag));
    let kind = match path.rsplit('.').next() {
        Some("svg") => "image/svg+xml",
        Some("webp") => "image/webp",
        _ => "text/markdown; charset=utf-8",
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CACHE_CONTROL, "public, max-age=86400".to_owned()),
        (header::ETAG, etag),
        // An SVG that is opened as a page must not run scripts.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'".to_owned()),
    ];
    if known { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, file.data.into_owned()).into_response() }
}
