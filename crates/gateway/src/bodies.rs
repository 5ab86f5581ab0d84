//! Reads the body of a request before the request takes a slot, so that a client that sends slowly holds no slot.

use crate::Settings;
use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderValue, Method, header},
};
use contracts::problem::Code;
use http_body_util::BodyExt as _;
use platform::http::{Network, Problem, Share, Shares, is_slow_body};

/// What a body takes beside its bytes, in kilobytes, for buffers.
const OVERHEAD: usize = 4;

/// Bounds the bodies that are in memory.
pub(crate) struct Bodies {
    /// In kilobytes.
    memory: Shares,
    max_bytes: u64,
    max_upload_bytes: u64,
}

/// Whether the path, which is without the API's prefix, takes a file; or the page, which forms send files to.
fn takes_file(method: &Method, path: &str) -> bool {
    let is_picture = path.starts_with("/products/") && path.ends_with("/images");
    let is_page = path.starts_with("/seller/products/") && path.ends_with("/pictures") || path == "/seller/files";
    *method == Method::POST && (is_picture || is_page)
}

impl Bodies {
    pub(crate) fn new(settings: &Settings) -> Bodies {
        let Settings { max_body_bytes: max_bytes, max_upload_bytes, max_body_memory: memory, .. } = *settings;
        let kilobytes = usize::try_from(memory / 1024).unwrap_or(usize::MAX);
        Bodies { memory: Shares::new(kilobytes, Some(kilobytes)), max_bytes, max_upload_bytes }
    }

    /// The most bytes that the body of a request may have. `path` is that of the service, or that of a page.
    pub(crate) fn limit(&self, method: &Method, path: &str) -> u64 {
        if takes_file(method, path) { self.max_bytes.max(self.max_upload_bytes) } else { self.max_bytes }
    }

    /// Returns the request with its whole body, and the memory that it takes.
    ///
    /// # Errors
    /// 408 when the client sends too slowly, 413 when the body is too large, 503 when there is no memory for it, 400 when it
    /// ends early.
    pub(crate) async fn read(&self, request: Request, client: Network, limit: u64) -> Result<(Request, Option<Share>), Problem> {
        if request.body().is_end_stream() {
            return Ok((request, None));
        }
        let mut share = self.memory.take(client, OVERHEAD).ok_or_else(no_memory)?;
        let (parts, mut body) = request.into_parts();
        let (mut bytes, mut charged) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match is_slow_body(&error) {
                true => Problem::slow_body(),
                false => Problem::new(Code::MALFORMED_REQUEST).detail("the body ended before it was complete"),
            })?;
            let Some(data) = frame.data_ref() else { continue };
            if (bytes.len() + data.len()) as u64 > limit {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(data);
            let kilobytes = bytes.len().div_ceil(1024);
            if !share.grow(kilobytes - charged) {
                return Err(no_memory());
            }
            charged = kilobytes;
        }
        Ok((Request::from_parts(parts, Body::from(bytes)), Some(share)))
    }

    /// Checks the length that the request announces.
    ///
    /// # Errors
    /// 413.
    pub(crate) fn check_announced(content_length: Option<u64>, limit: u64) -> Result<(), Problem> {
        if content_length.is_none_or(|bytes| bytes <= limit) { Ok(()) } else { Err(too_large(limit)) }
    }
}

/// The rest of the body is not read, so the connection cannot be used again.
fn too_large(limit: u64) -> Problem {
    let problem = Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("the body may have at most {limit} bytes"));
    problem.header(header::CONNECTION, HeaderValue::from_static("close"))
}

fn no_memory() -> Problem {
    Problem::new(Code::OVERLOADED).detail("too many bodies are being received at the moment")
}
