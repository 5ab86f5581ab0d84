//! The only SQL of this service.

pub mod check_rows;
pub mod products;
pub mod reservations;
pub mod stock;

use platform::db::Error;

/// Returns the first row of a statement with RETURNING that changes at most one row.
fn only<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}

/// Fails the transaction when a statement changed another number of rows than its lock guarantees.
fn expect_one(rows: u64, what: &'static str) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Failed(what.into())) }
}
