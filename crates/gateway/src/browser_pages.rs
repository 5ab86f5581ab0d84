//! The pages that a browser gets instead of problem documents, outside of the API. The shop writes them; the gateway knows when one is
//! due, also for requests that never reach the shop.

use crate::edge_request::EdgeRequest;
use axum::{
    Router,
    body::HttpBody as _,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

/// Writes these pages.
#[derive(Clone)]
pub struct BrowserPages {
    /// Says that a request was refused or failed: from its `Accept-Language`, the status and the correlation id.
    pub refused: fn(Option<&HeaderValue>, StatusCode, &str) -> Response,
    /// Says that the program is starting.
    pub starting: fn(Option<&HeaderValue>) -> Response,
    /// The files that the pages load, which are served during the start too.
    pub files: Router,
}

impl BrowserPages {
    /// Returns the answer of a service or of the gateway as a page when it is an error without one. Status and headers stay.
    pub(crate) fn show(&self, request: &EdgeRequest, answer: Response) -> Response {
        let is_error = answer.status().is_client_error() || answer.status().is_server_error();
        if !request.wants_page || !is_error || is_page(&answer) {
            return answer;
        }
        let page = (self.refused)(request.accept_language.as_ref(), answer.status(), request.correlation_id());
        instead(answer, page)
    }

    /// Returns the answer during the start as a page.
    pub(crate) fn show_start(&self, request: &EdgeRequest, answer: Response) -> Response {
        if !request.wants_page || answer.status().is_success() {
            return answer;
        }
        instead(answer, (self.starting)(request.accept_language.as_ref()))
    }
}

fn is_page(answer: &Response) -> bool {
    answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Returns the page with the status and the other headers of the answer.
fn instead(answer: Response, page: Response) -> Response {
    let (mut head, _) = answer.into_parts();
    let (page, body) = page.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(page.headers);
    if let Some(bytes) = body.size_hint().exact() {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    Response::from_parts(head, body)
}
