//! What a unit of work may do: run statements, emit events, wake workers.

use super::{Error, Params, postgres, storage::Storage};
use crate::{
    context::Context,
    env::Env,
    personal::{self, PersonalPayload, unparsable},
};
use contracts::{
    column::{Column, ColumnAs, SqlValue},
    event::Event,
    ids::{EventId, UserId, Uuid},
    time::Timestamp,
};
use rusqlite::{CachedStatement, Connection, ErrorCode, types::ValueRef};
use std::{borrow::Cow, path::PathBuf, rc::Rc, sync::Arc, time::Duration};

/// A transaction in progress.
pub struct Tx {
    session: Session,
    origin: Arc<Origin>,
    now: Timestamp,
    context: Context,
    events: Vec<Emitted>,
    wake: Vec<&'static str>,
}

/// The connection of a transaction.
pub(super) enum Session {
    Sqlite(Rc<Connection>),
    Postgres(Rc<postgres::Session>),
}

/// The database of a transaction.
pub(super) struct Origin {
    pub service: &'static str,
    pub env: Env,
    /// Its file, or its name and server.
    pub path: PathBuf,
    pub storage: Arc<Storage>,
}

impl Origin {
    /// Records a failure whose cause is the disk.
    pub fn record(&self, error: &Error, correlation_id: &Arc<str>) {
        self.storage.record(self.service, &self.path, error, correlation_id);
    }
}

/// An event that is written to the outbox at the end of its unit.
pub(super) struct Emitted {
    pub id: EventId,
    pub event_type: &'static str,
    pub aggregate_type: &'static str,
    pub aggregate_id: Uuid,
    pub version: u32,
    pub payload: String,
    pub correlation_id: Arc<str>,
    pub causation_id: Option<EventId>,
    pub actor_id: Option<UserId>,
}

/// What happens after the commit of a unit.
#[derive(Default)]
pub(super) struct CommitEffects {
    pub newest_position: Option<i64>,
    pub wake: Vec<&'static str>,
}

impl CommitEffects {
    pub fn merge(&mut self, other: CommitEffects) {
        self.newest_position = self.newest_position.max(other.newest_position);
        for worker in other.wake {
            if !self.wake.contains(&worker) {
                self.wake.push(worker);
            }
        }
    }
}

impl Tx {
    pub(super) fn new(session: Session, origin: Arc<Origin>, context: Context) -> Tx {
        let now = origin.env.now();
        Tx { session, origin, now, context, events: Vec::new(), wake: Vec::new() }
    }

    /// Returns the instant at which this unit began, however long it takes.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the id of this run of the program.
    #[must_use]
    pub fn process_id(&self) -> Uuid {
        self.origin.env.process_id()
    }

