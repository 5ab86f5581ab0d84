//! Finding: from a request to its answer, over one view of the index.
//!
//! [`words`] says what to look for, [`matching`] finds it, [`sift`] filters, counts, folds and sorts, [`facets`] and
//! [`answer`] write down what came of it, [`help`] looks for something else when nothing did.

mod answer;
mod facets;
mod help;
mod matching;
mod sift;
mod sku;
mod suggest;
mod words;

pub use sift::Key;
pub use suggest::suggest;

use crate::{
    Error,
    domain::{query::Request, text::Analyzer},
    index::View,
};
use contracts::{money::Currency, search::SearchResults};
use matching::Matched;
use sift::{Sift, Wanted};

/// Which part of the hits is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub limit: usize,
    /// The last hit of the page before.
    pub after: Option<Key>,
}

/// What a thread that searches keeps from one search to the next.
pub struct Finder {
    analyzer: Analyzer,
    /// The shop's own.
    currency: Currency,
    scratch: Scratch,
}

/// Buffers: all zero between searches.
#[derive(Default)]
struct Scratch {
    /// By document of a segment.
    points: Vec<u16>,
    /// By label: how many hits have it.
    counts: Vec<u32>,
    /// By label: the filter that asks for it, plus one.
    filters: Vec<u8>,
}

impl Finder {
    #[must_use]
    pub fn new(analyzer: Analyzer, currency: Currency) -> Finder {
        Finder { analyzer, currency, scratch: Scratch::default() }
    }

    /// One page of a search, and the key after which the next one begins.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&mut self, view: &View, request: &Request, page: Page) -> Result<(SearchResults, Option<Key>), Error> {
        let matched = self.matches(view, request)?;
        let labels = view.labels.read();
        let sift = Sift::new(view, &labels, request, self.currency);
        let sifted = sift.run(&matched.found, Wanted { page, facets: true }, &mut self.scratch);
        let facets = facets::write(view, &labels, &sift, &sifted.labels, &mut self.scratch.counts);
        drop(labels);
        let items = answer::items(view, &sifted.hits, &matched.sought, &mut self.analyzer)?;
        let help = if sifted.total == 0 { self.help(view, request)? } else { None };
        let next = sifted.more.then(|| sifted.hits.last().map(|hit| hit.key)).flatten();
        let currency = request.currency(self.currency);
        Ok((SearchResults { items, total: sifted.total, currency, facets, next_cursor: None, help }, next))
    }

    fn matches(&mut self, view: &View, request: &Request) -> Result<Matched, Error> {
        match &request.text {
            Some(text) => matching::matches(view, text, &mut self.analyzer, &mut self.scratch),
            None => Ok(matching::everything(view)),
        }
    }

    /// How many hits a request has.
    fn count(&mut self, view: &View, request: &Request) -> Result<u64, Error> {
        let matched = self.matches(view, request)?;
        let labels = view.labels.read();
        let wanted = Wanted { page: Page { limit: 0, after: None }, facets: false };
        Ok(Sift::new(view, &labels, request, self.currency).run(&matched.found, wanted, &mut self.scratch).total)
    }
}
