use crate::{
    db::{Db, Error, Migration, Select, Table},
    env::Env,
    params,
    testing::TempFolder,
};
use contracts::{column::JsonText, ids::Uuid, time::Timestamp};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Size {
    height: i64,
    width: i64,
}

#[derive(Debug, Clone, PartialEq)]
struct Failure {
    code: String,
    occurred_at: Timestamp,
    detail: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Item {
    item_id: Uuid,
    name: String,
    carrier: Option<String>,
    size: Size,
    tags: Vec<String>,
    note: Option<Vec<i64>>,
    failure: Option<Failure>,
    parts: Vec<u8>,
    created_at: Timestamp,
}

crate::table! {
    /// Every column of an item.
    Items in "items" of Item, key [item_id];
    columns {
        item_id, name, carrier = carrier_name,
        size: Size { height, width = item_width },
        tags as JsonText, note = note_json as JsonText,
        failure: Option<Failure> { code = failure_code, occurred_at = failed_at, detail = failure_detail },
    }
    insert_only { created_at }
    default { parts }
    extra { due_at, attempts }
}

struct ItemSummary {
    name: String,
    is_failed: bool,
}

crate::table! {
    ItemSummaries in "items" of ItemSummary, key [item_id];
    columns { name }
    computed { is_failed = "failure_code IS NOT NULL" }
}

struct Part {
    text: String,
}

crate::table! { Parts in "parts" of Part, key [item_id, position]; columns { text } extra { item_id, position } }

crate::table! { Closed in "closed", key [item_id]; extra { item_id } }

const SCHEMA: &[Migration] = &[Migration {
    name: "0001_items",
    sql: "CREATE TABLE items (item_id UUID PRIMARY KEY, name TEXT NOT NULL UNIQUE, carrier_name TEXT, height BIGINT NOT NULL, \
          item_width BIGINT NOT NULL, tags TEXT NOT NULL, note_json TEXT, failure_code TEXT, failed_at BIGINT, failure_detail TEXT, \
          created_at BIGINT NOT NULL, due_at BIGINT, attempts BIGINT NOT NULL DEFAULT 0); \
          CREATE TABLE parts (item_id UUID, position BIGINT, text TEXT NOT NULL, PRIMARY KEY (item_id, position)); \
          CREATE TABLE closed (item_id UUID PRIMARY KEY); \
          CREATE TABLE counters (item_id UUID PRIMARY KEY, number BIGINT NOT NULL)",
}];

fn open(folder: &TempFolder) -> Db {
    Db::open(Env::seeded(7, Timestamp(1_000_000)), "shop", folder.path(), SCHEMA).expect("a fresh database opens")
}

fn lamp(db: &Db) -> Item {
    Item {
        item_id: db.env().new_id(),
        name: "lamp".into(),
        carrier: None,
        size: Size { height: 3, width: 4 },
        tags: vec!["red".into()],
        note: None,
        failure: None,
        parts: Vec::new(),
        created_at: Timestamp(5),
    }
}

#[test]
fn the_statements_name_every_column_once() {
    let items = Items::statements();
    let list = "item_id, name, carrier_name, height, item_width, tags, note_json, failure_code, failed_at, failure_detail, created_at";
    assert_eq!(items.select(), format!("SELECT {list} FROM items"));
    assert_eq!(items.insert_with(&[]), format!("INSERT INTO items ({list}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"));
    assert_eq!(
        items.update_with(&["due_at"]),
        "UPDATE items SET name = $2, carrier_name = $3, height = $4, item_width = $5, tags = $6, note_json = $7, failure_code = $8, \
         failed_at = $9, failure_detail = $10, due_at = $11 WHERE item_id = $1"
    );
    assert_eq!(ItemSummaries::statements().select_list("i"), "i.name, failure_code IS NOT NULL");
    assert_eq!(ItemSummaries::statements().update_with(&[]), "", "the key is not among its columns");
    assert_eq!(
        Parts::statements().update_with(&["position", "item_id"]),
        "UPDATE parts SET text = $1 WHERE position = $2 AND item_id = $3"
    );
}

#[tokio::test]
async fn an_update_writes_the_columns_that_may_change_and_the_extra_ones() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let new = lamp(&db);
    db.write(async move |tx| {
        let mut item = new.clone();
        assert!(!tx.update::<Items>(&item).await?, "there is no such row yet");
        tx.insert_with::<Items>(&item, &[("due_at", &Timestamp(9))]).await?;
        item.name = "chair".into();
        item.created_at = Timestamp(6);
        item.failure = Some(Failure { code: "BROKEN".into(), occurred_at: Timestamp(7), detail: None });
        assert!(tx.update_with::<Items>(&item, &[("attempts", &2_i64)]).await?);
        item.created_at = Timestamp(5);
        assert_eq!(tx.lock::<Items>("name = $1", params!["chair"]).await?.as_ref(), Some(&item));
        let (due_at, attempts): (i64, i64) =
            tx.query_one("SELECT due_at, attempts FROM items", &[], |row| Ok((row.next()?, row.next()?))).await?;
        assert_eq!((due_at, attempts), (9, 2));
        assert!(!tx.update_if::<Items>(&item, &[], "attempts = ? AND due_at = ?", params![2_i64, 8_i64]).await?);
        assert!(tx.update_if::<Items>(&item, &[("due_at", &None::<i64>)], "attempts = ? AND due_at = ?", params![2_i64, 9_i64]).await?);
        let undeclared = tx.update_with::<Items>(&item, &[("height", &2_i64)]).await;
        assert!(undeclared.unwrap_err().to_string().contains("height"));
        let summaries = Select::of::<ItemSummaries>().filter_literal("attempts = 2").filter("name = ?", "chair").list(tx).await?;
        assert!(matches!(&summaries[..], [ItemSummary { name, is_failed: true }] if name == "chair"));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_row_that_is_there_is_kept_or_replaced_and_never_an_error() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let item = lamp(&db);
    db.write(async move |tx| {
        assert!(tx.insert_if_absent::<Items>(&item, "(name)").await?);
        assert!(!tx.insert_if_absent::<Items>(&Item { item_id: tx.new_id(), ..item.clone() }, "(name)").await?);
        assert!(tx.insert_if_absent_with::<Closed>(&(), "", &[("item_id", &item.item_id)]).await?);
        assert!(!tx.insert_if_absent_with::<Closed>(&(), "", &[("item_id", &item.item_id)]).await?);
        let changed = Item { name: "chair".into(), created_at: Timestamp(8), ..item.clone() };
        tx.upsert::<Items>(&changed).await?;
        assert!(!tx.upsert_if::<Items>(&item, &[], "items.height < excluded.height").await?, "the height is the same");
        tx.upsert_with::<Closed>(&(), &[("item_id", &item.item_id)]).await?;
        assert_eq!(tx.list::<Items>("ORDER BY name", &[]).await?, [Item { created_at: item.created_at, ..changed }]);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_composite_key_and_a_join_are_read_and_written() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let item = lamp(&db);
    db.write(async move |tx| {
        tx.insert::<Items>(&item).await?;
        for text in ["shade", "foot"] {
            let position = tx.next_number("counters", "number", &[("item_id", &item.item_id)]).await?;
            tx.insert_with::<Parts>(&Part { text: text.into() }, &[("item_id", &item.item_id), ("position", &position)]).await?;
        }
        let joined = Select::joined::<Parts>("p", "items i JOIN parts p ON p.item_id = i.item_id").filter("p.position = ?", 2_i64);
        assert_eq!(joined.lock(tx).await?.map(|part| part.text).as_deref(), Some("foot"));
        let renamed = tx.execute_returning::<Parts>("UPDATE parts SET text = 'base' WHERE position = $1", params![2_i64]).await?;
        assert_eq!(renamed[0].text, "base");
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_list_of_values_finds_the_rows_that_have_one_of_them() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let item = lamp(&db);
    db.write(async move |tx| {
        for name in ["a", "b", "c", "d"] {
            tx.insert::<Items>(&Item { item_id: tx.new_id(), name: name.into(), ..item.clone() }).await?;
        }
        let found = async |tx: &mut crate::db::Tx, names: &[&'static str]| {
            let select = Select::of::<ItemSummaries>().filter("height = ?", 3_i64).filter_in("name", names).limit("name", 9);
            let sql = select.sql().to_owned();
            let names = select.list(tx).await?.into_iter().map(|row| row.name).collect::<String>();
            Ok::<_, Error>((names, sql.rsplit_once("name IN ").map(|(_, places)| places.to_owned()).unwrap_or_default()))
        };
        assert_eq!(found(tx, &["a", "c", "x"]).await?, ("ac".into(), "($2, $3, $4, $5) ORDER BY name LIMIT $6".into()));
        assert_eq!(found(tx, &["b"]).await?, ("b".into(), "($2) ORDER BY name LIMIT $3".into()));
        assert_eq!(found(tx, &[]).await?, (String::new(), String::new()));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

fn item() -> impl Strategy<Value = Item> {
    let failure = (".{0,9}", any::<i64>(), proptest::option::of(".{0,9}"));
    let failure = failure.prop_map(|(code, at, detail)| Failure { code, occurred_at: Timestamp(at), detail });
    let plain = (any::<u128>(), ".{0,20}", proptest::option::of(".{0,9}"), any::<[i64; 3]>());
    let json = (proptest::collection::vec(".{0,9}", 0..4), proptest::option::of(proptest::collection::vec(any::<i64>(), 0..4)));
    (plain, json, proptest::option::of(failure)).prop_map(|((id, name, carrier, [height, width, at]), (tags, note), failure)| Item {
        item_id: Uuid::from_u128(id),
        name,
        carrier,
        size: Size { height, width },
        tags,
        note,
        failure,
        parts: Vec::new(),
        created_at: Timestamp(at),
    })
}

#[test]
fn a_row_that_was_inserted_is_found_as_it_was() {
    let folder = TempFolder::new();
    let db = open(&folder);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    proptest!(ProptestConfig::with_cases(64), |(item in item())| {
        let expected = item.clone();
        let found = runtime.block_on(db.write(async move |tx| {
            tx.execute("DELETE FROM items", &[]).await?;
            tx.insert::<Items>(&item).await?;
            tx.find::<Items>("item_id = $1", params![item.item_id]).await
        }));
        prop_assert_eq!(found.unwrap(), Some(expected));
    });
}
