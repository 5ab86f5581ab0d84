//! Search by SKU: the whole one, its beginning and its middle.

use super::Shop;

#[tokio::test]
async fn an_exact_sku_is_first_with_hyphens_or_without() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("AB-12-X", "Something else"),
        shop.product("AB-12-X-LARGE", "AB-12-X large, the AB-12-X of all"),
        shop.product("ZZ-AB-12-X", "Third thing"),
        shop.product("OTHER", "Book about AB 12 X"),
    ])
    .await;
    for text in ["AB-12-X", "ab12x", "ab-12-x", "AB12-X", "ab+12+x"] {
        let found = shop.skus(&format!("q={text}")).await;
        assert_eq!(found[0], "AB-12-X", "{text}: {found:?}");
        assert!(found.contains(&"AB-12-X-LARGE".into()) && found.contains(&"ZZ-AB-12-X".into()), "{text}: {found:?}");
    }
}

#[tokio::test]
async fn prefixes_and_middles_of_skus_are_found() {
    let shop = Shop::open().await;
    shop.activate_all([shop.product("TEE-7F3A9C-RED", "Cotton shirt"), shop.product("ADJUSTABLE-LAMP", "IndexManager lamp")]).await;
    for text in ["tee-7f3", "TEE7F3A9", "7f3a9c", "f3a9", "3A9C-RED", "9cred", "red", "tee"] {
        assert_eq!(shop.skus(&format!("q={text}")).await, ["TEE-7F3A9C-RED"], "{text}");
    }
    assert_eq!(shop.skus("q=stable").await, ["ADJUSTABLE-LAMP"], "letters within a part, when nothing else is found");
    shop.activate(shop.product("HORSE-1", "Stable door")).await;
    assert_eq!(shop.skus("q=stable").await, ["HORSE-1"], "and not when a word is");
    assert_eq!(shop.skus("q=teered").await, Vec::<String>::new(), "its parts in another order are another SKU");
}
