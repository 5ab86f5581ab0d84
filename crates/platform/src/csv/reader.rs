//! Reads records from bytes as they arrive.

/// The most bytes of one record.
const MAX_RECORD: usize = 256 * 1024;
/// The most cells of one record.
const MAX_CELLS: usize = 200;

/// A record with its number, which is 1 for the header, as spreadsheets count rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub row: u64,
    pub cells: Vec<String>,
}

/// Bytes that are not CSV in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row} {detail}")]
pub struct Malformed {
    pub row: u64,
    pub detail: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// At the beginning of a cell.
    #[default]
    Start,
    Plain,
    Quoted,
    /// After a quote within a quoted cell: the end of the cell, or the first half of a doubled quote.
    Quote,
    /// After a carriage return that ends a record if a line feed follows.
    Return,
}

/// Splits a stream into records. It holds one record at a time. Records without any text are left out.
#[derive(Debug, Default)]
pub struct RecordReader {
    state: State,
    cell: Vec<u8>,
    cells: Vec<String>,
    /// Bytes of the record so far.
    length: usize,
    /// Records that ended.
    row: u64,
    /// Whether the first bytes were seen, which may be a byte order mark.
    mark: Vec<u8>,
    has_begun: bool,
}

impl RecordReader {
    /// Takes bytes, and gives each record that they complete to `take`.
    ///
    /// # Errors
    /// [`Malformed`], and what `take` returns.
    pub fn push<E: From<Malformed>>(&mut self, bytes: &[u8], take: &mut impl FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        for byte in bytes {
            if !self.has_begun {
                self.mark.push(*byte);
                if "\u{feff}".as_bytes().starts_with(&self.mark) {
                    self.has_begun = self.mark.len() == 3;
                    continue;
                }
                self.has_begun = true;
                for byte in std::mem::take(&mut self.mark) {
                    self.byte(byte, take)?;
                }
                continue;
            }
            self.byte(*byte, take)?;
        }
        Ok(())
    }

    /// Ends the stream, whose last record may lack its line end.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish<E: From<Malformed>>(&mut self, take: &mut impl FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        for byte in std::mem::take(&mut self.mark) {
            if !self.has_begun {
                self.byte(byte, take)?;
            }
        }
        match self.state {
            State::Quoted => Err(self.malformed("has a quote that does not end").into()),
            State::Return => Err(self.malformed("has a carriage return that no line feed follows").into()),
            State::Start if self.cells.is_empty() => Ok(()),
            State::Start | State::Plain | State::Quote => self.end_record(take),
        }
    }

    fn byte<E: From<Malformed>>(&mut self, byte: u8, take: &mut impl FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        self.length += 1;
        if self.length > MAX_RECORD {
            return Err(self.malformed("is longer than 256 KiB").into());
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, _) => self.cell.push(byte),
            (State::Start, b'"') => self.state = State::Quoted,
            (State::Quote, b'"') => {
                self.cell.push(b'"');
                self.state = State::Quoted;
            }
            (State::Return, b'\n') | (State::Start | State::Plain | State::Quote, b'\n') => self.end_record(take)?,
            (State::Return, _) => return Err(self.malformed("has a carriage return that no line feed follows").into()),
            (State::Start | State::Plain | State::Quote, b'\r') => self.state = State::Return,
            (State::Start | State::Plain | State::Quote, b',') => self.end_cell()?,
            (State::Quote, _) => return Err(self.malformed("has text behind the closing quote of a cell").into()),
            (State::Plain, b'"') => return Err(self.malformed("has a quote inside a cell that does not begin with one").into()),
            (State::Start | State::Plain, _) => {
                self.cell.push(byte);
                self.state = State::Plain;
            }
        }
        Ok(())
    }

    fn end_cell(&mut self) -> Result<(), Malformed> {
        if self.cells.len() == MAX_CELLS {
            return Err(self.malformed("has more than 200 cells"));
        }
        let cell = String::from_utf8(std::mem::take(&mut self.cell)).map_err(|_| self.malformed("is not UTF-8"))?;
        self.cells.push(cell);
        self.state = State::Start;
        Ok(())
    }

    fn end_record<E: From<Malformed>>(&mut self, take: &mut impl FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        self.end_cell()?;
        self.length = 0;
        self.row += 1;
        let cells = std::mem::take(&mut self.cells);
        if cells.iter().all(String::is_empty) { Ok(()) } else { take(Record { row: self.row, cells }) }
    }

    fn malformed(&self, detail: &'static str) -> Malformed {
        Malformed { row: self.row + 1, detail }
    }
}
