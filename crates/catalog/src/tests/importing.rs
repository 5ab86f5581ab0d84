use super::*;
use crate::import::{Imported, NewCategory, NewProduct, categories, products};
use contracts::{catalog::CategoryTree, text::Name};

fn new_category(slug: &str, name: &str, parent: Option<&str>) -> NewCategory {
    NewCategory { slug: slug.into(), name: Name::parse(name).unwrap(), parent: parent.map(str::to_owned) }
}

fn new_products(seller: UserId, category: CategoryId, count: usize) -> Vec<NewProduct> {
    let product = |n| serde_json::from_value(lamp_in(&format!("LAMP-{n}"), category)).unwrap();
    (0..count).map(|n| NewProduct { seller_id: Some(seller), product: product(n) }).collect()
}

#[tokio::test]
async fn a_second_import_changes_nothing() {
    let h = catalog().await;
    let seller = h.id();
    let list =
        vec![new_category("home", "Home", None), new_category("home/lamps", "Lamps", Some("home")), new_category("lamps", "Lamps", None)];
    let ids = categories(h.db(), list.clone()).await.unwrap();
    let lamps = ids["home/lamps"];
    assert_eq!(products(h.db(), new_products(seller, lamps, 450)).await.unwrap(), Imported { made: 450, known: 0 });
    let before = emitted_types(&h).await;
    assert_eq!(before.iter().filter(|event| *event == "ProductCreated").count(), 450);
    assert_eq!(before.iter().filter(|event| *event == "ProductActivated").count(), 450);
    assert_eq!(before.iter().filter(|event| *event == "CategoryChanged").count(), 3);

    // A product that was edited since is not overwritten.
    let edited: Product = h.get("/products/by-sku/LAMP-7").send().await.expect(200).read();
    h.patch(&path(&edited), &json!({"title": "Edited"})).seller(seller).send().await.expect(200);
    assert_eq!(categories(h.db(), list).await.unwrap(), ids);
    assert_eq!(products(h.db(), new_products(seller, lamps, 451)).await.unwrap(), Imported { made: 1, known: 450 });
    assert_eq!(emitted_types(&h).await.len(), before.len() + 3);
    assert_eq!(h.get(&path(&edited)).send().await.json()["title"], "Edited");
}

#[tokio::test]
async fn imported_products_equal_created_ones() {
    let h = catalog().await;
    let seller = h.id();
    let ids = categories(h.db(), vec![new_category("home", "Home", None), new_category("lamps", "Lamps", Some("home"))]).await.unwrap();
    products(h.db(), new_products(seller, ids["lamps"], 1)).await.unwrap();
    let imported: Product = h.get("/products/by-sku/LAMP-0").send().await.expect(200).read();
    let made = create_active(&h, seller, &lamp_in("LAMP-9", ids["lamps"])).await;
    let alike = Product { product_id: made.product_id, sku: made.sku.clone(), ..imported.clone() };
    assert_eq!(alike, made);
    assert_eq!(skus(&h.get(&format!("/products?category={}", ids["home"])).send().await).len(), 2);
    assert_eq!(h.get(&format!("{}/price-history", path(&imported))).send().await.json()["items"].as_array().unwrap().len(), 1);
    let tree: CategoryTree = h.get("/categories").send().await.expect(200).read();
    assert_eq!(tree.items[0].children[0].category_id, ids["lamps"]);
}

#[tokio::test]
async fn an_invalid_import_is_refused() {
    let h = catalog().await;
    let orphan = categories(h.db(), vec![new_category("home", "Home", None), new_category("lamps", "Lamps", Some("nowhere"))]).await;
    assert!(matches!(orphan, Err(crate::Error::UnknownCategory(_))));
    assert_eq!(h.get("/categories").send().await.json()["items"], json!([]));
    let nowhere = products(h.db(), new_products(h.id(), h.id(), 1)).await;
    assert!(matches!(nowhere, Err(crate::Error::UnknownCategory(_))));
    let without = NewProduct { seller_id: None, product: serde_json::from_value(lamp("LAMP-1")).unwrap() };
    assert!(matches!(products(h.db(), vec![without]).await, Err(crate::Error::Incomplete(_))));
    assert_eq!(emitted_types(&h).await.len(), 0);
}
