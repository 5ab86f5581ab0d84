//! `souk serve`: the platform behind its gateway until told to stop.

use crate::{
    config::{Config, Flags},
    platform_run, style,
};
use anyhow::{Context as _, Result, bail};
use axum::{Router, http::header, routing::get};
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use platform::{
    env::Env,
    http::{Limits, serve},
    runtime::Runtime,
    telemetry,
};
use std::{
    fs::{self, File, TryLockError},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

#[derive(Args)]
pub struct Serve {
    /// Run only these services, separated by commas. This build runs the whole platform in one process, and refuses it
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When the platform cannot start.
pub async fn run(serve: Serve) -> Result<()> {
    if !serve.only.is_empty() {
        bail!("--only needs a carrier of events between processes, which this build does not have: run the whole platform in one process");
    }
    let config = serve.flags.decide()?;
    let house = House::open(config, Router::new()).await?;
    println!("{} listening on {}", style::bold("souk"), style::cyan(format!("http://{}", house.address)));
    house.run().await
}

/// A started platform with its listeners bound.
pub struct House {
    pub config: Config,
    pub runtime: Runtime,
    /// Where the public API listens: the port that was given, or the one the system chose for port 0.
    pub address: SocketAddr,
    listener: TcpListener,
    operations: Option<TcpListener>,
    metrics: Option<PrometheusHandle>,
    router: Router,
    limits: Limits,
    stopping: Arc<AtomicBool>,
    /// Locked as long as the house stands.
    _claim: File,
}

impl House {
    /// Starts logging, every service and the gateway, and binds the addresses. `extra` are routes outside of the API.
    ///
    /// # Errors
    /// With what is wrong, in plain words.
    pub async fn open(mut config: Config, extra: Router) -> Result<House> {
        telemetry::start_logging(config.log_format, &config.log);
        let metrics = telemetry::start_metrics().ok();
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("{} cannot be listened on; choose another with --listen", config.listen))?;
        let address = listener.local_addr()?;
        config.settings = config.settings.with_default("notification", "public_url", reachable_at(address));
        let operations = match TcpListener::bind(config.ops_listen).await {
            Ok(listener) => Some(listener),
            Err(error) if config.ops_listen_asked => {
                return Err(error)
                    .with_context(|| format!("{} cannot be listened on; choose another with --ops-listen", config.ops_listen));
            }
            Err(error) => {
                tracing::warn!(target: "souk", address = %config.ops_listen, %error, "metrics are not served; choose another address with --ops-listen");
                None
            }
        };
        let limits = callers(&config)?;
        let claim = claim(&config.data_dir).await?;
        let runtime = platform_run::start(&config, true).await?;
        let stopping = Arc::new(AtomicBool::new(false));
        let router = platform_run::gateway(&config, &runtime, extra, stopping.clone())?;
        Ok(House { config, runtime, address, listener, operations, metrics, router, limits, stopping, _claim: claim })
    }

    /// Serves until SIGTERM or SIGINT, then drains: requests in flight end, and what is committed stays.
    ///
    /// # Errors
    /// When the signals cannot be heard.
    pub async fn run(self) -> Result<()> {
        let env = Env::system();
        let stop = self.runtime.stop_signal();
        if let (Some(listener), Some(metrics)) = (self.operations, self.metrics) {
            let upkeep = (metrics.clone(), stop.clone());
            env.spawn(async move {
                while !upkeep.1.is_requested() {
                    upkeep.0.run_upkeep();
                    upkeep.1.pause(Duration::from_secs(5), std::future::pending()).await;
                }
            });
            let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            let router = Router::new().route("/metrics", get(move || async move { (text, metrics.render()) }));
            let (env, stop) = (env.clone(), stop.clone());
            env.clone().spawn(async move { serve(listener, router, operators(), env, async move { stop.requested().await }).await });
        }
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let stopping = self.stopping.clone();
        let order = async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            stopping.store(true, Ordering::Relaxed);
            tracing::info!(target: "souk", "stopping: requests in flight end first");
        };
        let drained = serve(self.listener, self.router, self.limits, env, order).await;
        self.runtime.stop().await;
        if !drained {
            tracing::warn!(target: "souk", "some requests did not end in time; what they committed is kept");
        }
        Ok(())
    }
}

/// What callers may take up. Behind proxies every connection is theirs, and they keep their own callers apart.
fn callers(config: &Config) -> Result<Limits> {
    let gateway: gateway::Settings = config.settings.section("gateway")?;
    let limits = Limits::of_this_process();
    let per_peer = if gateway.trusted_proxies > 0 { limits.connections } else { limits.per_peer };
    Ok(Limits { per_peer, ..limits })
}

/// What those may take up who read the metrics.
fn operators() -> Limits {
    Limits { connections: 64, per_peer: 64, ..Limits::default() }
}

/// Marks the data directory as this process's until the file is closed, however that comes about: two programs would both
/// carry the same events and write the same index. One that is about to end is waited for.
async fn claim(folder: &Path) -> Result<File> {
    let unusable = || format!("the data directory {} cannot be used", folder.display());
    fs::create_dir_all(folder).with_context(unusable)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).with_context(unusable)?;
    for pause in [100, 400, 1_500] {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(pause)).await,
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
    }
    bail!("the data directory {} is in use by another souk; stop that, or choose another with --data-dir", folder.display())
}

/// Where a person on this machine reaches what listens on `address`: links in messages begin with it unless the setting
/// says otherwise.
fn reachable_at(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("http://127.0.0.1:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("http://[::1]:{}", v6.port()),
        _ => format!("http://{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_data_directory_belongs_to_one_program_at_a_time() {
        let folder = platform::testing::TempFolder::new();
        let place = folder.path().join("data");
        let first = claim(&place).await.unwrap();
        let refused = claim(&place).await.unwrap_err().to_string();
        assert!(refused.contains("is in use by another souk"), "{refused}");
        drop(first);
        claim(&place).await.unwrap();
    }

    #[test]
    fn one_peer_may_hold_every_connection_where_all_come_from_a_proxy() {
        let folder = platform::testing::TempFolder::new();
        let flags = Flags { data_dir: Some(folder.path().to_owned()), ..Flags::default() };
        let mut config = flags.decide().unwrap();
        let direct = callers(&config).unwrap();
        assert!(direct.per_peer < direct.connections);
        config.settings = config.settings.with("gateway", "trusted_proxies", 1_i64);
        let proxied = callers(&config).unwrap();
        assert_eq!(proxied.per_peer, proxied.connections);
    }

    #[test]
    fn links_lead_to_where_the_program_listens() {
        for (listens, reached) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
            ("0.0.0.0:8081", "http://127.0.0.1:8081"),
            ("[::]:8082", "http://[::1]:8082"),
        ] {
            assert_eq!(reachable_at(listens.parse().unwrap()), reached);
        }
    }
}
