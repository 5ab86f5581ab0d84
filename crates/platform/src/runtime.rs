//! Runs services in one process: opens their databases, connects their entry points, delivers events and runs workers.

use crate::{
    bus::{self, Broker, Delivery, Feed, Lease, PublishedPosition, Publisher, SharedValues, StreamFeed},
    client::{Auth, Client, Remote, client_credentials},
    db::{
        Db, OutdatedSchema, Place, Storage,
        installation::{self, Opening, Wanted},
        storage::Reserve,
    },
    env::Env,
    http::{Operation, RequestLayers},
    idempotency,
    identity::{Jwks, KeySource, RevocationSource, Verifier},
    inbox::{self, Consumers, RetryFailedEvents},
    master_key::MasterKey,
    outbox,
    personal::{self, Keeper, PersonalData},
    service::{Ctx, Parts, Readiness, Service, StartError},
    settings::Settings,
    shutdown::{self, Shutdown, ShutdownSender},
    telemetry::{GaugeReader, Gauges},
    worker::{Next, Worker},
};
use axum::Router;
use contracts::{
    auth::{LIST_REVOCATIONS, RevocationFilter},
    call::Call,
    personal::PERSONAL,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;

/// What [`Runtime::start`] needs beside the services.
pub struct Setup {
    pub env: Env,
    /// Databases are in `<data_dir>/db`, other files of a service in a folder of its name.
    pub data_dir: PathBuf,
    pub settings: Settings,
    pub master_key: MasterKey,
    /// Services that do not run in this process.
    pub remote_services: Vec<(&'static str, RemoteService)>,
    /// What carries events to and from services of other processes. Without it events stay within this process.
    pub broker: Option<Broker>,
    /// Whether events are delivered and workers run in the background. Tests that drive each step set it to false.
    pub run_background: bool,
    /// The databases, if they are open already.
    pub databases: Option<Databases>,
}

/// How a service that does not run in this process is reached.
pub enum RemoteService {
    /// At its addresses.
    Remote(Remote),
    /// By a router that replaces it, in a test.
    Router(Router),
}

/// Running services.
pub struct Runtime {
    /// The router of each service, with paths without [`crate::http::BASE`].
    pub routers: BTreeMap<&'static str, Router>,
    /// Every operation and its service.
    pub operations: Vec<(&'static str, Operation)>,
    pub verifier: Verifier,
    /// Calls services with the gateway's own token.
    pub gateway_client: Client,
    /// The services that do not run in this process, where they have an address.
    pub remotes: BTreeMap<&'static str, Remote>,
    /// Each service's database, for tools (doctor, replay) and tests.
    pub databases: BTreeMap<&'static str, Db>,
    /// What each service that keeps personal data does about it.
    pub personal: BTreeMap<&'static str, PersonalData>,
    pub(crate) subscriptions: Vec<Subscription>,
    broker: Option<Broker>,
    /// How far each outbox was published.
    published: BTreeMap<&'static str, PublishedPosition>,
    leases: BTreeMap<&'static str, Lease>,
    pub(crate) consumers: BTreeMap<&'static str, Consumers>,
    workers: Vec<(Db, Worker)>,
    /// The workers that retry failed events.
    retries: Vec<(Db, Worker)>,
    tasks: Vec<JoinHandle<()>>,
    gauges: Vec<(Db, GaugeReader)>,
    /// Which services are not ready.
    pub readiness: Readiness,
    stop: (ShutdownSender, Shutdown),
}

/// A service that consumes events of another.
pub(crate) struct Subscription {
    feed: Feed,
    consumer: Db,
    consumers: Consumers,
}

impl Subscription {
    fn delivery(&self) -> Delivery {
        Delivery::new(self.feed.clone(), self.consumer.clone(), self.consumers.clone())
    }
}

const GET_KEYS: Call<(), Jwks> = Call::get("auth", "/.well-known/jwks.json");

/// The client id of the gateway.
const GATEWAY: &str = "gateway";

/// How long a request waits for the list of revoked tokens.
const REVOCATIONS_WAIT: Duration = Duration::from_millis(500);

/// The folder of the databases in the data directory.
pub const DATABASES: &str = "db";

/// How long events in the outbox and records of consumed events are kept.
const OUTBOX_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
pub const INBOX_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
const CLEANING_PERIOD: Duration = Duration::from_secs(3600);
/// Old rows of a table that one commit deletes at most: every other write waits for it.
const CLEANING_BATCH: usize = 1_000;
/// Turns in a row that [`Runtime::turn`] gives to one worker at most.
const TURNS: usize = 1_000;

impl Runtime {
    /// Opens every database, starts every service, connects them, and starts the background work.
    ///
    /// # Errors
    /// When a database cannot be opened or migrated, a setting is wrong, or a service refuses to start.
    pub async fn start(services: Vec<Service>, setup: Setup) -> Result<Runtime, StartError> {
        let Setup { env, data_dir, settings, master_key, remote_services, broker, run_background, databases } = setup;
        for service in &services {
            service.section.check(&settings, service.name)?;
        }
        let settings = Arc::new(settings);
        let databases = match databases {
            Some(databases) => databases,
            None => open_databases(&env, &data_dir, &services, Opening::new(OutdatedSchema::Migrate), None)?,
        };

        let keys_client = Client::new(env.clone());
        let gateway_client = Client::new(env.clone());
        gateway_client.set_tokens(client_credentials(&gateway_client, GATEWAY, &master_key.client_secret(GATEWAY)));
        let mut clients = vec![keys_client.clone(), gateway_client.clone()];
        // The list of revoked tokens is for services: any of this process asks for all.
        let revocations = services.first().map(|service| {
            let client = Client::new(env.clone());
            client.set_tokens(client_credentials(&client, service.name, &master_key.client_secret(service.name)));
            clients.push(client.clone());
            revocation_source(client)
        });
        let verifier = Verifier::fetching(env.clone(), key_source(keys_client), revocations);
        let mut runtime = Runtime {
            routers: BTreeMap::new(),
            operations: Vec::new(),
            verifier: verifier.clone(),
            gateway_client,
            remotes: remotes(&remote_services),
            databases,
            subscriptions: Vec::new(),
            broker,
            published: BTreeMap::new(),
            leases: BTreeMap::new(),
            consumers: BTreeMap::new(),
            personal: BTreeMap::new(),
            workers: Vec::new(),
            retries: Vec::new(),
            tasks: Vec::new(),
            gauges: Vec::new(),
            readiness: Readiness::default(),
            stop: shutdown::channel(),
        };
        // The client of each service.
        let mut own = BTreeMap::new();
        for service in services {
            let client = Client::new(env.clone());
            client.set_tokens(client_credentials(&client, service.name, &master_key.client_secret(service.name)));
            clients.push(client.clone());
            let db = runtime.databases[service.name].clone();
            own.insert(service.name, client.clone());
            let ctx = Ctx {
                service: service.name,
                env: env.clone(),
                db: db.clone(),
                client,
                settings: settings.clone(),
                folder: data_dir.join(service.name),
                master_key: master_key.clone(),
                readiness: runtime.readiness.clone(),
            };
            runtime.gauges.extend(service.gauges.map(|read| (db.clone(), read)));
            let Parts { router, operations, mut consumers, workers } =
                (service.start)(ctx).await.map_err(|error| format!("the service {} cannot start: {error}", service.name))?;
            let (failed_events, failed_events_operations) = crate::failed_events::routes().build(db.clone());
            // Only the platform itself calls these, so no description lists them.
            let mut router = router.merge(personal::routes().build(db.clone()).0);
            if let Some(data) = service.personal_data {
                consumers = data.consumed_by(consumers);
                runtime.personal.insert(service.name, data.clone());
                router = router.merge(PersonalData::routes().build(Keeper { db: db.clone(), data }).0);
            }
            let layers = RequestLayers::new(service.name, env.clone()).verifier(verifier.clone());
            runtime.routers.insert(service.name, layers.wrap(router.merge(failed_events)));
            runtime.operations.extend(operations.into_iter().chain(failed_events_operations).map(|operation| (service.name, operation)));
            let retry = RetryFailedEvents { db: db.clone(), consumers: consumers.clone() };
            runtime.retries.push((db.clone(), Worker::due(&db, retry)));
            runtime.workers.extend(workers.into_iter().map(|worker| (db.clone(), worker)));
            runtime.consumers.insert(service.name, consumers);
        }
        for client in &clients {
            for (name, router) in &runtime.routers {
                client.register_in_process(name, router.clone());
            }
            for (name, service) in &remote_services {
                match service {
                    RemoteService::Remote(remote) => client.register_remote(name, remote.clone()),
                    RemoteService::Router(router) => client.register_in_process(name, router.clone()),
                }
            }
        }
        for (name, consumers) in &runtime.consumers {
            for producer in consumers.producers() {
                let feed = match &runtime.broker {
                    Some(broker) => Some(Feed::Stream(StreamFeed { broker: broker.clone(), producer, client: own[name].clone() })),
                    // A producer that does not run in this process has no outbox here.
                    None => runtime.databases.get(producer).cloned().map(Feed::Outbox),
                };
                if let Some(feed) = feed {
                    let consumer = runtime.databases[name].clone();
                    runtime.subscriptions.push(Subscription { feed, consumer, consumers: consumers.clone() });
                }
            }
        }
        if runtime.broker.is_some() {
            runtime.published = runtime.databases.keys().map(|name| (*name, PublishedPosition::default())).collect();
        }
        runtime.begin_consumers().await?;
        if run_background {
            runtime.start_background(&env);
        }
        Ok(runtime)
    }

    /// Places the consumers whose database replaces a lost one.
    async fn begin_consumers(&self) -> Result<(), StartError> {
        for (name, consumers) in &self.consumers {
            let own = self.subscriptions.iter().filter(|subscription| subscription.consumer.service() == *name);
            let producers: Vec<Feed> = own.map(|subscription| subscription.feed.clone()).collect();
            inbox::begin(&self.databases[name], &producers, consumers.rebuilds_from_start()).await?;
        }
        Ok(())
    }

    /// The disk under the databases.
    #[must_use]
    pub fn storage(&self) -> Option<Arc<Storage>> {
        self.databases.values().next().map(|db| db.storage().clone())
    }

    fn start_background(&mut self, env: &Env) {
        if let Some(storage) = self.storage() {
            self.tasks.push(env.spawn(storage.run(self.stop.1.clone())));
        }
        for remote in self.remotes.values() {
            self.tasks.push(env.spawn(remote.clone().probe_until(self.stop.1.clone())));
        }
        for db in self.databases.values() {
            self.tasks.push(env.spawn(db.clone().run_sequencer(self.stop.1.clone())));
        }
        self.start_publishers(env);
        for subscription in &self.subscriptions {
            let lease = self.leases.get(subscription.consumer.service()).cloned();
            self.tasks.push(env.spawn(subscription.delivery().run(lease, self.stop.1.clone())));
        }
        for (db, worker) in self.workers.iter().chain(&self.retries) {
            self.tasks.push(env.spawn(worker.clone().run(db.clone(), self.stop.1.clone())));
        }
        for db in self.databases.values() {
            let is_own =
                |subscription: &&Subscription| matches!(&subscription.feed, Feed::Outbox(producer) if producer.service() == db.service());
            let consumers = self.subscriptions.iter().filter(is_own).map(|subscription| subscription.consumer.clone()).collect();
            let own = (db.clone(), Arc::<Vec<Db>>::new(consumers), self.published.get(db.service()).cloned());
            let cleaner = Worker::new("cleaner", CLEANING_PERIOD, own, |(db, consumers, published)| async move {
                clean(&db, &consumers, published).await
            });
            self.tasks.push(env.spawn(cleaner.run(db.clone(), self.stop.1.clone())));
            let remover = Worker::new(personal::REMOVE_FROM_LOG, CLEANING_PERIOD, db.clone(), personal::remove_from_log);
            self.tasks.push(env.spawn(remover.run(db.clone(), self.stop.1.clone())));
        }
    }

    /// Starts what copies each outbox into its stream, if there is a broker.
    fn start_publishers(&mut self, env: &Env) {
        let Some(broker) = &self.broker else { return };
        for (name, db) in &self.databases {
            let lease = Lease::new(db.clone());
            let publisher = Publisher::new(db.clone(), broker.clone(), self.published[name].clone());
            self.tasks.push(env.spawn(publisher.run(lease.clone(), self.stop.1.clone())));
            self.tasks.push(env.spawn(bus::exchange_wake_ups(db.clone(), broker.clone(), self.stop.1.clone())));
            self.leases.insert(name, lease);
        }
    }

    /// Values that this process shares with others through the broker, until the runtime stops; `None` without a broker. See
    /// [`SharedValues::new`].
    #[must_use]
    pub fn shared_values(&self, env: &Env, name: &'static str, kept: Duration, most: usize) -> Option<SharedValues> {
        let values = SharedValues::new(self.broker.clone()?, env, name, kept, most);
        env.spawn(values.clone().keep_open(self.stop.1.clone()));
        Some(values)
    }

    /// Stops workers and deliveries, each after its present step. The rest of the work stays in the databases.
    pub async fn stop(self) {
        self.stop.0.stop();
        for task in self.tasks {
            // A task that panicked has stopped already.
            let _ = task.await;
        }
        for (service, lease) in self.leases {
            if let Err(error) = lease.release().await {
                tracing::debug!(target: "bus", service, %error, "the lease is not released; it ends by itself");
            }
        }
    }

    /// What is read from the databases for the metrics.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let subscriptions = self.subscriptions.iter().map(|Subscription { feed, consumer, consumers }| (feed, consumer, consumers));
        Gauges {
            databases: self.databases.values().cloned().collect(),
            subscriptions: subscriptions.map(|(from, to, consumers)| (from.clone(), to.clone(), consumers.clone())).collect(),
            of_services: self.gauges.clone(),
        }
    }

    /// The types of events that each service consumes: service and type.
    pub fn consumed_event_types(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.consumers.iter().flat_map(|(name, consumers)| consumers.types().map(|event_type| (*name, event_type)))
    }

    /// The services that read what events say about persons, and therefore store keys of persons.
    pub fn personal_readers(&self) -> impl Iterator<Item = &'static str> {
        let reads = |consumers: &Consumers| PERSONAL.iter().any(|personal| consumers.reads_personal_fields(personal.event_type));
        self.consumers.iter().filter(move |(_, consumers)| reads(consumers)).map(|(name, _)| *name)
    }

    /// Delivers the events that are in the outboxes, retries failed events that are due, and gives every worker a turn.
    /// Returns what was delivered, a line for each producer and consumer. Tasks that a turn starts go on beside it.
    ///
    /// # Errors
    /// Those of the databases and of the workers, and one for a worker that always has more to do.
    pub async fn turn(&self) -> Result<Vec<String>, StartError> {
        let mut delivered = Vec::new();
        if let Some(broker) = &self.broker {
            for (name, db) in &self.databases {
                Publisher::new(db.clone(), broker.clone(), self.published[name].clone()).publish_present().await?;
            }
        }
        for subscription in &self.subscriptions {
            match subscription.delivery().deliver_present().await? {
                0 => {}
                events => {
                    delivered.push(format!("{events} events from {} to {}", subscription.feed.producer(), subscription.consumer.service()))
                }
            }
        }
        for (db, worker) in &self.retries {
            self.turns_of(db, worker, async |_| worker.tasks_end().await).await?;
        }
        for (db, worker) in &self.workers {
            self.turns_of(db, worker, async |next| next == Next::Immediately).await?;
        }
        Ok(delivered)
    }

    /// Runs turns of a worker until `goes_on` returns false after one.
    async fn turns_of(&self, db: &Db, worker: &Worker, goes_on: impl AsyncFn(Next) -> bool) -> Result<(), StartError> {
        for _ in 0..TURNS {
            let next = worker.run_once(db).await?;
            if !goes_on(next).await {
                return Ok(());
            }
        }
        Err(format!("the worker {} of {} still has more to do after {TURNS} turns", worker.name, db.service()).into())
    }

    /// Waits until no task of a worker runs. Returns whether one did.
    pub(crate) async fn tasks_end(&self) -> bool {
        let mut any = false;
        for (_, worker) in &self.workers {
            any |= worker.tasks_end().await;
        }
        any
    }

    /// The workers whose tasks run, a line for each.
    pub(crate) fn running_tasks(&self) -> Vec<String> {
        let tasks = self.workers.iter().map(|(_, worker)| (worker.name, worker.running_tasks()));
        tasks.filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} tasks of the worker {name}")).collect()
    }

    /// Takes what failed in workers since the last call, a line for each turn or task.
    pub(crate) fn take_worker_failures(&self) -> Vec<String> {
        let workers = self.workers.iter().chain(&self.retries);
        workers.flat_map(|(_, worker)| worker.take_failures().into_iter().map(|failure| format!("{}: {failure}", worker.name))).collect()
    }

    /// How many events of `service` that it consumes itself are not delivered yet.
    pub(crate) async fn count_own_undelivered(&self, service: &str) -> Result<u64, crate::db::Error> {
        let mut count = 0;
        for Subscription { feed, consumer, consumers } in &self.subscriptions {
            if feed.producer() == service && consumer.service() == service {
                count += bus::count_undelivered(feed, consumer, consumers).await?;
            }
        }
        Ok(count)
    }
}

