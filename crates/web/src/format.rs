//! Money, dates and numbers as the visitor's language writes them.

use crate::texts::{Language, goods_words};
use contracts::{money::Currency, review::Rating, time::Timestamp};

/// A space that no line breaks at.
const NO_BREAK: char = '\u{a0}';

/// Writes a whole number.
pub fn count(language: Language, number: u64) -> String {
    grouped(number, if language == Language::German { '.' } else { ',' })
}

/// Writes words in the quotation marks of the language.
pub fn quoted(language: Language, words: &str) -> String {
    match language {
        Language::English => format!("\u{201c}{words}\u{201d}"),
        Language::German => format!("\u{201e}{words}\u{201c}"),
    }
}

/// Writes an amount of minor units.
pub fn money(language: Language, minor: i64, currency: Currency) -> String {
    let decimals = currency.decimals();
    let unit = 10_u64.pow(decimals);
    let absolute = minor.unsigned_abs();
    let (thousands, point) = match language {
        Language::English => (',', '.'),
        Language::German => ('.', ','),
    };
    let mut number = grouped(absolute / unit, thousands);
    if decimals > 0 {
        number.push(point);
        number.push_str(&format!("{:0width$}", absolute % unit, width = decimals as usize));
    }
    let sign = if minor < 0 { "\u{2212}" } else { "" };
    let symbol = match currency.as_str() {
        "EUR" => "€",
        "GBP" => "£",
        "USD" => "$",
        "JPY" => "¥",
        other => return format!("{sign}{number}{NO_BREAK}{other}"),
    };
    match language {
        Language::English => format!("{sign}{symbol}{number}"),
        Language::German => format!("{sign}{number}{NO_BREAK}{symbol}"),
    }
}

/// Writes an amount for a field that people change: `1234.50`, with the decimal point of the language.
pub fn amount(language: Language, minor: i64, currency: Currency) -> String {
    let decimals = currency.decimals();
    let (unit, absolute) = (10_u64.pow(decimals), minor.unsigned_abs());
    let sign = if minor < 0 { "-" } else { "" };
    let point = if language == Language::German { ',' } else { '.' };
    match decimals {
        0 => format!("{sign}{absolute}"),
        _ => format!("{sign}{}{point}{:0width$}", absolute / unit, absolute % unit, width = decimals as usize),
    }
}

