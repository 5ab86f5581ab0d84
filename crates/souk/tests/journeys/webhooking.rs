//! Events that reach the systems of a seller and of the shop, through a receiver that fails and a kill of the program.

use super::{
    marketplace::{CHEAP_PASSWORDS, category, seller},
    server::{Person, Server},
};
use contracts::{
    order::OrderStatus,
    payment::PaymentMethod,
    webhook::{
        CREATE_WEBHOOK_ENDPOINT, CreateWebhookEndpoint, LIST_WEBHOOK_DELIVERIES, TEST_WEBHOOK_ENDPOINT, WebhookDeliveryStatus,
        WebhookEndpointSecret,
    },
};
use serde_json::{Value, json};
use souk::api_client::request;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// The bodies that arrived, and how many of the next requests get 500.
#[derive(Default)]
struct Receiver {
    bodies: Mutex<Vec<Value>>,
    failures: Mutex<u32>,
}

impl Receiver {
    /// Returns the receiver and its address.
    async fn start() -> (Arc<Receiver>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let receiver = Arc::new(Receiver::default());
        let accepting = receiver.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                let body = loop {
                    let count = stream.read(&mut buffer).await.unwrap_or(0);
                    request.extend_from_slice(&buffer[..count]);
                    let text = String::from_utf8_lossy(&request).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if count == 0 || length.is_none_or(|length: usize| body.len() >= length) {
                        break body.to_owned();
                    }
                };
                let fails = {
                    let mut failures = accepting.failures.lock().unwrap();
                    let fails = *failures > 0;
                    *failures = failures.saturating_sub(1);
                    fails
                };
                let answer = if fails { "500 Oops" } else { "204 No Content" };
                if !fails {
                    accepting.bodies.lock().unwrap().push(serde_json::from_str(&body).unwrap_or_default());
                }
                let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
            }
        });
        (receiver, url)
    }

    fn types(&self) -> Vec<String> {
        self.bodies.lock().unwrap().iter().map(|body| body["type"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

async fn endpoint(person: &Person, url: &str, types: &[&str]) -> WebhookEndpointSecret {
    let body: CreateWebhookEndpoint = serde_json::from_value(json!({"url": url, "eventTypes": types})).unwrap();
    person.must(request(&CREATE_WEBHOOK_ENDPOINT).body(&body)).await
}

/// Waits until so many deliveries to the endpoint are taken.
async fn until_delivered(person: &Person, endpoint: &WebhookEndpointSecret, count: usize) {
    let list = request(&LIST_WEBHOOK_DELIVERIES).path(endpoint.endpoint.webhook_endpoint_id).query("status", "DELIVERED");
    person.until(list, "delivered", |page| page.items.len() == count).await;
}

#[tokio::test]
async fn events_reach_the_systems_of_a_seller_and_of_the_shop() {
    let settings = [CHEAP_PASSWORDS.as_slice(), &[("SOUK_WEBHOOK_ALLOW_PRIVATE_ADDRESSES", "true")]].concat();
    let mut server = Server::start_with(&settings).await;
    let admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let (mara, _) = seller(&server, &admin, "mara").await;
    let (ole, _) = seller(&server, &admin, "ole").await;
    let (of_mara, url) = Receiver::start().await;
    let (of_ole, url_of_ole) = Receiver::start().await;
    let (of_shop, url_of_shop) = Receiver::start().await;
    let types = ["FulfilmentConfirmed", "StockChanged"];
    let maras = endpoint(&mara, &url, &types).await;
    let oles = endpoint(&ole, &url_of_ole, &types).await;
    let shops = endpoint(&admin, &url_of_shop, &["OrderConfirmed"]).await;
    *of_mara.failures.lock().unwrap() = 1;

    let product = mara.sell("LAMP-1", "Lamp", lamps, 1_000, 5).await;
    let buyer = server.customer("noor").await;
    buyer.add(product, 1).await;
    let order = buyer.order(PaymentMethod::Ok, "k").await;
    assert_eq!(order.status, OrderStatus::Confirmed);
    // Stock is set, reserved and confirmed; then the part is confirmed.
    until_delivered(&mara, &maras, 4).await;
    until_delivered(&admin, &shops, 1).await;
    let mut types = of_mara.types();
    types.sort();
    assert_eq!(types, ["FulfilmentConfirmed", "StockChanged", "StockChanged", "StockChanged"]);
    assert_eq!(of_shop.types(), ["OrderConfirmed"]);
    let bodies = of_shop.bodies.lock().unwrap().clone();
    assert_eq!(bodies[0]["data"]["orderId"], json!(order.order_id));

    // What is due after a kill is posted by the next start.
    *of_ole.failures.lock().unwrap() = 1;
    ole.sell("CHAIR-1", "Chair", lamps, 1_000, 5).await;
    let pending = request(&LIST_WEBHOOK_DELIVERIES).path(oles.endpoint.webhook_endpoint_id);
    ole.until(pending, "tried", |page| page.items.iter().any(|one| one.attempts == 1 && one.status == WebhookDeliveryStatus::Pending))
        .await;
    server.kill_and_restart().await;
    let ole = ole.at(&server);
    until_delivered(&ole, &oles, 1).await;
    assert_eq!(of_ole.types(), ["StockChanged"], "nothing of the other seller");
    ole.must(request(&TEST_WEBHOOK_ENDPOINT).path(oles.endpoint.webhook_endpoint_id)).await;
    until_delivered(&ole, &oles, 2).await;
    server.stop_and_check().await;
}
