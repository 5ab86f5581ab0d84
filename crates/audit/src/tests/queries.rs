//! Queries.

use super::*;
use crate::store::{reduced, select_events};
use contracts::{audit::EventFilter, ids::Uuid, text::RequiredShortText, time::Timestamp};
use std::time::Duration;

fn voided(log: &Harness, user_id: UserId, order_id: OrderId) -> PaymentVoided {
    PaymentVoided { payment_id: log.id(), order_id, order_number: "N-1".into(), user_id, amount: 100, currency: Currency::EUR }
}

#[tokio::test]
async fn each_filter_finds_its_events_newest_first_and_all_together_narrow() {
    let log = log().await;
    let (mara, tom): (UserId, UserId) = (log.id(), log.id());
    let (first, second): (OrderId, OrderId) = (log.id(), log.id());
    log.deliver(registered(mara)).await;
    log.deliver(registered(tom)).await;
    let mut caused = log.envelope(&voided(&log, mara, first));
    caused.correlation_id = "c-7".into();
    log.deliver_envelope(caused.clone()).await;
    log.deliver(voided(&log, mara, second)).await;
    log.deliver(voided(&log, tom, first)).await;
    log.deliver(locked(mara)).await;
    for (query, found) in [
        (String::new(), vec![6, 5, 4, 3, 2, 1]),
        (format!("?userId={mara}"), vec![6, 4, 3, 1]),
        (format!("?orderId={first}"), vec![5, 3]),
        ("?aggregateType=PAYMENT".into(), vec![5, 4, 3]),
        (format!("?aggregateId={mara}"), vec![6, 1]),
        ("?eventType=UserRegistered".into(), vec![2, 1]),
        ("?correlationId=c-7".into(), vec![3]),
        (format!("?userId={mara}&aggregateType=PAYMENT"), vec![4, 3]),
        (
            format!(
                "?userId={mara}&orderId={first}&aggregateType=PAYMENT&eventType=PaymentVoided&correlationId=c-7&aggregateId={}",
                caused.aggregate_id
            ),
            vec![3],
        ),
        (format!("?userId={tom}&eventType=UserLocked"), vec![]),
        ("?aggregateType=ORDER&eventType=UserLocked".into(), vec![]),
        ("?aggregateType=ACCOUNT&eventType=UserLocked".into(), vec![6]),
        ("?aggregateType=ACCOUNT&eventType=UserTeleported".into(), vec![]),
        (format!("?userId={}", log.id::<UserId>()), vec![]),
        ("?eventType=%27%20OR%201%3D1%20--".into(), vec![]),
    ] {
        assert_eq!(positions(&log, &query).await, found, "{query}");
    }
}

#[tokio::test]
async fn what_somebody_did_is_found_apart_from_what_happened_to_them() {
    let log = log().await;
    let (admin, mara): (UserId, UserId) = (log.id(), log.id());
    log.deliver(registered(admin)).await;
    log.deliver(registered(mara)).await;
    for envelope in [log.envelope(&locked(mara)), log.envelope(&voided(&log, mara, log.id()))] {
        log.deliver_envelope(Envelope { actor_id: Some(admin), ..envelope }).await;
    }
    log.deliver(locked(mara)).await;
    for (query, found) in [
        (format!("?actorId={admin}"), vec![4, 3]),
        (format!("?userId={admin}"), vec![1]),
        (format!("?userId={mara}"), vec![5, 4, 3, 2]),
        (format!("?userId={mara}&actorId={admin}&eventType=UserLocked"), vec![3]),
        (format!("?actorId={mara}"), vec![]),
    ] {
        assert_eq!(positions(&log, &query).await, found, "{query}");
    }
    let shown = page(&log, "").await.items;
    assert_eq!(shown.iter().map(|event| event.actor_id).collect::<Vec<_>>(), [None, Some(admin), Some(admin), None, None]);
    assert_eq!(report(&log).await.faults, [""; 0]);
}

