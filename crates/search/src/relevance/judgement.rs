//! What somebody who reads the catalogue says of a search: which products are what is highlight_terms, by conditions.

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

/// Goods that meet all of these conditions have this grade. Each list is of alternatives, but for `title` and `text`, of
/// which all must stand there; alternatives of theirs are parted by `|`, and `*` at the end stands for the rest of a word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Grade {
    grade: u8,
    sku: Vec<String>,
    /// Slugs of categories, which hold what is below them too.
    category: Vec<String>,
    brand: Vec<String>,
    /// Values of the attribute `kind`.
    kind: Vec<String>,
    attributes: BTreeMap<String, String>,
    title: Vec<String>,
    /// Words of title, description, brand or attributes.
    text: Vec<String>,
    /// Words that the title must not have.
    without: Vec<String>,
}

/// # Errors
/// [`Error::Judgement`] with the line.
pub fn read(lines: &str) -> Result<Vec<Judgement>, Error> {
    let parse = |(number, line): (u32, &str)| {
        serde_json::from_str(line).map_err(|error| Error::Judgement(format!("line {number} of the judgements: {error}")))
    };
    (1..).zip(lines.lines()).map(parse).collect()
}

impl Judgement {
    /// The best grade that the good has; 0 when it is not what is highlight_terms.
    pub fn grade(&self, good: &JudgedProduct) -> u8 {
        self.grades.iter().filter(|grade| grade.fits(good)).map(|grade| grade.grade).max().unwrap_or(0)
    }
}

impl Grade {
    fn fits(&self, JudgedProduct { product: good, shelf }: &JudgedProduct) -> bool {
        let one_of = |wanted: &[String], value: Option<&String>| wanted.is_empty() || value.is_some_and(|value| wanted.contains(value));
        let title = plain(&good.title);
        one_of(&self.sku, Some(&good.sku))
            && one_of(&self.brand, good.brand.as_ref())
            && one_of(&self.kind, good.attributes.get("kind"))
            && (self.category.is_empty() || self.category.iter().any(|wanted| is_within(shelf, wanted)))
            && self.attributes.iter().all(|(name, value)| good.attributes.get(name) == Some(value))
            && self.title.iter().all(|wanted| has(&title, wanted))
            && !self.without.iter().any(|unwanted| has(&title, unwanted))
            && (self.text.is_empty() || {
                let text = everything(good);
                self.text.iter().all(|wanted| has(&text, wanted))
            })
    }
}

fn everything(good: &Product) -> String {
    let parts = [&good.title, &good.description].into_iter().chain(&good.brand).chain(good.attributes.values());
    parts.map(|part| plain(part)).collect()
}

/// Whether a category is `wanted` or below it.
fn is_within(shelf: &str, wanted: &str) -> bool {
    shelf.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Words in lower case between spaces. This knows nothing of the index's way to make words, on purpose.
fn plain(text: &str) -> String {
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

/// Whether one of the alternatives of `wanted` stands in a plain text.
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
    fn conditions_are_about_whole_words() {
        let title = plain("STM32F407, 7-segment display (f/2.8)");
        for wanted in ["7 segment", "segment display", "stm32*", "f 2.8", "sofa|display"] {
            assert!(has(&title, wanted), "{wanted}");
        }
        for wanted in ["stm32", "seg", "display 7", "2", "sofa|couch"] {
            assert!(!has(&title, wanted), "{wanted}");
        }
    }

    #[test]
    fn a_line_of_another_shape_is_named() {
        let error = read("{\"query\":\"a\",\"kind\":\"word\",\"grades\":[]}\n{\"query\":\"b\",\"kinds\":1}").unwrap_err();
        assert!(error.to_string().starts_with("line 2"), "{error}");
    }
}
