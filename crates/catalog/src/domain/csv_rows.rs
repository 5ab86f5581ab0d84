//! The rows of CSV files: their columns, what a cell may be, and how a product is written.

use contracts::{
    body::{Attributes, BoundedInt, BoundedVec, Metadata},
    catalog::{CreateProduct, ImportKind, Product, ProductStatus, UpdateProduct},
    ids::{CategoryId, ProductGroupId, ProductId, Uuid},
    inventory::{MAX_QTY, SetStockItem},
    money::Currency,
    problem::Fault,
    tax::TaxClass,
    text::{Amount, AttributeName, ExternalId, ImageUrl, LongText, RequiredShortText, Sku, Title},
    violation::Violation,
};
use platform::csv::{Records, read_text};
use serde::de::DeserializeOwned;
use std::{borrow::Cow, collections::BTreeMap, str::FromStr};

/// The columns of a file of products, in the order of exports.
pub const PRODUCT_COLUMNS: &[&str] = &[
    "sku",
    "title",
    "description",
    "categoryId",
    "brand",
    "priceAmount",
    "currency",
    "taxClass",
    "status",
    "images",
    "attributes",
    "productGroupId",
    "options",
    "externalId",
    "metadata",
];
const STOCK_COLUMNS: &[&str] = &["sku", "availableQty", "lowStockThreshold", "productId"];
const PRICE_COLUMNS: &[&str] = &["sku", "priceAmount", "currency"];

/// What separates images, which have no space, and options, which have no bar.
const IMAGE_SEPARATOR: char = ' ';
const OPTION_SEPARATOR: char = '|';

/// What is wrong with a cell or a whole row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    pub column: Option<Cow<'static, str>>,
    pub code: Cow<'static, str>,
    pub detail: String,
}

impl RowError {
    #[must_use]
    pub fn of_row(code: &'static str, detail: impl Into<String>) -> RowError {
        RowError { column: None, code: code.into(), detail: detail.into() }
    }

    #[must_use]
    pub fn at(column: &'static str, code: &'static str, detail: impl Into<String>) -> RowError {
        RowError { column: Some(column.into()), code: code.into(), detail: detail.into() }
    }
}

/// Checks the header of a file, and returns its columns.
///
/// # Errors
/// A fault for each column that is unknown or named twice, at its number from 0, and for each that is missing, at its name.
pub fn header(kind: ImportKind, cells: Vec<String>) -> Result<Vec<String>, Vec<Fault>> {
    let (known, required): (&[&str], &[&str]) = match kind {
        ImportKind::Products => (PRODUCT_COLUMNS, &["sku"]),
        ImportKind::Stock => (STOCK_COLUMNS, &["sku", "availableQty"]),
        ImportKind::Prices => (PRICE_COLUMNS, PRICE_COLUMNS),
    };
    let names: Vec<String> = cells.into_iter().map(|cell| cell.trim().to_owned()).collect();
    let mut faults = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let detail = format!("the column {name:?} is unknown; the columns are {}", known.join(", "));
            faults.push(Fault::at(format!("/{at}"), "UNKNOWN_COLUMN", detail));
        } else if names[..at].contains(name) {
            faults.push(Fault::at(format!("/{at}"), "DUPLICATE", format!("the column {name} is named twice")));
        }
    }
    for name in required.iter().filter(|name| !names.iter().any(|given| given == *name)) {
        faults.push(Fault::at(format!("/{name}"), "REQUIRED", format!("the column {name} is missing")));
    }
    if faults.is_empty() { Ok(names) } else { Err(faults) }
}

/// The cells of a row by column, and the errors that were found in them.
struct Cells<'a> {
    header: &'a [String],
    cells: &'a [String],
    errors: Vec<RowError>,
}

impl Cells<'_> {
    fn text(&self, column: &str) -> Option<&str> {
        let at = self.header.iter().position(|name| name == column)?;
        self.cells.get(at).map(|cell| read_text(cell))
    }

    /// Reads a cell that may be absent; empty is read as `empty` says.
    fn read<T>(
        &mut self,
        column: &'static str,
        empty: impl FnOnce() -> Result<Option<T>, Violation>,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let parsed = match self.text(column)? {
            "" => empty(),
            text => parse(text).map(Some),
        };
        parsed.unwrap_or_else(|Violation { code, detail }| {
            self.errors.push(RowError { column: Some(column.into()), code: code.into(), detail });
            None
        })
    }

    /// Reads a cell that is never empty where the column exists.
    fn required<T: FromStr<Err = Violation>>(&mut self, column: &'static str) -> Option<T> {
        self.read(column, required, str::parse)
    }

    /// Reads a cell that says nothing where it is empty.
    fn optional<T: FromStr<Err = Violation>>(&mut self, column: &'static str) -> Option<T> {
        self.read(column, || Ok(None), str::parse)
    }
}

