//! How it is kept: the only SQL of the service.

pub mod accounts;
pub mod clients;
pub mod failures;
pub mod keys;
pub mod refresh;
pub mod registrations;
pub mod resets;
