//! Files that do not change while the program runs. They are compressed once, and their hash is the entity tag.

use crate::{
    compress::{self, MIN_BYTES},
    edge_request::refuses_gzip,
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use contracts::problem::Code;
use platform::http::Problem;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use tokio::sync::OnceCell;

pub(crate) struct Asset {
    kind: &'static str,
    cache: &'static str,
    etag: HeaderValue,
    /// `None` for a file that is shipped compressed.
    plain: Option<Bytes>,
    compressed: OnceCell<Option<Bytes>>,
}

impl Asset {
    /// A file of this media type; `cache` is its `Cache-Control`.
    pub(crate) fn new(kind: &'static str, cache: &'static str, bytes: impl Into<Bytes>) -> Asset {
        let bytes = bytes.into();
        Asset { kind, cache, etag: etag(&bytes), plain: Some(bytes), compressed: OnceCell::new() }
    }

    /// A file that is shipped as gzip.
    pub(crate) fn compressed(kind: &'static str, cache: &'static str, bytes: &'static [u8]) -> Asset {
        let bytes = Bytes::from_static(bytes);
        Asset { kind, cache, etag: etag(&bytes), plain: None, compressed: OnceCell::new_with(Some(Some(bytes))) }
    }

    /// Returns the file in an encoding that the client accepts.
    pub(crate) async fn answer(&self, headers: &HeaderMap) -> Response {
        let says_nothing = !headers.contains_key(header::ACCEPT_ENCODING);
        let compressed = match &self.plain {
            _ if refuses_gzip(headers) => None,
            Some(plain) if says_nothing || (plain.len() as u64) < MIN_BYTES => None,
            Some(plain) => self.compressed.get_or_init(|| compress::compressed(plain.clone())).await.clone(),
            None => self.compressed.get().cloned().flatten(),
        };
        let (body, is_compressed) = match (compressed, &self.plain) {
            (Some(compressed), _) => (compressed, true),
            (None, Some(plain)) => (plain.clone(), false),
            (None, None) => return Problem::new(Code::NOT_ACCEPTABLE).detail("this file is available only as gzip").into_response(),
        };
        let mut answer = Response::new(Body::from(body));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        headers.insert(header::ETAG, self.etag.clone());
        compress::vary(headers);
        if is_compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        answer
    }
}

/// Returns a weak tag, because the file and its compressed form share it.
fn etag(bytes: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    HeaderValue::try_from(format!("W/\"{:016x}\"", hasher.finish())).expect("a number is printable")
}
