//! Supports the tests of services: temporary folders, and a harness that runs one service.

mod harness;
pub mod portable_sql;
mod query_plan;
mod statements;

pub use harness::{Harness, HarnessBuilder, KilledProcess, TestRequest, TestResponse};
pub use statements::assert_statements_prepare;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A temporary folder, deleted when the value is dropped.
pub struct TempFolder(PathBuf);

impl TempFolder {
    /// # Panics
    /// When the system's temporary folder cannot be written.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each call makes another folder")]
    pub fn new() -> TempFolder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("souk-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        TempFolder(path)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
