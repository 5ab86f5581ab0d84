//! Clients that begin requests and never end them, from no, one and three addresses, while others use the shop. Rate limits
//! are on. It needs a machine whose loopback interface has all of 127.0.0.0/8, such as Linux.

use super::{
    report,
    server::{Scratch, Server},
};
use crate::{
    api_client::{Api, add_to_cart, request},
    style,
};
use anyhow::{Context as _, Result};
use clap::Args;
use contracts::{cart::GET_CART, catalog::LIST_PRODUCTS, ids::ProductId};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
    task::JoinSet,
    time::Instant,
};

#[derive(Args)]
pub struct SlowClients {
    /// Seconds of each attack
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Requests that each attacking address begins a second
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// The others, each at an address of its own.
const OTHERS: u8 = 8;
/// The pause of each between two requests, so that none exceeds its rate limit.
const PAUSE: Duration = Duration::from_millis(100);
/// What an attacker sends: a body that does not go on, and a head that does not.
const BEGINNINGS: [&str; 2] = [
    "POST /api/v1/cart/items HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\ncontent-length: 64\r\n\r\n{",
    "GET /api/v1/products HTTP/1.1\r\nhost: shop.exam",
];

pub async fn run(options: SlowClients) -> Result<()> {
    let scratch = Scratch::new(None)?;
    let server = Server::start_with("demo", &scratch.path, &[]).await?;
    let api = &server.program.api;
    let target: SocketAddr = api.base().trim_start_matches("http://").parse().context("the address of the platform")?;
    let product = api.list(request(&LIST_PRODUCTS), 1).await?.first().context("a product")?.product_id;
    let mut customers = Vec::new();
    for number in 1..=OTHERS {
        let own = Api::from_address(api.base(), Some(IpAddr::from([127, 0, 1, number])));
        customers.push(own.register((&format!("other-{number}@bench.example"), "a long enough password"), "Other").await?);
    }
    let mut runs = Vec::new();
    for attackers in [0, 1, 3] {
        runs.push(attack(&options, attackers, target, &customers, product).await?);
    }
    report(&options, &runs);
    server.stop().await
}

/// What happened during one attack.
#[derive(Default)]
struct Run {
    attackers: u8,
    requests: u64,
    /// Requests of others that were refused, or that found no connection.
    refused: u64,
    longest: Duration,
    /// Requests of attackers, and how many were answered 408.
    slow: u64,
    timed_out: u64,
}

async fn attack(options: &SlowClients, attackers: u8, target: SocketAddr, customers: &[Api], product: ProductId) -> Result<Run> {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut others = JoinSet::new();
    for customer in customers {
        others.spawn(shop(customer.clone(), product, end));
    }
    let mut slow = JoinSet::new();
    let pause = Duration::from_secs(1) / options.rate.max(1);
    let mut next = Instant::now();
    while Instant::now() < end {
        for attacker in 0..attackers {
            let beginning = BEGINNINGS[slow.len() % BEGINNINGS.len()];
            slow.spawn(begin(IpAddr::from([127, 0, 0, 2 + attacker]), target, beginning));
        }
        next += pause;
        tokio::time::sleep_until(next).await;
    }
    let mut run = Run { attackers, ..Run::default() };
    while let Some(joined) = others.join_next().await {
        let (requests, refused, longest) = joined?;
        (run.requests, run.refused, run.longest) = (run.requests + requests, run.refused + refused, run.longest.max(longest));
    }
    run.slow = slow.len() as u64;
    while let Some(joined) = slow.join_next().await {
        run.timed_out += u64::from(joined?);
    }
    Ok(run)
}

/// Uses the shop until `end`. Returns how many requests were sent, how many were refused, and the longest time of an answer.
async fn shop(customer: Api, product: ProductId, end: Instant) -> (u64, u64, Duration) {
    let (mut requests, mut refused, mut longest) = (0, 0, Duration::ZERO);
    while Instant::now() < end {
        let began = Instant::now();
        let answer = match requests % 3 {
            0 => customer.send(request(&LIST_PRODUCTS).query("limit", 5)).await.map(|reply| reply.status),
            1 => customer.send(request(&GET_CART)).await.map(|reply| reply.status),
            _ => customer.send(add_to_cart(product, 1)).await.map(|reply| reply.status),
        };
        requests += 1;
        longest = longest.max(began.elapsed());
        refused += u64::from(answer.map_or(true, |status| status == 408 || status == 429 || status.is_server_error()));
        tokio::time::sleep(PAUSE).await;
    }
    (requests, refused, longest)
}

/// Begins a request and waits. Returns whether the answer was 408.
async fn begin(from: IpAddr, target: SocketAddr, beginning: &str) -> bool {
    let exchange = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let mut stream = socket.connect(target).await?;
        stream.write_all(beginning.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(answer.starts_with(b"HTTP/1.1 408"))
    };
    exchange.await.unwrap_or(false)
}

impl Run {
    fn share(&self) -> f64 {
        self.refused as f64 / self.requests.max(1) as f64
    }

    fn figures(&self) -> Value {
        json!({
            "attackingAddresses": self.attackers,
            "slowRequests": self.slow,
            "slowRequestsAnswered408": self.timed_out,
            "requestsOfOthers": self.requests,
            "refused": self.refused,
            "refusedShare": self.share(),
            "longestMs": self.longest.as_secs_f64() * 1000.0,
        })
    }
}

fn report(options: &SlowClients, runs: &[Run]) {
    let figures = json!(runs.iter().map(Run::figures).collect::<Vec<_>>());
    report::print(options.json, &figures, || {
        report::title(format_args!("others during an attack with slow requests, {} a second from each address", options.rate));
        let head = format!(
            "{:>10}{:>16}{:>14}{:>18}{:>10}{:>9}{:>14}",
            "addresses", "slow requests", "answered 408", "others' requests", "refused", "share", "longest ms"
        );
        println!("{}", style::dim(head));
        for run in runs {
            println!(
                "{:>10}{:>16}{:>14}{:>18}{:>10}{:>8.2}%{:>14.0}",
                run.attackers,
                run.slow,
                run.timed_out,
                run.requests,
                run.refused,
                run.share() * 100.0,
                run.longest.as_secs_f64() * 1000.0,
            );
        }
    });
}
