//! `souk serve`: runs the platform behind its gateway until a signal stops it.

use crate::{
    config::{Config, Flags},
    data_dir::{self, DataDirLock},
    documents,
    entry::ServiceEntry,
    operations, platform_run,
    processes::Part,
    style,
};
use anyhow::{Context as _, Result, bail};
use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
};
use clap::Args;
use gateway::StartupGate;
use platform::{
    db::storage::State,
    env::Env,
    http::{Limits, Operation, serve},
    runtime::Runtime,
    service::Readiness,
    shutdown::{self, Shutdown, ShutdownSender},
    telemetry::{self, LogFormat, Metrics},
};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

#[derive(Args)]
pub struct Serve {
    /// Run only these services, separated by commas, or only the gateway. The others run in processes of their own, and
    /// --upstream says where
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(serve: Serve) -> Result<()> {
    let server = Starting::bind(serve.flags.resolve_part(&serve.only)?).await?.start_services().await?;
    server.accept_requests(Router::new())?;
    server.announce_ready();
    let url = format!("http://{}", server.address());
    match telemetry::format() {
        LogFormat::Text => println!("{} listening on {}", style::bold("souk"), style::cyan(&url)),
        LogFormat::Json => println!("{}", telemetry::json_line("INFO", "souk", "listening", &[("address", url.into())])),
    }
    server.run().await
}

/// The filter of log lines unless one is configured.
pub const DEFAULT_FILTER: &str = "info";

/// How long the program still accepts connections after SIGTERM. `/readyz` answers 503 meanwhile, so that a load balancer
/// can stop sending requests.
const NOT_READY_FOR: Duration = Duration::from_secs(1);

/// The program before its services start: addresses are bound, probes are answered, the data directory is locked.
pub struct Starting {
    pub config: Config,
    /// With the port that the system chose, if port 0 was configured.
    address: SocketAddr,
    /// Why the program accepts no requests, for `/readyz`; `None` when it accepts them.
    not_ready: watch::Sender<Option<&'static str>>,
    /// Whether the program is about to stop.
    is_stopping: Arc<AtomicBool>,
    entry: Entry,
    shutdown: ShutdownSender,
    /// What answers that last long watch.
    end: Shutdown,
    /// Ends after the last request: with true if all ended in time.
    served: JoinHandle<bool>,
    signals: ShutdownSignals,
    data_dir_lock: DataDirLock,
    /// The state of the disk, once the databases are open.
    storage: Arc<OnceLock<watch::Receiver<State>>>,
    /// Which services are not ready, once they are started.
    readiness: Arc<OnceLock<Readiness>>,
    metrics: Option<Metrics>,
}

impl Starting {
    /// Starts logging, binds the addresses and locks the data directory. Probes are answered from then on.
    pub async fn bind(mut config: Config) -> Result<Starting> {
        let filter = config.log.as_deref().unwrap_or(DEFAULT_FILTER);
        telemetry::start_logging(config.log_format, filter)
            .with_context(|| format!("--log {filter:?} is not a filter of log lines; use the syntax of RUST_LOG"))?;
        let env = Env::system();
        let limits = client_limits(&config)?;
        let listener =
            config.listen.bind().await.with_context(|| format!("{} cannot be listened on; choose another with --listen", config.listen))?;
        let address = listener.local_addr()?;
        config.settings = config.settings.with_default("notification", "public_url", local_url(address));
        let (shutdown, end) = shutdown::channel();
        let (not_ready, reason) = watch::channel(Some("the services are being started"));
        let storage = Arc::<OnceLock<watch::Receiver<State>>>::default();
        let readiness = Arc::<OnceLock<Readiness>>::default();
        let (disk, services) = (storage.clone(), readiness.clone());
        let reasons: gateway::Ready = Arc::new(move || {
            let mut reasons: Vec<String> = reason.borrow().iter().map(|reason| (*reason).to_owned()).collect();
            reasons.extend(disk.get().and_then(|disk| disk.borrow().reason()));
            reasons.extend(services.get().map(Readiness::reasons).unwrap_or_default());
            reasons
        });
        let metrics = operations::serve(&config, &env, reasons.clone(), end.clone()).await?;
        let signals = ShutdownSignals::listen()?;
        let entry = match config.part {
            Part::Services(_) => Entry::Services(ServiceEntry::new(&env, reasons)),
            Part::All | Part::Gateway => Entry::Public(StartupGate::new(env.clone(), reasons, Some(platform_run::browser_pages()))),
        };
        let is_stopping = Arc::<AtomicBool>::default();
        let router = closing_connections(entry.router(), is_stopping.clone());
        let drain = end.clone();
        let serving = serve(listener, router, limits, env.clone(), async move { drain.requested().await });
        let served = env.spawn(serving);
        let data_dir_lock = data_dir::lock(&env, &config.data_dir).await?;
        Ok(Starting {
            config,
            address,
            not_ready,
            is_stopping,
            entry,
            shutdown,
            end,
            served,
            signals,
            data_dir_lock,
            storage,
            readiness,
            metrics,
        })
    }

