//! Logs, as text for people or JSON for machines, and metrics in Prometheus text.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal as _;
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, prelude::*};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// In seconds, from a call in process to a request that waits until its order is placed.
const SECONDS: &[f64] = &[0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Units that share a commit: from one to the largest group.
const UNITS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Writes log lines to standard error. `filter` has the form of `tracing_subscriber::EnvFilter`. Only the first call of a process
/// has an effect.
///
/// # Errors
/// When `filter` does not parse.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let lines = match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Text => fmt::layer().compact().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).boxed(),
    };
    // A second call, in tests, fails and leaves the first subscriber in place.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}

/// Installs the metrics recorder and returns the handle that renders `GET /metrics`.
///
/// # Errors
/// When a recorder is installed already.
pub fn start_metrics() -> Result<PrometheusHandle, Box<dyn std::error::Error + Send + Sync>> {
    Ok(exporter()?.install_recorder()?)
}

fn exporter() -> Result<PrometheusBuilder, BuildError> {
    let units = Matcher::Full("souk_db_group_units".to_owned());
    Ok(PrometheusBuilder::new().set_buckets(SECONDS)?.set_buckets_for_metric(units, UNITS)?.with_recommended_naming(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_measured_in_seconds_and_groups_in_units() {
        let recorder = exporter().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("souk_db_group_units", "service" => "order").record(3.0);
            metrics::histogram!("souk_http_request_duration_seconds").record(0.003);
        });
        let text = recorder.handle().render();
        for line in
            ["souk_db_group_units_bucket{service=\"order\",le=\"4\"} 1", "souk_http_request_duration_seconds_bucket{le=\"0.005\"} 1"]
        {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("units_bucket{service=\"order\",le=\"0.005\"}"), "{text}");
    }

    #[test]
    fn a_filter_that_does_not_parse_is_refused() {
        let refused = start_logging(LogFormat::Text, "order=loud").unwrap_err().to_string();
        assert!(!refused.is_empty());
    }
}
