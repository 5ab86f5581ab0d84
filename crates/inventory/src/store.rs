//! How stock and reservations are kept: the only SQL of this service.

pub mod check_rows;
pub mod products;
pub mod reservations;
pub mod stock;

use platform::db::Error;

/// The one row, or none, that a statement with RETURNING gave.
fn only<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}

/// A statement that touched another number of rows than its lock promised: nothing of the unit may stand.
fn expect_one(rows: u64, what: &'static str) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Failed(what.into())) }
}
