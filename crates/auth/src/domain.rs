//! What is true of accounts, guesses and keys. No async, no I/O, no clock.

pub mod client_rules;
pub mod dummy_hash;
pub mod lockout;
pub mod roles;
pub mod rotation;
