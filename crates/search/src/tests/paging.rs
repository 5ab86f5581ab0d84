//! Order and pages.

use super::Shop;
use std::collections::HashSet;

async fn walk(shop: &Shop, query: &str, between: impl AsyncFn(&Shop, usize)) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for page in 0..50 {
        let results = shop.search(&format!("{query}&limit=3{cursor}")).await;
        found.extend(results.items.into_iter().map(|hit| hit.sku));
        match results.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
        between(shop, page).await;
    }
    panic!("the pages do not end");
}

async fn ten() -> Shop {
    let shop = Shop::open().await;
    // Several products share a price, so that ties occur.
    shop.activate_all((0..10).map(|number| shop.product(&format!("S{number}"), "Lamp").price(1_000 + number % 3))).await;
    shop
}

#[tokio::test]
async fn paging_shows_every_hit_once_in_every_order() {
    let shop = ten().await;
    for sort in ["relevance", "price", "-price", "newest"] {
        let query = format!("q=lamp&sort={sort}");
        let walked = walk(&shop, &query, async |_, _| {}).await;
        assert_eq!(walked.iter().collect::<HashSet<_>>().len(), 10, "{sort}: {walked:?}");
        assert_eq!(walked, shop.skus(&format!("{query}&limit=100")).await, "{sort}");
    }
    let prices: Vec<_> = shop.search("sort=price").await.items.iter().map(|hit| hit.price_amount).collect();
    assert!(prices.is_sorted());
    let dear: Vec<_> = shop.search("sort=-price").await.items.iter().map(|hit| hit.price_amount).collect();
    assert!(dear.is_sorted_by(|one, other| one >= other));
    assert_eq!(shop.skus("sort=newest&limit=2").await, ["S9", "S8"]);
}

#[tokio::test]
async fn a_cursor_survives_inserts() {
    for sort in ["relevance", "price", "-price", "newest"] {
        let shop = ten().await;
        let before = shop.skus(&format!("q=lamp&sort={sort}&limit=100")).await;
        let walked = walk(&shop, &format!("q=lamp&sort={sort}"), async |shop, page| {
            // Longer titles with other words would change every score if scores used averages.
            let other = shop.product(&format!("X{page}"), "Lamp lamp lamp shade for a large lamp").price(1_001).describe("Another lamp.");
            shop.activate(other).await;
        })
        .await;
        let old: Vec<_> = walked.iter().filter(|sku| sku.starts_with('S')).cloned().collect();
        assert_eq!(old, before, "{sort}: each once and in order");
    }
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_search() {
    let shop = ten().await;
    let answer = shop.h.get("/search?q=lamp&limit=4").send().await.expect(200);
    let cursor = answer.json()["nextCursor"].as_str().unwrap().to_owned();
    assert!(answer.header("link").contains(&format!("cursor={cursor}")) && answer.header("link").contains("rel=\"next\""));
    shop.h.get(&format!("/search?q=lamp&limit=4&cursor={cursor}")).send().await.expect(200);
    for other in ["q=lamps", "q=lamp&sort=price", "q=lamp&inStock=true", ""] {
        shop.h.get(&format!("/search?{other}&cursor={cursor}")).send().await.expect_problem(400, "BAD_CURSOR");
    }
}

#[tokio::test]
async fn products_in_stock_come_first() {
    let shop = ten().await;
    shop.stock("S4", 1).await;
    assert_eq!(shop.skus("q=lamp").await[0], "S4");
}
