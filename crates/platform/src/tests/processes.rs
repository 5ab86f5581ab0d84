//! A producer and a consumer in processes of their own, as far as one test can: each has its runtime, its folder, its
//! environment and its connection to NATS.

use super::*;
use crate::bus::Broker;
use std::time::Duration;

async fn start_one(name: &str, folder: &TempFolder, address: &str) -> Runtime {
    let service = services(&Arc::default()).into_iter().find(|service| service.name == name).expect("there is such a service");
    let setup = Setup {
        env: Env::system(),
        data_dir: folder.path().join(name),
        settings: Settings::default(),
        master_key: MasterKey::new([1; 32]),
        remote_services: Vec::new(),
        broker: Some(Broker::connect(address, 1).await.expect("the address is one")),
        run_background: true,
        databases: None,
    };
    Runtime::start(vec![service], setup).await.expect("it starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_EVENTS, the address of a NATS server"]
async fn events_reach_a_consumer_in_another_process_also_when_it_starts_first_or_again() {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    let address = std::env::var("SOUK_TEST_EVENTS").expect("SOUK_TEST_EVENTS holds the address of a NATS server");
    // The stream of an earlier run belongs to another database.
    let _ = Broker::connect(&address, 1).await.unwrap().delete("producer").await;
    let folder = TempFolder::new();
    let consumer = start_one("consumer", &folder, &address).await;
    let producer = start_one("producer", &folder, &address).await;
    let arrives = async |runtime: &Runtime, count: usize| {
        let wait = async {
            while consumed(&runtime.databases["consumer"]).await.len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the events arrive");
        assert_eq!(consumed(&runtime.databases["consumer"]).await.len(), count);
    };
    let thing = OrderId(Uuid::from_u128(1));
    emit(&producer.databases["producer"], &[(thing, 1), (thing, 2)]).await;
    arrives(&consumer, 2).await;
    consumer.stop().await;
    emit(&producer.databases["producer"], &[(thing, 3)]).await;
    let consumer = start_one("consumer", &folder, &address).await;
    arrives(&consumer, 3).await;
    assert_eq!(consumed(&consumer.databases["consumer"]).await, [1, 2, 3]);
    producer.stop().await;
    consumer.stop().await;
}