    /// Makes a new id.
    #[must_use]
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        self.origin.env.new_id()
    }

    /// Makes random bytes that are fit for secrets.
    #[must_use]
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        self.origin.env.random_bytes()
    }

    /// Returns the request or event that this unit belongs to.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Sets the request or event that the rest of this unit belongs to: each event of a batch has its own.
    pub fn set_context(&mut self, context: Context) {
        self.context = context;
    }

    /// Publishes an event if and only if the unit commits. Events of one aggregate are numbered in the order of emission.
    ///
    /// # Panics
    /// In a debug build, when a service of the list of `contracts` emits an event that the list does not name.
    pub fn emit<E: Event>(&mut self, event: E) {
        debug_assert!(
            !contracts::SERVICE_NAMES.contains(&E::PRODUCER) || contracts::is_listed_event(E::PRODUCER, E::TYPE),
            "{} is missing in the events of {}",
            E::TYPE,
            E::PRODUCER
        );
        self.events.push(Emitted {
            id: self.origin.env.new_id(),
            event_type: E::TYPE,
            aggregate_type: E::AGGREGATE,
            aggregate_id: event.aggregate_id(),
            version: E::VERSION,
            payload: serde_json::to_string(&event).expect("an event has text keys and finite numbers"),
            correlation_id: self.context.correlation_id.clone(),
            causation_id: self.context.causation_id,
            actor_id: self.context.actor_id,
        });
    }

    /// Wakes a worker of this service after the commit.
    pub fn notify_worker(&mut self, worker: &'static str) {
        if !self.wake.contains(&worker) {
            self.wake.push(worker);
        }
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// [`Error::Constraint`], [`Error::Failed`].
    pub async fn execute(&mut self, sql: &'static str, params: Params<'_>) -> Result<u64, Error> {
        match &self.session {
            Session::Sqlite(connection) => self.run(connection, sql, params),
            Session::Postgres(session) => self.recorded(session.execute(sql, values_of(params)).await),
        }
    }

    /// Runs a statement whose count nobody needs. On a server it is sent and not waited for: an error of it is the error of the next
    /// statement that is waited for, of the savepoint around it, or of the commit.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn execute_pipelined(&mut self, sql: &'static str, params: Params<'_>) -> Result<(), Error> {
        match &self.session {
            Session::Sqlite(connection) => self.run(connection, sql, params).map(|_| ()),
            Session::Postgres(session) => self.recorded(session.send(sql, values_of(params)).await),
        }
    }

    /// Waits for the statements that were only sent.
    async fn settle(&mut self) -> Result<(), Error> {
        match &self.session {
            Session::Sqlite(_) => Ok(()),
            Session::Postgres(session) => self.recorded(session.settle().await),
        }
    }

    /// Returns every row of a query, each read by `read`.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::Column`], or the error of `read`.
    pub async fn query<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        mut read: impl FnMut(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let connection = match &self.session {
            Session::Sqlite(connection) => connection,
            Session::Postgres(session) => {
                let rows = self.recorded(session.query(sql, values_of(params)).await)?;
                return rows.iter().map(|row| read(&mut Row { row: Source::Postgres(row), column: 0 })).collect();
            }
        };
        let mut statement = self.prepare(connection, sql)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.failed(error))? {
            found.push(read(&mut Row { row: Source::Sqlite(row), column: 0 })?);
        }
        Ok(found)
    }

    /// Returns the first row of a query, if there is one.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn query_opt<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let connection = match &self.session {
            Session::Sqlite(connection) => connection,
            Session::Postgres(session) => {
                let rows = self.recorded(session.query(sql, values_of(params)).await)?;
                return rows.first().map(|row| read(&mut Row { row: Source::Postgres(row), column: 0 })).transpose();
            }
        };
        let mut statement = self.prepare(connection, sql)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        match rows.next().map_err(|error| self.failed(error))? {
            Some(row) => read(&mut Row { row: Source::Sqlite(row), column: 0 }).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the row of a query that always has one: an aggregate, an `UPDATE … RETURNING`.
    ///
    /// # Errors
    /// As [`Tx::query`], and [`Error::Failed`] when there is no row.
    pub async fn query_one<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.query_opt(sql, params, read).await?.ok_or_else(|| Error::Failed("a row was expected".into()))
    }

    /// [`Tx::query_opt`] for a row that a decision depends on: it stays locked until the commit. `sql` selects from one
    /// table, without aggregates; the database's own way to lock the row is added to it.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn lock_opt<T>(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.query_opt(&self.for_update(sql), params, read).await
    }

    /// [`Tx::query`] for rows that a decision depends on, as [`Tx::lock_opt`]. `sql` orders the rows by their key, so that
    /// two units lock them in the same order.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn lock_all<T>(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
        read: impl FnMut(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.query(&self.for_update(sql), params, read).await
    }

    /// Returns `span` changed by up to a quarter at random, for the time of a next attempt; as [`Env::jitter`].
    #[must_use]
    pub fn jitter(&self, span: Duration) -> Duration {
        self.origin.env.jitter(span)
    }

    /// Runs `part` in a savepoint: when it fails, its changes, events and wake-ups are rolled back, and the unit goes on.
    ///
    /// # Errors
    /// The error of `part`.
    pub async fn savepoint<T, E: From<Error>>(&mut self, part: impl AsyncFnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E> {
        let (events, wake) = (self.events.len(), self.wake.len());
        // What was sent before is no part of it.
        self.control("SAVEPOINT part")?;
        let outcome = match part(self).await {
            Ok(value) => self.settle().await.map(|()| value).map_err(E::from),
            refused => refused,
        };
        match outcome {
            Ok(value) => {
                self.control("RELEASE part")?;
                Ok(value)
            }
            Err(error) => {
                self.control("ROLLBACK TO part")?;
                self.control("RELEASE part")?;
                self.events.truncate(events);
                self.wake.truncate(wake);
                Err(error)
            }
        }
    }

    /// Encrypts what the emitted events say about persons, at the end of a unit.
    pub(super) async fn encrypt_personal_fields(&mut self) -> Result<(), Error> {
        for index in 0..self.events.len() {
            let text = std::mem::take(&mut self.events[index].payload);
            let event = &self.events[index];
            let read = PersonalPayload::read(event.event_type, event.aggregate_id, &text).map_err(unparsable)?;
            self.events[index].payload = match read {
                Some(payload) => {
                    let key = personal::own_key(self, payload.person()).await?;
                    payload.encrypt(&key, self.random_bytes()).map_err(unparsable)?
                }
                None => text,
            };
        }
        Ok(())
    }

    /// Writes the emitted events to the outbox of an embedded database, at the end of a unit.
    pub(super) fn write_outbox(&mut self, connection: &Connection) -> Result<CommitEffects, Error> {
        let (mut newest_position, now) = (None, self.now);
        for event in std::mem::take(&mut self.events) {
            let sequence: i64 = self.query_value(
                connection,
                "INSERT INTO aggregates (aggregate_id, sequence) VALUES ($1, 1) \
                 ON CONFLICT (aggregate_id) DO UPDATE SET sequence = aggregates.sequence + 1 RETURNING sequence",
                crate::params![event.aggregate_id],
            )?;
            let position: i64 = self.query_value(
                connection,
                "INSERT INTO outbox (event_id, event_type, aggregate_type, aggregate_id, sequence, payload, correlation_id, causation_id, \
                 actor_id, schema_version, occurred_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING position",
                crate::params![
                    event.id,
                    event.event_type,
                    event.aggregate_type,
                    event.aggregate_id,
                    sequence,
                    event.payload,
                    &*event.correlation_id,
                    event.causation_id,
                    event.actor_id,
                    event.version,
                    now
                ],
            )?;
            newest_position = Some(position);
        }
        Ok(CommitEffects { newest_position, wake: std::mem::take(&mut self.wake) })
    }

    /// Takes what a unit on PostgreSQL emitted and notified.
    pub(super) fn take_effects(&mut self) -> (Vec<Emitted>, CommitEffects) {
        (std::mem::take(&mut self.events), CommitEffects { newest_position: None, wake: std::mem::take(&mut self.wake) })
    }

    /// Returns the name of the service that owns the database.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.origin.service
    }

    /// Whether several processes may use the database at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.session, Session::Postgres(_))
    }

    /// Whether the disk is full, so that this unit cannot be stored.
    pub(crate) fn storage_is_full(&self) -> bool {
        self.origin.storage.is_full()
    }

    /// Returns the statement that reads the rows of `sql` and keeps them locked until the commit. For SQLite that is `sql`
    /// itself, because one writer runs at a time.
    pub(super) fn for_update<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        match self.session {
            Session::Postgres(ref session) if session.locks(sql) => Cow::Owned([sql, " FOR UPDATE"].concat()),
            _ => Cow::Borrowed(sql),
        }
    }

    /// Prepares a statement; every statement of a unit on SQLite goes through here.
    fn prepare<'a>(&self, connection: &'a Connection, sql: &str) -> Result<CachedStatement<'a>, Error> {
        check_in_transaction(connection)?;
        connection.prepare_cached(sql).map_err(|error| self.failed(error))
    }

    /// Returns the error of a statement, after it was recorded if its cause is the disk.
    fn failed(&self, error: rusqlite::Error) -> Error {
        let error = db_error(error);
        self.origin.record(&error, &self.context.correlation_id);
        error
    }

    /// As [`Tx::failed`].
    fn recorded<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        outcome.inspect_err(|error| self.origin.record(error, &self.context.correlation_id))
    }

    /// Runs a statement about a savepoint. On PostgreSQL it is sent with the next statement.
    fn control(&mut self, sql: &'static str) -> Result<(), Error> {
        match &self.session {
            Session::Sqlite(connection) => self.run(connection, sql, &[]).map(|_| ()),
            Session::Postgres(session) => {
                session.control(sql);
                Ok(())
            }
        }
    }

    fn run(&self, connection: &Connection, sql: &str, params: Params<'_>) -> Result<u64, Error> {
        let mut statement = self.prepare(connection, sql)?;
        bind(&mut statement, params)?;
        statement.raw_execute().map(|rows| rows as u64).map_err(|error| self.failed(error))
    }

    /// [`Tx::execute`] for values that were made already.
    pub(super) async fn execute_values(&mut self, sql: &str, values: Vec<SqlValue<'_>>) -> Result<u64, Error> {
        let connection = match &self.session {
            Session::Sqlite(connection) => connection,
            Session::Postgres(session) => return self.recorded(session.execute(sql, values).await),
        };
        let mut statement = self.prepare(connection, sql)?;
        bind_values(&mut statement, |number| values.get(number).map(SqlValue::borrowed))?;
        statement.raw_execute().map(|rows| rows as u64).map_err(|error| self.failed(error))
    }

    /// [`Tx::execute_pipelined`] for values that were made already.
    pub(super) async fn send_values(&mut self, sql: &str, values: Vec<SqlValue<'_>>) -> Result<(), Error> {
        match &self.session {
            Session::Sqlite(_) => self.execute_values(sql, values).await.map(|_| ()),
            Session::Postgres(session) => self.recorded(session.send(sql, values).await),
        }
    }

    fn query_value<T: Column>(&self, connection: &Connection, sql: &str, params: Params<'_>) -> Result<T, Error> {
        let mut statement = self.prepare(connection, sql)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let row = rows.next().map_err(|error| self.failed(error))?.ok_or_else(|| Error::Failed("a row was expected".into()))?;
        let value = Row { row: Source::Sqlite(row), column: 0 }.next();
        // An INSERT … RETURNING is complete only after its last row.
        rows.next().map_err(|error| self.failed(error))?;
        value
    }
}

