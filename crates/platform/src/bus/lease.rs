//! The replicas of a service take turns: the one that holds the lease publishes and consumes for all of them.
//!
//! A lease saves work and proves nothing. Two processes that both believe to hold it commit each event once, because a position
//! moves only from where it was read, and the stream takes each number once.

use crate::{
    db::{Db, Error},
    params,
    shutdown::Shutdown,
};
use contracts::time::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How long a lease holds. A process that ends without a word is replaced after this time.
const HELD: Duration = Duration::from_secs(8);
/// It is renewed when less of it is left. A delivery asks at least every five seconds.
const RENEWED: Duration = Duration::from_secs(6);
/// How often a process that does not hold it asks for it.
const RETRY: Duration = Duration::from_secs(1);

/// The lease of one service, as this process sees it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lease(Arc<Inner>);

struct Inner {
    db: Db,
    /// Until when this process holds it.
    until: Mutex<Timestamp>,
}

impl Lease {
    pub fn new(db: Db) -> Lease {
        Lease(Arc::new(Inner { db, until: Mutex::new(Timestamp::EPOCH) }))
    }

    /// Whether this process holds the lease, which it takes or renews if it can. Waits a moment if another one holds it.
    pub async fn hold_or_wait(&self, stop: &Shutdown) -> bool {
        let db = &self.0.db;
        match self.hold().await {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => tracing::warn!(target: "bus", service = db.service(), %error, "the lease cannot be taken; trying again"),
        }
        stop.sleep(db.env(), db.env().jitter(RETRY), std::future::pending()).await;
        false
    }

    pub async fn hold(&self) -> Result<bool, Error> {
        let Inner { db, until } = &*self.0;
        let mut until = until.lock().await;
        let now = db.now();
        if now.after(RENEWED) < *until {
            return Ok(true);
        }
        let (holder, ends) = (db.env().process_id(), now.after(HELD));
        let taken = db
            .write(async move |tx| {
                tx.execute(
                    "INSERT INTO leases (name, holder, held_until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
                     holder = excluded.holder, held_until = excluded.held_until WHERE leases.holder = $2 OR leases.held_until < $4",
                    params!["events", holder, ends, now],
                )
                .await
            })
            .await?;
        *until = if taken == 1 { ends } else { Timestamp::EPOCH };
        Ok(taken == 1)
    }

    /// Gives the lease up, so that another process need not wait for its end.
    pub async fn release(&self) -> Result<(), Error> {
        let Inner { db, until } = &*self.0;
        *until.lock().await = Timestamp::EPOCH;
        let holder = db.env().process_id();
        db.write(async move |tx| tx.execute("DELETE FROM leases WHERE name = $1 AND holder = $2", params!["events", holder]).await).await?;
        Ok(())
    }
}
