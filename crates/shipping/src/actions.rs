//! What can be done. The carrier is asked between two transactions, never inside of one.

mod book;
mod recall;
mod record;

pub use book::{attempt, retry};
pub use recall::{call_off, recall};
pub use record::{record, record_event};

/// The worker that asks the carrier.
pub const BOOKING: &str = "booking";