fn values_of<'a>(params: Params<'a>) -> Vec<SqlValue<'a>> {
    params.iter().map(|param| param.to_sql()).collect()
}

/// One row of a result, read column by column in the order of the SELECT list.
pub struct Row<'a> {
    row: Source<'a>,
    column: usize,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// Reads the next column.
    ///
    /// # Errors
    /// [`Error::Column`] when the value does not fit the type.
    #[expect(clippy::should_implement_trait, reason = "each call reads a column of another type")]
    pub fn next<T: Column>(&mut self) -> Result<T, Error> {
        T::from_sql(self.next_value()?).map_err(Error::Column)
    }

    /// Reads the next column as text, whatever it holds.
    ///
    /// # Errors
    /// [`Error::Failed`] when there is no such column.
    pub(crate) fn next_text(&mut self) -> Result<String, Error> {
        if let Source::Sqlite(row) = self.row
            && let ValueRef::Real(value) = row.get_ref(self.column).map_err(db_error)?
        {
            self.column += 1;
            return Ok(value.to_string());
        }
        Ok(match self.next_value()? {
            SqlValue::Null => String::new(),
            SqlValue::Bool(value) => value.to_string(),
            SqlValue::Int(value) => value.to_string(),
            SqlValue::Text(text) => text.into_owned(),
            SqlValue::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            SqlValue::Uuid(id) => id.to_string(),
        })
    }

    /// Reads the next column, which is stored as `C` says.
    ///
    /// # Errors
    /// [`Error::Column`] when the value does not fit the type.
    pub fn next_as<C: ColumnAs<T>, T>(&mut self) -> Result<T, Error> {
        C::from_sql(self.next_value()?).map_err(Error::Column)
    }

    /// Skips the next `columns` if all of them are NULL, and returns whether they are.
    ///
    /// # Errors
    /// [`Error::Failed`] when the statement has fewer.
    pub fn skip_nulls(&mut self, columns: usize) -> Result<bool, Error> {
        for column in self.column..self.column + columns {
            let is_null = match self.row {
                Source::Sqlite(row) => row.get_ref(column).map_err(db_error)? == ValueRef::Null,
                Source::Postgres(row) => postgres::value(row, column)? == SqlValue::Null,
            };
            if !is_null {
                return Ok(false);
            }
        }
        self.column += columns;
        Ok(true)
    }

    fn next_value(&mut self) -> Result<SqlValue<'_>, Error> {
        let column = self.column;
        self.column += 1;
        let row = match self.row {
            Source::Sqlite(row) => row,
            Source::Postgres(row) => return postgres::value(row, column),
        };
        Ok(match row.get_ref(column).map_err(db_error)? {
            ValueRef::Null => SqlValue::Null,
            ValueRef::Integer(value) => SqlValue::Int(value),
            ValueRef::Text(text) => SqlValue::Text(String::from_utf8_lossy(text)),
            ValueRef::Blob(bytes) => SqlValue::Bytes(Cow::Borrowed(bytes)),
            ValueRef::Real(_) => return Err(Error::Failed("a column holds a float".into())),
        })
    }
}

