//! Two gateways on one NATS server: `SOUK_TEST_EVENTS=$(scripts/nats) cargo test -p gateway --lib shared -- --include-ignored`.

use super::*;
use crate::{
    Settings,
    limits::{Class, Limits},
};
use contracts::problem::Code;
use platform::{bus::Broker, env::Env};
use std::net::IpAddr;

const SECOND: i64 = 1_000_000_000;
const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(20) };

#[test]
fn a_quota_is_the_time_at_which_it_is_full_again() {
    let now = 1_000 * SECOND;
    let mut full_at = None;
    let mut left = Vec::new();
    for _ in 0..3 {
        let (then, rest) = decide(full_at, now, RATE, Cost::One).unwrap();
        full_at = Some(then);
        left.push(rest);
    }
    assert_eq!((full_at, left), (Some(now + 60 * SECOND), vec![2, 1, 0]));
    assert_eq!(decide(full_at, now, RATE, Cost::One), Err(Duration::from_secs(20)));
    assert_eq!(decide(full_at, now + 19 * SECOND, RATE, Cost::One), Err(Duration::from_secs(1)));
    assert_eq!(decide(full_at, now + 20 * SECOND, RATE, Cost::One), Ok((now + 80 * SECOND, 0)));
    assert_eq!(
        decide(full_at, now + 3_600 * SECOND, RATE, Cost::One),
        Ok((now + 3_620 * SECOND, 2)),
        "an hour saves up no more than the quota"
    );
    assert_eq!(decide(None, now, RATE, Cost::UpTo(2)), Ok((now + 40 * SECOND, 1)));
    assert_eq!(decide(Some(now + 40 * SECOND), now, RATE, Cost::UpTo(9)), Ok((now + 60 * SECOND, 0)), "as far as it is left");
    assert_eq!(decide(Some(now + 60 * SECOND), now, RATE, Cost::UpTo(9)), Ok((now + 60 * SECOND, 0)));
    let far = now + 1_000_000 * SECOND;
    assert_eq!(decide(Some(far), now, RATE, Cost::One), Err(Duration::from_secs(20)), "a clock that was wrong costs one quota at most");
}

/// The limits of one gateway, with three logins a minute.
fn gateway(values: &SharedValues) -> Limits {
    let settings = Settings { login_per_minute: 3.try_into().unwrap(), ..Settings::default() };
    Limits::new(&settings, Some(SharedQuotas::new(values.clone(), 100)))
}

async fn values(address: &str) -> SharedValues {
    let broker = Broker::connect(address, 1).await.unwrap();
    SharedValues::new(broker, &Env::system(), "t-limits", Duration::from_secs(120), 10_000)
}

fn address() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    std::env::var("SOUK_TEST_EVENTS").expect("SOUK_TEST_EVENTS holds the address of a NATS server; `scripts/nats` starts one")
}

/// A caller that no other test has.
fn stranger() -> Caller {
    Caller::at(IpAddr::from(u32::try_from(Env::system().random_below(1 << 32)).unwrap().to_be_bytes()))
}

async fn allows(limits: &Limits, caller: &Caller) -> bool {
    limits.take(Class::Login, caller).await.1.map_err(|problem| assert_eq!(problem.code(), Code::RATE_LIMITED)).is_ok()
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_caller_has_one_quota_at_two_gateways() {
    let (values_of_one, values_of_other) = (values(&address()).await, values(&address()).await);
    values_of_one.open().await.unwrap();
    values_of_other.open().await.unwrap();
    let (one, other) = (gateway(&values_of_one), gateway(&values_of_other));
    let (caller, another) = (stranger(), stranger());
    let mut allowed = Vec::new();
    for limits in [&one, &other, &one, &other, &one, &other] {
        allowed.push(allows(limits, &caller).await);
    }
    assert_eq!(allowed, [true, true, true, false, false, false]);
    assert!(allows(&other, &another).await, "another caller has a quota of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn many_requests_at_once_at_two_gateways_take_no_more_than_the_quota() {
    let mut tasks = Env::system().task_set();
    let caller = stranger();
    for _ in 0..2 {
        let values = values(&address()).await;
        values.open().await.unwrap();
        let limits = Arc::new(gateway(&values));
        for _ in 0..20 {
            let (limits, caller) = (limits.clone(), caller.clone());
            tasks.spawn(async move { allows(&limits, &caller).await });
        }
    }
    let mut allowed = 0;
    while let Some(outcome) = tasks.join_next().await {
        allowed += usize::from(outcome.expect("no panic"));
    }
    assert_eq!(allowed, 3);
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn a_further_cost_at_one_gateway_counts_at_the_other() {
    let (values_of_one, values_of_other) = (values(&address()).await, values(&address()).await);
    values_of_one.open().await.unwrap();
    values_of_other.open().await.unwrap();
    let (one, other) = (gateway(&values_of_one), gateway(&values_of_other));
    let caller = stranger();
    assert!(allows(&one, &caller).await);
    assert!(one.charge(Class::Login, &caller, 3).await.is_some());
    assert!(!allows(&other, &caller).await);
}

#[tokio::test]
async fn without_the_server_each_gateway_counts_for_itself_and_refuses_nobody_else() {
    // Nobody listens there.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("nats://{}", listener.local_addr().unwrap());
    drop(listener);
    let values = values(&address).await;
    let (one, other) = (gateway(&values), gateway(&values));
    let caller = stranger();
    for limits in [&one, &other] {
        let mut allowed = Vec::new();
        for _ in 0..5 {
            allowed.push(allows(limits, &caller).await);
        }
        assert_eq!(allowed, [true, true, true, false, false]);
    }
    assert!(allows(&one, &stranger()).await);
}

#[tokio::test]
#[ignore = "needs SOUK_TEST_EVENTS"]
async fn values_that_cannot_be_used_any_more_leave_the_decision_to_the_gateway() {
    let values = values(&address()).await;
    values.open().await.unwrap();
    let (limits, caller) = (gateway(&values), stranger());
    assert!(allows(&limits, &caller).await);
    // A key that no server accepts stands for a server that fails.
    values.replace("..", StoredValue::default(), 1).await.unwrap_err();
    assert_eq!(values.now(), None);
    let mut allowed = Vec::new();
    for _ in 0..4 {
        allowed.push(allows(&limits, &caller).await);
    }
    assert_eq!(allowed, [true, true, true, false], "the own quota of the gateway was full");
    values.open().await.unwrap();
    assert!(allows(&limits, &caller).await, "the shared quota has two left");
}
