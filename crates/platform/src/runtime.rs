//! Services in one process: databases opened, doors wired to each other, events carried, workers running.

use crate::{
    bus,
    client::{Client, client_credentials},
    db::{Db, OutdatedSchema},
    env::Env,
    http::{Operation, RequestLayers},
    idempotency,
    identity::{Jwks, KeySource, Verifier},
    inbox::{self, Consumers},
    master_key::MasterKey,
    outbox,
    service::{Ctx, Parts, Service, StartError},
    settings::Settings,
    shutdown::{self, Shutdown, ShutdownSender},
    worker::{Next, Worker},
};
use axum::Router;
use contracts::call::Call;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;

/// What a process is started with.
pub struct Setup {
    pub env: Env,
    /// Databases lie in `<data_dir>/db`, other files of a service in a folder of its name.
    pub data_dir: PathBuf,
    pub settings: Settings,
    pub master_key: MasterKey,
    /// Services that do not run in this process, and how they are reached.
    pub elsewhere: Vec<(&'static str, Elsewhere)>,
    /// Whether events are carried and workers run. Without, they wait in the outbox: for tests that drive each step.
    pub moving: bool,
}

/// A upstream that this process does not run.
pub enum Elsewhere {
    /// At this address, such as `http://inventory:8081`.
    Address(String),
    /// A router that stands in for it.
    Router(Router),
}

/// Running services.
pub struct Runtime {
    /// The door of each service, paths without [`crate::http::BASE`].
    pub routers: BTreeMap<&'static str, Router>,
    /// Every operation, with the service that answers it.
    pub operations: Vec<(&'static str, Operation)>,
    pub verifier: Verifier,
    /// Each service's database, for tools that look from outside (doctor, replay, tests).
    pub databases: BTreeMap<&'static str, Db>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) consumers: BTreeMap<&'static str, Consumers>,
    workers: Vec<(Db, Worker)>,
    tasks: Vec<JoinHandle<()>>,
    stop: (ShutdownSender, Shutdown),
}

/// Who consumes whose events.
pub(crate) struct Subscription {
    producer: Db,
    consumer: Db,
    consumers: Consumers,
}

const GET_KEYS: Call<(), Jwks> = Call::get("auth", "/.well-known/jwks.json");

/// The folder of the databases in the data directory.
pub const DATABASES: &str = "db";

/// How long the outbox and the records of consumed events and idempotency keys are kept.
const OUTBOX_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
pub const INBOX_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
const CLEANING: Duration = Duration::from_secs(3600);
/// Old rows of a table that are dropped in one commit at most: every other write waits for it.
const CLEANED: usize = 1_000;

impl Runtime {
    /// Opens every database, then every service, wires them, and sets everything going.
    ///
    /// # Errors
    /// When a database cannot be opened or migrated, a setting is wrong, or a service refuses to start.
    pub async fn start(services: Vec<Service>, setup: Setup) -> Result<Runtime, StartError> {
        let Setup { env, data_dir, settings, master_key, elsewhere, moving } = setup;
        for service in &services {
            service.section.check(&settings, service.name)?;
        }
        let settings = Arc::new(settings);
        let databases = open_databases(&env, &data_dir, &services, OutdatedSchema::Migrate)?;

        let keys_client = Client::new(env.clone());
        let verifier = Verifier::fetching(env.clone(), key_source(keys_client.clone()));
        let mut clients = vec![keys_client];
        let mut runtime = Runtime {
            routers: BTreeMap::new(),
            operations: Vec::new(),
            verifier: verifier.clone(),
            databases,
            subscriptions: Vec::new(),
            consumers: BTreeMap::new(),
            workers: Vec::new(),
            tasks: Vec::new(),
            stop: shutdown::channel(),
        };
        for service in services {
            let client = Client::new(env.clone());
            client.set_tokens(client_credentials(&client, service.name, &master_key.client_secret(service.name)));
            clients.push(client.clone());
            let db = runtime.databases[service.name].clone();
            let ctx = Ctx {
                service: service.name,
                env: env.clone(),
                db: db.clone(),
                client,
                settings: settings.clone(),
                folder: data_dir.join(service.name),
                master_key: master_key.clone(),
            };
            let Parts { router, operations, consumers, workers } =
                (service.start)(ctx).await.map_err(|error| format!("the service {} cannot start: {error}", service.name))?;
            let (parked, parked_operations) = crate::parked::routes().build(db.clone());
            let router = router.merge(parked);
            let door = RequestLayers::new(service.name, env.clone()).verifier(verifier.clone());
            runtime.routers.insert(service.name, door.wrap(router));
            runtime.operations.extend(operations.into_iter().chain(parked_operations).map(|operation| (service.name, operation)));
            runtime.workers.push((db.clone(), retry_worker(&db, &consumers)));
            runtime.workers.extend(workers.into_iter().map(|worker| (db.clone(), worker)));
            runtime.consumers.insert(service.name, consumers);
        }
        for client in &clients {
            for (name, router) in &runtime.routers {
                client.register_in_process(name, router.clone());
            }
            for (name, place) in &elsewhere {
                match place {
                    Elsewhere::Address(address) => client.register_http(name, address),
                    Elsewhere::Router(router) => client.register_in_process(name, router.clone()),
                }
            }
        }
        for (name, consumers) in &runtime.consumers {
            for producer in consumers.producers() {
                // A producer that does not run in this process has no outbox here.
                if let Some(producer) = runtime.databases.get(producer) {
                    runtime.subscriptions.push(Subscription {
                        producer: producer.clone(),
                        consumer: runtime.databases[name].clone(),
                        consumers: consumers.clone(),
                    });
                }
            }
        }
        if moving {
            runtime.set_going(&env);
        }
        Ok(runtime)
    }

