//! What a service is: a name, its migrations, and how its doors open.

use crate::{
    client::Client,
    db::{Db, Migration},
    env::Env,
    http::Operation,
    inbox::Consumers,
    master_key::MasterKey,
    settings::{BadSettings, Section, Settings},
    worker::Worker,
};
use axum::Router;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc};

/// What every service works with. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub service: &'static str,
    pub env: Env,
    /// The service's own database.
    pub db: Db,
    /// Calls to upstreams.
    pub client: Client,
    pub settings: Arc<Settings>,
    /// Where the service may keep files of its own: a folder below the data directory, made on demand.
    pub folder: PathBuf,
    /// What everyone of this installation shares.
    pub master_key: MasterKey,
}

impl Ctx {
    /// The service's own section of the settings.
    ///
    /// # Errors
    /// [`BadSettings`] names the key.
    pub fn section<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, BadSettings> {
        self.settings.section(self.service)
    }
}

/// An opened service: its three doors.
pub struct Parts {
    /// RequestLayers 1, HTTP, and the list of its operations.
    pub router: Router,
    pub operations: Vec<Operation>,
    /// RequestLayers 2, events.
    pub consumers: Consumers,
    /// RequestLayers 3, time.
    pub workers: Vec<Worker>,
}

/// Why a service cannot start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

type Start = Box<dyn FnOnce(Ctx) -> Pin<Box<dyn Future<Output = Result<Parts, StartError>> + Send>> + Send>;

/// A service that is not started yet.
pub struct Service {
    pub name: &'static str,
    pub migrations: &'static [Migration],
    /// Its section of the settings: without keys unless [`Service::settings`] says more.
    pub section: Section,
    pub(crate) start: Start,
}

impl Service {
    /// `start` opens the doors once the database is there.
    pub fn new<F, R>(name: &'static str, migrations: &'static [Migration], start: F) -> Service
    where
        F: FnOnce(Ctx) -> R + Send + 'static,
        R: Future<Output = Result<Parts, StartError>> + Send + 'static,
    {
        Service { name, migrations, section: Section::empty(), start: Box::new(move |ctx| Box::pin(start(ctx))) }
    }

    /// Declares that the service's section of the settings reads as a `T`. It is checked before any database is opened, and
    /// `docs/configuration.md` is written from it.
    #[must_use]
    pub fn settings<T: DeserializeOwned + JsonSchema>(mut self) -> Service {
        self.section = Section::of::<T>();
        self
    }
}
