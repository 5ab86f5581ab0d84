//! The HTTP operations.

use super::*;
use contracts::{
    ids::NotificationId,
    notification::{AttemptOutcome, DeliveryAttempt, NotificationSent, NotificationStatus, WebhookSecret},
};
use serde_json::json;

#[tokio::test]
async fn anonymous_callers_and_wrong_roles_are_refused() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let id = person.notifications(&harness).await[0].notification_id;
    let resend = format!("/admin/notifications/{id}/resend");
    let attempts = format!("/admin/notifications/{id}/attempts");
    for path in ["/notifications", "/notifications/webhook-secret", "/admin/notifications", &attempts] {
        harness.get(path).send().await.expect_problem(401, "UNAUTHENTICATED");
        harness.get(path).service("order").send().await.expect_problem(403, "FORBIDDEN");
    }
    harness.post(&resend, &json!({})).send().await.expect_problem(401, "UNAUTHENTICATED");
    for path in ["/admin/notifications", &attempts] {
        harness.get(path).customer(person.user_id).send().await.expect_problem(403, "FORBIDDEN");
        harness.get(path).seller(person.user_id).send().await.expect_problem(403, "FORBIDDEN");
    }
    harness.post(&resend, &json!({})).customer(person.user_id).send().await.expect_problem(403, "FORBIDDEN");
    let stranger: UserId = harness.id();
    let seen: Page<Notification> = harness.get("/notifications").customer(stranger).send().await.expect(200).read();
    assert_eq!(seen.items, []);
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let harness = start().await;
    let (mara, otto) = (Person::registered(&harness).await, Person::registered(&harness).await);
    for _ in 0..5 {
        harness.advance(Duration::from_secs(1));
        deliver(&harness, mara.created()).await;
        deliver(&harness, otto.shipped()).await;
    }
    harness.complete().await;
    let (mut seen, mut path) = (Vec::new(), "/notifications?limit=2".to_owned());
    loop {
        let answer = harness.get(&path).customer(mara.user_id).send().await.expect(200);
        let page: Page<Notification> = answer.read();
        seen.extend(page.items.into_iter().map(|notification| notification.notification_id));
        let Some(cursor) = page.next_cursor else { break };
        assert!(answer.header("link").contains("rel=\"next\""));
        // A cursor is valid for its list only.
        harness.get(&format!("/admin/notifications?cursor={cursor}")).admin().send().await.expect_problem(400, "BAD_CURSOR");
        path = format!("/notifications?limit=2&cursor={cursor}");
    }
    let expected: Vec<_> = mara.notifications(&harness).await.into_iter().map(|notification| notification.notification_id).collect();
    assert_eq!(seen.len(), 6);
    assert_eq!(seen, expected);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn admins_filter_all_messages_by_status_and_user() {
    let harness = start().await;
    let (mara, unknown) = (Person::registered(&harness).await, Person::new(&harness));
    deliver(&harness, mara.created()).await;
    deliver(&harness, unknown.created()).await;
    harness.complete().await;
    let count = async |query: &str| {
        let page: Page<Notification> = harness.get(&format!("/admin/notifications{query}")).admin().send().await.expect(200).read();
        page.items.len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?status=SENT").await, 2);
    assert_eq!(count("?status=PENDING").await, 1);
    assert_eq!(count("?status=FAILED").await, 0);
    assert_eq!(count(&format!("?userId={}", mara.user_id)).await, 2);
    assert_eq!(count(&format!("?userId={}&status=PENDING", mara.user_id)).await, 0);
    assert_eq!(count(&format!("?userId={}&status=PENDING", unknown.user_id)).await, 1);
}

#[tokio::test]
async fn invalid_input_is_named_and_changes_nothing() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let id = person.notifications(&harness).await[0].notification_id;
    for query in ["status=LOST", "status=sent", "userId=7", "user=x", "status=SENT&status=SENT", "limit=0", "limit=101", "limit=x"] {
        harness.get(&format!("/admin/notifications?{query}")).admin().send().await.expect_problem(422, "INVALID_REQUEST");
    }
    harness.get("/notifications?status=SENT").customer(person.user_id).send().await.expect_problem(422, "INVALID_REQUEST");
    harness.get("/admin/notifications?cursor=abc").admin().send().await.expect_problem(400, "BAD_CURSOR");
    let unknown: NotificationId = harness.id();
    for id in [unknown.to_string(), "7".into(), "..%2F..%2Fetc".into(), "'%20OR%201=1".into()] {
        harness.post(&format!("/admin/notifications/{id}/resend"), &json!({})).admin().send().await.expect_problem(404, "NOT_FOUND");
        harness.get(&format!("/admin/notifications/{id}/attempts")).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    let long = "k".repeat(256);
    let path = format!("/admin/notifications/{id}/resend");
    harness.post(&path, &json!({})).admin().key(&long).send().await.expect_problem(400, "BAD_IDEMPOTENCY_KEY");
    harness.delete("/notifications").customer(person.user_id).send().await.expect_problem(405, "METHOD_NOT_ALLOWED");
    harness.complete().await;
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 1);
}