fn required<T>() -> Result<Option<T>, Violation> {
    Err(Violation::new("REQUIRED", "must not be empty"))
}

fn integer(text: &str) -> Result<i64, Violation> {
    text.parse().map_err(|_| Violation::new("NOT_A_NUMBER", "must be a whole number without separators"))
}

fn id<T: FromStr>(text: &str) -> Result<T, Violation> {
    text.parse().map_err(|_| Violation::new("NOT_A_UUID", "must be a UUID in its hyphenated form"))
}

/// A row of a file of products or prices. What is absent stays as it is.
#[derive(Debug, Clone)]
pub struct ProductRow {
    pub sku: Sku,
    title: Option<Title>,
    description: Option<LongText>,
    /// `Some(None)` for an empty cell.
    pub category_id: Option<Option<CategoryId>>,
    brand: Option<Option<RequiredShortText>>,
    price_amount: Option<Amount>,
    currency: Option<Currency>,
    tax_class: Option<TaxClass>,
    pub status: Option<ProductStatus>,
    images: Option<BoundedVec<ImageUrl, 0, 20>>,
    attributes: Option<Attributes>,
    product_group_id: Option<Option<ProductGroupId>>,
    options: Option<BoundedVec<AttributeName, 0, 5>>,
    external_id: Option<Option<ExternalId>>,
    metadata: Option<Metadata>,
}

/// Reads a row of products or prices.
///
/// # Errors
/// Everything that is wrong with its cells.
pub fn product_row(header: &[String], cells: &[String]) -> Result<ProductRow, Vec<RowError>> {
    let mut row = open(header, cells)?;
    let sku = row.required::<Sku>("sku");
    let read = ProductRow {
        title: row.required("title"),
        description: row.read("description", || LongText::parse("").map(Some), LongText::parse),
        category_id: row.read("categoryId", || Ok(Some(None)), |text| id(text).map(Some)),
        brand: row.read("brand", || Ok(Some(None)), |text| text.parse().map(Some)),
        price_amount: row.read("priceAmount", required, |text| Amount::new(integer(text)?)),
        currency: row.required("currency"),
        tax_class: row.optional("taxClass"),
        status: row.optional("status"),
        images: row.read("images", || Ok(Some(BoundedVec::default())), |text| list(text, IMAGE_SEPARATOR)),
        attributes: row.read("attributes", || Ok(Some(Attributes::default())), |text| object_of_texts(text, "NOT_ATTRIBUTES")),
        product_group_id: row.read("productGroupId", || Ok(Some(None)), |text| id(text).map(Some)),
        options: row.read("options", || Ok(Some(BoundedVec::default())), |text| list(text, OPTION_SEPARATOR)),
        external_id: row.read("externalId", || Ok(Some(None)), |text| text.parse().map(Some)),
        metadata: row.read("metadata", || Ok(Some(Metadata::default())), |text| object_of_texts(text, "NOT_METADATA")),
        sku: match sku {
            Some(sku) => sku,
            None => return Err(row.errors),
        },
    };
    if row.errors.is_empty() { Ok(read) } else { Err(row.errors) }
}

fn object_of_texts<T: DeserializeOwned>(text: &str, code: &'static str) -> Result<T, Violation> {
    serde_json::from_str(text).map_err(|error| Violation::new(code, format!("must be a JSON object of texts: {error}")))
}

fn list<T: FromStr<Err = Violation>, const MAX: usize>(text: &str, separator: char) -> Result<BoundedVec<T, 0, MAX>, Violation> {
    BoundedVec::new(text.split(separator).filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>()?)
}

/// Reads a row of stock, without the product, which follows from the SKU. `Some` of the product that the row names.
///
/// # Errors
/// Everything that is wrong with its cells.
pub fn stock_row(header: &[String], cells: &[String]) -> Result<(SetStockItem, Option<ProductId>), Vec<RowError>> {
    let mut row = open(header, cells)?;
    let sku = row.required::<Sku>("sku");
    let quantity = |text: &str| BoundedInt::<0, MAX_QTY>::new(integer(text)?);
    let available = row.read("availableQty", required, quantity);
    let low_stock_threshold = row.read("lowStockThreshold", || Ok(None), quantity);
    let product = row.read("productId", || Ok(None), id::<ProductId>);
    match (sku, available, row.errors.is_empty()) {
        (Some(sku), Some(available_qty), true) => {
            Ok((SetStockItem { sku, product_id: ProductId(Uuid::nil()), available_qty, low_stock_threshold }, product))
        }
        _ => Err(row.errors),
    }
}

fn open<'a>(header: &'a [String], cells: &'a [String]) -> Result<Cells<'a>, Vec<RowError>> {
    if cells.len() != header.len() {
        let detail = format!("has {} cells, and the header has {}", cells.len(), header.len());
        return Err(vec![RowError::of_row("CELL_COUNT", detail)]);
    }
    Ok(Cells { header, cells, errors: Vec::new() })
}

