//! One effect and one answer per idempotency key.
//!
//! The record is committed together with the effect, so a key whose effect exists is always known. A refusal is kept
//! as well (its effect is undone first), except those that say nothing about the execution: 401, 403, 429, 500, 503.
//! After the IETF draft `draft-ietf-httpapi-idempotency-key-header`.

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

/// What stands under a key.
enum Record {
    /// Nothing yet.
    Free,
    /// An answer.
    Answered(Stored),
    /// The effect is there, its answer is not: the first request waits for it, or died.
    Open(Uuid),
}

/// The state of a request whose answer comes later than its effect.
pub enum Opened<A> {
    /// It took effect now, or did before without an answer: answer it with [`IdempotencyKey::settle`].
    Unanswered(Uuid),
    /// It was answered before, or refused now.
    Answered(Idempotent<A>),
}

impl IdempotencyKey {
    /// Runs `work` if this is the first request under the key, and keeps its answer in the same commit; gives the first
    /// answer otherwise.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED` for another body, `IDEMPOTENCY_IN_PROGRESS` while the first still waits, and refusals
    /// that are not kept.
    pub async fn once<A, E>(&self, tx: &mut Tx, work: impl AsyncFnOnce(&mut Tx) -> Result<A, E>) -> Result<Idempotent<A>, Problem>
    where
        A: Answer,
        E: From<Error> + Into<Problem>,
    {
        match self.find(tx).await? {
            Record::Answered(stored) => return Ok(Idempotent::of(stored, true)),
            Record::Open(_) => return Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
            Record::Free => {}
        }
        let stored = match tx.savepoint(work).await {
            Ok(answer) => answer.stored(),
            Err(refusal) => refused(refusal.into())?,
        };
        self.keep(tx, &stored).await?;
        Ok(Idempotent::of(stored, false))
    }

