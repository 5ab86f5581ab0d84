//! The rules of promotions: what may be created, which apply, and what they take off. No async, no I/O, no clock.

mod engine;
mod rules;

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod examples;

pub use engine::{Basket, Candidate, evaluate};
pub use rules::draft;
