//! Completes a text while it is typed, with the ranking of the search. Titles that begin with the text come first: a person
//! who types `cha` rather means chairs than the channels of a transistor.

use super::{
    Budget, Finder, Page,
    collector::{CollectOptions, Collector},
    matching::Search,
};
use crate::{Error, domain::query::Request, index::View};
use contracts::search::{Sort, Suggestion, Suggestions};

/// The maximum number of suggestions.
const MOST: usize = 10;

/// Returns the titles of the best hits, and the cost of the search.
///
/// # Errors
/// When the index cannot be read.
pub fn suggest(finder: &mut Finder, view: &View, text: &str, budget: Budget) -> Result<(Suggestions, u32), Error> {
    let request = Request { text: Some(text.to_owned()), filters: Vec::new(), sort: Sort::Relevance };
    let mut search = Search::new(budget);
    search.favors_beginnings = true;
    let matched = finder.matches(view, &request, &mut search)?;
    let labels = view.labels.read();
    let wanted = CollectOptions { page: Page { limit: 2 * MOST, after: None }, facets: false };
    let collector = Collector::new(view, &labels, &request, finder.currency);
    let collected = collector.run(&matched.found, wanted, &mut search.budget, &mut finder.scratch);
    drop(labels);
    let mut items: Vec<Suggestion> = Vec::with_capacity(MOST);
    for hit in collected.hits {
        let stored = view.stored(hit.address)?;
        if let Some(known) = items.iter_mut().find(|known| known.text == stored.hit.title) {
            // With several products of one title, the suggestion names none of them.
            known.product_id = None;
        } else if items.len() < MOST {
            items.push(Suggestion { text: stored.hit.title, product_id: Some(stored.hit.product_id) });
        }
    }
    Ok((Suggestions { items }, search.budget.cost()))
}
