//! What an update of the program does: every process is replaced, one after the other.

use crate::{
    balancer::Balancer,
    installation::{Installation, SERVICES},
    shopping::Shopping,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn no_request_fails_while_every_process_is_replaced() {
    let installation = Installation::enter().await;
    let balancer = Balancer::start(&installation).await;
    let shopping = Shopping::begin(&installation, &balancer.api).await;
    for service in SERVICES.into_iter().chain(["gateway"]) {
        installation.local_meanwhile(&["restart", service]).await;
        shopping.until_more(2).await;
    }
    let failures = shopping.end(&installation).await;
    assert_eq!(failures, Vec::<String>::new());
}
