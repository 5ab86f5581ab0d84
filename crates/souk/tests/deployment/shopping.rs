//! Buyers who order all the time, while processes fail.

use crate::installation::{Installation, PATIENCE, until};
use anyhow::{Result, bail};
use contracts::{
    catalog::LIST_PRODUCTS,
    ids::{AddressId, OrderId, ProductId},
    order::{GET_ORDER, OrderStatus},
    payment::PaymentMethod,
};
use hyper::Method;
use serde::de::DeserializeOwned;
use souk::api_client::{Api, ApiRequest, add_to_cart, place_order, raw, request};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// A customer.
#[derive(Clone)]
pub struct Buyer {
    pub api: Api,
    pub address: AddressId,
    pub number: usize,
}

/// What happened to the buyers.
#[derive(Default)]
struct Ledger {
    /// Each order that was answered, with the number of its buyer.
    answered: Mutex<Vec<(usize, OrderId)>>,
    /// Each request that failed.
    failures: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

/// Buyers at work.
pub struct Shopping {
    buyers: Vec<Buyer>,
    ledger: Arc<Ledger>,
    tasks: JoinSet<()>,
}

const BUYERS: usize = 4;

impl Shopping {
    /// Lets buyers order through `api`, until [`Shopping::end`]. A request that fails is repeated until it is answered.
    pub async fn begin(installation: &Installation, api: &Api) -> Shopping {
        let admin = installation.admin().await;
        let (product, _) = installation.product(&admin, "DEPLOYED").await;
        let (ledger, mut tasks, mut buyers) = (Arc::<Ledger>::default(), JoinSet::new(), Vec::new());
        for number in 0..BUYERS {
            let buyer = installation.buyer(api, number).await;
            buyers.push(buyer.clone());
            tasks.spawn(buyer.buy(product, ledger.clone()));
        }
        let shopping = Shopping { buyers, ledger, tasks };
        shopping.until_more(BUYERS).await;
        shopping
    }

    /// Waits until so many more orders were answered.
    pub async fn until_more(&self, orders: usize) {
        let answered = || self.ledger.answered.lock().expect("no panic").len();
        let wanted = answered() + orders;
        let failures = || self.ledger.failures.lock().expect("no panic").iter().rev().take(5).cloned().collect::<Vec<_>>();
        let deadline = Instant::now() + PATIENCE;
        while answered() < wanted {
            assert!(Instant::now() < deadline, "{} of {orders} orders are missing; {:#?}", wanted - answered(), failures());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it when each buyer has the answer to the present request, and checks that everything that was answered is there, and
    /// that the installation is whole. Returns the requests that failed meanwhile.
    pub async fn end(mut self, installation: &Installation) -> Vec<String> {
        self.ledger.is_over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a buyer does not panic");
        }
        let answered = self.ledger.answered.lock().expect("no panic").clone();
        assert_eq!(answered.iter().collect::<BTreeSet<_>>().len(), answered.len(), "each key has an order of its own");
        for (number, id) in answered {
            let buyer = &self.buyers[number];
            let what = format!("order {id} is there and at rest");
            until(&what, async || {
                let found = buyer.api.must(request(&GET_ORDER).path(id)).await;
                found.is_ok_and(|order| matches!(order.status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered))
            })
            .await;
        }
        installation.is_whole().await;
        std::mem::take(&mut *self.ledger.failures.lock().expect("no panic"))
    }
}

impl Buyer {
    async fn buy(self, product: ProductId, ledger: Arc<Ledger>) {
        let mut round = 0;
        while !ledger.is_over.load(Ordering::SeqCst) {
            round += 1;
            self.until_answered(&ledger, request(&LIST_PRODUCTS).query("limit", 5)).await;
            self.until_answered(&ledger, raw(Method::GET, "/search?q=deployed")).await;
            self.until_answered(&ledger, add_to_cart(product, 1)).await;
            let key = format!("round-{round}");
            let ordering = place_order(self.address, PaymentMethod::Ok, &key).wait();
            if let Some(order) = self.until_answered(&ledger, ordering).await {
                ledger.answered.lock().expect("no panic").push((self.number, order.order_id));
                self.until_answered(&ledger, request(&GET_ORDER).path(order.order_id)).await;
            }
        }
    }

    /// Sends a request until it succeeds. Returns nothing after the end of the shopping.
    async fn until_answered<B: Clone, A: Clone + DeserializeOwned>(&self, ledger: &Ledger, request: ApiRequest<B, A>) -> Option<A> {
        let mut after_end = 0;
        loop {
            match self.send(request.clone()).await {
                Ok(answer) => return Some(answer),
                Err(error) => ledger.failures.lock().expect("no panic").push(format!("{}: {error:#}", request.path)),
            }
            after_end += u32::from(ledger.is_over.load(Ordering::SeqCst));
            if after_end > 100 {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn send<B, A: DeserializeOwned>(&self, request: ApiRequest<B, A>) -> Result<A> {
        let reply = self.api.send(request).await?;
        if reply.status.is_success() {
            return reply.read();
        }
        let (status, code) = reply.problem();
        if matches!(status, 503 | 429) && !reply.headers.contains_key("retry-after") {
            panic!("{status} {code} does not say when to come again");
        }
        bail!("{status} {code}")
    }
}
