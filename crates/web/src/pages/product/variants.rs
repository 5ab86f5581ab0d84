//! The variants of a product, as a row of links for each option.

use crate::{
    format,
    texts::{Language, goods_words},
};
use contracts::{
    catalog::{ProductGroup, Variant},
    ids::ProductId,
};

/// A value of an option.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionValue {
    pub label: String,
    /// The variant that it leads to; empty when no variant has it together with the options above.
    pub href: String,
    pub is_chosen: bool,
    pub in_stock: bool,
}

/// An option in which the variants differ, such as the size.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionRow {
    pub name: String,
    pub values: Vec<OptionValue>,
}

/// Returns a row for each option. A value leads to the variant that has it, agrees in the options above, and agrees in as many of the
/// others as possible. The values of the first option are always possible; those below depend on the choice above them.
pub fn rows(language: Language, group: &ProductGroup, shown: ProductId) -> Vec<OptionRow> {
    let Some(present) = group.variants.iter().find(|variant| variant.product.product_id == shown) else { return Vec::new() };
    let names: Vec<&str> = group.options.iter().map(|option| &*option.name).collect();
    let value_of = |variant: &Variant, name: &str| variant.product.attributes.get(name).cloned().unwrap_or_default();
    let agrees = |variant: &Variant, name: &str| value_of(variant, name) == value_of(present, name);
    let rows = group.options.iter().enumerate().map(|(place, option)| {
        let (above, below) = (&names[..place], &names[place + 1..]);
        let values = option.values.iter().map(|value| {
            let possible = group.variants.iter().filter(|variant| value_of(variant, &option.name) == *value);
            let possible = possible.filter(|variant| above.iter().all(|name| agrees(variant, name)));
            let best = possible.max_by_key(|variant| {
                let agreeing = below.iter().filter(|name| agrees(variant, name)).count();
                (agreeing, is_in_stock(variant))
            });
            OptionValue {
                label: goods_words(language, value).to_owned(),
                href: best.map(|variant| format!("/products/{}", variant.product.product_id)).unwrap_or_default(),
                is_chosen: value_of(present, &option.name) == *value,
                in_stock: best.is_some_and(is_in_stock),
            }
        });
        OptionRow { name: format::attribute(language, &option.name), values: values.collect() }
    });
    rows.collect()
}

fn is_in_stock(variant: &Variant) -> bool {
    variant.availability.as_ref().is_none_or(|stock| stock.in_stock)
}
