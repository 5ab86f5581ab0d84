//! Counters of failed attempts, by account and network.

use crate::domain::lockout::AttemptCounter;
use contracts::{
    column::{BadColumn, Column, SqlValue},
    ids::UserId,
    text::Email,
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    due::DueQueue,
    hex,
    http::Network,
    params,
};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What an attempt was for. A hash, because most unknown addresses belong to people without an account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject([u8; 32]);

impl Subject {
    /// Logging in with this address, from any network.
    #[must_use]
    pub fn login(email: &Email) -> Subject {
        Subject::of("login", &[email.as_bytes()])
    }

    /// Logging in with this address from this network.
    #[must_use]
    pub fn login_from(email: &Email, network: Network) -> Subject {
        Subject::of("login-from", &[&network.octets(), email.as_bytes()])
    }

    /// Giving this user's password for a change, of the password or of something else that needs it. It has a counter of its own, so that failed logins cannot block its owner.
    #[must_use]
    pub fn change(user: UserId) -> Subject {
        Subject::of("change", &[user.0.as_bytes()])
    }

    /// All parts except the last have a fixed length, so that different subjects have different bytes.
    fn of(kind: &str, parts: &[&[u8]]) -> Subject {
        let hash = Sha256::new().chain_update(kind).chain_update([0]);
        Subject(parts.iter().fold(hash, |hash, part| hash.chain_update(part)).finalize().into())
    }
}

impl Column for Subject {
    fn to_sql(&self) -> SqlValue<'_> {
        self.0.to_sql()
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        Column::from_sql(stored).map(Subject)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

platform::table! {
    Counters in "failed_logins" of AttemptCounter, key [subject];
    columns { count = failed_count, last_at = last_failed_at, blocked_until, locked_until }
    extra { subject, user_id }
}

/// A counter that counts nothing and was forgotten long ago.
const EMPTY: AttemptCounter = AttemptCounter { count: 0, last_at: Timestamp(0), blocked_until: Timestamp(0), locked_until: None };

pub async fn find(tx: &mut Tx, subject: Subject) -> Result<Option<AttemptCounter>, Error> {
    tx.find::<Counters>("subject = $1", params![subject]).await
}

/// Returns the counter of a subject with its row locked until the commit; `None` when there was no row. An empty row is
/// then inserted, because only a row that exists can be locked, and the caller saves or forgets it. The counter of the
/// account is locked before that of the network.
pub async fn lock(tx: &mut Tx, subject: Subject) -> Result<Option<AttemptCounter>, Error> {
    loop {
        if let Some(counter) = tx.lock::<Counters>("subject = $1", params![subject]).await? {
            return Ok(Some(counter));
        }
        if tx.insert_if_absent_with::<Counters>(&EMPTY, "(subject)", &[("subject", &subject)]).await? {
            return Ok(None);
        }
        // A concurrent transaction inserted the row. It may be deleted again before it is locked, so this repeats.
    }
}

pub async fn save(tx: &mut Tx, subject: Subject, user: Option<UserId>, counter: &AttemptCounter) -> Result<(), Error> {
    tx.upsert_with::<Counters>(counter, &[("subject", &subject), ("user_id", &user)]).await
}

/// Deletes the counter of a subject.
pub async fn forget(tx: &mut Tx, subject: Subject) -> Result<(), Error> {
    tx.execute("DELETE FROM failed_logins WHERE subject = $1", params![subject]).await.map(|_| ())
}

/// Deletes every login counter of an account that the caller has locked, the account's own first. Returns whether that
/// ended a lock whose end was not announced.
pub async fn forget_logins(tx: &mut Tx, email: &Email, user: UserId) -> Result<bool, Error> {
    let subject = Subject::login(email);
    let known = tx.lock::<Counters>("subject = $1", params![subject]).await?;
    tx.execute("DELETE FROM failed_logins WHERE user_id = $1 OR subject = $2", params![user, subject]).await?;
    Ok(known.is_some_and(|counter| counter.locked_until.is_some()))
}

/// Locks by the instant of their end, until it is announced.
pub const ENDING_LOCKS: DueQueue<Subject> = DueQueue::new("failed_logins", "subject").due_at("locked_until");

/// Returns the user of a counter, if there is an account.
pub async fn find_user(tx: &mut Tx, subject: Subject) -> Result<Option<UserId>, Error> {
    Ok(tx.query_opt("SELECT user_id FROM failed_logins WHERE subject = $1", params![subject], |row| row.next()).await?.flatten())
}

/// Marks the end of a lock as announced. Returns `false` when it is already marked or has not ended.
pub async fn end_lock(tx: &mut Tx, subject: Subject) -> Result<bool, Error> {
    let now = tx.now();
    let sql = "UPDATE failed_logins SET locked_until = NULL WHERE subject = $1 AND locked_until <= $2";
    Ok(tx.execute(sql, params![subject, now]).await? == 1)
}

/// Deletes up to `limit` counters without a failure since `before`, and returns their number. The outer condition is
/// checked on the present row: a counter that counts a failure meanwhile stays.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM failed_logins WHERE last_failed_at < $1 AND locked_until IS NULL AND subject IN \
         (SELECT subject FROM failed_logins WHERE last_failed_at < $1 AND locked_until IS NULL ORDER BY last_failed_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
