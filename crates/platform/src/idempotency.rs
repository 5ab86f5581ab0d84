//! One effect and one answer per idempotency key.
//!
//! The row of a key is inserted before the effect, in the same transaction: the unique scope decides which of several
//! requests is the first, with any number of writers. The row is committed together with the effect, so a key whose effect
//! exists is always known. A refusal is kept as well (its effect is rolled back first), except those that say nothing about
//! the execution: 401, 403, 429, 500, 503. After the IETF draft `draft-ietf-httpapi-idempotency-key-header`.
//!
//! A request that is answered by the unit of its effect uses [`IdempotencyKey::once`]; one that waits in between
//! implements [`IdempotentRequest`].

mod request;

pub use request::{IdempotentRequest, Next};

use crate::{
    db::{Db, Error, Tx},
    encryption,
    http::{Answer, IdempotencyKey, Idempotent, MaybeIdempotencyKey, Problem, Stored},
    params,
};
use contracts::{ids::Uuid, problem::Code, time::Timestamp};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long answers are kept at least.
pub const KEPT: Duration = Duration::from_secs(8 * 24 * 3600);

/// How long answers that carry a secret are kept.
pub const SEALED_KEPT: Duration = Duration::from_secs(24 * 3600);

/// The row of a key. Without a body, the effect that made `resource` is not answered yet.
struct Record {
    scope: [u8; 32],
    request_hash: [u8; 32],
    status: u16,
    headers: String,
    body: Option<Vec<u8>>,
    resource: Option<Uuid>,
    busy_until: Timestamp,
    /// The run of the program whose request has the row; `None` in a row of an earlier version.
    holder: Option<Uuid>,
    created_at: Timestamp,
    /// Whom or what the answer is about: the user who sent the request, unless the key names another; `None` for anyone else and in a row
    /// of an earlier version.
    owner: Option<Uuid>,
}

crate::table! {
    Records in "idempotency" of Record, key [scope];
    columns { scope, request_hash, status, headers, body, resource, busy_until, holder, created_at, owner }
}

impl Record {
    fn answer(self, seal: Option<[u8; 32]>) -> Result<Option<Stored>, Error> {
        let opened = |body: Vec<u8>| match seal {
            Some(key) => encryption::decrypt(&key, std::str::from_utf8(&body).ok()?),
            None => Some(body),
        };
        let restored = |body| Stored::restore(self.status, &self.headers, opened(body)?);
        let failed = || Error::Failed("an idempotency record cannot be read".into());
        self.body.map(|body| restored(body).ok_or_else(failed)).transpose()
    }
}

/// What a request found under its key.
enum Begun {
    /// It is the first one: its effect is to be run, and the row completed or left open.
    First,
    /// An earlier request had its effect, and the time for its answer is over.
    Unanswered(Uuid),
    /// The answer of an earlier request.
    Answered(Stored),
}

impl IdempotencyKey {
    /// Runs `work` if this is the first request under the key, and keeps its answer in the same commit; gives the first
    /// answer otherwise.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED` for another body, `IDEMPOTENCY_IN_PROGRESS` while the first is not answered, and refusals
    /// that are not kept.
    pub async fn once<A, E>(&self, tx: &mut Tx, work: impl AsyncFnOnce(&mut Tx) -> Result<A, E>) -> Result<Idempotent<A>, Problem>
    where
        A: Answer,
        E: From<Error> + Into<Problem>,
    {
        match self.begin(tx, Duration::ZERO).await? {
            Begun::Answered(stored) => Ok(Idempotent::of(stored, true)),
            Begun::Unanswered(_) => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
            Begun::First => {
                let outcome = tx.savepoint(work).await.map(|answer| answer.stored());
                self.complete_first(tx, outcome.map_err(Into::into)).await
            }
        }
    }