impl ProductRow {
    /// The request that creates the product.
    ///
    /// # Errors
    /// The columns that a new product needs and the row lacks.
    pub fn create(self) -> Result<CreateProduct, Vec<RowError>> {
        let missing =
            [("title", self.title.is_none()), ("priceAmount", self.price_amount.is_none()), ("currency", self.currency.is_none())];
        let errors = missing.iter().filter(|(_, is_missing)| *is_missing);
        let errors: Vec<_> = errors.map(|(column, _)| RowError::at(column, "REQUIRED", "is needed for a product that is new")).collect();
        let (Some(title), Some(price_amount), Some(currency)) = (self.title, self.price_amount, self.currency) else { return Err(errors) };
        Ok(CreateProduct {
            description: self.description,
            category_id: self.category_id.flatten(),
            brand: self.brand.flatten(),
            tax_class: self.tax_class.unwrap_or_default(),
            images: self.images.unwrap_or_default(),
            attributes: self.attributes.unwrap_or_default(),
            product_group_id: self.product_group_id.flatten(),
            options: self.options.unwrap_or_default(),
            external_id: self.external_id.flatten(),
            metadata: self.metadata.unwrap_or_default(),
            ..CreateProduct::new(self.sku, title, price_amount, currency)
        })
    }

    /// The request that changes what differs from the product; none when nothing does.
    ///
    /// # Errors
    /// An empty category for a product that has one.
    pub fn update(self, product: &Product) -> Result<Option<UpdateProduct>, Vec<RowError>> {
        if self.category_id == Some(None) && product.category_id.is_some() {
            return Err(vec![RowError::at("categoryId", "REQUIRED", "must not be empty for a product that has a category")]);
        }
        let texts = |texts: &[ImageUrl]| texts.iter().map(|url| url.as_str().to_owned()).collect::<Vec<_>>();
        let names = |names: &[AttributeName]| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        let mut update = UpdateProduct::default();
        update.title.0 = self.title.filter(|title| title.as_str() != product.title);
        update.description.0 = self.description.filter(|text| text.as_str() != product.description);
        update.category_id.0 = self.category_id.flatten().filter(|id| Some(*id) != product.category_id);
        update.brand.0 = self.brand.filter(|brand| brand.as_deref() != product.brand.as_deref());
        update.price_amount.0 = self.price_amount.filter(|amount| amount.get() != product.price_amount);
        if let Some(currency) = self.currency.filter(|currency| *currency != product.currency) {
            update.currency.0 = Some(currency);
            // A price in another currency is another price, also with the same number.
            update.price_amount.0 = self.price_amount;
        }
        update.tax_class.0 = self.tax_class.filter(|class| *class != product.tax_class);
        update.images.0 = self.images.filter(|images| texts(images) != product.images);
        update.attributes.0 = self.attributes.filter(|attributes| **attributes != product.attributes);
        update.product_group_id.0 = self.product_group_id.filter(|group| *group != product.product_group_id);
        update.options.0 = self.options.filter(|options| names(options) != product.options);
        update.external_id.0 = self.external_id.filter(|id| id.as_deref() != product.external_id.as_deref());
        update.metadata.0 = self.metadata.filter(|metadata| **metadata != product.metadata);
        let is_empty = serde_json::to_value(&update).is_ok_and(|value| value.as_object().is_some_and(serde_json::Map::is_empty));
        Ok((!is_empty).then_some(update))
    }
}

/// Writes a product as a row of [`PRODUCT_COLUMNS`].
pub fn write_product(records: &mut Records, product: &Product) {
    let join = |parts: &[String], separator: char| parts.join(&separator.to_string());
    let object = |texts: &BTreeMap<String, String>| match texts.is_empty() {
        true => String::new(),
        false => serde_json::to_string(texts).unwrap_or_default(),
    };
    let optional = |id: Option<String>| id.unwrap_or_default();
    records
        .text(&product.sku)
        .text(&product.title)
        .text(&product.description)
        .plain(optional(product.category_id.map(|id| id.to_string())))
        .text(product.brand.as_deref().unwrap_or(""))
        .plain(product.price_amount)
        .plain(product.currency)
        .plain(product.tax_class)
        .plain(product.status)
        .text(&join(&product.images, IMAGE_SEPARATOR))
        .text(&object(&product.attributes))
        .plain(optional(product.product_group_id.map(|id| id.to_string())))
        .text(&join(&product.options, OPTION_SEPARATOR))
        .text(product.external_id.as_deref().unwrap_or(""))
        .text(&object(&product.metadata))
        .end();
}

#[cfg(test)]
#[path = "csv_rows_tests.rs"]
mod tests;
