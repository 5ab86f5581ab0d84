//! What an operator sees: logs as text for people or JSON for machines, and metrics in Prometheus text.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Seconds; from a call in process to a request that waits for its order to settle.
const SECONDS: &[f64] = &[0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Sends log lines to standard error. `filter` is in the form of `tracing_subscriber::EnvFilter`. Once a process; later
/// calls change nothing.
pub fn start_logging(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Text => fmt::layer().compact().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).boxed(),
    };
    // A second start (tests) finds the first in place, which serves as well.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Installs the metrics recorder and gives the handle that renders `GET /metrics`.
///
/// # Errors
/// When another recorder is installed.
pub fn start_metrics() -> Result<PrometheusHandle, Box<dyn std::error::Error + Send + Sync>> {
    Ok(PrometheusBuilder::new().set_buckets(SECONDS)?.with_recommended_naming(true).install_recorder()?)
}
