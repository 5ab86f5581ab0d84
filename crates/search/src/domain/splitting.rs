//! Splits text into words, in the same way for indexing, searching and highlighting.
//!
//! A word is a run of letters and digits, folded by [`fold`] and without apostrophes (`Café` is `cafe`, `men's` is `mens`). A
//! point between digits belongs to the word (`2.8`). An ideograph is a word. Texts in other scripts without spaces are split
//! into every two adjacent characters, so that a part of a text is found without a dictionary. Short names with signs (`C#`,
//! `C++`, `.NET`) are words with and without the signs.

use platform::folding::{fold, is_digit, is_invisible, is_mark};
use std::ops::Range;

/// Longer words are cut, so that terms have a bounded size.
const LONGEST: usize = 64;
/// The maximum number of letters before `#` and `+`, and after a point.
const LONGEST_BEFORE_SIGN: usize = 2;
const LONGEST_AFTER_POINT: usize = 4;
/// It separates words where scripts write no space.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// A word and its position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// The byte range in the original text.
    pub span: Range<usize>,
    /// The word with its sign, such as `c#` or `.net`.
    pub name: Option<String>,
    /// Whether a search for it means the name only. For the `.js` of `node.js` it does not.
    pub is_name: bool,
    /// Whether it is two adjacent characters of a text without spaces. These words overlap.
    pub is_gram: bool,
}

/// Returns the words of `text` in order.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = char_at(text, at) {
        let start = at;
        if belongs_to_previous(c) {
            at += c.len_utf8();
        } else if is_ideograph(c) {
            at = end_of_character(text, start, c);
            found.extend(normal(&text[start..at]).map(|text| Word { text, span: start..at, ..Word::default() }));
        } else if let Some(script) = unspaced_script(c) {
            let ends = ends_of_characters(text, start, script);
            at = ends.last().copied().unwrap_or(start + c.len_utf8());
            push_grams(text, start, &ends, &mut found);
        } else if c.is_alphanumeric() {
            at = end_of_run(text, start, c);
            if let Some(word) = normal(&text[start..at]) {
                let word = with_signs(text, Word { text: word, span: start..at, ..Word::default() });
                at = word.span.end;
                found.push(word);
            }
        } else {
            at += c.len_utf8();
        }
    }
    found
}

/// Returns the single characters of a gram. They are indexed, so that a search for one character finds it.
pub fn characters(gram: &str) -> impl Iterator<Item = String> {
    let script = gram.chars().next().and_then(unspaced_script);
    let ends = script.map_or_else(Vec::new, |script| ends_of_characters(gram, 0, script));
    let starts: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| normal(&gram[start..end]))
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

/// Returns the end of a run of letters and digits that begins with `first`.
fn end_of_run(text: &str, start: usize, first: char) -> usize {
    let (mut end, mut before) = (start + first.len_utf8(), first);
    while let Some(c) = char_at(text, end) {
        let after = || char_at(text, end + c.len_utf8());
        let inside = match c {
            '.' | '\u{2044}' | '٫' => is_digit(before) && after().is_some_and(is_digit),
            '\'' | '’' => before.is_alphabetic() && after().is_some_and(char::is_alphabetic),
            c if belongs_to_previous(c) => {
                end += c.len_utf8();
                continue;
            }
            c => c.is_alphanumeric() && !is_ideograph(c) && unspaced_script(c).is_none(),
        };
        if !inside {
            break;
        }
        before = c;
        end += c.len_utf8();
    }
    end
}

/// Returns the end of a character with its marks.
fn end_of_character(text: &str, start: usize, first: char) -> usize {
    let rest = &text[start + first.len_utf8()..];
    start + first.len_utf8() + rest.len() - rest.trim_start_matches(belongs_to_previous).len()
}

/// Returns the ends of all characters of the same script from `start` on.
fn ends_of_characters(text: &str, start: usize, script: u8) -> Vec<usize> {
    let (mut ends, mut at) = (Vec::new(), start);
    while let Some(c) = char_at(text, at).filter(|c| unspaced_script(*c) == Some(script)) {
        at = end_of_character(text, at, c);
        ends.push(at);
    }
    ends
}

