//! What every service needs: the unit of work, the outbox and inbox, the bus, due work, calls between services, the HTTP
//! entry point, identity, configuration and telemetry.
//!
//! It depends on `contracts` and on no service.

pub mod atomic_file;
pub mod backoff;
pub mod bus;
pub mod client;
pub mod context;
pub mod csv;
pub mod db;
pub mod due;
pub mod encryption;
pub mod env;
mod error_chain;
mod failed_events;
pub mod folding;
pub mod hex;
pub mod html;
pub mod http;
pub mod https;
pub mod idempotency;
pub mod identity;
pub mod inbox;
pub mod master_key;
pub mod outbox;
pub mod personal;
pub mod pool;
pub mod public_address;
pub mod rlimit;
pub mod runtime;
pub mod service;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod testing;
pub mod webhooks;
pub mod worker;

pub(crate) use error_chain::error_chain;

#[cfg(test)]
mod tests;
