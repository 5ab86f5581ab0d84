//! The committed catalogue as products.

use crate::Error;
use contracts::{
    catalog::{CategoryRef, Product, ProductStatus},
    ids::{CategoryId, ProductGroupId, ProductId, UserId, Uuid},
    money::Currency,
    time::Timestamp,
};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

#[derive(Deserialize)]
struct Category {
    slug: String,
    name: String,
    parent: Option<String>,
}

/// A good of the catalogue.
#[derive(Debug, Clone)]
pub struct JudgedProduct {
    pub product: Product,
    /// The slug of its category, such as `furniture/chairs`.
    pub shelf: String,
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

/// Numbers names in the order in which they are met.
#[derive(Default)]
struct Numbers(HashMap<String, u128>);

impl Numbers {
    fn of(&mut self, name: &str) -> Uuid {
        let next = self.0.len() as u128 + 1;
        Uuid::from_u128(*self.0.entry(name.to_owned()).or_insert(next))
    }
}

/// The products in the order of the file, the same ids at every reading.
///
/// # Errors
/// [`Error::Judgement`] when a text has another shape.
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
        let good: Line = serde_json::from_str(line).map_err(|error| bad(&format!("line {number}"), &error))?;
        let path = paths.get(&good.category).ok_or_else(|| bad(&format!("line {number}"), &"its category is not known"))?;
        let shelf = good.category.clone();
        read.push(JudgedProduct { product: product(number, good, path, &mut sellers, &mut groups), shelf });
    }
    Ok(read)
}

fn product(number: u32, good: Line, path: &[CategoryRef], sellers: &mut Numbers, groups: &mut Numbers) -> Product {
    let at = Timestamp(i64::from(number));
    let mut attributes = good.attributes;
    attributes.extend(good.options.clone());
    Product {
        product_id: ProductId(Uuid::from_u128(number.into())),
        seller_id: Some(UserId(sellers.of(&good.seller))),
        sku: good.sku,
        title: good.title,
        description: good.description,
        category_id: path.last().map(|category| category.category_id),
        category_path: path.to_vec(),
        brand: good.brand,
        status: ProductStatus::Active,
        price_amount: good.price_amount,
        currency: Currency::EUR,
        images: good.image.into_iter().collect(),
        attributes,
        product_group_id: good.product_group.map(|group| ProductGroupId(groups.of(&group))),
        options: good.options.into_keys().collect(),
        version: 1,
        created_at: at,
        updated_at: at,
    }
}
