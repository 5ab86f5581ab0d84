//! Caches answers of repeated searches. A key contains the view of the index, so a new view starts with an empty cache.

use axum::body::Bytes;
use platform::http::RenderedPage;
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// A serialized answer.
#[derive(Debug)]
pub struct CachedPage {
    pub body: Bytes,
    pub next_cursor: Option<String>,
}

impl CachedPage {
    #[must_use]
    pub fn page(&self) -> RenderedPage {
        RenderedPage { body: self.body.clone(), next_cursor: self.next_cursor.clone() }
    }
}

/// The view's number, and the search.
pub type CacheKey = (u64, String);

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, Arc<CachedPage>> for ByBytes {
    fn weight(&self, key: &CacheKey, page: &Arc<CachedPage>) -> u64 {
        (key.1.len() + page.body.len() + 200) as u64
    }
}

/// A cache with a bounded number of bytes.
pub struct ResultCache(Option<Cache<CacheKey, Arc<CachedPage>, ByBytes>>);

/// The typical size of an answer, from which the cache estimates its number of entries.
const TYPICAL_BYTES: usize = 16 << 10;

impl ResultCache {
    /// Creates a cache of this size; with 0 nothing is cached.
    #[must_use]
    pub fn new(bytes: usize) -> ResultCache {
        ResultCache((bytes > 0).then(|| Cache::with_weighter((bytes / TYPICAL_BYTES).max(16), bytes as u64, ByBytes)))
    }

    pub fn get(&self, key: &CacheKey) -> Option<Arc<CachedPage>> {
        self.0.as_ref()?.get(key)
    }

    pub fn insert(&self, key: CacheKey, page: Arc<CachedPage>) {
        if let Some(cache) = &self.0 {
            cache.insert(key, page);
        }
    }
}
