//! Finds the documents that match a search text and scores them.
//!
//! The posting lists are walked directly: the rarest word gives the candidates of a segment, and every other word keeps those
//! that contain it too. A word scores by its best match.

use super::{
    Scratch,
    budget::Budget,
    sku,
    words::{self, ParsedText, QueryWord},
};
use crate::{
    Error,
    domain::{
        highlight::HighlightTerms,
        score::{self, MatchKind},
        text::{self, Analyzer, LONGEST_PREFIX},
    },
    index::{Address, Columns, View},
};
use std::{collections::HashMap, rc::Rc};
use tantivy::{
    DocSet, SegmentReader, Term,
    postings::TermInfo,
    query::FuzzyTermQuery,
    schema::{Field, IndexRecordOption},
};

/// The result of matching.
pub struct Matched {
    pub found: Vec<Match>,
    /// What to highlight.
    pub highlight_terms: HighlightTerms,
}

/// A document that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    pub address: Address,
    pub score: u32,
}

/// The maximum number of longer words per field and segment for a prefix.
const MOST_STARTS: usize = 1_000;
/// The maximum numbers of similar spellings to use and to examine.
const MOST_NEAR: usize = 32;
const MOST_NEAR_SEEN: usize = 2_000;
/// A rare word counts as a misspelling when a similar word is this many times as frequent.
const MISSPELLED: u64 = 20;
const RARE: u64 = 10;

/// Returns every product, or every one with one of these labels, with the same score.
pub fn everything(view: &View, labels: Option<&[u32]>) -> Matched {
    let has_label = |columns: &Columns, doc| labels.is_none_or(|labels| columns.labels(doc).iter().any(|label| labels.contains(label)));
    let mut found = Vec::new();
    for (segment, reader, columns) in view.segments() {
        let alive = (0..reader.max_doc()).filter(|doc| has_label(columns, *doc) && view.shows(reader, columns, *doc));
        found.extend(alive.map(|doc| Match { address: Address { segment, doc }, score: 0 }));
    }
    Matched { found, highlight_terms: HighlightTerms::default() }
}

/// A term of the dictionary and how many products have it.
type NearTerm = (String, u64);

/// One search: its budget, and the lookups of its words.
pub struct Search {
    pub budget: Budget,
    /// Whether titles that begin with the text come first.
    pub favors_prefixes: bool,
    lookups: Vec<(QueryWord, Rc<WordLookup>)>,
    /// Similar words by word, distance, and whether it is a beginning.
    near: HashMap<(String, u8, bool), Rc<[NearTerm]>>,
}

impl Search {
    #[must_use]
    pub fn new(budget: Budget) -> Search {
        Search { budget, favors_prefixes: false, lookups: Vec::new(), near: HashMap::new() }
    }

    /// Returns the posting lists of a word. Searches that are tried for suggestions share most of their words.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn look_up(&mut self, view: &View, word: &QueryWord) -> Result<Rc<WordLookup>, Error> {
        if let Some((_, lookup)) = self.lookups.iter().find(|(known, _)| known.finds_the_same(word)) {
            return Ok(Rc::clone(lookup));
        }
        let lookup = Rc::new(WordLookup::of(view, word, self)?);
        self.lookups.push((word.clone(), Rc::clone(&lookup)));
        Ok(lookup)
    }

    /// Returns the indexed words within this edit distance, or beginning with such a word, most frequent first. Without a
    /// correction in the budget there are none.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn near_words(
        &mut self,
        view: &View,
        word: &str,
        distance: u8,
        beginning: bool,
        is_known: bool,
    ) -> Result<Rc<[(String, u64)]>, Error> {
        let key = (word.to_owned(), distance, beginning);
        if let Some(known) = self.near.get(&key) {
            return Ok(Rc::clone(known));
        }
        if !self.budget.take_correction(is_known) {
            return Ok(Rc::default());
        }
        let near: Rc<[_]> = near_words(view, word, distance, beginning, &mut self.budget)?.into();
        self.near.insert(key, Rc::clone(&near));
        Ok(near)
    }

    /// Looks up all words, up to one that no product has. Returns whether every product can be excluded.
    fn look_up_all(&mut self, view: &View, words: &[QueryWord]) -> Result<(Vec<Rc<WordLookup>>, bool), Error> {
        let mut lookups = Vec::with_capacity(words.len());
        for word in words {
            if self.budget.is_over() {
                return Ok((lookups, true));
            }
            let lookup = self.look_up(view, word)?;
            let unknown = lookup.is_unknown();
            lookups.push(lookup);
            if unknown {
                return Ok((lookups, true));
            }
        }
        Ok((lookups, false))
    }
}

