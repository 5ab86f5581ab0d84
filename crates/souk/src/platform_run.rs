//! Opens the databases and starts the services in this process.

use crate::{config::Config, services};
use anyhow::{Context as _, Result};
use axum::Router;
use platform::{
    db::{Db, OutdatedSchema},
    env::Env,
    master_key::MasterKey,
    runtime::{self, Runtime, Setup},
};
use std::collections::BTreeMap;

/// The databases by the names of their services.
pub type Databases = BTreeMap<&'static str, Db>;

/// Checks the settings and opens the databases. It starts no service, because other files of a service, such as the search
/// index, may be in use by a program that runs on the same data.
pub fn databases(config: &Config, older: OutdatedSchema) -> Result<Databases> {
    for (name, section) in services::sections() {
        section.check(&config.settings, name)?;
    }
    let opened = runtime::open_databases(&Env::system(), &config.data_dir, &services::all(), older);
    opened.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Opens the databases and starts every service. `run_background` decides whether events are delivered and workers run.
pub async fn start(config: &Config, run_background: bool) -> Result<Runtime> {
    let env = Env::system();
    let master_key = MasterKey::load_or_create(&config.data_dir, &env)
        .with_context(|| format!("the data directory {} cannot be used", config.data_dir.display()))?;
    let setup = Setup {
        env,
        data_dir: config.data_dir.clone(),
        settings: config.settings.clone(),
        master_key,
        remote_services: Vec::new(),
        run_background,
    };
    Runtime::start(services::all(), setup).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Configures the gateway in front of these services.
pub fn gateway(config: &Config, runtime: &Runtime, extra: Router) -> Result<gateway::Setup> {
    Ok(gateway::Setup {
        env: Env::system(),
        settings: config.settings.section("gateway")?,
        rate_limits: config.rate_limits,
        verifier: runtime.verifier.clone(),
        services: runtime.routers.iter().map(|(name, router)| (*name, gateway::Upstream::InProcess(router.clone()))).collect(),
        operations: runtime.operations.iter().map(|(_, operation)| operation.clone()).collect(),
        extra,
        landing: true,
    })
}
