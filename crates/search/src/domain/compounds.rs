//! Joins adjacent words that are also written as one: `USB-C` is also `usbc`, `200 mm` is `200mm`, `iPhone 15` is `iphone15`,
//! `10,000` is `10000`.

use super::splitting::Word;
use std::ops::Range;

/// The maximum length of a compound.
const LONGEST: usize = 24;
/// In these places a text has a hyphen, or another sign with the same role.
const HYPHENS: &[&str] = &["-", "/", "\u{2010}", "\u{2011}", ".", "_", "&"];
const SPACES: &[&str] = &[" ", "\u{a0}", "\u{202f}"];
/// What separates groups of digits.
const GROUPING: &[&str] = &[",", ".", " ", "\u{a0}", "\u{202f}", "\u{2009}", "'", "’", "٬", "،", "，"];

/// Units. A number before one of them makes a measure.
const UNITS: &[&str] = &[
    "mm", "cm", "m", "km", "in", "inch", "ft", "g", "kg", "mg", "lb", "oz", "ml", "l", "v", "mv", "kv", "a", "ma", "ua", "ah", "mah", "w",
    "mw", "kw", "wh", "kwh", "hz", "khz", "mhz", "ghz", "b", "kb", "mb", "gb", "tb", "bit", "ohm", "kohm", "mohm", "f", "pf", "nf", "uf",
    "h", "nh", "uh", "mh", "mp", "px", "dpi", "db", "lm", "pin", "pins", "x",
];

/// How many compounds a text gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// For short texts: every word that is adjacent to a number.
    Full,
    /// For long texts: words before a number.
    Sparse,
}

/// Returns the compounds by which a text is found, in no order.
pub fn of_text(text: &str, words: &[Word], density: Density, is_stop_word: impl Fn(&str) -> bool) -> Vec<String> {
    let mut compounds: Vec<String> = Vec::new();
    let joins = |one: &Word, other: &Word| {
        if one.is_gram || other.is_gram {
            return false;
        }
        let between = &text[one.span.end..other.span.start];
        HYPHENS.contains(&between)
            || SPACES.contains(&between)
                && (is_measure(&one.text, &other.text)
                    || alternates(&one.text, &other.text)
                        && !is_stop_word(&one.text)
                        && !is_stop_word(&other.text)
                        && (density == Density::Full || one.text.chars().nth(1).is_some_and(char::is_alphabetic)))
    };
    for (at, word) in words.iter().enumerate() {
        let Some(next) = words.get(at + 1).filter(|next| joins(word, next)) else { continue };
        compounds.extend(join(&[&word.text, &next.text]));
        if density == Density::Full
            && let Some(third) = words.get(at + 2).filter(|third| joins(next, third))
        {
            compounds.extend(join(&[&word.text, &next.text, &third.text]));
        }
    }
    compounds.extend(digit_groups(text, words).into_iter().map(|(_, number)| number));
    compounds
}

/// Returns the compounds of each word of a search, with the words next to it. They are searched in addition to the word.
pub fn of_search(text: &str, words: &[Word]) -> Vec<Vec<String>> {
    let mut compounds: Vec<Vec<String>> = vec![Vec::new(); words.len()];
    let mut add = |range: Range<usize>, compound: &str| {
        for list in compounds[range].iter_mut().filter(|list| !list.iter().any(|known| known == compound)) {
            list.push(compound.to_owned());
        }
    };
    let plain = |at: usize| words.get(at).filter(|word| !word.is_gram).map(|word| word.text.as_str());
    for at in 0..words.len() {
        let (Some(one), Some(two)) = (plain(at), plain(at + 1)) else { continue };
        if let Some(compound) = join(&[one, two]) {
            add(at..at + 2, &compound);
        }
        if let Some(three) = plain(at + 2).filter(|three| alternates(one, two) && alternates(two, three))
            && let Some(compound) = join(&[one, two, three])
        {
            add(at..at + 3, &compound);
        }
    }
    for (range, number) in digit_groups(text, words) {
        add(range, &number);
    }
    compounds
}

/// Joins adjacent words to one, unless the result is too long.
#[must_use]
pub fn join(words: &[&str]) -> Option<String> {
    (words.iter().map(|word| word.len()).sum::<usize>() <= LONGEST).then(|| words.concat())
}

/// Whether the words are a number and a unit.
fn is_measure(number: &str, unit: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && UNITS.contains(&unit)
}