/// The databases of an installation by service.
pub type Databases = BTreeMap<&'static str, Db>;

/// Opens the databases of these services at the same time and starts no service. Tools that work beside the running platform
/// use it too; only the platform itself holds a reserve.
///
/// # Errors
/// As [`Db::open_as`], and [`crate::db::Error::Lost`] when a database is lost.
pub fn open_databases(
    env: &Env,
    data_dir: &Path,
    services: &[Service],
    opening: Opening<'_>,
    reserve: Option<Reserve>,
) -> Result<Databases, crate::db::Error> {
    let place = Place::Folder(data_dir.join(DATABASES));
    open_databases_at(env, services, |_| place.clone(), opening, reserve)
}

/// [`open_databases`], each in the place that `place` returns for its service.
///
/// # Errors
/// As [`open_databases`].
pub fn open_databases_at(
    env: &Env,
    services: &[Service],
    place: impl Fn(&'static str) -> Place,
    opening: Opening<'_>,
    reserve: Option<Reserve>,
) -> Result<Databases, crate::db::Error> {
    let wanted = |Service { name, migrations, .. }: &Service| Wanted { service: name, migrations, place: place(name) };
    let wanted: Vec<Wanted> = services.iter().map(wanted).collect();
    installation::open_all(env, &wanted, opening, &Storage::new(env, reserve))
}

fn remotes(services: &[(&'static str, RemoteService)]) -> BTreeMap<&'static str, Remote> {
    let with_address = services.iter().filter_map(|(name, service)| match service {
        RemoteService::Remote(remote) => Some((*name, remote.clone())),
        RemoteService::Router(_) => None,
    });
    with_address.collect()
}

fn revocation_source(client: Client) -> RevocationSource {
    Arc::new(move |since| {
        let client = client.clone();
        Box::pin(async move {
            let call = client.call(&LIST_REVOCATIONS).auth(Auth::Service).query(&RevocationFilter { since }).timeout(REVOCATIONS_WAIT);
            call.send().await.map_err(|error| error.to_string())
        })
    })
}

fn key_source(client: Client) -> KeySource {
    Arc::new(move || {
        let client = client.clone();
        Box::pin(async move { client.call(&GET_KEYS).auth(crate::client::Auth::Anonymous).send().await.map_err(|error| error.to_string()) })
    })
}

/// Deletes old rows: events that all consumers have, records of consumed events, answers under idempotency keys.
async fn clean(db: &Db, consumers: &[Db], published: Option<PublishedPosition>) -> Result<Next, crate::db::Error> {
    let now = db.now();
    let mut consumed = published.map_or(i64::MAX, |published| published.get());
    for consumer in consumers {
        consumed = consumed.min(inbox::position(consumer, db.service()).await?);
    }
    let events = outbox::purge(db, now.before(OUTBOX_KEPT), consumed, CLEANING_BATCH).await?;
    let records = inbox::purge(db, now.before(INBOX_KEPT), CLEANING_BATCH).await?;
    let answers = idempotency::purge(db, now.before(idempotency::KEPT), CLEANING_BATCH).await?;
    if events + records + answers > 0 {
        tracing::debug!(target: "cleaner", service = db.service(), events, records, answers, "old rows deleted");
    }
    let most = events.max(records).max(answers);
    Ok(Next::after_batch(usize::try_from(most).unwrap_or(usize::MAX), CLEANING_BATCH))
}
