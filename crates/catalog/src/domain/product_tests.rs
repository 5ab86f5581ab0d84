use super::*;
use crate::tests::sample;
use contracts::ids::Uuid;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn path(n: u128) -> CategoryPath {
    let category_id = CategoryId(Uuid::from_u128(n));
    CategoryPath { category_id, path: vec![CategoryRef { category_id, name: format!("Category {n}") }] }
}

/// A random update. Some of its values equal the current ones.
fn changes() -> impl Strategy<Value = Map<String, Value>> {
    let value = |name: &'static str, values: Vec<Value>| {
        proptest::option::of(proptest::sample::select(values)).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let fields = vec![
        value("sku", vec![json!("LAMP-1"), json!("LAMP-2")]).boxed(),
        value("title", vec![json!("Lamp"), json!("Light")]).boxed(),
        value("brand", vec![Value::Null, json!("Lux")]).boxed(),
        value("description", vec![json!(""), json!("Bright.")]).boxed(),
        value("priceAmount", vec![json!(1_999), json!(1_499)]).boxed(),
        value("currency", vec![json!("EUR"), json!("JPY")]).boxed(),
        value("attributes", vec![json!({"size": "M"}), json!({"colour": "red"})]).boxed(),
        value("options", vec![json!([]), json!(["size"])]).boxed(),
        value("images", vec![json!([]), json!(["/i.webp"])]).boxed(),
    ];
    fields.prop_map(|fields| fields.into_iter().flatten().collect())
}

fn facts() -> impl Strategy<Value = ProductFact> {
    proptest::sample::select(ProductStatus::FACTS)
}

proptest! {
    #[test]
    fn advance_follows_the_table_and_increments_the_version(facts in proptest::collection::vec(facts(), 0..12)) {
        let mut product = Product { category_id: Some(path(1).category_id), ..sample() };
        for (at, fact) in facts.into_iter().enumerate() {
            let (before, now) = (product.clone(), Timestamp(at as i64 + 1));
            match (before.status.transition(fact), advance(&mut product, fact, now)) {
                (Ok(to), Ok(())) => prop_assert_eq!(
                    &product,
                    &Product { status: to, version: before.version + 1, updated_at: now, ..before }
                ),
                (Err(_), Err(Error::Illegal(illegal))) => {
                    prop_assert_eq!((illegal.from, illegal.fact), (before.status, fact));
                    prop_assert_eq!(&product, &before);
                }
                (table, done) => prop_assert!(false, "{table:?} and {done:?}"),
            }
        }
    }

    #[test]
    fn an_update_reports_exactly_its_changes(
        body in changes(), to in proptest::option::of(1_u128..3), status in proptest::sample::select(ProductStatus::STATES),
    ) {
        let before = Product { status, category_id: Some(path(1).category_id), category_path: path(1).path, ..sample() };
        let mut product = before.clone();
        let body: UpdateProduct = serde_json::from_value(Value::Object(body)).unwrap();
        match revise(&mut product, body, to.map(path), Timestamp(7)) {
            Ok(changed) => {
                let price = (before.price_amount, before.currency) != (product.price_amount, product.currency);
                let rest = |product: &Product| Product {
                    price_amount: 1, currency: Currency::EUR, version: 1, updated_at: Timestamp(0), ..product.clone()
                };
                prop_assert_eq!(changed.old_price, price.then_some((before.price_amount, before.currency)));
                prop_assert_eq!(changed.content, rest(&product) != rest(&before));
                prop_assert_eq!(changed.moved, product.category_id != before.category_id);
                prop_assert_eq!(product.version, before.version + i64::from(!changed.is_empty()));
                prop_assert_eq!(product.updated_at, if changed.is_empty() { before.updated_at } else { Timestamp(7) });
                prop_assert!(status == ProductStatus::Draft || product.sku == before.sku);
                prop_assert!(!status.is_final());
                prop_assert!(product.options.iter().all(|name| product.attributes.contains_key(name)));
                prop_assert_eq!(product.status, before.status);
            }
            Err(Error::NotEditable { .. }) => prop_assert!(status != ProductStatus::Draft),
            Err(Error::Invalid(_)) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn the_tag_depends_on_version_and_category_names() {
    let product = Product { category_path: path(1).path, ..sample() };
    let mut renamed = product.clone();
    renamed.category_path[0].name = "Other".into();
    let newer = Product { version: 2, ..product.clone() };
    let without = Product { category_path: Vec::new(), ..product.clone() };
    let tags = [&product, &renamed, &newer, &without].map(etag);
    for (at, tag) in tags.iter().enumerate() {
        assert!(!tags[..at].contains(tag), "{tag}");
    }
    assert_eq!(etag(&product), etag(&product.clone()));
}

#[test]
fn option_values_are_unique_and_in_the_order_of_the_variants() {
    let variant = |size: &str, options: &[&str]| Product {
        attributes: [("size".to_owned(), size.to_owned()), ("fabric".to_owned(), "linen".to_owned())].into(),
        options: options.iter().map(|name| (*name).to_owned()).collect(),
        ..sample()
    };
    let options = options_of(&[variant("S", &["size"]), variant("L", &["size", "fabric"]), variant("S", &[])]);
    let shown: Vec<_> = options.iter().map(|option| (option.name.as_str(), option.values.join(","))).collect();
    assert_eq!(shown, [("size", "S,L".to_owned()), ("fabric", "linen".to_owned())]);
}

#[test]
fn the_hash_in_the_tag_is_fnv_1a() {
    assert_eq!(fnv1a([].into_iter()), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a([b"foobar".as_slice()].into_iter()), 0x3452_4ba7_168a_2c15);
    assert_ne!(fnv1a([b"ab".as_slice(), b"c"].into_iter()), fnv1a([b"a".as_slice(), b"bc"].into_iter()));
}

#[test]
fn only_a_new_group_is_joined() {
    let group = |n: u128| json!(Uuid::from_u128(n));
    let before = Product { product_group_id: Some(Uuid::from_u128(1).into()), ..sample() };
    for (product, body, joined) in [
        (sample(), json!({"productGroupId": group(1)}), true),
        (before.clone(), json!({"productGroupId": group(2)}), true),
        (before.clone(), json!({"productGroupId": group(1), "title": "Light"}), false),
        (before.clone(), json!({"title": "Light"}), false),
        (before, json!({"productGroupId": null}), false),
    ] {
        let changed = revise(&mut product.clone(), serde_json::from_value(body.clone()).unwrap(), None, Timestamp(1)).unwrap();
        assert_eq!((changed.joined, changed.content), (joined, true), "{body}");
    }
}

#[test]
fn only_the_activation_needs_a_category() {
    let active = Product { status: ProductStatus::Active, ..sample() };
    advance(&mut active.clone(), ProductFact::Deactivated, Timestamp(1)).unwrap();
    advance(&mut active.clone(), ProductFact::Archived, Timestamp(1)).unwrap();
    let refused = advance(&mut sample(), ProductFact::Activated, Timestamp(1));
    assert!(matches!(refused, Err(Error::Incomplete("categoryId"))), "{refused:?}");
}
