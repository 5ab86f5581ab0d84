//! The commands of shipping. The carrier is called between two transactions, never inside of one.

mod book;
mod cancel;
mod track;

pub use book::{call_carrier, retry};
pub use cancel::{cancel_in, cancel_shipment};
pub use track::{record_event, track};

/// The worker that calls the carrier.
pub const BOOKING: &str = "booking";
