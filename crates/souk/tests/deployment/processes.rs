//! Processes that are killed.

use crate::{
    installation::{Installation, SERVICES},
    shopping::Shopping,
};

/// All processes of a service, each service in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_service_that_is_killed_amid_orders_loses_nothing_that_was_answered() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    for service in SERVICES {
        installation.local_meanwhile(&["kill", service]).await;
        installation.local_meanwhile(&["restart", service]).await;
        shopping.until_more(4).await;
    }
    shopping.end(&installation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn one_process_of_each_service_is_enough() {
    let installation = Installation::enter().await;
    let shopping = Shopping::begin(&installation, &installation.api).await;
    for service in SERVICES {
        installation.local_meanwhile(&["kill", &format!("{service}-1")]).await;
    }
    shopping.until_more(12).await;
    for service in SERVICES {
        installation.local_meanwhile(&["restart", &format!("{service}-1")]).await;
    }
    shopping.until_more(4).await;
    shopping.end(&installation).await;
}