fn push_grams(text: &str, start: usize, ends: &[usize], found: &mut Vec<Word>) {
    let starts = std::iter::once(start).chain(ends.iter().copied());
    // A text of one character is a word of one character.
    let seconds = if ends.len() > 1 { &ends[1..] } else { ends };
    for (from, to) in starts.zip(seconds) {
        found.extend(normal(&text[from..*to]).map(|word| Word { text: word, span: from..*to, is_gram: true, ..Word::default() }));
    }
}

/// Adds the sign before or after a short word.
fn with_signs(text: &str, mut word: Word) -> Word {
    let letters = word.text.chars().count();
    if !word.text.chars().all(char::is_alphabetic) || letters > LONGEST_AFTER_POINT {
        return word;
    }
    let (before, after) = (&text[..word.span.start], &text[word.span.end..]);
    let pluses = after.chars().take_while(|c| matches!(c, '+' | '＋')).count();
    let next = after.chars().nth(pluses);
    if letters <= LONGEST_BEFORE_SIGN && after.starts_with(['#', '＃', '♯']) {
        word.name = Some(format!("{}#", word.text));
        word.span.end += after.chars().next().map_or(0, char::len_utf8);
        word.is_name = true;
    } else if letters <= LONGEST_BEFORE_SIGN && (matches!(pluses, 2 | 3) || pluses == 1 && !next.is_some_and(char::is_alphanumeric)) {
        word.name = Some(format!("{}{}", word.text, "+".repeat(pluses)));
        word.span.end += after.chars().take(pluses).map(char::len_utf8).sum::<usize>();
        word.is_name = true;
    } else if letters >= 2
        && let Some(before) = before.strip_suffix('.').filter(|before| !before.ends_with('.'))
    {
        word.name = Some(format!(".{}", word.text));
        word.is_name = !before.ends_with(char::is_alphanumeric);
        word.span.start -= usize::from(word.is_name);
    }
    word
}

/// Returns the folded form of a run; `None` when nothing is left.
fn normal(run: &str) -> Option<String> {
    let mut word: String = if run.is_ascii() {
        run.chars().filter(|c| *c != '\'').map(|c| c.to_ascii_lowercase()).collect()
    } else {
        // Folding can turn one character into several, such as ⑴ into (1).
        let folded = fold(run);
        let signs = folded.chars().map(|c| if c == '٫' { '.' } else { c });
        let word = without_stray_points(signs.filter(|c| c.is_alphanumeric() || is_mark(*c) || is_point(*c)));
        // Marks that a removed sign kept apart have an order of their own.
        if word.len() == folded.len() { word } else { fold(&word) }
    };
    // The micro sign is folded to the Greek letter, but is used as a Latin one.
    if word.contains('μ') && !word.contains(|c: char| c != 'μ' && matches!(c, '\u{370}'..='\u{3ff}')) {
        word = word.replace('μ', "u");
    }
    // Folding sorts the marks of a character, and can leave them without it.
    word.drain(..word.len() - word.trim_start_matches(belongs_to_previous).len());
    if let Some((end, _)) = word.char_indices().nth(LONGEST) {
        word.truncate(end);
    }
    (!word.is_empty()).then_some(word)
}

/// The signs that may stand between digits: the decimal point and the bar of fractions such as ½.
fn is_point(c: char) -> bool {
    matches!(c, '.' | '\u{2044}')
}

/// Removes points that are not between digits.
fn without_stray_points(signs: impl Iterator<Item = char>) -> String {
    let signs: Vec<char> = signs.collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| signs.get(at)).is_some_and(char::is_ascii_digit);
    let stays = |at: usize| !is_point(signs[at]) || is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    (0..signs.len()).filter(|at| stays(*at)).map(|at| signs[at]).collect()
}

