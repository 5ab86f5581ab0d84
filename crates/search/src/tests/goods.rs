//! The demo catalogue as products, for what needs real words.

use contracts::{
    catalog::{CategoryRef, Product, ProductStatus},
    ids::{CategoryId, ProductGroupId, ProductId, UserId, Uuid},
    money::Currency,
    time::Timestamp,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// 2026-01-01.
const BEGINNING: i64 = 1_767_225_600_000_000;

fn read(file: &str) -> String {
    let path = format!("{}/../../demo/catalogue/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every good, in the order of the file.
pub fn all() -> Vec<Product> {
    let categories: Vec<Value> = serde_json::from_str(&read("categories.json")).unwrap();
    let mut paths: HashMap<String, Vec<CategoryRef>> = HashMap::new();
    for (number, category) in (1..).zip(&categories) {
        let mut path = category["parent"].as_str().map(|parent| paths[parent].clone()).unwrap_or_default();
        path.push(CategoryRef { category_id: CategoryId(Uuid::from_u128(number)), name: category["name"].as_str().unwrap().into() });
        paths.insert(category["slug"].as_str().unwrap().into(), path);
    }
    let mut names: HashMap<String, u128> = HashMap::new();
    let mut number_of = |name: &str| {
        let next = names.len() as u128 + 1;
        Uuid::from_u128(*names.entry(name.to_owned()).or_insert(next))
    };
    let lines = read("products.jsonl");
    let goods = lines.lines().zip(1_i64..).map(|(line, number)| {
        let good: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| good[name].as_str().map(str::to_owned);
        let map = |name: &str| serde_json::from_value::<BTreeMap<String, String>>(good[name].clone()).unwrap_or_default();
        let path = paths[good["category"].as_str().unwrap()].clone();
        let (mut attributes, options) = (map("attributes"), map("options"));
        attributes.extend(options.clone());
        let at = Timestamp(BEGINNING + number);
        Product {
            product_id: ProductId(Uuid::from_u128(u128::from(number.unsigned_abs()))),
            seller_id: text("seller").map(|seller| UserId(number_of(&seller))),
            sku: text("sku").unwrap(),
            title: text("title").unwrap(),
            description: text("description").unwrap_or_default(),
            category_id: path.last().map(|category| category.category_id),
            category_path: path,
            brand: text("brand"),
            status: ProductStatus::Active,
            price_amount: good["priceAmount"].as_i64().unwrap(),
            currency: Currency::EUR,
            images: text("image").into_iter().collect(),
            attributes,
            product_group_id: text("productGroup").map(|group| ProductGroupId(number_of(&group))),
            options: options.into_keys().collect(),
            version: 1,
            created_at: at,
            updated_at: at,
        }
    });
    goods.collect()
}