/// Returns the products that match `text`.
///
/// # Errors
/// When the index cannot be read.
pub fn matches(view: &View, text: &str, search: &mut Search, analyzer: &mut Analyzer, scratch: &mut Scratch) -> Result<Matched, Error> {
    let parsed = words::read(text, analyzer);
    let (lookups, impossible) = search.look_up_all(view, &parsed.words)?;
    let by_words = if impossible { &[] } else { lookups.as_slice() };
    let mut found = collect(view, &parsed, by_words, sku::Strictness::Digits, search, scratch)?;
    if found.is_empty() && !parsed.sku.is_empty() {
        // A match inside a SKU is better than no hit.
        found = collect(view, &parsed, &[], sku::Strictness::Anything, search, scratch)?;
    }
    Ok(Matched { found, highlight_terms: highlight_terms(&parsed, &lookups) })
}

fn collect(
    view: &View,
    parsed: &ParsedText,
    lookups: &[Rc<WordLookup>],
    strictness: sku::Strictness,
    search: &mut Search,
    scratch: &mut Scratch,
) -> Result<Vec<Match>, Error> {
    let mut found = Vec::new();
    for (segment, reader, columns) in view.segments() {
        let matcher = SegmentMatcher { view, reader, columns, segment: segment as usize };
        let by_words = matcher.by_words(parsed, lookups, search, scratch)?;
        if search.budget.is_over() {
            break;
        }
        let by_sku = sku::matches(view, reader, columns, &parsed.sku, strictness)?;
        let alive = merge(by_words, by_sku).into_iter().filter(|(doc, _)| view.shows(reader, columns, *doc));
        found.extend(alive.map(|(doc, score)| Match { address: Address { segment, doc }, score }));
    }
    Ok(found)
}

/// Merges two lists of documents and scores. Documents in both lists get the sum of the scores.
fn merge(one: Vec<(u32, u32)>, other: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    if other.is_empty() {
        return one;
    }
    let mut all = one;
    all.extend(other);
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    all
}

/// The posting lists of one word of the search.
pub struct WordLookup {
    /// By segment.
    sources: Vec<Vec<PostingList>>,
    /// Similar spellings that are used.
    near: Vec<String>,
}

impl WordLookup {
    fn of(view: &View, word: &QueryWord, search: &mut Search) -> Result<WordLookup, Error> {
        let mut lookup = WordLookup { sources: view.segments().map(|_| Vec::new()).collect(), near: Vec::new() };
        let short = word.text.chars().count() <= LONGEST_PREFIX;
        for texts in &view.fields.texts {
            let worth = |kind| score::points(texts.field, kind);
            lookup.add(view, texts.words, &word.text, worth(MatchKind::Exact))?;
            for compound in &word.compounds {
                lookup.add(view, texts.words, compound, worth(MatchKind::Exact))?;
            }
            if let Some(stems) = texts.stems {
                lookup.add(view, stems, &word.stem, worth(MatchKind::Stem))?;
            }
            match (word.may_be_prefix, short) {
                (true, true) => lookup.add(view, texts.prefixes, &word.text, worth(MatchKind::Prefix))?,
                (true, false) => lookup.add_longer(view, texts.words, &word.text, worth(MatchKind::Prefix))?,
                (false, _) => {}
            }
        }
        if word.may_be_misspelled() {
            lookup.add_near_spellings(view, word, search)?;
        }
        Ok(lookup)
    }

    /// Adds the documents that contain `term`.
    fn add(&mut self, view: &View, field: Field, term: &str, points: u16) -> Result<(), Error> {
        for (reader, sources) in view.searcher.segment_readers().iter().zip(&mut self.sources) {
            if let Some(info) = reader.inverted_index(field)?.terms().get(term)? {
                sources.push(PostingList { field, info, points });
            }
        }
        Ok(())
    }

    /// Adds the documents that contain a longer word that begins with `word`.
    fn add_longer(&mut self, view: &View, field: Field, word: &str, points: u16) -> Result<(), Error> {
        for (reader, sources) in view.searcher.segment_readers().iter().zip(&mut self.sources) {
            let inverted = reader.inverted_index(field)?;
            let mut stream = inverted.terms().range().gt(word).into_stream()?;
            let mut seen = 0;
            while seen < MOST_STARTS && stream.advance() && stream.key().starts_with(word.as_bytes()) {
                sources.push(PostingList { field, info: stream.value().clone(), points });
                seen += 1;
            }
        }
        Ok(())
    }

