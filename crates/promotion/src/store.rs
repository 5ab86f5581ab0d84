//! The only SQL of this service.

pub mod promotions;
pub mod uses;
