//! What can be done: one function per verb, one transaction each.

mod check_conditions;
mod create;
mod evaluate;
mod transition;
mod use_promotions;

use check_conditions::check_conditions;
pub use create::create;
pub use evaluate::evaluate;
pub use transition::{end_overdue, transition};
pub use use_promotions::{claim, confirm, release, reserve};
