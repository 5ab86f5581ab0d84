//! Variants of one group are one hit.

use super::Shop;
use contracts::{
    catalog::GroupOption,
    ids::{ProductGroupId, Uuid},
};

async fn wardrobe() -> (Shop, ProductGroupId) {
    let shop = Shop::open().await;
    let group: ProductGroupId = shop.h.id();
    shop.activate_all([
        shop.product("TEE-S", "T-shirt, small").variant(group, "size", "S").attribute("color", "red").price(1_200),
        shop.product("TEE-M", "T-shirt, medium").variant(group, "size", "M").attribute("color", "red").price(1_000),
        shop.product("TEE-L", "T-shirt, large").variant(group, "size", "L").attribute("color", "red").price(1_400),
        shop.product("POLO", "Polo shirt").attribute("color", "red").attribute("size", "M").price(1_100),
    ])
    .await;
    (shop, group)
}

#[tokio::test]
async fn variants_are_one_hit_with_their_options_and_count_once() {
    let (shop, group) = wardrobe().await;
    let results = shop.search("q=shirt").await;
    assert_eq!((results.total, results.items.len()), (2, 2));
    let tee = results.items.iter().find(|hit| hit.product_group_id == Some(group)).unwrap();
    assert_eq!(tee.options, [GroupOption { name: "size".into(), values: vec!["S".into(), "M".into(), "L".into()] }]);
    assert_eq!(tee.variant_count, 3);
    let polo = results.items.iter().find(|hit| hit.sku == "POLO").unwrap();
    assert_eq!((polo.variant_count, polo.options.len()), (1, 0));
    let facet = |name: &str| results.facets.attributes[name].iter().map(|value| (value.value.clone(), value.count)).collect::<Vec<_>>();
    assert_eq!(facet("color"), [("red".to_owned(), 2)]);
    assert_eq!(facet("size"), [("M".to_owned(), 2), ("L".to_owned(), 1), ("S".to_owned(), 1)]);
}

#[tokio::test]
async fn a_group_is_shown_by_its_best_variant() {
    let (shop, _) = wardrobe().await;
    assert_eq!(shop.skus("q=large").await, ["TEE-L"]);
    assert_eq!(shop.skus("q=t-shirt&attr.size=S").await, ["TEE-S"]);
    assert_eq!(shop.skus("q=shirt&sort=price").await, ["TEE-M", "POLO"]);
    assert_eq!(shop.skus("q=shirt&sort=-price").await, ["TEE-L", "POLO"]);
    assert_eq!(shop.skus("q=shirt&maxPrice=1150&minPrice=1050").await, ["POLO"]);
    assert_eq!(shop.skus("q=TEE-S").await[0], "TEE-S");
}

#[tokio::test]
async fn a_facet_counts_a_group_once() {
    let (shop, _) = wardrobe().await;
    let results = shop.search("q=shirt&attr.size=S").await;
    assert_eq!(results.total, 1);
    let sizes: Vec<_> = results.facets.attributes["size"].iter().map(|value| (value.value.as_str(), value.count)).collect();
    assert_eq!(sizes, [("M", 2), ("L", 1), ("S", 1)]);
}

#[tokio::test]
async fn the_only_filter_counts_as_it_does_beside_one_that_all_products_meet() {
    let (shop, _) = wardrobe().await;
    for filter in
        ["", "attr.color=red", "attr.color=red&attr.color=white", "attr.size=S", "brand=Unknown", "attr.size=XXL", "attr.fabric=wool"]
    {
        let alone = shop.search(&format!("{filter}&sort=newest")).await;
        let beside = shop.search(&format!("{filter}&sort=newest&currency=EUR")).await;
        assert_eq!((alone.items, alone.total, alone.facets), (beside.items, beside.total, beside.facets), "{filter}");
    }
}

#[tokio::test]
async fn pages_count_groups_and_not_variants() {
    let (shop, _) = wardrobe().await;
    let first = shop.search("q=shirt&sort=price&limit=1").await;
    assert_eq!(first.items[0].sku, "TEE-M");
    let second = shop.search(&format!("q=shirt&sort=price&limit=1&cursor={}", first.next_cursor.unwrap())).await;
    assert_eq!((second.items[0].sku.as_str(), second.next_cursor, second.total), ("POLO", None, 2));
}

/// Sellers choose the ids of their groups. No two ids may be grouped together: neither ids that share a half, nor ids with
/// the same 64-bit hash.
#[tokio::test]
async fn groups_with_similar_ids_stay_separate() {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let shop = Shop::open().await;
    let (high, low) = (0x0190_a1b2_0000_7000, 0x8000_1234_5678_9abc);
    let hashed_alike = low ^ FACTOR.wrapping_mul(high) ^ FACTOR.wrapping_mul(high + 1);
    let ids = [(high, low), (high + 1, hashed_alike), (high + 2, low), (high, low + 1), (low, high), (0, high ^ low), (0, low)];
    for (number, (high, low)) in ids.into_iter().enumerate() {
        let group = ProductGroupId(Uuid::from_u64_pair(high, low));
        for size in ["S", "M"] {
            shop.deliver_activated(shop.product(&format!("TEE-{number}-{size}"), "T-shirt").variant(
                group,
                "size",
                &format!("{number}{size}"),
            ))
            .await;
        }
    }
    shop.h.settle().await;
    let results = shop.search("q=shirt").await;
    assert_eq!((results.total, results.items.len()), (7, 7));
    for hit in results.items {
        let number = &hit.sku["TEE-".len()..][..1];
        let values = [format!("{number}S"), format!("{number}M")].to_vec();
        assert_eq!((hit.variant_count, hit.options), (2, vec![GroupOption { name: "size".into(), values }]), "{}", hit.sku);
    }
}
