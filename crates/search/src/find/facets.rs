//! Builds the facets: the most frequent categories, brands, and values of the most frequent attributes.

use super::collector::Collector;
use crate::index::{Facet, LabelTable, View};
use contracts::search::{FacetValue, Facets};

/// The maximum number of categories.
const MAX_CATEGORIES: usize = 100;
/// The maximum number of values of another facet.
const MAX_VALUES: usize = 20;
/// The maximum number of attributes, beside those that are filtered.
const MAX_ATTRIBUTES: usize = 10;
/// With more hits than this, an attribute with mostly unique values is not shown.
const FEW: u64 = 20;

/// The totals of one facet.
#[derive(Default, Clone)]
struct FacetTotals {
    hits: u64,
    values: u64,
    shown: bool,
    labels: Vec<u32>,
}

/// Returns the facets of these labels and resets their counts to zero.
pub fn list_facets(view: &View, known: &LabelTable, collector: &Collector<'_>, labels: &[u32], counts: &mut [u32]) -> Facets {
    let mut totals = vec![FacetTotals::default(); known.facet_count()];
    for label in labels {
        let total = &mut totals[known.facet_of(*label) as usize];
        total.hits += u64::from(counts[*label as usize]);
        total.values += 1;
    }
    choose(known, collector, &mut totals);
    for label in labels {
        let total = &mut totals[known.facet_of(*label) as usize];
        if total.shown {
            total.labels.push(*label);
        }
    }
    let mut facets = Facets::default();
    for (facet, total) in (0..).zip(&mut totals).filter(|(_, total)| total.shown) {
        match known.facet(facet) {
            Facet::Category => facets.category = values(view, known, &mut total.labels, counts, MAX_CATEGORIES),
            Facet::Brand => facets.brand = values(view, known, &mut total.labels, counts, MAX_VALUES),
            Facet::Attribute(name) => {
                facets.attributes.insert(name.clone(), values(view, known, &mut total.labels, counts, MAX_VALUES));
            }
            Facet::Seller => {}
        }
    }
    for label in labels {
        counts[*label as usize] = 0;
    }
    facets
}

/// Selects the attributes to show: those with the most hits, and those that are filtered.
fn choose(known: &LabelTable, collector: &Collector<'_>, totals: &mut [FacetTotals]) {
    let mut attributes: Vec<u32> = Vec::new();
    for (facet, total) in (0..).zip(totals.iter_mut()).filter(|(_, total)| total.values > 0) {
        match known.facet(facet) {
            Facet::Category | Facet::Brand => total.shown = true,
            Facet::Attribute(_) if total.hits <= FEW || total.values * 2 <= total.hits => attributes.push(facet),
            Facet::Attribute(_) | Facet::Seller => {}
        }
    }
    attributes.sort_unstable_by(|one, other| {
        let (a, b) = (&totals[*one as usize], &totals[*other as usize]);
        b.hits.cmp(&a.hits).then_with(|| name(known, *one).cmp(name(known, *other)))
    });
    attributes.truncate(MAX_ATTRIBUTES);
    for facet in attributes.into_iter().chain(collector.filtered()) {
        totals[facet as usize].shown = true;
    }
}

fn name(known: &LabelTable, facet: u32) -> &str {
    if let Facet::Attribute(name) = known.facet(facet) { name } else { "" }
}

/// Returns the most frequent values. Values of the same count are in alphabetical order.
fn values(view: &View, known: &LabelTable, labels: &mut Vec<u32>, counts: &[u32], most: usize) -> Vec<FacetValue> {
    let order = |one: &u32, other: &u32| {
        counts[*other as usize].cmp(&counts[*one as usize]).then_with(|| known.value(*one).cmp(known.value(*other)))
    };
    if labels.len() > most {
        labels.select_nth_unstable_by(most, order);
        labels.truncate(most);
    }
    labels.sort_unstable_by(order);
    labels.iter().map(|label| value(view, known, *label, counts[*label as usize])).collect()
}

fn value(view: &View, known: &LabelTable, label: u32, count: u32) -> FacetValue {
    let value = known.value(label);
    let category = if let Facet::Category = known.facet(known.facet_of(label)) { known.category(label) } else { None };
    let name = category.and_then(|category| view.tree.name(category));
    FacetValue { value: value.to_owned(), label: name.unwrap_or(value).to_owned(), count: u64::from(count) }
}
