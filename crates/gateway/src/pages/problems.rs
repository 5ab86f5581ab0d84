//! Serves `/problems`, the target of the `type` of every problem document: a page for people, JSON for programs.

use super::{SHORT, html};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use contracts::{problem::Code, registry};
use platform::http::Problem;

pub(super) async fn list(headers: HeaderMap) -> Response {
    either(&headers, || Json(registry::problems_json()), || html::problem_list(Code::ALL))
}

pub(super) async fn one(Path(slug): Path<String>, headers: HeaderMap) -> Response {
    let Some(position) = Code::ALL.iter().position(|code| code.slug() == slug) else {
        return Problem::new(Code::NOT_FOUND).detail("there is no such problem; /problems lists them all").into_response();
    };
    let row = || Json(registry::problems_json()["problems"][position].clone());
    either(&headers, row, || html::problem(Code::ALL[position]))
}

fn either<J: IntoResponse, H: IntoResponse>(headers: &HeaderMap, json: impl FnOnce() -> J, page: impl FnOnce() -> H) -> Response {
    let mut answer = if prefers_json(headers) { json().into_response() } else { page().into_response() };
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(SHORT));
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    answer
}

/// Whether `Accept` prefers JSON to HTML.
fn prefers_json(headers: &HeaderMap) -> bool {
    let accepted = || {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or("");
            let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|weight| weight.parse::<f32>().ok()).unwrap_or(1.0);
            (kind, weight)
        })
    };
    let best = |is_kind: fn(&str) -> bool| accepted().filter(|(kind, _)| is_kind(kind)).map(|(_, weight)| weight).fold(0.0, f32::max);
    let json = best(|kind| kind == "application/json" || kind.ends_with("+json"));
    json > 0.0 && json > best(|kind| matches!(kind, "text/html" | "application/xhtml+xml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_sent_only_to_clients_that_prefer_it() {
        for (accept, json) in [
            ("application/json", true),
            ("application/problem+json, */*;q=0.5", true),
            ("text/html;q=0.5, application/json", true),
            ("*/*", false),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
            ("application/json;q=0.4, text/html", false),
            ("application/json, text/html", false),
            ("application/json, application/xhtml+xml;q=0.9", true),
            ("application/json;q=0", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(prefers_json(&headers), json, "{accept}");
        }
        assert!(!prefers_json(&HeaderMap::new()));
    }
}
