//! What can be done: one function per verb, one transaction each.

mod create;
mod evaluate;
mod transition;
mod use_promotions;

pub use create::create;
pub use evaluate::evaluate;
pub use transition::{end_overdue, transition};
pub use use_promotions::{claim, confirm, release, reserve};
