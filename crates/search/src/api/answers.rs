//! Answers that were given, for the same search again. They belong to one view of the index: the next one has its own.

use axum::body::Bytes;
use platform::http::RenderedPage;
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// An answer as it goes over the wire.
#[derive(Debug)]
pub struct Rendered {
    pub body: Bytes,
    pub next_cursor: Option<String>,
}

impl Rendered {
    #[must_use]
    pub fn page(&self) -> RenderedPage {
        RenderedPage { body: self.body.clone(), next_cursor: self.next_cursor.clone() }
    }
}

/// The view's number, and what was asked.
pub type Asked = (u64, String);

#[derive(Clone)]
struct ByBytes;

impl Weighter<Asked, Arc<Rendered>> for ByBytes {
    fn weight(&self, key: &Asked, rendered: &Arc<Rendered>) -> u64 {
        (key.1.len() + rendered.body.len() + 200) as u64
    }
}

/// A bounded number of bytes of answers.
pub struct Answers(Option<Cache<Asked, Arc<Rendered>, ByBytes>>);

/// How large an answer is, about: the cache makes room for so many in advance.
const USUAL: usize = 16 << 10;

impl Answers {
    /// Room for so many bytes; with none nothing is kept.
    #[must_use]
    pub fn new(bytes: usize) -> Answers {
        Answers((bytes > 0).then(|| Cache::with_weighter((bytes / USUAL).max(16), bytes as u64, ByBytes)))
    }

    pub fn get(&self, asked: &Asked) -> Option<Arc<Rendered>> {
        self.0.as_ref()?.get(asked)
    }

    pub fn keep(&self, asked: Asked, rendered: Arc<Rendered>) {
        if let Some(cache) = &self.0 {
            cache.insert(asked, rendered);
        }
    }
}
