//! Tests of events and idempotency keys with two small services, above all where something fails.

mod events;
mod keys;

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

/// A number was said about a thing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Said {
    thing: OrderId,
    number: i64,
}

impl Event for Said {
    const TYPE: &'static str = "Said";
    const AGGREGATE: &'static str = "THING";
    const PRODUCER: &'static str = "speaker";
    const VERSION: u32 = 1;
    fn aggregate_id(&self) -> Uuid {
        self.thing.into()
    }
}

const HEARD: &[Migration] =
    &[Migration { name: "0001_heard", sql: "CREATE TABLE heard (place BIGINT PRIMARY KEY, thing UUID NOT NULL, number BIGINT NOT NULL)" }];

#[derive(Debug, thiserror::Error)]
enum Deaf {
    #[error("will not hear {0}")]
    To(i64),
    #[error(transparent)]
    Db(#[from] Error),
}

/// A speaker, and a listener that refuses the number 13 while `deaf`, and panics at 666.
fn services(deaf: &Arc<AtomicBool>) -> Vec<Service> {
    let nothing =
        || Parts { router: Router::new(), operations: Vec::new(), consumers: crate::inbox::Consumers::new(), workers: Vec::new() };
    let deaf = deaf.clone();
    let speaker = Service::new("speaker", &[], move |_| async move { Ok(nothing()) });
    let listener = Service::new("listener", HEARD, move |_| async move {
        let consumers =
            crate::inbox::Consumers::new().on::<Said, _, _>(async move |tx: &mut crate::db::Tx, said: crate::inbox::Received<Said>| {
                tx.execute(
                    "INSERT INTO heard (place, thing, number) VALUES ((SELECT COUNT(*) FROM heard), $1, $2)",
                    params![said.thing, said.number],
                )
                .await?;
                assert!(said.number != 666, "panics on purpose");
                if said.number == 13 && deaf.load(Ordering::SeqCst) { Err(Deaf::To(13)) } else { Ok(()) }
            });
        Ok(Parts { consumers, ..nothing() })
    });
    vec![speaker, listener]
}

/// Both in one process, on a frozen clock, nothing moving by itself.
async fn start(folder: &TempFolder, deaf: &Arc<AtomicBool>, run_background: bool) -> Runtime {
    let setup = Setup {
        env: Env::seeded(3, Timestamp(1_767_225_600_000_000)),
        data_dir: folder.path().to_owned(),
        settings: Settings::default(),
        master_key: MasterKey::new([1; 32]),
        remote_services: Vec::new(),
        run_background,
    };
    Runtime::start(services(deaf), setup).await.expect("both start")
}

async fn say(db: &Db, said: &[(OrderId, i64)]) {
    let said = said.to_vec();
    db.write(async move |tx| {
        for (thing, number) in &said {
            tx.emit(Said { thing: *thing, number: *number });
        }
        Ok::<_, Error>(())
    })
    .await
    .expect("a speaker can speak");
}

async fn heard(db: &Db) -> Vec<i64> {
    db.read(async |tx| tx.query("SELECT number FROM heard ORDER BY place", &[], |row| row.next()).await).await.expect("it can be read")
}
