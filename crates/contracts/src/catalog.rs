//! Catalog: products, prices and categories. Other services store snapshots of them.

mod pictures;

pub use pictures::*;

use crate::{
    body::{Attributes, BoundedVec, Metadata, Patch},
    calls, events,
    ids::{CategoryId, ProductGroupId, ProductId, UserId},
    inventory::Availability,
    machine,
    money::Currency,
    page::Page,
    review::Rating,
    service::ServiceSpec,
    string_enum,
    tax::{ReplaceTaxRates, TaxClass, TaxDestination, TaxRates, Taxation},
    text::{Amount, AttributeName, ExternalId, ImageUrl, LongText, Name, Query, RequiredShortText, Sku, Title},
    time::Timestamp,
    violation::{Violation, reject},
};
mod batch;
mod imports;

pub use batch::{CreateProducts, ProductResult, ProductResults};
pub use imports::{
    Import, ImportError, ImportFact, ImportKind, ImportMode, ImportQuery, ImportStatus, MAX_ERRORS, MAX_ROWS, MAX_RUNNING, ProductExport,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, collections::BTreeMap};

/// The service's name.
pub const NAME: &str = "catalog";

/// The contract of this service.
pub const SERVICE: ServiceSpec = ServiceSpec {
    name: NAME,
    description: "Owns products, prices and categories.",
    machines: &[ProductStatus::SPEC, ModerationStatus::SPEC, ImportStatus::SPEC],
    events: EVENTS,
    calls: CALLS,
    paths: &[
        "/admin/tax-rates",
        "/categories",
        "/exports/products.csv",
        "/images",
        "/imports",
        "/product-groups",
        "/products",
        "/products/by-sku",
    ],
};

machine! {
    /// The life of a product.
    ProductStatus;
    /// What can happen to a product.
    ProductFact;
    states {
        /// In preparation; only its seller and administrators see it.
        Draft = "DRAFT",
        /// On sale.
        Active = "ACTIVE",
        /// Taken off sale for now.
        Inactive = "INACTIVE",
        /// Removed for good; stored for the orders that contain it.
        Archived = "ARCHIVED",
    }
    resting { Draft, Active, Inactive }
    facts {
        /// It was put on sale. It needs a title, a price and a category.
        Activated,
        /// It was taken off sale.
        Deactivated,
        /// It was removed for good.
        Archived,
    }
    table {
        Draft, Activated => Active;
        Draft, Archived => Archived;
        Active, Deactivated => Inactive;
        Active, Archived => Archived;
        Inactive, Activated => Active;
        Inactive, Archived => Archived;
    }
}

machine! {
    /// Whether administrators let a product be sold, whatever its seller does.
    ModerationStatus;
    /// What administrators do to a product.
    ModerationFact;
    states {
        /// Nothing stands against it.
        Clear = "CLEAR",
        /// It stays off sale.
        Blocked = "BLOCKED",
    }
    resting { Clear, Blocked }
    facts {
        /// An administrator blocked it.
        Blocked,
        /// An administrator lifted the block.
        Unblocked,
    }
    table {
        Clear, Blocked => Blocked;
        Blocked, Unblocked => Clear;
    }
}

/// What administrators decided about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Moderation {
    pub status: ModerationStatus,
    /// Why it is blocked, for its seller; null while it is not.
    pub reason: Option<String>,
}

impl Default for Moderation {
    fn default() -> Moderation {
        Moderation { status: ModerationStatus::Clear, reason: None }
    }
}

/// Blocks a product.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockProduct {
    /// Why, in one line. The seller reads it.
    pub reason: RequiredShortText,
}

