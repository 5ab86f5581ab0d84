//! Filters and facets.

use super::Shop;
use contracts::{
    ids::UserId,
    search::{FacetValue, SearchResults},
};

fn counts(values: &[FacetValue]) -> Vec<(&str, u64)> {
    values.iter().map(|value| (value.value.as_str(), value.count)).collect()
}

fn attribute<'a>(results: &'a SearchResults, name: &str) -> Vec<(&'a str, u64)> {
    results.facets.attributes.get(name).map(|values| counts(values)).unwrap_or_default()
}

async fn shirts() -> Shop {
    let shop = Shop::open().await;
    let (red, blue) = ("red", "blue");
    shop.activate_all([
        shop.product("1", "Shirt one").attribute("color", red).attribute("size", "M").brand("Acme").price(1_000),
        shop.product("2", "Shirt two").attribute("color", red).attribute("size", "L").brand("Acme").price(2_000),
        shop.product("3", "Shirt three").attribute("color", blue).attribute("size", "M").brand("Bolt").price(3_000),
        shop.product("4", "Trousers").attribute("color", "green").attribute("size", "M").brand("Bolt").price(4_000),
    ])
    .await;
    shop
}

#[tokio::test]
async fn values_of_one_attribute_are_or_and_different_attributes_are_and() {
    let shop = shirts().await;
    let mut found = shop.skus("q=shirt&attr.color=red&attr.color=blue&attr.size=M&sort=price").await;
    assert_eq!(found, ["1", "3"]);
    found = shop.skus("attr.color=red&attr.size=L").await;
    assert_eq!(found, ["2"]);
    assert_eq!(shop.skus("attr.color=purple").await, Vec::<String>::new());
    assert_eq!(shop.skus("attr.fabric=wool").await, Vec::<String>::new());
    assert_eq!(shop.skus("brand=Bolt&sort=price").await, ["3", "4"]);
    assert_eq!(shop.skus("minPrice=2000&maxPrice=3000&sort=price").await, ["2", "3"]);
}

