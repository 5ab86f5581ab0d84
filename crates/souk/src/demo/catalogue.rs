//! Reads the demo catalogue, which is embedded in the program.

use anyhow::{Context as _, Result};
use catalog::import::{NewCategory, NewProduct};
use contracts::{
    body::{Attributes, BoundedVec, Metadata},
    catalog::CreateProduct,
    ids::{CategoryId, ProductGroupId, ProductId, UserId, Uuid},
    secret::PayoutAccount,
    seller::ApplySeller,
    text::{AttributeName, Country, Email, ImageUrl, LongText, Name, RequiredShortText, Sku, Title},
};
use inventory::StockImport;
use rust_embed::RustEmbed;
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};

#[derive(RustEmbed)]
#[folder = "../../demo/catalogue/"]
pub struct Catalogue;

/// A seller of the demo.
#[derive(Deserialize)]
pub struct Seller {
    pub slug: String,
    pub name: String,
    pub email: String,
}

impl Seller {
    /// Returns the application that the demo approves at once.
    pub fn application(&self) -> Result<ApplySeller> {
        Ok(ApplySeller {
            shop_name: Name::parse(&self.name)?,
            legal_name: RequiredShortText::parse(&self.name)?,
            country: Country::parse("DE")?,
            contact_email: Some(Email::parse(&self.email)?),
            description: None,
            external_id: None,
            metadata: Metadata::default(),
            payout_account: PayoutAccount::parse("po_ok")?,
        })
    }
}

#[derive(Deserialize)]
struct Category {
    slug: String,
    name: String,
    parent: Option<String>,
}

/// One line of `products.jsonl`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DemoProduct {
    pub sku: String,
    pub title: String,
    description: String,
    category: String,
    brand: Option<String>,
    pub price_amount: i64,
    currency: String,
    image: Option<String>,
    attributes: BTreeMap<String, String>,
    seller: String,
    stock: i64,
    product_group: Option<String>,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

/// Returns a file of the catalogue.
pub fn text(path: &str) -> Result<String> {
    let file = Catalogue::get(path).with_context(|| format!("{path} is not in the program"))?;
    String::from_utf8(file.data.into_owned()).with_context(|| format!("{path} is not UTF-8"))
}

fn json<T: DeserializeOwned>(path: &str) -> Result<T> {
    serde_json::from_str(&text(path)?).with_context(|| format!("{path} has an unexpected format"))
}

pub fn sellers() -> Result<Vec<Seller>> {
    json("sellers.json")
}

pub fn categories() -> Result<Vec<NewCategory>> {
    let categories: Vec<Category> = json("categories.json")?;
    categories.into_iter().map(|c| Ok(NewCategory { name: Name::parse(&c.name)?, slug: c.slug, parent: c.parent })).collect()
}

/// Returns the products ordered by a hash of their SKUs, so that the newest products are of every category.
pub fn products() -> Result<Vec<DemoProduct>> {
    let lines = text("products.jsonl")?;
    let mut products = lines.lines().map(|line| serde_json::from_str(line).context("a product")).collect::<Result<Vec<DemoProduct>>>()?;
    products.sort_by_cached_key(|product| Sha256::digest(product.sku.as_bytes()));
    Ok(products)
}

impl DemoProduct {
    pub fn parse(&self, categories: &HashMap<String, CategoryId>, sellers: &HashMap<String, UserId>) -> Result<NewProduct> {
        self.try_parse(categories, sellers).with_context(|| format!("the product {}", self.sku))
    }

    fn try_parse(&self, categories: &HashMap<String, CategoryId>, sellers: &HashMap<String, UserId>) -> Result<NewProduct> {
        let mut attributes = self.attributes.clone();
        attributes.extend(self.options.clone());
        let options = self.options.keys().map(|name| Ok(AttributeName::parse(name)?)).collect::<Result<Vec<_>>>()?;
        let image = self.image.as_ref().map(|path| ImageUrl::parse(&format!("/demo/{path}"))).transpose()?;
        let product = CreateProduct {
            description: Some(LongText::parse(&self.description)?),
            category_id: Some(*categories.get(&self.category).context("its category")?),
            brand: self.brand.as_deref().map(RequiredShortText::parse).transpose()?,
            images: BoundedVec::new(image.into_iter().collect())?,
            attributes: serde_json::from_value::<Attributes>(serde_json::to_value(attributes)?)?,
            product_group_id: self.product_group.as_deref().map(group_id),
            options: BoundedVec::new(options)?,
            ..CreateProduct::new(
                Sku::parse(&self.sku)?,
                Title::parse(&self.title)?,
                contracts::text::Amount::new(self.price_amount)?,
                self.currency.parse()?,
            )
        };
        Ok(NewProduct { seller_id: sellers.get(&self.seller).copied(), product })
    }

    pub fn stock(&self, ids: &HashMap<String, ProductId>, sellers: &HashMap<String, UserId>) -> Option<StockImport> {
        let sku = Sku::parse(&self.sku).ok()?;
        let product_id = *ids.get(sku.as_str())?;
        Some(StockImport { sku, product_id, seller_id: sellers.get(&self.seller).copied(), available_qty: self.stock })
    }

    pub fn is_of(&self, seller: &str) -> bool {
        self.seller == seller
    }

    /// Whether it is no bulk good and no luxury, and there is enough of it.
    pub fn suits_an_order(&self) -> bool {
        self.stock >= 20 && (2_000..15_000).contains(&self.price_amount) && self.options.is_empty()
    }

    pub fn suits_first_purchase(&self) -> bool {
        self.category.starts_with("furniture/chairs") && self.stock >= 20 && (4_000..30_000).contains(&self.price_amount)
    }
}

/// Derives the id from the name, so that it is the same in every run.
fn group_id(name: &str) -> ProductGroupId {
    let digest = Sha256::digest(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ProductGroupId(Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_of_the_catalogue_can_be_sold() {
        let slugs: HashMap<String, CategoryId> =
            categories().unwrap().into_iter().map(|category| (category.slug, CategoryId(Uuid::nil()))).collect();
        let sellers: HashMap<String, UserId> = sellers().unwrap().into_iter().map(|seller| (seller.slug, UserId(Uuid::nil()))).collect();
        let products = products().unwrap();
        assert!(products.len() > 5_000);
        for product in &products {
            let new = product.parse(&slugs, &sellers).unwrap();
            assert!(new.seller_id.is_some(), "{}", product.sku);
            let image = product.image.as_deref().unwrap();
            assert!(Catalogue::get(image).is_some(), "{image}");
        }
        assert!(products.iter().any(DemoProduct::suits_first_purchase));
        for seller in ["casa-home", "green-terrace", "lumen-photo", "workbench"] {
            assert!(products.iter().any(|product| product.is_of(seller) && product.suits_an_order()), "{seller}");
        }
    }
}
