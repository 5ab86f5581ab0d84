//! Lists: a page of items and the cursor of the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One page of a list. `nextCursor` is opaque and null on the last page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items of this page, newest first unless the list says otherwise.
    pub items: Vec<T>,
    /// Give it back as `cursor`, with the same filters, to get the next page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

/// How many of what an administrator lists there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: Deserialize<'de> + Ord"))]
pub struct Totals<S> {
    /// By status, the first of a life first; those that none is in are left out.
    pub by_status: BTreeMap<S, u64>,
    pub total: u64,
}

impl<S: Ord> FromIterator<(S, u64)> for Totals<S> {
    fn from_iter<I: IntoIterator<Item = (S, u64)>>(counts: I) -> Totals<S> {
        let by_status: BTreeMap<S, u64> = counts.into_iter().collect();
        Totals { total: by_status.values().sum(), by_status }
    }
}
