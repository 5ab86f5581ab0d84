//! Where the files of pictures are kept.

mod files;
mod s3;

pub use files::FileStore;
pub use s3::{Bucket, S3Store};

use contracts::catalog::PictureName;
use std::{future::Future, pin::Pin};

/// Why a store did not do what it was asked for. The text has no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store of pictures: {0}")]
pub struct StoreError(pub String);

/// The end of a request to a store.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps files under names that say what they hold: one name always has the same bytes.
///
/// Every operation may be repeated, and two callers may do the same at once. A file is durable when `put` succeeds, and complete
/// whenever `get` finds it. The caller limits the time and drops the future then.
pub trait PictureStore: Send + Sync {
    /// Stores a file.
    fn put(&self, name: PictureName, bytes: Vec<u8>) -> Stored<'_, ()>;
    /// Reads a file; `None` when there is none.
    fn get(&self, name: PictureName) -> Stored<'_, Option<Vec<u8>>>;
    /// Returns whether there is a file.
    fn has(&self, name: PictureName) -> Stored<'_, bool>;
    /// Removes a file, if there is one.
    fn delete(&self, name: PictureName) -> Stored<'_, ()>;
}
