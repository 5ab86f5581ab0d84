//! Logs, as text for people or JSON for machines, and metrics in Prometheus text.

mod families;
mod gauges;
mod process;

pub use families::{FAMILIES, Family, Kind};
pub use gauges::{GaugeReader, Gauges, age_seconds};

use crate::env::Env;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::{Map, Value};
use std::{
    io::{IsTerminal as _, Write as _},
    panic::{self, PanicHookInfo},
    sync::{Arc, OnceLock},
};
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

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Sets the format of everything that the process prints, before logging starts. Only the first call of a process has an
/// effect.
pub fn set_format(format: LogFormat) {
    let _ = FORMAT.set(format);
}

/// The format of everything that the process prints.
pub fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or_default()
}

/// A line in the form of the JSON log, for what is printed whatever the filter says.
#[must_use]
pub fn json_line(level: &str, target: &str, message: &str, fields: &[(&str, Value)]) -> String {
    let time = serde_json::to_value(Env::system().now()).unwrap_or_default();
    let own = [("timestamp", time), ("level", level.into()), ("target", target.into()), ("message", message.into())];
    let all = own.into_iter().chain(fields.iter().cloned());
    Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()).to_string()
}

/// Prints a panic as a JSON line. It does not use the log, because the panic may have happened in it.
fn print_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a value that is no text");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    let fields = [("location", Value::from(location)), ("thread", Value::from(thread))];
    // Nothing remains to be done when standard error cannot be written.
    let _ = writeln!(std::io::stderr(), "{}", json_line("ERROR", "panic", &format!("panicked: {message}"), &fields));
}

/// Writes log lines to standard error, and panics too when the format is JSON. `filter` has the form of `tracing_subscriber::EnvFilter`. Only the first call of a process
/// has an effect.
///
/// # Errors
/// When `filter` does not parse.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), ParseError> {
    // The search engine warns of segments that another merge has already replaced, which is no fault. A filter that names it wins.
    let filter = EnvFilter::try_new(format!("tantivy=error,{filter}"))?;
    set_format(format);
    if format == LogFormat::Json {
        panic::set_hook(Box::new(print_panic));
    }
    let lines = match format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).log_internal_errors(false).with_writer(std::io::stderr).boxed(),
        LogFormat::Text => fmt::layer().compact().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr).boxed(),
    };
    // A second call, in tests, fails and leaves the first subscriber in place.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}

/// The metrics of this process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    started_at: f64,
    gauges: Arc<OnceLock<Gauges>>,
}

impl Metrics {
    /// Reads `gauges` from now on whenever the metrics are rendered. Only the first call has an effect.
    pub fn set_gauges(&self, gauges: Gauges) {
        let _ = self.gauges.set(gauges);
    }

    /// The answer of `GET /metrics`: every family that has a value, with its lines HELP and TYPE.
    pub async fn render(&self) -> String {
        if let Some(gauges) = self.gauges.get() {
            gauges.update().await;
        }
        let mut text = self.handle.render();
        process::render(&mut text, self.started_at);
        text
    }

    /// Frees what the recorder has aggregated; to be called every few seconds.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Installs the metrics recorder. `version` is that of the program.
///
/// # Errors
/// When a recorder is installed already.
pub fn start_metrics(version: &'static str) -> Result<Metrics, Box<dyn std::error::Error + Send + Sync>> {
    let handle = exporter()?.install_recorder()?;
    families::describe();
    metrics::gauge!("souk_build_info", "version" => version, "os" => std::env::consts::OS, "arch" => std::env::consts::ARCH).set(1.0);
    Ok(Metrics { handle, started_at: process::seconds_now(), gauges: Arc::default() })
}

/// Sets the gauge `name` to the count of each of `values`, and to 0 for a value without a count.
pub fn set_counts<T: Copy + PartialEq>(
    name: &'static str,
    label: &'static str,
    values: &[T],
    word: impl Fn(T) -> &'static str,
    counts: &[(T, u64)],
) {
    for value in values {
        let count = counts.iter().find(|(counted, _)| counted == value).map_or(0, |(_, count)| *count);
        metrics::gauge!(name, label => word(*value)).set(count as f64);
    }
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
    fn every_family_is_rendered_with_its_help_and_type() {
        let recorder = exporter().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            families::describe();
            for Family { name, kind, .. } in FAMILIES {
                match kind {
                    Kind::Counter => metrics::counter!(*name).increment(1),
                    Kind::Gauge => metrics::gauge!(*name).set(1.0),
                    Kind::Histogram => metrics::histogram!(*name).record(1.0),
                }
            }
        });
        let text = recorder.handle().render();
        for Family { name, kind, help, .. } in FAMILIES.iter().filter(|family| family.name.starts_with("souk_")) {
            assert!(text.contains(&format!("# HELP {name} {help}\n")), "{name}: {text}");
            assert!(text.contains(&format!("# TYPE {name} {}\n", kind.as_str())), "{name}: {text}");
        }
    }

    #[test]
    fn a_value_without_a_count_is_zero() {
        let recorder = exporter().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            set_counts("souk_orders", "status", &[true, false], |value| if value { "YES" } else { "NO" }, &[(true, 3)]);
        });
        let text = recorder.handle().render();
        assert!(text.contains("souk_orders{status=\"YES\"} 3") && text.contains("souk_orders{status=\"NO\"} 0"), "{text}");
    }

    #[test]
    fn what_is_printed_beside_the_log_has_its_form() {
        let line = json_line("INFO", "souk", "two\nlines", &[("address", "127.0.0.1:1".into())]);
        let read: Value = serde_json::from_str(&line).unwrap();
        assert!(!line.contains('\n') && read["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        let of = |name: &str| read[name].as_str().unwrap().to_owned();
        assert_eq!(["level", "target", "message", "address"].map(of), ["INFO", "souk", "two\nlines", "127.0.0.1:1"]);
    }

    #[test]
    fn a_filter_that_does_not_parse_is_refused() {
        let refused = start_logging(LogFormat::Text, "order=loud").unwrap_err().to_string();
        assert!(!refused.is_empty());
    }
}
