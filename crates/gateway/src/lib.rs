//! The gateway: the public address of Souk, a service without a database.
//!
//! A request passes these modules in order. Each may end it with a problem document. Every response gets the same headers.
//!
//! ```text
//! edge_request      reads the headers in one pass: keeps or makes the correlation id, drops internal headers
//! cors              answers a browser's preflight
//! routes            normalizes the path and finds its service, or refuses it with 400 or 404
//! api_keys          exchanges an API key for an access token
//! limits            counts the request for the caller: the user if the token verifies, else the address; shared_limits at all gateways
//! bodies            reads the whole body, or refuses with 408, 413 or 503
//! admission         takes a slot, after a short wait in the queue of its priority, or refuses with 503
//! upstream          calls the service in this process or at its address
//! browser_pages     shows a browser a page instead of a problem document
//! response_headers  writes security headers, CORS, rate limits and the correlation id; then the body may be compressed
//! ```
//!
//! [`routes`] is all that the gateway knows about the services. It contains no rules of theirs, and they do not trust it:
//! each service verifies the caller itself. The gateway's own pages (docs, problems, probes) are in [`pages`], and its one operation,
//! which reads what [`latencies`] counts, in [`system`]. Until the
//! services are ready, [`StartupGate`] answers probes and refuses everything else.

mod admission;
mod api_keys;
mod assets;
mod bodies;
mod browser_pages;
mod compress;
mod concurrency;
mod cors;
mod edge;
mod edge_request;
mod latencies;
mod limits;
mod pages;
mod priority;
mod response_headers;
pub mod routes;
mod settings;
mod shared_limits;
mod startup_gate;
mod system;
mod upstream;

#[cfg(test)]
mod tests;

pub use browser_pages::BrowserPages;
pub use pages::probes;
pub use routes::service_of;
pub use settings::{Origin, Settings};
pub use startup_gate::StartupGate;
pub use upstream::Upstream;

use axum::Router;
use platform::{bus::SharedValues, client::Client, env::Env, http::Operation, identity::Verifier};
use std::{collections::BTreeMap, sync::Arc};

/// Returns the reasons why requests cannot be served yet; empty when ready.
pub type Ready = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the gateway is built from.
pub struct Setup {
    pub env: Env,
    pub settings: Settings,
    /// Whether request rates are limited.
    pub rate_limits: bool,
    /// Where several gateways keep the state of the rate limits, so that a caller has one quota at all of them. Without it, and while
    /// it cannot be used, this gateway counts for itself.
    pub shared_limits: Option<SharedValues>,
    /// Identifies users for the rate limits.
    pub verifier: Verifier,
    /// Calls auth with the gateway's own token.
    pub client: Client,
    pub services: BTreeMap<&'static str, Upstream>,
    /// The operations of the API description.
    pub operations: Vec<Operation>,
    /// Routes outside of `/api`, such as images and pages. They may not overlap with those of the gateway.
    pub extra: Router,
    /// Whether the gateway serves its own page at `/`; if not, `extra` does.
    pub landing: bool,
}

/// The operations that the gateway itself answers, for the API description.
#[must_use]
pub fn operations() -> Vec<Operation> {
    system::routes().operations()
}
