//! The index can be lost, killed and rebuilt at any moment, and still contains what the documents say.

use super::{Shop, TestProduct};
use crate::{
    App, actions,
    domain::{query::Request, text::Analyzer},
    find,
    index::View,
    store, workers,
};
use contracts::{
    catalog::{CategoryChanged, CategoryRef, Product},
    ids::{ProductId, Uuid},
    search::{IndexState, SearchResults},
};
use platform::{
    client::Client,
    db::{self, Db, Tx},
    master_key::MasterKey,
    params,
    service::{Ctx, Readiness},
    settings::Settings,
    worker::Next,
};
use proptest::prelude::*;
use serde_json::json;
use std::{collections::BTreeMap, path::Path};

/// Opens the service's state over a folder of its own, beside the one of the harness.
pub(super) async fn open(shop: &Shop, folder: &Path, settings: Settings) -> App {
    let ctx = Ctx {
        service: "search",
        env: shop.h.env.clone(),
        db: shop.h.db().clone(),
        client: Client::new(shop.h.env.clone()),
        settings: std::sync::Arc::new(settings),
        folder: folder.to_owned(),
        master_key: MasterKey::new([7; 32]),
        readiness: Readiness::default(),
    };
    App::open(ctx).await.expect("it opens whatever the folder contains")
}

pub(super) async fn catch_up(app: &App) {
    while workers::index(app.clone()).await.unwrap() == Next::Immediately {}
}

/// Returns price, stock and category of each product in the index. Checks that no product is there twice.
fn content(view: &View) -> BTreeMap<ProductId, (i64, bool, Option<String>, Option<String>)> {
    let mut content = BTreeMap::new();
    for (segment, reader, columns) in view.segments() {
        for doc in reader.doc_ids_alive() {
            let stored = view.stored(crate::index::Address { segment, doc }).unwrap().hit;
            assert_eq!(columns.ids[doc as usize], stored.product_id.0.as_u128());
            assert_eq!((columns.prices[doc as usize], columns.in_stock[doc as usize]), (stored.price_amount, stored.in_stock));
            let seen = content.insert(stored.product_id, (stored.price_amount, stored.in_stock, stored.category, stored.category_name));
            assert_eq!(seen, None, "a product is in the index twice");
        }
    }
    content
}

/// Returns the same from the table `documents`.
async fn documents(db: &Db) -> BTreeMap<ProductId, (i64, bool, Option<String>, Option<String>)> {
    let (rows, categories) = db
        .read(async |tx| {
            let rows = store::list_changed(tx, store::DocumentPosition::default(), 1_000_000).await?;
            Ok::<_, db::Error>((rows, store::list_categories(tx).await?))
        })
        .await
        .unwrap();
    let view = |product: Product, in_stock| {
        let category = product.category_id.map(|id| id.to_string());
        let name = product.category_id.and_then(|id| categories.iter().find(|category| category.category_id == id));
        let name = name.map(|category| category.name.clone());
        (product.product_id, (product.price_amount, in_stock, category, name))
    };
    rows.into_iter().filter_map(|row| Some(view(row.product?, row.in_stock))).collect()
}

fn search(app: &App, query: &str) -> SearchResults {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let request = Request::parse(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()).unwrap();
    let mut finder = find::Finder::new(Analyzer::new(app.settings.language), app.settings.currency);
    let page = find::Page { limit: 100, after: None };
    finder.search(&app.index_manager.view().unwrap(), &request, page, find::Budget::until(|| false)).unwrap().results
}

async fn lamps(shop: &Shop, count: usize) -> Vec<TestProduct> {
    lamps_within(shop, count, &[]).await
}

