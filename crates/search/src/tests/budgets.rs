//! What a search may cost.

use super::{Shop, indexing};
use crate::{
    domain::{
        query::Request,
        text::{Analyzer, Language},
    },
    find::{Budget, Finder, Found, Page},
};
use contracts::{money::Currency, search::COST_HEADER};
use platform::{settings::Settings, testing::TempFolder};
use std::cell::Cell;

/// Misspelt words, each of them similar to a word of the catalogue.
fn misspelt(count: usize) -> String {
    (0..count).map(|number| format!("misspelx{}+", char::from(b'a' + u8::try_from(number % 26).unwrap()))).collect()
}

async fn shop() -> Shop {
    let shop = Shop::open().await;
    let words: String = (b'a'..=b'z').map(|letter| format!("misspell{} ", char::from(letter))).collect();
    shop.activate(shop.product("WORDS", "All words").describe(&words)).await;
    shop
}

#[tokio::test]
async fn a_few_words_are_corrected_and_the_cost_is_told() {
    let shop = shop().await;
    let cost = async |query: &str| {
        let answer = shop.h.get(&format!("/search?q={query}")).send().await.expect(200);
        answer.headers.get(COST_HEADER).map_or(1, |cost| cost.to_str().unwrap().parse::<u32>().unwrap())
    };
    assert_eq!(shop.search(&format!("q={}", misspelt(4))).await.total, 1);
    assert_eq!(shop.search(&format!("q={}", misspelt(26))).await.total, 0);
    assert_eq!((cost("").await, cost("words").await), (1, 2), "a rare word may be a misspelling of a frequent one");
    assert_eq!(cost(&misspelt(3)).await, 4);
    assert!((6..=30).contains(&cost(&misspelt(30)).await));
    assert_eq!(cost(&misspelt(3)).await, 1, "a cached answer costs nothing");
}

#[tokio::test]
async fn a_search_whose_time_is_over_has_what_was_found_until_then() {
    let shop = shop().await;
    shop.activate_all((0..3).map(|number| shop.product(&format!("LAMP-{number}"), "Lamp"))).await;
    let folder = TempFolder::new();
    let app = indexing::open(&shop, folder.path(), Settings::default()).await;
    indexing::catch_up(&app).await;
    let view = app.index_manager.view().unwrap();
    let mut finder = Finder::new(Analyzer::new(Language::ENGLISH), Currency::EUR);
    let request = Request::parse(vec![("q".into(), "lamp".into())]).unwrap();
    let mut totals = Vec::new();
    for checks in 0..40_i32 {
        let left = Cell::new(checks);
        let is_late = move || left.replace((left.get() - 1).max(0)) == 0;
        let budget = Budget::until(is_late);
        let Found { results, .. } = finder.search(&view, &request, Page { limit: 10, after: None }, budget).unwrap();
        assert_eq!(results.items.len() as u64, results.total);
        assert!(results.partial || results.total == 3);
        assert!(!results.partial || results.help.is_none());
        totals.push((results.total, results.partial));
    }
    assert_eq!((totals.first(), totals.last()), (Some(&(0, true)), Some(&(3, false))));
}
