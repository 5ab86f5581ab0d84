//! Collects the hits: filters, facets, variants and order, in one pass over columns in memory.
//!
//! A facet's counts ignore the facet's own filter. So a document that meets all filters counts in every facet, one that fails
//! exactly one filter counts only in that filter's facet, and one that fails more counts nowhere. No second query is needed.
//! Variants of a group are one hit and count once.

use super::{Page, Scratch, budget::Budget, matching::Match};
use crate::{
    domain::query::{Filter, Request},
    index::{Address, Columns, Facet, LabelTable, View, currency_number, least_rating_number},
};
use contracts::{ids::Uuid, money::Currency, search::Sort};
use serde::{Deserialize, Serialize};
use std::collections::BinaryHeap;

/// The sort key of a hit. Hits are in ascending order of their unique keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SortKey(i64, Uuid);

impl SortKey {
    /// The value that the hits are sorted by, without the id that decides between equal ones.
    pub fn rank(self) -> i64 {
        self.0
    }

    fn of(order: Sort, columns: &Columns, doc: u32, score: u32) -> SortKey {
        let at = doc as usize;
        let id = columns.ids[at];
        match order {
            Sort::Relevance => SortKey(-i64::from(score), Uuid::from_u128(id)),
            Sort::PriceUp => SortKey(columns.prices[at], Uuid::from_u128(id)),
            Sort::PriceDown => SortKey(columns.prices[at].saturating_neg(), Uuid::from_u128(id)),
            Sort::Rating => SortKey(columns.ratings[at].saturating_neg(), Uuid::from_u128(id)),
            // At the same instant, the product with the larger id is newer.
            Sort::Newest => SortKey(columns.created[at].saturating_neg(), Uuid::from_u128(!id)),
        }
    }
}

/// The number of matches between two checks of the time.
const CHECK_EVERY: usize = 4_096;

/// What to collect.
pub struct CollectOptions {
    pub page: Page,
    pub facets: bool,
}

/// A hit: a product, or the best variant of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub key: SortKey,
    pub address: Address,
}

/// The collected hits. The counts of their labels are in the scratch buffer.
pub struct Collected {
    pub total: u64,
    pub hits: Vec<Hit>,
    /// Whether there are more hits after the last one.
    pub more: bool,
    /// The labels with a count.
    pub labels: Vec<u32>,
}

/// The prepared filters of a request.
pub struct Collector<'a> {
    view: &'a View,
    known: &'a LabelTable,
    order: Sort,
    /// One bit per filter.
    all: u64,
    /// Each selected label with the number of its filter.
    wanted: Vec<(u32, u8)>,
    /// By filter: its facet.
    facets: Vec<Option<u32>>,
    /// Numeric filters, with their numbers.
    numeric: Vec<(u8, NumericCondition)>,
}

#[derive(Clone, Copy)]
enum NumericCondition {
    InStock(bool),
    /// The price is in this currency.
    In(u32),
    Least(i64),
    Most(i64),
    /// The rating has at least this number.
    Rated(i64),
}

/// A variant that fails at most one filter.
struct Variant {
    group: u128,
    address: Address,
    fails: u64,
    key: SortKey,
}

