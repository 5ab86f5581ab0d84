//! Wrong passwords, by what was guessed at and from where.

use crate::domain::lockout::AttemptCounter;
use contracts::{ids::UserId, text::Email, time::Timestamp};
use platform::{
    db::{Error, Row, Tx},
    http::Network,
    params,
};
use sha2::{Digest as _, Sha256};

/// What was guessed at. A hash, because most made-up addresses belong to people who have no account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject([u8; 32]);

impl Subject {
    /// Logging in with this address, from wherever.
    #[must_use]
    pub fn login(email: &Email) -> Subject {
        Subject::of("login", &[email.as_bytes()])
    }

    /// Logging in with this address from this network.
    #[must_use]
    pub fn login_from(email: &Email, network: Network) -> Subject {
        Subject::of("login-from", &[&network.octets(), email.as_bytes()])
    }

    /// Changing this user's password: apart from logging in, so that nobody outside can keep its owner from it.
    #[must_use]
    pub fn change(user: UserId) -> Subject {
        Subject::of("change", &[user.0.as_bytes()])
    }

    /// All parts but the last have a length of their own, so that no two subjects are the same bytes.
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

/// As [`find`], held until the commit.
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

/// Forgets them.
pub async fn forget(tx: &mut Tx, subject: Subject) -> Result<(), Error> {
    tx.execute("DELETE FROM failed_logins WHERE subject = $1", params![subject.0]).await.map(|_| ())
}

/// Forgets every failed login of an account, from wherever. Whether a lock ended by it that was not announced as over.
pub async fn forget_logins(tx: &mut Tx, email: &Email, user: UserId) -> Result<bool, Error> {
    let known = lock(tx, Subject::login(email)).await?;
    tx.execute("DELETE FROM failed_logins WHERE user_id = $1 OR subject = $2", params![user, Subject::login(email).0]).await?;
    Ok(known.is_some_and(|counter| counter.locked_until.is_some()))
}

/// Locks that ended and were not announced as over, with the user where there is one.
pub async fn list_ended_locks(tx: &mut Tx, limit: i64) -> Result<Vec<(Subject, Option<UserId>)>, Error> {
    let now = tx.now();
    tx.query(
        "SELECT subject, user_id FROM failed_logins WHERE locked_until <= $1 ORDER BY locked_until LIMIT $2",
        params![now, limit],
        |row| Ok((Subject(row.next()?), row.next()?)),
    )
    .await
}

/// Whether the lock had ended and nobody had said so.
pub async fn end_lock(tx: &mut Tx, subject: Subject) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx
        .execute("UPDATE failed_logins SET locked_until = NULL WHERE subject = $1 AND locked_until <= $2", params![subject.0, now])
        .await?;
    Ok(rows == 1)
}

/// When the next lock ends.
pub async fn next_end(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    tx.query_opt("SELECT locked_until FROM failed_logins WHERE locked_until IS NOT NULL ORDER BY locked_until LIMIT 1", &[], |row| {
        row.next()
    })
    .await
}

/// Forgets those that ended before `before`, up to `limit`. How many there were.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM failed_logins WHERE subject IN (SELECT subject FROM failed_logins WHERE last_failed_at < $1 AND locked_until IS NULL \
         ORDER BY last_failed_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
