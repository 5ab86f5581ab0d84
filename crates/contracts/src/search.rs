//! Search: finds products that are on sale. It keeps nothing but an index made from the catalogue's events.

use crate::{ids::ProductId, money::Currency, time::Timestamp, words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// The order of search results.
    Sort {
        /// The best match first; without a search text the newest first.
        Relevance = "relevance",
        /// The cheapest first.
        PriceUp = "price",
        /// The dearest first.
        PriceDown = "-price",
        /// The newest first.
        Newest = "newest",
    }
}

/// One product that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchHit {
    pub product_id: ProductId,
    /// The stock-keeping unit, in upper case.
    pub sku: String,
    /// One line.
    pub title: String,
    /// The beginning of the description.
    pub summary: String,
    /// Price of one unit in minor units of `currency`.
    pub price_amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The id of its category, as the filter `category` takes it.
    pub category: Option<String>,
    /// The category's name for people.
    pub category_name: Option<String>,
    /// Maker or label; null when there is none.
    pub brand: Option<String>,
    /// The main picture.
    pub image: Option<String>,
    /// Names such as size or colour with their values.
    pub attributes: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One page of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResults {
    /// The products of this page.
    pub items: Vec<SearchHit>,
    /// How many products match, on all pages.
    pub total: u64,
    /// How the matches divide; each filter counts as if it alone were lifted.
    pub facets: Facets,
    /// Opaque; null on the last page.
    pub next_cursor: Option<String>,
}

/// How the matches divide by category and by attribute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facets {
    /// By category, the largest first.
    pub category: Vec<FacetValue>,
    /// By attribute name, then by value, the largest first.
    pub attributes: BTreeMap<String, Vec<FacetValue>>,
}

/// One value of a facet and how many matches have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FacetValue {
    /// As the filter takes it.
    pub value: String,
    /// As people read it.
    pub label: String,
    /// How many matches have it.
    pub count: u64,
}

/// What a search text may become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestions {
    /// The likeliest first; at most 10.
    pub items: Vec<Suggestion>,
}

/// One suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The text to search for.
    pub text: String,
    /// The product, when the text is the title of just one.
    pub product_id: Option<ProductId>,
}
