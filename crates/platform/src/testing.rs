//! Supports the tests of services: temporary folders, and a harness that runs one service.

mod bucket;
mod harness;
pub mod interleaving;
pub mod portable_sql;
mod postgres;
mod query_plan;
mod statements;
mod stored;

pub use bucket::TestBucket;
pub use harness::{Harness, HarnessBuilder, KilledProcess, TestRequest, TestResponse};
pub use postgres::{TestDatabase, drop_databases, server as test_server, server_text as test_server_text};
pub use statements::assert_statements_prepare;
pub use stored::{refuse_inserts, short_deadline_ms};

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

/// Waits on this thread for a future that other threads complete, in places that cannot be async.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

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
