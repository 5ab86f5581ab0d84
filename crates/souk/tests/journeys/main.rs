//! Journeys against the built program: it is started, called over HTTP, killed and restarted.

mod access;
mod auditing;
mod buying;
mod consistency;
mod crashing;
mod delivering;
mod racing;
mod server;
mod starting;
mod tools;
