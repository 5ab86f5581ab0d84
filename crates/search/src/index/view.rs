//! A view: one commit of the index with its columns. It never changes; a search uses one view from start to end.

use super::{
    columns::Columns,
    document::Stored,
    labels::{Facet, Labels},
    schema::Fields,
    tree::Tree,
};
use crate::Error;
use contracts::ids::UserId;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};
use tantivy::{DocAddress, Searcher, SegmentReader, TantivyDocument, Term, index::SegmentId, schema::document::Value as _};

/// The address of a document: segment number and document number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    pub segment: u32,
    pub doc: u32,
}

/// One commit of the index.
pub struct View {
    /// Unique within this process.
    pub number: u64,
    pub fields: Fields,
    pub searcher: Searcher,
    /// By segment.
    pub columns: Vec<Arc<Columns>>,
    pub labels: Arc<Labels>,
    pub tree: Arc<Tree>,
    /// Sellers whose products are left out.
    pub suspended_sellers: Arc<Vec<UserId>>,
    /// The labels of these sellers.
    hidden_labels: Vec<u32>,
    /// Each label that a product has, with the number of its products; variants of a group count once. The first search that
    /// needs it counts.
    pub label_counts: OnceLock<Vec<(u32, u32)>>,
}

/// With more labels than this, they are kept only while most are in use.
const LABELS_KEPT: usize = 50_000;

impl View {
    /// Opens the view of a commit. Columns that the previous view has already unpacked are reused.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn open(
        number: u64,
        searcher: Searcher,
        fields: Fields,
        tree: Arc<Tree>,
        suspended_sellers: Arc<Vec<UserId>>,
        before: Option<&View>,
    ) -> Result<View, Error> {
        let known: HashMap<SegmentId, &Arc<Columns>> = before
            .iter()
            .flat_map(|view| view.searcher.segment_readers().iter().map(SegmentReader::segment_id).zip(&view.columns))
            .collect();
        let readers = searcher.segment_readers();
        // Labels only grow. When most of them are unused, everything is unpacked again.
        let shared = before.map(|view| &view.labels).filter(|labels| {
            let in_use: usize =
                readers.iter().filter_map(|reader| known.get(&reader.segment_id())).map(|known| known.distinct_labels).sum();
            labels.read().len() < (4 * in_use).max(LABELS_KEPT)
        });
        let labels = shared.cloned().unwrap_or_default();
        let mut columns = Vec::with_capacity(readers.len());
        for reader in readers {
            columns.push(match known.get(&reader.segment_id()).filter(|_| shared.is_some()) {
                Some(known) => Arc::clone(known),
                None => Arc::new(Columns::load(reader, &fields, &labels)?),
            });
        }
        let known_labels = labels.read();
        let label_of = |seller: &UserId| known_labels.find(&Facet::Seller, &seller.to_string());
        let hidden_labels = suspended_sellers.iter().filter_map(label_of).collect();
        drop(known_labels);
        Ok(View { number, fields, searcher, columns, labels, tree, suspended_sellers, hidden_labels, label_counts: OnceLock::new() })
    }

    /// Whether a document of a segment can be found: it was not deleted, and its seller is not suspended.
    #[must_use]
    pub fn shows(&self, reader: &SegmentReader, columns: &Columns, doc: u32) -> bool {
        let is_hidden = || columns.labels(doc).iter().any(|label| self.hidden_labels.contains(label));
        !reader.is_deleted(doc) && (self.hidden_labels.is_empty() || !is_hidden())
    }

    /// Returns the segments with their columns.
    pub fn segments(&self) -> impl Iterator<Item = (u32, &SegmentReader, &Arc<Columns>)> {
        let readers = self.searcher.segment_readers().iter();
        readers.zip(&self.columns).enumerate().map(|(number, (reader, columns))| (number as u32, reader, columns))
    }

    #[must_use]
    pub fn columns(&self, address: Address) -> &Columns {
        &self.columns[address.segment as usize]
    }

    /// Returns the number of products that can be found.
    #[must_use]
    pub fn products(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Returns the stored part of a document.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn stored(&self, address: Address) -> Result<Stored, Error> {
        let doc: TantivyDocument = self.searcher.doc(DocAddress::new(address.segment, address.doc))?;
        let bytes = doc.get_first(self.fields.stored).and_then(|value| value.as_bytes()).ok_or(Error::Content("a stored product"))?;
        serde_json::from_slice(bytes).map_err(|_| Error::Content("a stored product"))
    }

    /// Returns the documents that contain `term`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn holding(&self, term: &Term) -> Result<Vec<Address>, Error> {
        let mut found = Vec::new();
        for (segment, reader, columns) in self.segments() {
            let inverted = reader.inverted_index(term.field())?;
            let Some(info) = inverted.get_term_info(term)? else { continue };
            let mut postings = inverted.read_block_postings_from_terminfo(&info, tantivy::schema::IndexRecordOption::Basic)?;
            while !postings.docs().is_empty() {
                found.extend(
                    postings.docs().iter().filter(|doc| self.shows(reader, columns, **doc)).map(|doc| Address { segment, doc: *doc }),
                );
                postings.advance();
            }
        }
        Ok(found)
    }
}
