//! The messages about an order of a guest go with its personal data.

use super::{mailbox::mails, *};
use axum::{Json, Router, routing::get};
use contracts::order::OrderPersonalDataErased;
use serde_json::json;

async fn orders() -> Harness {
    let contact = json!({"email": "gwen@example.com", "orderToken": "t".repeat(43)});
    let route = get(move || async move { Json(contact) });
    builder().upstream("order", Router::new().route("/internal/orders/{orderId}/guest-contact", route)).start().await
}

#[tokio::test]
async fn an_erased_order_of_a_guest_leaves_neither_messages_nor_mails() {
    let harness = orders().await;
    let guest = UserId::of_guest([7; 16]);
    let (erased, kept) = (Person { user_id: guest, order_id: harness.id() }, Person { user_id: guest, order_id: harness.id() });
    for order in [erased, kept] {
        deliver(&harness, order.created()).await;
        deliver(&harness, order.confirmed()).await;
    }
    harness.complete().await;
    assert_eq!(mails(&harness).len(), 4);
    let all = async || harness.get("/admin/notifications").admin().send().await.expect(200).read::<Page<Notification>>().items;
    let before = all().await;
    assert_eq!(before.len(), 4);
    // The answer to a request of an administrator has the payload.
    let resending = before.iter().find(|message| message.payload["orderId"] == json!(erased.order_id)).unwrap().notification_id;
    let resent = harness.post(&format!("/admin/notifications/{resending}/resend"), &json!({})).admin().key("k");
    resent.send().await.expect(200);

    let event = OrderPersonalDataErased { order_id: erased.order_id, order_number: "SK-7".into(), user_id: guest };
    deliver(&harness, event).await;
    harness.complete().await;
    let left = mails(&harness);
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|(_, mail)| !mail.contains(&erased.order_id.to_string())));
    let messages = all().await;
    assert!(messages.len() == 2 && messages.iter().all(|message| message.payload["orderId"] == json!(kept.order_id)), "{messages:?}");
    let attempts =
        "SELECT notification_id FROM notification_attempts WHERE notification_id NOT IN (SELECT notification_id FROM notifications)";
    for sql in [attempts, "SELECT scope FROM idempotency"] {
        let rows = harness.db().read(async move |tx| tx.query(sql, &[], |_| Ok::<_, platform::db::Error>(())).await).await.unwrap();
        assert!(rows.is_empty(), "{sql}");
    }

    // What arrives later says nothing to anybody.
    deliver(&harness, erased.shipped()).await;
    deliver(&harness, kept.shipped()).await;
    harness.advance(Duration::from_secs(60));
    harness.complete().await;
    assert_eq!((mails(&harness).len(), all().await.len()), (3, 3));
}
