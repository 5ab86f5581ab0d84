//! The only SQL of this service.

pub mod personal;
pub mod promotions;
pub mod uses;
