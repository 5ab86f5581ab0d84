//! Suggestions for a search without hits.

use super::Shop;
use contracts::search::{LiftedFilter, SearchHelp, Spelling};

async fn help(shop: &Shop, query: &str) -> SearchHelp {
    let results = shop.search(query).await;
    assert_eq!(results.total, 0, "{query}");
    results.help.unwrap()
}

#[tokio::test]
async fn the_number_of_hits_without_the_last_filter_is_suggested() {
    let shop = Shop::open().await;
    shop.activate_all([shop.product("A", "Red lamp").attribute("color", "red"), shop.product("B", "Blue lamp").attribute("color", "blue")])
        .await;
    let lifted = |parameter: &str, total| Some(LiftedFilter { parameter: parameter.into(), total });
    assert_eq!(help(&shop, "q=lamp&attr.color=green").await.without_last_filter, lifted("attr.color", 2));
    assert_eq!(help(&shop, "attr.color=red&q=lamp&minPrice=5000").await.without_last_filter, lifted("minPrice", 1));
    assert_eq!(help(&shop, "minPrice=5000&q=lamp&attr.color=red").await.without_last_filter, None, "that finds nothing either");
    assert_eq!(help(&shop, "q=sofa").await, SearchHelp { without_last_filter: None, spelling: None });
    assert_eq!(shop.search("q=lamp").await.help, None);
}

#[tokio::test]
async fn a_spelling_with_hits_is_suggested() {
    let shop = Shop::open().await;
    shop.activate_all([
        shop.product("A", "Mechanical keyboard"),
        shop.product("B", "Wireless keyboard"),
        shop.product("C", "Blue chair"),
        shop.product("D", "Roasted char"),
    ])
    .await;
    let spelled = |text: &str, total| Some(Spelling { text: text.into(), total });
    assert_eq!(help(&shop, "q=kexboxrd").await.spelling, spelled("keyboard", 2), "two mistakes");
    assert_eq!(help(&shop, "q=blue+char").await.spelling, spelled("blue chair", 1), "a word that is known but not here");
    assert_eq!(help(&shop, "q=wirelss+KEXBOXRD").await.spelling, spelled("wirelss keyboard", 1), "the other word is found as it is");
}
