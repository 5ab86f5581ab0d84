//! The whole marketplace with a runtime, an entry point and a connection to NATS for each service, as processes of their own have
//! them. The databases are embedded ones, one folder for each, which the program itself refuses beside NATS.

use super::{Part, Upstreams};
use crate::{
    api_client::{Api, add_to_cart, place_order, request, sample_address},
    config::Config,
    demo::{CUSTOMER, load},
    doctor::examine,
    entry::ServiceEntry,
    platform_run::{self, Databases},
};
use axum::Router;
use contracts::{SERVICE_NAMES, order::OrderStatus, payment::PaymentMethod, user::ADD_ADDRESS};
use gateway::StartupGate;
use platform::{
    env::Env,
    http::{Limits, serve},
    master_key::MasterKey,
    runtime::Runtime,
    testing::TempFolder,
};
use std::{path::Path, process::Command, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// A NATS server that ends with the test.
struct Nats(TempFolder);

impl Nats {
    fn run(&self, verb: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/nats");
        let output = Command::new(script).arg(verb).arg(self.0.path()).output().expect("scripts/nats runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.run("stop");
    }
}

fn config(folder: &Path, part: Part, upstreams: &Upstreams, events: &str) -> Config {
    Config {
        events: Some(events.to_owned()),
        upstreams: upstreams.clone(),
        installation_key: Some(MasterKey::new([5; 32])),
        rate_limits: false,
        part,
        ..Config::embedded(folder)
    }
}

fn listen(env: &Env, listener: TcpListener, router: Router) {
    env.spawn(serve(listener, router, Limits::default(), env.clone(), std::future::pending()));
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a NATS server by scripts/nats"]
async fn an_order_is_confirmed_across_one_process_per_service_and_the_doctor_finds_nothing() {
    let (nats, folder, env) = (Nats(TempFolder::new()), TempFolder::new(), Env::system());
    let events = nats.run("start");
    let (mut upstreams, mut listeners) = (Upstreams::new(), Vec::new());
    for service in SERVICE_NAMES {
        let (listener, address) = listener().await;
        upstreams.insert(service, vec![address]);
        listeners.push((service, listener));
    }
    let mut runtimes: Vec<Runtime> = Vec::new();
    let mut databases = Databases::new();
    for (service, listener) in listeners {
        let config = config(&folder.path().join(service), Part::Services(vec![service]), &upstreams, &events);
        let runtime = platform_run::start(&config, true).await.unwrap();
        let entry = ServiceEntry::new(&env, Arc::new(Vec::new));
        entry.open(platform_run::entry_points(&runtime));
        listen(&env, listener, entry.router());
        databases.extend(runtime.databases.iter().map(|(name, db)| (*name, db.clone())));
        runtimes.push(runtime);
    }
    let public = config(&folder.path().join("gateway"), Part::Gateway, &upstreams, &events);
    let edge = platform_run::start(&public, true).await.unwrap();
    assert!(edge.databases.is_empty(), "the gateway has no database");
    let gate = StartupGate::new(env.clone(), Arc::new(Vec::new), None);
    gate.open(platform_run::gateway(&public, &edge, Vec::new(), Router::new()).unwrap());
    let (at, address) = listener().await;
    listen(&env, at, gate.router());
    runtimes.push(edge);

    let summary = load(&public.settings, &MasterKey::new([5; 32]), &databases).await.unwrap();
    let customer = Api::new(&address).log_in(CUSTOMER).await.unwrap();
    let home = customer.must(request(&ADD_ADDRESS).body(&sample_address())).await.unwrap();
    customer.must(add_to_cart(summary.first.unwrap().product_id, 1)).await.unwrap();
    let order = customer.must(place_order(home.address_id, PaymentMethod::Ok, "across-processes").wait()).await.unwrap();
    assert_eq!(order.status, OrderStatus::Confirmed);

    // The audit log and the ledger follow by events.
    let settles = async {
        while examine(&public, &databases).await.faults() > 0 {
            tokio::task::yield_now().await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), settles).await.is_err() {
        examine(&public, &databases).await.print_faults();
        panic!("the doctor finds faults");
    }
    for runtime in runtimes {
        runtime.stop().await;
    }
}