impl<'a> Collector<'a> {
    /// `shop` is the currency in which prices are compared unless the request names one.
    pub fn new(view: &'a View, known: &'a LabelTable, request: &Request, shop: Currency) -> Collector<'a> {
        let mut collector =
            Collector { view, known, order: request.order(), all: 0, wanted: Vec::new(), facets: Vec::new(), numeric: Vec::new() };
        for (number, filter) in request.filters.iter().enumerate() {
            collector.add(number as u8, filter);
        }
        if let Some(currency) = request.currency(shop) {
            collector.add_numeric(request.filters.len() as u8, NumericCondition::In(currency_number(currency)));
        }
        collector.all = (1_u64 << collector.facets.len()) - 1;
        collector
    }

    fn add(&mut self, number: u8, filter: &Filter) {
        let (facet, values): (Facet, Vec<String>) = match filter {
            Filter::Category(ids) => (Facet::Category, ids.iter().map(ToString::to_string).collect()),
            Filter::Seller(ids) => (Facet::Seller, ids.iter().map(ToString::to_string).collect()),
            Filter::Brand(brands) => (Facet::Brand, brands.clone()),
            Filter::Attribute(name, wanted) => (Facet::Attribute(name.clone()), wanted.clone()),
            Filter::InStock(wanted) => return self.add_numeric(number, NumericCondition::InStock(*wanted)),
            Filter::Currency(currency) => return self.add_numeric(number, NumericCondition::In(currency_number(*currency))),
            Filter::MinPrice(price) => return self.add_numeric(number, NumericCondition::Least(*price)),
            Filter::MaxPrice(price) => return self.add_numeric(number, NumericCondition::Most(*price)),
            Filter::MinRating(stars) => return self.add_numeric(number, NumericCondition::Rated(least_rating_number(100 * stars))),
        };
        self.facets.push(self.known.find_facet(&facet));
        self.wanted.extend(values.iter().filter_map(|value| self.known.find(&facet, value)).map(|label| (label, number)));
    }

    fn add_numeric(&mut self, number: u8, condition: NumericCondition) {
        self.facets.push(None);
        self.numeric.push((number, condition));
    }

    /// Whether products without text meet all filters when they have one of [`Collector::labels`]: there is no other filter, or none
    /// at all.
    pub fn is_by_label(&self) -> bool {
        matches!(self.facets[..], [] | [Some(_)])
    }

    /// Returns the labels that are filtered, if there is a filter.
    pub fn labels(&self) -> Option<Vec<u32>> {
        (self.all != 0).then(|| self.wanted.iter().map(|(label, _)| *label).collect())
    }

    /// Whether no filter applies to the counts of this facet.
    pub fn counts_everything(&self, facet: u32) -> bool {
        self.facets.iter().all(|filtered| *filtered == Some(facet))
    }

    /// Returns the facets that have a filter.
    pub fn filtered(&self) -> impl Iterator<Item = u32> {
        self.facets.iter().flatten().copied()
    }

    /// Collects the hits among the matches, until the time is over.
    pub fn run(&self, found: &[Match], wanted: CollectOptions, budget: &mut Budget, scratch: &mut Scratch) -> Collected {
        let Scratch { counts, filters, .. } = scratch;
        counts.resize(counts.len().max(self.known.len()), 0);
        filters.resize(filters.len().max(self.known.len()), 0);
        for (label, filter) in &self.wanted {
            filters[*label as usize] = filter + 1;
        }
        let mut top = TopHits::new(wanted.page);
        let mut counter = LabelCounter { known: self.known, counts, labels: Vec::new() };
        let (mut total, mut variants) = (0, Vec::new());
        let in_time = found.chunks(CHECK_EVERY).take_while(|_| !budget.is_over()).flatten();
        for Match { address, score } in in_time {
            let columns = self.view.columns(*address);
            let labels = columns.labels(address.doc);
            let fails = self.fails(columns, address.doc, labels, filters);
            if fails & fails.wrapping_sub(1) != 0 || fails != 0 && !wanted.facets {
                continue;
            }
            let group = columns.groups[address.doc as usize];
            if group != 0 {
                let key = SortKey::of(self.order, columns, address.doc, *score);
                variants.push(Variant { group, address: *address, fails, key });
                continue;
            }
            if fails == 0 {
                total += 1;
                top.offer(Hit { key: SortKey::of(self.order, columns, address.doc, *score), address: *address });
            }
            if wanted.facets {
                counter.add(labels.iter().copied(), self.count_in(fails));
            }
        }
        total += self.fold(variants, wanted.facets, &mut top, &mut counter);
        let labels = counter.labels;
        for (label, _) in &self.wanted {
            filters[*label as usize] = 0;
        }
        let (hits, more) = top.finish();
        Collected { total, hits, more, labels }
    }

    /// Returns one bit for each filter that the document fails.
    fn fails(&self, columns: &Columns, doc: u32, labels: &[u32], filters: &[u8]) -> u64 {
        if self.all == 0 {
            return 0;
        }
        let mut meets = 0_u64;
        for (filter, condition) in &self.numeric {
            let met = match condition {
                NumericCondition::InStock(wanted) => columns.in_stock[doc as usize] == *wanted,
                NumericCondition::In(currency) => columns.currencies[doc as usize] == *currency,
                NumericCondition::Least(price) => columns.prices[doc as usize] >= *price,
                NumericCondition::Most(price) => columns.prices[doc as usize] <= *price,
                NumericCondition::Rated(least) => columns.ratings[doc as usize] >= *least,
            };
            meets |= u64::from(met) << filter;
        }
        if !self.wanted.is_empty() {
            for label in labels {
                let filter = filters[*label as usize];
                // For a label without filter (0) the bit is shifted out.
                meets |= (1_u64 << filter) >> 1;
            }
        }
        self.all & !meets
    }

    /// Returns the facets in which a document with these failed filters counts.
    fn count_in(&self, fails: u64) -> CountIn {
        match fails {
            0 => CountIn::Everywhere,
            one => self.facets[one.trailing_zeros() as usize].map_or(CountIn::Nowhere, CountIn::In),
        }
    }

    /// Makes one hit of the variants of each group. Returns the number of hits.
    fn fold(&self, mut variants: Vec<Variant>, facets: bool, top: &mut TopHits, counter: &mut LabelCounter<'_>) -> u64 {
        variants.sort_unstable_by_key(|variant| (variant.group, variant.fails != 0, variant.key));
        let mut total = 0;
        let mut labels: Vec<u32> = Vec::new();
        for group in variants.chunk_by(|one, other| one.group == other.group) {
            // Variants that meet all filters come first, best first.
            if group[0].fails == 0 {
                total += 1;
                top.offer(Hit { key: group[0].key, address: group[0].address });
            }
            if facets {
                labels.clear();
                for variant in group {
                    let count_in = self.count_in(variant.fails);
                    let own = self.view.columns(variant.address).labels(variant.address.doc);
                    labels.extend(own.iter().filter(|label| count_in.allows(self.known, **label)));
                }
                labels.sort_unstable();
                labels.dedup();
                counter.add(labels.iter().copied(), CountIn::Everywhere);
            }
        }
        total
    }
}

