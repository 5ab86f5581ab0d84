//! Styles, the script, the icon and fonts. Their addresses name their content, so that browsers keep them for ever.

use axum::{
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use platform::hex;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Files;

/// The addresses of the style sheet, of the script and of the icon.
pub static STYLE: LazyLock<String> = LazyLock::new(|| address("shop.css"));
pub static SCRIPT: LazyLock<String> = LazyLock::new(|| address("shop.js"));
/// The address of the style sheet that names the fonts.
pub static FONTS: LazyLock<String> = LazyLock::new(|| address("fonts.css"));
/// The address of the style sheet of plots.
pub static PLOT_STYLE: LazyLock<String> = LazyLock::new(|| address("plot.css"));
pub static ICON: LazyLock<String> = LazyLock::new(|| address("icon.svg"));
/// What the dashboards have beside those.
pub static DASHBOARD_STYLE: LazyLock<String> = LazyLock::new(|| address("dashboard.css"));
pub static DASHBOARD_SCRIPT: LazyLock<String> = LazyLock::new(|| address("dashboard.js"));

fn address(name: &str) -> String {
    let tag = Files::get(name).map(|file| tag(&file)).unwrap_or_default();
    format!("/assets/{tag}/{name}")
}

fn tag(file: &EmbeddedFile) -> String {
    hex::encode(&file.metadata.sha256_hash()[..6])
}

/// Serves a file. The tag of an older version of the program leads to the present file, which is not kept then.
pub async fn serve(Path((wanted, name)): Path<(String, String)>) -> Response {
    let Some(file) = Files::get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let is_present = wanted == tag(&file) || name.ends_with(".woff2");
    let cache = if is_present { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers: [(HeaderName, &str); 2] = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, file.data.into_owned()).into_response()
}
