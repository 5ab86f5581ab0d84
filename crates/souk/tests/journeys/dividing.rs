//! The database of one service elsewhere than those of the others.

use super::{
    server::{Server, run_with},
    servers,
};
use contracts::{order::OrderStatus, payment::PaymentMethod};
use platform::{
    db::{Db, Error, OutdatedSchema, Place, Storage},
    env::Env,
    testing::{TempFolder, drop_databases},
};

/// Opens the database of `order` at this address, if it is there.
fn open(address: &str) -> Result<Db, Error> {
    let (env, service) = (Env::system(), ::order::service());
    let (place, storage) = (Place::Server(address.parse().expect("the address of a server")), Storage::new(&env, None));
    Db::open_at(env, service.name, &place, service.migrations, OutdatedSchema::Refuse, storage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_service_has_its_database_elsewhere() {
    if !servers::are_used() {
        return;
    }
    let folder = TempFolder::new();
    let prefix = servers::prefix(folder.path());
    let (others, own) = (servers::address(&prefix), format!("{prefix}own_"));
    // The same server under another name, as a second one would be named.
    let elsewhere: &'static str = servers::address(&own).replace("127.0.0.1", "localhost").leak();
    let server = Server::start_on(folder, &[("SOUK_ORDER_DATABASE", elsewhere)]).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "APART-1", 1_000, 5).await;
    let buyer = server.customer("apart").await;
    buyer.add(product, 2).await;
    assert_eq!(buyer.order(PaymentMethod::Ok, "k").await.status, OrderStatus::Confirmed);

    let orders = open(elsewhere).expect("the database of its own");
    let count = orders.read(async |tx| tx.query_one("SELECT COUNT(*) FROM orders", &[], |row| row.next::<i64>()).await).await;
    assert_eq!(count.map_err(|error: Error| error.to_string()), Ok(1));
    assert!(open(&others).is_err(), "there is none beside those of the others");
    drop(orders);
    let (succeeded, shown) = run_with(&server.environment, server.folder.path(), &["migrate"], "");
    assert!(succeeded && shown.contains("that of order in"), "{shown}");
    server.stop_and_check().await;
    drop_databases(&own, &[::order::service().name]);
}
