//! Counters of failed attempts, by account and network.

use crate::domain::lockout::AttemptCounter;
use contracts::{ids::UserId, text::Email, time::Timestamp};
use platform::{
    db::{Error, Row, Tx},
    http::Network,
    params,
};
use sha2::{Digest as _, Sha256};

/// What an attempt was for. A hash, because most unknown addresses belong to people without an account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Changing this user's password. It has a counter of its own, so that failed logins cannot block its owner.
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

fn counter(row: &mut Row<'_>) -> Result<AttemptCounter, Error> {
    Ok(AttemptCounter { count: row.next()?, last_at: row.next()?, blocked_until: row.next()?, locked_until: row.next()? })
}

pub async fn find(tx: &mut Tx, subject: Subject) -> Result<Option<AttemptCounter>, Error> {
    tx.query_opt(
        "SELECT failed_count, last_failed_at, blocked_until, locked_until FROM failed_logins WHERE subject = $1",
        params![subject.0],
        counter,
    )
    .await
}

/// As [`find`], with the row locked until the commit.
pub async fn lock(tx: &mut Tx, subject: Subject) -> Result<Option<AttemptCounter>, Error> {
    find(tx, subject).await
}

pub async fn save(tx: &mut Tx, subject: Subject, user: Option<UserId>, counter: &AttemptCounter) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO failed_logins (subject, user_id, failed_count, last_failed_at, blocked_until, locked_until) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject) DO UPDATE SET user_id = excluded.user_id, \
         failed_count = excluded.failed_count, last_failed_at = excluded.last_failed_at, \
         blocked_until = excluded.blocked_until, locked_until = excluded.locked_until",
        params![subject.0, user, counter.count, counter.last_at, counter.blocked_until, counter.locked_until],
    )
    .await
    .map(|_| ())
}

/// Deletes the counter of a subject.
pub async fn forget(tx: &mut Tx, subject: Subject) -> Result<(), Error> {
    tx.execute("DELETE FROM failed_logins WHERE subject = $1", params![subject.0]).await.map(|_| ())
}

/// Deletes every login counter of an account. Returns whether that ended a lock whose end was not announced.
pub async fn forget_logins(tx: &mut Tx, email: &Email, user: UserId) -> Result<bool, Error> {
    let known = lock(tx, Subject::login(email)).await?;
    tx.execute("DELETE FROM failed_logins WHERE user_id = $1 OR subject = $2", params![user, Subject::login(email).0]).await?;
    Ok(known.is_some_and(|counter| counter.locked_until.is_some()))
}

/// Returns locks that ended and were not announced, with the user if there is one.
pub async fn list_ended_locks(tx: &mut Tx, limit: i64) -> Result<Vec<(Subject, Option<UserId>)>, Error> {
    let now = tx.now();
    tx.query(
        "SELECT subject, user_id FROM failed_logins WHERE locked_until <= $1 ORDER BY locked_until LIMIT $2",
        params![now, limit],
        |row| Ok((Subject(row.next()?), row.next()?)),
    )
    .await
}

/// Marks the end of a lock as announced. Returns `false` when it is already marked or has not ended.
pub async fn end_lock(tx: &mut Tx, subject: Subject) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute("UPDATE failed_logins SET locked_until = NULL WHERE subject = $1 AND locked_until <= $2", params![subject.0, now])
        .await?;
    Ok(rows == 1)
}

/// Returns when the next lock ends.
pub async fn next_end(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    tx.query_opt("SELECT locked_until FROM failed_logins WHERE locked_until IS NOT NULL ORDER BY locked_until LIMIT 1", &[], |row| {
        row.next()
    })
    .await
}

/// Deletes up to `limit` counters without a failure since `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM failed_logins WHERE subject IN (SELECT subject FROM failed_logins WHERE last_failed_at < $1 AND locked_until IS NULL \
         ORDER BY last_failed_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
