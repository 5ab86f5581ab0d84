//! The parts from which services assembled requests that wait, until they implement
//! [`IdempotentRequest`](super::IdempotentRequest).

use super::Begun;
use crate::{
    db::{Db, Error, Tx},
    http::{Answer, IdempotencyKey, Idempotent, Problem, Stored},
};
use contracts::ids::Uuid;
use std::time::Duration;

/// The state of a request whose answer comes later than its effect.
pub enum Opened<A> {
    /// It took effect now, or did before without an answer: answer it with [`IdempotencyKey::settle`].
    Unanswered(Uuid),
    /// It was answered before, or refused now.
    Answered(Idempotent<A>),
}

impl IdempotencyKey {
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
        match self.begin(tx, wait).await? {
            Begun::Answered(stored) => return Ok(Opened::Answered(Idempotent::of(stored, true))),
            Begun::Unanswered(resource) => return Ok(Opened::Unanswered(resource)),
            Begun::First => {}
        }
        match tx.savepoint(work).await {
            Ok(resource) => {
                self.leave_open(tx, resource).await?;
                Ok(Opened::Unanswered(resource))
            }
            Err(refusal) => self.complete_first(tx, Err(refusal.into())).await.map(Opened::Answered),
        }
    }

    /// Gives an open key its answer; the first one given stays.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settle<A: Answer>(&self, db: &Db, answer: &A) -> Result<Idempotent<A>, Problem> {
        let (key, stored) = (self.clone(), answer.stored());
        let completed: Idempotent<()> = db.write(async move |tx| key.complete(tx, &stored).await).await?;
        Ok(Idempotent::of(completed.stored, completed.replayed))
    }

    /// [`settle`](Self::settle) as a part of a unit. The answer may be a refusal.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settle_in<A>(&self, tx: &mut Tx, answer: &Stored) -> Result<Idempotent<A>, Problem> {
        self.complete(tx, answer).await
    }

    /// What an earlier request under the key left: its answer, or an effect that no request answers any more.
    ///
    /// # Errors
    /// As [`once`](Self::once).
    pub async fn earlier<A>(&self, db: &Db) -> Result<Option<Opened<A>>, Problem> {
        let key = self.clone();
        let begun = db.read(async move |tx| key.find(tx).await).await?;
        Ok(match begun {
            Begun::Answered(stored) => Some(Opened::Answered(Idempotent::of(stored, true))),
            Begun::Unanswered(resource) => Some(Opened::Unanswered(resource)),
            Begun::First => None,
        })
    }
}
