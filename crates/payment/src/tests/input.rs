//! Invalid input is refused with a problem that names it, and changes nothing.

use super::Fixture;
use serde_json::{Value, json};

#[tokio::test]
async fn each_invalid_field_of_a_new_payment_is_named() {
    let fixture = Fixture::start().await;
    let long = "x".repeat(201);
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(1.5)),
        ("amount", json!("100")),
        ("amount", json!(10_000_000_000_001_i64)),
        ("amount", json!(u64::MAX)),
        ("amount", Value::Null),
        ("amount", json!([1])),
        ("currency", json!("eur")),
        ("currency", json!("EURO")),
        ("currency", json!("")),
        ("currency", json!(978)),
        ("paymentMethod", json!("pm_gold")),
        ("paymentMethod", json!("PM_OK")),
        ("paymentMethod", json!("pm_ok'; DROP TABLE payments; --")),
        ("paymentMethod", json!({"pm_ok": {}})),
        ("orderId", json!("7")),
        ("orderId", json!("../../etc/passwd")),
        ("orderId", Value::Null),
        ("userId", json!(7)),
        ("orderNumber", json!("")),
        ("orderNumber", json!("   ")),
        ("orderNumber", json!("a\u{0}b")),
        ("orderNumber", json!("a\nb")),
        ("orderNumber", json!("a\u{202e}b")),
        ("orderNumber", json!(long)),
    ] {
        let mut body = fixture.body("pm_ok");
        body[field] = value.clone();
        let refused = fixture.make(&body).await.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"), "{value}");
    }
    let mut body = fixture.body("pm_ok");
    body["status"] = json!("CAPTURED");
    assert_eq!(fixture.make(&body).await.expect_problem(422, "INVALID_REQUEST").json()["errors"][0]["pointer"], "/status");
    for field in ["orderId", "orderNumber", "userId", "amount", "currency", "paymentMethod"] {
        let mut body = fixture.body("pm_ok");
        body.as_object_mut().expect("an object").remove(field);
        fixture.make(&body).await.expect_problem(422, "INVALID_REQUEST");
    }
    fixture.assert_no_payments().await;
}

#[tokio::test]
async fn an_unreadable_body_is_refused() {
    let fixture = Fixture::start().await;
    let good = fixture.body("pm_ok").to_string();
    let twice = good.replacen("\"amount\":12345", "\"amount\":12345,\"amount\":1", 1);
    let huge = good.replacen("12345", "1e400", 1);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (content_type, body, status) in [
        ("application/json", b"".to_vec(), 400),
        ("application/json", b"{".to_vec(), 400),
        ("application/json", b"null".to_vec(), 422),
        ("application/json", b"[]".to_vec(), 422),
        ("application/json", b"\xff\xfe{}".to_vec(), 400),
        ("application/json", deep.into_bytes(), 400),
        ("application/json", twice.into_bytes(), 422),
        ("application/json", huge.into_bytes(), 422),
        ("application/json", vec![b' '; 100_000], 413),
        ("text/plain", good.clone().into_bytes(), 415),
        ("application/x-www-form-urlencoded", b"amount=1".to_vec(), 415),
    ] {
        let answer = fixture
            .request("POST".parse().unwrap(), "/payments")
            .raw(content_type, body)
            .service("order")
            .key(&fixture.fresh_key())
            .send()
            .await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        answer.expect(status);
    }
    fixture.assert_no_payments().await;
}

#[tokio::test]
async fn each_invalid_field_of_a_command_is_named() {
    let fixture = Fixture::start().await;
    let id = fixture.captured("pm_ok").await;
    for amount in [json!(0), json!(-1), json!(1.5), json!("1"), json!(i64::MAX), json!([]), json!(true)] {
        let answer = fixture
            .post(&format!("/payments/{id}/refund"), &json!({"amount": amount}))
            .service("order")
            .key(&fixture.fresh_key())
            .send()
            .await;
        let refused = answer.expect_problem(422, "INVALID_REQUEST");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/amount", "{amount}");
    }
    for verb in ["authorize", "capture", "void", "refund"] {
        let path = format!("/payments/{id}/{verb}");
        let answer = fixture.post(&path, &json!({"currency": "USD"})).service("order").key(&fixture.fresh_key()).send().await;
        answer.expect_problem(422, "INVALID_REQUEST");
        let path = format!("/payments/not-an-id/{verb}");
        fixture.post(&path, &json!({})).service("order").key(&fixture.fresh_key()).send().await.expect_problem(404, "NOT_FOUND");
        // No body, an empty object and null mean the same.
        for body in ["{}", "null"] {
            let answer = fixture.request("POST".parse().unwrap(), &format!("/payments/{id}/authorize")).raw("application/json", body);
            answer.service("order").key(&fixture.fresh_key()).send().await.expect(200);
        }
    }
    for path in ["/payments/7", "/payments/%00", "/payments/..%2F..%2Fetc%2Fpasswd", "/payments/00000000000070008000000000000000"] {
        fixture.get(path).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    let path = format!("/payments/{id}");
    fixture.delete(&path).service("order").send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
    for key in ["", "   ", &"k".repeat(256), "schl\u{fc}ssel"] {
        let answer = fixture.post(&format!("{path}/refund"), &json!({})).service("order").header("idempotency-key", key).send().await;
        answer.expect_problem(400, "BAD_IDEMPOTENCY_KEY");
    }
    assert_eq!(fixture.read(id).await.refunded_amount, 0);
    fixture.assert_consistent().await;
}

impl Fixture {
    async fn assert_no_payments(&self) {
        let count: i64 = self
            .db()
            .read(async |tx| tx.query_one("SELECT COUNT(*) FROM payments", &[], |row| row.next()).await)
            .await
            .expect("the store can be read");
        assert_eq!(count, 0);
    }
}
