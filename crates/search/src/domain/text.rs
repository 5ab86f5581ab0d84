//! Splits text into words, in the same way for indexing, searching and highlighting.
//!
//! A word is a run of letters and digits in lower case, without accents and apostrophes (`Café` is `cafe`, `men's` is `mens`).
//! A point between digits belongs to the word (`2.8`). In scripts without spaces each character is a word. Text with two
//! usual spellings also gives a compound: `USB-C` is also `usbc`, `200 mm` is also `200mm`.

use contracts::violation::{Violation, reject};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, ops::Range};
use tantivy::tokenizer::{AsciiFoldingFilter, Language as StemmerLanguage, RawTokenizer, Stemmer, TextAnalyzer};

/// Longer words are cut, so that terms have a bounded size.
const LONGEST: usize = 64;
/// The maximum length of a compound.
const LONGEST_COMPOUND: usize = 24;
/// Prefixes up to this length are indexed. Longer ones are looked up in the index's dictionary.
pub const LONGEST_PREFIX: usize = 5;

/// Units. A number before one of them makes a measure.
const UNITS: &[&str] = &[
    "mm", "cm", "m", "km", "in", "inch", "ft", "g", "kg", "mg", "lb", "oz", "ml", "l", "v", "mv", "kv", "a", "ma", "ua", "ah", "mah", "w",
    "mw", "kw", "wh", "kwh", "hz", "khz", "mhz", "ghz", "b", "kb", "mb", "gb", "tb", "bit", "ohm", "kohm", "mohm", "f", "pf", "nf", "uf",
    "h", "nh", "uh", "mh", "mp", "px", "dpi", "db", "lm", "pin", "pins", "x",
];

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

/// A word and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// The byte range in the original text.
    pub span: Range<usize>,
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
}

/// Splits text of one language. It has buffers, so each thread has its own.
#[derive(Clone)]
pub struct Analyzer {
    folding: TextAnalyzer,
    stemming: Option<TextAnalyzer>,
    little: &'static [&'static str],
}

