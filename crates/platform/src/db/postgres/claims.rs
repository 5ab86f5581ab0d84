//! Which due rows the processes that share a database work on.
//!
//! A claim is a row of its own, so that the rows of the services stay free for other units. The turns of one worker exclude each
//! other in all processes. A turn reads the claims before the rows: a row without a claim has either no work in progress, or the
//! work is committed and the row shows it. So no two processes begin the same work.

use crate::{
    db::{Error, Tx},
    params,
};
use contracts::time::Timestamp;
use std::time::Duration;

/// How long a claim holds. The rows of a process that ends without a word are worked on again after this time. The clocks of
/// the processes may differ by what is left of it at a renewal.
pub(crate) const HELD: Duration = Duration::from_secs(15);
/// How often a claim is renewed while the work goes on.
pub(crate) const RENEWED: Duration = Duration::from_secs(5);

/// Separates keys in one text. It is in no key.
const SEPARATOR: &str = "\u{1f}";

/// Excludes turns of this worker in other processes until the commit. The claims need not survive a crash of the server, which
/// ends the work too, so the commit does not wait for the disk.
pub(crate) async fn exclude_turns(tx: &mut Tx, worker: &'static str) -> Result<(), Error> {
    let sql = "SELECT set_config('synchronous_commit', 'off', TRUE) FROM pg_advisory_xact_lock(7305791, hashtext($1))";
    tx.query(sql, params![worker], |_| Ok(())).await.map(|_| ())
}

/// Returns the keys that other processes work on, and until when they claim them.
pub(crate) async fn list_of_others(tx: &mut Tx, worker: &'static str) -> Result<Vec<(String, Timestamp)>, Error> {
    let (holder, now) = (tx.process_id(), tx.now());
    let sql = "SELECT row_key, held_until FROM due_claims WHERE worker = $1 AND holder <> $2 AND held_until > $3";
    tx.query(sql, params![worker, holder, now], |row| Ok((row.next()?, row.next()?))).await
}

/// Claims rows for this process, ends its claims to `ended`, and forgets those of others that ended by themselves.
pub(crate) async fn hold(tx: &mut Tx, worker: &'static str, keys: &[String], ended: &[String]) -> Result<(), Error> {
    let (holder, now) = (tx.process_id(), tx.now());
    let (until, keys, ended) = (now.after(HELD), keys.join(SEPARATOR), ended.join(SEPARATOR));
    let sql = "WITH ended AS (DELETE FROM due_claims WHERE worker = $1 AND NOT row_key = ANY (STRING_TO_ARRAY($4, CHR(31))) \
               AND (held_until <= $6 OR (holder = $2 AND row_key = ANY (STRING_TO_ARRAY($5, CHR(31)))))) \
               INSERT INTO due_claims (worker, row_key, holder, held_until) SELECT CAST($1 AS TEXT), row_key, CAST($2 AS UUID), CAST($3 AS BIGINT) \
               FROM UNNEST(STRING_TO_ARRAY($4, CHR(31))) AS k (row_key) ORDER BY row_key \
               ON CONFLICT (worker, row_key) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until";
    tx.execute(sql, params![worker, holder, until, keys, ended, now]).await.map(|_| ())
}

/// Extends the claims that this process still has.
pub(crate) async fn renew(tx: &mut Tx, worker: &'static str, keys: &[String]) -> Result<(), Error> {
    let (holder, until, keys) = (tx.process_id(), tx.now().after(HELD), keys.join(SEPARATOR));
    let sql = "UPDATE due_claims SET held_until = $3 WHERE worker = $1 AND holder = $2 AND row_key = ANY (STRING_TO_ARRAY($4, CHR(31)))";
    tx.execute(sql, params![worker, holder, until, keys]).await.map(|_| ())
}

/// Ends the claims of this process to these rows, and forgets those that ended by themselves.
pub(crate) async fn release(tx: &mut Tx, worker: &'static str, keys: &[String]) -> Result<(), Error> {
    let (holder, now, keys) = (tx.process_id(), tx.now(), keys.join(SEPARATOR));
    let sql = "DELETE FROM due_claims WHERE worker = $1 AND \
               (held_until <= $3 OR (holder = $2 AND row_key = ANY (STRING_TO_ARRAY($4, CHR(31)))))";
    tx.execute(sql, params![worker, holder, now, keys]).await.map(|_| ())
}
