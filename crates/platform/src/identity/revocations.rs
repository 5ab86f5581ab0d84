//! The list of what ended access tokens before they expire.
//!
//! A verifier holds the entries of the last lifetime of a token and asks auth for new ones before it admits a user, once in
//! [`PERIOD`] at most. So a logout, a lock or a role that was taken away counts after that time, and a process without
//! requests asks nothing. While auth cannot be asked, tokens count as they are signed.

use super::{claims::Identity, verifier::Refused};
use crate::env::{Env, LockUnpoisoned as _};
use contracts::{
    auth::{Revocations, Role},
    ids::{UserId, Uuid},
    time::Timestamp,
};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Asks auth for what was revoked since; the error is for the log.
pub type RevocationSource =
    Arc<dyn Fn(Option<Timestamp>) -> Pin<Box<dyn Future<Output = Result<Revocations, String>> + Send>> + Send + Sync>;

/// How old the list may be when a user is admitted.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) struct RevocationList {
    env: Env,
    source: RevocationSource,
    /// When the list is asked for again, in microseconds.
    due_at: AtomicI64,
    /// The `since` of the next question.
    position: tokio::sync::Mutex<Option<Timestamp>>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Ended logins and when an entry is forgotten.
    sessions: HashMap<Uuid, Timestamp>,
    /// The roles that users have, since when, and when an entry is forgotten.
    roles: HashMap<UserId, (Vec<Role>, Timestamp, Timestamp)>,
}

impl RevocationList {
    pub(super) fn new(env: Env, source: RevocationSource) -> RevocationList {
        RevocationList { env, source, due_at: AtomicI64::new(i64::MIN), position: tokio::sync::Mutex::default(), entries: Mutex::default() }
    }

    /// Returns the caller with the roles that it has still.
    pub(super) async fn apply(&self, identity: Arc<Identity>) -> Result<Arc<Identity>, Refused> {
        if self.is_due() {
            self.update().await;
        }
        let entries = self.entries.lock_unpoisoned();
        if identity.session.is_some_and(|session| entries.sessions.contains_key(&session)) {
            return Err(Refused::Revoked);
        }
        let present = identity.user.and_then(|user| entries.roles.get(&user));
        Ok(match present {
            // A token of a later second names the roles of its time. In the same second it may be older.
            Some((roles, since, _))
                if identity.not_before <= since.unix_seconds() && identity.roles.iter().any(|role| !roles.contains(role)) =>
            {
                Arc::new(identity.limited_to(roles))
            }
            _ => identity,
        })
    }

    fn is_due(&self) -> bool {
        self.env.now().0 >= self.due_at.load(Ordering::Relaxed)
    }

    /// Asks for new entries. Concurrent requests wait for one answer.
    async fn update(&self) {
        let mut position = self.position.lock().await;
        while self.is_due() {
            match (self.source)(*position).await {
                Ok(answer) => {
                    *position = Some(answer.next);
                    let is_complete = answer.is_complete;
                    self.add(answer);
                    if !is_complete {
                        continue;
                    }
                }
                Err(error) => {
                    metrics::counter!("souk_revocations_unavailable_total").increment(1);
                    tracing::debug!(%error, "the list of revoked access tokens cannot be read");
                }
            }
            self.due_at.store(self.env.now().after(PERIOD).0, Ordering::Relaxed);
        }
    }

    fn add(&self, answer: Revocations) {
        let now = self.env.now();
        let lifetime = Duration::from_secs(answer.token_seconds) + PERIOD;
        let mut entries = self.entries.lock_unpoisoned();
        entries.sessions.retain(|_, forgotten_at| *forgotten_at > now);
        entries.roles.retain(|_, (_, _, forgotten_at)| *forgotten_at > now);
        entries.sessions.extend(answer.sessions.into_iter().map(|ended| (ended.session, ended.revoked_at.after(lifetime))));
        let roles = answer.roles.into_iter().map(|of| (of.user_id, (of.roles, of.changed_at, of.changed_at.after(lifetime))));
        entries.roles.extend(roles);
    }
}
