//! One effect and one answer per idempotency key.
//!
//! The row of a key is inserted before the effect, in the same transaction: the unique scope decides which of several
//! requests is the first, with any number of writers. The row is committed together with the effect, so a key whose effect
//! exists is always known. A refusal is kept as well (its effect is rolled back first), except those that say nothing about
//! the execution: 401, 403, 429, 500, 503. After the IETF draft `draft-ietf-httpapi-idempotency-key-header`.
//!
//! A request that is answered by the unit of its effect uses [`IdempotencyKey::once`]; one that waits in between
//! implements [`IdempotentRequest`].

mod opened;
mod request;

pub use opened::Opened;
pub use request::{IdempotentRequest, Next};

use crate::{
    db::{Db, Error, Tx},
    http::{Answer, IdempotencyKey, Idempotent, MaybeIdempotencyKey, Problem, Stored},
    params,
};
use contracts::{ids::Uuid, problem::Code, time::Timestamp};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long answers are kept at least.
pub const KEPT: Duration = Duration::from_secs(8 * 24 * 3600);

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

    /// Inserts the row of the key, or reads the one that is there. An effect without an answer belongs to its first
    /// request for `busy`; after that a repetition may take it over.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    async fn begin(&self, tx: &mut Tx, busy: Duration) -> Result<Begun, Problem> {
        let now = tx.now();
        let inserted = tx
            .execute(
                "INSERT INTO idempotency (scope, request_hash, status, headers, body, resource, busy_until, created_at) \
                 VALUES ($1, $2, 0, '', NULL, NULL, $3, $4) ON CONFLICT (scope) DO NOTHING",
                params![self.scope(), self.request_hash(), now.after(busy), now],
            )
            .await?;
        match inserted {
            1 => Ok(Begun::First),
            _ => match self.find(tx).await? {
                // The row that prevented the insertion is not visible in this transaction.
                Begun::First => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
                found => Ok(found),
            },
        }
    }

    /// Makes an open row this repetition's for `busy`. The condition decides between repetitions that come at once.
    async fn take_over(&self, tx: &mut Tx, busy: Duration) -> Result<(), Problem> {
        let now = tx.now();
        let taken = tx
            .execute(
                "UPDATE idempotency SET busy_until = $1 WHERE scope = $2 AND body IS NULL AND busy_until <= $3",
                params![now.after(busy), self.scope(), now],
            )
            .await?;
        if taken == 1 { Ok(()) } else { Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)) }
    }

    /// The row of this key; [`Begun::First`] when there is none. Refuses another request's, and one that is in progress.
    async fn find(&self, tx: &mut Tx) -> Result<Begun, Problem> {
        type Row = ([u8; 32], u16, String, Option<Vec<u8>>, Option<Uuid>, Timestamp);
        let found: Option<Row> = tx
            .query_opt(
                "SELECT request_hash, status, headers, body, resource, busy_until FROM idempotency WHERE scope = $1",
                params![self.scope()],
                |row| Ok((row.next()?, row.next()?, row.next()?, row.next()?, row.next()?, row.next()?)),
            )
            .await?;
        let Some((hash, status, headers, body, resource, busy_until)) = found else { return Ok(Begun::First) };
        if hash != self.request_hash() {
            return Err(Problem::new(Code::IDEMPOTENCY_KEY_REUSED));
        }
        match (body, resource) {
            (Some(body), _) => restored(status, &headers, body).map(Begun::Answered).map_err(Problem::from),
            (None, Some(_)) if busy_until > tx.now() => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
            (None, Some(resource)) => Ok(Begun::Unanswered(resource)),
            (None, None) => Err(Problem::from(Error::Failed("an idempotency record without body and resource".into()))),
        }
    }

    /// Leaves the row open: its effect made `resource`, and its answer comes later.
    async fn leave_open(&self, tx: &mut Tx, resource: Uuid) -> Result<(), Error> {
        let rows = tx.execute("UPDATE idempotency SET resource = $1 WHERE scope = $2", params![resource, self.scope()]).await?;
        if rows == 1 { Ok(()) } else { Err(Error::Failed("an idempotency record is gone".into())) }
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
        let rows = tx
            .execute(
                "UPDATE idempotency SET status = $1, headers = $2, body = $3 WHERE scope = $4 AND body IS NULL",
                params![stored.status.as_u16(), stored.headers_text(), stored.body.to_vec(), self.scope()],
            )
            .await?;
        let before = if rows == 1 { None } else { self.answered(tx).await? };
        Ok(before.map_or_else(|| Idempotent::of(stored.clone(), false), |first| Idempotent::of(first, true)))
    }

    async fn answered(&self, tx: &mut Tx) -> Result<Option<Stored>, Error> {
        let row = tx
            .query_opt(
                "SELECT status, headers, body FROM idempotency WHERE scope = $1 AND body IS NOT NULL",
                params![self.scope()],
                |row| Ok((row.next::<u16>()?, row.next::<String>()?, row.next::<Vec<u8>>()?)),
            )
            .await?;
        row.map(|(status, headers, body)| restored(status, &headers, body)).transpose()
    }

    /// Caller, method, path and key as one value. NUL separates them: none of them can hold it.
    fn scope(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.subject, &self.method, &self.path, &self.key] {
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
}

impl MaybeIdempotencyKey {
    /// The answer of an earlier request under the key. It spares a repetition the calls before its unit.
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

/// A refusal as the answer to keep, or as an error when it says nothing about the execution.
fn kept(problem: Problem) -> Result<Stored, Problem> {
    let stored = Stored::from(&problem);
    if stored.is_kept() { Ok(stored) } else { Err(problem) }
}

fn restored(status: u16, headers: &str, body: Vec<u8>) -> Result<Stored, Error> {
    Stored::restore(status, headers, body).ok_or_else(|| Error::Failed("an idempotency record cannot be read".into()))
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