/// Reads an amount that somebody typed, in minor units: `1234.5`, `1,234.50` and `1.234,50` alike. The last point or comma begins the
/// decimals when no more digits follow than the currency has decimals; others stand between thousands.
pub fn parse_amount(typed: &str, currency: Currency) -> Option<i64> {
    let decimals = usize::try_from(currency.decimals()).ok()?;
    let text: String = typed.trim().trim_matches(['€', '$', '£', '¥']).chars().filter(|c| !c.is_whitespace()).collect();
    let (whole, fraction) = match text.rfind(['.', ',']) {
        Some(at) if text.len() - at - 1 <= decimals => (&text[..at], &text[at + 1..]),
        _ => (&*text, ""),
    };
    let groups: Vec<&str> = whole.split(['.', ',']).collect();
    let is_grouped = groups.len() == 1 || groups.iter().skip(1).all(|group| group.len() == 3);
    let digits: String = groups.concat() + fraction + &"0".repeat(decimals - fraction.len());
    let is_number = is_grouped && !(whole.is_empty() && fraction.is_empty()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

fn grouped(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes an instant as a day in UTC.
pub fn day(language: Language, at: Timestamp) -> String {
    let (year, month, day) = civil(at.unix_seconds().div_euclid(86_400));
    match language {
        Language::English => format!("{day}{NO_BREAK}{} {year}", ENGLISH_MONTHS[month - 1]),
        Language::German => format!("{day}.{NO_BREAK}{} {year}", GERMAN_MONTHS[month - 1]),
    }
}

/// Writes an instant as a day and a time in UTC.
pub fn moment(language: Language, at: Timestamp) -> String {
    let seconds = at.unix_seconds().rem_euclid(86_400);
    format!("{}, {:02}:{:02}{NO_BREAK}UTC", day(language, at), seconds / 3600, seconds / 60 % 60)
}

/// Writes an instant as a day in UTC, short enough for a table: `28 Nov 2026`, `28.11.2026`.
pub fn short_day(language: Language, at: Timestamp) -> String {
    let (year, month, day) = civil(at.unix_seconds().div_euclid(86_400));
    match language {
        Language::English => format!("{day}{NO_BREAK}{}{NO_BREAK}{year}", &ENGLISH_MONTHS[month - 1][..3]),
        Language::German => format!("{day}.{month}.{year}"),
    }
}

/// Writes an instant as a short day and a time in UTC that no line breaks.
pub fn short_moment(language: Language, at: Timestamp) -> String {
    let seconds = at.unix_seconds().rem_euclid(86_400);
    format!("{}, {:02}:{:02}{NO_BREAK}UTC", short_day(language, at), seconds / 3600, seconds / 60 % 60)
}

/// Writes a month such as `2026-11`; what is none as it is.
pub fn month(language: Language, month: &str) -> String {
    let parts = month.split_once('-').and_then(|(year, number)| Some((year, number.parse::<usize>().ok()?.checked_sub(1)?)));
    let names = if language == Language::German { GERMAN_MONTHS } else { ENGLISH_MONTHS };
    parts.and_then(|(year, at)| Some(format!("{}{NO_BREAK}{year}", names.get(at)?))).unwrap_or_else(|| month.to_owned())
}

/// Writes tenths, such as those of seconds or of percents.
pub fn tenths(language: Language, tenths: u64) -> String {
    let point = if language == Language::German { ',' } else { '.' };
    format!("{}{point}{}", tenths / 10, tenths % 10)
}

const ENGLISH_MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const GERMAN_MONTHS: [&str; 12] =
    ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];

/// Returns year, month and day of a number of days since 1970-01-01, after Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, usize, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), usize::try_from(month).unwrap_or(1), day)
}

/// Writes an average, such as 4.6.
pub fn stars(language: Language, rating: Rating) -> String {
    let tenths = (rating.average_hundredths + 5) / 10;
    let point = if language == Language::German { ',' } else { '.' };
    format!("{}{point}{}", tenths / 10, tenths % 10)
}

/// Writes how a figure changed in percent; `None` without a positive figure to compare with.
pub fn change(language: Language, present: i64, before: i64) -> Option<String> {
    if before <= 0 {
        return None;
    }
    let percent = (i128::from(present) - i128::from(before)) * 100 / i128::from(before);
    let sign = if percent < 0 { "\u{2212}" } else { "+" };
    let space = if language == Language::German { "\u{a0}" } else { "" };
    Some(format!("{sign}{}{space}%", percent.unsigned_abs()))
}

/// Keeps a size such as `160 × 52 × 81 cm` on one line.
pub fn title(text: &str) -> String {
    text.replace(" × ", "\u{a0}×\u{a0}").replace(" cm", "\u{a0}cm").replace(" mm", "\u{a0}mm")
}

/// Writes the name of an attribute such as `depth_cm` for people.
pub fn attribute(language: Language, name: &str) -> String {
    match unit(name) {
        Some((name, unit)) => format!("{} ({unit})", words(language, name)),
        None => words(language, name),
    }
}

/// Writes a name and a value beside it: a unit stands with the value.
pub fn fact(language: Language, name: &str, value: &str) -> (String, String) {
    match unit(name) {
        Some((name, unit)) => (words(language, name), format!("{value}{NO_BREAK}{unit}")),
        None => (words(language, name), goods_words(language, value).to_owned()),
    }
}

/// Whether an attribute is an outer dimension, of which hardly two products have the same.
pub fn is_dimension(name: &str) -> bool {
    unit(name).is_some_and(|(name, _)| matches!(name, "width" | "height" | "depth" | "length"))
}

/// Returns the unit at the end of the name of an attribute, such as that of `depth_cm`, and the rest.
fn unit(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('_').filter(|(_, unit)| matches!(*unit, "mm" | "cm" | "m" | "g" | "kg" | "ml" | "l"))
}

fn words(language: Language, name: &str) -> String {
    capital(goods_words(language, &name.replace('_', " ")))
}

/// Begins words with a capital.
pub fn capital(words: &str) -> String {
    let mut words = words.to_owned();
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_language_does() {
        let money = |language, minor, currency: &str| money(language, minor, currency.parse().unwrap()).replace(NO_BREAK, " ");
        assert_eq!(money(Language::English, 3_995, "EUR"), "€39.95");
        assert_eq!(money(Language::German, 123_456_789, "EUR"), "1.234.567,89 €");
        assert_eq!((&*count(Language::German, 1_227), &*count(Language::English, 1_227)), ("1.227", "1,227"));
        assert_eq!(quoted(Language::German, "Tee"), "\u{201e}Tee\u{201c}");
        assert_eq!(money(Language::English, -5, "USD"), "\u{2212}$0.05");
        assert_eq!(money(Language::English, 1_500, "JPY"), "¥1,500");
        assert_eq!(money(Language::German, 1_234, "KWD"), "1,234 KWD");
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(day(Language::English, at(1_767_225_600)).replace(NO_BREAK, " "), "1 January 2026");
        assert_eq!(moment(Language::German, at(1_767_225_600 + 3_661)).replace(NO_BREAK, " "), "1. Januar 2026, 01:01 UTC");
        let short = |language| short_moment(language, at(1_767_225_600 + 3_661)).replace(NO_BREAK, " ");
        assert_eq!((&*short(Language::English), &*short(Language::German)), ("1 Jan 2026, 01:01 UTC", "1.1.2026, 01:01 UTC"));
        assert_eq!((month(Language::German, "2026-03"), month(Language::English, "2026-13")), ("März\u{a0}2026".into(), "2026-13".into()));
        assert_eq!((tenths(Language::English, 12), tenths(Language::German, 5)), ("1.2".into(), "0,5".into()));
    }

    #[test]
    fn a_name_of_an_attribute_is_words() {
        use Language::{English, German};
        let written = ["body_depth", "größe", "über", ""].map(|name| attribute(English, name));
        assert_eq!(written, ["Body depth", "Größe", "über", ""]);
        assert_eq!(attribute(English, "depth_cm"), "Depth (cm)");
        assert_eq!(fact(English, "depth_cm", "52"), ("Depth".into(), "52\u{a0}cm".into()));
        assert_eq!(fact(English, "cm", "yes"), ("Cm".into(), "yes".into()));
        assert_eq!((attribute(German, "focal_length_mm"), attribute(German, "nap")), ("Brennweite (mm)".into(), "Nap".into()));
        assert_eq!(fact(German, "color", "brown"), ("Farbe".into(), "Braun".into()));
        assert!(is_dimension("depth_cm") && !is_dimension("color") && !is_dimension("focal_length_mm"));
    }

    #[test]
    fn an_amount_is_read_as_it_is_written() {
        let currency = |code: &str| code.parse::<Currency>().unwrap();
        for (typed, code, expected) in [
            ("12.50", "EUR", Some(1_250)),
            ("12,5", "EUR", Some(1_250)),
            ("1.234,50 €", "EUR", Some(123_450)),
            ("1,234.50", "EUR", Some(123_450)),
            ("1.234", "EUR", Some(123_400)),
            ("1.234", "KWD", Some(1_234)),
            ("1500", "JPY", Some(1_500)),
            ("0.05", "EUR", Some(5)),
            (".5", "EUR", Some(50)),
            ("12.", "EUR", Some(1_200)),
            ("12.5", "JPY", None),
            ("", "EUR", None),
            (".", "EUR", None),
            ("-5", "EUR", None),
            ("12a", "EUR", None),
            ("1.23.456", "EUR", None),
            ("99999999999999999999", "EUR", None),
        ] {
            assert_eq!(parse_amount(typed, currency(code)), expected, "{typed} {code}");
        }
        for minor in [0, 5, 1_250, 123_456_789] {
            for language in [Language::English, Language::German] {
                assert_eq!(parse_amount(&amount(language, minor, currency("EUR")), currency("EUR")), Some(minor));
            }
        }
    }

    #[test]
    fn a_change_is_in_percent_of_the_figure_before() {
        assert_eq!(change(Language::English, 108, 100).unwrap(), "+8%");
        assert_eq!(change(Language::German, -50, 100).unwrap(), "\u{2212}150\u{a0}%");
        assert_eq!(change(Language::English, 5, 0), None);
    }

    #[test]
    fn an_average_has_one_decimal() {
        let rating = |average_hundredths| Rating { average_hundredths, count: 1 };
        assert_eq!(stars(Language::English, rating(455)), "4.6");
        assert_eq!(stars(Language::German, rating(500)), "5,0");
    }
}
