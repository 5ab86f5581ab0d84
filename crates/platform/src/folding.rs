//! Folds text, so that spellings that people take for the same word become equal. It is for search only: folding loses
//! differences, so a folded text never replaces the original and is never an identity.

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

/// Returns `text` without case, most accents and vowel marks, in compatibility forms (NFKC) and with ASCII digits.
///
/// Case folding is full: `Straße` is `strasse`, `ΔΙΣΚΟΣ` and `Δίσκος` are `δισκοσ`. Accents of Latin, Greek and Cyrillic
/// letters, Hebrew points and Arabic vowel signs are dropped. Marks of other scripts stay, because they are vowels or parts of
/// letters. Invisible characters are dropped. Folding a folded text changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded: Vec<char> = Vec::with_capacity(text.len());
    for c in DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars()) {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else if !is_dropped(c, folded.last().copied()) {
            folded.extend(case_folded(c).flat_map(plain_letters));
        }
    }
    ComposingNormalizerBorrowed::new_nfc().normalize_iter(folded.into_iter()).collect()
}

/// Returns `text` in one case and in composed form (NFC). Accents stay.
#[must_use]
pub fn fold_case(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize_iter(text.chars().flat_map(case_folded)).collect()
}

/// Returns the lower case of a character. The way over upper case makes one of two lower-case forms (σ and ς) and `ss` of ß.
fn case_folded(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

/// Whether the character is a combining mark.
#[must_use]
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// Whether the character is invisible in usual text, such as a soft hyphen or a variation selector.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether the character is a decimal digit of any script.
#[must_use]
pub fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || !c.is_ascii() && CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::DecimalNumber
}

/// Whether a character of decomposed text is dropped; `before` is the last one that was not.
fn is_dropped(c: char, before: Option<char>) -> bool {
    match c {
        // With the breve, и and у are other letters (й and ў).
        '\u{306}' => !matches!(before, Some('и' | 'у')),
        // The tatweel only widens a word.
        '\u{640}' => true,
        // Latin, Greek, Cyrillic, Hebrew, Arabic and Syriac marks, and those of no script.
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5c7}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6ed}'
        | '\u{711}'
        | '\u{730}'..='\u{74a}'
        | '\u{8ca}'..='\u{8ff}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => is_mark(c),
        c => is_invisible(c),
    }
}

/// Replaces letters and digits that have no decomposition but are written for each other.
fn plain_letters(c: char) -> impl Iterator<Item = char> {
    let mut pair = None;
    let first = match c {
        'æ' => {
            pair = Some('e');
            'a'
        }
        'œ' => {
            pair = Some('e');
            'o'
        }
        'þ' => {
            pair = Some('h');
            't'
        }
        'ø' => 'o',
        'ł' => 'l',
        'đ' | 'ð' => 'd',
        'ħ' => 'h',
        'ŧ' => 't',
        'ŋ' => 'n',
        'ƒ' => 'f',
        'ı' => 'i',
        // Forms of alef, yeh, heh and kaf.
        'ٱ' => 'ا',
        'ى' | 'ی' => 'ي',
        'ة' | 'ہ' | 'ە' | 'ھ' => 'ه',
        'ک' => 'ك',
        c if is_digit(c) => ascii_digit(c),
        c => c,
    };
    std::iter::once(first).chain(pair)
}

/// Returns the ASCII form of a decimal digit. Unicode encodes the digits of a script in order, ten in a row.
fn ascii_digit(c: char) -> char {
    let before = (1..=9).take_while(|back| u32::from(c).checked_sub(*back).and_then(char::from_u32).is_some_and(is_digit)).count();
    char::from_digit(u32::try_from(before).unwrap_or_default(), 10).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_word_are_folded_to_one() {
        for (folded, spellings) in [
            ("δισκοσ", &["ΔΙΣΚΟΣ", "Δίσκος", "δισκος", "ΔΊΣΚΟΣ", "Δι\u{301}σκος"][..]),
            ("strasse", &["Straße", "STRASSE", "STRAẞE", "Stra\u{ad}ße", "ſtrasse"]),
            ("muller", &["Müller", "MU\u{308}LLER", "ｍüller"]),
            ("istanbul", &["İstanbul", "ISTANBUL", "ıstanbul"]),
            ("smorrebrod aeble", &["Smørrebrød Æble", "SMØRREBRØD ÆBLE"]),
            ("שלום", &["שָׁלוֹם", "שלום", "שׁ\u{5b8}לום"]),
            ("كتاب", &["كِتَابٌ", "كـــتاب", "کتاب"]),
            ("احمد", &["أحمد", "احمد", "ٱحمد"]),
            ("елка", &["Ёлка", "ёлка", "ЕЛКА"]),
            ("йогурт", &["Йогурт", "и\u{306}огурт", "ЙОГУРТ"]),
            ("10000", &["١٠٠٠٠", "۱۰۰۰۰", "१००००", "๑๐๐๐๐", "１００００", "𝟏𝟎𝟎𝟎𝟎"]),
            ("ガス", &["ｶﾞｽ", "カ\u{3099}ス", "ガス"]),
            ("한국", &["한국", "\u{1112}\u{1161}\u{11ab}국"]),
            ("हिन्दी", &["हिन्दी", "हि\u{200d}न्दी"]),
            ("office", &["oﬃce", "OFFICE", "off\u{200b}ice"]),
        ] {
            for spelling in spellings {
                assert_eq!(fold(spelling), folded, "{spelling}");
            }
        }
    }

    #[test]
    fn letters_that_only_look_alike_stay_apart() {
        for (one, other) in [("йод", "иод"), ("カス", "ガス"), ("ที่", "ทู่"), ("कि", "की"), ("résumé", "result"), ("شمس", "سمس")]
        {
            assert_ne!(fold(one), fold(other));
        }
        assert_eq!((fold_case("CAFÉ"), fold_case("Cafe\u{301}")), ("café".into(), "café".into()));
        assert_ne!(fold_case("café"), fold_case("cafe"));
        assert_eq!(fold_case("STRASSE"), fold_case("Straße"));
    }

    proptest! {
        #[test]
        fn folding_again_changes_nothing(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
            let case = fold_case(&text);
            prop_assert_eq!(fold_case(&case), case);
        }
    }
}
