//! What every service needs and none should write: the unit of work, the outbox and inbox, the bus, calls between
//! services, the HTTP door, identity, configuration and telemetry.
//!
//! It knows `contracts` and no service.

pub mod client;
pub mod context;
pub mod env;
pub mod http;
pub mod identity;
