use super::*;
use contracts::{
    catalog::ProductUpdated,
    event::Envelope,
    order::OrderConfirmed,
    webhook::{DisabledReason, WebhookDeliveryStatus, WebhookEndpoint, WebhookEndpointDisabled, WebhookMessage},
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn an_event_is_posted_once_signed_and_as_the_catalogue_describes_it() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let seller = h.id();
    let made = endpoint(&h, Some(seller), &receiver.url, &["StockLow"]).await;
    let sent = h.deliver(stock_low(Some(seller))).await;
    h.deliver_envelope(sent.clone()).await;
    h.complete().await;
    let [received] = &receiver.received()[..] else { panic!("{:?}", receiver.received()) };
    let delivery = &deliveries(&h, &made, "").await[0];
    assert_eq!((delivery.status, delivery.attempts, delivery.response_status), (WebhookDeliveryStatus::Delivered, 1, Some(204)));
    assert_eq!(received.headers["webhook-id"], delivery.webhook_delivery_id.to_string());
    assert_eq!(received.headers["webhook-timestamp"], h.env.now().unix_seconds().to_string());
    assert!(received.headers["webhook-signature"].starts_with("v1,") && !received.headers["webhook-signature"].contains(' '));
    let message: WebhookMessage = serde_json::from_str(&received.body).unwrap();
    assert_eq!((message.r#type.as_str(), message.event_id, message.sequence), ("StockLow", Some(sent.event_id), 1));
    assert_eq!(message.data, serde_json::from_str::<Value>(sent.payload.get()).unwrap());
}

#[tokio::test]
async fn an_endpoint_gets_its_types_and_a_seller_own_things_only() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let (seller, other) = (h.id(), h.id());
    let sellers = endpoint(&h, Some(seller), &receiver.url, &["StockLow", "ProductUpdated"]).await;
    let shops = endpoint(&h, None, &receiver.url, &["StockLow", "OrderConfirmed"]).await;
    h.deliver(stock_low(Some(seller))).await;
    h.deliver(stock_low(Some(other))).await;
    h.deliver(stock_low(None)).await;
    h.deliver(event::<OrderConfirmed>(sample!("OrderConfirmed"), &json!({}))).await;
    let mut product: Value = serde_json::from_str(sample!("ProductUpdated")).unwrap();
    for owner in [json!(seller), json!(other), json!(null)] {
        product["product"]["sellerId"] = owner;
        h.deliver(serde_json::from_value::<ProductUpdated>(product.clone()).unwrap()).await;
    }
    h.complete().await;
    let types = async |endpoint| {
        let mut types: Vec<String> = deliveries(&h, endpoint, "").await.into_iter().map(|delivery| delivery.event_type).collect();
        types.sort();
        types
    };
    assert_eq!(types(&sellers).await, ["ProductUpdated", "StockLow"]);
    assert_eq!(types(&shops).await, ["OrderConfirmed", "StockLow", "StockLow", "StockLow"]);
    assert_eq!(receiver.received().len(), 6);
}

#[tokio::test]
async fn an_event_that_no_endpoint_wants_leaves_no_record() {
    let h = webhook().await;
    let (seller, other): (UserId, UserId) = (h.id(), h.id());
    endpoint(&h, Some(seller), "https://example.com/", &["StockLow"]).await;
    for _ in 0..3 {
        h.deliver(stock_low(Some(other))).await;
        h.deliver(event::<OrderConfirmed>(sample!("OrderConfirmed"), &json!({}))).await;
    }
    let count = async |sql: &'static str| {
        let counted = h.db().read(async move |tx| tx.query_one(sql, &[], |row| row.next::<i64>()).await);
        counted.await.unwrap()
    };
    assert_eq!(count("SELECT COUNT(*) FROM inbox").await, 0);
    assert_eq!(count("SELECT COUNT(*) FROM webhook_deliveries").await, 0);
    h.deliver(stock_low(Some(seller))).await;
    assert_eq!((count("SELECT COUNT(*) FROM inbox").await, count("SELECT COUNT(*) FROM webhook_deliveries").await), (1, 1));
}

#[tokio::test]
async fn events_of_before_and_of_while_it_was_disabled_are_not_sent() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let earlier: Envelope = h.envelope(&stock_low(None));
    h.advance(Duration::from_secs(1));
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    h.deliver_envelope(earlier).await;
    h.patch(&path(&made), &json!({"status": "DISABLED"})).admin().send().await.expect(200);
    h.deliver(stock_low(None)).await;
    h.post(&format!("{}/test", path(&made)), &json!({})).admin().send().await.expect_problem(409, "ILLEGAL_TRANSITION");
    h.patch(&path(&made), &json!({"status": "ENABLED"})).admin().send().await.expect(200);
    h.deliver(stock_low(None)).await;
    h.complete().await;
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_under_its_id_and_can_be_retried_by_hand() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    receiver.answers("500 Oops", 10);
    h.deliver(stock_low(None)).await;
    for _ in 0..10 {
        h.complete().await;
        // Longer than the longest pause, and all of them shorter than what is kept.
        h.advance(Duration::from_secs(60 * 3_600));
    }
    h.complete().await;
    let failed = deliveries(&h, &made, "?status=FAILED").await;
    assert_eq!((failed.len(), failed[0].attempts, failed[0].response_status), (1, 10, Some(500)));
    assert_eq!(failed[0].last_error.as_deref(), Some("the receiver answered 500"));
    let ids: std::collections::HashSet<_> = receiver.received().into_iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!((receiver.received().len(), ids.len()), (10, 1));
    let retry = format!("{}/deliveries/{}/retry", path(&made), failed[0].webhook_delivery_id);
    let again = h.post(&retry, &json!({})).admin().send().await.expect(200);
    assert_eq!(again.json()["status"], "PENDING");
    h.complete().await;
    assert_eq!(deliveries(&h, &made, "?status=DELIVERED").await[0].attempts, 11);
    assert_eq!(deliveries(&h, &made, "?status=FAILED").await, []);
}

