//! One connection to PostgreSQL in one transaction at a time.

use super::{Emitted, SNAPSHOT, Shared, outbox};
use crate::db::Error;
use contracts::{column::SqlValue, ids::Uuid, time::Timestamp};
use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio_postgres::{
    Client, Row, Statement,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

/// How long an answer of the server may take. The server ends a statement before that.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);
/// Statements that are sent at most before one is waited for.
const MAX_SENT: usize = 64;
/// Statements that a connection keeps prepared at most.
const MAX_PREPARED: usize = 1_024;

/// Why the transaction cannot go on.
#[derive(Debug, Clone)]
pub(in crate::db) enum SessionFault {
    /// A statement failed; the server refuses all others until a savepoint is rolled back.
    Aborted(Error),
    /// Another transaction was in the way, and the unit is to run again.
    Race(Error),
    /// The connection is lost.
    Lost(Error),
    /// A read that began without a transaction needs one.
    NeedsSnapshot,
}

/// How many statements a unit may still run that has no transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    No,
    First,
    Used,
}

/// A statement that was sent, and whose outcome is not known yet.
type Sent = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>>>>;

pub(in crate::db) struct Session {
    client: Rc<Client>,
    shared: Rc<Shared>,
    prepared: RefCell<HashMap<Box<str>, Statement>>,
    /// Statements about the transaction that are sent together with the next other statement.
    control: RefCell<String>,
    /// Whether the server is in a transaction.
    is_open: Cell<bool>,
    fault: RefCell<Option<SessionFault>>,
    alone: Cell<Alone>,
    /// Whether every statement is waited for: a read has no commit that would tell of an error.
    waits: Cell<bool>,
    /// Statements that nobody waits for before the next one that somebody waits for, or the commit.
    sent: RefCell<Vec<Sent>>,
    /// The work that the present unit belongs to, where a test holds units.
    work: RefCell<Option<Arc<str>>>,
}

impl Session {
    pub fn new(client: Client, shared: Rc<Shared>) -> Session {
        let (prepared, control) = (RefCell::default(), RefCell::default());
        let (is_open, fault, alone) = (Cell::new(false), RefCell::new(None), Cell::new(Alone::No));
        let (client, waits, sent) = (Rc::new(client), Cell::new(false), RefCell::default());
        Session { client, shared, prepared, control, is_open, fault, alone, waits, sent, work: RefCell::new(None) }
    }

    /// Names the work that the next unit belongs to.
    pub fn belongs_to(&self, correlation_id: &Arc<str>) {
        if self.shared.address.hold.is_some() {
            *self.work.borrow_mut() = Some(correlation_id.clone());
        }
    }

    /// Waits before a statement, if a test says so.
    async fn pass(&self) {
        let Some(hold) = &self.shared.address.hold else { return };
        let work = self.work.borrow().clone();
        if let Some(work) = work {
            hold.pass(&work).await;
        }
    }

