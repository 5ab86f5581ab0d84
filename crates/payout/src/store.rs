//! The SQL of the service. The mock provider has its own.

pub mod payout_rows;
pub mod personal;
pub mod posting_rows;
pub mod report_rows;
pub mod sale_rows;
