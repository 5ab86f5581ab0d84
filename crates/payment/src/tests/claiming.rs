//! The payment of a guest's order belongs to the account that claimed the order.

use super::*;
use contracts::order::OrderClaimed;

/// The guest of an order, the account that claims it, and the request for the order's payment.
async fn guest(method: &str) -> (Fixture, UserId, UserId, Value) {
    let f = Fixture::start().await;
    let (guest, account) = (UserId::of_guest([7; 16]), f.user);
    let mut body = f.body(method);
    body["userId"] = json!(guest);
    (f, guest, account, body)
}

async fn claimed(f: &Fixture, body: &Value, guest: UserId, account: UserId) {
    let order_id = serde_json::from_value(body["orderId"].clone()).unwrap();
    f.deliver(OrderClaimed { order_id, order_number: "S-1001".into(), user_id: account, guest_id: guest }).await;
}

async fn reading(f: &Fixture, id: PaymentId, user: UserId) -> u16 {
    f.get(&format!("/payments/{id}")).customer(user).send().await.status.as_u16()
}

#[tokio::test]
async fn a_payment_follows_its_order_to_the_account() {
    let (f, guest, account, body) = guest("pm_ok").await;
    let id = f.make(&body).await.expect(201).read::<Payment>().payment_id;
    let other = f.payment("pm_ok").await;
    assert_eq!(reading(&f, id, account).await, 404);
    claimed(&f, &body, guest, account).await;
    assert_eq!((reading(&f, id, account).await, reading(&f, id, f.id()).await), (200, 404));
    assert_eq!(reading(&f, other, account).await, 200, "their own stays theirs");
    f.post(&format!("/payments/{id}/authorize"), &Value::Null).service("order").key("a").send().await.expect(200);
    let emitted = f.emitted_of::<contracts::payment::PaymentAuthorized>().await;
    assert_eq!(emitted.iter().map(|event| event.user_id).collect::<Vec<_>>(), [account], "what follows is told to the account");
}

#[tokio::test]
async fn a_request_that_is_older_or_newer_than_the_claim_gets_the_same_payment() {
    let (f, guest, account, body) = guest("pm_ok").await;
    let before = f.make(&body).await.expect(201).read::<Payment>().payment_id;
    // The order knows of the claim before this service does.
    let mut of_account = body.clone();
    of_account["userId"] = json!(account);
    assert_eq!(f.make(&of_account).await.expect(201).read::<Payment>().payment_id, before);
    claimed(&f, &body, guest, account).await;
    assert_eq!(f.make(&body).await.expect(201).read::<Payment>().payment_id, before);
    of_account["userId"] = json!(f.id::<UserId>());
    f.make(&of_account).await.expect_problem(409, "PAYMENT_EXISTS");

    // A request of the guest that arrives after the claim.
    let mut late = f.body("pm_ok");
    late["userId"] = json!(guest);
    claimed(&f, &late, guest, account).await;
    let payment = f.make(&late).await.expect(201).read::<Payment>().payment_id;
    assert_eq!(reading(&f, payment, account).await, 200);
}
