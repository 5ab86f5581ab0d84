//! The commands of shipping. The carrier is called between two transactions, never inside of one.

mod book;
mod cancel;
mod demonstrate;
mod hand_over;
mod track;

pub use book::{call_carrier, retry};
pub use cancel::{cancel_in, cancel_shipment};
pub use demonstrate::{advance, advance_in, get_faults, put_faults};
pub use hand_over::hand_over;
pub use track::{record_event, track};

/// The worker that calls the carrier.
pub const BOOKING: &str = "booking";
