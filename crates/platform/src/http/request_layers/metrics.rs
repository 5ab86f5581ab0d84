//! Counts and times the requests of one route.

use super::response::RequestHead;
use axum::http::{Method, StatusCode};
use std::{
    sync::{OnceLock, PoisonError, RwLock},
    time::Duration,
};

/// The metrics of one route, looked up once.
#[derive(Default)]
pub(super) struct RouteMetrics {
    duration: OnceLock<metrics::Histogram>,
    requests: RwLock<Vec<(Method, StatusCode, metrics::Counter)>>,
}

impl RouteMetrics {
    pub(super) fn record(&self, service: &'static str, head: &RequestHead, status: StatusCode, took: Duration) {
        let label = || {
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
            known.into_iter().find(|word| *word == head.method.as_str()).unwrap_or("OTHER")
        };
        let histogram =
            || metrics::histogram!("souk_http_request_duration_seconds", "service" => service, "route" => head.route().to_owned());
        self.duration.get_or_init(histogram).record(took.as_secs_f64());
        let known = self.requests.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, counter)) = known.iter().find(|(method, known, _)| *known == status && *method == head.method) {
            return counter.increment(1);
        }
        drop(known);
        let route = head.route().to_owned();
        let counter = metrics::counter!(
            "souk_http_requests_total", "service" => service, "method" => label(), "route" => route, "status" => status.as_str().to_owned()
        );
        counter.increment(1);
        let mut known = self.requests.write().unwrap_or_else(PoisonError::into_inner);
        // A caller can send any method: an unusual one is counted and not cached.
        if label() != "OTHER" && known.len() < 64 {
            known.push((head.method.clone(), status, counter));
        }
    }
}