/// A product, in the same form in answers and events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    pub product_id: ProductId,
    /// The seller; null for the marketplace itself.
    pub seller_id: Option<UserId>,
    /// Unique in the whole marketplace, in upper case.
    pub sku: String,
    /// One line.
    pub title: String,
    /// Text of several lines; may be empty.
    pub description: String,
    /// Null while a draft has none.
    pub category_id: Option<CategoryId>,
    /// The categories it is in, from the root to `categoryId`.
    pub category_path: Vec<CategoryRef>,
    /// Null when there is none.
    pub brand: Option<String>,
    /// The seller's wish. Only ACTIVE products can be bought, unless an administrator blocked them or suspended the seller.
    pub status: ProductStatus,
    /// Whether an administrator blocked it.
    #[serde(default)]
    pub moderation: Moderation,
    /// Whether its seller is suspended, which takes it off sale. In events it is what the catalogue knew at that moment: consumers
    /// follow the events of the seller.
    #[serde(default)]
    pub is_seller_suspended: bool,
    /// Price of one unit in minor units of `currency`. Whether it includes tax is a setting of the shop, which carts and orders show.
    pub price_amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Which of the tax rates of a destination counts.
    #[serde(default)]
    pub tax_class: TaxClass,
    /// Addresses of pictures, the main one first.
    pub images: Vec<String>,
    /// Names such as size or colour with their values.
    pub attributes: BTreeMap<String, String>,
    /// The product group; products with the same id are its variants.
    pub product_group_id: Option<ProductGroupId>,
    /// The attributes, by name, in which the variants of the group differ.
    pub options: Vec<String>,
    /// The average of its published reviews. It changes without a new version. Events of a product have the rating of their
    /// moment; `ProductRatingChanged` has the newest.
    #[serde(default)]
    pub rating: Rating,
    /// Its name in another system; null when there is none.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Data of integrators. The platform does not read it, and everyone who sees the product sees it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Counts the changes of this product from 1. A copy with a higher version is newer.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed, the price included.
    pub updated_at: Timestamp,
}

impl Product {
    /// Whether it is on sale as far as the product itself goes: ACTIVE and not blocked.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.status == ProductStatus::Active && self.moderation.status == ModerationStatus::Clear
    }

    /// Whether it can be bought now, by what the catalogue answered.
    #[must_use]
    pub fn is_on_sale(&self) -> bool {
        self.is_listed() && !self.is_seller_suspended
    }
}

/// A category by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryRef {
    pub category_id: CategoryId,
    /// The name for people.
    pub name: String,
}

/// Creates a product in DRAFT. The product of a seller belongs to the seller.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProduct {
    /// No other product of the marketplace may have it.
    pub sku: Sku,
    /// One line of 1 to 200 characters.
    pub title: Title,
    /// At most 5,000 characters.
    #[serde(default)]
    pub description: Option<LongText>,
    /// Needed before the product can be activated.
    #[serde(default)]
    pub category_id: Option<CategoryId>,
    /// Maker or label.
    #[serde(default)]
    pub brand: Option<RequiredShortText>,
    /// Price of one unit in minor units, at least 1.
    pub price_amount: Amount,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Which of the tax rates of a destination counts.
    #[serde(default)]
    pub tax_class: TaxClass,
    /// At most 20, the main one first.
    #[serde(default)]
    pub images: BoundedVec<ImageUrl, 0, MAX_IMAGES>,
    /// At most 50.
    #[serde(default)]
    pub attributes: Attributes,
    /// Choose a UUID for the first variant and use it for the others too: that creates the group. A group has up to 200
    /// products of one seller.
    #[serde(default)]
    pub product_group_id: Option<ProductGroupId>,
    /// Names of attributes in which the variants differ; at most 5, and each one an attribute of this product.
    #[serde(default)]
    pub options: BoundedVec<AttributeName, 0, 5>,
    /// Its name in another system; null or absent for none.
    #[serde(default)]
    pub external_id: Option<ExternalId>,
    /// Data of integrators, which everyone who sees the product sees.
    #[serde(default)]
    pub metadata: Metadata,
}

impl CreateProduct {
    /// The smallest product. Code that names further fields takes the others from here, so that a new field does not
    /// concern it.
    #[must_use]
    pub fn new(sku: Sku, title: Title, price_amount: Amount, currency: Currency) -> CreateProduct {
        CreateProduct {
            sku,
            title,
            description: None,
            category_id: None,
            brand: None,
            price_amount,
            currency,
            tax_class: TaxClass::default(),
            images: BoundedVec::default(),
            attributes: Attributes::default(),
            product_group_id: None,
            options: BoundedVec::default(),
            external_id: None,
            metadata: Metadata::default(),
        }
    }
}

