//! Shows that two actions at once end as one of them after the other would.
//!
//! The first of a pair is held before one of its statements while the other runs. When the other waits for a lock, the first
//! goes on. So every pair of actions is tried at every boundary between statements. What both answer, the state that a test
//! observes and the events of each aggregate must be those of one of the two orders; ids and instants are left out.

use super::{Harness, TestResponse};
use crate::{
    context::Context,
    db::{Db, Error, postgres::Hold},
    outbox,
};
use contracts::{ids::Uuid, time::Timestamp};
use serde_json::{Value, json};
use std::{collections::BTreeMap, future::Future, pin::Pin, time::Duration};

/// How often a test looks whether a statement waits for a lock.
const LOOKED: Duration = Duration::from_millis(2);
/// The most statements of one action.
const STATEMENTS: usize = 200;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Act<'a, S> = Box<dyn Fn(S, &'static str) -> Boxed<'a, Value> + 'a>;

/// Actions on the same rows.
pub struct Scenario<'a, S> {
    harness: &'a Harness,
    hold: &'a Hold,
    prepare: Box<dyn Fn() -> Boxed<'a, S> + 'a>,
    observe: Box<dyn Fn(S) -> Boxed<'a, Value> + 'a>,
    actions: Vec<(&'static str, Act<'a, S>)>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// How often one action ran while another was held.
    pub runs: usize,
    /// How often the other one waited for a lock.
    pub waits: usize,
    /// Outcomes that are those of no order.
    pub faults: Vec<String>,
}

