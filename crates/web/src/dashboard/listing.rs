//! The address of a list: what it is sorted and filtered by, and which page is shown.

use crate::texts::DashboardTexts;
use platform::http::encode_text;

/// The parameter that names the order.
const SORT: &str = "sort";
const CURSOR: &str = "cursor";

/// The path of a list with its parameters, from which the addresses of its other views are made.
#[derive(Debug, Clone)]
pub struct Listing {
    path: String,
    parameters: Vec<(String, String)>,
}

/// A filter that is in use, and the list without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    pub label: String,
    pub without: String,
}

/// The heading of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub label: &'static str,
    /// The list sorted by the column; `None` when it cannot be.
    pub href: Option<String>,
    /// `ascending` or `descending` while the list is sorted by the column.
    pub sorted: Option<&'static str>,
    /// Numbers stand at the end of their column.
    pub is_number: bool,
    /// The column of boxes that choose rows.
    pub is_choice: bool,
}

impl Head {
    pub fn new(label: &'static str) -> Head {
        Head { label, href: None, sorted: None, is_number: false, is_choice: false }
    }
    pub fn number(label: &'static str) -> Head {
        Head { is_number: true, ..Head::new(label) }
    }
    /// The column of boxes that choose rows for what is done to many at once.
    pub fn choice(t: &DashboardTexts) -> Head {
        Head { is_choice: true, ..Head::new(t.choose) }
    }
    /// The column of times of a list that has the newest first and no other order.
    pub fn newest(label: &'static str) -> Head {
        Head { sorted: Some("descending"), ..Head::new(label) }
    }
    pub fn of_numbers(self) -> Head {
        Head { is_number: true, ..self }
    }
}

