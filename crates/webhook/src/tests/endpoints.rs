use super::*;
use contracts::webhook::{WebhookEndpointCreated, WebhookEndpointDeleted, WebhookSecretRotated};

#[tokio::test]
async fn an_endpoint_is_created_read_changed_and_deleted() {
    let h = webhook().await;
    let seller = h.id();
    let made = endpoint(&h, Some(seller), "https://example.com/hook", &["StockLow"]).await;
    assert!(made.secret.reveal().starts_with("whsec_"));
    let read = h.get(&path(&made)).seller(seller).send().await.expect(200);
    assert_eq!(read.json()["sellerId"], json!(seller));
    assert!(!String::from_utf8_lossy(&read.body).contains("whsec_"), "the secret is shown once");
    let change = json!({"eventTypes": ["StockLow", "ReturnRequested"], "description": "ERP"});
    let changed = h.patch(&path(&made), &change).seller(seller).header("if-match", read.header("etag")).send().await.expect(200);
    assert_eq!((&changed.json()["description"], &changed.json()["version"]), (&json!("ERP"), &json!(2)));
    h.patch(&path(&made), &change)
        .seller(seller)
        .header("if-match", read.header("etag"))
        .send()
        .await
        .expect_problem(412, "PRECONDITION_FAILED");
    let rotated = h.post(&format!("{}/rotate-secret", path(&made)), &json!({})).seller(seller).send().await.expect(200);
    assert_ne!(rotated.json()["secret"], json!(made.secret.reveal()));
    assert_eq!(h.get("/webhook-endpoints").seller(seller).send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    h.delete(&path(&made)).seller(seller).send().await.expect(204);
    h.get(&path(&made)).seller(seller).send().await.expect_problem(404, "NOT_FOUND");
    h.delete(&path(&made)).seller(seller).send().await.expect_problem(404, "NOT_FOUND");
    h.complete().await;
    assert_eq!(h.emitted_of::<WebhookEndpointCreated>().await[0].seller_id, Some(seller));
    assert_eq!((h.emitted_of::<WebhookSecretRotated>().await.len(), h.emitted_of::<WebhookEndpointDeleted>().await.len()), (1, 1));
}

#[tokio::test]
async fn a_secret_is_stored_encrypted() {
    let h = webhook().await;
    let made = endpoint(&h, None, "https://example.com/hook", &["OrderCreated"]).await;
    let stored = h.db().read(async |tx| tx.query_one("SELECT secret FROM webhook_endpoints", &[], |row| row.next::<String>()).await);
    let stored = stored.await.unwrap();
    assert!(!stored.contains(&made.secret.reveal()["whsec_".len()..]));
    assert!(stored.len() > 60);
}

#[tokio::test]
async fn what_cannot_be_an_endpoint_is_refused_with_every_fault() {
    let h = Harness::of(crate::service()).setting("endpoints_per_owner", 1).start().await;
    let seller = h.id();
    for private in [
        "http://127.0.0.1/",
        "http://10.1.2.3/hook",
        "http://[::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.1.1/",
        "http://localhost:8080/",
        "http://shop.internal/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://printer/",
    ] {
        let body = json!({"url": private, "eventTypes": ["OrderCreated", "Nothing", "StockLow", "StockLow"]});
        let refused = h.post("/webhook-endpoints", &body).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
        let errors = refused.json()["errors"].as_array().unwrap().clone();
        assert!(errors.iter().any(|error| error["pointer"] == "/url"), "{private}: {errors:?}");
        if private == "http://127.0.0.1/" {
            let codes: Vec<_> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
            assert_eq!(codes, ["PRIVATE_ADDRESS", "NOT_FOR_SELLERS", "UNKNOWN_EVENT_TYPE", "DUPLICATE"]);
        }
    }
    for bad in [
        json!({"url": "ftp://example.com/", "eventTypes": ["StockLow"]}),
        json!({"url": "https://example.com/", "eventTypes": []}),
        json!({"url": "https://example.com/", "eventTypes": "StockLow"}),
        json!({"url": "https://example.com/", "eventTypes": ["StockLow"], "secret": "mine"}),
        json!({"eventTypes": ["StockLow"]}),
    ] {
        h.post("/webhook-endpoints", &bad).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
    }
    let made = endpoint(&h, Some(seller), "https://example.com/", &["StockLow"]).await;
    let second = json!({"url": "https://example.com/2", "eventTypes": ["StockLow"]});
    h.post("/webhook-endpoints", &second).seller(seller).send().await.expect_problem(409, "TOO_MANY_WEBHOOK_ENDPOINTS");
    h.post("/webhook-endpoints", &second).seller(h.id()).send().await.expect(201);
    h.patch(&path(&made), &json!({"url": "http://127.0.0.1/"})).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
    h.patch(&path(&made), &json!({"eventTypes": ["PaymentCaptured"]})).seller(seller).send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn nobody_reaches_the_endpoint_of_another() {
    let h = webhook().await;
    let (seller, other) = (h.id(), h.id());
    let made = endpoint(&h, Some(seller), "https://example.com/hook", &["StockLow"]).await;
    h.post("/webhook-endpoints", &json!({"url": "https://example.com/", "eventTypes": ["StockLow"]}))
        .customer(seller)
        .send()
        .await
        .expect_problem(403, "FORBIDDEN");
    h.get("/webhook-endpoints").send().await.expect_problem(401, "UNAUTHENTICATED");
    let retry = format!("{}/deliveries/{}/retry", path(&made), made.endpoint.webhook_endpoint_id);
    let (rotate, test, list) =
        (format!("{}/rotate-secret", path(&made)), format!("{}/test", path(&made)), format!("{}/deliveries", path(&made)));
    for request in [
        h.get(&path(&made)),
        h.patch(&path(&made), &json!({"description": "x"})),
        h.delete(&path(&made)),
        h.post(&rotate, &json!({})),
        h.post(&test, &json!({})),
        h.get(&list),
        h.post(&retry, &json!({})),
    ] {
        request.seller(other).send().await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(h.get("/webhook-endpoints").seller(other).send().await.expect(200).json()["items"], json!([]));
    assert_eq!(h.get("/webhook-endpoints").admin().send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    // An endpoint of the shop belongs to no seller.
    let shops = endpoint(&h, None, "https://example.com/hook", &["StockLow"]).await;
    h.get(&path(&shops)).seller(seller).send().await.expect_problem(404, "NOT_FOUND");
}