#[tokio::test]
async fn an_admin_sends_a_message_again() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let id = person.notifications(&harness).await[0].notification_id;
    let path = format!("/admin/notifications/{id}/resend");
    let again: Notification = harness.post(&path, &json!({})).admin().send().await.expect(200).read();
    assert_eq!((again.notification_id, again.status), (id, NotificationStatus::Pending));
    let refused = harness.post(&path, &json!({})).admin().send().await.expect_problem(409, "ILLEGAL_TRANSITION");
    assert_eq!(refused.json()["notificationStatus"], "PENDING");
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications.len(), notifications[0].status, notifications[0].attempts), (1, NotificationStatus::Sent, 2));
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 2);
    let attempts: Page<DeliveryAttempt> =
        harness.get(&format!("/admin/notifications/{id}/attempts")).admin().send().await.expect(200).read();
    let attempts: Vec<_> = attempts.items.iter().map(|attempt| (attempt.attempt, attempt.outcome)).collect();
    assert_eq!(attempts, [(2, AttemptOutcome::Delivered), (1, AttemptOutcome::Delivered)]);
}

#[tokio::test]
async fn a_resend_with_the_same_key_happens_once() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let id = person.notifications(&harness).await[0].notification_id;
    let path = format!("/admin/notifications/{id}/resend");
    let token = harness.token(harness.id(), &["ADMIN"]);
    let send = async |path: &str, key: &str| harness.post(path, &json!({})).bearer(&token).key(key).send().await;
    let first = send(&path, "again").await.expect(200);
    harness.complete().await;
    let second = send(&path, "again").await.expect(200);
    assert_eq!((second.body.as_slice(), second.header("idempotency-replayed")), (first.body.as_slice(), "true"));
    harness.complete().await;
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 2);
    send(&path, "another").await.expect(200);
    harness.complete().await;
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 3);
}

#[tokio::test]
async fn attempts_are_paged_last_first() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.created()).await;
    for _ in 0..7 {
        harness.complete().await;
        harness.advance(LONG);
    }
    let id = person.notifications(&harness).await[0].notification_id;
    let path = format!("/admin/notifications/{id}/attempts?limit=4");
    let first: Page<DeliveryAttempt> = harness.get(&path).admin().send().await.expect(200).read();
    assert_eq!(first.items.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [6, 5, 4, 3]);
    let path = format!("{path}&cursor={}", first.next_cursor.unwrap());
    let second: Page<DeliveryAttempt> = harness.get(&path).admin().send().await.expect(200).read();
    assert_eq!(second.items.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(second.next_cursor, None);
    assert!(second.items.iter().all(|attempt| attempt.outcome == AttemptOutcome::Failed && attempt.detail.contains("address")));
}

#[tokio::test]
async fn every_user_has_a_webhook_secret_of_their_own() {
    let harness = start().await;
    let secret_of = async |user: UserId| {
        let answer = harness.get("/notifications/webhook-secret").customer(user).send().await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.read::<WebhookSecret>().secret
    };
    let (mara, otto): (UserId, UserId) = (harness.id(), harness.id());
    assert_eq!(secret_of(mara).await, secret_of(mara).await);
    assert_ne!(secret_of(mara).await, secret_of(otto).await);
}