    /// Starts every service. Requests wait for [`Server::accept_requests`].
    pub async fn start_services(mut self) -> Result<Server> {
        let runtime = self.signals.unless_shutdown(platform_run::start(&self.config, true)).await?;
        if let Some(metrics) = &self.metrics {
            metrics.set_gauges(runtime.gauges());
        }
        if let Some(storage) = runtime.storage() {
            // The services are started once.
            let _ = self.storage.set(storage.subscribe());
        }
        if matches!(self.config.part, Part::Services(_)) {
            // A replica of theirs may be ready.
            let _ = self.readiness.set(runtime.readiness.clone());
        }
        let operations = match self.config.part {
            // No service runs here that could describe its operations.
            Part::Gateway => documents::all_operations().await?,
            Part::All | Part::Services(_) => documents::operations(&runtime),
        };
        Ok(Server { starting: self, runtime, operations })
    }
}

/// Answers with `Connection: close` once the program is about to stop. So nobody sends a request on a connection that is closed at
/// the same moment, and callers read from the answer what a probe would show later.
fn closing_connections(router: Router, is_stopping: Arc<AtomicBool>) -> Router {
    router.layer(map_response(move |mut answer: Response| {
        if is_stopping.load(Ordering::Relaxed) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        std::future::ready(answer)
    }))
}

/// What answers requests at the address of the process.
enum Entry {
    /// The public API.
    Public(StartupGate),
    /// Some services, for the gateway and for each other.
    Services(ServiceEntry),
}

impl Entry {
    fn router(&self) -> Router {
        match self {
            Entry::Public(gate) => gate.router(),
            Entry::Services(entry) => entry.router(),
        }
    }
}

/// The started platform.
pub struct Server {
    starting: Starting,
    runtime: Runtime,
    /// The operations of the API description.
    operations: Vec<Operation>,
}

impl Server {
    /// The address of the public API.
    pub fn address(&self) -> SocketAddr {
        self.starting.address
    }

    /// The public API's URL for a client on this machine.
    pub fn local_url(&self) -> String {
        local_url(self.starting.address)
    }

    pub fn config(&self) -> &Config {
        &self.starting.config
    }

    pub fn data_dir(&self) -> &Path {
        &self.starting.config.data_dir
    }

    /// Does work before the program is ready. `/readyz` shows `reason` meanwhile.
    pub async fn prepare<T>(&mut self, reason: &'static str, work: impl AsyncFnOnce(&Runtime) -> Result<T>) -> Result<T> {
        self.starting.not_ready.send_replace(Some(reason));
        self.starting.signals.unless_shutdown(work(&self.runtime)).await
    }

    /// Accepts requests from now on. `extra` are routes outside of the API.
    pub fn accept_requests(&self, extra: Router) -> Result<()> {
        let Starting { entry, config, .. } = &self.starting;
        match entry {
            Entry::Public(gate) => {
                let extra = extra.merge(platform_run::pages(config, gate.router(), self.starting.end.clone())?);
                gate.open(platform_run::gateway(config, &self.runtime, self.operations.clone(), extra)?);
            }
            Entry::Services(entry) => entry.open(platform_run::entry_points(&self.runtime)),
        }
        Ok(())
    }

