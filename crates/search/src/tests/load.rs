//! How fast it is, on a large catalogue: `cargo test --release -p search -- --ignored --nocapture load`.

use crate::{
    domain::{
        query::Request,
        text::{Analyzer, Tongue},
    },
    find::{self, Finder, Page},
    index::Desk,
    store::{Document, Place, Progress},
};
use contracts::ids::{ProductGroupId, ProductId, Uuid};
use platform::testing::TempFolder;
use std::time::Duration;
use tokio::time::Instant;

/// The processor's time that this thread took so far: what a busy machine does not change.
fn worked() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn measure(what: &str, mut work: impl FnMut() -> u64) {
    let (mut runs, mut total, began) = (0, 0, worked());
    while runs < 10 || worked() - began < Duration::from_millis(200) {
        total = work();
        runs += 1;
    }
    println!("{:>9.1} µs  {total:>6} hits  {what}", (worked() - began).as_secs_f64() * 1e6 / f64::from(runs));
}

/// The demo's goods over and over, each time with other numbers, prices and ids.
pub fn documents(count: usize) -> Vec<Document> {
    let goods = crate::relevance::demo_goods();
    let document = |number: usize| {
        let mut product = goods[number % goods.len()].clone();
        let round = number / goods.len();
        product.product_id = ProductId(Uuid::from_u128(number as u128 + 1));
        product.product_group_id =
            product.product_group_id.map(|group| ProductGroupId(Uuid::from_u128(group.0.as_u128() * 1_000 + round as u128)));
        if round > 0 {
            product.sku = format!("{}-R{round}", product.sku);
            product.title = format!("{} series {round}{}", product.title, (b'a' + (number % 26) as u8) as char);
            product.price_amount += (number % 997) as i64 * 10;
        }
        Document {
            product_id: product.product_id,
            place: Place { change: number as i64 + 1, product: product.product_id.0 },
            product: Some(product),
            in_stock: !number.is_multiple_of(5),
        }
    };
    (0..count).map(document).collect()
}

#[test]
#[ignore = "it measures"]
fn load() {
    let count = 100_000;
    let documents = documents(count);
    let folder = TempFolder::new();
    let progress = Progress { lineage: Uuid::from_u128(1), changes: count as i64, tree_change: 0, generation: 1 };
    let desk = Desk::open(&folder.path().join("search"), Tongue::ENGLISH, 50 << 20, progress).unwrap();
    let began = Instant::now();
    let batches = documents.chunks(500);
    let last = batches.len() - 1;
    desk.build(Vec::new(), true).unwrap();
    for batch in batches {
        desk.keep_up(batch.to_vec()).unwrap();
    }
    println!("{count} products in {:?}, {} batches", began.elapsed(), last + 1);
    while began.elapsed() < Duration::from_secs(40) && desk.view().unwrap().segments().count() > 8 {
        desk.keep_up(Vec::new()).unwrap();
    }
    println!("segments {}", desk.view().unwrap().segments().count());
    let request = |query: &str| {
        let pairs =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.replace('+', " ")));
        Request::parse(pairs.collect()).unwrap()
    };
    let view = desk.view().unwrap();
    let mut finder = Finder::new(Analyzer::new(Tongue::ENGLISH));
    for query in [
        "q=canon",
        "q=canon&brand=Canon&maxPrice=50000",
        "q=lens&attr.mount=Canon+EF&inStock=true",
        "q=microcontroller&attr.package=QFN-48&minPrice=300",
        "q=oak+chair",
        "q=stm32f",
        "q=stm32l152",
        "q=irf6617",
        "q=voltage+regulator&attr.mounting=SMD",
        "q=keybord",
        "q=microcontroler",
        "q=sensor",
        "q=a",
        "q=sigma+18-200mm+pentax",
        "q=zzzzqqqq",
        "",
        "sort=price",
        "attr.mounting=SMD&sort=-price",
    ] {
        let request = request(query);
        measure(query, || finder.search(&view, &request, Page { limit: 20, after: None }).unwrap().0.total);
    }
    for text in ["c", "can", "canon eos", "stm32f10", "voltage reg"] {
        measure(&format!("suggest {text}"), || find::suggest(&mut finder, &view, text).unwrap().items.len() as u64);
    }
}
