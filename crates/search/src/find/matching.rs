//! Finds the documents that match a search text and scores them.
//!
//! The posting lists are walked directly: the rarest word gives the candidates of a segment, and every other word keeps those
//! that contain it too. A word scores by its best match.

use super::{
    Scratch, sku,
    words::{self, ParsedText, QueryWord},
};
use crate::{
    Error,
    domain::{
        highlight::HighlightTerms,
        score::{self, MatchKind},
        text::{Analyzer, LONGEST_PREFIX},
    },
    index::{Address, Columns, View},
};
use std::collections::HashMap;
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

/// Returns every product with the same score.
pub fn everything(view: &View) -> Matched {
    let mut found = Vec::with_capacity(usize::try_from(view.products()).unwrap_or_default());
    for (segment, reader, _) in view.segments() {
        let alive = (0..reader.max_doc()).filter(|doc| !reader.is_deleted(*doc));
        found.extend(alive.map(|doc| Match { address: Address { segment, doc }, score: 0 }));
    }
    Matched { found, highlight_terms: HighlightTerms::default() }
}

/// Returns the products that match `text`.
///
/// # Errors
/// When the index cannot be read.
pub fn matches(view: &View, text: &str, analyzer: &mut Analyzer, scratch: &mut Scratch) -> Result<Matched, Error> {
    let parsed = words::read(text, analyzer);
    let lookups = parsed.words.iter().map(|word| WordLookup::of(view, word)).collect::<Result<Vec<_>, _>>()?;
    let mut found = collect(view, &parsed, &lookups, sku::Strictness::Digits, scratch)?;
    if found.is_empty() && !parsed.sku.is_empty() {
        // A match inside a SKU is better than no hit.
        found = collect(view, &parsed, &[], sku::Strictness::Anything, scratch)?;
    }
    Ok(Matched { found, highlight_terms: highlight_terms(&parsed, &lookups) })
}

fn collect(
    view: &View,
    parsed: &ParsedText,
    lookups: &[WordLookup],
    strictness: sku::Strictness,
    scratch: &mut Scratch,
) -> Result<Vec<Match>, Error> {
    let mut found = Vec::new();
    for (segment, reader, columns) in view.segments() {
        let matcher = SegmentMatcher { view, reader, columns, segment: segment as usize };
        let by_words = matcher.by_words(parsed, lookups, scratch)?;
        let by_sku = sku::matches(view, reader, columns, &parsed.sku, strictness)?;
        let alive = merge(by_words, by_sku).into_iter().filter(|(doc, _)| !reader.is_deleted(*doc));
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
struct WordLookup {
    /// By segment.
    sources: Vec<Vec<PostingList>>,
    /// Similar spellings that are used.
    near: Vec<String>,
}

impl WordLookup {
    fn of(view: &View, word: &QueryWord) -> Result<WordLookup, Error> {
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
            lookup.add_near_spellings(view, word)?;
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
    fn add_near_spellings(&mut self, view: &View, word: &QueryWord) -> Result<(), Error> {
        let known = self.frequency();
        if known >= RARE {
            return Ok(());
        }
        let mut near = near_words(view, &word.text, 1, false)?;
        if near.is_empty() && known == 0 && word.may_be_prefix {
            near = near_words(view, &word.text, 1, true)?;
        }
        near.retain(|(term, common)| *term != word.text && *common >= known * MISSPELLED);
        near.truncate(MOST_NEAR);
        for (term, _) in near {
            for texts in &view.fields.texts {
                self.add(view, texts.words, &term, score::points(texts.field, MatchKind::Fuzzy))?;
            }
            self.near.push(term);
        }
        Ok(())
    }

    /// Returns an upper bound of the number of documents that contain the word.
    fn frequency(&self) -> u64 {
        self.sources.iter().flatten().map(|source| u64::from(source.info.doc_freq)).sum()
    }
}

/// Returns the indexed words within this edit distance, or beginning with such a word, most frequent first.
pub fn near_words(view: &View, word: &str, distance: u8, beginning: bool) -> Result<Vec<(String, u64)>, Error> {
    let mut near: HashMap<String, u64> = HashMap::new();
    for texts in &view.fields.texts {
        let term = Term::from_field_text(texts.words, word);
        let query = if beginning { FuzzyTermQuery::new_prefix(term, distance, true) } else { FuzzyTermQuery::new(term, distance, true) };
        for reader in view.searcher.segment_readers() {
            let inverted = reader.inverted_index(texts.words)?;
            let mut stream = inverted.terms().search(query.automaton()?).into_stream()?;
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

/// A posting list and the points of its documents.
struct PostingList {
    field: Field,
    info: TermInfo,
    points: u16,
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
    fn by_words(&self, parsed: &ParsedText, lookups: &[WordLookup], scratch: &mut Scratch) -> Result<Vec<(u32, u32)>, Error> {
        let mut lists: Vec<&[PostingList]> = lookups.iter().map(|lookup| lookup.sources[self.segment].as_slice()).collect();
        if lists.iter().any(|sources| sources.is_empty()) {
            return Ok(Vec::new());
        }
        lists.sort_by_key(|sources| sources.iter().map(|source| u64::from(source.info.doc_freq)).sum::<u64>());
        let mut lists = lists.into_iter();
        let Some(rarest) = lists.next() else { return Ok(Vec::new()) };
        let mut candidates = self.documents_in_any(rarest, &mut scratch.points)?;
        for sources in lists {
            if candidates.is_empty() {
                return Ok(Vec::new());
            }
            self.keep(&mut candidates, sources)?;
        }
        let mut pairs = vec![0_u32; candidates.len()];
        for pair in parsed.words.iter().filter_map(|word| word.pair.as_ref()) {
            self.each_match(self.view.fields.pairs, pair.as_bytes(), &candidates, |at| pairs[at] += score::PAIR)?;
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
fn highlight_terms(parsed: &ParsedText, lookups: &[WordLookup]) -> HighlightTerms {
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
