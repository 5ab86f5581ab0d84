//! The state of the disk under the databases of a data directory.
//!
//! A write that finds no room fails with [`Error::StorageFull`] and changes nothing. The first such failure deletes the
//! reserve file, which leaves room to end the work in progress, and makes the process not ready. Once the reserve can be
//! made again, there is room, and the process is ready again without a restart.

use super::Error;
use crate::{
    env::{Env, LockUnpoisoned as _},
    shutdown::Shutdown,
};
use contracts::time::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// The least time between two lines about failed writes, and between two attempts to make the reserve again.
const INTERVAL: Duration = Duration::from_secs(1);
/// Correlation ids that one line names at most.
const MAX_NAMED: usize = 32;
/// The part of the reserve that must be free beside it before writes count as possible again.
const MARGIN: u64 = 4;
/// The least room that is looked for.
const PROBE: u64 = 1 << 20;

/// Whether the databases can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Works,
    /// The disk is full or fails, as this sentence says.
    Full(String),
    /// A database is damaged. The sentence names the file and the remedy; the process has to end.
    Damaged(String),
}

impl State {
    /// The sentence about it, unless the databases work.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            State::Works => None,
            State::Full(reason) | State::Damaged(reason) => Some(reason.clone()),
        }
    }
}

/// The disk under the databases of one data directory.
pub struct Storage {
    env: Env,
    reserve: Option<Reserve>,
    state: watch::Sender<State>,
    failures: Mutex<Failures>,
}

/// A file of a fixed size that is deleted when the disk is full. With 0 bytes there is none.
#[derive(Debug, Clone)]
pub struct Reserve {
    pub path: PathBuf,
    pub bytes: u64,
}

/// The failed writes since the last line about them.
#[derive(Default)]
struct Failures {
    reported_at: Option<Timestamp>,
    count: u64,
    correlation_ids: Vec<Arc<str>>,
    last: String,
}

impl Storage {
    /// Makes the reserve file, unless there is no room for it.
    #[must_use]
    pub fn new(env: &Env, mut reserve: Option<Reserve>) -> Arc<Storage> {
        if let Some(reserve) = &mut reserve
            && let Err(error) = reserve.make()
        {
            tracing::warn!(target: "db", file = %reserve.path.display(), bytes = reserve.bytes, %error, "the disk has no room for the reserve; running without it");
            reserve.bytes = 0;
        }
        Arc::new(Storage { env: env.clone(), reserve, state: watch::Sender::new(State::Works), failures: Mutex::default() })
    }

    /// Reads the state, also later ones.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Whether writes fail at present.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(*self.state.borrow(), State::Full(_))
    }

    /// Records the failure of a statement of `service`, if its cause is the disk or a damaged file.
    pub(super) fn record(&self, service: &str, file: &Path, error: &Error, correlation_id: &Arc<str>) {
        match error {
            Error::StorageFull(_) | Error::Unknown(_) => self.record_full(service, error, correlation_id),
            Error::Damaged(_) => self.record_damaged(super::installation::refusal(file, service, &error.to_string())),
            _ => {}
        }
    }

    fn record_full(&self, service: &str, error: &Error, correlation_id: &Arc<str>) {
        let reason = format!("the database of {service} cannot be written: {error}");
        let began = self.state.send_if_modified(|state| {
            let began = *state == State::Works;
            if began {
                *state = State::Full(reason.clone());
            }
            began
        });
        if began && let Some(reserve) = &self.reserve {
            reserve.release();
        }
        metrics::counter!("souk_storage_failures_total", "service" => service.to_owned()).increment(1);
        let mut failures = self.failures.lock_unpoisoned();
        failures.add(reason, correlation_id);
        failures.report(self.env.now());
    }

    pub(super) fn record_damaged(&self, sentence: String) {
        self.state.send_if_modified(|state| {
            let first = !matches!(state, State::Damaged(_));
            if first {
                tracing::error!(target: "db", "{sentence}");
                *state = State::Damaged(sentence);
            }
            first
        });
    }

    /// Until the shutdown, looks for room whenever the disk is full.
    pub(crate) async fn run(self: Arc<Self>, stop: Shutdown) {
        let mut state = self.subscribe();
        while !stop.is_requested() {
            if !self.is_full() {
                let changed = async {
                    // The sender lives as long as this storage.
                    let _ = state.wait_for(|state| matches!(state, State::Full(_))).await;
                };
                tokio::select! {
                    () = changed => {}
                    () = stop.requested() => return,
                }
            }
            stop.sleep(&self.env, INTERVAL, std::future::pending()).await;
            let found = self.clone();
            // A thread that failed looks again after the next pause.
            let _ = self.env.spawn_blocking(move || found.look_for_room()).await;
        }
    }

    /// Makes the reserve again, which shows that there is room.
    pub(super) fn look_for_room(&self) {
        self.failures.lock_unpoisoned().report(self.env.now());
        let room = match &self.reserve {
            Some(reserve) => reserve.make(),
            None => Ok(()),
        };
        if room.is_ok() && self.is_full() {
            tracing::info!(target: "db", "the disk has room again");
            self.state.send_replace(State::Works);
        }
    }
}

impl Failures {
    fn add(&mut self, reason: String, correlation_id: &Arc<str>) {
        self.count += 1;
        self.last = reason;
        if self.correlation_ids.len() < MAX_NAMED && !self.correlation_ids.contains(correlation_id) {
            self.correlation_ids.push(correlation_id.clone());
        }
    }

    /// Writes one line about all failures since the last line, unless that is too recent.
    fn report(&mut self, now: Timestamp) {
        if self.count == 0 || self.reported_at.is_some_and(|last| now < last.after(INTERVAL)) {
            return;
        }
        let (failed, correlation_ids) = (std::mem::take(&mut self.count), std::mem::take(&mut self.correlation_ids).join(" "));
        tracing::error!(target: "db", failed, correlation_ids, "{}", self.last);
        self.reported_at = Some(now);
    }
}

impl Reserve {
    /// Makes the file in its full size, if there is room for it and for a part of it more.
    fn make(&self) -> io::Result<()> {
        let probe = self.path.with_extension("probe");
        let made = if self.bytes == 0 { Ok(()) } else { allocate(&self.path, self.bytes) };
        let made = made.and_then(|()| allocate(&probe, (self.bytes / MARGIN).max(PROBE)));
        let _ = fs::remove_file(&probe);
        if made.is_err() {
            self.release();
        }
        made
    }

    fn release(&self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(target: "db", file = %self.path.display(), %error, "the reserve cannot be deleted");
        }
    }
}

/// Makes a file of `bytes` whose blocks are allocated.
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        // Not every file system allocates without writing.
        Err(rustix::io::Errno::OPNOTSUPP) => io::copy(&mut io::repeat(0).take(bytes), &mut file).map(|_| ()),
        allocated => Ok(allocated?),
    }
}