    /// Makes `/readyz` answer 200.
    pub fn announce_ready(&self) {
        self.starting.not_ready.send_replace(None);
    }

    /// Serves until SIGTERM or SIGINT, then waits for the requests in flight. A damaged database ends it with an error.
    pub async fn run(self) -> Result<()> {
        let Starting { not_ready, is_stopping, shutdown, served, mut signals, data_dir_lock, storage, .. } = self.starting;
        let damage = async {
            match storage.get() {
                Some(disk) => damage(disk.clone()).await,
                None => std::future::pending().await,
            }
        };
        let signal = tokio::select! {
            signal = signals.next() => signal,
            sentence = damage => bail!(sentence),
        };
        not_ready.send_replace(Some("the process is stopping"));
        is_stopping.store(true, Ordering::Relaxed);
        tracing::info!(target: "souk", "stopping: requests in flight end first");
        if signal == ShutdownSignal::Terminate {
            Env::system().sleep(NOT_READY_FOR).await;
        }
        shutdown.stop();
        let drained = served.await.context("the accept loop broke")?;
        self.runtime.stop().await;
        if !drained {
            tracing::warn!(target: "souk", "some requests did not end in time; their committed changes are kept");
        }
        drop(data_dir_lock);
        Ok(())
    }
}

/// Waits until a database is found damaged, and returns the sentence about it.
async fn damage(mut disk: watch::Receiver<State>) -> String {
    match disk.wait_for(|state| matches!(state, State::Damaged(_))).await.as_deref() {
        Ok(State::Damaged(sentence)) => sentence.clone(),
        // The databases are closed.
        _ => std::future::pending().await,
    }
}

/// Receives the signals that stop the program.
struct ShutdownSignals {
    terminate: Signal,
    interrupt: Signal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShutdownSignal {
    /// SIGTERM, from a supervisor; a load balancer may still send requests.
    Terminate,
    /// SIGINT, from the keyboard.
    Interrupt,
}

impl ShutdownSignals {
    fn listen() -> Result<ShutdownSignals> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(ShutdownSignals { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> ShutdownSignal {
        tokio::select! {
            _ = self.terminate.recv() => ShutdownSignal::Terminate,
            _ = self.interrupt.recv() => ShutdownSignal::Interrupt,
        }
    }

    /// Returns the outcome of `work`, or an error if a signal comes first. The next start completes interrupted work.
    async fn unless_shutdown<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            _ = self.next() => bail!("stopped by a signal before it was ready"),
        }
    }
}

/// Limits for clients. Behind trusted proxies all connections come from few peers, so there is no limit for each peer.
fn client_limits(config: &Config) -> Result<Limits> {
    let gateway: gateway::Settings = config.settings.section("gateway")?;
    let limits = Limits::of_this_process()?;
    // The peers of a service are other processes of the installation.
    let is_public = !matches!(config.part, Part::Services(_));
    let per_peer = limits.per_peer.filter(|_| is_public && gateway.trusted_proxies == 0);
    Ok(Limits { per_peer, ..limits })
}

/// The URL of `address` for a browser on this machine: the default start of links in messages.
fn local_url(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("http://[::1]:{}", v6.port()),
        _ => format!("http://{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_may_hold_every_connection_behind_a_trusted_proxy() {
        let folder = platform::testing::TempFolder::new();
        let flags = Flags { data_dir: Some(folder.path().to_owned()), ..Flags::default() };
        let mut config = flags.resolve().unwrap();
        let direct = client_limits(&config).unwrap();
        assert_eq!(direct.per_peer, Some(direct.connections));
        config.settings = config.settings.with("gateway", "trusted_proxies", 1_i64);
        let proxied = client_limits(&config).unwrap();
        assert_eq!(proxied.per_peer, None);
    }

    #[test]
    fn the_local_url_can_be_opened_in_a_browser() {
        for (listens, reached) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
            ("0.0.0.0:8081", "http://127.0.0.1:8081"),
            ("[::]:8082", "http://[::1]:8082"),
        ] {
            assert_eq!(local_url(listens.parse().unwrap()), reached);
        }
    }
}