#[tokio::test]
async fn retry_after_postpones_all_deliveries_to_the_endpoint() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    receiver.answers("503 Later\r\nretry-after: 7200", 1);
    h.deliver(stock_low(None)).await;
    h.complete().await;
    let due = deliveries(&h, &made, "?status=PENDING").await[0].next_attempt_at.unwrap();
    assert!(due.since(h.env.now()) >= Duration::from_secs(7_190), "{due}");
    h.advance(Duration::from_secs(3_600));
    h.complete().await;
    assert_eq!(receiver.received().len(), 1);
    h.advance(Duration::from_secs(3_601));
    h.complete().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn an_answer_of_410_disables_the_endpoint() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    receiver.answers("410 Gone", 1);
    h.deliver(stock_low(None)).await;
    h.complete().await;
    let disabled: WebhookEndpoint = h.get(&path(&made)).admin().send().await.expect(200).read();
    assert_eq!(disabled.disabled_reason, Some(DisabledReason::ReceiverGone));
    h.deliver(stock_low(None)).await;
    h.complete().await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(h.emitted_of::<WebhookEndpointDisabled>().await.len(), 1);
}

#[tokio::test]
async fn both_secrets_sign_for_a_day_after_a_rotation() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    h.post(&format!("{}/rotate-secret", path(&made)), &json!({})).admin().send().await.expect(200);
    h.deliver(stock_low(None)).await;
    h.complete().await;
    h.advance(DAY);
    h.deliver(stock_low(None)).await;
    h.complete().await;
    let signatures: Vec<usize> = receiver.received().iter().map(|one| one.headers["webhook-signature"].split(' ').count()).collect();
    assert_eq!(signatures, [2, 1]);
}

#[tokio::test]
async fn a_test_is_sent_in_one_attempt() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["OrderCreated"]).await;
    receiver.answers("500 Oops", 1);
    for status in [WebhookDeliveryStatus::Failed, WebhookDeliveryStatus::Delivered] {
        let sent: WebhookDelivery = h.post(&format!("{}/test", path(&made)), &json!({})).admin().send().await.expect(200).read();
        h.complete().await;
        let found = deliveries(&h, &made, "").await;
        let ended = found.iter().find(|delivery| delivery.webhook_delivery_id == sent.webhook_delivery_id).unwrap();
        assert_eq!((ended.status, ended.event_type.as_str(), ended.event_id), (status, "WebhookTest", None));
    }
    let message: WebhookMessage = serde_json::from_str(&receiver.received()[1].body).unwrap();
    assert_eq!(message.data, json!({"webhookEndpointId": made.endpoint.webhook_endpoint_id}));
}

#[tokio::test]
async fn a_private_address_is_refused_when_connecting() {
    let h = Harness::of(crate::service()).start().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, "https://example.com/hook", &["StockLow"]).await;
    // What was saved while the setting allowed it, and a name that resolves to this machine.
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    for address in [receiver.url.clone(), format!("http://localhost:{port}")] {
        h.db()
            .write(async move |tx| {
                let address = address.clone();
                tx.execute("UPDATE webhook_endpoints SET url = $1", platform::params![address]).await
            })
            .await
            .unwrap();
        h.deliver(stock_low(None)).await;
        h.complete().await;
    }
    assert_eq!(receiver.received().len(), 0);
    for delivery in deliveries(&h, &made, "").await {
        assert_eq!(delivery.last_error.as_deref(), Some("the receiver was not reached, or did not answer in time"));
    }
}

#[tokio::test]
async fn an_endpoint_for_which_too_much_waits_is_disabled() {
    let h = Harness::of(crate::service()).setting("allow_private_addresses", true).setting("pending_per_endpoint", 2).start().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    for _ in 0..4 {
        h.deliver(stock_low(None)).await;
    }
    let disabled: WebhookEndpoint = h.get(&path(&made)).admin().send().await.expect(200).read();
    assert_eq!(disabled.disabled_reason, Some(DisabledReason::TooManyPending));
    h.complete().await;
    assert_eq!(deliveries(&h, &made, "?status=FAILED").await.len(), 3);
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn old_deliveries_and_those_of_a_deleted_endpoint_are_removed() {
    let h = webhook().await;
    let receiver = Receiver::start(&h).await;
    let made = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    let other = endpoint(&h, None, &receiver.url, &["StockLow"]).await;
    h.deliver(stock_low(None)).await;
    h.complete().await;
    h.delete(&path(&other)).admin().send().await.expect(204);
    h.complete().await;
    let count = async || {
        let counted = h.db().read(async |tx| tx.query_one("SELECT COUNT(*) FROM webhook_deliveries", &[], |row| row.next::<i64>()).await);
        counted.await.unwrap()
    };
    assert_eq!(count().await, 1);
    h.advance(29 * DAY);
    h.complete().await;
    assert_eq!(deliveries(&h, &made, "").await.len(), 1);
    h.advance(2 * DAY);
    h.complete().await;
    assert_eq!(count().await, 0);
}