/// Whether the character never begins a word: a mark, or an invisible character.
fn belongs_to_previous(c: char) -> bool {
    // The sound marks of half-width kana are letters.
    matches!(c, '\u{ff9e}' | '\u{ff9f}') || c != ZERO_WIDTH_SPACE && (is_mark(c) || is_invisible(c))
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Returns a number for the script of the character if the script does not separate words by spaces.
fn unspaced_script(c: char) -> Option<u8> {
    let script = match c {
        '\0'..'\u{e00}' => return None,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' | '\u{1b000}'..='\u{1b16f}' => 0, // Kana
        '\u{e00}'..='\u{e7f}' => 1,                                                                                   // Thai
        '\u{e80}'..='\u{eff}' => 2,                                                                                   // Lao
        '\u{1000}'..='\u{109f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' => 3,                             // Burmese
        '\u{1780}'..='\u{17ff}' => 4,                                                                                 // Khmer
        '\u{1950}'..='\u{19df}' => 5,                                                                                 // Tai Le, Tai Lue
        '\u{1a20}'..='\u{1aaf}' => 6,                                                                                 // Tai Tham
        '\u{1b00}'..='\u{1b7f}' => 7,                                                                                 // Balinese
        '\u{a980}'..='\u{a9df}' => 8,                                                                                 // Javanese
        '\u{aa80}'..='\u{aadf}' => 9,                                                                                 // Tai Viet
        _ => return None,
    };
    (c.is_alphanumeric() && !is_digit(c)).then_some(script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
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
            ("μήλο 5μm", &["μηλο", "5um"]),
            ("ΔΙΣΚΟΣ Δίσκος", &["δισκοσ", "δισκοσ"]),
            ("İstanbul", &["istanbul"]),
            ("Schreib\u{ad}tisch", &["schreibtisch"]),
            ("שָׁלוֹם كِتَابٌ", &["שלום", "كتاب"]),
            ("हिन्दी किताब", &["हिन्दी", "किताब"]),
            ("١٢٫٥ ½", &["12.5", "1\u{2044}2"]),
            ("木の机 desk", &["木", "の", "机", "desk"]),
            ("テーブル5脚", &["テー", "ーブ", "ブル", "5", "脚"]),
            ("ﾃｰﾌﾞﾙ", &["テー", "ーブ", "ブル"]),
            ("โต๊ะ", &["โต๊", "ต๊ะ"]),
            ("ກະເປົາ x", &["ກະ", "ະເ", "ເປົ", "ປົາ", "x"]),
            ("\u{eb8}\u{10a39} ກ\u{eb8}\u{10a39}", &["ກ\u{10a39}\u{eb8}"]),
            ("\"un'balanced (", &["unbalanced"]),
            ("'' . -", &[]),
            ("2.8é é.1 ⒈", &["2.8e", "e", "1", "1"]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
        let spans: Vec<_> = words("dogs' 'bed").into_iter().map(|word| word.span).collect();
        assert_eq!(spans, [0..4, 7..10], "an apostrophe at an end is not part of the word");
        assert_eq!(characters("ต๊ะ").collect::<Vec<_>>(), ["ต๊", "ะ"]);
    }

    #[test]
    fn short_names_keep_their_signs() {
        let named = |text: &str| words(text).into_iter().map(|word| (word.text, word.name, word.is_name)).collect::<Vec<_>>();
        let name = |text: &str, name: &str, is_name| (text.to_owned(), Some(name.to_owned()), is_name);
        assert_eq!(named("C# ♯"), [name("c", "c#", true)]);
        assert_eq!(named("(F#) c＃"), [name("f", "f#", true), name("c", "c#", true)]);
        assert_eq!(named("C++17"), [name("c", "c++", true), ("17".to_owned(), None, false)]);
        assert_eq!(named("A+ A+++"), [name("a", "a+", true), name("a", "a+++", true)]);
        assert_eq!(named(".NET")[0], name("net", ".net", true));
        assert_eq!(named("ASP.NET")[1], name("net", ".net", false));
        for plain in ["usb+c", "end. Next", "...net", "hashtag#", "10+", "a++++", ".5", "f.a"] {
            assert!(words(plain).iter().all(|word| !word.is_name), "{plain}: {:?}", words(plain));
        }
        assert_eq!(words("a C++ b")[1].span, 2..5);
        assert_eq!(words("a .NET")[1].span, 2..6);
    }

    proptest! {
        #[test]
        fn words_of_any_text_are_in_order(text in any::<String>()) {
            let mut begin = 0;
            for word in words(&text) {
                prop_assert!(word.span.start >= begin && text.get(word.span.clone()).is_some());
                prop_assert!(!word.text.is_empty() && word.text.chars().count() <= LONGEST);
                begin = if word.is_gram { word.span.start } else { word.span.end };
            }
        }

        #[test]
        fn splitting_a_word_again_gives_the_same_word(text in "\\PC{0,40}") {
            for word in words(&text) {
                // A ligature makes a gram of more than two characters, which overlap when they are split again.
                let again = if word.is_gram { characters(&word.text).collect() } else { texts(&word.text).concat() };
                prop_assert_eq!(again, word.text);
            }
        }
    }
}
