//! Faults that administrators switch on and off in a demonstration.

use super::{Fixture, Harness, service};
use contracts::payment::PaymentStatus;
use platform::testing::TestResponse;
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/admin/payments/faults";

async fn demonstration() -> Fixture {
    Fixture::with(Harness::of(service()).setting("switchable_faults", true).setting("slow_ms", 40)).await
}

async fn put(fixture: &Fixture, body: &Value) -> TestResponse {
    fixture.request(axum::http::Method::PUT, PATH).json(body).admin().send().await
}

#[tokio::test]
async fn switched_on_declines_refuse_every_authorization_and_off_none() {
    let fixture = demonstration().await;
    let none = json!({"declines": false, "slow": false});
    assert_eq!(fixture.get(PATH).admin().send().await.expect(200).json(), none);
    let declines = json!({"declines": true, "slow": false});
    for _ in 0..2 {
        assert_eq!(put(&fixture, &declines).await.expect(200).json(), declines);
    }
    assert_eq!(fixture.get(PATH).admin().send().await.expect(200).json(), declines);
    let id = fixture.payment("pm_ok").await;
    let failed = fixture.act(id, "authorize").await;
    assert_eq!((failed.status, failed.failure.unwrap().code.as_str()), (PaymentStatus::Failed, "PAYMENT_DECLINED"));
    put(&fixture, &none).await.expect(200);
    fixture.captured("pm_ok").await;
    fixture.assert_consistent().await;
}

#[tokio::test]
async fn a_switched_on_slow_provider_takes_its_time_for_every_method() {
    let fixture = demonstration().await;
    put(&fixture, &json!({"declines": false, "slow": true})).await.expect(200);
    let began = fixture.env.now();
    fixture.captured("pm_ok").await;
    assert_eq!(fixture.env.now().since(began), Duration::from_millis(80), "by the frozen clock");
    put(&fixture, &json!({"declines": false, "slow": false})).await.expect(200);
    let began = fixture.env.now();
    fixture.captured("pm_ok").await;
    assert_eq!(fixture.env.now().since(began), Duration::ZERO);
}

#[tokio::test]
async fn bad_input_switches_nothing() {
    let fixture = demonstration().await;
    for bad in
        [json!({}), json!({"declines": true}), json!({"declines": 1, "slow": false}), json!({"declines": true, "slow": true, "down": true})]
    {
        put(&fixture, &bad).await.expect_problem(422, "INVALID_REQUEST");
    }
    assert_eq!(fixture.get(PATH).admin().send().await.expect(200).json(), json!({"declines": false, "slow": false}));
}

#[tokio::test]
async fn outside_of_a_demonstration_there_is_nothing_to_switch() {
    let fixture = Fixture::start().await;
    fixture.get(PATH).admin().send().await.expect_problem(404, "NOT_FOUND");
    put(&fixture, &json!({"declines": true, "slow": true})).await.expect_problem(404, "NOT_FOUND");
    fixture.captured("pm_ok").await;
}