#[tokio::test]
async fn ratings_filter_and_sort_whether_they_come_before_or_after_the_product() {
    let shop = Shop::open().await;
    let products: Vec<_> = ["1", "2", "3", "4"].map(|sku| shop.product(sku, "Lamp")).into();
    let ids: Vec<_> = products.iter().map(|item| item.product.product_id).collect();
    shop.rate(ids[1], 400, 2).await;
    shop.activate_all(products).await;
    assert_eq!(shop.skus("sort=rating&minRating=4").await, ["2"]);
    for (product, average, count) in [(0, 399, 9), (2, 400, 3), (1, 500, 1)] {
        shop.rate(ids[product], average, count).await;
    }
    assert_eq!(shop.skus("q=lamp&sort=rating").await, ["2", "3", "1", "4"]);
    assert_eq!(shop.skus("minRating=4&sort=rating").await, ["2", "3"]);
    assert_eq!(shop.skus("minRating=1&sort=rating").await, ["2", "3", "1"], "a product without reviews has no rating");
    let hit = shop.search("minRating=5").await.items.remove(0);
    assert_eq!((hit.rating.average_hundredths, hit.rating.count), (500, 1));
    // More reviews come first among equals; withdrawn ones are gone.
    shop.rate(ids[1], 400, 2).await;
    assert_eq!(shop.skus("minRating=4&sort=rating").await, ["3", "2"]);
    shop.rate(ids[2], 0, 0).await;
    assert_eq!(shop.skus("minRating=4").await, ["2"]);
    for bad in ["minRating=0", "minRating=6", "minRating=4.5", "minRating=4&minRating=5"] {
        shop.h.get(&format!("/search?{bad}")).send().await.expect_problem(422, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn a_facet_leaves_out_its_own_filter_and_no_other() {
    let shop = shirts().await;
    let results = shop.search("q=shirt&attr.color=red&attr.size=M").await;
    assert_eq!(results.total, 1);
    assert_eq!(attribute(&results, "color"), [("blue", 1), ("red", 1)], "of size M");
    assert_eq!(attribute(&results, "size"), [("L", 1), ("M", 1)], "that are red");
    assert_eq!(counts(&results.facets.brand), [("Acme", 1)], "that are red and M");
    let priced = shop.search("q=shirt&maxPrice=1500&brand=Acme").await;
    assert_eq!(counts(&priced.facets.brand), [("Acme", 1)], "the price counts in every facet");
    assert_eq!(attribute(&priced, "color"), [("red", 1)]);
    let all = shop.search("").await;
    assert_eq!(counts(&all.facets.brand), [("Acme", 2), ("Bolt", 2)]);
    assert_eq!(attribute(&all, "size"), [("M", 3), ("L", 1)]);
}

#[tokio::test]
async fn a_category_holds_everything_below_it() {
    let shop = Shop::open().await;
    let furniture = shop.new_category("Furniture", &[]).await;
    let chairs = shop.new_category("Chairs", &furniture).await;
    let garden = shop.new_category("Garden", &[]).await;
    shop.activate_all([
        shop.product("CHAIR", "Oak chair").within(&chairs),
        shop.product("TABLE", "Oak table").within(&furniture),
        shop.product("HEDGE", "Oak hedge").within(&garden),
    ])
    .await;
    let id = |path: &[contracts::catalog::CategoryRef]| path.last().unwrap().category_id;
    let mut found = shop.skus(&format!("q=oak&category={}", id(&furniture))).await;
    found.sort();
    assert_eq!(found, ["CHAIR", "TABLE"]);
    assert_eq!(shop.skus(&format!("category={}", id(&chairs))).await, ["CHAIR"]);
    assert_eq!(shop.skus(&format!("category={}&category={}&sort=newest", id(&chairs), id(&garden))).await, ["HEDGE", "CHAIR"]);
    let results = shop.search(&format!("q=oak&category={}", id(&chairs))).await;
    let labels: Vec<_> = results.facets.category.iter().map(|value| (value.label.as_str(), value.count)).collect();
    assert_eq!(labels[0], ("Furniture", 2));
    assert_eq!(labels.len(), 3, "the facet leaves out its own filter: {labels:?}");
    let hit = &results.items[0];
    assert_eq!((hit.category.clone(), hit.category_name.as_deref()), (Some(id(&chairs).to_string()), Some("Chairs")));
    assert_eq!(shop.skus("q=furniture+oak+chair").await, ["CHAIR"], "the names of categories are words too");
}

#[tokio::test]
async fn products_below_a_renamed_or_moved_category_follow_it() {
    let shop = Shop::open().await;
    let (rooms, outdoors) = (shop.new_category("Rooms", &[]).await, shop.new_category("Outdoors", &[]).await);
    let seats = shop.new_category("Seats", &rooms).await;
    let chairs = shop.new_category("Chairs", &seats).await;
    shop.activate(shop.product("CHAIR", "Oak chair").within(&chairs)).await;
    let moved = shop.category(seats[1].category_id, "Sitting", &outdoors).await;
    assert_eq!(shop.skus(&format!("category={}", rooms[0].category_id)).await, Vec::<String>::new());
    let results = shop.search(&format!("category={}", outdoors[0].category_id)).await;
    assert_eq!(results.items[0].sku, "CHAIR");
    let mut labels: Vec<_> = results.facets.category.iter().map(|value| value.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["Chairs", "Outdoors", "Sitting"]);
    assert_eq!((shop.skus("q=sitting").await, shop.skus("q=rooms").await), (vec!["CHAIR".to_owned()], Vec::new()));
    shop.category(chairs[2].category_id, "Stools", &moved).await;
    assert_eq!(shop.hit("").await.category_name.as_deref(), Some("Stools"));
}

#[tokio::test]
async fn stock_and_sellers_can_be_filtered() {
    let shop = Shop::open().await;
    let seller: UserId = shop.h.id();
    shop.stock("EARLY", 3).await;
    shop.activate_all([
        shop.product("EARLY", "Early bird").seller(seller),
        shop.product("LATE", "Late bird"),
        shop.product("NEVER", "Never bird").seller(shop.h.id()),
    ])
    .await;
    assert_eq!(shop.skus("inStock=true").await, ["EARLY"], "stock may be known before its product");
    shop.stock("LATE", 1).await;
    assert_eq!(shop.skus("inStock=true").await, ["LATE", "EARLY"]);
    assert_eq!(shop.skus("inStock=false").await, ["NEVER"]);
    shop.stock("EARLY", 0).await;
    assert_eq!(shop.skus("inStock=true").await, ["LATE"]);
    assert_eq!(shop.skus(&format!("sellerId={seller}")).await, ["EARLY"]);
    let (late, early, never) = (shop.hit("q=late").await, shop.hit("q=early").await, shop.hit("q=never").await);
    assert_eq!([late.in_stock, early.in_stock, never.in_stock], [true, false, false]);
    assert_eq!([late.stock_known, early.stock_known, never.stock_known], [true, true, false], "nobody said that it has no stock");
}

#[tokio::test]
async fn only_attributes_that_divide_the_hits_are_facets() {
    let shop = Shop::open().await;
    let products = (0..30).map(|number| {
        let mut item = shop.product(&format!("N-{number}"), "Part").attribute("part_number", &format!("P{number}"));
        for name in 0..12 {
            item = item.attribute(&format!("name{name:02}"), if number % 2 == 0 { "even" } else { "odd" });
        }
        item
    });
    shop.activate_all(products).await;
    let names = |results: &SearchResults| results.facets.attributes.keys().cloned().collect::<Vec<_>>();
    let results = shop.search("q=part").await;
    assert_eq!(names(&results).len(), 10);
    assert!(!names(&results).contains(&"part_number".into()), "no two hits share a part number");
    let filtered = shop.search("q=part&attr.part_number=P7&attr.name11=odd").await;
    assert!(names(&filtered).contains(&"part_number".into()) && names(&filtered).contains(&"name11".into()));
    assert_eq!(filtered.facets.attributes["part_number"].len(), 15, "those that are odd");
    assert_eq!(filtered.total, 1);
}

#[tokio::test]
async fn values_that_differ_only_in_case_are_one_value_and_one_filter() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("ONE", "Lamp").brand("Acme").attribute("color", "red"),
        shop.product("TWO", "Lamp").brand("ACME").attribute("Color", "Red"),
        shop.product("THREE", "Lamp").brand("acme").attribute("color", "RED").attribute("Color", "red"),
        shop.product("FOUR", "Lamp").brand("Other").attribute("color", "blue"),
    ])
    .await;
    let facets = shop.search("q=lamp").await.facets;
    assert_eq!(counts(&facets.brand), [("Acme", 3), ("Other", 1)]);
    assert_eq!(facets.attributes.keys().collect::<Vec<_>>(), ["color"]);
    assert_eq!(counts(&facets.attributes["color"]), [("Red", 3), ("blue", 1)]);
    for filter in
        ["brand=ACME", "brand=acme", "attr.color=RED", "attr.COLOR=red", "attr.Color=red&attr.color=Red", "brand=aCME&attr.color=rED"]
    {
        let mut found = shop.skus(filter).await;
        found.sort();
        assert_eq!(found, ["ONE", "THREE", "TWO"], "{filter}");
    }
}

