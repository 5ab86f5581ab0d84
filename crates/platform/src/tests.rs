//! Tests of events with two small services, above all where something fails.

mod events;
mod personal;
mod processes;
mod restored;

use crate::{
    context::Context,
    db::{Db, Error, Migration},
    env::Env,
    master_key::MasterKey,
    params,
    runtime::{Runtime, Setup},
    service::{Parts, Service},
    settings::Settings,
    testing::TempFolder,
};
use axum::Router;
use contracts::{
    event::Event,
    ids::{OrderId, UserId, Uuid},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A number, of an aggregate called thing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NumberSent {
    pub thing: OrderId,
    pub number: i64,
}

impl Event for NumberSent {
    const TYPE: &'static str = "NumberSent";
    const AGGREGATE: &'static str = "THING";
    const PRODUCER: &'static str = "producer";
    const VERSION: u32 = 1;
    fn aggregate_id(&self) -> Uuid {
        self.thing.into()
    }
}

const SCHEMA: &[Migration] = &[Migration {
    name: "0001_consumed",
    sql: "CREATE TABLE consumed (position BIGINT PRIMARY KEY, thing UUID NOT NULL, number BIGINT NOT NULL)",
}];

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("refuses {0}")]
    Number(i64),
    #[error(transparent)]
    Db(#[from] Error),
}

/// A producer, and a consumer that refuses the number 13 while `refuses` is set and panics at 666.
fn services(refuses: &Arc<AtomicBool>) -> Vec<Service> {
    let nothing =
        || Parts { router: Router::new(), operations: Vec::new(), consumers: crate::inbox::Consumers::new(), workers: Vec::new() };
    let refuses = refuses.clone();
    let producer = Service::new("producer", &[], move |_| async move { Ok(nothing()) });
    let consumer = Service::new("consumer", SCHEMA, move |_| async move {
        let consumers = crate::inbox::Consumers::new().on::<NumberSent, _, _>(
            async move |tx: &mut crate::db::Tx, sent: crate::inbox::Received<NumberSent>| {
                tx.execute(
                    "INSERT INTO consumed (position, thing, number) VALUES ((SELECT COUNT(*) FROM consumed), $1, $2)",
                    params![sent.thing, sent.number],
                )
                .await?;
                assert!(sent.number != 666, "panics on purpose");
                if sent.number == 13 && refuses.load(Ordering::SeqCst) { Err(Refused::Number(13)) } else { Ok(()) }
            },
        );
        Ok(Parts { consumers, ..nothing() })
    });
    vec![producer, consumer]
}

/// Starts both in one process on a frozen clock.
async fn start(folder: &TempFolder, refuses: &Arc<AtomicBool>, run_background: bool) -> Runtime {
    start_with_seed(folder, refuses, run_background, 3).await
}

/// Another seed gives other ids.
async fn start_with_seed(folder: &TempFolder, refuses: &Arc<AtomicBool>, run_background: bool, seed: u64) -> Runtime {
    let setup = Setup {
        env: Env::seeded(seed, Timestamp(1_767_225_600_000_000)),
        data_dir: folder.path().to_owned(),
        settings: Settings::default(),
        master_key: MasterKey::new([1; 32]),
        remote_services: Vec::new(),
        broker: None,
        run_background,
        databases: None,
    };
    Runtime::start(services(refuses), setup).await.expect("both start")
}

async fn emit(db: &Db, sent: &[(OrderId, i64)]) {
    let sent = sent.to_vec();
    db.write(async move |tx| {
        for (thing, number) in &sent {
            tx.emit(NumberSent { thing: *thing, number: *number });
        }
        Ok::<_, Error>(())
    })
    .await
    .expect("the producer can emit");
}

async fn consumed(db: &Db) -> Vec<i64> {
    db.read(async |tx| tx.query("SELECT number FROM consumed ORDER BY position", &[], |row| row.next()).await)
        .await
        .expect("it can be read")
}
