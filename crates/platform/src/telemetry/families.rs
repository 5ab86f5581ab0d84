//! Every metric that the program serves, in one table. `docs/metrics.md` is generated from it, and so are the lines HELP of
//! `GET /metrics`; the tidy test compares it with the code.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// How the values of a family change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// The word of the Prometheus text format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A metric with all of its label values.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels, help }
}

/// The families, by area. Those of the process are read from `/proc`, so only Linux has them.
pub const FAMILIES: &[Family] = &[
    counter("souk_http_requests_total", &["service", "method", "route", "status"], "Requests that a service answered"),
    histogram("souk_http_request_duration_seconds", &["service", "route"], "Time from the head of a request to its answer"),
    counter("souk_http_connections_refused_total", &[], "Connections refused because all or one address's were taken"),
    counter("souk_http_slow_requests_total", &["part"], "Requests whose head or body did not arrive in time"),
    counter("souk_http_invalid_hosts_total", &[], "Requests without one valid Host"),
    counter("souk_http_accept_errors_total", &[], "Failures to accept a connection, such as too few file handles"),
    gauge("souk_gateway_requests_in_flight", &["kind"], "Requests that hold a slot of the gateway"),
    gauge("souk_gateway_queued_requests", &["priority"], "Requests that wait for a slot"),
    gauge("souk_gateway_concurrency_limit", &[], "How many requests may do work at once; it falls while the processors are overloaded"),
    counter("souk_gateway_shed_total", &["priority"], "Requests refused with 503 because their turn did not come in time"),
    counter("souk_gateway_untrusted_forwarded_total", &[], "Requests with forwarded addresses while no proxy is trusted"),
    counter("souk_gateway_refused_total", &["code"], "Requests that the gateway refused by itself"),
    counter("souk_client_retries_total", &["service"], "Retried calls, by the service that was called"),
    histogram("souk_db_group_units", &["service"], "Units of work in one commit"),
    histogram("souk_db_commit_duration_seconds", &["service"], "Time of a commit until it is on the disk"),
    gauge("souk_db_queued_units", &["service"], "Units of work that wait for the writer of a database"),
    counter("souk_db_units_repeated_total", &["service"], "Units of work that ran again on PostgreSQL after a lost race or connection"),
    counter("souk_events_delivered_total", &["producer", "consumer"], "Events delivered to a consumer"),
    gauge("souk_events_unread", &["producer", "consumer"], "Events that a consumer consumes and has not read yet"),
    gauge("souk_events_unread_age_seconds", &["producer", "consumer"], "Age of the oldest unread event; 0 when there is none"),
    counter("souk_events_failed_total", &["service"], "Attempts to consume an event that failed"),
    counter("souk_events_published_total", &["producer"], "Events that were copied into a stream"),
    counter("souk_publish_failures_total", &["producer"], "Steps of a publisher that failed and are tried again"),
    counter("souk_streams_made_anew_total", &["producer"], "Streams that were made anew because they were no copy of their outbox"),
    counter("souk_delivery_failures_total", &["producer", "consumer"], "Failures to deliver a batch of events"),
    counter(
        "souk_events_position_rewound_total",
        &["producer", "consumer"],
        "Positions that went back because the producer's database is older or new",
    ),
    counter("souk_storage_failures_total", &["service"], "Writes that failed because the disk was full or failed"),
    counter("souk_order_orphans_total", &["kind"], "Payments, reservations and shipments of orders that are not known any more"),
    gauge("souk_failed_events", &["service", "status"], "Failed events that are RETRYING, BLOCKED or PARKED"),
    counter("souk_worker_failures_total", &["service", "worker"], "Turns of a worker that failed"),
    counter("souk_worker_pauses_total", &["service", "worker"], "Pauses of a worker that always had more to do"),
    counter("souk_due_rescheduled_total", &["service", "worker"], "Due rows whose work failed and was rescheduled"),
    counter("souk_auth_logins_total", &["outcome"], "Login attempts"),
    counter(
        "souk_revocations_unavailable_total",
        &[],
        "Times that auth could not be asked which access tokens were revoked; meanwhile they count until they expire",
    ),
    counter("souk_auth_refresh_reused_total", &[], "Refresh tokens used a second time; their sessions were revoked"),
    counter("souk_auth_hashing_refused_total", &[], "Passwords refused because all slots for hashing were taken"),
    gauge("souk_orders", &["status"], "Orders by status"),
    gauge("souk_payments", &["status"], "Payments by status; INITIATED and AUTHORIZED are open"),
    gauge("souk_payment_transactions_open", &["status"], "Transactions that are PENDING, or whose outcome at the provider is UNKNOWN"),
    gauge("souk_payment_transactions_open_age_seconds", &[], "Age of the oldest open transaction; 0 when there is none"),
    counter("souk_payment_unknown_outcomes_total", &["kind", "error"], "Requests to the payment provider without an outcome"),
    counter("souk_payment_refunds_refused_total", &[], "Refunds that the payment provider refused"),
    counter("souk_carrier_failures_total", &[], "Calls to the carrier that failed"),
    counter("souk_carrier_contradictions_total", &[], "Scans that contradict a cancelled shipment"),
    counter("souk_notification_attempts_total", &["channel", "outcome"], "Attempts to send a message"),
    gauge("souk_notifications_unsent", &["channel"], "Messages that wait to be sent or sent again"),
    gauge("souk_notifications_unsent_age_seconds", &["channel"], "Age of the oldest message that waits; 0 when there is none"),
    counter("souk_search_indexed_total", &[], "Products written to the search index"),
    counter("souk_search_partial_total", &[], "Searches answered before they were complete, because the time was over"),
    gauge("souk_search_products", &[], "Products in the search index"),
    counter("souk_search_refused_total", &[], "Searches refused because the queue was full"),
    gauge("souk_build_info", &["version", "os", "arch"], "Always 1; the labels say what runs"),
    counter("process_cpu_seconds_total", &[], "Processor time of the process, user and system"),
    gauge("process_resident_memory_bytes", &[], "Resident memory"),
    gauge("process_threads", &[], "Threads"),
    gauge("process_open_fds", &[], "Open file handles, connections included"),
    gauge("process_max_fds", &[], "The limit of open file handles"),
    gauge("process_start_time_seconds", &[], "When the process started, in seconds since 1970"),
];

/// The family of this name.
pub(super) fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

/// Describes every family to the recorder, and begins the counters without labels at 0, so that their first increment is
/// visible as one.
pub(super) fn describe() {
    for Family { name, kind, labels, help } in FAMILIES.iter().filter(|family| family.name.starts_with("souk_")) {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Histogram => describe_histogram!(*name, *help),
        }
        if *kind == Kind::Counter && labels.is_empty() {
            metrics::counter!(*name).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        let mut names = BTreeSet::new();
        for Family { name, kind, labels, help } in FAMILIES {
            assert!(names.insert(name), "{name} is in the table twice");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}: counters, and nothing else, end in _total");
            assert!(!["_ms", "_millis", "_micros", "_kb", "_mb"].iter().any(|unit| name.ends_with(unit)), "{name}: base units");
            let is_word = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(is_word(name) && labels.iter().all(|label| is_word(label)), "{name} {labels:?}");
            assert!(help.starts_with(|c: char| c.is_uppercase()) && !help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
        }
    }
}
