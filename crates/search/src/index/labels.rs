//! Labels: the values by which products are filtered and counted.
//!
//! A label is a text such as `a·color·red`. The index stores a product's labels in one column. In memory each distinct label
//! has a number, the same in every segment. So filters and facets work with small numbers, and texts are read only for the
//! answer. Labels that differ in case only have one number: sellers write `red` and `Red` for the same colour.

use contracts::ids::CategoryId;
use platform::folding::fold_case;
use std::{
    cmp::Reverse,
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

    fn folded(&self) -> Facet {
        match self {
            Facet::Attribute(name) => Facet::Attribute(fold_case(name)),
            other => other.clone(),
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

/// Orders the spellings of a value: first those in mixed case (`Red`), then those in upper case (`USB`), then the others.
fn preference(value: &str) -> (bool, bool, Reverse<&str>) {
    let (upper, lower) = (value.contains(char::is_uppercase), value.contains(char::is_lowercase));
    (upper && lower, upper, Reverse(value))
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
    /// By label in each spelling, and in the folded one.
    numbers: HashMap<String, u32>,
    /// By label number: the facet's number, and the value in its preferred spelling.
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
        let (facet, folded) = (self.intern_facet(facet)?, fold_case(label));
        let number = match self.numbers.get(&folded) {
            Some(known) => {
                let shown = &mut self.entries[*known as usize].1;
                if preference(value) > preference(shown) {
                    value.clone_into(shown);
                }
                *known
            }
            None => {
                let number = u32::try_from(self.entries.len()).ok()?;
                self.entries.push((facet, value.to_owned()));
                self.numbers.insert(folded, number);
                number
            }
        };
        self.numbers.insert(label.to_owned(), number);
        Some(number)
    }

    fn intern_facet(&mut self, facet: Facet) -> Option<u32> {
        let folded = facet.folded();
        if let Some(known) = self.facet_numbers.get(&folded) {
            // The names of attributes are shown in lower case if any product has them so.
            if let (Facet::Attribute(shown), Facet::Attribute(name)) = (&mut self.facets[*known as usize], facet)
                && name > *shown
            {
                *shown = name;
            }
            return Some(*known);
        }
        let number = u32::try_from(self.facets.len()).ok()?;
        self.facets.push(facet);
        self.facet_numbers.insert(folded, number);
        Some(number)
    }

    /// Returns the number of a facet's value in any case; `None` when no product has it.
    #[must_use]
    pub fn find(&self, facet: &Facet, value: &str) -> Option<u32> {
        self.numbers.get(&fold_case(&facet.label(value))).copied()
    }

    #[must_use]
    pub fn find_facet(&self, facet: &Facet) -> Option<u32> {
        self.facet_numbers.get(&facet.folded()).copied()
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
        assert_eq!(labels.find(&Facet::Brand, "ACME = CO"), Some(acme));
        assert_eq!((labels.find(&Facet::Seller, "red"), labels.find_facet(&Facet::Seller)), (None, None));
    }

    #[test]
    fn spellings_that_differ_in_case_are_one_label_whatever_their_order() {
        let spellings = [("Color", "red"), ("color", "RED"), ("COLOR", "Red"), ("color", "red")];
        for first in 0..spellings.len() {
            let all = Labels::default();
            let order = (0..spellings.len()).map(|at| spellings[(first + at) % spellings.len()]);
            let texts: Vec<String> = order.map(|(name, value)| Facet::Attribute(name.into()).label(value)).collect();
            let numbers = all.number(&texts);
            assert!(numbers.iter().all(|number| *number == numbers[0]));
            let labels = all.read();
            assert_eq!((labels.len(), labels.facet_count(), labels.value(0)), (1, 1, "Red"));
            assert_eq!(labels.facet(0), &Facet::Attribute("color".into()));
            assert_eq!(labels.find(&Facet::Attribute("cOLOR".into()), "rED"), Some(0));
        }
        assert!(preference("Red") > preference("RED") && preference("USB") > preference("usb"));
    }
}
