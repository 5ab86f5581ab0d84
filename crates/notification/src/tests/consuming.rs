//! Events and their messages.

use super::*;
use crate::{Delivery, LogSms, SmsProvider};
use axum::{Router, routing::get};
use contracts::notification::{Channel, NotificationFailed, NotificationSent, NotificationStatus, NotificationType};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A provider that records what it sent.
#[derive(Default)]
struct RecordingSms(Mutex<Vec<(String, String)>>);

impl SmsProvider for RecordingSms {
    fn send<'a>(&'a self, to: &'a str, text: &'a str) -> Delivery<'a> {
        self.0.lock().unwrap().push((to.to_owned(), text.to_owned()));
        LogSms.send(to, text)
    }
}

#[tokio::test]
async fn every_event_makes_one_message() {
    let harness = start().await;
    let person = Person::new(&harness);
    let until = harness.env.now().after(Duration::from_secs(3_600));
    deliver(&harness, person.registration("mara@example.com", "Mara")).await;
    deliver(&harness, person.reset(&harness)).await;
    deliver(&harness, PasswordChanged { user_id: person.user_id, email: "mara@example.com".into(), by_reset: true }).await;
    email_addresses::deliver_all(&harness, person).await;
    deliver(&harness, person.created()).await;
    deliver(&harness, person.payment_failed(until)).await;
    deliver(&harness, person.confirmed()).await;
    deliver(&harness, person.shipped()).await;
    deliver(&harness, person.delivered()).await;
    deliver(&harness, person.parcel_returned()).await;
    deliver(&harness, person.cancelled()).await;
    deliver(&harness, person.refunded()).await;
    deliver(&harness, person.return_approved(&harness)).await;
    deliver(&harness, person.return_rejected(&harness)).await;
    deliver(&harness, person.return_refunded(&harness)).await;
    deliver(&harness, person.review_published(&harness)).await;
    deliver(&harness, person.review_answered(&harness)).await;
    reminding::deliver_all(&harness, person).await;
    selling::deliver_all(&harness, person).await;
    harness.complete().await;
    let mut notifications = person.notifications(&harness).await;
    notifications.sort_by_key(|notification| notification.r#type);
    assert_eq!(notifications.iter().map(|notification| notification.r#type).collect::<Vec<_>>(), NotificationType::ALL);
    for notification in &notifications {
        assert_eq!((notification.channel, notification.status, notification.attempts), (Channel::Email, NotificationStatus::Sent, 1));
        assert_eq!(notification.last_error, None);
    }
    let sent = harness.emitted_of::<NotificationSent>().await;
    assert_eq!(sent.len(), NotificationType::ALL.len());
    for event in sent {
        let other =
            ["REVIEW_", "SELLER_", "PAYOUT_", "BACK_IN_STOCK", "CART_"].iter().any(|prefix| event.r#type.as_str().starts_with(prefix));
        let about_order = !event.r#type.is_about_account() && !other;
        assert_eq!((event.user_id, event.order_id), (person.user_id, about_order.then_some(person.order_id)));
    }
    harness.nothing_is_parked().await;
}

#[tokio::test]
async fn a_repeated_event_makes_no_message() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let event = deliver(&harness, person.created()).await;
    harness.deliver_envelope(event.clone()).await;
    harness.complete().await;
    harness.deliver_envelope(event.clone()).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await, ["ORDER_CREATED EMAIL SENT", "REGISTERED EMAIL SENT"]);
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 2);

    // Also without the inbox row, an event makes one message for each channel.
    let forgotten = event.event_id;
    harness
        .db()
        .write(async move |tx| tx.execute("DELETE FROM inbox WHERE event_id = $1", platform::params![forgotten]).await)
        .await
        .unwrap();
    harness.deliver_envelope(event).await;
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await.len(), 2);
    harness.nothing_is_parked().await;
}

#[tokio::test]
async fn the_event_of_a_message_has_the_correlation_id_of_its_cause() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let mut event = harness.envelope(&person.created());
    event.correlation_id = "request-1".into();
    harness.deliver_envelope(event.clone()).await;
    deliver(&harness, person.confirmed()).await;
    harness.complete().await;
    let emitted = harness.emitted().await;
    let caused: Vec<_> = emitted.iter().filter(|envelope| envelope.correlation_id == "request-1").collect();
    assert_eq!(caused.len(), 1);
    assert_eq!(caused[0].causation_id, Some(event.event_id));
    assert!(caused[0].payload.get().contains("ORDER_CREATED"));
}

#[tokio::test]
async fn preferences_choose_the_channels_except_for_mails_about_the_account() {
    let phone = Arc::new(RecordingSms::default());
    let harness = Harness::of(service_with_sms(phone.clone())).start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.preferences(false, true, None)).await;
    deliver(&harness, person.shipped()).await;
    deliver(&harness, person.reset(&harness)).await;
    harness.complete().await;
    let mut notifications = person.notification_lines(&harness).await;
    notifications.sort();
    assert_eq!(notifications, ["PASSWORD_RESET EMAIL SENT", "REGISTERED EMAIL SENT", "SHIPPED SMS SENT"]);
    let texts = std::mem::take(&mut *phone.0.lock().unwrap());
    assert_eq!(texts, [("+49 30 123456".to_owned(), "Souk: your order SK-7 is on its way, tracking number T-1.".to_owned())]);

    deliver(&harness, person.preferences(false, false, None)).await;
    deliver(&harness, person.delivered()).await;
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await.len(), 3, "no message without a channel");
}

