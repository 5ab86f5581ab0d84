//! Labels: the values by which products are filtered and counted.
//!
//! A label is a text such as `a·color·red`. The index stores a product's labels in one column. In memory each distinct label
//! has a number, the same in every segment. So filters and facets work with small numbers, and texts are read only for the
//! answer.

use contracts::ids::CategoryId;
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

/// Separates the parts of a label. Names and values cannot contain it, because the catalogue refuses control characters.
const BETWEEN: char = '\u{1}';

/// The property that a label describes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Facet {
    Category,
    Brand,
    Seller,
    /// The attribute with this name.
    Attribute(String),
}

impl Facet {
    /// Returns the label of a value of this facet.
    #[must_use]
    pub fn label(&self, value: &str) -> String {
        match self {
            Facet::Category => format!("c{BETWEEN}{value}"),
            Facet::Brand => format!("b{BETWEEN}{value}"),
            Facet::Seller => format!("s{BETWEEN}{value}"),
            Facet::Attribute(name) => format!("a{BETWEEN}{name}{BETWEEN}{value}"),
        }
    }

    /// Returns the facet and the value of a label.
    fn read(label: &str) -> Option<(Facet, &str)> {
        let (kind, rest) = label.split_once(BETWEEN)?;
        match kind {
            "c" => Some((Facet::Category, rest)),
            "b" => Some((Facet::Brand, rest)),
            "s" => Some((Facet::Seller, rest)),
            "a" => rest.split_once(BETWEEN).map(|(name, value)| (Facet::Attribute(name.to_owned()), value)),
            _ => None,
        }
    }
}

/// All labels with their numbers, shared by searches and indexing. It only grows; [`View`](super::View) starts a new one
/// when most labels are unused.
#[derive(Debug, Default)]
pub struct Labels(RwLock<LabelTable>);

impl Labels {
    /// Locks the labels for reading. The guard must not outlive one search.
    pub fn read(&self) -> RwLockReadGuard<'_, LabelTable> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the numbers of these labels and assigns numbers to new ones. A text that is not a label has no number.
    /// Searches are blocked only while new labels are added.
    pub fn number(&self, labels: &[String]) -> Vec<Option<u32>> {
        let mut numbers: Vec<Option<u32>> = {
            let known = self.read();
            labels.iter().map(|label| known.numbers.get(label).copied()).collect()
        };
        if numbers.iter().any(Option::is_none) {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for (number, label) in numbers.iter_mut().zip(labels).filter(|(number, _)| number.is_none()) {
                *number = known.intern(label);
            }
        }
        numbers
    }
}

/// The labels with their numbers.
#[derive(Debug, Default)]
pub struct LabelTable {
    numbers: HashMap<String, u32>,
    /// By label number: the facet's number, and the value.
    entries: Vec<(u32, String)>,
    facets: Vec<Facet>,
    facet_numbers: HashMap<Facet, u32>,
}

impl LabelTable {
    fn intern(&mut self, label: &str) -> Option<u32> {
        if let Some(known) = self.numbers.get(label) {
            return Some(*known);
        }
        let (facet, value) = Facet::read(label)?;
        let facet = self.intern_facet(facet)?;
        let number = u32::try_from(self.entries.len()).ok()?;
        self.entries.push((facet, value.to_owned()));
        self.numbers.insert(label.to_owned(), number);
        Some(number)
    }

    fn intern_facet(&mut self, facet: Facet) -> Option<u32> {
        if let Some(known) = self.facet_numbers.get(&facet) {
            return Some(*known);
        }
        let number = u32::try_from(self.facets.len()).ok()?;
        self.facets.push(facet.clone());
        self.facet_numbers.insert(facet, number);
        Some(number)
    }

    /// Returns the number of a facet's value; `None` when no product has it.
    #[must_use]
    pub fn find(&self, facet: &Facet, value: &str) -> Option<u32> {
        self.numbers.get(&facet.label(value)).copied()
    }

    #[must_use]
    pub fn find_facet(&self, facet: &Facet) -> Option<u32> {
        self.facet_numbers.get(facet).copied()
    }

    /// Returns the number of labels. All label numbers are smaller.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of facets.
    #[must_use]
    pub fn facet_count(&self) -> usize {
        self.facets.len()
    }

    #[must_use]
    pub fn facet_of(&self, label: u32) -> u32 {
        self.entries[label as usize].0
    }

    #[must_use]
    pub fn facet(&self, number: u32) -> &Facet {
        &self.facets[number as usize]
    }

    #[must_use]
    pub fn value(&self, label: u32) -> &str {
        &self.entries[label as usize].1
    }

    /// Returns the category that a label of [`Facet::Category`] names.
    #[must_use]
    pub fn category(&self, label: u32) -> Option<CategoryId> {
        self.value(label).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_keeps_its_number_facet_and_value() {
        let all = Labels::default();
        let color = Facet::Attribute("color".into());
        let texts = [color.label("red"), color.label("blue"), Facet::Brand.label("Acme = Co"), "nonsense".to_owned()];
        let numbers = all.number(&texts);
        assert_eq!((all.number(&texts), numbers[3]), (numbers.clone(), None));
        let [red, blue, acme] = [0, 1, 2].map(|at| numbers[at].unwrap());
        assert!(red != blue && blue != acme);
        let labels = all.read();
        assert_eq!(labels.len(), 3);
        assert_eq!((labels.facet(labels.facet_of(blue)), labels.value(blue)), (&color, "blue"));
        assert_eq!((labels.facet(labels.facet_of(acme)), labels.value(acme)), (&Facet::Brand, "Acme = Co"));
        assert_eq!(labels.find(&Facet::Brand, "Acme = Co"), Some(acme));
        assert_eq!((labels.find(&Facet::Seller, "red"), labels.find_facet(&Facet::Seller)), (None, None));
    }
}