    /// Whether the rows of this statement are locked. They are, unless a test looks what happens otherwise.
    pub fn locks(&self, sql: &str) -> bool {
        self.shared.address.hold.as_ref().is_none_or(|hold| hold.locks(sql))
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the server is in a transaction.
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    pub fn fault(&self) -> Option<SessionFault> {
        self.fault.borrow().clone()
    }

    /// Begins a transaction with the next statement.
    pub fn begin(&self, sql: &'static str) {
        sql.clone_into(&mut self.control.borrow_mut());
        *self.fault.borrow_mut() = None;
        self.alone.set(Alone::No);
        self.waits.set(sql == SNAPSHOT);
        self.sent.borrow_mut().clear();
    }

    /// Begins a read of one statement, which sees one snapshot without a transaction. A second statement fails with
    /// [`SessionFault::NeedsSnapshot`].
    pub fn begin_alone(&self) {
        self.control.borrow_mut().clear();
        *self.fault.borrow_mut() = None;
        self.alone.set(Alone::First);
        self.waits.set(true);
    }

    /// Called before each statement of a unit.
    async fn begin_statement(&self) -> Result<(), Error> {
        self.pass().await;
        match self.alone.get() {
            Alone::No => Ok(()),
            Alone::First => {
                self.alone.set(Alone::Used);
                Ok(())
            }
            Alone::Used => {
                *self.fault.borrow_mut() = Some(SessionFault::NeedsSnapshot);
                Err(Error::Failed("the read needs a transaction".into()))
            }
        }
    }

    /// Sends `sql`, which is about a savepoint, with the next statement.
    pub fn control(&self, sql: &str) {
        if self.alone.get() != Alone::No {
            self.alone.set(Alone::Used);
            *self.fault.borrow_mut() = Some(SessionFault::NeedsSnapshot);
            return;
        }
        let mut control = self.control.borrow_mut();
        if !control.is_empty() {
            control.push_str("; ");
        }
        control.push_str(sql);
        if sql.starts_with("ROLLBACK TO") && matches!(*self.fault.borrow(), Some(SessionFault::Aborted(_))) {
            drop(control);
            *self.fault.borrow_mut() = None;
        }
    }

    pub async fn query(&self, sql: &str, values: Vec<SqlValue<'_>>) -> Result<Vec<Row>, Error> {
        let bound: Vec<Bound<'_>> = values.into_iter().map(Bound).collect();
        let params: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.run_query(sql, &params).await
    }

    pub async fn execute(&self, sql: &str, values: Vec<SqlValue<'_>>) -> Result<u64, Error> {
        let bound: Vec<Bound<'_>> = values.into_iter().map(Bound).collect();
        let params: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        Box::pin(async {
            self.begin_statement().await?;
            let statement = self.prepare(sql).await?;
            let params = fitting(&statement, &params)?;
            self.with_control(self.client.execute(&statement, params)).await
        })
        .await
    }

    /// Sends a statement and does not wait for its outcome. An error of it is the error of the next statement that is waited for, or of
    /// the commit.
    pub async fn send(&self, sql: &str, values: Vec<SqlValue<'_>>) -> Result<(), Error> {
        if self.waits.get() {
            return self.execute(sql, values).await.map(|_| ());
        }
        if self.sent.borrow().len() >= MAX_SENT {
            self.settle().await?;
        }
        let values: Vec<Bound<'static>> = values.into_iter().map(|value| Bound(owned(value))).collect();
        Box::pin(async {
            self.begin_statement().await?;
            let statement = self.prepare(sql).await?;
            let (client, control) = (self.client.clone(), self.control.take());
            if !control.is_empty() {
                self.is_open.set(true);
            }
            let mut sent: Sent = Box::pin(async move {
                let params: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
                let params = params.get(..statement.params().len()).unwrap_or(&params);
                if control.is_empty() {
                    return client.execute(&statement, params).await;
                }
                let (begun, done) = tokio::join!(biased; client.batch_execute(&control), client.execute(&statement, params));
                begun.and(done)
            });
            // The first poll sends it.
            match poll_fn(|context| Poll::Ready(sent.as_mut().poll(context))).await {
                Poll::Pending => {
                    self.sent.borrow_mut().push(sent);
                    Ok(())
                }
                Poll::Ready(outcome) => outcome.map(|_| ()).map_err(|error| self.failed(Failure::Server(error))),
            }
        })
        .await
    }

    /// Waits for the statements that were only sent. The error is that of the first one that failed.
    pub async fn settle(&self) -> Result<(), Error> {
        for sent in self.sent.take() {
            wait(sent).await.map_err(|failure| self.failed(failure))?;
        }
        Ok(())
    }

    pub(super) async fn run_query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        Box::pin(async {
            self.begin_statement().await?;
            let statement = self.prepare(sql).await?;
            let params = fitting(&statement, params)?;
            self.with_control(self.client.query(&statement, params)).await
        })
        .await
    }

