//! What can be done. The carrier is asked between two transactions, never inside of one.

mod book;
mod cancel;
mod track;

pub use book::{call_carrier, retry};
pub use cancel::{cancel_in, cancel_shipment};
pub use track::{record_event, track};

/// The worker that asks the carrier.
pub const BOOKING: &str = "booking";
