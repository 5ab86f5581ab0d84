//! What is true of accounts, guesses and keys. No async, no I/O, no clock.

pub mod clients;
pub mod lockout;
pub mod roles;
pub mod rotation;
pub mod stand_in;