#[tokio::test]
async fn products_of_suspended_sellers_and_blocked_ones_are_not_found() {
    use contracts::{
        catalog::{Moderation, ModerationStatus, ProductBlocked, ProductUnblocked},
        seller::{SellerReinstated, SellerSuspended},
    };
    let shop = Shop::open().await;
    let (one, two): (UserId, UserId) = (shop.h.id(), shop.h.id());
    let mut blocked = shop.product("ONE-2", "Red lamp").seller(one);
    shop.activate_all([
        shop.product("ONE-1", "Blue lamp").seller(one),
        blocked.clone(),
        shop.product("TWO-1", "Green lamp").seller(two),
        shop.product("OWN-1", "Own lamp"),
    ])
    .await;
    let found = async |query: &str| {
        let mut skus = shop.skus(query).await;
        skus.sort_unstable();
        skus
    };
    let all = ["ONE-1", "ONE-2", "OWN-1", "TWO-1"];
    assert_eq!(found("q=lamp").await, all);
    shop.h.deliver(SellerSuspended { seller_id: one, reason: None, suspended_by: None }).await;
    // A product that is activated during the suspension is not found either.
    shop.deliver_activated(shop.product("ONE-3", "New lamp").seller(one)).await;
    shop.h.settle().await;
    for query in ["q=lamp", "", "q=ONE-1", "q=lam", "sellerId="] {
        let query = if query == "sellerId=" { format!("sellerId={one}") } else { query.to_owned() };
        assert!(found(&query).await.iter().all(|sku| !sku.starts_with("ONE")), "{query}");
    }
    let results = shop.search("q=lamp").await;
    assert_eq!(results.total, 2);
    let suggested: contracts::search::Suggestions = shop.h.get("/search/suggest?q=blu").send().await.expect(200).read();
    assert!(suggested.items.is_empty(), "{suggested:?}");
    shop.h.deliver(SellerReinstated { seller_id: one, reinstated_by: None }).await;
    shop.h.settle().await;
    assert_eq!(found("q=lamp").await, ["ONE-1", "ONE-2", "ONE-3", "OWN-1", "TWO-1"]);

    blocked.product.version += 1;
    blocked.product.moderation = Moderation { status: ModerationStatus::Blocked, reason: None };
    let (product_id, product) = (blocked.product.product_id, blocked.product.clone());
    shop.h.deliver(ProductBlocked { product_id, product }).await;
    shop.h.settle().await;
    assert_eq!(found("q=red").await, Vec::<String>::new());
    shop.update(&mut blocked).await;
    assert_eq!(found("q=red").await, Vec::<String>::new(), "a change by the seller does not bring it back");
    blocked.product.version += 1;
    blocked.product.moderation = Moderation::default();
    let (product_id, product) = (blocked.product.product_id, blocked.product.clone());
    shop.h.deliver(ProductUnblocked { product_id, product }).await;
    shop.h.settle().await;
    assert_eq!(found("q=red").await, ["ONE-2"]);
}
