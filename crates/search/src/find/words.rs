//! What a search text asks for.

use crate::domain::text::{self, Analyzer};

/// A search text, read.
#[derive(Debug, Default)]
pub struct ParsedText {
    /// Every one of them must be found.
    pub words: Vec<QueryWord>,
    /// The whole text as a SKU or a part of one; empty when there is nothing of one in it.
    pub sku: String,
}

/// One word that must be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryWord {
    pub text: String,
    pub stem: String,
    /// Together with the word before or after, where that may be one word.
    pub compounds: Vec<String>,
    /// Together with the word after, as it may stand in a title.
    pub pair: Option<String>,
    /// Whether it may be the beginning of a longer word.
    pub may_be_prefix: bool,
    /// Where it stands in the text, to be replaced by another spelling.
    pub span: std::ops::Range<usize>,
}

/// Part numbers are looked for by their beginnings from this length on, wherever they stand.
const PART_NUMBER: usize = 4;
/// Words shorter than this have no near spellings.
const NEAR: usize = 4;

impl QueryWord {
    /// Whether it may be misspelled: a word of letters that is long enough. A part number with another letter is another part.
    #[must_use]
    pub fn may_be_misspelled(&self) -> bool {
        self.text.chars().count() >= NEAR && self.text.chars().all(char::is_alphabetic)
    }
}

/// Reads a search text.
pub fn read(text: &str, analyzer: &mut Analyzer) -> ParsedText {
    let all = analyzer.words(text);
    let says_something = all.iter().any(|word| !analyzer.is_stop_word(&word.text));
    let mut words: Vec<QueryWord> = Vec::with_capacity(all.len());
    let last = all.len().saturating_sub(1);
    // A text that ends in a space or a sign ends in a whole word; one that goes on may not.
    let open = all.last().is_some_and(|word| word.span.end == text.len());
    for (at, word) in all.iter().enumerate() {
        // The last little word may be the beginning of a great one.
        if says_something && analyzer.is_stop_word(&word.text) && !(at == last && open && all.len() > 1) {
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
    // A word that is parsed for twice is found as often as once.
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
    fn stop_words_are_passed_over_unless_there_is_nothing_else() {
        assert_eq!(words("lens for canon"), ["lens", "canon"]);
        assert_eq!(words("the of "), ["the", "of"]);
        assert_eq!(words("shoe shoe"), ["shoe"]);
        assert_eq!(words("table for"), ["table", "for"], "it may become a fork");
        assert_eq!(words("\"("), Vec::<String>::new());
    }

    #[test]
    fn only_the_last_word_may_go_on_and_part_numbers() {
        let of = |text: &str| parsed(text).words.iter().map(|word| word.may_be_prefix).collect::<Vec<_>>();
        assert_eq!(of("red sho"), [false, true]);
        assert_eq!(of("red sho "), [false, false]);
        assert_eq!(of("stm32f mcu board"), [true, false, true]);
    }

    #[test]
    fn upstreams_may_be_one_word() {
        let parsed = parsed("usb-c 200 mm");
        assert_eq!(parsed.words[0].compounds, ["usbc"]);
        assert_eq!(parsed.words[2].compounds, ["c200", "200mm"]);
        assert_eq!(parsed.words[2].pair.as_deref(), Some("200+mm"));
        assert_eq!(parsed.sku, "usbc200mm");
    }
}