impl<'a, S: Clone + 'a> Scenario<'a, S> {
    /// Actions on rows that `prepare` makes afresh for each run, and whose state `observe` returns afterwards. `None` without a
    /// server for tests: an embedded database runs one unit at a time.
    pub fn new<P, O>(harness: &'a Harness, prepare: impl Fn() -> P + 'a, observe: impl Fn(S) -> O + 'a) -> Option<Scenario<'a, S>>
    where
        P: Future<Output = S> + 'a,
        O: Future<Output = Value> + 'a,
    {
        let hold = harness.database.as_ref()?.hold();
        let prepare = Box::new(move || -> Boxed<'a, S> { Box::pin(prepare()) });
        let observe = Box::new(move |rows| -> Boxed<'a, Value> { Box::pin(observe(rows)) });
        Some(Scenario { harness, hold, prepare, observe, actions: Vec::new() })
    }

    /// Adds an action. It returns what it answers. Its requests carry the correlation id that it gets.
    #[must_use]
    pub fn action<F: Future<Output = Value> + 'a>(mut self, name: &'static str, act: impl Fn(S, &'static str) -> F + 'a) -> Self {
        self.actions.push((name, Box::new(move |rows, work| Box::pin(Context::new(work).scope(act(rows, work))))));
        self
    }

    /// Keeps the actions with these names.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.actions.retain(|(name, _)| names.contains(name));
        self
    }

    /// Tries every action against every action, itself too.
    pub async fn try_all(&self) -> Found {
        let mut found = Found::default();
        for first in 0..self.actions.len() {
            for second in 0..self.actions.len() {
                self.try_pair(first, second, &mut found).await;
            }
        }
        found
    }

    async fn try_pair(&self, first: usize, second: usize, found: &mut Found) {
        let orders = [self.in_order(first, second, false).await, self.in_order(first, second, true).await];
        for statement in 0..STATEMENTS {
            let (outcome, is_held) = self.interleaved(first, second, statement, found).await;
            if !orders.contains(&outcome) {
                let (first, second) = (self.actions[first].0, self.actions[second].0);
                found.faults.push(format!(
                    "`{second}` while `{first}` is held before its statement {statement}:\n  {outcome}\n  in order: {}\n  in the other: {}",
                    orders[0], orders[1]
                ));
            }
            if !is_held {
                return;
            }
        }
        panic!("{} has no end", self.actions[first].0);
    }

    /// Runs both, one after the other.
    async fn in_order(&self, first: usize, second: usize, is_reversed: bool) -> Value {
        let (rows, position) = self.begin().await;
        let (one, other) = if is_reversed {
            let other = (self.actions[second].1)(rows.clone(), "second").await;
            ((self.actions[first].1)(rows.clone(), "first").await, other)
        } else {
            let one = (self.actions[first].1)(rows.clone(), "first").await;
            (one, (self.actions[second].1)(rows.clone(), "second").await)
        };
        self.outcome(rows, position, one, other).await
    }

    /// Runs the second while the first is held. Returns whether it was held before it ended.
    async fn interleaved(&self, first: usize, second: usize, statement: usize, found: &mut Found) -> (Value, bool) {
        let (rows, position) = self.begin().await;
        self.hold.set("first", statement);
        let mut one = (self.actions[first].1)(rows.clone(), "first");
        let ended = tokio::select! {
            biased;
            answer = &mut one => Some(answer),
            () = self.hold.held() => None,
        };
        let mut other = (self.actions[second].1)(rows.clone(), "second");
        let Some(answer) = ended else {
            found.runs += 1;
            let ended = tokio::select! {
                biased;
                answer = &mut other => Some(answer),
                () = wait_for_lock(self.harness.db()) => None,
            };
            self.hold.release();
            let (one, other) = match ended {
                Some(other) => (one.await, other),
                None => {
                    found.waits += 1;
                    tokio::join!(one, other)
                }
            };
            return (self.outcome(rows, position, one, other).await, true);
        };
        self.hold.release();
        let other = other.await;
        (self.outcome(rows, position, answer, other).await, false)
    }

    async fn begin(&self) -> (S, i64) {
        self.hold.release();
        let rows = (self.prepare)().await;
        let newest = self.harness.db().read(async |tx| {
            let position = tx.query_one("SELECT COALESCE(MAX(position), 0) FROM outbox", &[], |row| row.next::<i64>()).await?;
            Ok::<_, Error>(position)
        });
        (rows, newest.await.expect("the outbox can be read"))
    }

    async fn outcome(&self, rows: S, position: i64, first: Value, second: Value) -> Value {
        let state = (self.observe)(rows).await;
        let events = outbox::read_after(self.harness.db(), position, usize::MAX >> 1).await.expect("the outbox can be read");
        let mut aggregates: BTreeMap<Uuid, Vec<Value>> = BTreeMap::new();
        for event in events.into_iter().map(|event| event.envelope) {
            let payload: Value = serde_json::from_str(event.payload.get()).expect("an event is JSON");
            aggregates.entry(event.aggregate_id).or_default().push(json!({"type": event.event_type, "payload": payload}));
        }
        let mut events: Vec<Value> = aggregates.into_values().map(|events| without_chance(Value::Array(events))).collect();
        events.sort_by_cached_key(ToString::to_string);
        without_chance(json!({"first": first, "second": second, "state": state, "events": events}))
    }
}

/// Waits until a statement waits for a lock.
async fn wait_for_lock(db: &Db) {
    let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting = db.read(async move |tx| tx.query_one(sql, &[], |row| row.next::<i64>()).await).await;
        if waiting.unwrap_or_else(|error: Error| panic!("the locks cannot be read: {error}")) > 0 {
            return;
        }
        // The question takes time of the unit that it asks about.
        #[expect(clippy::disallowed_methods, reason = "the server runs by the real clock")]
        tokio::time::sleep(LOOKED).await;
    }
}

/// Replaces ids, instants, order numbers and what is encrypted, which differ from run to run.
fn without_chance(value: Value) -> Value {
    match value {
        Value::String(text) if text.parse::<Uuid>().is_ok() => "an id".into(),
        Value::String(text) if text.parse::<Timestamp>().is_ok() => "an instant".into(),
        Value::Array(values) => values.into_iter().map(without_chance).collect(),
        Value::Object(fields) => {
            let kept = |(name, value): (String, Value)| {
                if name == "orderNumber" || name == "personal" { (name, Value::Null) } else { (name, without_chance(value)) }
            };
            fields.into_iter().map(kept).collect()
        }
        other => other,
    }
}

impl Harness {
    /// Has statements that contain this text lock no rows on a server, to see that a test needs the lock.
    pub fn lock_nothing(&self, text: &'static str) {
        if let Some(database) = &self.database {
            database.hold().lock_nothing(text);
        }
    }
}

impl TestResponse {
    /// The status of the answer, and the code of a problem.
    #[must_use]
    pub fn outcome(&self) -> Value {
        let code = serde_json::from_slice::<Value>(&self.body).ok().and_then(|body| body.get("code").cloned());
        json!({"status": self.status.as_u16(), "code": code})
    }
}

impl super::TestRequest<'_> {
    /// Gives it this correlation id.
    pub fn correlation_id(self, id: &str) -> Self {
        self.header(crate::http::CORRELATION_ID, id)
    }
}