    /// Inserts the row of the key, or locks the one that is there. An effect without an answer belongs to its first
    /// request for `busy`; after that a repetition may take it over.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    async fn begin(&self, tx: &mut Tx, busy: Duration) -> Result<Begun, Problem> {
        let now = tx.now();
        let record = Record {
            scope: self.scope(),
            request_hash: self.request_hash(),
            status: 0,
            headers: String::new(),
            body: None,
            resource: None,
            busy_until: now.after(busy),
            holder: Some(tx.process_id()),
            // Answers are deleted by their age.
            created_at: if self.seal.is_some() { now.before(KEPT - SEALED_KEPT) } else { now },
            owner: self.about.or_else(|| self.subject.parse().ok()),
        };
        if tx.insert_if_absent::<Records>(&record, "(scope)").await? {
            return Ok(Begun::First);
        }
        match tx.lock::<Records>("scope = $1", params![record.scope]).await? {
            Some(found) => self.begun(tx, found),
            // The row that prevented the insertion is not visible in this transaction.
            None => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
        }
    }

    /// Reserves an open row, which [`begin`](Self::begin) locked, for this repetition during `busy`.
    async fn take_over(&self, tx: &mut Tx, busy: Duration) -> Result<(), Error> {
        let (until, holder) = (tx.now().after(busy), tx.process_id());
        let sql = "UPDATE idempotency SET busy_until = $1, holder = $2 WHERE scope = $3";
        changed(tx.execute(sql, params![until, holder, self.scope()]).await?)
    }

    /// Returns what an earlier request under the key left; [`Begun::First`] when there was none. Refuses the row of another
    /// request, and one that is in progress.
    async fn find(&self, tx: &mut Tx) -> Result<Begun, Problem> {
        let found = tx.find::<Records>("scope = $1", params![self.scope()]).await?;
        found.map_or(Ok(Begun::First), |record| self.begun(tx, record))
    }

    fn begun(&self, tx: &Tx, record: Record) -> Result<Begun, Problem> {
        if record.request_hash != self.request_hash() {
            return Err(Problem::new(Code::IDEMPOTENCY_KEY_REUSED));
        }
        // A request ends with its process. An embedded database belongs to one process, so a row of another one is nobody's.
        let is_busy = record.busy_until > tx.now() && (record.holder == Some(tx.process_id()) || tx.is_shared());
        let resource = record.resource;
        match (record.answer(self.seal)?, resource) {
            (Some(stored), _) => Ok(Begun::Answered(stored)),
            (None, Some(_)) if is_busy => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
            (None, Some(resource)) => Ok(Begun::Unanswered(resource)),
            (None, None) => Err(Problem::from(Error::Failed("an idempotency record without body and resource".into()))),
        }
    }

    /// Leaves the row open: its effect made `resource`, and its answer comes later.
    async fn leave_open(&self, tx: &mut Tx, resource: Uuid) -> Result<(), Error> {
        changed(tx.execute("UPDATE idempotency SET resource = $1 WHERE scope = $2", params![resource, self.scope()]).await?)
    }

    /// Completes the row that this unit inserted. A refusal that is not kept removes it.
    ///
    /// # Errors
    /// The refusal, when it is not kept.
    async fn complete_first<A>(&self, tx: &mut Tx, outcome: Result<Stored, Problem>) -> Result<Idempotent<A>, Problem> {
        match outcome.or_else(kept) {
            Ok(stored) => self.complete(tx, &stored).await,
            Err(refusal) => {
                tx.execute("DELETE FROM idempotency WHERE scope = $1", params![self.scope()]).await?;
                Err(refusal)
            }
        }
    }

    /// Gives an open row its answer. The first one given stays.
    async fn complete<A>(&self, tx: &mut Tx, stored: &Stored) -> Result<Idempotent<A>, Problem> {
        let body = match self.seal {
            Some(key) => encryption::encrypt(&key, tx.random_bytes(), &stored.body).into_bytes(),
            None => stored.body.to_vec(),
        };
        let rows = tx
            .execute(
                "UPDATE idempotency SET status = $1, headers = $2, body = $3 WHERE scope = $4 AND body IS NULL",
                params![stored.status.as_u16(), stored.headers_text(), body, self.scope()],
            )
            .await?;
        if rows == 1 {
            return Ok(Idempotent::of(stored.clone(), false));
        }
        let record = tx.find::<Records>("scope = $1", params![self.scope()]).await?;
        let first = record.map_or(Ok(None), |record| record.answer(self.seal))?;
        Ok(first.map_or_else(|| Idempotent::of(stored.clone(), false), |first| Idempotent::of(first, true)))
    }

    /// Caller, method, path and key as one value. NUL separates them, because none of them can contain it.
    fn scope(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.subject, &self.method, self.path(), &self.key] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().into()
    }
}

impl MaybeIdempotencyKey {
    /// [`IdempotencyKey::once`] when there is a key, and just `work` when there is none.
    ///
    /// # Errors
    /// As [`IdempotencyKey::once`], and what `work` refuses with.
    pub async fn once<A, E>(&self, tx: &mut Tx, work: impl AsyncFnOnce(&mut Tx) -> Result<A, E>) -> Result<Idempotent<A>, Problem>
    where
        A: Answer,
        E: From<Error> + Into<Problem>,
    {
        match &self.0 {
            Some(key) => key.once(tx, work).await,
            None => work(tx).await.map(|answer| Idempotent::first(&answer)).map_err(Into::into),
        }
    }

    /// Returns the answer of an earlier request under the key, so that a repetition skips the calls before its unit.
    ///
    /// # Errors
    /// As [`IdempotencyKey::once`].
    pub async fn replay<A>(&self, db: &Db) -> Result<Option<Idempotent<A>>, Problem> {
        let Some(key) = self.0.clone() else { return Ok(None) };
        match db.read(async move |tx| key.find(tx).await).await? {
            Begun::Answered(stored) => Ok(Some(Idempotent::of(stored, true))),
            Begun::First | Begun::Unanswered(_) => Ok(None),
        }
    }
}

impl From<IdempotencyKey> for MaybeIdempotencyKey {
    fn from(key: IdempotencyKey) -> MaybeIdempotencyKey {
        MaybeIdempotencyKey(Some(key))
    }
}

/// Checks how many rows an update of the row of a key changed.
fn changed(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Failed("an idempotency record is gone".into())) }
}

/// A refusal as the answer to keep, or as an error when it says nothing about the execution.
fn kept(problem: Problem) -> Result<Stored, Problem> {
    let stored = Stored::from(&problem);
    if stored.is_kept() { Ok(stored) } else { Err(problem) }
}

/// Deletes the answers that a user got, on the erasure of the user. Their number is bounded by [`KEPT`], so that no index has to
/// find them.
pub(crate) async fn forget_owner(tx: &mut Tx, owner: Uuid) -> Result<(), Error> {
    tx.execute("DELETE FROM idempotency WHERE owner = $1", params![owner]).await.map(|_| ())
}

/// Deletes answers from before `before`, the oldest `rows` at most.
pub(crate) async fn purge(db: &Db, before: Timestamp, rows: usize) -> Result<u64, Error> {
    db.write(async move |tx| {
        tx.execute(
            "DELETE FROM idempotency WHERE scope IN (SELECT scope FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            params![before, rows],
        )
        .await
    })
    .await
}

#[cfg(test)]
mod tests;
