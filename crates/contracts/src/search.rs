//! Search: finds products that are on sale. Its only data is an index, built from events of catalog and inventory.

use crate::{
    calls,
    catalog::GroupOption,
    ids::{CategoryId, ProductGroupId, ProductId, UserId},
    money::Currency,
    review::{Rating, Stars},
    service::ServiceSpec,
    string_enum,
    text::optional_line,
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The service's name.
pub const NAME: &str = "search";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Finds products that are on sale.",
    machines: &[],
    events: &[],
    calls: CALLS,
    paths: &["/admin/search", "/search"],
};

/// The header of an answer with its cost, in units of a usual search. It is not passed on to callers.
pub const COST_HEADER: &str = "souk-cost";

string_enum! {
    /// The order of search results.
    Sort {
        /// The best match first; without a search text the newest first.
        Relevance = "relevance",
        /// The lowest price first, among products in one currency.
        PriceUp = "price",
        /// The highest price first, among products in one currency.
        PriceDown = "-price",
        /// The newest first.
        Newest = "newest",
        /// The best rated first, those with more reviews first among equals.
        Rating = "rating",
    }
}

/// One product that was found. The variants of a product group are one hit: the best match, with the available options.
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
    /// The seller; null for the marketplace itself.
    pub seller_id: Option<UserId>,
    /// Whether any can be sold now.
    pub in_stock: bool,
    /// Whether the search has the stock. It receives a product before its stock; `inStock` is false until then.
    #[serde(default = "yes")]
    pub stock_known: bool,
    /// The average of its published reviews.
    #[serde(default)]
    pub rating: Rating,
    /// The product group; products with the same id are its variants.
    pub product_group_id: Option<ProductGroupId>,
    /// The attributes in which the variants on sale differ, with their values.
    pub options: Vec<GroupOption>,
    /// How many variants are on sale, this one included; 1 for a product without variants.
    pub variant_count: u32,
    /// Where the search text was found.
    pub highlights: Highlights,
    /// When it was created.
    pub created_at: Timestamp,
}

fn yes() -> bool {
    true
}

/// Where the search text was found: escaped HTML with `<em>` around each word that matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Highlights {
    /// The whole title; null when nothing in it matches.
    pub title: Option<String>,
    /// The part of the description around its first match; null when nothing in it matches.
    pub description: Option<String>,
}

/// One page of results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResults {
    /// The products of this page.
    pub items: Vec<SearchHit>,
    /// The number of hits on all pages; the variants of a product group are one hit.
    pub total: u64,
    /// The currency of all hits when the search names one or compares prices; otherwise null.
    pub currency: Option<Currency>,
    /// The number of matches for each filter value, counted without the filter of the same kind.
    pub facets: Facets,
    /// Opaque; null on the last page.
    pub next_cursor: Option<String>,
    /// Alternatives when nothing was found; otherwise null.
    pub help: Option<SearchHelp>,
    /// Whether the search was ended after the maximum time. There may be more hits than these, and `total` and the facets
    /// count only those that were found.
    #[serde(default)]
    pub partial: bool,
}

/// Alternatives to a search that found nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchHelp {
    /// The same search without its last filter; null when it has no filter or finds nothing without it either.
    pub without_last_filter: Option<LiftedFilter>,
    /// A search text spelled nearly the same that finds something; null when there is none.
    pub spelling: Option<Spelling>,
}

/// What a search finds without one of its filters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiftedFilter {
    /// The name of the parameter to leave out.
    pub parameter: String,
    /// How many hits there are without it.
    pub total: u64,
}

/// A search text spelled nearly the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spelling {
    /// The text to search for.
    pub text: String,
    /// How many hits it has with the same filters.
    pub total: u64,
}

/// The number of matches by category, brand and attribute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facets {
    /// By category, the largest first; a category includes its descendants.
    pub category: Vec<FacetValue>,
    /// By brand, the largest first.
    pub brand: Vec<FacetValue>,
    /// By attribute name, then by value, the largest first: the most frequent names, and those that the search filters by.
    pub attributes: BTreeMap<String, Vec<FacetValue>>,
}

/// One value of a facet and how many matches have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FacetValue {
    /// The value for the filter.
    pub value: String,
    /// As people read it.
    pub label: String,
    /// How many matches have it.
    pub count: u64,
}

/// Completions of a search text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestions {
    /// The most probable first; at most 10.
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

/// The state of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexState {
    /// The number of rebuilds.
    pub generation: i64,
    /// The number of products in the index.
    pub products: u64,
    /// Documents that changed, or whose category changed, and that are not indexed again yet.
    pub waiting: u64,
    /// The rebuild in progress; null when there is none.
    pub rebuild: Option<RebuildState>,
}

/// A rebuild in progress. The previous index answers meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RebuildState {
    /// The generation that it builds.
    pub generation: i64,
    /// Documents that are not in the new index yet.
    pub waiting: u64,
}

/// What to search for. A product attribute is filtered by the parameter `attr.NAME`, such as `attr.color=red`; given
/// several times, one of the values has to match, and different attributes all have to match.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SearchQuery {
    /// Plain text of at most 500 characters and 40 words. Every word must be found. The last one may be the beginning of
    /// a word. A word that no product has is looked for in a near spelling as well, for up to four words. Without a text every
    /// product matches.
    #[schemars(length(max = 500), extend("pattern" = optional_line()))]
    pub q: Option<String>,
    /// In this category or below it. Given several times, in one of them.
    pub category: Vec<CategoryId>,
    /// Of this brand. Given several times, of one of them.
    pub brand: Vec<String>,
    /// Sold by this seller. Given several times, by one of them.
    pub seller_id: Vec<UserId>,
    /// Whether any unit can be sold now.
    pub in_stock: Option<bool>,
    /// Priced in this currency. `minPrice`, `maxPrice` and the orders by price compare amounts of one currency: this one,
    /// or the shop's own when it is absent. Products in another currency are left out then.
    pub currency: Option<Currency>,
    /// The least price in minor units of `currency`.
    #[schemars(range(min = 0, max = 10_000_000_000_000_i64))]
    pub min_price: Option<i64>,
    /// The highest price in minor units of `currency`.
    #[schemars(range(min = 0, max = 10_000_000_000_000_i64))]
    pub max_price: Option<i64>,
    /// The least average of the reviews, in whole stars. Products without reviews have none.
    pub min_rating: Option<Stars>,
    /// The order of the hits; `relevance` when absent.
    pub sort: Option<Sort>,
}

/// What was typed so far.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SuggestQuery {
    /// Plain text of at most 500 characters and 40 words.
    #[schemars(length(max = 500), extend("pattern" = optional_line()))]
    pub q: String,
}

calls! {
    /// Finds products on sale. The answer is a page: it takes `limit` and `cursor`.
    SEARCH_PRODUCTS: get(()) -> SearchResults, "/search", query SearchQuery;
    /// Completes a search text.
    SUGGEST_SEARCHES: get(()) -> Suggestions, "/search/suggest", query SuggestQuery;
    /// Reads the state of the index.
    GET_SEARCH_INDEX: get(()) -> IndexState, "/admin/search";
    /// Rebuilds the index. The present one answers meanwhile.
    REBUILD_SEARCH_INDEX: post_unkeyed(()) -> (), "/admin/search/rebuild";
}
