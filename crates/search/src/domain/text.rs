//! Turns text into the terms of the index: words, compounds, stems, prefixes and pairs.

use super::{
    compounds::{self, Density},
    splitting::{self, words},
};
use contracts::violation::{Violation, reject};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use tantivy::tokenizer::{Language as StemmerLanguage, RawTokenizer, Stemmer, TextAnalyzer};

/// Prefixes up to this length are indexed. Longer ones are looked up in the index's dictionary.
pub const LONGEST_PREFIX: usize = 5;

/// Longer prefixes of titles are indexed only for the whole word.
const LONGEST_BEGINNING: usize = 12;

/// Words without a meaning of their own. A search ignores them if it has other words.
const STOP_WORDS: &[(&str, &[&str])] = &[
    ("english", &["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"]),
    ("german", &["am", "an", "auf", "aus", "das", "der", "die", "ein", "eine", "für", "fur", "im", "in", "mit", "und", "von", "zu"]),
    ("french", &["a", "au", "aux", "avec", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "pour", "un", "une"]),
    ("spanish", &["a", "con", "de", "del", "el", "en", "la", "las", "los", "para", "por", "un", "una", "y"]),
    ("italian", &["a", "con", "da", "del", "della", "di", "e", "il", "in", "la", "le", "per", "un", "una"]),
    ("dutch", &["aan", "de", "een", "en", "het", "in", "met", "of", "op", "van", "voor"]),
    ("portuguese", &["a", "com", "da", "de", "do", "e", "em", "o", "os", "para", "um", "uma"]),
];

const LANGUAGES: &[(&str, StemmerLanguage)] = &[
    ("arabic", StemmerLanguage::Arabic),
    ("danish", StemmerLanguage::Danish),
    ("dutch", StemmerLanguage::Dutch),
    ("english", StemmerLanguage::English),
    ("finnish", StemmerLanguage::Finnish),
    ("french", StemmerLanguage::French),
    ("german", StemmerLanguage::German),
    ("greek", StemmerLanguage::Greek),
    ("hungarian", StemmerLanguage::Hungarian),
    ("italian", StemmerLanguage::Italian),
    ("norwegian", StemmerLanguage::Norwegian),
    ("portuguese", StemmerLanguage::Portuguese),
    ("romanian", StemmerLanguage::Romanian),
    ("russian", StemmerLanguage::Russian),
    ("spanish", StemmerLanguage::Spanish),
    ("swedish", StemmerLanguage::Swedish),
    ("tamil", StemmerLanguage::Tamil),
    ("turkish", StemmerLanguage::Turkish),
];

/// The language of stemming, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(Option<usize>);

impl Language {
    pub const ENGLISH: Language = Language(Some(3));

    /// # Errors
    /// `UNKNOWN_VALUE` with the list of languages.
    pub fn parse(name: &str) -> Result<Language, Violation> {
        if name == "none" {
            return Ok(Language(None));
        }
        let at = LANGUAGES.iter().position(|(language, _)| *language == name);
        at.map(|at| Language(Some(at))).ok_or_else(|| {
            let names: Vec<_> = LANGUAGES.iter().map(|(language, _)| *language).collect();
            Violation::new("UNKNOWN_VALUE", format!("must be none or one of {}", names.join(" ")))
        })
    }

    /// Returns the name as it is written in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.map_or("none", |at| LANGUAGES[at].0)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Language {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Language".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = LANGUAGES.iter().map(|(name, _)| *name).chain(["none"]).collect();
        json_schema!({"type": "string", "enum": names})
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Language::parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(reject)
    }
}

/// All terms by which a text is found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The words and compounds, without duplicates.
    pub words: Vec<String>,
    /// The stems of the words, without duplicates.
    pub stems: Vec<String>,
    /// The proper prefixes of the words, of 1 to [`LONGEST_PREFIX`] letters.
    pub prefixes: Vec<String>,
    /// The pairs of adjacent stems.
    pub pairs: Vec<String>,
    /// The number of words, including repetitions.
    pub count: usize,
    /// The first word; empty when there is none.
    pub first: String,
}

/// Analyzes text of one language. It has buffers, so each thread has its own.
#[derive(Clone)]
pub struct Analyzer {
    stemming: Option<TextAnalyzer>,
    little: &'static [&'static str],
}

impl Analyzer {
    #[must_use]
    pub fn new(language: Language) -> Analyzer {
        Analyzer {
            stemming: language
                .0
                .map(|at| LANGUAGES[at].1)
                .map(|language| TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(language)).build()),
            little: STOP_WORDS.iter().find(|(name, _)| *name == language.name()).map_or(&[], |(_, words)| words),
        }
    }

    /// Returns the stem of a word; without a language the word itself.
    pub fn stem(&mut self, word: &str) -> String {
        match &mut self.stemming {
            // Numbers and part numbers are not stemmed.
            Some(stemming) if !word.bytes().any(|byte| byte.is_ascii_digit()) => first_token(stemming, word),
            _ => word.to_owned(),
        }
    }

    /// Whether the word has no meaning of its own.
    #[must_use]
    pub fn is_stop_word(&self, word: &str) -> bool {
        self.little.contains(&word)
    }

    /// Returns all terms by which `text` is found.
    pub fn terms(&mut self, text: &str, density: Density) -> Terms {
        let words = words(text);
        let mut terms =
            Terms { count: words.len(), first: words.first().map(|word| word.text.clone()).unwrap_or_default(), ..Terms::default() };
        let stems: Vec<String> = words.iter().map(|word| self.stem(&word.text)).collect();
        terms.pairs = stems.windows(2).map(|two| pair(&two[0], &two[1])).collect();
        terms.stems = stems;
        terms.words = compounds::of_text(text, &words, density, |word| self.is_stop_word(word));
        for word in words {
            if word.is_gram {
                terms.words.extend(splitting::characters(&text[word.span.clone()]));
            }
            terms.words.extend(word.name);
            terms.words.push(word.text);
        }
        for list in [&mut terms.words, &mut terms.stems, &mut terms.pairs] {
            list.sort_unstable();
            list.dedup();
        }
        terms.prefixes = terms.words.iter().flat_map(|word| prefixes(word)).map(str::to_owned).collect();
        terms.prefixes.sort_unstable();
        terms.prefixes.dedup();
        terms
    }
}

