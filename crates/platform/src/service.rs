//! The declaration of a service: its name, its migrations, its settings, and how it starts.

use crate::{
    client::Client,
    db::{self, Db, Migration},
    env::{Env, LockUnpoisoned as _},
    http::Operation,
    inbox::Consumers,
    master_key::MasterKey,
    personal::PersonalData,
    settings::{BadSettings, Section, Settings},
    telemetry::GaugeReader,
    worker::Worker,
};
use axum::Router;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
};

/// The resources of a running service. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub service: &'static str,
    pub env: Env,
    /// The service's own database.
    pub db: Db,
    /// Calls to upstreams.
    pub client: Client,
    pub settings: Arc<Settings>,
    /// A folder below the data directory for files of the service, which creates it when needed.
    pub folder: PathBuf,
    /// The key that all services of this installation share.
    pub master_key: MasterKey,
    /// Which services of the process are not ready.
    pub readiness: Readiness,
}

impl Ctx {
    /// Reads the service's section of the settings.
    ///
    /// # Errors
    /// [`BadSettings`] names the key.
    pub fn section<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, BadSettings> {
        self.settings.section(self.service)
    }
}

/// Why services of a process that have started cannot do their work yet. Cheap to clone.
///
/// A process of some services is not ready meanwhile, so that callers ask its replicas. In one process of all services the others
/// go on, and the service itself answers what it can.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, &'static str>>>);

impl Readiness {
    /// Sets why `service` is not ready; `None` when it is.
    pub fn set(&self, service: &'static str, reason: Option<&'static str>) {
        let mut reasons = self.0.lock_unpoisoned();
        match reason {
            Some(reason) => reasons.insert(service, reason),
            None => reasons.remove(service),
        };
    }

    /// A sentence for each service that is not ready.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        self.0.lock_unpoisoned().values().map(|reason| (*reason).to_owned()).collect()
    }
}

/// The three entry points of a started service.
pub struct Parts {
    /// HTTP, with the list of its operations.
    pub router: Router,
    pub operations: Vec<Operation>,
    /// Events.
    pub consumers: Consumers,
    /// The schedule.
    pub workers: Vec<Worker>,
}

/// Why a service cannot start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

type Start = Box<dyn FnOnce(Ctx) -> Pin<Box<dyn Future<Output = Result<Parts, StartError>> + Send>> + Send>;

/// A service that is not started yet.
pub struct Service {
    pub name: &'static str,
    pub migrations: &'static [Migration],
    /// Its section of the settings, without keys unless [`Service::settings`] declares them.
    pub section: Section,
    pub(crate) start: Start,
    pub(crate) gauges: Option<GaugeReader>,
    pub(crate) personal_data: Option<PersonalData>,
}

impl Service {
    /// `start` makes the entry points. It runs after the database is open.
    pub fn new<F, R>(name: &'static str, migrations: &'static [Migration], start: F) -> Service
    where
        F: FnOnce(Ctx) -> R + Send + 'static,
        R: Future<Output = Result<Parts, StartError>> + Send + 'static,
    {
        Service {
            name,
            migrations,
            section: Section::empty(),
            start: Box::new(move |ctx| Box::pin(start(ctx))),
            gauges: None,
            personal_data: None,
        }
    }

    /// Declares a function that sets the service's gauges from its database whenever the metrics are read.
    #[must_use]
    pub fn gauges<F, R>(mut self, read: F) -> Service
    where
        F: Fn(Db) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), db::Error>> + Send + 'static,
    {
        self.gauges = Some(Arc::new(move |db| Box::pin(read(db))));
        self
    }

    /// Declares what the service does about the data that it keeps about users.
    #[must_use]
    pub fn personal_data(mut self, data: PersonalData) -> Service {
        self.personal_data = Some(data);
        self
    }

    /// Declares that the service's section of the settings is a `T`. The section is checked before a database is opened, and
    /// `docs/configuration.md` is generated from it.
    #[must_use]
    pub fn settings<T: DeserializeOwned + JsonSchema>(mut self) -> Service {
        self.section = Section::of::<T>();
        self
    }
}
