//! Parses a search text into words.

use crate::domain::text::{self, Analyzer};

/// A parsed search text.
#[derive(Debug, Default)]
pub struct ParsedText {
    /// The words. All of them must be found.
    pub words: Vec<QueryWord>,
    /// The whole text as a SKU or a part of one; may be empty.
    pub sku: String,
}

/// A word that must be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryWord {
    pub text: String,
    pub stem: String,
    /// The compounds with the previous and with the next word.
    pub compounds: Vec<String>,
    /// The pair with the next word, as it may occur in a title.
    pub pair: Option<String>,
    /// Whether it may be the beginning of a longer word.
    pub may_be_prefix: bool,
    /// Its byte range in the text, where another spelling can replace it.
    pub span: std::ops::Range<usize>,
}

/// From this length on, part numbers match as prefixes at any position.
const PART_NUMBER: usize = 4;
/// Shorter words have no similar spellings.
const NEAR: usize = 4;

impl QueryWord {
    /// Whether it may be misspelled: it is long enough and has only letters. Part numbers that differ are different parts.
    #[must_use]
    pub fn may_be_misspelled(&self) -> bool {
        self.text.chars().count() >= NEAR && self.text.chars().all(char::is_alphabetic)
    }
}

/// Parses a search text.
pub fn read(text: &str, analyzer: &mut Analyzer) -> ParsedText {
    let all = analyzer.words(text);
    let says_something = all.iter().any(|word| !analyzer.is_stop_word(&word.text));
    let mut words: Vec<QueryWord> = Vec::with_capacity(all.len());
    let last = all.len().saturating_sub(1);
    // A space or a sign at the end completes the last word. Otherwise the last word may continue.
    let open = all.last().is_some_and(|word| word.span.end == text.len());
    for (at, word) in all.iter().enumerate() {
        // The last word may be a stop word only so far, and continue to another word.
        if says_something && analyzer.is_stop_word(&word.text) && !(at == last && open) {
            continue;
        }
        let is_number = word.text.chars().count() >= PART_NUMBER && word.text.bytes().any(|byte| byte.is_ascii_digit());
        let before = at.checked_sub(1).and_then(|before| text::compound(&all[before].text, &word.text));
        let after = all.get(at + 1).and_then(|next| text::compound(&word.text, &next.text));
        let stem = analyzer.stem(&word.text);
        let pair = all.get(at + 1).map(|next| text::pair(&stem, &analyzer.stem(&next.text)));
        words.push(QueryWord {
            may_be_prefix: (at == last && open) || is_number,
            compounds: before.into_iter().chain(after).collect(),
            text: word.text.clone(),
            span: word.span.clone(),
            stem,
            pair,
        });
    }
    // A repeated word counts once.
    let mut distinct: Vec<QueryWord> = Vec::with_capacity(words.len());
    for word in words {
        match distinct.iter_mut().find(|known| known.text == word.text) {
            Some(known) => {
                known.may_be_prefix |= word.may_be_prefix;
                known.compounds.extend(word.compounds);
            }
            None => distinct.push(word),
        }
    }
    ParsedText { words: distinct, sku: text::bare_sku(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::text::Language;

    fn parsed(text: &str) -> ParsedText {
        read(text, &mut Analyzer::new(Language::ENGLISH))
    }

    fn words(text: &str) -> Vec<String> {
        parsed(text).words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn stop_words_are_ignored_unless_there_are_no_other_words() {
        assert_eq!(words("lens for canon"), ["lens", "canon"]);
        assert_eq!(words("the of "), ["the", "of"]);
        assert_eq!(words("shoe shoe"), ["shoe"]);
        assert_eq!(words("table for"), ["table", "for"], "it may become a fork");
        assert_eq!(words("\"("), Vec::<String>::new());
    }

    #[test]
    fn only_the_last_word_and_part_numbers_may_be_prefixes() {
        let of = |text: &str| parsed(text).words.iter().map(|word| word.may_be_prefix).collect::<Vec<_>>();
        assert_eq!(of("red sho"), [false, true]);
        assert_eq!(of("red sho "), [false, false]);
        assert_eq!(of("stm32f mcu board"), [true, false, true]);
        assert_eq!(of("ab1c x"), [true, true]);
        assert_eq!(of("ab1 x"), [false, true]);
        let misspelled = |text: &str| parsed(text).words[0].may_be_misspelled();
        assert_eq!(["lamp", "lam", "lam1", "lampe"].map(misspelled), [true, false, false, true]);
    }

    #[test]
    fn adjacent_words_may_be_a_compound() {
        let parsed = parsed("usb-c 200 mm");
        assert_eq!(parsed.words[0].compounds, ["usbc"]);
        assert_eq!(parsed.words[2].compounds, ["c200", "200mm"]);
        assert_eq!(parsed.words[2].pair.as_deref(), Some("200+mm"));
        assert_eq!(parsed.sku, "usbc200mm");
    }
}
