//! A request under an idempotency key that waits between its effect and its answer.

use super::{Begun, kept};
use crate::{
    context::Context,
    db::{self, Db, Tx},
    http::{Answer, IdempotencyKey, Idempotent, MaybeIdempotencyKey, Problem},
};
use contracts::{ids::Uuid, problem::Code};
use std::{future::Future, sync::Arc, time::Duration};

/// How long after [`IdempotentRequest::limit`] the answer may still be committed.
const MARGIN: Duration = Duration::from_secs(5);

/// How a unit of an [`IdempotentRequest`] ended.
#[derive(Debug, Clone)]
pub enum Next<A, S> {
    /// The answer, committed with the unit.
    Answer(A),
    /// A refusal that is the answer. Unlike an error it keeps the changes of the unit.
    Refuse(Problem),
    /// The answer depends on what happens outside of the unit.
    Wait(S),
}

/// One request that has its effect once, waits, and is answered; a repetition gets the same answer byte for byte.
///
/// [`run`](Self::run) goes through the methods in their order here. The effect and the row of the key are one commit; so are
/// the answer and the completed row. Nothing is held while it waits. Once the effect is committed the request goes on
/// without its client, so that a client that went away finds the answer when it repeats. When the process dies in
/// between, the first repetition at the next start goes on from [`resume`](Self::resume).
///
/// A request without a key runs the same way and keeps nothing.
pub trait IdempotentRequest: Sized + Send + Sync + 'static {
    type Answer: Answer + Send + 'static;
    /// What the wait is for: the id of what the effect made, or more.
    type State: Clone + Send + Sync + 'static;
    type Error: From<db::Error> + Into<Problem> + Send + 'static;

    /// Whether [`prepare`](Self::prepare) does anything. Without it a request begins with its unit, and not with a read that
    /// spares a repetition the preparation.
    const PREPARES: bool = true;

    /// Reads what the effect needs from elsewhere. Only the first request under a key gets here.
    fn prepare(&self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async { Ok(()) }
    }

    /// Performs the effect, or refuses it. A refusal is kept under the key and its changes are rolled back.
    fn effect(&self, tx: &mut Tx) -> impl Future<Output = Result<Next<Self::Answer, Self::State>, Self::Error>>;

    /// Runs once after the effect was committed. Its failure is ignored, so something else repeats its work then.
    fn after_effect(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Undoes elsewhere what [`prepare`](Self::prepare) did there, when the effect was refused or another request under the key had it.
    /// Runs once, before the answer. It does not run when nothing is known about the unit of the effect, or when the process dies, so
    /// something else repeats its work then; its failure is ignored.
    fn undo_preparation(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Returns the id of a state that the row stores.
    fn resource(&self, state: &Self::State) -> Uuid;

    /// Continues in a repetition when the first request had the effect and ended without an answer.
    fn resume(&self, tx: &mut Tx, resource: Uuid) -> impl Future<Output = Result<Next<Self::Answer, Self::State>, Self::Error>>;

    /// How long [`wait`](Self::wait) may take. Repetitions are refused with `IDEMPOTENCY_IN_PROGRESS` until then.
    fn limit(&self) -> Duration;

    /// Waits, outside of any transaction. An error leaves the key open for a repetition.
    fn wait(&self, state: Self::State) -> impl Future<Output = Result<Self::State, Self::Error>> + Send;

    /// Reads the answer, in the unit that completes the key. A refusal is an answer as well; as an error it rolls the unit's
    /// changes back.
    fn answer(&self, tx: &mut Tx, state: Self::State) -> impl Future<Output = Result<Next<Self::Answer, Self::State>, Self::Error>>;

    /// Runs the request.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED` for another body, `IDEMPOTENCY_IN_PROGRESS` while another request under the key is not
    /// answered, refusals that are not kept, and every refusal without a key.
    fn run(
        self,
        db: &Db,
        key: impl Into<MaybeIdempotencyKey> + Send,
    ) -> impl Future<Output = Result<Idempotent<Self::Answer>, Problem>> + Send {
        let running = Running { db: db.clone(), request: Arc::new(self), key: key.into().0 };
        async move { running.run().await }
    }
}

struct Running<R> {
    db: Db,
    request: Arc<R>,
    key: Option<IdempotencyKey>,
}

/// The state of a request after a unit.
enum Stage<R: IdempotentRequest> {
    Answered(Idempotent<R::Answer>),
    /// Without a key.
    Refused(Problem),
    Waiting(R::State),
}

/// Why a unit had no effect.
enum Unit {
    /// The database failed; the unit may have been committed nevertheless.
    Failed(Problem),
    /// The unit was rolled back.
    Refused(Problem),
}

impl From<Unit> for Problem {
    fn from(unit: Unit) -> Problem {
        match unit {
            Unit::Failed(problem) | Unit::Refused(problem) => problem,
        }
    }
}

impl From<db::Error> for Unit {
    fn from(error: db::Error) -> Unit {
        Unit::Failed(error.into())
    }
}

impl<R> Clone for Running<R> {
    fn clone(&self) -> Running<R> {
        Running { db: self.db.clone(), request: self.request.clone(), key: self.key.clone() }
    }
}

impl<R: IdempotentRequest> Running<R> {
    async fn run(self) -> Result<Idempotent<R::Answer>, Problem> {
        let mut is_prepared = false;
        if R::PREPARES {
            match self.earlier().await? {
                Begun::Answered(stored) => return Ok(Idempotent::of(stored, true)),
                Begun::Unanswered(_) => {}
                Begun::First => {
                    if let Err(refusal) = self.request.prepare().await {
                        return self.refuse(refusal.into()).await;
                    }
                    is_prepared = true;
                }
            }
        }
        let own = self.clone();
        let begun = self.db.write(async move |tx| own.begin(tx).await.map_err(Unit::Refused)).await;
        if let (true, Err(Unit::Refused(_)) | Ok((_, false))) = (is_prepared, &begun) {
            self.request.undo_preparation().await;
        }
        let (stage, has_effect) = begun?;
        let state = match stage {
            Stage::Answered(answer) => {
                if has_effect {
                    self.request.after_effect().await;
                }
                return Ok(answer);
            }
            Stage::Refused(refusal) => return Err(refusal),
            Stage::Waiting(state) => state,
        };
        let env = self.db.env().clone();
        let rest = async move {
            if has_effect {
                self.request.after_effect().await;
            }
            self.finish(state).await
        };
        env.spawn(Context::current().scope(rest)).await.unwrap_or_else(|error| Err(Problem::internal(&error)))
    }

    /// Reads what an earlier request left, so that a repetition skips the preparation.
    async fn earlier(&self) -> Result<Begun, Problem> {
        let Some(key) = self.key.clone() else { return Ok(Begun::First) };
        self.db.read(async move |tx| key.find(tx).await).await
    }

    /// Keeps a refusal that was decided before the unit, unless a repetition may succeed.
    async fn refuse(self, refusal: Problem) -> Result<Idempotent<R::Answer>, Problem> {
        let (Some(key), false) = (self.key, refusal.code().retryable()) else { return Err(refusal) };
        let unit = async move |tx: &mut Tx| match key.begin(tx, Duration::ZERO).await? {
            Begun::First => key.complete_first(tx, Err(refusal.clone())).await,
            Begun::Answered(stored) => Ok(Idempotent::of(stored, true)),
            // Another request committed its effect meanwhile.
            Begun::Unanswered(_) => Err(Problem::new(Code::IDEMPOTENCY_IN_PROGRESS)),
        };
        self.db.write(unit).await
    }

    /// Runs the first unit. Returns its stage, and whether this request had the effect.
    async fn begin(&self, tx: &mut Tx) -> Result<(Stage<R>, bool), Problem> {
        let request = &self.request;
        let Some(key) = &self.key else {
            let stage = self.stage(request.effect(tx).await.map_err(Into::into)?);
            let has_effect = !matches!(stage, Stage::Refused(_));
            return Ok((stage, has_effect));
        };
        match key.begin(tx, request.limit() + MARGIN).await? {
            Begun::Answered(stored) => Ok((Stage::Answered(Idempotent::of(stored, true)), false)),
            Begun::First => {
                let outcome = tx.savepoint(async |tx| request.effect(tx).await).await;
                match outcome {
                    Ok(Next::Wait(state)) => {
                        key.leave_open(tx, request.resource(&state)).await?;
                        Ok((Stage::Waiting(state), true))
                    }
                    Ok(Next::Answer(answer)) => Ok((self.complete(tx, key, Ok(Next::Answer(answer))).await?, true)),
                    Ok(refused @ Next::Refuse(_)) => Ok((self.complete(tx, key, Ok(refused)).await?, false)),
                    Err(refusal) => Ok((Stage::Answered(key.complete_first(tx, Err(refusal.into())).await?), false)),
                }
            }
            Begun::Unanswered(resource) => {
                key.take_over(tx, request.limit() + MARGIN).await?;
                let outcome = tx.savepoint(async |tx| request.resume(tx, resource).await).await;
                Ok((self.complete(tx, key, outcome).await?, false))
            }
        }
    }

    /// Waits and answers until there is an answer.
    async fn finish(self, mut state: R::State) -> Result<Idempotent<R::Answer>, Problem> {
        loop {
            let waited = tokio::time::timeout(self.request.limit() + MARGIN, self.request.wait(state)).await;
            let waited = waited.map_err(|_| Problem::new(Code::TIMEOUT))?.map_err(Into::into)?;
            let own = self.clone();
            let unit = async move |tx: &mut Tx| {
                let (request, waited) = (&own.request, waited.clone());
                let next = request.answer(tx, waited).await.map_err(|refusal| Unit::Refused(refusal.into()))?;
                match &own.key {
                    None => Ok(own.stage(next)),
                    Some(key) => own.complete(tx, key, Ok(next)).await.map_err(Unit::Failed),
                }
            };
            let stage = match self.db.write(unit).await {
                Ok(stage) => stage,
                Err(Unit::Failed(problem)) => return Err(problem),
                Err(Unit::Refused(refusal)) => self.complete_refused(refusal).await?,
            };
            match stage {
                Stage::Answered(answer) => return Ok(answer),
                Stage::Refused(refusal) => return Err(refusal),
                Stage::Waiting(next) => state = next,
            }
        }
    }

    /// Completes an open row with a refusal whose unit was rolled back. Refusals are rare, so this second unit costs less than
    /// a savepoint in every first one.
    async fn complete_refused(&self, refusal: Problem) -> Result<Stage<R>, Problem> {
        let Some(key) = self.key.clone() else { return Err(refusal) };
        let stored = kept(refusal)?;
        self.db.write(async move |tx| key.complete(tx, &stored).await).await.map(Stage::Answered)
    }

    /// Completes an open row, unless the request waits on.
    async fn complete(
        &self,
        tx: &mut Tx,
        key: &IdempotencyKey,
        outcome: Result<Next<R::Answer, R::State>, R::Error>,
    ) -> Result<Stage<R>, Problem> {
        let stored = match outcome {
            Ok(Next::Wait(state)) => return Ok(Stage::Waiting(state)),
            Ok(Next::Answer(answer)) => answer.stored(),
            Ok(Next::Refuse(refusal)) => kept(refusal)?,
            Err(refusal) => kept(refusal.into())?,
        };
        key.complete(tx, &stored).await.map(Stage::Answered)
    }

    /// Returns the stage of a request without a key.
    fn stage(&self, next: Next<R::Answer, R::State>) -> Stage<R> {
        match next {
            Next::Answer(answer) => Stage::Answered(Idempotent::first(&answer)),
            Next::Refuse(refusal) => Stage::Refused(refusal),
            Next::Wait(state) => Stage::Waiting(state),
        }
    }
}