    /// Writes the events and commits. [`Error::Unknown`] when the commit was sent and its outcome is not known.
    pub async fn commit(&self, events: Vec<Emitted>, now: Timestamp) -> Result<(), Error> {
        if !events.is_empty() {
            self.pass().await;
            let rows = outbox::Rows::of(events, now);
            let statement = self.prepare(outbox::INSERT).await?;
            let params = rows.params();
            let inserted = self.with_control(self.client.execute(&statement, &params));
            // They are sent together. When the rows are refused, the server rolls back at the COMMIT.
            let commit = wait(self.client.batch_execute("COMMIT"));
            let (inserted, committed) = tokio::join!(biased; inserted, commit);
            self.is_open.set(false);
            return match (inserted, committed) {
                (Ok(_), committed) => self.committed(committed),
                (Err(error), _) if matches!(*self.fault.borrow(), Some(SessionFault::Lost(_))) => Err(Error::Unknown(error.to_string())),
                (Err(error), _) => Err(error),
            };
        }
        self.pass().await;
        let control = self.control.take();
        if !self.is_open.get() && control.starts_with("BEGIN") {
            // The unit ran no statement.
            return Ok(());
        }
        let sql = if control.is_empty() { "COMMIT".to_owned() } else { control + "; COMMIT" };
        // When a statement failed that was sent before, the server rolls back at the COMMIT.
        let (settled, committed) = tokio::join!(biased; self.settle(), wait(self.client.batch_execute(&sql)));
        self.is_open.set(false);
        match settled {
            Ok(()) => self.committed(committed),
            Err(error) if matches!(*self.fault.borrow(), Some(SessionFault::Lost(_))) => Err(Error::Unknown(error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn committed(&self, committed: Result<(), Failure>) -> Result<(), Error> {
        let Err(failure) = committed else { return Ok(()) };
        let refused = matches!(&failure, Failure::Server(error) if error.as_db_error().is_some() && !is_end_of_connection(error));
        let error = self.failed(failure);
        if refused { Err(error) } else { Err(Error::Unknown(error.to_string())) }
    }

    /// Ends the transaction without its changes.
    pub async fn roll_back(&self) -> Result<(), Error> {
        self.control.borrow_mut().clear();
        self.sent.borrow_mut().clear();
        if self.is_open.replace(false) {
            wait(self.client.batch_execute("ROLLBACK")).await.map_err(|failure| self.failed(failure))?;
        }
        *self.fault.borrow_mut() = None;
        Ok(())
    }

    /// Numbers the events of the outbox that have no number, and returns the last number given.
    pub async fn number_outbox(&self) -> Result<Option<i64>, Error> {
        *self.work.borrow_mut() = None;
        self.begin("BEGIN READ WRITE; SELECT pg_advisory_xact_lock(7305790)");
        let mut newest = None;
        loop {
            let rows = self.run_query(outbox::NUMBER, &[]).await?;
            match rows.iter().map(|row| row.get::<_, i64>(0)).max() {
                Some(number) => newest = Some(number),
                None => break,
            }
        }
        let committed = wait(self.client.batch_execute("COMMIT")).await;
        self.is_open.set(false);
        self.committed(committed).map(|()| newest)
    }

    /// Prepares a statement, once for each connection.
    async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.prepared.borrow().get(sql) {
            return Ok(statement.clone());
        }
        self.settle().await?;
        self.send_control().await?;
        let statement = wait(self.client.prepare(sql)).await.map_err(|failure| self.failed(failure))?;
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() >= MAX_PREPARED {
            prepared.clear();
        }
        prepared.insert(sql.into(), statement.clone());
        Ok(statement)
    }

    async fn send_control(&self) -> Result<(), Error> {
        let control = self.control.take();
        if control.is_empty() {
            return Ok(());
        }
        self.is_open.set(true);
        wait(self.client.batch_execute(&control)).await.map_err(|failure| self.failed(failure))
    }

    /// Sends the pending control statements and `statement` together, and waits for all that was sent.
    async fn with_control<T>(&self, statement: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Error> {
        let control = self.control.take();
        if control.is_empty() {
            // The statements that were sent before come first, also with their errors.
            let (settled, outcome) = tokio::join!(biased; self.settle(), wait(statement));
            settled?;
            return outcome.map_err(|failure| self.failed(failure));
        }
        self.is_open.set(true);
        let (settled, begun, outcome) = tokio::join!(biased; self.settle(), wait(self.client.batch_execute(&control)), wait(statement));
        settled?;
        begun.map_err(|failure| self.failed(failure))?;
        outcome.map_err(|failure| self.failed(failure))
    }

    /// Returns the error, after what it means for the transaction was noted.
    fn failed(&self, failure: Failure) -> Error {
        let (error, fault) = match failure {
            Failure::Late => {
                let error = Error::Unavailable("the database server does not answer".into());
                (error.clone(), SessionFault::Lost(error))
            }
            Failure::Server(error) if is_end_of_connection(&error) || error.as_db_error().is_none() && self.client.is_closed() => {
                let error = Error::Unavailable(format!("the connection to the database server was lost: {}", describe(&error)));
                (error.clone(), SessionFault::Lost(error))
            }
            Failure::Server(error) => {
                let is_outdated = error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) && error.to_string().contains("cached plan");
                if is_outdated {
                    self.prepared.borrow_mut().clear();
                }
                let code = error.code().cloned();
                let found = self.error(&error);
                let is_race = is_outdated || matches!(code, Some(SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED));
                (found.clone(), if is_race { SessionFault::Race(found) } else { SessionFault::Aborted(found) })
            }
        };
        let mut known = self.fault.borrow_mut();
        if !matches!(
            (&*known, &fault),
            (Some(SessionFault::Race(_) | SessionFault::Lost(_) | SessionFault::NeedsSnapshot), SessionFault::Aborted(_))
        ) {
            *known = Some(fault);
        }
        error
    }

    fn error(&self, error: &tokio_postgres::Error) -> Error {
        let Some(found) = error.as_db_error() else { return Error::Failed(describe(error)) };
        let code = found.code();
        if *code == SqlState::NOT_NULL_VIOLATION {
            let name = format!("{}.{}", found.table().unwrap_or_default(), found.column().unwrap_or_default());
            return Error::Constraint { name };
        }
        if code.code().starts_with("23") {
            let name = found.constraint().unwrap_or_default();
            return Error::Constraint { name: self.shared.unique.get(name).map_or(name, String::as_str).to_owned() };
        }
        match *code {
            SqlState::DISK_FULL | SqlState::IO_ERROR => Error::StorageFull(describe(error)),
            SqlState::LOCK_NOT_AVAILABLE | SqlState::TOO_MANY_CONNECTIONS => Error::Busy,
            _ => Error::Failed(describe(error)),
        }
    }
}

/// What went wrong with a message to the server.
pub(super) enum Failure {
    Late,
    Server(tokio_postgres::Error),
}

/// Outside of a unit it does not matter what the transaction has become.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Late => Error::Unavailable("the database server does not answer".into()),
            Failure::Server(error) => Error::Failed(describe(&error)),
        }
    }
}

