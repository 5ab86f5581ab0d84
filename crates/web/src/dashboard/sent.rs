//! What a form of the dashboard sent.

use serde_json::{Map, Value};

/// The fields of a form, in their order. A field may be sent several times.
#[derive(Debug, Clone, Default)]
pub struct Sent(pub Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Sent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Sent, D::Error> {
        Vec::deserialize(deserializer).map(Sent)
    }
}

/// As many rows of a list are changed at once at most.
const MOST_CHOSEN: usize = 100;

impl Sent {
    /// The text of a field without spaces around it; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.trim())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// The key that was made when the form was shown.
    pub fn key(&self) -> &str {
        self.text("formKey")
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The rows that were chosen.
    pub fn chosen(&self) -> impl Iterator<Item = &str> {
        self.all("chosen").take(MOST_CHOSEN)
    }

    /// The body of a call with those of these text fields that were filled in.
    pub fn body(&self, names: &[&str]) -> Value {
        let filled = names.iter().map(|name| (*name, self.text(name))).filter(|(_, text)| !text.is_empty());
        Value::Object(filled.map(|(name, text)| (name.to_owned(), text.into())).collect::<Map<_, _>>())
    }
}

/// Reads an amount as people write it, such as `1,234.50` or `12,5`, in minor units. The last point or comma before fewer than three
/// digits is the decimal one.
pub fn amount(text: &str, decimals: u32) -> Option<i64> {
    let text = text.trim().trim_start_matches(['€', '$', '£', '¥']).trim();
    let decimals = usize::try_from(decimals).ok()?;
    let cut = text.rfind(['.', ',']).filter(|at| {
        let after = text.len() - at - 1;
        after <= decimals && (after != 3 || decimals == 3)
    });
    let (whole, fraction) = cut.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    let digits: String = whole.chars().filter(|sign| !matches!(sign, '.' | ',' | '\u{a0}' | ' ')).collect();
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || digits.len() > 13 || !all_digits(&digits) || !all_digits(fraction) {
        return None;
    }
    format!("{digits}{fraction:0<decimals$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, decimals, expected) in [
            ("12.50", 2, Some(1_250)),
            ("12,5", 2, Some(1_250)),
            ("€1,234.50", 2, Some(123_450)),
            ("1.234", 2, Some(123_400)),
            ("1.234", 3, Some(1_234)),
            ("7", 0, Some(7)),
            ("0.05", 2, Some(5)),
            ("", 2, None),
            ("-3", 2, None),
            ("1e5", 2, None),
            ("99999999999999", 2, None),
        ] {
            assert_eq!(amount(text, decimals), expected, "{text}");
        }
    }

    #[test]
    fn a_body_has_the_fields_that_were_filled_in() {
        let sent = Sent(vec![("reason".into(), " late ".into()), ("title".into(), " ".into()), ("chosen".into(), "1".into())]);
        assert_eq!(sent.body(&["reason", "title"]).to_string(), r#"{"reason":"late"}"#);
        assert_eq!(sent.chosen().collect::<Vec<_>>(), ["1"]);
    }
}
