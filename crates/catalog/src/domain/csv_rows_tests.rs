use super::*;
use crate::tests::sample;
use contracts::text::MetadataValue;
use platform::csv::{Malformed, Record, RecordReader};
use proptest::{collection, option, prelude::*};

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Reads a file that was written, without its header.
fn read(text: &str) -> Vec<Vec<String>> {
    let (mut reader, mut rows) = (RecordReader::default(), Vec::new());
    let mut take = |record: Record| {
        rows.push(record.cells);
        Ok::<(), Malformed>(())
    };
    reader.push(text.as_bytes(), &mut take).unwrap();
    reader.finish(&mut take).unwrap();
    rows
}

#[test]
fn a_header_has_known_columns_once_and_those_that_are_needed() {
    for (kind, names, codes) in [
        (ImportKind::Products, &["sku", "title"][..], &[][..]),
        (ImportKind::Products, &["sku", "titel", "sku"], &["UNKNOWN_COLUMN", "DUPLICATE"]),
        (ImportKind::Products, &["title"], &["REQUIRED"]),
        (ImportKind::Stock, &["sku", "availableQty"], &[]),
        (ImportKind::Stock, &["sku", "priceAmount"], &["UNKNOWN_COLUMN", "REQUIRED"]),
        (ImportKind::Prices, &["currency", "sku", "priceAmount"], &[]),
        (ImportKind::Prices, &["sku"], &["REQUIRED", "REQUIRED"]),
    ] {
        let found = header(kind, columns(names)).map_or_else(|faults| faults, |_| Vec::new());
        assert_eq!(found.iter().map(|fault| fault.code.as_ref()).collect::<Vec<_>>(), codes, "{kind} {names:?}");
    }
    assert_eq!(header(ImportKind::Prices, columns(&[" sku ", "priceAmount", "currency"])).unwrap()[0], "sku");
    let places = header(ImportKind::Prices, columns(&["sku", "colour"])).unwrap_err();
    let places: Vec<_> = places.into_iter().map(|fault| fault.pointer.unwrap()).collect();
    assert_eq!(places, ["/1", "/priceAmount", "/currency"]);
}

#[test]
fn all_cells_of_a_row_are_checked() {
    let header = columns(PRODUCT_COLUMNS);
    let row = ["a", "", "", "x", "", "1.5", "eur", "HIGH", "GONE", "/a.webp ://", "[1]", "y", "a|!|b", "a\tb", "{\"a b\":\"\"}"];
    let errors = product_row(&header, &columns(&row)).unwrap_err();
    let found: Vec<&str> = errors.iter().filter_map(|error| error.column.as_deref()).collect();
    assert_eq!(
        found,
        [
            "sku",
            "title",
            "categoryId",
            "priceAmount",
            "currency",
            "taxClass",
            "status",
            "images",
            "attributes",
            "productGroupId",
            "options",
            "externalId",
            "metadata"
        ]
    );
    assert_eq!(product_row(&header, &columns(&["A-1"])).unwrap_err()[0].code, "CELL_COUNT");
    let stock = stock_row(&columns(&["sku", "availableQty"]), &columns(&["A-1", "-1"])).unwrap_err();
    assert_eq!((stock.len(), stock[0].column.as_deref()), (1, Some("availableQty")));
}

#[test]
fn a_row_changes_what_differs_and_nothing_else() {
    let product = Product { category_id: Some(CategoryId(Uuid::from_u128(7))), ..sample() };
    let row = |names: &[&str], cells: &[&str]| product_row(&columns(names), &columns(cells)).unwrap();
    assert!(row(&["sku"], &["LAMP-1"]).update(&product).unwrap().is_none());
    let update = row(&["sku", "title", "priceAmount", "currency"], &["LAMP-1", "Lamp", "1999", "USD"]).update(&product).unwrap().unwrap();
    assert!(update.title.is_absent() && update.price_amount.0.is_some() && update.currency.0.is_some());
    let emptied = row(&["sku", "brand", "attributes", "taxClass"], &["LAMP-1", "", "", ""]).update(&product).unwrap().unwrap();
    assert!(emptied.brand.is_absent() && emptied.tax_class.is_absent() && emptied.attributes.0.is_some_and(|names| names.is_empty()));
    let named = Product { external_id: Some("ERP-1".into()), metadata: [("shelf".to_owned(), "A 7".to_owned())].into(), ..product.clone() };
    let saved = ["sku", "externalId", "metadata"];
    assert!(row(&saved, &["LAMP-1", "ERP-1", r#"{"shelf":"A 7"}"#]).update(&named).unwrap().is_none());
    let renamed = row(&saved, &["LAMP-1", "'=ERP", ""]).update(&named).unwrap().unwrap();
    assert_eq!(renamed.external_id.0.unwrap().as_deref(), Some("=ERP"));
    assert!(renamed.metadata.0.is_some_and(|metadata| metadata.is_empty()));
    let removed = row(&saved[..2], &["LAMP-1", ""]).update(&named).unwrap().unwrap();
    assert!(removed.external_id.0.is_some_and(|id| id.is_none()) && removed.metadata.is_absent());
    let refused = row(&["sku", "categoryId"], &["LAMP-1", ""]).update(&product).unwrap_err();
    assert_eq!(refused[0].column.as_deref(), Some("categoryId"));
    let new = row(&["sku", "title"], &["LAMP-2", "Lamp"]).create().unwrap_err();
    assert_eq!(new.iter().filter_map(|error| error.column.as_deref()).collect::<Vec<_>>(), ["priceAmount", "currency"]);
}

fn line() -> impl Strategy<Value = String> {
    "[-=+@'a-z0-9,;\"|é€ ]{1,20}".prop_filter_map("a line", |text| Title::parse(&text).ok().map(Title::into_string))
}

proptest! {
    #[test]
    fn what_is_exported_imports_again_without_a_change(
        title in line(), brand in option::of(line()), description in "[-=+@'a-z,\"\n ]{0,30}", price in 1_i64..1_000_000,
        attributes in collection::btree_map("[a-z][a-z ]{0,5}[a-z]", line(), 0..5), count in 0_usize..4, category in option::of(1_u128..9),
        external_id in option::of(line()), metadata in collection::btree_map("[a-zA-Z0-9._-]{1,9}", "[-=+@'a-z,\"\n ]{0,30}", 0..4),
    ) {
        let options: Vec<String> = attributes.keys().take(2).cloned().collect();
        let product = Product {
            title,
            brand,
            description: LongText::parse(&description).unwrap().into_string(),
            price_amount: price,
            category_id: category.map(|id| CategoryId(Uuid::from_u128(id))),
            images: (0..count).map(|at| format!("/images/{at},x.webp")).collect(),
            attributes,
            options,
            external_id,
            metadata: metadata.into_iter().map(|(key, value)| (key, MetadataValue::parse(&value).unwrap().into_string())).collect(),
            ..sample()
        };
        let mut records = Records::default();
        records.header(PRODUCT_COLUMNS);
        write_product(&mut records, &product);
        let rows = read(&records.into_string());
        let header = header(ImportKind::Products, rows[0].clone()).unwrap();
        let row = product_row(&header, &rows[1]).unwrap();
        prop_assert_eq!(row.status, Some(product.status));
        let update = row.update(&product).unwrap();
        prop_assert!(update.is_none(), "{:?}", update);
    }
}