    /// Adds similar spellings of a word that is unknown, or much rarer than them.
    fn add_near_spellings(&mut self, view: &View, word: &QueryWord, search: &mut Search) -> Result<(), Error> {
        let known = self.frequency();
        if known >= RARE {
            return Ok(());
        }
        let mut near = search.near_words(view, &word.text, 1, false, known > 0)?;
        if near.is_empty() && known == 0 && word.may_be_prefix {
            near = search.near_words(view, &word.text, 1, true, false)?;
        }
        let near: Vec<String> = near
            .iter()
            .filter(|(term, common)| *term != word.text && *common >= known * MISSPELLED)
            .map(|(term, _)| term.clone())
            .take(MOST_NEAR)
            .collect();
        for term in near {
            for texts in &view.fields.texts {
                self.add(view, texts.words, &term, score::points(texts.field, MatchKind::Fuzzy))?;
            }
            self.near.push(term);
        }
        Ok(())
    }

    /// Whether no product has the word or a similar one.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.sources.iter().all(Vec::is_empty)
    }

    /// Returns an upper bound of the number of documents that contain the word.
    fn frequency(&self) -> u64 {
        self.sources.iter().map(|sources| entries(sources)).sum()
    }
}

/// A posting list and the points of its documents.
struct PostingList {
    field: Field,
    info: TermInfo,
    points: u16,
}

/// Returns the indexed words within this edit distance, or beginning with such a word, most frequent first.
fn near_words(view: &View, word: &str, distance: u8, beginning: bool, budget: &mut Budget) -> Result<Vec<(String, u64)>, Error> {
    let mut near: HashMap<String, u64> = HashMap::new();
    let term = Term::from_field_text(view.fields.texts[0].words, word);
    let query = if beginning { FuzzyTermQuery::new_prefix(term, distance, true) } else { FuzzyTermQuery::new(term, distance, true) };
    // The automaton is expensive to build, and the same for every field and segment.
    let automaton = query.automaton()?;
    for texts in &view.fields.texts {
        for reader in view.searcher.segment_readers() {
            if budget.is_over() {
                return Ok(Vec::new());
            }
            let inverted = reader.inverted_index(texts.words)?;
            let mut stream = inverted.terms().search(&automaton).into_stream()?;
            while near.len() < MOST_NEAR_SEEN && stream.advance() {
                let Ok(key) = std::str::from_utf8(stream.key()) else { continue };
                // Numbers are never similar spellings of a word.
                if key.chars().all(char::is_alphabetic) {
                    *near.entry(key.to_owned()).or_default() += u64::from(stream.value().doc_freq);
                }
            }
        }
    }
    let mut near: Vec<(String, u64)> = near.into_iter().collect();
    near.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(near)
}

/// Returns the number of entries in these lists.
fn entries(lists: &[PostingList]) -> u64 {
    lists.iter().map(|list| u64::from(list.info.doc_freq)).sum()
}

/// A document that contains every word so far.
struct Candidate {
    doc: u32,
    score: u32,
    in_title: u8,
}

/// Matches words within one segment.
struct SegmentMatcher<'a> {
    view: &'a View,
    reader: &'a SegmentReader,
    columns: &'a Columns,
    segment: usize,
}