/// Stores so many lamps in one commit. Their events would need a commit each.
async fn lamps_within(shop: &Shop, count: usize, category: &[CategoryRef]) -> Vec<TestProduct> {
    let products: Vec<_> = (0..count).map(|number| shop.product(&format!("L{number}"), "Lamp").within(category)).collect();
    let stored = products.clone();
    let store = async move |tx: &mut Tx| {
        for item in &stored {
            assert!(store::upsert_product(tx, &item.product).await?);
        }
        Ok::<_, db::Error>(())
    };
    shop.h.db().write(store).await.unwrap();
    products
}

#[tokio::test]
async fn an_index_that_is_missing_broken_or_outdated_is_rebuilt() {
    let shop = Shop::open().await;
    lamps(&shop, 19).await;
    shop.deliver_activated(shop.product("FORM", "Replaced lamp")).await;
    let folder = shop.h.data_dir().join("other");
    let german = || Settings::default().with("search", "language", "german");
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(search(&app, "q=lamp").total, 20);
    drop(app);
    let index = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();

    std::fs::write(index.join("meta.json"), "{").unwrap();
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(content(&app.index_manager.view().unwrap()), documents(shop.h.db()).await);
    drop(app);

    std::fs::rename(&index, folder.join("index-v0-g1")).unwrap();
    let app = open(&shop, &folder, german()).await;
    catch_up(&app).await;
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "an obsolete folder is removed");
    assert_eq!(search(&app, "q=lamp").total, 20);
    drop(app);

    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(search(&app, "q=replacement").total, 1, "words are stemmed again in the new language");
    drop(app);

    std::fs::remove_dir_all(&folder).unwrap();
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(search(&app, "q=lamp").total, 20);
}

