//! Databases that were restored from an older copy, lost, or made anew.

use super::*;
use crate::bus::Feed;
use crate::{
    db::installation::Opening,
    inbox, outbox,
    runtime::{DATABASES, open_databases},
};
use std::{collections::BTreeMap, path::PathBuf, sync::atomic::AtomicU64};

const A: OrderId = OrderId(Uuid::from_u128(1));
const B: OrderId = OrderId(Uuid::from_u128(2));

/// Both services on one data directory, which a test stops, changes and starts again.
struct Shop {
    folder: TempFolder,
    refuses: Arc<AtomicBool>,
    starts: AtomicU64,
}

impl Shop {
    fn new() -> Shop {
        Shop { folder: TempFolder::new(), refuses: Arc::default(), starts: AtomicU64::new(0) }
    }

    fn file(&self, service: &str) -> PathBuf {
        self.folder.path().join(DATABASES).join(format!("{service}.db"))
    }

    async fn start(&self) -> Runtime {
        start_with_seed(&self.folder, &self.refuses, false, self.starts.fetch_add(1, Ordering::Relaxed)).await
    }

    /// Starts both, emits and delivers these events, and returns what was consumed since ever.
    async fn send(&self, sent: &[(OrderId, i64)]) -> Vec<i64> {
        let runtime = self.start().await;
        emit(&runtime.databases["producer"], sent).await;
        settle(&runtime).await;
        consumed(&runtime.databases["consumer"]).await
    }

    /// A copy of a service's database as it is now.
    fn copy(&self, service: &str) -> PathBuf {
        let copy = self.folder.path().join(format!("{service}.copy"));
        let from = rusqlite::Connection::open(self.file(service)).unwrap();
        let _ = std::fs::remove_file(&copy);
        from.execute("VACUUM INTO $1", [copy.to_str().unwrap()]).unwrap();
        copy
    }

    fn remove(&self, service: &str) {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = self.file(service).into_os_string();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
    }

    fn restore(&self, service: &str, copy: &PathBuf) {
        self.remove(service);
        std::fs::copy(copy, self.file(service)).unwrap();
    }

    fn open(&self, accepted: &[&str]) -> Result<BTreeMap<&'static str, Db>, Error> {
        let accepted: Vec<String> = accepted.iter().map(|name| (*name).to_owned()).collect();
        let opening = Opening { accepted_losses: &accepted, ..Opening::new(crate::db::OutdatedSchema::Migrate) };
        open_databases(&Env::seeded(3, Timestamp(1_767_225_600_000_000)), self.folder.path(), &services(&self.refuses), opening, None)
    }

    fn refusal(&self) -> String {
        match self.open(&[]) {
            Err(error @ Error::Lost(_)) => error.to_string(),
            Err(other) => panic!("another error: {other}"),
            Ok(_) => panic!("nothing was refused"),
        }
    }
}

async fn settle(runtime: &Runtime) {
    for _ in 0..100 {
        if runtime.turn().await.expect("a turn").is_empty() {
            return;
        }
    }
    panic!("events are delivered again and again");
}

async fn execute(db: &Db, sql: &'static str) {
    db.write(async move |tx| tx.execute(sql, &[]).await).await.unwrap();
}

#[tokio::test]
async fn events_of_an_older_producer_are_consumed_although_their_numbers_were_used_before() {
    let shop = Shop::new();
    shop.send(&[(A, 1), (A, 2)]).await;
    let copy = shop.copy("producer");
    assert_eq!(shop.send(&[(A, 3), (B, 4), (B, 5)]).await, [1, 2, 3, 4, 5]);
    shop.restore("producer", &copy);
    // The new events have the numbers 3 to 7; the consumer stands at 5.
    assert_eq!(shop.send(&[(A, 30), (A, 31), (A, 32), (B, 33), (B, 34)]).await, [1, 2, 3, 4, 5, 30, 31, 32, 33, 34]);
    let runtime = shop.start().await;
    let consumer = &runtime.databases["consumer"];
    let rewinds: Vec<(String, i64)> =
        inbox::list_rewinds(consumer).await.unwrap().into_iter().map(|rewind| (rewind.producer, rewind.from)).collect();
    assert_eq!(rewinds, [("producer".to_owned(), 5)]);
    assert_eq!(inbox::find_disagreement(consumer, &runtime.databases["producer"]).await.unwrap(), None, "it recovered");
}

