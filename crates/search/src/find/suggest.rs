//! Completes a text while it is typed, with the ranking of the search. Titles that begin with the text come first: a person
//! who types `cha` rather means chairs than the channels of a transistor. Of equal ones the completion that most titles share comes
//! first: rather one of many chairs than the one character display.

use super::{
    Budget, Finder, Page,
    collector::{CollectOptions, Collector},
    matching::Search,
};
use crate::{
    Error,
    domain::{query::Request, splitting::words},
    index::{Stored, View},
};
use contracts::search::{Sort, Suggestion, Suggestions};
use std::{cmp::Reverse, collections::HashMap};

/// The maximum number of suggestions.
const MOST: usize = 10;

/// Returns the titles of the best hits, and the cost of the search.
///
/// # Errors
/// When the index cannot be read.
pub fn suggest(finder: &mut Finder, view: &View, text: &str, budget: Budget) -> Result<(Suggestions, u32), Error> {
    let request = Request { text: Some(text.to_owned()), filters: Vec::new(), sort: Sort::Relevance };
    let mut search = Search::new(budget);
    search.favors_prefixes = true;
    let matched = finder.matches(view, &request, &mut search)?;
    let labels = view.labels.read();
    let wanted = CollectOptions { page: Page { limit: 2 * MOST, after: None }, facets: false };
    let collector = Collector::new(view, &labels, &request, finder.currency);
    let collected = collector.run(&matched.found, wanted, &mut search.budget, &mut finder.scratch);
    drop(labels);
    let mut hits = Vec::with_capacity(collected.hits.len());
    for hit in &collected.hits {
        hits.push((hit.key.rank(), view.stored(hit.address)?));
    }
    sort_by_completion(&mut hits, text);
    let mut items: Vec<Suggestion> = Vec::with_capacity(MOST);
    for (_, stored) in hits {
        if let Some(known) = items.iter_mut().find(|known| known.text == stored.hit.title) {
            // With several products of one title, the suggestion names none of them.
            known.product_id = None;
        } else if items.len() < MOST {
            items.push(Suggestion { text: stored.hit.title, product_id: Some(stored.hit.product_id) });
        }
    }
    Ok((Suggestions { items }, search.budget.cost()))
}

/// Sorts hits of the same rank by how many of all hits complete the last word of `text` in the same way.
fn sort_by_completion(hits: &mut [(i64, Stored)], text: &str) {
    let Some(typed) = words(text).pop() else { return };
    let completion = |title: &str| words(title).into_iter().map(|word| word.text).find(|word| word.starts_with(&typed.text));
    let completions: Vec<Option<String>> = hits.iter().map(|(_, stored)| completion(&stored.hit.title)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in completions.iter().flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let count = |title: &str| completion(title).map_or(0, |word| counts.get(word.as_str()).copied().unwrap_or_default());
    hits.sort_by_cached_key(|(rank, stored)| (*rank, Reverse(count(&stored.hit.title))));
}
