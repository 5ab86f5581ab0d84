//! CSV as RFC 4180 describes it: read record by record from a stream, and written page by page.
//!
//! A spreadsheet runs a cell as a formula when its text begins with one of a few characters. [`Records::text`] writes a `'` before such
//! a text, and before one that begins with `'`; [`read_text`] takes exactly one away. So what was written is read again unchanged.

mod body;
mod reader;
mod upload;

pub use body::{CsvPages, CsvStream};
pub use reader::{Malformed, Record, RecordReader};
pub use upload::CsvBody;

use std::fmt::{Display, Write as _};

/// What a spreadsheet takes for the beginning of a formula, and the mark that says that it is none.
const UNSAFE: [char; 7] = ['=', '+', '-', '@', '\'', '\t', '\r'];

/// Records that are being written.
#[derive(Debug, Default)]
pub struct Records {
    text: String,
    is_inside: bool,
}

impl Records {
    /// Writes a cell with a text that somebody chose.
    pub fn text(&mut self, cell: &str) -> &mut Self {
        let mark = if cell.starts_with(UNSAFE) { "'" } else { "" };
        self.cell(&format!("{mark}{cell}"))
    }

    /// Writes a cell whose text has a fixed form, such as a number, a time or an id.
    pub fn plain(&mut self, cell: impl Display) -> &mut Self {
        self.cell(&cell.to_string())
    }

    fn cell(&mut self, cell: &str) -> &mut Self {
        if self.is_inside {
            self.text.push(',');
        }
        self.is_inside = true;
        if cell.contains([',', '"', '\r', '\n']) {
            // Writing to a String never fails.
            let _ = write!(self.text, "\"{}\"", cell.replace('"', "\"\""));
        } else {
            self.text.push_str(cell);
        }
        self
    }

    /// Writes the record with the names of the columns.
    pub fn header(&mut self, columns: &[&str]) {
        for column in columns {
            self.plain(column);
        }
        self.end();
    }

    /// Ends the record.
    pub fn end(&mut self) {
        self.text.push_str("\r\n");
        self.is_inside = false;
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }
}

/// Returns the text of a cell that [`Records::text`] wrote, or that a person typed.
#[must_use]
pub fn read_text(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

#[cfg(test)]
mod tests;