/// Changes a product. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateProduct {
    /// Can be changed while the product is a draft.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub sku: Patch<Sku>,
    /// One line.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub title: Patch<Title>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    /// At most 5,000 characters.
    pub description: Patch<LongText>,
    #[serde(skip_serializing_if = "Patch::is_absent")]
    /// Moves it to another category.
    pub category_id: Patch<CategoryId>,
    /// Null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub brand: Patch<Option<RequiredShortText>>,
    /// Price of one unit in minor units, at least 1. The former price stays in the price history.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub price_amount: Patch<Amount>,
    /// The currency of the amounts. A change needs a new `priceAmount` as well.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub currency: Patch<Currency>,
    /// Counts for carts and orders from now on.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub tax_class: Patch<TaxClass>,
    /// Replaces the whole list.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub images: Patch<BoundedVec<ImageUrl, 0, MAX_IMAGES>>,
    /// Replaces all attributes.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub attributes: Patch<Attributes>,
    /// Null removes it from its group.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub product_group_id: Patch<Option<ProductGroupId>>,
    /// Replaces the whole list.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub options: Patch<BoundedVec<AttributeName, 0, 5>>,
    /// Its name in another system; null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub external_id: Patch<Option<ExternalId>>,
    /// Replaces all metadata.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub metadata: Patch<Metadata>,
}

/// A product group with its variants. It exists as long as a product names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductGroup {
    pub product_group_id: ProductGroupId,
    /// The attributes in which the variants differ.
    pub options: Vec<GroupOption>,
    /// The oldest first.
    pub variants: Vec<Variant>,
}

/// An attribute in which the variants of a group differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupOption {
    /// The name of an attribute, such as size.
    pub name: String,
    /// The existing values, in the order of the variants.
    pub values: Vec<String>,
}

/// One product of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    #[serde(flatten)]
    pub product: Product,
    /// Null while the inventory service is unreachable.
    pub availability: Option<Availability>,
}

/// A present or former price of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PriceHistoryEntry {
    pub product_id: ProductId,
    /// In minor units of `currency`.
    pub price_amount: i64,
    /// The currency of the amounts.
    pub currency: Currency,
    /// When it became valid.
    pub changed_at: Timestamp,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    pub category_id: CategoryId,
    /// Unique among its siblings.
    pub name: String,
    /// Null for a root.
    pub parent_category_id: Option<CategoryId>,
}

/// A category with all its descendants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryNode {
    pub category_id: CategoryId,
    /// Unique among its siblings.
    pub name: String,
    /// Null for a root.
    pub parent_category_id: Option<CategoryId>,
    /// Sorted by name.
    pub children: Vec<CategoryNode>,
}

/// The whole tree of categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryTree {
    /// The roots, sorted by name.
    pub items: Vec<CategoryNode>,
    /// Always null: the tree is one page.
    pub next_cursor: Option<String>,
}

/// Creates a category.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCategory {
    /// No sibling may have it.
    pub name: Name,
    /// Null or absent for a root.
    #[serde(default)]
    pub parent_category_id: Option<CategoryId>,
}

/// Changes a category. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateCategory {
    /// No sibling may have it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub name: Patch<Name>,
    /// Moves it with all its descendants; null makes it a root.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub parent_category_id: Patch<Option<CategoryId>>,
}

/// The ids of many products.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductLookup {
    /// 1 to 200 ids.
    pub product_ids: BoundedVec<ProductId, 1, 200>,
    /// Where they would be shipped, for the tax rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_destination: Option<TaxDestination>,
}

impl ProductLookup {
    /// Looks products up without the rates of a destination.
    #[must_use]
    pub fn of(product_ids: BoundedVec<ProductId, 1, 200>) -> ProductLookup {
        ProductLookup { product_ids, tax_destination: None }
    }
}

/// The products that were found, in any status; unknown ids are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductList {
    /// In unspecified order.
    pub items: Vec<Product>,
    /// How a sale is taxed. Without a destination it has no rates.
    #[serde(default)]
    pub taxation: Taxation,
}

/// Up to 100 ids of products, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductIds(Vec<ProductId>);

impl ProductIds {
    pub const MAX: usize = 100;

