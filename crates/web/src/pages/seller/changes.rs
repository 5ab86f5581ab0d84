//! Changes of many products in one form.

use super::own_products::Refused;
use crate::{
    api::{Api, Caller, Failure},
    format,
    texts::SellerTexts,
};
use contracts::{
    catalog::{ACTIVATE_PRODUCT, ARCHIVE_PRODUCT, DEACTIVATE_PRODUCT, LIST_PRODUCTS, Product, UPDATE_PRODUCT},
    ids::UserId,
    inventory::SET_STOCKS,
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A row of the form as it was sent, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    pub id: String,
    pub price: String,
    pub was_price: String,
    pub stock: String,
    pub was_stock: String,
    pub is_chosen: bool,
    pub fault: String,
}

impl Change {
    /// Reads at most `limit` rows. The field `row` begins each of them; a box that is not ticked is not sent.
    pub fn read(fields: &[(String, String)], limit: usize) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        let mut chosen = Vec::new();
        for (name, value) in fields {
            if name == "row" {
                if changes.len() == limit {
                    break;
                }
                changes.push(Change { id: value.clone(), ..Change::default() });
                continue;
            }
            match (&**name, changes.last_mut()) {
                ("chosen", _) => chosen.push(value.clone()),
                ("price", Some(change)) => change.price.clone_from(value),
                ("wasPrice", Some(change)) => change.was_price.clone_from(value),
                ("stock", Some(change)) => change.stock.clone_from(value),
                ("wasStock", Some(change)) => change.was_stock.clone_from(value),
                _ => {}
            }
        }
        for change in &mut changes {
            change.is_chosen = chosen.contains(&change.id);
        }
        changes
    }

    fn has_other_price(&self) -> bool {
        self.price.trim() != self.was_price
    }
    fn has_other_stock(&self) -> bool {
        self.stock.trim() != self.was_stock
    }
}

/// The words of a refusal for one row.
pub fn words(failure: &Failure) -> String {
    match failure {
        Failure::Refused(refusal) => {
            let first = refusal.errors.first().map(|fault| fault.detail.clone());
            first.or_else(|| (!refusal.detail.is_empty()).then(|| refusal.detail.clone())).unwrap_or_else(|| refusal.title.clone())
        }
        Failure::Unreadable(error) => error.clone(),
    }
}

/// Saves what differs from what the form showed, and returns how many values were saved. Rows that are refused do not stop the others.
pub async fn save(
    api: &Api,
    caller: &Caller,
    t: &SellerTexts,
    key: &str,
    seller_id: UserId,
    mut changes: Vec<Change>,
) -> Result<usize, Refused> {
    let touched = |change: &Change| change.has_other_price() || change.has_other_stock();
    let ids: Vec<&str> = changes.iter().filter(|change| touched(change)).map(|change| &*change.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    // The currency of a price is that of the product, and nothing but the seller's own products is changed.
    let known = api.call(caller, &LIST_PRODUCTS).query("sellerId", seller_id).query("ids", ids.join(",")).query("limit", 100).send().await;
    let known: HashMap<String, Product> = match known {
        Ok(page) => page.items.into_iter().map(|product| (product.product_id.to_string(), product)).collect(),
        Err(failure) => return Err(Refused { changes, failure: Some(failure) }),
    };
    let (mut saved, mut stocks) = (0, Vec::new());
    for (index, change) in changes.iter_mut().enumerate().filter(|(_, change)| touched(change)) {
        let Some(product) = known.get(&change.id) else {
            t.no_such_product.clone_into(&mut change.fault);
            continue;
        };
        if change.has_other_price() {
            match format::parse_amount(&change.price, product.currency) {
                Some(minor) => {
                    let body = json!({"priceAmount": minor});
                    match api.call(caller, &UPDATE_PRODUCT).path(&change.id).raw_body(&body).send().await {
                        Ok(_) => saved += 1,
                        Err(failure) => change.fault = words(&failure),
                    }
                }
                None => t.not_an_amount.clone_into(&mut change.fault),
            }
        }
        if change.has_other_stock() {
            match change.stock.trim().parse::<i64>() {
                Ok(units) => {
                    stocks.push((index, json!({"sku": product.sku, "productId": product.product_id, "availableQty": units})));
                }
                Err(_) => t.not_a_number.clone_into(&mut change.fault),
            }
        }
    }
    if !stocks.is_empty() {
        let items: Vec<&Value> = stocks.iter().map(|(_, item)| item).collect();
        match api.call(caller, &SET_STOCKS).key(key).raw_body(&json!({"items": items})).send().await {
            Ok(results) => {
                for (result, (index, _)) in results.items.iter().zip(&stocks) {
                    match &result.problem {
                        None => saved += 1,
                        Some(problem) => {
                            let first = problem.errors.first().map(|fault| &fault.detail);
                            changes[*index].fault.clone_from(first.unwrap_or(&problem.detail));
                        }
                    }
                }
            }
            Err(failure) => return Err(Refused { changes, failure: Some(failure) }),
        }
    }
    if changes.iter().any(|change| !change.fault.is_empty()) { Err(Refused { changes, failure: None }) } else { Ok(saved) }
}

/// Publishes the chosen products, takes them off sale or archives them, and returns how many.
pub async fn act(api: &Api, caller: &Caller, t: &SellerTexts, action: &str, key: &str, mut changes: Vec<Change>) -> Result<usize, Refused> {
    let call = match action {
        "publish" => &ACTIVATE_PRODUCT,
        "deactivate" => &DEACTIVATE_PRODUCT,
        "archive" => &ARCHIVE_PRODUCT,
        _ => return Ok(0),
    };
    let mut done = 0;
    for change in changes.iter_mut().filter(|change| change.is_chosen) {
        // A key belongs to one request, and each product is one.
        let own_key = format!("{key}-{}", change.id);
        match api.call(caller, call).path(&change.id).key(&own_key).send().await {
            Ok(_) => done += 1,
            Err(failure) if failure.code() == "UNAUTHENTICATED" => return Err(Refused { changes, failure: Some(failure) }),
            Err(failure) => change.fault = words(&failure),
        }
    }
    if done == 0 && !changes.iter().any(|change| change.is_chosen) {
        for change in changes.iter_mut().take(1) {
            t.nothing_chosen.clone_into(&mut change.fault);
        }
        return Err(Refused { changes, failure: None });
    }
    if changes.iter().any(|change| !change.fault.is_empty()) { Err(Refused { changes, failure: None }) } else { Ok(done) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_by_its_rows() {
        let fields = [
            ("key", "k"),
            ("row", "a"),
            ("sku", "A"),
            ("chosen", "a"),
            ("price", "1.00"),
            ("wasPrice", "1.00"),
            ("row", "b"),
            ("stock", "3"),
            ("wasStock", ""),
            ("row", "c"),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let changes = Change::read(&fields, 2);
        assert_eq!(changes.len(), 2, "no more than the limit");
        assert!(changes[0].is_chosen && !changes[1].is_chosen);
        assert_eq!((changes[0].has_other_price(), changes[1].has_other_stock()), (false, true));
    }
}
