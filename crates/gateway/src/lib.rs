//! The public edge of Souk: a service without a store, and the one place where requests from outside come in.
//!
//! A request passes it in this order. Each step may end it with a problem document, and every answer, whoever made it,
//! leaves dressed the same.
//!
//! ```text
//! visit     one pass over the headers: correlation id made or kept, headers that only insiders may send dropped
//! cors      a browser's preflight is answered here
//! routes    the path is looked at once: clean or 404, then the owning service from one table
//! load      a slot, or 503 at once: the edge sheds load and has no queue
//! limits    the caller's rate: by person when the token verifies, else by address
//! upstream  the service's own door, in this process or at its address, with the path as the service knows it
//! dress     security headers, CORS, rate limits, correlation id; compression where it pays and gives nothing away
//! ```
//!
//! What the edge knows of the services is [`routes`]: which path is whose. It holds no rule of theirs, and they trust it
//! with nothing: who is calling, each service verifies by itself. Its own pages (docs, problems, probes) are in [`pages`].
//! Until the services are there, the [`StartupGate`] answers probes and lets nobody else in.

mod assets;
mod compress;
mod cors;
mod edge;
mod edge_request;
mod limits;
mod load;
mod pages;
mod response_headers;
pub mod routes;
mod settings;
mod startup_gate;
mod upstream;

#[cfg(test)]
mod tests;

pub use routes::owner_of;
pub use settings::{Origin, Settings};
pub use startup_gate::StartupGate;
pub use upstream::Upstream;

use axum::Router;
use platform::{env::Env, http::Operation, identity::Verifier};
use std::{collections::BTreeMap, sync::Arc};

/// Says what is still missing before requests can be taken; nothing when ready.
pub type Ready = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What the edge is made of.
pub struct Setup {
    pub env: Env,
    pub settings: Settings,
    /// Whether request rates are limited at all.
    pub rate_limits: bool,
    /// Tells persons apart for the rate limits.
    pub verifier: Verifier,
    pub services: BTreeMap<&'static str, Upstream>,
    /// What the API description describes.
    pub operations: Vec<Operation>,
    /// Routes outside of `/api`: pictures, pages. Those of the edge itself may not be among them.
    pub extra: Router,
    /// Whether `/` is the edge's own page; when not, it is `extra`'s.
    pub landing: bool,
}