    /// # Errors
    /// `NOT_A_UUID`, `TOO_MANY`.
    pub fn parse(text: &str) -> Result<ProductIds, Violation> {
        let bad = |_| Violation::new("NOT_A_UUID", "must be UUIDs in their hyphenated form, separated by commas");
        let ids = text.split(',').map(|id| id.parse::<ProductId>().map_err(bad)).collect::<Result<Vec<_>, _>>()?;
        if ids.len() > ProductIds::MAX {
            return Err(Violation::new("TOO_MANY", format!("must be at most {} ids", ProductIds::MAX)));
        }
        Ok(ProductIds(ids))
    }

    #[must_use]
    pub fn as_slice(&self) -> &[ProductId] {
        &self.0
    }
}

impl Serialize for ProductIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }
}

impl<'de> Deserialize<'de> for ProductIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ProductIds::parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(reject)
    }
}

impl JsonSchema for ProductIds {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ProductIds".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let id = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
        json_schema!({"type": "string", "pattern": format!("^{id}(,{id}){{0,99}}$")})
    }
}

string_enum! {
    /// The order of a list of products.
    ProductSort {
        /// The newest first.
        Newest = "newest",
        /// The oldest first.
        Oldest = "oldest",
        /// By title, from A to Z.
        Title = "title",
        /// The lowest price first, whatever the currency.
        PriceUp = "price",
        /// The highest price first, whatever the currency.
        PriceDown = "-price",
        /// The last changed first.
        Updated = "-updatedAt",
    }
}

/// Which products a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductFilter {
    /// Only products in this category or below it.
    pub category: Option<CategoryId>,
    /// Only products of this seller. A seller who gives the own id sees products in every status.
    pub seller_id: Option<UserId>,
    /// Only products in this status. Of products that are not ACTIVE, sellers find their own and others none.
    pub status: Option<ProductStatus>,
    /// Only these products, at most 100, separated by commas. Those that the caller may not see are left out.
    pub ids: Option<ProductIds>,
    /// Only products whose title, SKU or brand contain each of these words. For a seller's own list (`sellerId`) and
    /// administrators; others use `/search`.
    pub q: Option<Query>,
    /// Only those with this name in another system. For a seller's own list (`sellerId`) and administrators.
    pub external_id: Option<ExternalId>,
    /// The order; the newest first when absent. For a seller's own list (`sellerId`) and administrators.
    pub sort: Option<ProductSort>,
}

