//! The only SQL of this service.

pub mod alerts;
pub mod check_rows;
pub mod personal;
pub mod products;
pub mod reservations;
pub mod stock;

use platform::db::Error;

/// Fails the transaction when a row changed although it is locked.
fn expect_changed(changed: bool, otherwise: &'static str) -> Result<(), Error> {
    if changed { Ok(()) } else { Err(Error::Failed(otherwise.into())) }
}
