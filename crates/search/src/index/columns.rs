//! The columns of one segment in memory, which filters, facets, grouping and sorting read for every hit.
//!
//! The index stores them compressed. A search reads about ten values of each of thousands of documents, so they are unpacked
//! once per segment. They take about a hundred bytes per product.

use super::{labels::Labels, schema::Fields};
use crate::Error;
use tantivy::{
    SegmentReader,
    columnar::{Column, StrColumn},
};

/// The columns, by document number of the segment.
#[derive(Debug, Default)]
pub struct Columns {
    pub ids: Vec<u128>,
    /// Zero for products without a group.
    pub groups: Vec<u128>,
    /// See [`super::currency_number`].
    pub currencies: Vec<u32>,
    pub prices: Vec<i64>,
    pub created: Vec<i64>,
    pub in_stock: Vec<bool>,
    /// See [`super::rating_number`].
    pub ratings: Vec<i64>,
    pub title_words: Vec<u8>,
    skus: Lists<u8>,
    labels: Lists<u32>,
    /// The number of different labels in this segment.
    pub distinct_labels: usize,
}

/// One list per document, stored one after the other.
#[derive(Debug, Default)]
struct Lists<T> {
    ends: Vec<u32>,
    values: Vec<T>,
}

impl<T> Lists<T> {
    fn get(&self, doc: u32) -> &[T] {
        let doc = doc as usize;
        let begin = if doc == 0 { 0 } else { self.ends[doc - 1] as usize };
        &self.values[begin..self.ends[doc] as usize]
    }

    fn end(&mut self) {
        self.ends.push(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
    }
}

impl Columns {
    /// Returns the SKU without hyphens in lower case.
    #[must_use]
    pub fn sku(&self, doc: u32) -> &str {
        std::str::from_utf8(self.skus.get(doc)).unwrap_or_default()
    }

    /// Returns the numbers of the document's labels.
    #[must_use]
    pub fn labels(&self, doc: u32) -> &[u32] {
        self.labels.get(doc)
    }

    /// Unpacks the columns of a segment. New labels get a number.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn load(segment: &SegmentReader, fields: &Fields, labels: &Labels) -> Result<Columns, Error> {
        let schema = segment.schema();
        let fast = segment.fast_fields();
        let docs = 0..segment.max_doc();
        let name = |field| schema.get_field_name(field);
        let ids = (fast.u64(name(fields.id_high))?, fast.u64(name(fields.id_low))?);
        let groups = (fast.u64(name(fields.group_high))?, fast.u64(name(fields.group_low))?);
        let title_words = fast.u64(name(fields.title_words))?;
        let (prices, created) = (fast.i64(name(fields.price))?, fast.i64(name(fields.created))?);
        let currencies = fast.u64(name(fields.currency))?;
        let (in_stock, ratings) = (fast.bool(name(fields.in_stock))?, fast.i64(name(fields.rating))?);
        let words = |doc| u8::try_from(title_words.first(doc).unwrap_or_default()).unwrap_or(u8::MAX);
        let mut columns = Columns {
            ids: docs.clone().map(|doc| joined(&ids, doc)).collect(),
            groups: docs.clone().map(|doc| joined(&groups, doc)).collect(),
            currencies: docs.clone().map(|doc| currencies.first(doc).unwrap_or_default() as u32).collect(),
            prices: docs.clone().map(|doc| prices.first(doc).unwrap_or_default()).collect(),
            created: docs.clone().map(|doc| created.first(doc).unwrap_or_default()).collect(),
            in_stock: docs.clone().map(|doc| in_stock.first(doc).unwrap_or_default()).collect(),
            ratings: docs.clone().map(|doc| ratings.first(doc).unwrap_or_default()).collect(),
            title_words: docs.clone().map(words).collect(),
            ..Columns::default()
        };
        match fast.str(name(fields.labels))? {
            Some(column) => {
                let mut texts = Vec::with_capacity(column.num_terms());
                each_term(&column, |label| texts.push(label.to_owned()))?;
                let numbers = labels.number(&texts);
                columns.distinct_labels = numbers.len();
                let mut own: Vec<u32> = Vec::new();
                for doc in docs.clone() {
                    own.extend(column.term_ords(doc).filter_map(|term| numbers.get(usize::try_from(term).ok()?).copied().flatten()));
                    // A product can have a label in two spellings. It counts once.
                    own.sort_unstable();
                    own.dedup();
                    columns.labels.values.append(&mut own);
                    columns.labels.end();
                }
            }
            None => columns.labels.ends.resize(docs.len(), 0),
        }
        match fast.str(name(fields.sku_column))? {
            Some(column) => {
                let mut skus: Lists<u8> = Lists::default();
                each_term(&column, |sku| {
                    skus.values.extend_from_slice(sku.as_bytes());
                    skus.end();
                })?;
                for doc in docs {
                    if let Some(term) = column.term_ords(doc).next() {
                        columns.skus.values.extend_from_slice(skus.get(u32::try_from(term).unwrap_or_default()));
                    }
                    columns.skus.end();
                }
            }
            None => columns.skus.ends.resize(docs.len(), 0),
        }
        Ok(columns)
    }
}

/// Joins the upper and lower half of an id.
fn joined((high, low): &(Column, Column), doc: u32) -> u128 {
    u128::from(high.first(doc).unwrap_or_default()) << 64 | u128::from(low.first(doc).unwrap_or_default())
}

/// Calls `take` with every text of the column's dictionary, in order.
fn each_term(column: &StrColumn, mut take: impl FnMut(&str)) -> Result<(), Error> {
    let mut terms = column.dictionary().stream()?;
    while terms.advance() {
        take(std::str::from_utf8(terms.key()).map_err(|_| Error::Content("text"))?);
    }
    Ok(())
}