    /// Like [`once`](Self::once) for a request that is answered only after a wait: `work` makes something and names it,
    /// and the key stays open for `wait` at most. After that (the process died) a repetition may answer it.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    pub async fn open<A, E>(
        &self,
        tx: &mut Tx,
        wait: Duration,
        work: impl AsyncFnOnce(&mut Tx) -> Result<Uuid, E>,
    ) -> Result<Opened<A>, Problem>
    where
        E: From<Error> + Into<Problem>,
    {
        match self.find(tx).await? {
            Record::Answered(stored) => return Ok(Opened::Answered(Idempotent::of(stored, true))),
            Record::Open(resource) => return Ok(Opened::Unanswered(resource)),
            Record::Free => {}
        }
        match tx.savepoint(work).await {
            Ok(resource) => {
                let now = tx.now();
                tx.execute(
                    "INSERT INTO idempotency (scope, request_hash, status, headers, body, resource, busy_until, created_at) \
                     VALUES ($1, $2, 0, '', NULL, $3, $4, $5)",
                    params![self.scope(), self.request_hash(), resource, now.after(wait), now],
                )
                .await?;
                Ok(Opened::Unanswered(resource))
            }
            Err(refusal) => {
                let stored = refused(refusal.into())?;
                self.keep(tx, &stored).await?;
                Ok(Opened::Answered(Idempotent::of(stored, false)))
            }
        }
    }

    /// Gives an open key its answer; the first one given stays.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settle<A: Answer>(&self, db: &Db, answer: &A) -> Result<Idempotent<A>, Problem> {
        let (scope, stored) = (self.scope(), answer.stored());
        let (stored, replayed) = db.write(async move |tx| settle(tx, scope, &stored).await).await?;
        Ok(Idempotent::of(stored, replayed))
    }

    /// [`settle`](Self::settle) as a part of a unit, so that an outcome and the answer that tells it are one commit. The
    /// answer may be a refusal.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settle_in<A>(&self, tx: &mut Tx, answer: &Stored) -> Result<Idempotent<A>, Problem> {
        let (stored, replayed) = settle(tx, self.scope(), answer).await?;
        Ok(Idempotent::of(stored, replayed))
    }

    /// What an earlier request under the key left: its answer, or an effect that nobody waits for any more. Spares a
    /// repetition the work before its unit.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    pub async fn earlier<A>(&self, db: &Db) -> Result<Option<Opened<A>>, Problem> {
        let key = self.clone();
        let record = db.read(async move |tx| key.find(tx).await).await?;
        Ok(match record {
            Record::Answered(stored) => Some(Opened::Answered(Idempotent::of(stored, true))),
            Record::Open(resource) => Some(Opened::Unanswered(resource)),
            Record::Free => None,
        })
    }

    /// The record under this key; refuses another request's, and one whose first request still waits.
    async fn find(&self, tx: &mut Tx) -> Result<Record, Problem> {
        type Row = ([u8; 32], u16, String, Option<Vec<u8>>, Option<Uuid>, Timestamp);
        let found: Option<Row> = tx
            .query_opt(
                "SELECT request_hash, status, headers, body, resource, busy_until FROM idempotency WHERE scope = $1",
                params![self.scope()],
                |row| Ok((row.next()?, row.next()?, row.next()?, row.next()?, row.next()?, row.next()?)),
            )
            .await?;
        let Some((hash, status, headers, body, resource, busy_until)) = found else { return Ok(Record::Free) };
        if hash != self.request_hash() {
            return Err(Problem::new(Code::IDEMPOTENCY_KEY_REUSED));
        }
        match (body, resource) {
            (Some(body), _) => restored(status, &headers, body).map(Record::Answered).map_err(Problem::from),
            (None, Some(_)) if busy_until > tx.now() => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
            (None, Some(resource)) => Ok(Record::Open(resource)),
            (None, None) => Err(Problem::from(Error::Failed("an idempotency record without body and resource".into()))),
        }
    }

    async fn keep(&self, tx: &mut Tx, stored: &Stored) -> Result<(), Error> {
        let now = tx.now();
        tx.execute(
            "INSERT INTO idempotency (scope, request_hash, status, headers, body, resource, busy_until, created_at) \
             VALUES ($1, $2, $3, $4, $5, NULL, $6, $6)",
            params![self.scope(), self.request_hash(), stored.status.as_u16(), stored.headers_text(), stored.body.to_vec(), now],
        )
        .await
        .map(|_| ())
    }

    /// Caller, method, path and key as one value. NUL parts them: none of them can hold it.
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

/// A refusal as the answer to keep, or as an error when it says nothing about the execution.
fn refused(problem: Problem) -> Result<Stored, Problem> {
    let stored = Stored::from(&problem);
    if stored.is_kept() { Ok(stored) } else { Err(problem) }
}

fn restored(status: u16, headers: &str, body: Vec<u8>) -> Result<Stored, Error> {
    Stored::restore(status, headers, body).ok_or_else(|| Error::Failed("an idempotency record cannot be read".into()))
}

/// Gives an open record its answer. The answer that stands, and whether it was there before.
async fn settle(tx: &mut Tx, scope: [u8; 32], stored: &Stored) -> Result<(Stored, bool), Problem> {
    let rows = tx
        .execute(
            "UPDATE idempotency SET status = $1, headers = $2, body = $3 WHERE scope = $4 AND body IS NULL",
            params![stored.status.as_u16(), stored.headers_text(), stored.body.to_vec(), scope],
        )
        .await?;
    let before = if rows == 1 { None } else { answered(tx, scope).await? };
    Ok(before.map_or_else(|| (stored.clone(), false), |first| (first, true)))
}

async fn answered(tx: &mut Tx, scope: [u8; 32]) -> Result<Option<Stored>, Error> {
    let row = tx
        .query_opt("SELECT status, headers, body FROM idempotency WHERE scope = $1 AND body IS NOT NULL", params![scope], |row| {
            Ok((row.next::<u16>()?, row.next::<String>()?, row.next::<Vec<u8>>()?))
        })
        .await?;
    row.map(|(status, headers, body)| restored(status, &headers, body)).transpose()
}

/// Forgets answers from before `before`, the oldest `rows` at most.
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