impl Listing {
    /// Keeps those parameters that the list knows. Forms send empty fields as well, which are left out.
    pub fn new(path: impl Into<String>, sent: Vec<(String, String)>, known: &[&str]) -> Listing {
        let is_known = |name: &str| name == SORT || name == CURSOR || known.contains(&name);
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in sent {
            if is_known(&name) && !value.trim().is_empty() && parameters.iter().all(|(other, _)| *other != name) {
                parameters.push((name, value));
            }
        }
        Listing { path: path.into(), parameters }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a parameter; empty when it is not given.
    pub fn value(&self, name: &str) -> &str {
        self.parameters.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Everything that the API is asked for.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a filter is in use.
    pub fn is_filtered(&self) -> bool {
        self.parameters.iter().any(|(name, _)| name != SORT && name != CURSOR)
    }

    /// The list as it is shown.
    pub fn here(&self) -> String {
        self.address(|_| true, None)
    }

    /// The first page without any filter.
    pub fn bare(&self) -> String {
        self.address(|name| name == SORT, None)
    }

    /// The first page with another value of a parameter; an empty one takes it away.
    pub fn with(&self, name: &str, value: &str) -> String {
        self.address(|other| other != name && other != CURSOR, (!value.is_empty()).then_some((name, value)))
    }

    /// The page that begins at a cursor.
    pub fn next(&self, cursor: Option<&String>) -> Option<String> {
        cursor.map(|cursor| self.address(|other| other != CURSOR, Some((CURSOR, cursor))))
    }

    /// The first page, when another one is shown.
    pub fn first(&self) -> Option<String> {
        (!self.value(CURSOR).is_empty()).then(|| self.with(CURSOR, ""))
    }

    /// The chip of a filter with its words; `None` while it is not in use.
    pub fn chip(&self, name: &str, label: impl Into<String>) -> Option<Chip> {
        (!self.value(name).is_empty()).then(|| Chip { label: label.into(), without: self.with(name, "") })
    }

    /// The heading of a column that the list is sorted by: `up` and `down` are the values of `sort`, of which one may be empty.
    pub fn head(&self, label: &'static str, up: &str, down: &str) -> Head {
        let present = self.value(SORT);
        let is = |order: &str| !order.is_empty() && present == order;
        let next = if is(up) && !down.is_empty() || up.is_empty() { down } else { up };
        let sorted = if is(up) {
            Some("ascending")
        } else if is(down) {
            Some("descending")
        } else {
            None
        };
        Head { href: Some(self.with(SORT, next)), sorted, ..Head::new(label) }
    }

    /// The heading of the times of a list that has the newest first unless it is sorted.
    pub fn times_head(&self, label: &'static str) -> Head {
        let head = self.head(label, "oldest", "newest");
        if self.value(SORT).is_empty() { Head { sorted: Some("descending"), ..head } } else { head }
    }

    /// What a form that changes one filter sends along.
    pub fn kept(&self, changed: &[&str]) -> Vec<(&str, &str)> {
        self.parameters().filter(|(name, _)| *name != CURSOR && !changed.contains(name)).collect()
    }

    fn address(&self, keeps: impl Fn(&str) -> bool, added: Option<(&str, &str)>) -> String {
        let mut address = self.path.clone();
        for (index, (name, value)) in self.parameters().filter(|(name, _)| keeps(name)).chain(added).enumerate() {
            address.push(if index == 0 { '?' } else { '&' });
            encode_text(name, &mut address);
            address.push('=');
            encode_text(value, &mut address);
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(query: &[(&str, &str)]) -> Listing {
        let sent = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Listing::new("/seller/products", sent, &["status", "q"])
    }

    #[test]
    fn unknown_empty_and_repeated_parameters_are_left_out() {
        let list = listing(&[("status", "DRAFT"), ("q", " "), ("evil", "1"), ("status", "ACTIVE")]);
        assert_eq!(list.here(), "/seller/products?status=DRAFT");
        assert!(list.is_filtered());
    }

    #[test]
    fn a_change_of_filter_or_order_begins_at_the_first_page() {
        let list = listing(&[("status", "DRAFT"), ("sort", "price"), ("cursor", "abc"), ("q", "a&b")]);
        assert_eq!(list.with("status", "ACTIVE"), "/seller/products?sort=price&q=a%26b&status=ACTIVE");
        assert_eq!(list.chip("status", "Draft").unwrap().without, "/seller/products?sort=price&q=a%26b");
        assert_eq!(list.chip("nothing", "x"), None);
        assert_eq!(list.bare(), "/seller/products?sort=price");
        assert_eq!(list.first().unwrap(), "/seller/products?status=DRAFT&sort=price&q=a%26b");
        assert_eq!(list.next(Some(&"d e".into())).unwrap(), "/seller/products?status=DRAFT&sort=price&q=a%26b&cursor=d%20e");
        assert_eq!(list.kept(&["q"]), [("status", "DRAFT"), ("sort", "price")]);
    }

    #[test]
    fn a_heading_says_how_the_list_is_sorted_and_turns_it_round() {
        let up = listing(&[("sort", "price")]).head("Price", "price", "-price");
        assert_eq!((up.sorted, up.href.as_deref()), (Some("ascending"), Some("/seller/products?sort=-price")));
        let down = listing(&[("sort", "-price")]).head("Price", "price", "-price");
        assert_eq!((down.sorted, down.href.as_deref()), (Some("descending"), Some("/seller/products?sort=price")));
        let other = listing(&[]).head("Title", "title", "");
        assert_eq!((other.sorted, other.href.as_deref()), (None, Some("/seller/products?sort=title")));
        let times = listing(&[]).times_head("Time");
        assert_eq!((times.sorted, times.href.as_deref()), (Some("descending"), Some("/seller/products?sort=oldest")));
        let times = listing(&[("sort", "oldest")]).times_head("Time");
        assert_eq!((times.sorted, times.href.as_deref()), (Some("ascending"), Some("/seller/products?sort=newest")));
        assert_eq!(listing(&[("sort", "-price")]).times_head("Time").sorted, None);
        let newest = listing(&[]).head("Changed", "", "-updatedAt");
        assert_eq!(newest.href.as_deref(), Some("/seller/products?sort=-updatedAt"));
    }
}