#[tokio::test]
async fn a_time_range_includes_its_start_and_excludes_its_end() {
    let log = log().await;
    let user: UserId = log.id();
    for _ in 0..4 {
        log.deliver(registered(user)).await;
        log.advance(Duration::from_secs(1));
    }
    for who in [String::new(), format!("&userId={user}")] {
        assert_eq!(positions(&log, &format!("?from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:03Z{who}")).await, [3, 2]);
        assert_eq!(positions(&log, &format!("?from=2026-01-01T00:00:02Z{who}")).await, [4, 3]);
        assert_eq!(positions(&log, &format!("?to=2026-01-01T01:00:01%2B01:00{who}")).await, [1]);
        assert_eq!(positions(&log, &format!("?from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:01Z{who}")).await, [] as [i64; 0]);
    }
}

#[tokio::test]
async fn a_late_event_is_listed_at_the_time_it_occurred() {
    let log = log().await;
    let late = log.envelope(&registered(log.id()));
    log.advance(Duration::from_secs(60));
    log.deliver(registered(log.id())).await;
    log.deliver_envelope(late).await;
    assert_eq!(positions(&log, "").await, [1, 2]);
    assert_eq!(positions(&log, "?to=2026-01-01T00:00:01Z").await, [2]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_while_the_log_grows() {
    let log = log().await;
    let user: UserId = log.id();
    for number in 0..25 {
        log.deliver(registered(user)).await;
        // Several events share an instant, and instants differ.
        log.advance(Duration::from_micros(number / 4));
    }
    for filter in [String::new(), format!("&userId={user}"), "&to=2027-01-01T00:00:00Z&aggregateType=ACCOUNT".into()] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for number in 1.. {
            assert!(number < 20, "the pages do not end");
            let answer = get_events(&log, &format!("?limit=7{filter}{cursor}")).send().await.expect(200);
            let page: Page<DomainEvent> = answer.read();
            seen.extend(page.items.iter().map(|event| event.position));
            let Some(next) = page.next_cursor else { break };
            assert!(answer.header("link").contains("rel=\"next\""));
            log.deliver(locked(log.id())).await;
            cursor = format!("&cursor={next}");
        }
        let newest = seen[0];
        let of_user = |position: &i64| filter.contains("userId") && *position > 25;
        assert_eq!(seen, (1..=newest).rev().filter(|position| !of_user(position)).collect::<Vec<_>>(), "{filter}");
    }
}

#[tokio::test]
async fn bad_queries_are_refused() {
    let log = log().await;
    for _ in 0..3 {
        log.deliver(registered(log.id())).await;
    }
    let cursor = page(&log, "?limit=1").await.next_cursor.unwrap();
    for (query, status, code) in [
        ("?userId=7".into(), 422, "INVALID_REQUEST"),
        ("?actorId=me".into(), 422, "INVALID_REQUEST"),
        ("?orderId=%00".into(), 422, "INVALID_REQUEST"),
        ("?aggregateId=x".into(), 422, "INVALID_REQUEST"),
        ("?eventType=".into(), 422, "INVALID_REQUEST"),
        ("?aggregateType=payment".into(), 422, "INVALID_REQUEST"),
        ("?aggregateType=".into(), 422, "INVALID_REQUEST"),
        ("?aggregateType=PARCEL".into(), 422, "INVALID_REQUEST"),
        ("?eventType=a%00b".into(), 422, "INVALID_REQUEST"),
        (format!("?correlationId={}", "x".repeat(201)), 422, "INVALID_REQUEST"),
        ("?from=yesterday".into(), 422, "INVALID_REQUEST"),
        ("?to=1700000000".into(), 422, "INVALID_REQUEST"),
        ("?payload=x".into(), 422, "INVALID_REQUEST"),
        ("?userId=&userId=".into(), 422, "INVALID_REQUEST"),
        ("?limit=0".into(), 422, "INVALID_REQUEST"),
        ("?limit=101".into(), 422, "INVALID_REQUEST"),
        ("?cursor=made-up".into(), 400, "BAD_CURSOR"),
        (format!("?cursor={cursor}&eventType=UserLocked"), 400, "BAD_CURSOR"),
        ("?eventType=%ff".into(), 400, "MALFORMED_REQUEST"),
    ] {
        get_events(&log, &query).send().await.expect_problem(status, code);
    }
    get_events(&log, &format!("?cursor={cursor}&limit=2")).send().await.expect(200);
}

#[tokio::test]
async fn only_administrators_can_read_the_log() {
    let log = log().await;
    let request = || log.get("/audit/events");
    request().send().await.expect_problem(401, "UNAUTHENTICATED");
    request().bearer("made-up").send().await.expect_problem(401, "UNAUTHENTICATED");
    request().customer(log.id()).send().await.expect_problem(403, "FORBIDDEN");
    request().seller(log.id()).send().await.expect_problem(403, "FORBIDDEN");
    request().service("order").send().await.expect_problem(403, "FORBIDDEN");
    log.post("/audit/events", &json!({})).admin().send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
    log.delete("/audit/events").admin().send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
}

/// The index of each condition, from the narrowest.
const INDEXES: [&str; 7] = [
    "events_by_correlation",
    "events_by_aggregate ",
    "events_by_order",
    "events_by_user",
    "events_by_actor",
    "events_by_type",
    "events_by_aggregate_type",
];

/// A large log answers as fast as a small one: every combination scans one index in the order of the list.
#[tokio::test]
async fn every_combination_is_answered_by_the_index_of_its_narrowest_condition() {
    let log = log().await;
    let line = |given: bool| given.then(|| RequiredShortText::parse("X").unwrap());
    for bits in 0..1 << INDEXES.len() {
        let given = |at: usize| bits >> at & 1 == 1;
        for (from, to, after) in [(false, false, false), (true, true, false), (true, false, true), (false, true, true)] {
            let filter = EventFilter {
                correlation_id: line(given(0)),
                aggregate_id: given(1).then(Uuid::nil),
                order_id: given(2).then(|| OrderId(Uuid::nil())),
                user_id: given(3).then(|| UserId(Uuid::nil())),
                actor_id: given(4).then(|| UserId(Uuid::nil())),
                event_type: line(given(5)),
                aggregate_type: line(given(6)),
                from: from.then_some(Timestamp(1)),
                to: to.then_some(Timestamp(9)),
            };
            let sql = select_events(filter, after.then_some((Timestamp(5), 5)), 21).sql().to_owned();
            let plan = log.query_plan(&sql);
            let plan = plan.join("; ") + " ";
            let index = (0..INDEXES.len()).find(|at| given(*at)).map_or("events_by_time", |at| INDEXES[at]);
            assert!(plan.contains(&format!("USING INDEX {index}")), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
            if from || to || after {
                assert!(plan.contains("occurred_at"), "the range of time is a range of the index: {sql}\n{plan}");
            }
        }
    }
}

/// Otherwise the query would check every event of the type.
#[test]
fn a_condition_implied_by_the_event_type_is_dropped() {
    let text = |text: &str| RequiredShortText::parse(text).unwrap();
    let both = |event_type: &str, aggregate_type: &str| EventFilter {
        event_type: Some(text(event_type)),
        aggregate_type: Some(text(aggregate_type)),
        ..EventFilter::default()
    };
    let aggregate = |filter: EventFilter| reduced(filter).map(|reduced| reduced.aggregate_type);
    assert_eq!(aggregate(both("OrderCreated", "ORDER")), Some(None));
    assert_eq!(aggregate(both("OrderCreated", "PRODUCT")), None);
    assert_eq!(aggregate(both("OrderTeleported", "PRODUCT")), Some(Some(text("PRODUCT"))));
    assert_eq!(aggregate(EventFilter { event_type: None, ..both("OrderCreated", "ORDER") }), Some(Some(text("ORDER"))));
}
