//! Journeys against the built program: started as a newcomer would start it, driven over HTTP, killed and started again.

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