#[tokio::test]
async fn a_removed_phone_gets_no_text_message() {
    let phone = Arc::new(RecordingSms::default());
    let harness = Harness::of(service_with_sms(phone.clone())).start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.preferences(false, true, None)).await;
    deliver(&harness, person.shipped()).await;
    deliver(&harness, person.profile("mara@example.com", None)).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await[0], "SHIPPED SMS FAILED");
    assert!(phone.0.lock().unwrap().is_empty());
    deliver(&harness, person.delivered()).await;
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await.len(), 2, "and nothing is tried from then on");
}

#[tokio::test]
async fn an_order_may_arrive_before_its_customer() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.created()).await;
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(
        (notifications[0].status, notifications[0].last_error.as_deref()),
        (NotificationStatus::Pending, Some("no e-mail address is known yet"))
    );
    deliver(&harness, person.registration("mara@example.com", "Mara")).await;
    harness.advance(LONG);
    harness.complete().await;
    let mut notifications = person.notification_lines(&harness).await;
    notifications.sort();
    assert_eq!(notifications, ["ORDER_CREATED EMAIL SENT", "REGISTERED EMAIL SENT"]);
}

#[tokio::test]
async fn a_message_to_an_unknown_user_fails_in_the_end() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.created()).await;
    for _ in 0..10 {
        harness.complete().await;
        harness.advance(LONG);
    }
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Failed, 6));
    let failed = harness.emitted_of::<NotificationFailed>().await;
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].attempts, failed[0].error.as_str()), (6, "no e-mail address is known yet"));
}

#[tokio::test]
async fn the_address_of_a_user_whose_events_are_lost_is_asked_for() {
    let contact = |preferences: Value| {
        let answer = json!({"email": "mara@example.com", "name": "Mara", "phone": null, "preferences": preferences});
        Router::new().route("/internal/users/{user}/contact", get(async move || axum::Json(answer)))
    };
    let preferences = json!({"emailEnabled": true, "smsEnabled": false, "webhookUrl": null});
    let harness = builder().upstream("user", contact(preferences)).start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.created()).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await, ["ORDER_CREATED EMAIL SENT"]);
    // An event is newer than the answer.
    deliver(&harness, person.profile("new@example.com", None)).await;
    let user = person.user_id;
    let contact = harness.db().read(async move |tx| crate::store::find_contact(tx, user).await).await.unwrap().unwrap();
    assert_eq!(contact.email.as_deref(), Some("new@example.com"));
}

#[tokio::test]
async fn a_password_reset_verifies_the_address_until_it_changes() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let verified = async || {
        let user = person.user_id;
        harness.db().read(async move |tx| crate::store::find_contact(tx, user).await).await.unwrap().unwrap().email_verified
    };
    let change = |email: &str, by_reset| PasswordChanged { user_id: person.user_id, email: email.into(), by_reset };
    deliver(&harness, change("mara@example.com", false)).await;
    deliver(&harness, change("other@example.com", true)).await;
    assert!(!verified().await);
    deliver(&harness, change("mara@example.com", true)).await;
    assert!(verified().await);
    deliver(&harness, person.profile("mara@example.com", None)).await;
    assert!(verified().await);
    deliver(&harness, person.profile("new@example.com", None)).await;
    assert!(!verified().await);
}

#[tokio::test]
async fn data_of_the_user_service_replaces_the_registration_in_any_order() {
    let harness = start().await;
    for late_registration in [false, true] {
        let person = Person::new(&harness);
        if !late_registration {
            deliver(&harness, person.registration("old@example.com", "Old")).await;
        }
        deliver(&harness, person.preferences(true, false, None)).await;
        deliver(&harness, person.profile("new@example.com", None)).await;
        if late_registration {
            deliver(&harness, person.registration("old@example.com", "Old")).await;
        }
        let user = person.user_id;
        let contact = harness.db().read(async move |tx| crate::store::find_contact(tx, user).await).await.unwrap().unwrap();
        assert_eq!((contact.email.as_deref(), contact.name.as_str()), (Some("new@example.com"), "Mara"));
        assert_eq!(contact.phone, None);
    }
}

#[tokio::test]
async fn older_preferences_change_nothing() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let old = harness.envelope(&person.preferences(true, true, None));
    let new = harness.envelope(&person.preferences(false, false, None));
    harness.deliver_envelope(new).await;
    harness.deliver_envelope(old).await;
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    assert_eq!(person.notifications(&harness).await.len(), 1, "only the welcome");
}

#[tokio::test]
async fn channels_by_type_count_before_the_switches() {
    let phone = Arc::new(RecordingSms::default());
    let harness = Harness::of(service_with_sms(phone.clone())).start().await;
    let person = Person::registered(&harness).await;
    let channels = [(NotificationType::Shipped, vec![Channel::Sms]), (NotificationType::Delivered, Vec::new())].into();
    deliver(&harness, PreferencesChanged { channels, ..person.preferences(true, false, None) }).await;
    deliver(&harness, person.shipped()).await;
    deliver(&harness, person.delivered()).await;
    deliver(&harness, person.created()).await;
    harness.complete().await;
    let lines = person.notification_lines(&harness).await;
    assert_eq!(lines, ["ORDER_CREATED EMAIL SENT", "SHIPPED SMS SENT", "REGISTERED EMAIL SENT"]);
    // Everything is switched off, and the confirmation of the order is sent.
    deliver(&harness, person.preferences(false, false, None)).await;
    deliver(&harness, person.confirmed()).await;
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    let lines = person.notification_lines(&harness).await;
    assert_eq!((lines[0].as_str(), lines.len()), ("ORDER_CONFIRMED EMAIL SENT", 4));
}
