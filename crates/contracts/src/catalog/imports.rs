//! Imports of CSV files: products, stock and prices.

use super::ProductStatus;
use crate::{
    ids::{ImportId, UserId},
    machine,
    problem::Failure,
    string_enum,
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most rows of a file, without its header.
pub const MAX_ROWS: u64 = 100_000;
/// The most errors that an import keeps. It counts the rows of all.
pub const MAX_ERRORS: i64 = 10_000;
/// The most imports of one owner that are RUNNING.
pub const MAX_RUNNING: i64 = 4;

string_enum! {
    /// What the rows of a file are.
    ImportKind {
        /// Products, found by their SKU: `sku`, `title`, `description`, `categoryId`, `brand`, `priceAmount`, `currency`, `taxClass`,
        /// `status`, `images`, `attributes`, `productGroupId`, `options`, `externalId`, `metadata`.
        Products = "products",
        /// Units that can be sold: `sku`, `availableQty`, `lowStockThreshold`, `productId`.
        Stock = "stock",
        /// Prices: `sku`, `priceAmount`, `currency`.
        Prices = "prices",
    }
    /// Whether the rows are written.
    ImportMode {
        /// Each row is tried and nothing is changed.
        Check = "check",
        /// Each row is written. Rows with errors are left out.
        Apply = "apply",
    }
}

machine! {
    /// The life of an import.
    ImportStatus;
    /// What can happen to an import.
    ImportFact;
    states {
        /// Its rows are read.
        Running = "RUNNING",
        /// All rows were read. Those with errors are counted as failed.
        Done = "DONE",
        /// It ended before all rows were read. Those before stay written.
        Failed = "FAILED",
        /// Somebody ended it. The rows before stay written.
        Cancelled = "CANCELLED",
    }
    facts {
        /// The last row was read.
        Finished,
        /// The file did not arrive whole.
        Failed,
        /// Its owner cancelled it.
        Cancelled,
    }
    table {
        Running, Finished => Done;
        Running, Failed => Failed;
        Running, Cancelled => Cancelled;
    }
}

/// What a file is and what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportQuery {
    pub kind: ImportKind,
    pub mode: ImportMode,
}

/// Which products a file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductExport {
    /// Only products in this status; those that are not archived when absent.
    pub status: Option<ProductStatus>,
    /// Only products of this seller. Sellers get their own whatever they give.
    pub seller_id: Option<UserId>,
}

/// An import of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    pub import_id: ImportId,
    pub kind: ImportKind,
    pub mode: ImportMode,
    /// The present status.
    pub status: ImportStatus,
    /// The seller whose products it may change; null for all.
    pub seller_id: Option<UserId>,
    /// How many rows the file has, without its header.
    pub rows: i64,
    /// Rows that made something new, or would.
    pub created: i64,
    /// Rows that changed something, or would.
    pub updated: i64,
    /// Rows that said what is so already.
    pub unchanged: i64,
    /// Rows with errors, which changed nothing.
    pub failed: i64,
    /// How many percent of the rows were read.
    pub progress: i64,
    /// Why it is FAILED; otherwise null.
    pub failure: Option<Failure>,
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What is wrong with a cell or a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportError {
    /// The number of the row as spreadsheets count; the header is row 1.
    pub row: i64,
    /// The column; null for the whole row.
    pub column: Option<String>,
    /// Upper case, such as `UNKNOWN_CATEGORY`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}
