//! The operations port: metrics, and the probes of the public port, for who monitors the program.

use crate::config::Config;
use anyhow::{Context as _, Result};
use axum::{http::header, routing::get};
use platform::{
    env::Env,
    http::{self, Limits},
    shutdown::Shutdown,
    telemetry::{self, Metrics},
};
use std::time::Duration;

/// Serves until shutdown. If the address cannot be bound, that is an error only when it was configured.
/// Returns the metrics unless they are not served.
pub async fn serve(config: &Config, env: &Env, ready: gateway::Ready, end: Shutdown) -> Result<Option<Metrics>> {
    let listener = match config.ops_listen.bind().await {
        Ok(listener) => listener,
        Err(error) if config.ops_listen_is_explicit => {
            return Err(error).with_context(|| format!("{} cannot be listened on; choose another with --ops-listen", config.ops_listen));
        }
        Err(error) => {
            tracing::warn!(target: "souk", address = %config.ops_listen, %error, "metrics are not served; choose another address with --ops-listen");
            return Ok(None);
        }
    };
    let Ok(metrics) = telemetry::start_metrics(env!("CARGO_PKG_VERSION")) else { return Ok(None) };
    let upkeep = (metrics.clone(), end.clone(), env.clone());
    env.spawn(async move {
        while !upkeep.1.is_requested() {
            upkeep.0.run_upkeep();
            upkeep.1.sleep(&upkeep.2, Duration::from_secs(5), std::future::pending()).await;
        }
    });
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let rendered = metrics.clone();
    let router = gateway::probes(ready).route("/metrics", get(async move || (text, rendered.render().await)));
    let clock = env.clone();
    env.spawn(async move { http::serve(listener, router, limits(), clock, async move { end.requested().await }).await });
    Ok(Some(metrics))
}

/// Limits for readers of the metrics.
fn limits() -> Limits {
    Limits { connections: 64, per_peer: None, ..Limits::default() }
}
