//! Opens the databases and starts the services in this process.

use crate::{config::Config, data_dir::RESERVE, services};
use anyhow::{Context as _, Result, bail};
use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::IntoResponse as _,
};
use contracts::problem::Code;
pub use platform::runtime::Databases;
use platform::{
    bus::Broker,
    client::Remote,
    context::Context,
    db::{
        OutdatedSchema, Storage,
        installation::{self, Opening},
        storage::Reserve,
    },
    env::Env,
    http::{Operation, Problem},
    master_key::MasterKey,
    runtime::{self, RemoteService, Runtime, Setup},
    service::Service,
    shutdown::Shutdown,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The header that names a request.
const CORRELATION_ID: &str = "x-correlation-id";
/// When a write that found no room is worth repeating.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The name of the rate limits that gateways share.
const RATE_LIMITS: &str = "souk-limits";
/// How long the state of a rate limit is kept: longer than the longest quota takes to be full again, which is a minute.
const RATE_LIMITS_KEPT: Duration = Duration::from_secs(120);

/// Checks the settings and opens the databases. It starts no service, because other files of a service, such as the search
/// index, may be in use by a program that runs on the same data.
pub fn databases(config: &Config, older: OutdatedSchema) -> Result<Databases> {
    for (name, section) in services::sections() {
        section.check(&config.settings, name)?;
    }
    let opening = Opening { outdated: older, accepted_losses: &[], used: has_files(config)? };
    Ok(runtime::open_databases_at(&Env::system(), &services::all(), |service| config.place(service), opening, None)?)
}

/// Whether services ran in the data directory: they make the secret after the databases.
fn is_used(config: &Config) -> Result<bool> {
    Ok(config.installation_key.is_none() && config.data_dir.join(MasterKey::FILE).try_exists()?)
}

/// Whether services used databases in the data directory.
fn has_files(config: &Config) -> Result<bool> {
    Ok(config.servers.is_none() && is_used(config)?)
}

/// Reads or makes the secret. It is made once: the databases know whether they were used with one, and with which.
async fn master_key(config: &Config, env: &Env, databases: &Databases) -> Result<MasterKey> {
    let file = config.data_dir.join(MasterKey::FILE);
    if let Some(key) = &config.installation_key {
        installation::check_secret(databases, &file, mark(key)).await?;
        return Ok(key.clone());
    }
    if !is_used(config)? && installation::has_secret_mark(databases).await? {
        bail!("{}: the secret of this installation is missing. Restore it from a backup (`souk restore`)", file.display());
    }
    let key = MasterKey::load_or_create(&config.data_dir, env)
        .with_context(|| format!("the data directory {} cannot be used", config.data_dir.display()))?;
    installation::check_secret(databases, &file, mark(&key)).await?;
    Ok(key)
}

/// What the databases store of the secret, to know it again.
fn mark(key: &MasterKey) -> [u8; 16] {
    let mut mark = [0; 16];
    mark.copy_from_slice(&key.key_for("installation mark")[..16]);
    mark
}

/// The services that the process runs.
fn own_services(config: &Config) -> Vec<Service> {
    services::all().into_iter().filter(|service| config.part.runs(service.name)).collect()
}

/// Opens the databases and starts every service. `run_background` decides whether events are delivered and workers run.
pub async fn start(config: &Config, run_background: bool) -> Result<Runtime> {
    let env = Env::system();
    for (name, section) in services::sections() {
        section.check(&config.settings, name)?;
    }
    let opening = Opening { outdated: OutdatedSchema::Migrate, accepted_losses: &config.accepted_losses, used: has_files(config)? };
    let reserve = Reserve { path: config.data_dir.join(RESERVE), bytes: config.disk_reserve_bytes };
    let databases = runtime::open_databases_at(&env, &own_services(config), |service| config.place(service), opening, Some(reserve))?;
    let master_key = master_key(config, &env, &databases).await?;
    let setup = Setup {
        remote_services: remote_services(config, &env),
        broker: broker(config).await?,
        env,
        data_dir: config.data_dir.clone(),
        settings: config.settings.clone(),
        master_key,
        run_background,
        databases: Some(databases),
    };
    Runtime::start(own_services(config), setup).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Connects to the event broker, if one is configured. The connection is made in the background.
pub async fn broker(config: &Config) -> Result<Option<Broker>> {
    match &config.events {
        Some(url) => Ok(Some(Broker::connect(url, config.events_replicas).await?)),
        None => Ok(None),
    }
}

/// The services of other processes that have an address.
fn remote_services(config: &Config, env: &Env) -> Vec<(&'static str, RemoteService)> {
    let addresses = config.part.others().filter_map(|name| Some((name, config.upstreams.get(name)?)));
    addresses.map(|(name, addresses)| (name, RemoteService::Remote(Remote::new(env, name, addresses)))).collect()
}

/// Refuses writes from outside while the disk is full. What room there is, is left to the work in progress: services of this
/// process call each other without this layer, and those of other processes by internal paths.
fn unless_full(router: &Router, storage: Option<Arc<Storage>>) -> Router {
    let Some(storage) = storage else { return router.clone() };
    router.clone().layer(from_fn(move |request: Request, next: Next| {
        let is_refused = storage.is_full() && !request.method().is_safe() && !request.uri().path().starts_with("/internal/");
        async move {
            if !is_refused {
                return next.run(request).await;
            }
            let correlation_id = request.headers().get(CORRELATION_ID).and_then(|id| id.to_str().ok()).unwrap_or("none").to_owned();
            let problem = Problem::new(Code::STORAGE_FULL).retry_after(RETRY_AFTER);
            Context::new(correlation_id).sync_scope(|| problem.into_response())
        }
    }))
}

/// The services of this process as the gateway and other processes call them.
pub fn entry_points(runtime: &Runtime) -> BTreeMap<&'static str, Router> {
    runtime.routers.iter().map(|(name, router)| (*name, unless_full(router, runtime.storage()))).collect()
}

/// Configures the gateway in front of the services of this process and of others.
pub fn gateway(config: &Config, runtime: &Runtime, operations: Vec<Operation>, extra: Router) -> Result<gateway::Setup> {
    let here = entry_points(runtime).into_iter().map(|(name, router)| (name, gateway::Upstream::InProcess(router)));
    let elsewhere = runtime.remotes.iter().map(|(name, remote)| (*name, gateway::Upstream::Remote(remote.clone())));
    let (env, settings): (_, gateway::Settings) = (Env::system(), config.settings.section("gateway")?);
    let shared_limits = match config.rate_limits {
        // There is one for each of the four kinds of requests.
        true => runtime.shared_values(&env, RATE_LIMITS, RATE_LIMITS_KEPT, settings.remembered_callers.get().saturating_mul(4)),
        false => None,
    };
    Ok(gateway::Setup {
        env,
        settings,
        shared_limits,
        rate_limits: config.rate_limits,
        verifier: runtime.verifier.clone(),
        client: runtime.gateway_client.clone(),
        services: here.chain(elsewhere).collect(),
        operations,
        extra,
        landing: false,
    })
}

/// The web pages, which call the public API that `api` serves.
pub fn pages(config: &Config, api: Router, shutdown: Shutdown) -> Result<Router> {
    let settings: gateway::Settings = config.settings.section("gateway")?;
    let Some(key) = config.master_key()? else { bail!("the installation has no {}", MasterKey::FILE) };
    let public_url = config.settings.section::<notification::Settings>("notification")?.shop_url()?;
    let session_key = key.key_for("web-session");
    let is_demo = config.settings.section::<payment::Settings>("payment")?.switchable_faults;
    Ok(web::routes(web::Setup { env: Env::system(), api, session_key, https: settings.https, public_url, shutdown, is_demo }))
}

/// The pages that browsers get instead of problem documents.
pub fn browser_pages() -> gateway::BrowserPages {
    gateway::BrowserPages { refused: web::refused, starting: web::starting, files: web::files() }
}