calls! {
    /// Lists products, the newest first.
    LIST_PRODUCTS: get(()) -> Page<Product>, "/products", query ProductFilter;
    /// Creates a product, in DRAFT.
    CREATE_PRODUCT: post(CreateProduct) -> Product, "/products";
    /// Creates up to 250 products, each by itself.
    CREATE_PRODUCTS: post(CreateProducts) -> ProductResults, "/products/batch";
    /// Imports a CSV file of products, stock or prices.
    IMPORT_FILE: post_unkeyed(()) -> Import, "/imports", query ImportQuery;
    /// Reads how far an import is.
    GET_IMPORT: get(()) -> Import, "/imports/{importId}";
    /// Lists what is wrong with the rows of an import, in the order of the file. The first 10,000 errors are kept.
    LIST_IMPORT_ERRORS: get(()) -> Page<ImportError>, "/imports/{importId}/errors";
    /// Ends an import. The rows that were written stay.
    CANCEL_IMPORT: post_unkeyed(()) -> Import, "/imports/{importId}/cancel";
    /// Writes products as a CSV file that can be imported, the oldest first.
    EXPORT_PRODUCTS: get(()) -> (), "/exports/products.csv", query ProductExport;
    /// Reads a product.
    GET_PRODUCT: get(()) -> Product, "/products/{productId}";
    /// Reads the product with this SKU.
    GET_PRODUCT_BY_SKU: get(()) -> Product, "/products/by-sku/{sku}";
    /// Changes a product.
    UPDATE_PRODUCT: patch(UpdateProduct) -> Product, "/products/{productId}";
    /// Puts a product on sale.
    ACTIVATE_PRODUCT: post(()) -> Product, "/products/{productId}/activate";
    /// Takes a product off sale.
    DEACTIVATE_PRODUCT: post(()) -> Product, "/products/{productId}/deactivate";
    /// Removes a product for good.
    ARCHIVE_PRODUCT: post(()) -> Product, "/products/{productId}/archive";
    /// Takes a product off sale until an administrator lifts the block.
    BLOCK_PRODUCT: post(BlockProduct) -> Product, "/products/{productId}/block";
    /// Lifts a block.
    UNBLOCK_PRODUCT: post(()) -> Product, "/products/{productId}/unblock";
    /// Uploads a picture and adds it to the product.
    UPLOAD_PICTURE: post(()) -> Picture, "/products/{productId}/images";
    /// Lists the uploaded pictures of a product.
    LIST_PICTURES: get(()) -> PictureList, "/products/{productId}/images";
    /// Orders the pictures of a product, and removes those that are left out.
    ARRANGE_IMAGES: patch(ArrangeImages) -> Product, "/products/{productId}/images";
    /// Reads an uploaded picture.
    GET_PICTURE: get(()) -> (), "/images/{file}";
    /// Lists the prices of a product, the newest first.
    LIST_PRICE_HISTORY: get(()) -> Page<PriceHistoryEntry>, "/products/{productId}/price-history";
    /// Reads the variants of a product group, with prices and availability.
    GET_PRODUCT_GROUP: get(()) -> ProductGroup, "/product-groups/{productGroupId}";
    /// Reads the tree of categories.
    LIST_CATEGORIES: get(()) -> CategoryTree, "/categories", from "promotion";
    /// Creates a category.
    CREATE_CATEGORY: post(CreateCategory) -> Category, "/categories";
    /// Reads a category.
    GET_CATEGORY: get(()) -> Category, "/categories/{categoryId}";
    /// Renames or moves a category.
    UPDATE_CATEGORY: patch(UpdateCategory) -> Category, "/categories/{categoryId}";
    /// Deletes a category that is not in use.
    DELETE_CATEGORY: delete(()) -> (), "/categories/{categoryId}";
    /// Reads the tax rates.
    GET_TAX_RATES: get(()) -> TaxRates, "/admin/tax-rates";
    /// Replaces the tax rates. They count for carts and orders from now on.
    PUT_TAX_RATES: put(ReplaceTaxRates) -> TaxRates, "/admin/tax-rates";
    /// Reads up to 200 products at once, in any status, and the tax rates of a destination.
    LOOK_UP_PRODUCTS: query(ProductLookup) -> ProductList, "/internal/products/lookup", from "cart", "inventory", "order", "payout", "promotion", "review";
}

// Every product event carries the whole product, so that a consumer needs neither a call nor the former events.
events! {
    "PRODUCT", product_id: ProductId;
    /// A product was created, in DRAFT.
    ProductCreated {
        /// The product after the change.
        product: Product,
    }
    /// A product was changed in fields other than price and status.
    ProductUpdated {
        /// The product after the change.
        product: Product,
    }
    /// A product was put on sale.
    ProductActivated {
        /// The product after the change.
        product: Product,
    }
    /// A product was taken off sale.
    ProductDeactivated {
        /// The product after the change.
        product: Product,
    }
    /// A product was removed for good.
    ProductArchived {
        /// The product after the change.
        product: Product,
    }
    /// An administrator took a product off sale, whatever its seller does.
    ProductBlocked {
        /// The product after the change.
        product: Product,
    }
    /// An administrator lifted the block of a product.
    ProductUnblocked {
        /// The product after the change.
        product: Product,
    }
    /// The price of a product was changed. A request that changes price and other fields causes this event and
    /// `ProductUpdated`.
    PriceChanged {
        /// The product after the change.
        product: Product,
        /// The former price in minor units of `oldCurrency`.
        old_price_amount: i64,
        /// The currency of the former price.
        old_currency: Currency,
    }
    "CATEGORY", category_id: CategoryId;
    /// A category was created, renamed or moved. The category paths of the products in it and below it change as well,
    /// without further events.
    CategoryChanged {
        /// The name from now on.
        name: String,
        /// Null for a root.
        parent_category_id: Option<CategoryId>,
        /// From the root to this category.
        path: Vec<CategoryRef>,
    }
    /// A category was removed. It was empty.
    CategoryDeleted {
        /// The name it had.
        name: String,
    }
}
