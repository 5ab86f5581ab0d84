//! Lists: a page of items and the cursor of the next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
