//! Reads the committed catalogue.

use super::judgement::{everything, plain};
use crate::Error;
use contracts::{
    catalog::{CategoryRef, Product, ProductStatus},
    ids::{CategoryId, ProductId, Uuid},
    money::Currency,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
struct Category {
    slug: String,
    name: String,
    parent: Option<String>,
}

/// A product of the catalogue.
#[derive(Debug, Clone)]
pub struct JudgedProduct {
    pub product: Product,
    /// The slug of its category, such as `furniture/chairs`.
    pub category: String,
    /// The words of the title, as [`plain`] writes them.
    pub title: String,
    /// The words of title, description, brand and attributes.
    pub text: String,
}

/// A line of the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    sku: String,
    title: String,
    description: String,
    category: String,
    brand: Option<String>,
    price_amount: i64,
    image: Option<String>,
    attributes: BTreeMap<String, String>,
    seller: String,
    product_group: Option<String>,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

/// Numbers names in the order of their first use.
#[derive(Default)]
struct Numbers(HashMap<String, u128>);

impl Numbers {
    fn of(&mut self, name: &str) -> Uuid {
        let next = self.0.len() as u128 + 1;
        Uuid::from_u128(*self.0.entry(name.to_owned()).or_insert(next))
    }
}

/// Returns the products in the order of the file, with the same ids each time.
///
/// # Errors
/// [`Error::Judgement`] when the text has another format.
pub fn read_products(products: &str, categories: &str) -> Result<Vec<JudgedProduct>, Error> {
    let bad = |what: &str, error: &dyn std::fmt::Display| Error::Judgement(format!("{what} of the catalogue: {error}"));
    let categories: Vec<Category> = serde_json::from_str(categories).map_err(|error| bad("the categories", &error))?;
    let mut paths: HashMap<String, Vec<CategoryRef>> = HashMap::new();
    for (number, Category { slug, name, parent }) in (1..).zip(categories) {
        let mut path = parent.and_then(|parent| paths.get(&parent).cloned()).unwrap_or_default();
        path.push(CategoryRef { category_id: CategoryId(Uuid::from_u128(number)), name });
        paths.insert(slug, path);
    }
    let (mut sellers, mut groups) = (Numbers::default(), Numbers::default());
    let mut read = Vec::new();
    for (number, line) in (1..).zip(products.lines()) {
        let invalid = |error: &dyn std::fmt::Display| bad(&format!("line {number}"), error);
        let line: Line = serde_json::from_str(line).map_err(|error| invalid(&error))?;
        let path = paths.get(&line.category).ok_or_else(|| invalid(&"its category is not known"))?;
        let category = line.category.clone();
        let product = product(number, line, path, &mut sellers, &mut groups).map_err(|error| invalid(&error))?;
        read.push(JudgedProduct { title: plain(&product.title), text: everything(&product), product, category });
    }
    Ok(read)
}

/// Returns the product of a line. It is built from JSON, so that fields without a meaning for relevance need not be listed.
fn product(number: u32, line: Line, path: &[CategoryRef], sellers: &mut Numbers, groups: &mut Numbers) -> serde_json::Result<Product> {
    let created_at = Timestamp(i64::from(number));
    let options: Vec<&String> = line.options.keys().collect();
    let attributes: BTreeMap<&String, &String> = line.attributes.iter().chain(&line.options).collect();
    serde_json::from_value(json!({
        "productId": ProductId(Uuid::from_u128(number.into())), "sellerId": sellers.of(&line.seller), "sku": line.sku,
        "title": line.title, "description": line.description, "categoryId": path.last().map(|category| category.category_id),
        "categoryPath": path, "brand": line.brand, "status": ProductStatus::Active, "priceAmount": line.price_amount,
        "currency": Currency::EUR, "images": Vec::from_iter(line.image), "attributes": attributes,
        "productGroupId": line.product_group.map(|group| groups.of(&group)), "options": options, "version": 1,
        "createdAt": created_at, "updatedAt": created_at,
    }))
}
