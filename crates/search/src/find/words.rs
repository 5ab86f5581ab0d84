//! Parses a search text into words.

use crate::domain::{
    compounds, query,
    splitting::words,
    text::{self, Analyzer},
};

/// A parsed search text.
#[derive(Debug, Default)]
pub struct ParsedText {
    /// The words. All of them must be found.
    pub words: Vec<QueryWord>,
    /// The whole text as a SKU or a part of one; may be empty.
    pub sku: String,
}

/// A word that must be found.
#[derive(Debug, Clone)]
pub struct QueryWord {
    pub text: String,
    pub stem: String,
    /// The compounds with the words next to it.
    pub compounds: Vec<String>,
    /// The pair with the next word, as it may occur in a title.
    pub pair: Option<String>,
    /// Whether it may be the beginning of a longer word.
    pub may_be_prefix: bool,
    /// Whether it is a part of a text without spaces.
    pub is_gram: bool,
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
        !self.is_gram && self.text.chars().count() >= NEAR && self.text.chars().all(char::is_alphabetic)
    }

    /// Whether both words find the same products.
    #[must_use]
    pub fn finds_the_same(&self, other: &QueryWord) -> bool {
        self.text == other.text && self.may_be_prefix == other.may_be_prefix && self.compounds == other.compounds
    }
}

/// Parses a search text. Words beyond the maximum are ignored: a text without spaces can have several hundred.
pub fn read(text: &str, analyzer: &mut Analyzer) -> ParsedText {
    let mut all = words(text);
    // A space or a sign at the end completes the last word. Otherwise the last word may continue.
    let open = all.last().is_some_and(|word| word.span.end == text.len());
    let last = all.len().saturating_sub(1);
    all.truncate(query::MOST_WORDS);
    let says_something = all.iter().any(|word| word.is_name || !analyzer.is_stop_word(&word.text));
    let mut words: Vec<QueryWord> = Vec::with_capacity(all.len());
    for (at, (word, compounds)) in all.iter().zip(compounds::of_search(text, &all)).enumerate() {
        // The last word may be a stop word only so far, and continue to another word.
        if says_something && !word.is_name && analyzer.is_stop_word(&word.text) && !(at == last && open) {
            continue;
        }
        let stem = analyzer.stem(&word.text);
        let pair = all.get(at + 1).map(|next| text::pair(&stem, &analyzer.stem(&next.text)));
        let word = match &word.name {
            // Another name with the same letters is another thing.
            Some(name) if word.is_name => QueryWord {
                text: name.clone(),
                stem: name.clone(),
                compounds: Vec::new(),
                may_be_prefix: false,
                is_gram: false,
                span: word.span.clone(),
                pair,
            },
            _ => {
                let is_number = word.text.chars().count() >= PART_NUMBER && word.text.bytes().any(|byte| byte.is_ascii_digit());
                QueryWord {
                    may_be_prefix: (at == last && open) || is_number,
                    text: word.text.clone(),
                    is_gram: word.is_gram,
                    span: word.span.clone(),
                    compounds,
                    stem,
                    pair,
                }
            }
        };
        words.push(word);
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
    fn names_with_signs_are_searched_with_the_signs() {
        assert_eq!(words("C# or C++ in .NET"), ["c#", "c++", ".net"]);
        assert_eq!(words("asp.net"), ["asp", "net"]);
        assert_eq!(words("A+"), ["a+"], "it is not the stop word");
    }

    #[test]
    fn words_beyond_the_maximum_are_ignored() {
        let long: String = ('ก'..='ฮ').chain('ะ'..='ะ').collect();
        assert_eq!(words(&long).len(), query::MOST_WORDS);
        assert!(parsed(&long).words.iter().all(|word| !word.may_be_prefix && !word.may_be_misspelled()));
    }

    #[test]
    fn adjacent_words_may_be_a_compound() {
        let parsed = parsed("usb-c 200 mm");
        assert_eq!(parsed.words[0].compounds, ["usbc"]);
        assert_eq!(parsed.words[2].compounds, ["c200", "c200mm", "200mm"]);
        assert_eq!(parsed.words[2].pair.as_deref(), Some("200+mm"));
        assert_eq!(parsed.sku, "usbc200mm");
    }
}