fn bind(statement: &mut rusqlite::Statement<'_>, params: Params<'_>) -> Result<(), Error> {
    bind_values(statement, |number| params.get(number).map(|param| param.to_sql()))
}

/// Binds the value at `n - 1` to each `$n`.
fn bind_values<'a>(statement: &mut rusqlite::Statement<'_>, value_at: impl Fn(usize) -> Option<SqlValue<'a>>) -> Result<(), Error> {
    for index in 1..=statement.parameter_count() {
        // SQLite numbers parameters by first appearance, so the value is found by the name `$n`, not by the number.
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| value_at(number.checked_sub(1)?));
        match value.ok_or_else(|| Error::Failed(format!("parameter {index} of a statement has no value")))? {
            SqlValue::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
            SqlValue::Bool(value) => statement.raw_bind_parameter(index, value),
            SqlValue::Int(value) => statement.raw_bind_parameter(index, value),
            SqlValue::Text(text) => statement.raw_bind_parameter(index, &*text),
            SqlValue::Bytes(bytes) => statement.raw_bind_parameter(index, &*bytes),
            SqlValue::Uuid(id) => statement.raw_bind_parameter(index, &id.as_bytes()[..]),
        }
        .map_err(db_error)?;
    }
    Ok(())
}

/// Fails when the database ended the transaction by itself, as it does without space or memory. Later statements would
/// each commit on their own.
pub(super) fn check_in_transaction(connection: &Connection) -> Result<(), Error> {
    match connection.is_autocommit() {
        true => Err(Error::StorageFull("the database ended the transaction".into())),
        false => Ok(()),
    }
}

pub(super) fn db_error(error: rusqlite::Error) -> Error {
    match &error {
        rusqlite::Error::SqliteFailure(code, message) if code.code == ErrorCode::ConstraintViolation => {
            // "UNIQUE constraint failed: products.sku": the part after the colon names the constraint.
            let message = message.as_deref().unwrap_or_default();
            Error::Constraint { name: message.rsplit(": ").next().unwrap_or_default().to_owned() }
        }
        rusqlite::Error::SqliteFailure(code, _) => match code.code {
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => Error::StorageFull(error.to_string()),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Error::Damaged(error.to_string()),
            _ => Error::Failed(error.to_string()),
        },
        _ => Error::Failed(error.to_string()),
    }
}
