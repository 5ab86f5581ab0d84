//! Comparison of prices in one currency.

use super::Shop;
use contracts::money::Currency;

async fn lamps(shop: &Shop) {
    shop.activate_all([
        shop.product("YEN", "Lamp").price(1_900).currency("JPY").brand("Akari"),
        shop.product("EURO", "Lamp").price(2_000).brand("Licht"),
        shop.product("DINAR", "Lamp").price(2_100).currency("KWD").brand("Noor"),
        shop.product("CENT", "Lamp").price(1_400).brand("Licht"),
    ])
    .await;
}

#[tokio::test]
async fn prices_are_compared_in_the_shops_currency_unless_another_is_requested() {
    let shop = Shop::open().await;
    lamps(&shop).await;
    for (query, found) in [
        ("q=lamp&sort=price", &["CENT", "EURO"][..]),
        ("q=lamp&sort=-price", &["EURO", "CENT"]),
        ("sort=price&minPrice=1500", &["EURO"]),
        ("q=lamp&maxPrice=2100", &["CENT", "EURO"]),
        ("q=lamp&maxPrice=2100&currency=JPY", &["YEN"]),
        ("sort=price&currency=KWD", &["DINAR"]),
        ("currency=KWD", &["DINAR"]),
        ("currency=USD", &[]),
        ("q=lamp", &["CENT", "DINAR", "EURO", "YEN"]),
        ("sort=newest&inStock=false", &["CENT", "DINAR", "EURO", "YEN"]),
    ] {
        let mut skus = shop.skus(query).await;
        if !query.contains("price") {
            skus.sort();
        }
        assert_eq!(skus, found, "{query}");
    }
    let currency = async |query: &str| shop.search(query).await.currency;
    assert_eq!((currency("sort=price").await, currency("q=lamp").await), (Some(Currency::EUR), None));
    assert_eq!(currency("currency=KWD&minPrice=1").await.map(|currency| currency.to_string()).as_deref(), Some("KWD"));
}

#[tokio::test]
async fn the_shops_own_currency_can_be_set() {
    let shop = Shop::open_in("JPY").await;
    lamps(&shop).await;
    assert_eq!(shop.skus("sort=price").await, ["YEN"]);
    assert_eq!(shop.skus("sort=price&currency=EUR").await, ["CENT", "EURO"]);
}

#[tokio::test]
async fn facets_and_suggestions_use_the_same_currency() {
    let shop = Shop::open().await;
    lamps(&shop).await;
    let brands = async |query: &str| {
        let brands = shop.search(query).await.facets.brand;
        brands.into_iter().map(|brand| (brand.value, brand.count)).collect::<Vec<_>>()
    };
    assert_eq!(brands("q=lamp&maxPrice=2000").await, [("Licht".to_owned(), 2)]);
    assert_eq!(brands("q=lamp&sort=price&brand=Noor").await, [("Licht".to_owned(), 2)], "the brand's own filter is left out");
    assert_eq!(brands("q=lamp&currency=JPY").await, [("Akari".to_owned(), 1)]);
    assert_eq!(brands("q=lamp").await.len(), 3);
    let lifted =
        async |query: &str| shop.search(query).await.help.unwrap().without_last_filter.map(|lifted| (lifted.parameter, lifted.total));
    assert_eq!(lifted("q=lamp&minPrice=9000").await, Some(("minPrice".to_owned(), 4)), "without it no prices are compared");
    assert_eq!(lifted("q=lamp&currency=KWD&minPrice=9000").await, Some(("minPrice".to_owned(), 1)));
    assert_eq!(lifted("q=lamp&minPrice=1&currency=USD").await, Some(("currency".to_owned(), 2)));
}

#[tokio::test]
async fn a_group_is_shown_by_a_variant_in_the_currency() {
    let shop = Shop::open().await;
    let group = shop.h.id();
    shop.activate_all([
        shop.product("TEE-S", "T-shirt").variant(group, "size", "S").price(900).currency("JPY"),
        shop.product("TEE-M", "T-shirt").variant(group, "size", "M").price(1_000),
    ])
    .await;
    assert_eq!(shop.skus("q=shirt&sort=price").await, ["TEE-M"]);
    assert_eq!(shop.skus("q=shirt&sort=price&currency=JPY").await, ["TEE-S"]);
    assert_eq!(shop.search("q=shirt").await.total, 1);
}
