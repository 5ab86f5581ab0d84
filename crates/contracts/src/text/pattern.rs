//! The patterns of text types in JSON Schema, so that the API description is as strict as the parser.
//!
//! They use what ECMAScript and Python have in common: no classes of Unicode, and characters beyond U+FFFF as they are.

use super::characters::is_forbidden;
use std::{fmt::Write, sync::LazyLock};

/// The ranges of the characters that [`is_forbidden`] refuses. Noncharacters at the end of a plane are left out.
fn ranges() -> Vec<(char, char)> {
    let mut ranges: Vec<(char, char)> = Vec::new();
    for character in (char::MIN..=char::MAX).filter(|c| is_forbidden(*c)) {
        match ranges.last_mut() {
            Some((_, last)) if u32::from(*last) + 1 == u32::from(character) => *last = character,
            _ => ranges.push((character, character)),
        }
    }
    ranges.retain(|(first, last)| *first <= '\u{FFFF}' || u32::from(*last) - u32::from(*first) > 1);
    ranges
}

/// [`ranges`] as the inside of a class, for lines.
static FORBIDDEN: LazyLock<String> = LazyLock::new(|| class(&ranges()));

fn class(ranges: &[(char, char)]) -> String {
    let mut class = String::new();
    for (first, last) in ranges {
        write_character(&mut class, *first);
        if first < last {
            class.push('-');
            write_character(&mut class, *last);
        }
    }
    class
}

fn write_character(class: &mut String, character: char) {
    match character {
        ..='\u{FFFF}' => write!(class, "\\u{:04X}", u32::from(character)).expect("writing to a string cannot fail"),
        _ => class.push(character),
    }
}

/// One line that is not blank.
pub(super) fn line() -> String {
    let forbidden = &*FORBIDDEN;
    format!("^[^{forbidden}]*[^\\s{forbidden}][^{forbidden}]*$")
}

/// One line, which may be blank.
pub(crate) fn optional_line() -> String {
    format!("^[^{}]*$", *FORBIDDEN)
}

/// A secret: no control characters.
pub(crate) fn secret() -> String {
    r"^[^\u0000-\u001F\u007F-\u009F]*$".to_owned()
}

/// Several lines.
pub(super) fn lines() -> String {
    LINES.clone()
}

static LINES: LazyLock<String> = LazyLock::new(|| format!("^[^{}]*$", *FORBIDDEN_IN_LINES));

/// Several lines that are not all blank.
pub(super) fn required_lines() -> String {
    let forbidden = &*FORBIDDEN_IN_LINES;
    format!("^[^{forbidden}]*[^\\s{forbidden}][^{forbidden}]*$")
}

/// [`ranges`] as the inside of a class, for texts with line breaks and tabs.
static FORBIDDEN_IN_LINES: LazyLock<String> = LazyLock::new(|| {
    let breaks = |c: &char| matches!(c, '\t' | '\n' | '\r');
    let controls: Vec<(char, char)> = ('\0'..' ').filter(|c| !breaks(c)).map(|c| (c, c)).collect();
    let others: Vec<(char, char)> = ranges().into_iter().filter(|(first, _)| *first > ' ').collect();
    format!("{}{}", class(&controls), class(&others))
});

/// One line without spaces and without these characters, which are written as in a class.
fn word(others: &str) -> String {
    format!("[^\\s{}{others}]", *FORBIDDEN)
}

pub(super) fn email() -> String {
    let sane = word(r#"@,;:<>()\[\]"\\"#);
    let label = word(r#"@,;:<>()\[\]"\\."#);
    format!("^{sane}{{1,64}}@({label}{{1,63}}\\.)+{label}{{2,63}}$")
}

pub(super) fn url() -> String {
    let (host, rest) = (word(r#"/?#@<>"\\"#), word(r#"<>"\\"#));
    format!("^https?://{host}+([/?#]{rest}*)?$")
}

pub(super) fn image_url() -> String {
    let (host, rest) = (word(r#"/?#@<>"\\"#), word(r#"<>"\\"#));
    let first = word(r#"/<>"\\"#);
    format!("^(https?://{host}+([/?#]{rest}*)?|/({first}{rest}*)?)$")
}

pub(super) fn phone() -> String {
    let other = "[ +()/-]*";
    format!("^{other}[0-9]{other}[0-9]{other}[0-9][0-9 +()/-]*$")
}

pub(super) fn attribute_name() -> String {
    let inside = format!("[^{}!-,./:-@\\[-^`{{-~]", *FORBIDDEN);
    format!("^{inside}*[^\\s{}!-,./:-@\\[-^`{{-~]{inside}*$", *FORBIDDEN)
}

/// One of these codes, which are separated by spaces.
pub(crate) fn one_of(codes: &str) -> String {
    format!("^({})$", codes.split_whitespace().collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_lists_the_characters_that_a_line_must_not_hold() {
        let ranges = ranges();
        let listed = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
        for c in ['\0', '\n', '\t', '\u{7f}', '\u{ad}', '\u{200B}', '\u{202E}', '\u{3164}', '\u{FEFF}', '\u{E0041}'] {
            assert!(listed(c), "{c:?}");
        }
        for c in (char::MIN..='\u{FFFF}').step_by(7) {
            assert_eq!(listed(c), is_forbidden(c), "{c:?}");
        }
        assert!(line().starts_with("^[^\\u0000-\\u001F"));
        assert!(lines().starts_with("^[^\\u0000\\u0001") && !lines().contains("\\u000A"));
        assert_eq!(one_of("AD AE"), "^(AD|AE)$");
    }
}