    fn set_going(&mut self, env: &Env) {
        for Subscription { producer, consumer, consumers } in &self.subscriptions {
            let carry = bus::carry(producer.clone(), consumer.clone(), consumers.clone(), self.stop.1.clone());
            self.tasks.push(env.spawn(carry));
        }
        for (db, worker) in &self.workers {
            self.tasks.push(env.spawn(worker.clone().run(db.clone(), self.stop.1.clone())));
        }
        let follows: Vec<(Db, Db)> = self.subscriptions.iter().map(|s| (s.producer.clone(), s.consumer.clone())).collect();
        for db in self.databases.values() {
            let consumers = follows.iter().filter(|(producer, _)| producer.service() == db.service()).map(|(_, to)| to.clone()).collect();
            let own = (db.clone(), Arc::<Vec<Db>>::new(consumers));
            let cleaner = Worker::new("cleaner", CLEANING, own, |(db, consumers)| async move { clean(&db, &consumers).await });
            self.tasks.push(env.spawn(cleaner.run(db.clone(), self.stop.1.clone())));
        }
    }

    /// Stops workers and carriers, each after the step in hand. What they did not come to waits in the databases.
    pub async fn stop(self) {
        self.stop.0.stop();
        for task in self.tasks {
            // A task that panicked has nothing left to stop.
            let _ = task.await;
        }
    }

    /// Who consumes which types of events by name: service and type.
    pub fn heard(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.consumers.iter().flat_map(|(name, consumers)| consumers.types().map(|heard| (*name, heard)))
    }

    /// Hears the order to stop, for tasks that live beside the services.
    #[must_use]
    pub fn stop_signal(&self) -> Shutdown {
        self.stop.1.clone()
    }

    /// Carries every waiting event once and gives every worker a turn. How many events moved. Tasks that a turn left
    /// going go on beside it.
    ///
    /// # Errors
    /// Those of the databases, and of workers.
    pub async fn turn(&self) -> Result<usize, StartError> {
        let mut moved = 0;
        for Subscription { producer, consumer, consumers } in &self.subscriptions {
            moved += bus::carry_waiting(producer, consumer, consumers).await?;
        }
        for (db, worker) in &self.workers {
            while worker.run_once(db, &self.stop.1).await? == Next::Immediately {}
        }
        Ok(moved)
    }

    /// Waits until no task of a worker is going. Whether one was.
    pub async fn tasks_end(&self) -> bool {
        let mut any = false;
        for (_, worker) in &self.workers {
            any |= worker.tasks_end().await;
        }
        any
    }
}

/// Opens the databases of these services side by side: each waits for its own disk only. No service is started: it is what
/// tools need that may work beside the running platform.
///
/// # Errors
/// As [`Db::open_as`].
pub fn open_databases(env: &Env, data_dir: &Path, services: &[Service], older: OutdatedSchema) -> Result<BTreeMap<&'static str, Db>, StartError> {
    let folder = data_dir.join(DATABASES);
    let (send, receive) = std::sync::mpsc::sync_channel(services.len());
    for Service { name, migrations, .. } in services {
        let (name, migrations, env, folder, send) = (*name, *migrations, env.clone(), folder.clone(), send.clone());
        let opener = env.clone();
        opener.spawn_thread(&format!("{name}-open"), move || {
            let _ = send.send((name, Db::open_as(env, name, &folder, migrations, older)));
        })?;
    }
    drop(send);
    receive
        .into_iter()
        .map(|(name, opened)| opened.map(|db| (name, db)).map_err(|error| format!("the database of {name}: {error}").into()))
        .collect()
}

fn key_source(client: Client) -> KeySource {
    Arc::new(move || {
        let client = client.clone();
        Box::pin(async move { client.call(&GET_KEYS).auth(crate::client::Auth::Anonymous).send().await.map_err(|error| error.to_string()) })
    })
}

fn retry_worker(db: &Db, consumers: &Consumers) -> Worker {
    let own = (db.clone(), consumers.clone());
    Worker::new(inbox::RETRY, Duration::from_secs(1), own, |(db, consumers)| async move { inbox::retry_due(&db, &consumers).await })
}

/// Drops what is old: events that everyone has, records of consumed ones, answers under keys.
async fn clean(db: &Db, consumers: &[Db]) -> Result<Next, crate::db::Error> {
    let now = db.now();
    let mut consumed = i64::MAX;
    for consumer in consumers {
        consumed = consumed.min(inbox::position(consumer, db.service()).await?);
    }
    let events = outbox::purge(db, now.before(OUTBOX_KEPT), consumed, CLEANED).await?;
    let records = inbox::purge(db, now.before(INBOX_KEPT), CLEANED).await?;
    let answers = idempotency::purge(db, now.before(idempotency::KEPT), CLEANED).await?;
    if events + records + answers > 0 {
        tracing::debug!(target: "cleaner", service = db.service(), events, records, answers, "old rows dropped");
    }
    let most = events.max(records).max(answers);
    Ok(Next::after_batch(usize::try_from(most).unwrap_or(usize::MAX), CLEANED))
}