/// Joins two adjacent words to one term. No word contains the `+` between them.
#[must_use]
pub fn pair(first: &str, second: &str) -> String {
    format!("{first}+{second}")
}

/// Returns the proper prefixes of a word that are indexed.
fn prefixes(word: &str) -> impl Iterator<Item = &str> {
    word.char_indices().map(|(at, _)| at).skip(1).take(LONGEST_PREFIX).map(|end| &word[..end])
}

/// Returns the term by which a title is found that begins with `first`. No word contains the `^`.
#[must_use]
pub fn title_beginning(first: &str) -> String {
    format!("^{first}")
}

/// Returns the terms of all prefixes of a title's first word.
pub fn title_prefixes(first: &str) -> impl Iterator<Item = String> {
    let ends = first.char_indices().map(|(at, _)| at).skip(1).take(LONGEST_BEGINNING).chain([first.len()]);
    ends.filter(|end| *end > 0).map(|end| title_beginning(&first[..end]))
}

/// Returns a SKU, or a part of one, without hyphens in lower case.
#[must_use]
pub fn bare_sku(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns every three adjacent characters of `bare`.
pub fn trigrams(bare: &str) -> impl Iterator<Item = &str> {
    (0..bare.len().saturating_sub(2)).map(|at| &bare[at..at + 3])
}

fn first_token(analyzer: &mut TextAnalyzer, word: &str) -> String {
    let mut stream = analyzer.token_stream(word);
    if stream.advance() { std::mem::take(&mut stream.token_mut().text) } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_and_trigrams_are_parts_of_a_word() {
        assert_eq!(prefixes("chairs").collect::<Vec<_>>(), ["c", "ch", "cha", "chai", "chair"]);
        assert_eq!(title_prefixes("tea").collect::<Vec<_>>(), ["^t", "^te", "^tea"]);
        assert_eq!(title_prefixes("").count(), 0);
        assert_eq!(prefixes("tea").collect::<Vec<_>>(), ["t", "te"]);
        assert_eq!((bare_sku("Ab-12 ü"), trigrams("abcd").collect::<Vec<_>>()), ("ab12".to_owned(), vec!["abc", "bcd"]));
        assert_eq!((trigrams("abc").count(), trigrams("ab").count()), (1, 0));
    }

    #[test]
    fn compounds_are_also_one_word() {
        let terms = Analyzer::new(Language::ENGLISH).terms("USB-C cable 200 mm f/2.8 DIP-8, 5 trees", Density::Sparse);
        for word in ["usb", "c", "usbc", "200", "mm", "200mm", "f2.8", "dip8", "cable"] {
            assert!(terms.words.contains(&word.to_owned()), "{word} is missing in {:?}", terms.words);
        }
        assert!(!terms.words.contains(&"5trees".to_owned()) && !terms.words.contains(&"ccable".to_owned()));
        assert!(terms.pairs.contains(&"usb+c".to_owned()) && terms.pairs.contains(&"5+tree".to_owned()));
        assert!(terms.prefixes.contains(&"tree".to_owned()) && !terms.prefixes.contains(&"trees".to_owned()));
        assert_eq!(terms.count, 11);
    }

    #[test]
    fn forms_of_a_word_have_the_same_stem() {
        let mut english = Analyzer::new(Language::ENGLISH);
        assert_eq!(english.stem("chairs"), english.stem("chair"));
        assert_eq!(english.stem("stm32s"), "stm32s");
        let mut german = Analyzer::new(Language::parse("german").unwrap());
        assert_eq!(german.stem("stuhle"), german.stem("stuhlen"));
        let mut none = Analyzer::new(Language::parse("none").unwrap());
        assert_eq!(none.stem("chairs"), "chairs");
        assert!(english.is_stop_word("for") && !none.is_stop_word("for") && german.is_stop_word("mit"));
        assert!(Language::parse("klingon").unwrap_err().detail.contains("english"));
        assert_eq!(Language::ENGLISH.name(), "english");
    }

    proptest! {
        #[test]
        fn any_text_has_terms(text in any::<String>()) {
            Analyzer::new(Language::ENGLISH).terms(&text, Density::Full);
        }
    }

    #[test]
    fn a_text_without_spaces_has_terms_for_each_character_and_each_two() {
        let terms = Analyzer::new(Language::ENGLISH).terms("テーブル C# ASP.NET", Density::Full);
        for term in ["テ", "ー", "ブ", "ル", "テー", "ーブ", "ブル", "c", "c#", "net", ".net", "aspnet"] {
            assert!(terms.words.contains(&term.to_owned()), "{term} is missing in {:?}", terms.words);
        }
        assert_eq!(terms.first, "テー");
    }
}