#[derive(Clone, Copy)]
enum CountIn {
    Everywhere,
    In(u32),
    Nowhere,
}

impl CountIn {
    fn allows(self, known: &LabelTable, label: u32) -> bool {
        match self {
            CountIn::Everywhere => true,
            CountIn::In(facet) => known.facet_of(label) == facet,
            CountIn::Nowhere => false,
        }
    }
}

/// Counts the hits of each label.
struct LabelCounter<'a> {
    known: &'a LabelTable,
    counts: &'a mut Vec<u32>,
    labels: Vec<u32>,
}

impl LabelCounter<'_> {
    fn add(&mut self, labels: impl Iterator<Item = u32>, count_in: CountIn) {
        for label in labels {
            if count_in.allows(self.known, label) {
                let count = &mut self.counts[label as usize];
                if *count == 0 {
                    self.labels.push(label);
                }
                *count += 1;
            }
        }
    }
}

/// Keeps the first hits after a key, and detects whether there are more.
struct TopHits {
    page: Page,
    kept: BinaryHeap<Hit>,
}

impl TopHits {
    fn new(page: Page) -> TopHits {
        TopHits { page, kept: BinaryHeap::with_capacity(page.limit + 2) }
    }

    fn offer(&mut self, hit: Hit) {
        if self.page.limit == 0 || self.page.after.is_some_and(|after| hit.key <= after) {
            return;
        }
        if self.kept.len() > self.page.limit {
            // One hit more than the page holds shows that there are more.
            if self.kept.peek().is_some_and(|worst| hit.key >= worst.key) {
                return;
            }
            self.kept.pop();
        }
        self.kept.push(hit);
    }

    fn finish(self) -> (Vec<Hit>, bool) {
        let limit = self.page.limit;
        let mut hits = self.kept.into_sorted_vec();
        let more = hits.len() > limit;
        hits.truncate(limit);
        (hits, more)
    }
}
