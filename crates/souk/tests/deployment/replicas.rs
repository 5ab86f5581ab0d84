//! Replicas of the search, each with an index of its own, and gateways with one quota for each caller.

use crate::installation::{Installation, until};
use contracts::{catalog::UPDATE_PRODUCT, ids::ProductId};
use hyper::Method;
use serde_json::{Value, json};
use souk::{
    api_client::{Api, raw, request},
    child::free_address,
};
use std::{fs, process::Child, process::Command};

/// What this replica finds, without what differs between two searches for the same.
async fn found(installation: &Installation, replica: &str, query: &str) -> Value {
    let api = Api::new(&installation.address(replica));
    let reply = api.send(raw(Method::GET, &format!("//search?{query}"))).await;
    reply.map_or(Value::Null, |reply| reply.json())
}

async fn alike(installation: &Installation, query: &str, total: i64) {
    until(&format!("both replicas find {total} by {query}"), async || {
        let (one, other) = (found(installation, "search-1", query).await, found(installation, "search-2", query).await);
        one["total"] == json!(total) && one == other
    })
    .await;
}

async fn price(admin: &Api, product: ProductId, price: i64) {
    let update = serde_json::from_value(json!({"priceAmount": price})).expect("an update");
    admin.must(request(&UPDATE_PRODUCT).path(product).body(&update)).await.expect("it is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn replicas_of_the_search_answer_alike_and_a_fresh_one_builds_its_index_first() {
    let installation = Installation::enter().await;
    let admin = installation.admin().await;
    let (product, sku) = installation.product(&admin, "FOUND").await;
    let query = format!("q={sku}");
    alike(&installation, &query, 1).await;
    price(&admin, product, 77).await;
    alike(&installation, &format!("{query}&maxPrice=77&currency=EUR"), 1).await;

    let index = installation.folder().join("data/search-2/search");
    assert!(fs::read_dir(&index).expect("it has an index of its own").next().is_some());
    installation.local_meanwhile(&["kill", "search-2"]).await;
    price(&admin, product, 55).await;
    fs::remove_dir_all(&index).expect("the index can be deleted");
    installation.local_meanwhile(&["restart", "search-2"]).await;
    // It is ready now, so it has everything that was stored when it began.
    let all = found(&installation, "search-2", &query).await;
    assert_eq!(all["total"], json!(1), "{all}");
    alike(&installation, &format!("{query}&maxPrice=55&currency=EUR"), 1).await;
    installation.is_whole().await;
}

/// A gateway beside those of the installation, with rate limits. It is killed when dropped.
struct Gateway {
    child: Child,
    api: Api,
}

impl Gateway {
    async fn start(installation: &Installation, name: &str) -> Gateway {
        let [listen, operations] = [free_address(), free_address()].map(|address| address.expect("a free port"));
        let line = format!(
            ". '{0}/env'; exec \"$SOUK\" serve --only gateway --listen {listen} --ops-listen {operations} --data-dir '{0}/data/{name}' \
             --rate-limits on --log warn",
            installation.folder().display()
        );
        let child = Command::new("bash").args(["-c", &line]).env("SOUK", env!("CARGO_BIN_EXE_souk")).spawn().expect("a shell starts");
        let gateway = Gateway { child, api: Api::new(&format!("http://{listen}")) };
        until("the gateway is ready", async || gateway.api.is_ready().await).await;
        gateway
    }

    /// Whether an attempt to log in is not refused by the rate limit.
    async fn allows_login(&self) -> bool {
        let login = json!({"email": "nobody@deployment.example", "password": "not the password"});
        let attempt = raw(Method::POST, "/auth/login").bytes("application/json", login.to_string().into_bytes());
        let reply = self.api.send(attempt).await.expect("an answer");
        match reply.problem() {
            (401, _) => true,
            (429, _) => false,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address has ten logins a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_DEPLOY"]
async fn a_caller_has_one_quota_at_all_gateways_and_without_nats_one_at_each() {
    let installation = Installation::enter().await;
    let (one, other) = (Gateway::start(&installation, "limited-1").await, Gateway::start(&installation, "limited-2").await);
    while one.allows_login().await {}
    assert!(!other.allows_login().await, "the other gateway never saw the caller, and refuses as well");
    installation.signal("nats", "STOP");
    let alone = [one.allows_login().await, other.allows_login().await];
    installation.signal("nats", "CONT");
    assert_eq!(alone, [true, true], "nobody is refused because NATS does not answer");
    installation.all_ready().await;
}
