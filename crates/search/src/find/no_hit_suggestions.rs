//! Suggests other searches when a search finds nothing.

use super::{
    Finder,
    matching::Search,
    words::{self, QueryWord},
};
use crate::{
    Error,
    domain::query::{Filter, Request},
    index::View,
};
use contracts::search::{LiftedFilter, SearchHelp, Spelling};

/// The maximum number of spellings to try per word.
const TRIES: usize = 6;
/// The maximum number of words to try.
const WORDS: usize = 3;
/// From this length on, spellings at distance two are tried too.
const LONG: usize = 6;

impl Finder {
    /// Returns what similar searches find.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) fn no_hit_suggestions(&mut self, view: &View, request: &Request, search: &mut Search) -> Result<Option<SearchHelp>, Error> {
        search.budget.start_suggestions();
        let without_last_filter = match request.without_last_filter() {
            Some((lifted, last)) => self.without_last_filter(view, &lifted, &last, search)?,
            None => None,
        };
        let spelling = self.spelling(view, request, search)?;
        // What an interrupted search would find is not known.
        Ok((!search.budget.is_partial()).then_some(SearchHelp { without_last_filter, spelling }))
    }

    fn without_last_filter(
        &mut self,
        view: &View,
        lifted: &Request,
        last: &Filter,
        search: &mut Search,
    ) -> Result<Option<LiftedFilter>, Error> {
        let total = self.count(view, lifted, search)?;
        Ok((total > 0).then(|| LiftedFilter { parameter: last.parameter(), total }))
    }

    /// Returns the text with one word in another spelling that has the most hits.
    fn spelling(&mut self, view: &View, request: &Request, search: &mut Search) -> Result<Option<Spelling>, Error> {
        let Some(text) = &request.text else { return Ok(None) };
        let words = words::read(text, &mut self.analyzer).words;
        let mut unknown: Vec<&QueryWord> = Vec::new();
        for word in &words {
            if !search.budget.is_over() && search.look_up(view, word)?.is_unknown() {
                unknown.push(word);
            }
        }
        // Only the unknown word needs another spelling. With two of them no single change helps.
        let candidates: Vec<&QueryWord> = match unknown.as_slice() {
            [] => words.iter().collect(),
            [word] => vec![*word],
            _ => Vec::new(),
        };
        let mut best: Option<Spelling> = None;
        for word in candidates.into_iter().filter(|word| word.may_be_misspelled()).take(WORDS) {
            for other in other_spellings(view, word, search)? {
                if search.budget.is_over() || !search.budget.take_try() {
                    return Ok(best);
                }
                let mut spelled = text.clone();
                spelled.replace_range(word.span.clone(), &other);
                let total = self.count(view, &Request { text: Some(spelled.clone()), ..request.clone() }, search)?;
                if total > best.as_ref().map_or(0, |known| known.total) {
                    best = Some(Spelling { text: spelled, total });
                }
            }
        }
        Ok(best)
    }
}

/// Returns similar words: distance one before distance two, then the most frequent first.
fn other_spellings(view: &View, word: &QueryWord, search: &mut Search) -> Result<Vec<String>, Error> {
    let mut others = search.near_words(view, &word.text, 1, false, false)?.to_vec();
    if others.len() < TRIES && word.text.chars().count() >= LONG {
        others.extend_from_slice(&search.near_words(view, &word.text, 2, false, false)?);
    }
    let mut spellings: Vec<String> = Vec::with_capacity(TRIES);
    for (other, _) in others {
        if spellings.len() < TRIES && other != word.text && !spellings.contains(&other) {
            spellings.push(other);
        }
    }
    Ok(spellings)
}