impl SegmentMatcher<'_> {
    /// Returns the documents that contain all words, in order, with their scores.
    fn by_words(
        &self,
        parsed: &ParsedText,
        lookups: &[Rc<WordLookup>],
        search: &mut Search,
        scratch: &mut Scratch,
    ) -> Result<Vec<(u32, u32)>, Error> {
        let mut lists: Vec<&[PostingList]> = lookups.iter().map(|lookup| lookup.sources[self.segment].as_slice()).collect();
        if lists.iter().any(|sources| sources.is_empty()) {
            return Ok(Vec::new());
        }
        lists.sort_by_key(|sources| entries(sources));
        let mut lists = lists.into_iter();
        let Some(rarest) = lists.next() else { return Ok(Vec::new()) };
        search.budget.count_postings(entries(rarest));
        let mut candidates = self.documents_in_any(rarest, &mut scratch.points)?;
        for sources in lists {
            // Candidates that were not checked against every word are no hits.
            if candidates.is_empty() || search.budget.is_over() {
                return Ok(Vec::new());
            }
            search.budget.count_postings(entries(sources));
            self.keep(&mut candidates, sources)?;
        }
        let mut pairs = vec![0_u32; candidates.len()];
        for pair in parsed.words.iter().filter_map(|word| word.pair.as_ref()) {
            self.each_match(self.view.fields.pairs, pair.as_bytes(), &candidates, |at| pairs[at] += score::PAIR)?;
        }
        if search.favors_prefixes
            && let Some(first) = parsed.words.first()
        {
            let prefixes = self.view.fields.texts[0].prefixes;
            let term = text::title_beginning(&first.text);
            self.each_match(prefixes, term.as_bytes(), &candidates, |at| pairs[at] += score::TITLE_PREFIX)?;
        }
        let worth = |(candidate, pairs): (Candidate, u32)| {
            let doc = candidate.doc as usize;
            let coverage = score::coverage(candidate.in_title, self.columns.title_words[doc]);
            let stock = if self.columns.in_stock[doc] { score::IN_STOCK } else { 0 };
            (candidate.doc, candidate.score + pairs + coverage + stock)
        };
        Ok(candidates.into_iter().zip(pairs).map(worth).collect())
    }

    /// Returns the documents of any of these lists, in order.
    fn documents_in_any(&self, sources: &[PostingList], points: &mut Vec<u16>) -> Result<Vec<Candidate>, Error> {
        let size = self.reader.max_doc() as usize;
        if points.len() < size {
            points.resize(size, 0);
        }
        let mut touched: Vec<u32> = Vec::new();
        for source in sources {
            let inverted = self.reader.inverted_index(source.field)?;
            let mut postings = inverted.read_block_postings_from_terminfo(&source.info, IndexRecordOption::Basic)?;
            while !postings.docs().is_empty() {
                for doc in postings.docs() {
                    let best = &mut points[*doc as usize];
                    if *best == 0 {
                        touched.push(*doc);
                    }
                    *best = (*best).max(source.points);
                }
                postings.advance();
            }
        }
        // When many documents match, scanning the segment is faster than sorting.
        if touched.len() > size / 16 {
            touched = (0..self.reader.max_doc()).filter(|doc| points[*doc as usize] > 0).collect();
        } else {
            touched.sort_unstable();
        }
        Ok(touched
            .into_iter()
            .map(|doc| {
                let worth = std::mem::take(&mut points[doc as usize]);
                Candidate { doc, score: u32::from(worth), in_title: u8::from(score::is_title(worth)) }
            })
            .collect())
    }

    /// Keeps the candidates that are in any of these lists.
    fn keep(&self, candidates: &mut Vec<Candidate>, sources: &[PostingList]) -> Result<(), Error> {
        let mut points = vec![0_u16; candidates.len()];
        for source in sources {
            self.each_posting(source.field, &source.info, candidates, |at| points[at] = points[at].max(source.points))?;
        }
        let mut points = points.into_iter();
        candidates.retain_mut(|candidate| {
            let worth = points.next().unwrap_or_default();
            candidate.score += u32::from(worth);
            candidate.in_title += u8::from(score::is_title(worth));
            worth > 0
        });
        Ok(())
    }

    /// Calls `found` for each candidate that contains `term`.
    fn each_match(&self, field: Field, term: &[u8], candidates: &[Candidate], found: impl FnMut(usize)) -> Result<(), Error> {
        match self.reader.inverted_index(field)?.terms().get(term)? {
            Some(info) => self.each_posting(field, &info, candidates, found),
            None => Ok(()),
        }
    }

    fn each_posting(&self, field: Field, info: &TermInfo, candidates: &[Candidate], mut found: impl FnMut(usize)) -> Result<(), Error> {
        let inverted = self.reader.inverted_index(field)?;
        if info.doc_freq as usize > 8 * candidates.len() {
            // For few candidates, seek from one to the next.
            let mut postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            for (at, candidate) in candidates.iter().enumerate() {
                if postings.doc() < candidate.doc && postings.seek(candidate.doc) == tantivy::TERMINATED {
                    break;
                }
                if postings.doc() == candidate.doc {
                    found(at);
                }
            }
            return Ok(());
        }
        let mut postings = inverted.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        let mut at = 0;
        while !postings.docs().is_empty() && at < candidates.len() {
            for doc in postings.docs() {
                while at < candidates.len() && candidates[at].doc < *doc {
                    at += 1;
                }
                if at == candidates.len() {
                    break;
                }
                if candidates[at].doc == *doc {
                    found(at);
                }
            }
            postings.advance();
        }
        Ok(())
    }
}

/// Returns the terms to highlight: all that may have matched.
fn highlight_terms(parsed: &ParsedText, lookups: &[Rc<WordLookup>]) -> HighlightTerms {
    let mut highlight_terms = HighlightTerms::default();
    for (word, lookup) in parsed.words.iter().zip(lookups) {
        highlight_terms.words.insert(word.text.clone());
        highlight_terms.words.extend(word.compounds.iter().cloned());
        highlight_terms.words.extend(lookup.near.iter().cloned());
        highlight_terms.stems.insert(word.stem.clone());
        if word.may_be_prefix {
            highlight_terms.prefixes.insert(word.text.clone());
        }
    }
    highlight_terms
}