#[tokio::test]
async fn an_index_of_another_database_is_removed() {
    let (shop, other) = (Shop::open().await, Shop::open().await);
    // Two harnesses generate the same ids; two installations do not.
    let lineage: Uuid = other.h.id();
    let renamed = other.h.db().write(async move |tx| tx.execute("UPDATE progress SET lineage = $1", params![lineage]).await);
    assert_eq!(renamed.await.unwrap(), 1);
    lamps(&shop, 3).await;
    // Both have the same change numbers; only the lineage differs.
    for number in 0..5 {
        other.deliver_activated(other.product(&format!("C{number}"), "Chair").price(7)).await;
    }
    let folder = shop.h.data_dir().join("other");
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    drop(app);
    let app = open(&other, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(content(&app.index_manager.view().unwrap()), documents(other.h.db()).await);
}

#[tokio::test]
async fn searches_are_refused_until_an_index_is_complete() {
    let shop = Shop::open().await;
    lamps(&shop, 4_500).await;
    let folder = shop.h.data_dir().join("other");
    // Each start indexes one batch; the second one continues after the first.
    for _ in 0..2 {
        let app = open(&shop, &folder, Settings::default()).await;
        let refused = platform::http::Problem::from(app.index_manager.view().err().expect("a part of the documents is no index"));
        assert_eq!((refused.status().as_u16(), refused.code().as_str()), (503, "INDEX_BUILDING"));
        assert_eq!(app.ctx.readiness.reasons(), ["the search index is being built"]);
    }
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(search(&app, "q=lamp").total, 4_500);
    assert_eq!(app.ctx.readiness.reasons(), Vec::<String>::new());
    actions::rebuild(shop.h.db()).await.unwrap();
    workers::index(app.clone()).await.unwrap();
    assert_eq!(app.ctx.readiness.reasons(), Vec::<String>::new(), "the old index answers meanwhile");
}

#[tokio::test]
async fn replicas_answer_alike_from_indexes_of_their_own() {
    let shop = Shop::open().await;
    let mut products = lamps(&shop, 30).await;
    let folders = ["one", "other"].map(|name| shop.h.data_dir().join(name));
    let one = open(&shop, &folders[0], Settings::default()).await;
    catch_up(&one).await;
    let mut lamp = products.remove(0);
    lamp.product.version += 1;
    lamp.product.price_amount = 5;
    shop.deliver_activated(lamp).await;
    // The other one begins later, with everything in one build, and both consume what follows.
    let other = open(&shop, &folders[1], Settings::default()).await;
    catch_up(&other).await;
    shop.deliver_activated(shop.product("LATE", "Late lamp")).await;
    for app in [&one, &other] {
        catch_up(app).await;
    }
    for query in ["q=lamp", "q=lamp&sort=price&currency=EUR", "q=late", "q=lamp&maxPrice=5", "q=lamb"] {
        let [from_one, from_other] = [&one, &other].map(|app| serde_json::to_value(search(app, query)).unwrap());
        assert_eq!(from_one, from_other, "{query}");
        assert!(from_one["total"].as_i64() > Some(0), "{query}: {from_one}");
    }
}

#[tokio::test]
async fn a_rebuilt_index_replaces_the_old_one_which_stays_up_to_date_until_then() {
    let shop = Shop::open().await;
    let mut products = lamps(&shop, 2_500).await;
    let app = open(&shop, &shop.h.data_dir().join("other"), Settings::default()).await;
    catch_up(&app).await;
    let before = app.index_manager.view().unwrap().number;
    assert_eq!(actions::rebuild(shop.h.db()).await.unwrap(), 2);
    assert_eq!(workers::index(app.clone()).await.unwrap(), Next::Immediately, "one batch is not everything");
    assert_eq!(app.index_manager.status().next.map(|(generation, _)| generation), Some(2));
    assert_eq!(app.index_manager.view().unwrap().number, before, "the old index still answers");
    let mut lamp = products.remove(0);
    lamp.product.version += 1;
    lamp.product.price_amount = 5;
    shop.deliver_activated(lamp).await;
    workers::index(app.clone()).await.unwrap();
    assert_eq!(search(&app, "q=lamp&maxPrice=5").total, 1, "and is kept up to date");
    catch_up(&app).await;
    assert_eq!((app.index_manager.status().live.unwrap().0, app.index_manager.status().next), (2, None));
    assert_eq!(content(&app.index_manager.view().unwrap()), documents(shop.h.db()).await);
    assert_eq!(std::fs::read_dir(shop.h.data_dir().join("other")).unwrap().count(), 1, "the old one is removed");
}

#[tokio::test]
async fn a_rebuild_continues_after_a_crash() {
    let shop = Shop::open().await;
    lamps(&shop, 2_500).await;
    let folder = shop.h.data_dir().join("other");
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    actions::rebuild(shop.h.db()).await.unwrap();
    workers::index(app.clone()).await.unwrap();
    let reached = app.index_manager.status().next.unwrap();
    assert!(reached.1.documents > store::DocumentPosition::default());
    drop(app);
    let app = open(&shop, &folder, Settings::default()).await;
    assert!(app.index_manager.view().is_ok(), "the old index answers at once");
    catch_up(&app).await;
    assert_eq!(app.index_manager.status().live.unwrap().0, 2);
    assert_eq!(content(&app.index_manager.view().unwrap()), documents(shop.h.db()).await);
}

#[tokio::test]
async fn an_administrator_sees_the_state_of_the_index() {
    let shop = Shop::open().await;
    lamps(&shop, 3).await;
    let state = async || shop.h.get("/admin/search").admin().send().await.expect(200).read::<IndexState>();
    assert_eq!(state().await, IndexState { generation: 1, products: 0, waiting: 3, rebuild: None });
    shop.h.settle().await;
    assert_eq!(state().await, IndexState { generation: 1, products: 3, waiting: 0, rebuild: None });
    shop.h.post("/admin/search/rebuild", &json!({})).admin().send().await.expect(202);
    shop.h.settle().await;
    assert_eq!(state().await, IndexState { generation: 2, products: 3, waiting: 0, rebuild: None });
    assert_eq!(shop.search("q=lamp").await.total, 3);
}

/// Returns 1,200 indexed lamps in a category below `Rooms`.
async fn rooms(shop: &Shop, folder: &Path) -> (App, Vec<CategoryRef>, Vec<TestProduct>) {
    let rooms = shop.new_category("Rooms", &[]).await;
    let lights = shop.new_category("Lights", &rooms).await;
    let products = lamps_within(shop, 1_200, &lights).await;
    let app = open(shop, folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(search(&app, "q=rooms").total, 1_200);
    (app, rooms, products)
}

async fn rename(shop: &Shop, path: &[CategoryRef], name: &str) {
    let category_id = path.last().unwrap().category_id;
    let (name, parent_category_id) = (name.to_owned(), None);
    shop.h.deliver(CategoryChanged { category_id, name, parent_category_id, path: path.to_vec() }).await;
}

#[tokio::test]
async fn changed_products_do_not_wait_for_products_of_a_renamed_category() {
    let shop = Shop::open().await;
    let (app, path, mut products) = rooms(&shop, &shop.h.data_dir().join("other")).await;
    rename(&shop, &path, "Salons").await;
    let mut last = products.pop().unwrap();
    for price in [5, 4, 3] {
        last.product.version += 1;
        last.product.price_amount = price;
        shop.deliver_activated(last.clone()).await;
        assert_eq!(workers::index(app.clone()).await.unwrap(), if price > 3 { Next::Immediately } else { Next::Idle });
        assert_eq!(search(&app, &format!("maxPrice={price}")).total, 1, "the next turn shows it");
    }
    assert_eq!((search(&app, "q=salons").total, search(&app, "q=rooms").total), (1_200, 0));
}

#[tokio::test]
async fn reindexing_of_a_category_continues_after_the_last_commit() {
    let shop = Shop::open().await;
    let folder = shop.h.data_dir().join("other");
    let (app, path, products) = rooms(&shop, &folder).await;
    let lights = products[0].product.category_path.clone();
    let waiting = async |app: &App| {
        let reached = app.index_manager.status().live.unwrap().1;
        shop.h.db().read(async move |tx| store::count_waiting(tx, reached).await).await.unwrap()
    };
    rename(&shop, &path, "Salons").await;
    assert_eq!(waiting(&app).await, 1_200);
    workers::index(app.clone()).await.unwrap();
    let reached = waiting(&app).await;
    assert!(0 < reached && reached < 1_200);
    drop(app);
    let app = open(&shop, &folder, Settings::default()).await;
    assert!(waiting(&app).await < reached, "it continues, and does not begin again");
    // After a second rename all products are indexed again. A product that left the category keeps its new place.
    rename(&shop, &path, "Parlours").await;
    shop.deliver_activated(products[0].clone().with(|product| (product.version, product.category_id) = (2, None))).await;
    drop(app);
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    assert_eq!(waiting(&app).await, 0);
    assert_eq!((search(&app, "q=parlours").total, search(&app, "q=salons").total, search(&app, "q=lamp").total), (1_199, 0, 1_200));
    // A rebuild also indexes what changes before it is complete.
    actions::rebuild(shop.h.db()).await.unwrap();
    workers::index(app.clone()).await.unwrap();
    rename(&shop, &lights[1..], "Shades").await;
    catch_up(&app).await;
    assert_eq!((app.index_manager.status().live.unwrap().0, search(&app, "q=shades").total, search(&app, "q=lights").total), (2, 1_199, 0));
    assert_eq!(content(&app.index_manager.view().unwrap()), documents(shop.h.db()).await);
}

/// Simulates power cuts: copies the files while the index changes, then opens and catches up each copy.
#[tokio::test]
async fn an_index_killed_at_any_moment_continues_without_losing_or_repeating_a_change() {
    let shop = Shop::open().await;
    let products = lamps(&shop, 80).await;
    let (folder, copies) = (shop.h.data_dir().join("killed"), shop.h.data_dir().join("copies"));
    let app = open(&shop, &folder, Settings::default()).await;
    catch_up(&app).await;
    let (cut, cuts) = std::sync::mpsc::sync_channel::<()>(20);
    let copying = {
        let (folder, copies) = (folder.clone(), copies.clone());
        let copy_each = move || cuts.iter().enumerate().for_each(|(number, ())| copy(&folder, &copies.join(number.to_string())));
        shop.h.env.spawn_thread("copies", copy_each)
    }
    .unwrap();
    // Each copy is made while the turns that follow it run.
    let mut made = 0;
    let mut power_cut = || {
        made += 1;
        cut.send(()).unwrap();
    };
    for round in 0..12 {
        for (number, item) in products.iter().skip(round * 5).take(10).enumerate() {
            let mut item = item.clone();
            item.product.version = round as i64 + 2;
            item.product.price_amount = round as i64;
            shop.deliver_activated(item).await;
            if round % 3 == 0 {
                if number % 5 == 0 {
                    power_cut();
                }
                workers::index(app.clone()).await.unwrap();
            }
        }
        if round == 6 {
            actions::rebuild(shop.h.db()).await.unwrap();
        }
        power_cut();
        catch_up(&app).await;
    }
    drop(cut);
    copying.join().unwrap();
    drop(app);
    let expected = documents(shop.h.db()).await;
    let mut opened = 0;
    for copy in std::fs::read_dir(&copies).unwrap() {
        let app = open(&shop, &copy.unwrap().path(), Settings::default()).await;
        catch_up(&app).await;
        assert_eq!(content(&app.index_manager.view().unwrap()), expected);
        opened += 1;
    }
    assert_eq!((opened, made), (20, 20));
}

/// Copies a folder whose files may disappear meanwhile: first `meta.json`, which names the others.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = std::fs::read_dir(from).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort_by_key(|path| !path.ends_with("meta.json"));
    for path in entries {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            let _ = std::fs::copy(&path, &target);
        }
    }
}

