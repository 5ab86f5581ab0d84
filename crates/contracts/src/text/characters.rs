//! Which code points text may hold, and the one spelling of a text.
//!
//! Characters that nobody sees make two texts look alike, reorder what a reader sees, or hide a part of it. They are
//! refused wherever people write: controls, everything that Unicode calls default ignorable (soft hyphens, variation
//! selectors, fillers, tags, zero-width and bidirectional characters), private use and noncharacters. The exceptions are
//! those that scripts and emoji need at their place: U+200C and U+200D by the contextual rules of RFC 5892, appendix A, or
//! within a sequence of emoji, and the two selectors of an emoji's appearance behind an emoji.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{CanonicalCombiningClass, EmojiModifier, ExtendedPictographic, JoiningType},
};
use std::borrow::Cow;

const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';

/// Whether a character is refused wherever it stands, in display text.
#[must_use]
pub fn is_forbidden(character: char) -> bool {
    is_invisible(character) && !matches!(character, NON_JOINER | JOINER | '\u{FE0E}' | '\u{FE0F}' | '\u{180B}'..='\u{180F}')
}

/// Whether a character has no appearance of its own, changes that of others, or has none that is agreed upon.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Default_Ignorable_Code_Point of DerivedCoreProperties.txt; the set is stable but for reserved code points in it.
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
            // Line and paragraph separators, a blank pattern of Braille, annotations, the placeholder of an object.
            | '\u{2028}'..='\u{2029}' | '\u{2800}' | '\u{FFF9}'..='\u{FFFC}'
            // Private use and noncharacters.
            | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' | '\u{FDD0}'..='\u{FDEF}')
        || u32::from(character) & 0xFFFE == 0xFFFE
}

/// Returns the first character of a display text that is refused at its place.
#[must_use]
pub fn find_forbidden(text: &str) -> Option<char> {
    if text.is_ascii() {
        return text.chars().find(|c| c.is_control());
    }
    let characters: Vec<char> = text.chars().collect();
    let refused = |at: &usize| is_invisible(characters[*at]) && !is_needed(&characters, *at);
    (0..characters.len()).find(refused).map(|at| characters[at])
}

/// Whether the script or the emoji around an invisible character needs it.
fn is_needed(text: &[char], at: usize) -> bool {
    let (before, after) = (text[..at].last().copied(), text.get(at + 1).copied());
    match text[at] {
        NON_JOINER => follows_virama(before) || is_between_joining_letters(text, at),
        JOINER => {
            follows_virama(before)
                || after.is_some_and(is_virama)
                || is_between_joining_letters(text, at)
                || (after.is_some_and(is_pictograph) && is_emoji_end(text, at))
        }
        '\u{FE0F}' if after == Some('\u{20E3}') => before.is_some_and(|c| c.is_ascii_digit() || matches!(c, '#' | '*')),
        '\u{FE0E}' | '\u{FE0F}' => before.is_some_and(is_pictograph),
        // Selectors of Mongolian letters.
        '\u{180B}'..='\u{180F}' => before.is_some_and(|c| matches!(c, '\u{1820}'..='\u{18AA}')),
        _ => false,
    }
}

fn follows_virama(before: Option<char>) -> bool {
    before.is_some_and(is_virama)
}

fn is_virama(character: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(character) == CanonicalCombiningClass::Virama
}

/// Whether the letters on both sides join across this place (RFC 5892, A.1). Marks between them do not count.
fn is_between_joining_letters(text: &[char], at: usize) -> bool {
    let kind = |c: &char| CodePointMapData::<JoiningType>::new().get(*c);
    let visible = |c: &&char| !matches!(**c, NON_JOINER | JOINER) && kind(c) != JoiningType::Transparent;
    let before = if text[..at].ends_with(&[text[at]]) { None } else { text[..at].iter().rev().find(visible) };
    let after = text[at + 1..].iter().find(visible);
    before.is_some_and(|c| matches!(kind(c), JoiningType::LeftJoining | JoiningType::DualJoining))
        && after.is_some_and(|c| matches!(kind(c), JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Whether an emoji ends at `end`: a pictograph, with a selector or a skin tone behind it.
fn is_emoji_end(text: &[char], end: usize) -> bool {
    let is_modifier = |c: char| c == '\u{FE0F}' || CodePointSetData::new::<EmojiModifier>().contains(c);
    match text[..end] {
        [.., base, modifier] if is_modifier(modifier) => is_pictograph(base),
        [.., base] => is_pictograph(base),
        [] => false,
    }
}

fn is_pictograph(character: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(character)
}

/// Returns the text in Normalization Form C, in which letters with marks have one spelling.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// Returns the text in Normalization Form KC, in which compatible characters (full-width letters, ligatures) are one, too.
#[must_use]
pub fn nfkc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfkc().normalize(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_refused_in_words() {
        for invisible in [
            '\u{0}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2060}',
            '\u{2066}',
            '\u{206a}',
            '\u{2800}',
            '\u{3164}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{fe00}',
            '\u{fe0e}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{fffb}',
            '\u{fffc}',
            '\u{ffff}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{1fffe}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{f0000}',
            '\u{10ffff}',
        ] {
            for text in [format!("bo{invisible}ss"), format!("{invisible}boss"), format!("boss{invisible}"), format!("4{invisible}")] {
                assert_eq!(find_forbidden(&text), Some(invisible), "{invisible:?} in {text:?}");
            }
        }
    }

    #[test]
    fn scripts_and_emoji_keep_what_they_need() {
        for text in [
            "می\u{200c}خواهم", // Persian: a non-joiner between joining letters
            "نامه\u{200c}ای",
            "क\u{94d}\u{200d}ष",  // Devanagari: a joiner behind a virama
            "ශ\u{dca}\u{200d}රී",  // Sinhala
            "ന\u{d4d}\u{200d}",   // Malayalam: at the end of a word
            "র\u{200d}\u{9cd}যাব", // Bengali: before a virama
            "👩\u{200d}👩\u{200d}👧 family",
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥 soap",
            "🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3}",
            "✈\u{fe0e}",
            "ᠰᠠ\u{180b}",
            "Zoë",
            "محمد",
            "李雷",
            "שָׁלוֹם",
        ] {
            assert_eq!(find_forbidden(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_a_script_or_an_emoji_needs_is_refused_elsewhere() {
        for text in [
            "a\u{200d}b",
            "م\u{200c}",
            "\u{200c}م",
            "م\u{200c}\u{200c}م",
            "a\u{200c}م",
            "د\u{200c}م",
            "👩\u{200d}",
            "👩\u{200d}a",
            "a\u{200d}👩",
            "👩\u{200d}\u{200d}👧",
            "1\u{fe0f}",
            "a\u{fe0f}\u{20e3}",
            "👩\u{fe0f}\u{fe0f}",
            "李\u{fe00}",
            "🏴\u{e0067}\u{e007f}",
        ] {
            assert!(find_forbidden(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn each_text_has_one_spelling() {
        assert_eq!(nfc("jose\u{301}"), "jos\u{e9}");
        assert_eq!(nfc("ﬁ"), "ﬁ");
        assert_eq!(nfkc("ﬁ Ｐ1 e\u{301}"), "fi P1 \u{e9}");
    }
}
