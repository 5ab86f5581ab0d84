//! What every service needs and none should write: the unit of work, the outbox and inbox, the bus, calls between
//! services, the HTTP door, identity, configuration and telemetry.
//!
//! It knows `contracts` and no service.

pub mod backoff;
mod bus;
pub mod client;
pub mod context;
pub mod db;
pub mod due;
pub mod env;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod inbox;
pub mod installation;
mod open_files;
pub mod outbox;
mod parked;
pub mod pool;
pub mod runtime;
pub mod seal;
pub mod service;
pub mod settings;
pub mod stop;
pub mod telemetry;
pub mod testing;
pub mod whole_file;
pub mod worker;

#[cfg(test)]
mod tests;
