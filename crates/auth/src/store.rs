//! The only SQL of the service.

pub mod accounts;
pub mod api_keys;
pub mod attempts;
pub mod clients;
pub mod email_tokens;
pub mod ended_logins;
pub mod personal;
pub mod refresh_tokens;
pub mod registrations;
pub mod resets;
pub mod seller_records;
pub mod sessions;
pub mod signing_keys;
