//! Gives committed events their numbers, in one process at a time for each database.
//!
//! The identity of a row becomes visible at its commit, and commits end in another order than they took their identities. So
//! a reader that goes by identities would pass over rows. One sequencer numbers the committed rows densely: a row
//! that becomes visible late gets a later number. Readers go by numbers.

use super::{ServerAddress, outbox, session::wait};
use crate::{
    db::{Db, Error, Signals},
    shutdown::Shutdown,
};
use std::time::Duration;
use tokio_postgres::{Client, Statement};

/// The lock of the sequencer. Advisory locks are separate in each database.
const LOCK: &str = "SELECT pg_try_advisory_lock(7305790)";
const NEWEST: &str = "SELECT COALESCE(MAX(position), 0) FROM outbox";
/// How often another process looks whether the lock is free and whether the outbox grew, and the sequencer whether another
/// process committed events.
const POLL: Duration = Duration::from_millis(500);
/// How long events gather after some were numbered, so that under load they share a commit.
const GATHER: Duration = Duration::from_millis(10);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Numbers events until the shutdown, or waits to take over from the process that does.
pub(in crate::db) async fn run(db: &Db, address: &ServerAddress, signals: &Signals, stop: &Shutdown) {
    while !stop.is_requested() {
        if let Err(error) = work(db, address, signals, stop).await {
            tracing::warn!(target: "db", service = db.service(), %error, "events wait for their numbers; trying again");
            stop.sleep(db.env(), db.env().jitter(PAUSE), std::future::pending()).await;
        }
    }
}

async fn work(db: &Db, address: &ServerAddress, signals: &Signals, stop: &Shutdown) -> Result<(), Error> {
    let client = address.connect(db.service()).await?;
    let [lock, newest, number] = [prepare(&client, LOCK).await?, prepare(&client, NEWEST).await?, prepare(&client, outbox::NUMBER).await?];
    loop {
        // What was numbered elsewhere, too.
        signals.outbox_reached(one(&client, &newest).await?);
        if one::<bool>(&client, &lock).await? {
            break;
        }
        stop.sleep(db.env(), POLL, std::future::pending()).await;
        if stop.is_requested() {
            return Ok(());
        }
    }
    tracing::debug!(target: "db", service = db.service(), "this process numbers the events");
    while !stop.is_requested() {
        let rows = wait(client.query(&number, &[])).await?;
        if let Some(newest) = rows.iter().map(|row| row.get::<_, i64>(0)).max() {
            signals.outbox_reached(newest);
        }
        // A commit of this process that these rows do not show has notified already, so nothing is asked in vain.
        if rows.len() < outbox::NUMBERED {
            if !rows.is_empty() {
                stop.sleep(db.env(), GATHER, std::future::pending()).await;
            }
            stop.sleep(db.env(), POLL, signals.unnumbered.notified()).await;
        }
    }
    Ok(())
}

async fn prepare(client: &Client, sql: &str) -> Result<Statement, Error> {
    wait(client.prepare(sql)).await.map_err(Error::from)
}

async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(client: &Client, statement: &Statement) -> Result<T, Error> {
    Ok(wait(client.query_one(statement, &[])).await?.get(0))
}
