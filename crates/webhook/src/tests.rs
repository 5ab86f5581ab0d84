//! Tests of the service through its entry points, with a receiver on this machine.

mod delivering;
mod endpoints;

use contracts::{
    event::Event,
    ids::UserId,
    inventory::StockLow,
    webhook::{WebhookDelivery, WebhookEndpointSecret},
};
use platform::testing::Harness;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Received {
    headers: HashMap<String, String>,
    body: String,
}

/// A receiver on this machine.
struct Receiver {
    url: String,
    received: Mutex<Vec<Received>>,
    /// Status line and headers of the next answers, the next one last; afterwards all are 204.
    answers: Mutex<Vec<String>>,
}

impl Receiver {
    async fn start(h: &Harness) -> Arc<Receiver> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let receiver = Arc::new(Receiver { url, received: Mutex::default(), answers: Mutex::default() });
        let (env, accepting) = (h.env.clone(), receiver.clone());
        h.env.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = accepting.clone();
                env.spawn(async move {
                    let _ = serving.serve(stream).await;
                });
            }
        });
        receiver
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        loop {
            let mut line = String::new();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let mut headers = HashMap::new();
            loop {
                let mut header = String::new();
                read.read_line(&mut header).await?;
                let Some((name, value)) = header.trim_end().split_once(": ") else { break };
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            read.read_exact(&mut body).await?;
            self.received.lock().unwrap().push(Received { headers, body: String::from_utf8(body).unwrap() });
            let answer = self.answers.lock().unwrap().pop().unwrap_or_else(|| "204 No Content".into());
            write.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
        }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn answers(&self, answer: &str, times: usize) {
        *self.answers.lock().unwrap() = vec![answer.to_owned(); times];
    }
}

async fn webhook() -> Harness {
    Harness::of(crate::service()).setting("allow_private_addresses", true).start().await
}

/// Creates the endpoint of a seller, or of the shop.
async fn endpoint(h: &Harness, seller: Option<UserId>, url: &str, types: &[&str]) -> WebhookEndpointSecret {
    let request = h.post("/webhook-endpoints", &json!({"url": url, "eventTypes": types}));
    let request = match seller {
        Some(seller) => request.seller(seller),
        None => request.admin(),
    };
    request.send().await.expect(201).read()
}

fn path(endpoint: &WebhookEndpointSecret) -> String {
    format!("/webhook-endpoints/{}", endpoint.endpoint.webhook_endpoint_id)
}

async fn deliveries(h: &Harness, endpoint: &WebhookEndpointSecret, query: &str) -> Vec<WebhookDelivery> {
    let answer = h.get(&format!("{}/deliveries{query}", path(endpoint))).admin().send().await.expect(200);
    serde_json::from_value(answer.json()["items"].clone()).unwrap()
}

/// The sample of an event with some other fields.
fn event<E: Event>(sample: &str, change: &Value) -> E {
    let mut payload: Value = serde_json::from_str(sample).unwrap();
    for (name, value) in change.as_object().into_iter().flatten() {
        payload[name] = value.clone();
    }
    serde_json::from_value(payload).unwrap()
}

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/samples/events/", $name, ".v1.json"))
    };
}
use sample;

fn stock_low(seller: Option<UserId>) -> StockLow {
    event(sample!("StockLow"), &json!({"sellerId": seller}))
}

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}
