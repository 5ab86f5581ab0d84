//! The only SQL of the service.

pub mod accounts;
pub mod attempts;
pub mod clients;
pub mod refresh_tokens;
pub mod registrations;
pub mod resets;
pub mod revocations;
pub mod signing_keys;
