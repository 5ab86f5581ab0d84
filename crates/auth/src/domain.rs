//! The rules of accounts, login attempts, clients and keys. No async, no I/O, no clock.

pub mod client_rules;
pub mod device;
pub mod dummy_hash;
pub mod lockout;
pub mod password_rules;
pub mod roles;
pub mod rotation;
