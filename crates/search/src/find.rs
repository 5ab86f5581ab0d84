//! Answers a search over one view of the index.
//!
//! [`words`] parses the text and [`matching`] finds the documents. [`collector`] filters, counts, groups and sorts them.
//! [`facets`] and [`hits`] build the answer. [`no_hit_suggestions`] proposes other searches when nothing was found.

mod budget;
mod collector;
mod facets;
mod hits;
mod matching;
mod no_hit_suggestions;
mod sku;
mod suggest;
mod words;

pub use budget::Budget;
pub use collector::SortKey;
pub use suggest::suggest;

use crate::{
    Error,
    domain::{query::Request, text::Analyzer},
    index::{LabelTable, View},
};
use collector::{CollectOptions, Collector};
use contracts::{
    money::Currency,
    search::{SearchResults, Sort},
};
use matching::{Matched, Search};

/// The page of hits to return.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub limit: usize,
    /// The last hit of the previous page.
    pub after: Option<SortKey>,
}

/// For searches that only count.
const NO_PAGE: Page = Page { limit: 0, after: None };

/// The result of a search.
pub struct Found {
    pub results: SearchResults,
    /// The key after which the next page begins.
    pub next: Option<SortKey>,
    /// See [`Budget::cost`].
    pub cost: u32,
}

/// The state that a search thread reuses from one search to the next.
pub struct Finder {
    analyzer: Analyzer,
    /// The shop's default currency.
    currency: Currency,
    scratch: Scratch,
}

/// Reusable buffers. All values are zero between searches.
#[derive(Default)]
struct Scratch {
    /// Per document of a segment.
    points: Vec<u16>,
    /// Per label: the number of hits with it.
    counts: Vec<u32>,
    /// Per label: the number of the filter that selects it, plus one.
    filters: Vec<u8>,
}

impl Finder {
    #[must_use]
    pub fn new(analyzer: Analyzer, currency: Currency) -> Finder {
        Finder { analyzer, currency, scratch: Scratch::default() }
    }

    /// Returns one page of a search, and the key after which the next page begins. When the time of the budget is over, the
    /// page has what was found until then.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&mut self, view: &View, request: &Request, page: Page, budget: Budget) -> Result<Found, Error> {
        let mut search = Search::new(budget);
        let by_text = self.by_text(view, request, &mut search)?;
        let labels = view.labels.read();
        let collector = Collector::new(view, &labels, request, self.currency);
        let browsed = by_text.is_none() && collector.is_by_label();
        let wanted = collector.labels();
        let matched = by_text.unwrap_or_else(|| matching::everything(view, wanted.as_deref().filter(|_| browsed)));
        let options = CollectOptions { page, facets: !browsed || wanted.is_some() };
        let mut collected = collector.run(&matched.found, options, &mut search.budget, &mut self.scratch);
        if browsed {
            self.count_everything(view, &labels, &collector, &mut collected.labels);
        }
        let facets = facets::list_facets(view, &labels, &collector, &collected.labels, &mut self.scratch.counts);
        drop(labels);
        let items = hits::list_hits(view, &collected.hits, &matched.highlight_terms, &mut self.analyzer)?;
        let help = if collected.total == 0 { self.no_hit_suggestions(view, request, &mut search)? } else { None };
        let next = collected.more.then(|| collected.hits.last().map(|hit| hit.key)).flatten();
        let (currency, partial) = (request.currency(self.currency), search.budget.is_partial());
        let results = SearchResults { items, total: collected.total, currency, facets, next_cursor: None, help, partial };
        Ok(Found { results, next, cost: search.budget.cost() })
    }

    /// Returns the products that match the text of a request, if it has one.
    fn by_text(&mut self, view: &View, request: &Request, search: &mut Search) -> Result<Option<Matched>, Error> {
        let matches = |text: &String| matching::matches(view, text, search, &mut self.analyzer, &mut self.scratch);
        request.text.as_ref().map(matches).transpose()
    }

    /// Returns the products that match the text of a request, or all if it has none.
    fn matches(&mut self, view: &View, request: &Request, search: &mut Search) -> Result<Matched, Error> {
        Ok(self.by_text(view, request, search)?.unwrap_or_else(|| matching::everything(view, None)))
    }

    /// Replaces the counts of the facets to which no filter applies by those of all products. These are counted once for a view,
    /// so that a page of a category reads the products of that category only.
    fn count_everything(&mut self, view: &View, known: &LabelTable, collector: &Collector<'_>, labels: &mut Vec<u32>) {
        let all = view.label_counts.get_or_init(|| {
            let everything = Request { text: None, filters: Vec::new(), sort: Sort::Relevance };
            let counter = Collector::new(view, known, &everything, self.currency);
            let options = CollectOptions { page: NO_PAGE, facets: true };
            let mut counts = Scratch::default();
            let counted = counter.run(&matching::everything(view, None).found, options, &mut Budget::until(|| false), &mut counts);
            counted.labels.into_iter().map(|label| (label, counts.counts[label as usize])).collect()
        });
        for (label, count) in all.iter().filter(|(label, _)| collector.counts_everything(known.facet_of(*label))) {
            let own = &mut self.scratch.counts[*label as usize];
            if *own == 0 {
                labels.push(*label);
            }
            *own = *count;
        }
    }

    /// Returns the number of hits of a request.
    fn count(&mut self, view: &View, request: &Request, search: &mut Search) -> Result<u64, Error> {
        let matched = self.matches(view, request, search)?;
        let labels = view.labels.read();
        let wanted = CollectOptions { page: NO_PAGE, facets: false };
        Ok(Collector::new(view, &labels, request, self.currency).run(&matched.found, wanted, &mut search.budget, &mut self.scratch).total)
    }
}
