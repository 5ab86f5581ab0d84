//! Highlights the words that a search found, in escaped HTML.

use super::{
    splitting::{Word, words},
    text::Analyzer,
};
use platform::html::escape;
use std::{collections::BTreeSet, fmt::Write as _, ops::Range};

/// The terms that are highlighted.
#[derive(Debug, Clone, Default)]
pub struct HighlightTerms {
    /// Whole words: those of the search and their similar spellings.
    pub words: BTreeSet<String>,
    /// Stems.
    pub stems: BTreeSet<String>,
    /// Prefixes.
    pub prefixes: BTreeSet<String>,
}

/// The length of the excerpt of a description, in characters.
const WINDOW: usize = 240;
/// How much of it precedes the match.
const BEFORE: usize = 60;

impl HighlightTerms {
    fn is_found(&self, word: &str, analyzer: &mut Analyzer) -> bool {
        if self.words.contains(word) || self.prefixes.iter().any(|start| word.starts_with(start.as_str())) {
            return true;
        }
        // Stemming is expensive. A form of a word nearly always begins with the same letters as its stem.
        let begins = |stem: &String| stem.chars().zip(word.chars()).take(2).all(|(a, b)| a == b);
        self.stems.iter().any(begins) && self.stems.contains(&analyzer.stem(word))
    }

    fn is_compound(&self, words: &[Word]) -> bool {
        words.iter().all(|word| !word.is_gram) && self.words.contains(&words.iter().map(|word| word.text.as_str()).collect::<String>())
    }

    fn found_in(&self, text: &str, analyzer: &mut Analyzer) -> Vec<Range<usize>> {
        let words: Vec<Word> = words(text);
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let joined = |count: usize| words.get(at..at + count).filter(|joined| self.is_compound(joined));
            if let Some(joined) = joined(3).or_else(|| joined(2)) {
                found.push(word.span.start..joined[joined.len() - 1].span.end);
            } else if self.is_found(&word.text, analyzer) || word.name.as_ref().is_some_and(|name| self.words.contains(name)) {
                found.push(word.span.clone());
            }
        }
        merge(found)
    }
}

/// Returns the ranges in order, with overlapping ones merged.
fn merge(spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// Returns the whole text with its matches marked; `None` without a match.
pub fn highlight_all(text: &str, highlight_terms: &HighlightTerms, analyzer: &mut Analyzer) -> Option<String> {
    let found = highlight_terms.found_in(text, analyzer);
    (!found.is_empty()).then(|| mark(text, 0..text.len(), &found))
}

/// Returns the part of the text around its first match, marked; `None` without a match.
pub fn highlight_excerpt(text: &str, highlight_terms: &HighlightTerms, analyzer: &mut Analyzer) -> Option<String> {
    let found = highlight_terms.found_in(text, analyzer);
    let first = found.first()?.start;
    let window = window(text, first);
    let mut marked = mark(text, window.clone(), &found);
    if window.start > 0 {
        marked.insert(0, '…');
    }
    if window.end < text.len() {
        marked.push('…');
    }
    Some(marked)
}

/// Returns at most [`WINDOW`] characters around the byte `at`, cut at spaces.
fn window(text: &str, at: usize) -> Range<usize> {
    let back = text[..at].char_indices().rev().nth(BEFORE).map_or(0, |(begin, _)| begin);
    // Starts after a space, if there is one.
    let start = if back == 0 { 0 } else { text[back..at].find(char::is_whitespace).map_or(back, |space| back + space + 1) };
    let start = (start..=at).find(|place| text.is_char_boundary(*place)).unwrap_or(at);
    let forth = text[start..].char_indices().nth(WINDOW).map_or(text.len(), |(end, _)| start + end);
    let end =
        if forth == text.len() { forth } else { text[..forth].rfind(char::is_whitespace).filter(|space| *space > at).unwrap_or(forth) };
    start..end
}

fn mark(text: &str, window: Range<usize>, found: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(window.len() + 16 * found.len());
    let mut at = window.start;
    for span in found {
        // Writing to a String never fails.
        let (from, to) = (span.start.max(at), span.end.min(window.end));
        if from >= to {
            continue;
        }
        let _ = write!(out, "{}<em>{}</em>", escape(&text[at..from]), escape(&text[from..to]));
        at = to;
    }
    let _ = write!(out, "{}", escape(&text[at..window.end]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Language;
    use proptest::prelude::*;

    fn highlight_terms(words: &[&str], prefixes: &[&str]) -> (HighlightTerms, Analyzer) {
        let mut analyzer = Analyzer::new(Language::ENGLISH);
        let stems = words.iter().map(|word| analyzer.stem(word)).collect();
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        (HighlightTerms { words: own(words), stems, prefixes: own(prefixes) }, analyzer)
    }

    #[test]
    fn matches_are_marked_and_text_is_escaped() {
        let (found, mut analyzer) = highlight_terms(&["chair", "usbc"], &["woo"]);
        assert_eq!(
            highlight_all("<b>Chairs</b> & \"wooden\" USB-C", &found, &mut analyzer).unwrap(),
            "&lt;b&gt;<em>Chairs</em>&lt;/b&gt; &amp; &quot;<em>wooden</em>&quot; <em>USB-C</em>"
        );
        assert_eq!(highlight_all("Table", &found, &mut analyzer), None);
    }

    #[test]
    fn words_of_another_stem_and_adjacent_matches_are_kept_apart() {
        let (found, mut analyzer) = highlight_terms(&["chair", "木", "机"], &[]);
        assert_eq!(highlight_all("Chalk for chairs", &found, &mut analyzer).unwrap(), "Chalk for <em>chairs</em>");
        assert_eq!(highlight_all("木机", &found, &mut analyzer).unwrap(), "<em>木</em><em>机</em>");
        let long = format!("Chair {}", "leg ".repeat(100));
        let shown = highlight_excerpt(&long, &found, &mut analyzer).unwrap();
        assert!(shown.starts_with("<em>Chair</em> leg") && shown.ends_with("leg…"), "{shown}");
        let shown = highlight_excerpt(&format!("{} chair", "leg ".repeat(100)), &found, &mut analyzer).unwrap();
        assert!(shown.starts_with("…leg ") && shown.ends_with("leg  <em>chair</em>"), "{shown}");
    }

    #[test]
    fn a_long_description_is_shown_around_its_first_match() {
        let (found, mut analyzer) = highlight_terms(&["needle"], &[]);
        let text = format!("{} needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let shown = highlight_excerpt(&text, &found, &mut analyzer).unwrap();
        assert!(shown.starts_with("…hay ") && shown.ends_with("straw…") && shown.contains("<em>needle</em>"), "{shown}");
        assert!(shown.chars().count() < WINDOW + 20);
        assert_eq!(highlight_excerpt("a needle", &found, &mut analyzer).unwrap(), "a <em>needle</em>");
    }

    proptest! {
        #[test]
        fn no_tag_of_a_text_survives(text in any::<String>(), word in "[a-z]{1,3}") {
            let (found, mut analyzer) = highlight_terms(&[&word], &[&word]);
            for marked in [highlight_all(&text, &found, &mut analyzer), highlight_excerpt(&text, &found, &mut analyzer)].into_iter().flatten() {
                let bare = marked.replace("<em>", "").replace("</em>", "");
                prop_assert!(!bare.contains(['<', '>', '"', '\'']));
                prop_assert!(marked.contains("<em>"));
            }
        }
    }
}
