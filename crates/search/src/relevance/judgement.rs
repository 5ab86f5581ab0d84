//! Judgements: which products are relevant for a search, given as conditions.

use super::products::JudgedProduct;
use crate::Error;
use contracts::catalog::Product;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A judged search.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub query: String,
    pub kind: String,
    grades: Vec<Grade>,
}

/// Products that meet all conditions have this grade. Each list contains alternatives, except `title` and `text`: all of
/// their entries must match. Within an entry `|` separates alternatives, and a final `*` matches the rest of a word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Grade {
    grade: u8,
    sku: Vec<String>,
    /// Slugs of categories. Subcategories match too.
    category: Vec<String>,
    brand: Vec<String>,
    /// Values of the attribute `kind`.
    kind: Vec<String>,
    attributes: BTreeMap<String, String>,
    title: Vec<String>,
    /// Words of title, description, brand or attributes.
    text: Vec<String>,
    /// Words that the title must not contain.
    without: Vec<String>,
}

/// # Errors
/// [`Error::Judgement`] with the line number.
pub fn read(lines: &str) -> Result<Vec<Judgement>, Error> {
    let parse = |(number, line): (u32, &str)| {
        serde_json::from_str(line).map_err(|error| Error::Judgement(format!("line {number} of the judgements: {error}")))
    };
    (1..).zip(lines.lines()).map(parse).collect()
}

impl Judgement {
    /// Returns the best grade of the product; 0 when it is not relevant.
    pub fn grade(&self, product: &JudgedProduct) -> u8 {
        self.grades.iter().filter(|grade| grade.matches(product)).map(|grade| grade.grade).max().unwrap_or(0)
    }
}

impl Grade {
    fn matches(&self, JudgedProduct { product, category, title, text }: &JudgedProduct) -> bool {
        let one_of = |wanted: &[String], value: Option<&String>| wanted.is_empty() || value.is_some_and(|value| wanted.contains(value));
        one_of(&self.sku, Some(&product.sku))
            && one_of(&self.brand, product.brand.as_ref())
            && one_of(&self.kind, product.attributes.get("kind"))
            && (self.category.is_empty() || self.category.iter().any(|wanted| is_within(category, wanted)))
            && self.attributes.iter().all(|(name, value)| product.attributes.get(name) == Some(value))
            && self.title.iter().all(|wanted| has(title, wanted))
            && !self.without.iter().any(|unwanted| has(title, unwanted))
            && self.text.iter().all(|wanted| has(text, wanted))
    }
}

/// Returns the words of title, description, brand and attributes.
pub fn everything(product: &Product) -> String {
    let parts = [&product.title, &product.description].into_iter().chain(&product.brand).chain(product.attributes.values());
    parts.map(|part| plain(part)).collect()
}

/// Whether a category is `wanted` or below it.
fn is_within(category: &str, wanted: &str) -> bool {
    category.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the words in lower case, separated by spaces. It deliberately shares no code with the index.
pub fn plain(text: &str) -> String {
    let signs: Vec<char> = text.to_lowercase().chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| signs.get(at)).is_some_and(char::is_ascii_digit);
    let keep = |at: usize| {
        let sign = signs[at];
        if sign.is_alphanumeric() || sign == '.' && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)) { sign } else { ' ' }
    };
    let spaced: String = (0..signs.len()).map(keep).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    format!(" {} ", words.join(" "))
}

/// Whether a normalized text contains one of the alternatives of `wanted`.
fn has(text: &str, wanted: &str) -> bool {
    wanted.split('|').any(|words| match words.strip_suffix('*') {
        Some(begun) => text.contains(plain(begun).trim_end()),
        None => text.contains(&plain(words)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_match_whole_words() {
        let title = plain("STM32F407, 7-segment display (f/2.8)");
        for wanted in ["7 segment", "segment display", "stm32*", "f 2.8", "sofa|display"] {
            assert!(has(&title, wanted), "{wanted}");
        }
        for wanted in ["stm32", "seg", "display 7", "2", "sofa|couch"] {
            assert!(!has(&title, wanted), "{wanted}");
        }
    }

    #[test]
    fn an_invalid_line_is_reported_with_its_number() {
        let error = read("{\"query\":\"a\",\"kind\":\"word\",\"grades\":[]}\n{\"query\":\"b\",\"kinds\":1}").unwrap_err();
        assert!(error.to_string().starts_with("line 2"), "{error}");
    }
}