#[tokio::test]
async fn a_consumer_goes_back_although_the_older_producer_has_no_new_events() {
    let shop = Shop::new();
    shop.send(&[(A, 1)]).await;
    let copy = shop.copy("producer");
    shop.send(&[(A, 2), (A, 3)]).await;
    shop.restore("producer", &copy);
    let databases = shop.open(&[]).unwrap();
    let found = inbox::find_disagreement(&databases["consumer"], &databases["producer"]).await.unwrap().expect("a disagreement");
    assert!(found.contains("position 3 of producer") && found.contains("back to position 1"), "{found}");
    drop(databases);
    assert_eq!(shop.send(&[]).await, [1, 2, 3]);
    let runtime = shop.start().await;
    assert_eq!(inbox::position(&runtime.databases["consumer"], "producer").await.unwrap(), 1);
}

#[tokio::test]
async fn an_older_consumer_consumes_again_what_it_does_not_know() {
    let shop = Shop::new();
    shop.send(&[(A, 1)]).await;
    let copy = shop.copy("consumer");
    shop.send(&[(A, 2), (B, 3)]).await;
    shop.restore("consumer", &copy);
    assert_eq!(shop.send(&[]).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_position_without_an_event_gains_it_or_goes_back() {
    let shop = Shop::new();
    shop.send(&[(A, 1), (A, 2)]).await;
    let former = "UPDATE subscriptions SET database_id = NULL, event_id = NULL";
    let stands_on = async |runtime: &Runtime| {
        let sql = "SELECT event_id FROM subscriptions";
        runtime.databases["consumer"].read(async move |tx| tx.query_one(sql, &[], |row| row.next::<Option<Uuid>>()).await).await.unwrap()
    };
    let runtime = shop.start().await;
    let before = stands_on(&runtime).await;
    execute(&runtime.databases["consumer"], former).await;
    settle(&runtime).await;
    assert_eq!(stands_on(&runtime).await, before);
    assert!(before.is_some());
    assert!(inbox::list_rewinds(&runtime.databases["consumer"]).await.unwrap().is_empty());
    drop(runtime);

    let copy = shop.copy("producer");
    shop.send(&[(A, 3), (A, 4)]).await;
    execute(&shop.start().await.databases["consumer"], former).await;
    shop.restore("producer", &copy);
    assert_eq!(shop.send(&[(A, 30), (A, 31), (A, 32)]).await, [1, 2, 3, 4, 30, 31, 32]);
}

#[tokio::test]
async fn a_position_anywhere_leads_back_to_the_events() {
    for position in [i64::MIN, -1, 0, 1, 3, 1_000, i64::MAX] {
        let shop = Shop::new();
        shop.send(&[(A, 1), (A, 2)]).await;
        let runtime = shop.start().await;
        let consumer = &runtime.databases["consumer"];
        consumer.write(async move |tx| tx.execute("UPDATE subscriptions SET position = $1", params![position]).await).await.unwrap();
        emit(&runtime.databases["producer"], &[(A, 3)]).await;
        settle(&runtime).await;
        assert_eq!(consumed(consumer).await, [1, 2, 3], "from {position}");
        assert_eq!(inbox::position(consumer, "producer").await.unwrap(), 3, "from {position}");
    }
}

#[tokio::test]
async fn an_event_that_was_deleted_after_everybody_had_it_moves_nobody() {
    let shop = Shop::new();
    shop.send(&[(A, 1), (A, 2)]).await;
    let runtime = shop.start().await;
    let (producer, consumer) = (&runtime.databases["producer"], &runtime.databases["consumer"]);
    emit(producer, &[(A, 3), (A, 4)]).await;
    let later = producer.now().after(std::time::Duration::from_secs(1));
    assert_eq!(outbox::purge(producer, later, 2, 10).await.unwrap(), 2);
    settle(&runtime).await;
    assert_eq!(consumed(consumer).await, [1, 2, 3, 4]);
    assert!(inbox::list_rewinds(consumer).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_missing_or_empty_database_is_a_loss_and_no_first_start() {
    let shop = Shop::new();
    shop.send(&[(A, 1)]).await;
    shop.remove("consumer");
    let refused = shop.refusal();
    assert!(refused.contains("consumer.db: this database of the installation is missing"), "{refused}");
    assert!(refused.contains("souk restore") && refused.contains("--accept-loss consumer"), "{refused}");
    assert!(!shop.file("consumer").exists(), "nothing is created");

    std::fs::write(shop.file("consumer"), "").unwrap();
    assert!(shop.refusal().contains("is empty"));
    let other = rusqlite::Connection::open(shop.file("consumer")).unwrap();
    other.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(other);
    assert!(shop.refusal().contains("is empty"), "it has none of the tables");
    shop.open(&["consumer"]).unwrap();
    shop.open(&[]).unwrap();
    let kept = std::fs::read_dir(shop.folder.path().join(DATABASES)).unwrap();
    let kept: Vec<String> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(kept.iter().any(|name| name.starts_with("consumer.db.lost-")), "{kept:?}");
}

#[tokio::test]
async fn a_database_of_another_service_or_installation_is_refused() {
    let (shop, other) = (Shop::new(), Shop::new());
    for shop in [&shop, &other] {
        shop.send(&[(A, 1)]).await;
    }
    let own = shop.copy("consumer");
    shop.restore("consumer", &shop.copy("producer"));
    assert!(shop.refusal().contains("it is the database of producer, and not of consumer"));
    shop.restore("consumer", &other.copy("consumer"));
    let refused = shop.refusal();
    assert!(refused.contains("another installation"), "{refused}");
    shop.restore("consumer", &own);
    shop.open(&[]).unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_refused_with_its_file_and_the_remedy() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("header", |bytes| bytes[..64].fill(b'x')),
        ("truncated", |bytes| bytes.truncate(bytes.len() / 2)),
        ("garbage", |bytes| {
            let end = bytes.len();
            bytes[4_096..end].fill(0xa5);
        }),
        ("text", |bytes| *bytes = b"not a database at all, but long enough to look like one of the files there".repeat(200)),
    ];
    for (what, damage) in damages {
        let shop = Shop::new();
        shop.send(&[(A, 1), (A, 2)]).await;
        let copy = shop.copy("producer");
        let mut bytes = std::fs::read(&copy).unwrap();
        damage(&mut bytes);
        std::fs::write(&copy, bytes).unwrap();
        shop.restore("producer", &copy);
        let refused = shop.refusal();
        assert!(refused.contains("producer.db: the database is damaged"), "{what}: {refused}");
        assert!(refused.contains("souk restore"), "{what}: {refused}");
        shop.open(&["producer"]).unwrap();
    }
}

#[tokio::test]
async fn a_first_start_that_was_interrupted_is_continued() {
    let shop = Shop::new();
    // Only one of two was made, and no database knows another.
    let folder = shop.folder.path().join(DATABASES);
    drop(Db::open(Env::system(), "producer", &folder, &[]).unwrap());
    std::fs::write(shop.file("consumer"), "").unwrap();
    assert_eq!(shop.send(&[(A, 1)]).await, [1]);
}

#[tokio::test]
async fn a_consumer_that_lost_its_database_begins_at_the_end_and_later_events_arrive() {
    let shop = Shop::new();
    shop.send(&[(A, 1), (A, 2)]).await;
    shop.remove("consumer");
    drop(shop.open(&["consumer"]).unwrap());
    assert_eq!(shop.send(&[(A, 3)]).await, [3]);
    assert_eq!(shop.send(&[(B, 4)]).await, [3, 4], "it begins once");
}

#[tokio::test]
async fn a_producer_that_lost_its_database_is_consumed_from_its_new_beginning() {
    let shop = Shop::new();
    shop.send(&[(A, 1), (A, 2), (A, 3)]).await;
    shop.remove("producer");
    drop(shop.open(&["producer"]).unwrap());
    assert_eq!(shop.send(&[(B, 10), (B, 11), (B, 12), (B, 13)]).await, [1, 2, 3, 10, 11, 12, 13]);
}

#[tokio::test]
async fn what_a_consumer_knows_by_number_is_forgotten_when_it_goes_back() {
    let folder = TempFolder::new();
    let env = Env::seeded(3, Timestamp(1_767_225_600_000_000));
    let producer = Db::open(env.clone(), "producer", folder.path(), &[]).unwrap();
    let consumer = Db::open(env, "consumer", folder.path(), SCHEMA).unwrap();
    let forget = async |tx: &mut crate::db::Tx| tx.execute("DELETE FROM consumed", &[]).await.map(|_| ());
    let consumers = inbox::Consumers::new().on_rewind("producer", forget);
    execute(&consumer, "INSERT INTO consumed (position, thing, number) VALUES (1, x'00', 7)").await;
    emit(&producer, &[(A, 1)]).await;
    inbox::set_position(&consumer, &producer, 1).await.unwrap();
    assert_eq!(inbox::verify(&consumer, &Feed::Outbox(producer.clone()), &consumers).await.unwrap(), 1);
    assert_eq!(consumed(&consumer).await, [7], "it agrees");
    inbox::set_position(&consumer, &producer, 9).await.unwrap();
    assert_eq!(inbox::verify(&consumer, &Feed::Outbox(producer.clone()), &consumers).await.unwrap(), 0);
    assert!(consumed(&consumer).await.is_empty());
}
