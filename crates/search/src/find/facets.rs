//! Facets, written down: the commonest values of categories, brands and of the commonest attributes.

use super::sift::Sift;
use crate::index::{Facet, Known, View};
use contracts::search::{FacetValue, Facets};

/// How many categories are told at most.
const MOST_CATEGORIES: usize = 100;
/// How many values of another facet are told at most.
const MOST_VALUES: usize = 20;
/// How many attributes are told at most, beside those that are filtered.
const MOST_ATTRIBUTES: usize = 10;
/// Of more hits than this, an attribute that hardly any two of them share divides nothing.
const FEW: u64 = 20;

/// What is told of one facet.
#[derive(Default, Clone)]
struct Sum {
    hits: u64,
    values: u64,
    told: bool,
    labels: Vec<u32>,
}

/// The facets of these labels. Sets their counts back to zero.
pub fn write(view: &View, known: &Known, sift: &Sift<'_>, labels: &[u32], counts: &mut [u32]) -> Facets {
    let mut sums = vec![Sum::default(); known.facet_count()];
    for label in labels {
        let sum = &mut sums[known.facet_of(*label) as usize];
        sum.hits += u64::from(counts[*label as usize]);
        sum.values += 1;
    }
    choose(known, sift, &mut sums);
    for label in labels {
        let sum = &mut sums[known.facet_of(*label) as usize];
        if sum.told {
            sum.labels.push(*label);
        }
    }
    let mut facets = Facets::default();
    for (facet, sum) in (0..).zip(&mut sums).filter(|(_, sum)| sum.told) {
        match known.facet(facet) {
            Facet::Category => facets.category = values(view, known, &mut sum.labels, counts, MOST_CATEGORIES),
            Facet::Brand => facets.brand = values(view, known, &mut sum.labels, counts, MOST_VALUES),
            Facet::Attribute(name) => {
                facets.attributes.insert(name.clone(), values(view, known, &mut sum.labels, counts, MOST_VALUES));
            }
            Facet::Seller => {}
        }
    }
    for label in labels {
        counts[*label as usize] = 0;
    }
    facets
}

/// Chooses the attributes that are told: those of most hits, and those that are filtered.
fn choose(known: &Known, sift: &Sift<'_>, sums: &mut [Sum]) {
    let mut attributes: Vec<u32> = Vec::new();
    for (facet, sum) in (0..).zip(sums.iter_mut()).filter(|(_, sum)| sum.values > 0) {
        match known.facet(facet) {
            Facet::Category | Facet::Brand => sum.told = true,
            Facet::Attribute(_) if sum.hits <= FEW || sum.values * 2 <= sum.hits => attributes.push(facet),
            Facet::Attribute(_) | Facet::Seller => {}
        }
    }
    attributes.sort_unstable_by(|one, other| {
        let (a, b) = (&sums[*one as usize], &sums[*other as usize]);
        b.hits.cmp(&a.hits).then_with(|| name(known, *one).cmp(name(known, *other)))
    });
    attributes.truncate(MOST_ATTRIBUTES);
    for facet in attributes.into_iter().chain(sift.filtered()) {
        sums[facet as usize].told = true;
    }
}

fn name(known: &Known, facet: u32) -> &str {
    if let Facet::Attribute(name) = known.facet(facet) { name } else { "" }
}

/// The commonest values, those as common in the order of their texts.
fn values(view: &View, known: &Known, labels: &mut Vec<u32>, counts: &[u32], most: usize) -> Vec<FacetValue> {
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

fn value(view: &View, known: &Known, label: u32, count: u32) -> FacetValue {
    let value = known.value(label);
    let category = if let Facet::Category = known.facet(known.facet_of(label)) { known.category(label) } else { None };
    let name = category.and_then(|category| view.tree.name(category));
    FacetValue { value: value.to_owned(), label: name.unwrap_or(value).to_owned(), count: u64::from(count) }
}