/// What can happen to a catalogue and its index.
#[derive(Debug, Clone)]
enum Step {
    Activate(usize),
    Reprice(usize, i64),
    Deactivate(usize),
    Move(usize, usize),
    Stock(usize, i64),
    RenameCategory(usize),
    MoveCategory(usize, usize),
    /// Delivers the last event again.
    Repeat,
    Index,
    Rebuild,
    /// Stops and starts the process.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_usize).prop_map(Step::Activate),
        3 => (0..6_usize, 1..100_i64).prop_map(|(item, price)| Step::Reprice(item, price)),
        2 => (0..6_usize).prop_map(Step::Deactivate),
        2 => (0..6_usize, 0..4_usize).prop_map(|(item, category)| Step::Move(item, category)),
        2 => (0..6_usize, 0..3_i64).prop_map(|(item, quantity)| Step::Stock(item, quantity)),
        1 => (0..4_usize).prop_map(Step::RenameCategory),
        1 => (0..4_usize, 0..4_usize).prop_map(|(category, above)| Step::MoveCategory(category, above)),
        2 => Just(Step::Repeat),
        3 => Just(Step::Index),
        1 => Just(Step::Rebuild),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_index_equals_the_documents_after_any_history(history in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run_steps(history));
    }
}

async fn run_steps(history: Vec<Step>) {
    use platform::worker::Next::Immediately;
    let shop = Shop::open().await;
    let folder = shop.h.data_dir().join("other");
    let mut app = Some(open(&shop, &folder, Settings::default()).await);
    let mut products: Vec<TestProduct> = (0..6).map(|number| shop.product(&format!("G{number}"), "Thing")).collect();
    let mut on_sale = [false; 6];
    // A parent always has a smaller number than its child, so there is no cycle.
    let mut tree: Vec<(CategoryRef, Option<usize>)> = Vec::new();
    for number in 0..4 {
        let path = shop.new_category(&format!("C{number}"), &[]).await;
        tree.push((path[0].clone(), None));
    }
    let path = |tree: &[(CategoryRef, Option<usize>)], category: usize| {
        let mut path = vec![tree[category].0.clone()];
        let mut above = tree[category].1;
        while let Some(next) = above {
            path.insert(0, tree[next].0.clone());
            above = tree[next].1;
        }
        path
    };
    let mut last = None;
    for step in history {
        let running = app.as_ref().unwrap();
        match step {
            Step::Activate(at) | Step::Reprice(at, _) | Step::Move(at, _) | Step::Deactivate(at) => {
                let product = &mut products[at].product;
                product.version += 1;
                match step {
                    Step::Activate(_) => on_sale[at] = true,
                    Step::Deactivate(_) => on_sale[at] = false,
                    Step::Reprice(_, price) => product.price_amount = price,
                    Step::Move(_, category) => {
                        product.category_path = path(&tree, category);
                        product.category_id = Some(tree[category].0.category_id);
                    }
                    _ => unreachable!(),
                }
                let status =
                    if on_sale[at] { contracts::catalog::ProductStatus::Active } else { contracts::catalog::ProductStatus::Inactive };
                product.status = status;
                let event = contracts::catalog::ProductUpdated { product_id: product.product_id, product: product.clone() };
                last = Some(shop.h.deliver(event).await);
            }
            Step::Stock(at, quantity) => {
                let event = contracts::inventory::StockChanged {
                    stock_item_id: shop.h.id(),
                    sku: format!("G{at}"),
                    product_id: products[at].product.product_id,
                    available_qty: quantity,
                    reserved_qty: 0,
                    reason: contracts::inventory::StockChangeReason::Adjusted,
                    note: None,
                    seller_id: None,
                };
                last = Some(shop.h.deliver(event).await);
            }
            Step::RenameCategory(at) | Step::MoveCategory(at, _) => {
                match step {
                    Step::RenameCategory(_) => tree[at].0.name.push('x'),
                    Step::MoveCategory(_, above) => tree[at].1 = (above < at).then_some(above),
                    _ => unreachable!(),
                }
                let path = path(&tree, at);
                let event = contracts::catalog::CategoryChanged {
                    category_id: tree[at].0.category_id,
                    name: tree[at].0.name.clone(),
                    parent_category_id: tree[at].1.map(|above| tree[above].0.category_id),
                    path,
                };
                last = Some(shop.h.deliver(event).await);
            }
            Step::Repeat => {
                if let Some(envelope) = &last {
                    shop.h.deliver_envelope(envelope.clone()).await;
                }
            }
            Step::Index => drop(workers::index(running.clone()).await.unwrap()),
            Step::Rebuild => drop(actions::rebuild(shop.h.db()).await.unwrap()),
            Step::Restart => {
                drop(app.take());
                app = Some(open(&shop, &folder, Settings::default()).await);
            }
        }
    }
    let app = app.unwrap();
    while workers::index(app.clone()).await.unwrap() == Immediately {}
    let view = app.index_manager.view().unwrap();
    let content = content(&view);
    assert_eq!(content, documents(shop.h.db()).await);
    // The documents reflect the events.
    let expected: BTreeMap<_, _> =
        (0..6).filter(|at| on_sale[*at]).map(|at| (products[at].product.product_id, products[at].product.price_amount)).collect();
    assert_eq!(content.iter().map(|(id, (price, ..))| (*id, *price)).collect::<BTreeMap<_, _>>(), expected);
    // A search by category finds the products in it and below it.
    for category in 0..4 {
        let id = tree[category].0.category_id;
        let within = |item: &TestProduct| {
            let own = item.product.category_id.and_then(|own| tree.iter().position(|(known, _)| known.category_id == own));
            own.is_some_and(|own| path(&tree, own).iter().any(|above| above.category_id == id))
        };
        let wanted = (0..6).filter(|at| on_sale[*at] && within(&products[*at])).count() as u64;
        assert_eq!(search(&app, &format!("category={id}")).total, wanted);
    }
    shop.h.nothing_is_parked().await;
}