/// Whether one word ends with a letter and the other begins like a model number (`15`, `S24`), or the words are a number and a
/// word.
fn alternates(one: &str, other: &str) -> bool {
    let (Some(last), Some(first)) = (one.chars().next_back(), other.chars().next()) else { return false };
    let is_model = || other.chars().take(3).any(|c| c.is_ascii_digit());
    last.is_alphabetic() && is_model() || last.is_ascii_digit() && first.is_alphabetic()
}

/// Returns the numbers whose digits are written in groups, without the separators. Groups have three digits, in India also two.
fn digit_groups(text: &str, words: &[Word]) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let end = end_of_groups(text, words, at);
        if end > at + 1 {
            let number = join(&words[at..end].iter().map(|word| word.text.as_str()).collect::<Vec<_>>());
            found.extend(number.map(|number| (at..end, number)));
        } else if is_grouped_by_points(&words[at].text) {
            found.push((at..at + 1, words[at].text.replace('.', "")));
        }
        at = end;
    }
    found
}

/// Returns the word after the groups of digits that begin at a word, or the next word if they are not a number.
fn end_of_groups(text: &str, words: &[Word], start: usize) -> usize {
    let digits =
        |at: usize| words.get(at).filter(|word| word.text.bytes().all(|byte| byte.is_ascii_digit())).map_or(0, |word| word.text.len());
    if !(1..=3).contains(&digits(start)) {
        return start + 1;
    }
    let between = |at: usize| &text[words[at].span.end..words[at + 1].span.start];
    let mut end = start + 1;
    while matches!(digits(end), 2 | 3) && GROUPING.contains(&between(end - 1)) && between(end - 1) == between(start) {
        end += 1;
    }
    if digits(end - 1) == 3 { end } else { start + 1 }
}

fn is_grouped_by_points(word: &str) -> bool {
    let mut groups = word.split('.');
    let is_number = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()) && is_number(first));
    first && word.contains('.') && groups.all(|group| group.len() == 3 && is_number(group))
}

#[cfg(test)]
mod tests {
    use super::{super::splitting::words, *};

    fn of(text: &str, density: Density) -> Vec<String> {
        of_text(text, &words(text), density, |word| word == "in")
    }

    #[test]
    fn compounds_and_measures_have_their_limits() {
        let word = "x".repeat(LONGEST);
        assert_eq!(join(&[&word[1..], "y"]), Some(format!("{}y", &word[1..])));
        assert_eq!(join(&[&word, "y"]), None);
        for (number, unit, expected) in [("200", "mm", true), ("2.8", "v", true), ("200", "trees", false), ("x2", "mm", false)] {
            assert_eq!(is_measure(number, unit), expected, "{number} {unit}");
        }
    }

    #[test]
    fn words_next_to_numbers_are_also_one_word() {
        assert_eq!(of("Apple iPhone 15 Pro", Density::Full), ["iphone15", "iphone15pro", "15pro"]);
        assert_eq!(of("Apple iPhone 15 Pro", Density::Sparse), ["iphone15"]);
        assert_eq!(of("made in 2020 PS 5, x 7", Density::Sparse), ["ps5"]);
        assert_eq!(of("the Galaxy S24", Density::Sparse), ["galaxys24"]);
        assert_eq!(of("H&M Node.js", Density::Sparse), ["hm", "nodejs"]);
        let search = |text: &str| of_search(text, &words(text));
        assert_eq!(
            search("iphone 15 pro"),
            [&["iphone15", "iphone15pro"][..], &["iphone15", "iphone15pro", "15pro"], &["iphone15pro", "15pro"]]
        );
        assert_eq!(search("usb-c 200 mm")[2], ["c200", "c200mm", "200mm"]);
    }

    #[test]
    fn grouped_digits_are_also_one_number() {
        let number = |text: &str| of(text, Density::Sparse).into_iter().next();
        for text in ["10,000", "10 000", "10.000", "10\u{a0}000", "10\u{202f}000", "10'000", "10’000", "١٠٬٠٠٠", "１０，０００"]
        {
            assert_eq!(number(text).as_deref(), Some("10000"), "{text}");
        }
        assert_eq!(number("1,000,000 pieces").as_deref(), Some("1000000"));
        assert_eq!(number("1.000.000").as_deref(), Some("1000000"));
        assert_eq!(number("12,34,567").as_deref(), Some("1234567"));
        for text in ["10,00", "1000,000", "10, 000", "2.8", "1.5000", "45×500", "10000"] {
            assert_eq!(number(text), None, "{text}");
        }
        let text = "1 000 000";
        assert!(of_search(text, &words(text)).iter().all(|compounds| compounds.contains(&"1000000".to_owned())));
    }
}