pub(super) async fn wait<T>(answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
    match tokio::time::timeout(ANSWER_LIMIT, answer).await {
        Ok(answer) => answer.map_err(Failure::Server),
        Err(_) => Err(Failure::Late),
    }
}

/// Whether the server said that it ends the connection.
fn is_end_of_connection(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code().is_some_and(|code| code.code().starts_with("57P") || code.code().starts_with("08"))
}

/// What the driver or the server says. Neither repeats a password.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(found) => format!("{} ({})", found.message(), found.code().code()),
        None => crate::error_chain(error),
    }
}

/// Returns the values that the statement has parameters for.
fn fitting<'a, 'b>(statement: &Statement, params: &'a [&'b (dyn ToSql + Sync)]) -> Result<&'a [&'b (dyn ToSql + Sync)], Error> {
    let wanted = statement.params().len();
    params.get(..wanted).ok_or_else(|| Error::Failed(format!("parameter {wanted} of a statement has no value")))
}

/// Reads a column.
pub(in crate::db) fn value(row: &Row, column: usize) -> Result<SqlValue<'_>, Error> {
    row.try_get::<_, Found<'_>>(column).map(|found| found.0).map_err(|error| Error::Failed(describe(&error)))
}

struct Found<'a>(SqlValue<'a>);

impl<'a> FromSql<'a> for Found<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Found<'a>, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Found(match *kind {
            Type::BOOL => SqlValue::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => SqlValue::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => SqlValue::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => SqlValue::Int(i16::from_sql(kind, raw)?.into()),
            Type::UUID => SqlValue::Uuid(Uuid::from_slice(raw)?),
            Type::BYTEA => SqlValue::Bytes(Cow::Borrowed(raw)),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => SqlValue::Text(std::str::from_utf8(raw)?.into()),
            _ => return Err(format!("a column holds a {kind}").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Found<'a>, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Found(SqlValue::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[derive(Debug)]
struct Bound<'a>(SqlValue<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (&self.0, kind) {
            (SqlValue::Null, _) => return Ok(IsNull::Yes),
            (SqlValue::Int(value), &Type::INT8) => out.extend_from_slice(&value.to_be_bytes()),
            (SqlValue::Int(value), &Type::INT4) => out.extend_from_slice(&i32::try_from(*value)?.to_be_bytes()),
            (SqlValue::Int(value), &Type::INT2) => out.extend_from_slice(&i16::try_from(*value)?.to_be_bytes()),
            (SqlValue::Bool(value), &Type::BOOL) => out.extend_from_slice(&[u8::from(*value)]),
            (SqlValue::Bool(value), &Type::INT8) => out.extend_from_slice(&i64::from(*value).to_be_bytes()),
            (SqlValue::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME | &Type::UNKNOWN) => out.extend_from_slice(text.as_bytes()),
            (SqlValue::Bytes(bytes), &Type::BYTEA | &Type::UUID) => out.extend_from_slice(bytes),
            (SqlValue::Uuid(id), &Type::UUID | &Type::BYTEA) => out.extend_from_slice(id.as_bytes()),
            (value, kind) => return Err(format!("a parameter of type {kind} was given {}", kind_of(value)).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn owned(value: SqlValue<'_>) -> SqlValue<'static> {
    match value {
        SqlValue::Null => SqlValue::Null,
        SqlValue::Bool(value) => SqlValue::Bool(value),
        SqlValue::Int(value) => SqlValue::Int(value),
        SqlValue::Text(text) => SqlValue::Text(text.into_owned().into()),
        SqlValue::Bytes(bytes) => SqlValue::Bytes(bytes.into_owned().into()),
        SqlValue::Uuid(id) => SqlValue::Uuid(id),
    }
}

fn kind_of(value: &SqlValue<'_>) -> &'static str {
    match value {
        SqlValue::Null => "NULL",
        SqlValue::Bool(_) => "a boolean",
        SqlValue::Int(_) => "a number",
        SqlValue::Text(_) => "text",
        SqlValue::Bytes(_) => "bytes",
        SqlValue::Uuid(_) => "a UUID",
    }
}
