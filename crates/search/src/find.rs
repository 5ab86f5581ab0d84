//! Finding: from a request to its answer, over one view of the index.
//!
//! [`words`] says what to look for, [`matching`] finds it, [`collector`] filters, counts, folds and sorts, [`facets`] and
//! [`answer`] write down what came of it, [`help`] looks for something else when nothing did.

mod collector;
mod facets;
mod hits;
mod matching;
mod no_hit_suggestions;
mod sku;
mod suggest;
mod words;

pub use collector::SortKey;
pub use suggest::suggest;

use crate::{
    Error,
    domain::{query::Request, text::Analyzer},
    index::View,
};
use collector::{CollectOptions, Collector};
use contracts::{money::Currency, search::SearchResults};
use matching::Matched;

/// Which part of the hits is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub limit: usize,
    /// The last hit of the page before.
    pub after: Option<SortKey>,
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
    pub fn search(&mut self, view: &View, request: &Request, page: Page) -> Result<(SearchResults, Option<SortKey>), Error> {
        let matched = self.matches(view, request)?;
        let labels = view.labels.read();
        let collector = Collector::new(view, &labels, request, self.currency);
        let collected = collector.run(&matched.found, CollectOptions { page, facets: true }, &mut self.scratch);
        let facets = facets::list_facets(view, &labels, &collector, &collected.labels, &mut self.scratch.counts);
        drop(labels);
        let items = hits::list_hits(view, &collected.hits, &matched.highlight_terms, &mut self.analyzer)?;
        let help = if collected.total == 0 { self.no_hit_suggestions(view, request)? } else { None };
        let next = collected.more.then(|| collected.hits.last().map(|hit| hit.key)).flatten();
        let currency = request.currency(self.currency);
        Ok((SearchResults { items, total: collected.total, currency, facets, next_cursor: None, help }, next))
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
        let wanted = CollectOptions { page: Page { limit: 0, after: None }, facets: false };
        Ok(Collector::new(view, &labels, request, self.currency).run(&matched.found, wanted, &mut self.scratch).total)
    }
}
