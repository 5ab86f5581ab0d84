//! The platform in this process, with its gateway in front.

use crate::{config::Config, services};
use anyhow::{Context as _, Result};
use axum::Router;
use platform::{
    env::Env,
    installation::Installation,
    runtime::{Runtime, Setup},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Opens the databases and starts every service. `moving` says whether events are carried and workers run.
///
/// # Errors
/// With what is wrong, in plain words.
pub async fn start(config: &Config, moving: bool) -> Result<Runtime> {
    let env = Env::system();
    let installation =
        Installation::in_folder(&config.data_dir, &env).with_context(|| format!("the data directory {} cannot be used", config.data_dir.display()))?;
    let setup = Setup { env, data_dir: config.data_dir.clone(), settings: config.settings.clone(), installation, elsewhere: Vec::new(), moving };
    Runtime::start(services::all(), setup).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// The public router. Once `stopping` is set it says that it takes no more traffic.
///
/// # Errors
/// When the gateway's settings cannot be used.
pub fn gateway(config: &Config, runtime: &Runtime, extra: Router, stopping: Arc<AtomicBool>) -> Result<Router> {
    let settings = config.settings.section("gateway")?;
    Ok(gateway::router(gateway::Setup {
        env: Env::system(),
        settings,
        rate_limits: config.rate_limits,
        verifier: runtime.verifier.clone(),
        services: runtime.routers.iter().map(|(name, router)| (*name, gateway::Upstream::InProcess(router.clone()))).collect(),
        operations: runtime.operations.iter().map(|(_, operation)| operation.clone()).collect(),
        extra,
        landing: true,
        ready: Arc::new(move || if stopping.load(Ordering::Relaxed) { vec!["the process is stopping".to_owned()] } else { Vec::new() }),
    }))
}