impl Analyzer {
    #[must_use]
    pub fn new(language: Language) -> Analyzer {
        Analyzer {
            folding: TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter).build(),
            stemming: language
                .0
                .map(|at| LANGUAGES[at].1)
                .map(|language| TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(language)).build()),
            little: STOP_WORDS.iter().find(|(name, _)| *name == language.name()).map_or(&[], |(_, words)| words),
        }
    }

    /// Returns the words of `text` in order.
    pub fn words(&mut self, text: &str) -> Vec<Word> {
        spans(text).into_iter().filter_map(|span| Some(Word { text: self.normal(&text[span.clone()])?, span })).collect()
    }

    /// Normalizes a run of letters and digits; `None` when nothing is left.
    fn normal(&mut self, run: &str) -> Option<String> {
        let mut word: String = if run.is_ascii() {
            run.chars().filter(|c| *c != '\'').map(|c| c.to_ascii_lowercase()).collect()
        } else {
            let plain: String = run.chars().filter(|c| !is_dropped(*c)).flat_map(char::to_lowercase).map(plain_sign).collect();
            // Lower case can add a combining mark (the Turkish İ), and folding can turn one character into several (⑴ into (1)).
            let folded = first_token(&mut self.folding, &plain);
            let signs = folded.chars().flat_map(char::to_lowercase);
            without_stray_points(signs.filter(|c| (c.is_alphanumeric() || *c == '.') && !is_dropped(*c)))
        };
        if let Some((end, _)) = word.char_indices().nth(LONGEST) {
            word.truncate(end);
        }
        (!word.is_empty()).then_some(word)
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
    pub fn terms(&mut self, text: &str) -> Terms {
        let words = self.words(text);
        let mut terms = Terms { count: words.len(), ..Terms::default() };
        let stems: Vec<String> = words.iter().map(|word| self.stem(&word.text)).collect();
        terms.pairs = stems.windows(2).map(|two| pair(&two[0], &two[1])).collect();
        terms.stems = stems;
        for two in words.windows(2) {
            let between = &text[two[0].span.end..two[1].span.start];
            let belongs = matches!(between, "-" | "/" | "\u{2010}" | "\u{2011}")
                || (matches!(between, " " | "\u{a0}" | "\u{202f}") && is_measure(&two[0].text, &two[1].text));
            if belongs {
                terms.words.extend(compound(&two[0].text, &two[1].text));
            }
        }
        terms.words.extend(words.into_iter().map(|word| word.text));
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

/// Joins two words to one, unless the result is too long.
#[must_use]
pub fn compound(first: &str, second: &str) -> Option<String> {
    (first.len() + second.len() <= LONGEST_COMPOUND).then(|| format!("{first}{second}"))
}

/// Whether the words are a number and a unit.
fn is_measure(number: &str, unit: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && UNITS.contains(&unit)
}

/// Returns the proper prefixes of a word that are indexed.
fn prefixes(word: &str) -> impl Iterator<Item = &str> {
    word.char_indices().map(|(at, _)| at).skip(1).take(LONGEST_PREFIX).map(|end| &word[..end])
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

/// Combining marks, and apostrophes inside words.
fn is_dropped(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\'' | '’')
}

/// Removes points that are not between digits.
fn without_stray_points(signs: impl Iterator<Item = char>) -> String {
    let signs: Vec<char> = signs.collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| signs.get(at)).is_some_and(char::is_ascii_digit);
    let stays = |at: usize| signs[at] != '.' || is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    (0..signs.len()).filter(|at| stays(*at)).map(|at| signs[at]).collect()
}

/// Maps symbols that are used as letters.
fn plain_sign(c: char) -> char {
    match c {
        'µ' | 'μ' => 'u',
        other => other,
    }
}

/// Whether the character belongs to a script that does not separate words by spaces.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Returns the byte ranges of the words of `text`.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin: Option<usize> = None;
    let mut before = ' ';
    let mut signs = text.char_indices().peekable();
    while let Some((at, c)) = signs.next() {
        let after = signs.peek().map_or(' ', |(_, next)| *next);
        let inside = match c {
            '.' => before.is_ascii_digit() && after.is_ascii_digit(),
            '\'' | '’' => before.is_alphabetic() && after.is_alphabetic(),
            '\u{300}'..='\u{36f}' => begin.is_some(),
            c => c.is_alphanumeric(),
        };
        let alone = stands_alone(c);
        if (!inside || alone)
            && let Some(from) = begin.take()
        {
            found.push(from..at);
        }
        if alone {
            found.push(at..at + c.len_utf8());
        } else if inside {
            begin.get_or_insert(at);
        }
        before = c;
    }
    found.extend(begin.map(|from| from..text.len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        Analyzer::new(Language::ENGLISH).words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn text_is_split_into_words() {
        for (text, expected) in [
            ("Oak chair, 45×50 cm", &["oak", "chair", "45", "50", "cm"][..]),
            ("Café crème", &["cafe", "creme"]),
            ("Cafe\u{301}", &["cafe"]),
            ("men's Men’s", &["mens", "mens"]),
            ("f/2.8 3.5-6.3 end.", &["f", "2.8", "3.5", "6.3", "end"]),
            ("100µF I²C Straße", &["100uf", "i2c", "strasse"]),
            ("İstanbul", &["istanbul"]),
            ("木の机 desk", &["木", "の", "机", "desk"]),
            ("\"un'balanced (", &["unbalanced"]),
            ("'' . -", &[]),
            ("2.8é é.1 ⒈", &["2.8e", "e", "1", "1"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        let spans: Vec<_> = Analyzer::new(Language::ENGLISH).words("dogs' 'bed").into_iter().map(|word| word.span).collect();
        assert_eq!(spans, [0..4, 7..10], "an apostrophe at an end is not part of the word");
    }

    #[test]
    fn compounds_and_measures_have_their_limits() {
        let word = "x".repeat(LONGEST_COMPOUND);
        assert_eq!(compound(&word[1..], "y"), Some(format!("{}y", &word[1..])));
        assert_eq!(compound(&word, "y"), None);
        for (number, unit, expected) in [("200", "mm", true), ("2.8", "v", true), ("200", "trees", false), ("x2", "mm", false)] {
            assert_eq!(is_measure(number, unit), expected, "{number} {unit}");
        }
        assert_eq!(prefixes("chairs").collect::<Vec<_>>(), ["c", "ch", "cha", "chai", "chair"]);
        assert_eq!(prefixes("tea").collect::<Vec<_>>(), ["t", "te"]);
        assert_eq!((bare_sku("Ab-12 ü"), trigrams("abcd").collect::<Vec<_>>()), ("ab12".to_owned(), vec!["abc", "bcd"]));
        assert_eq!((trigrams("abc").count(), trigrams("ab").count()), (1, 0));
    }

    #[test]
    fn compounds_are_also_one_word() {
        let terms = Analyzer::new(Language::ENGLISH).terms("USB-C cable 200 mm f/2.8 DIP-8, 5 trees");
        for word in ["usb", "c", "usbc", "200", "mm", "200mm", "f2.8", "dip8", "cable"] {
            assert!(terms.words.contains(&word.to_owned()), "{word} is missing in {:?}", terms.words);
        }
        assert!(!terms.words.contains(&"5trees".to_owned()) && !terms.words.contains(&"ccable".to_owned()));
        assert!(terms.pairs.contains(&"usb+c".to_owned()) && terms.pairs.contains(&"5+tree".to_owned()));
        assert!(terms.prefixes.contains(&"cabl".to_owned()) && !terms.prefixes.contains(&"cable".to_owned()));
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
        fn words_of_any_text_are_in_order(text in any::<String>()) {
            let mut analyzer = Analyzer::new(Language::ENGLISH);
            let mut end = 0;
            for word in analyzer.words(&text) {
                prop_assert!(word.span.start >= end && text.get(word.span.clone()).is_some());
                prop_assert!(!word.text.is_empty() && word.text.chars().count() <= LONGEST);
                end = word.span.end;
            }
            analyzer.terms(&text);
        }

        #[test]
        fn splitting_a_word_again_gives_the_same_word(text in "\\PC{0,40}") {
            let mut analyzer = Analyzer::new(Language::ENGLISH);
            for word in analyzer.words(&text) {
                let again: Vec<_> = analyzer.words(&word.text).into_iter().map(|word| word.text).collect();
                prop_assert_eq!(again.concat(), word.text);
            }
        }
    }
}
