//! What can be done: one function per verb, one transaction each.

mod create;
mod evaluate;
mod transition;
mod uses;

pub use create::create;
pub use evaluate::evaluate;
pub use transition::{end_overdue, transition};
pub use uses::{claim, confirm, release, reserve};
