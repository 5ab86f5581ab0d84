//! A service that hangs, that answers only errors, and that is not there.

use crate::{
    installation::{Installation, until},
    shopping::Shopping,
};
use axum::{Router, http::StatusCode};
use contracts::{
    catalog::{LIST_PRODUCTS, Product},
    page::Page,
};
use platform::{
    env::Env,
    http::{Limits, serve},
    shutdown,
};
use souk::api_client::{Reply, request};
use tokio::net::TcpListener;

async fn list_products(installation: &Installation) -> Option<Reply<Page<Product>>> {
    installation.api.reconnected().send(request(&LIST_PRODUCTS).query("limit", 1)).await.ok()
}

/// The answer of the gateway while the catalogue cannot be asked: a problem that says when to come again.
async fn refusal(installation: &Installation) -> (u16, String) {
    let reply = list_products(installation).await.expect("the gateway answers");
    assert!(reply.headers.contains_key("retry-after"), "{:?}", reply.problem());
    reply.problem()
}

async fn recovers(installation: &Installation) {
    until("products are listed again", async || list_products(installation).await.is_some_and(|reply| reply.status.is_success())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_service_that_is_not_there_is_answered_with_503_until_it_is_there_again() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    installation.local_meanwhile(&["kill", "catalog"]).await;
    // More often than the breaker needs to open.
    for _ in 0..20 {
        assert_eq!(refusal(&installation).await, (503, "DEPENDENCY_UNAVAILABLE".to_owned()));
    }
    installation.local_meanwhile(&["restart", "catalog"]).await;
    recovers(&installation).await;
    shopping.until_more(4).await;
    shopping.end(&installation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_service_that_answers_only_errors_is_no_end_of_the_others() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    installation.local_meanwhile(&["kill", "payment"]).await;
    let (env, (stop, stopped)) = (Env::system(), shutdown::channel());
    let mut broken = Vec::new();
    for process in ["payment-1", "payment-2"] {
        let address = installation.address(process);
        let listener = TcpListener::bind(address.trim_start_matches("http://")).await.expect("the port is free");
        let stopped = stopped.clone();
        let router = Router::new().fallback(async || (StatusCode::INTERNAL_SERVER_ERROR, "{}"));
        let ended = async move { stopped.requested().await };
        broken.push(env.spawn(serve(listener, router, Limits::default(), env.clone(), ended)));
    }
    // Others go on: carts fill, products are found.
    for _ in 0..20 {
        assert_eq!(list_products(&installation).await.expect("an answer").status, StatusCode::OK);
    }
    let admin = installation.admin().await;
    let payments = admin.send(request(&contracts::payment::LIST_PAYMENTS)).await.expect("an answer");
    assert!(payments.status.is_server_error(), "{:?}", payments.problem());
    stop.stop();
    for server in broken {
        server.await.expect("it ends");
    }
    installation.local_meanwhile(&["restart", "payment"]).await;
    shopping.until_more(4).await;
    shopping.end(&installation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_service_that_hangs_is_left_after_its_time_and_heals_by_itself() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    for process in ["inventory-1", "inventory-2"] {
        installation.signal(process, "STOP");
    }
    // Others go on meanwhile. A request of the hanging service ends with a problem.
    assert_eq!(list_products(&installation).await.expect("an answer").status, StatusCode::OK);
    let admin = installation.admin().await;
    let stock = admin.send(request(&contracts::inventory::LIST_STOCK)).await;
    let (status, code) = stock.expect("an answer").problem();
    assert_eq!((status, &*code), (503, "TIMEOUT"));
    for process in ["inventory-1", "inventory-2"] {
        installation.signal(process, "CONT");
    }
    shopping.until_more(4).await;
    shopping.end(&installation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn one_replica_that_hangs_does_not_stop_the_orders() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    installation.signal("inventory-1", "STOP");
    shopping.until_more(8).await;
    installation.signal("inventory-1", "CONT");
    shopping.until_more(4).await;
    shopping.end(&installation).await;
}
