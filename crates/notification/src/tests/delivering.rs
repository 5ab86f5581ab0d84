//! Concurrent attempts: slow messages of one user do not delay others.

use super::*;
use crate::{Delivery, DeliveryError, SmsProvider, actions::record_attempt, domain::OutgoingMessage, settings::Settings, store};
use contracts::notification::{Channel, NotificationSent, NotificationStatus};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

const QUICK: &str = "+49 30 2";

/// A provider that sends to phones other than [`QUICK`] only when the test lets it.
struct GatedSms {
    is_open: watch::Sender<bool>,
    /// How many messages are being sent to each phone, and the maximum so far.
    under_way: Mutex<HashMap<String, (usize, usize)>>,
}

impl GatedSms {
    fn new() -> Arc<GatedSms> {
        Arc::new(GatedSms { is_open: watch::Sender::new(false), under_way: Mutex::default() })
    }

    fn open(&self) {
        self.is_open.send_replace(true);
    }

    async fn wait_until_under_way(&self, messages: usize) {
        wait_until(async || self.under_way.lock().unwrap().values().map(|(now, _)| now).sum::<usize>() == messages).await;
    }

    /// How many messages were sent to each phone at the same time.
    fn most(&self) -> Vec<usize> {
        self.under_way.lock().unwrap().values().map(|(_, most)| *most).collect()
    }
}

impl SmsProvider for GatedSms {
    fn send<'a>(&'a self, phone: &'a str, _: &'a str) -> Delivery<'a> {
        Box::pin(async move {
            if phone != QUICK {
                let mut is_open = self.is_open.subscribe();
                {
                    let mut under_way = self.under_way.lock().unwrap();
                    let (now, most) = under_way.entry(phone.to_owned()).or_default();
                    *now += 1;
                    *most = (*most).max(*now);
                }
                is_open.wait_for(|is_open| *is_open).await.unwrap();
                self.under_way.lock().unwrap().get_mut(phone).unwrap().0 -= 1;
            }
            Ok(())
        })
    }
}

/// The service with a number of slots, and its provider.
async fn gated(slots: i64) -> (Harness, Arc<GatedSms>) {
    let provider = GatedSms::new();
    let harness = Harness::of(service_with_sms(provider.clone())).setting("concurrency", slots).start().await;
    (harness, provider)
}

/// A user with text messages only.
async fn sms_user(harness: &Harness, phone: &str) -> Person {
    let person = Person::registered(harness).await;
    deliver(harness, PreferencesChanged { phone: Some(phone.into()), ..person.preferences(false, true, None) }).await;
    person
}

#[tokio::test]
async fn slow_messages_of_one_user_leave_slots_for_others() {
    let (harness, provider) = gated(16).await;
    let (slow, quick) = (sms_user(&harness, "+49 30 1").await, sms_user(&harness, QUICK).await);
    for _ in 0..40 {
        deliver(&harness, slow.shipped()).await;
    }
    harness.settle().await;
    provider.wait_until_under_way(2).await;
    deliver(&harness, quick.shipped()).await;
    quick.wait_until_newest_is(&harness, "SHIPPED SMS SENT").await;
    assert!(!slow.notification_lines(&harness).await.contains(&"SHIPPED SMS SENT".to_owned()));
    provider.open();
    harness.complete().await;
    assert_eq!(provider.most(), [2], "an eighth of the slots");
    assert!(!slow.notification_lines(&harness).await.contains(&"SHIPPED SMS PENDING".to_owned()));
}

#[tokio::test]
async fn a_slow_message_never_delays_another_user() {
    let (harness, provider) = gated(64).await;
    let (slow, quick) = (sms_user(&harness, "+49 30 1").await, sms_user(&harness, QUICK).await);
    deliver(&harness, slow.shipped()).await;
    harness.settle().await;
    provider.wait_until_under_way(1).await;
    // Longer than the time between two turns of the worker.
    harness.advance(Duration::from_millis(5_500));
    deliver(&harness, quick.shipped()).await;
    quick.wait_until_newest_is(&harness, "SHIPPED SMS SENT").await;
    assert_eq!(slow.notification_lines(&harness).await[0], "SHIPPED SMS PENDING");
    provider.open();
    harness.complete().await;
    assert_eq!(slow.notification_lines(&harness).await[0], "SHIPPED SMS SENT");
}

#[tokio::test]
async fn one_user_has_at_most_an_eighth_of_the_slots_and_each_has_one() {
    for (slots, users, most) in [(16, 10, vec![2; 8]), (1, 2, vec![1])] {
        let (harness, provider) = gated(slots).await;
        let mut people = Vec::new();
        for user in 0..users {
            people.push(sms_user(&harness, &format!("+49 30 1{user}")).await);
        }
        for person in people {
            for _ in 0..3 {
                deliver(&harness, person.shipped()).await;
            }
        }
        harness.settle().await;
        provider.wait_until_under_way(usize::try_from(slots).unwrap()).await;
        harness.settle().await;
        assert_eq!(provider.most(), most);
        // A slot that becomes free is used again.
        provider.open();
        harness.complete().await;
        let sent = harness.emitted_of::<NotificationSent>().await;
        assert_eq!(sent.iter().filter(|sent| sent.channel == Channel::Sms).count(), users * 3);
    }
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_repeated() {
    let (harness, provider) = gated(16).await;
    let slow = sms_user(&harness, "+49 30 1").await;
    deliver(&harness, slow.shipped()).await;
    harness.settle().await;
    provider.wait_until_under_way(1).await;
    harness.advance(Duration::from_secs(30));
    harness.complete().await;
    let notification = slow.notifications(&harness).await.remove(0);
    assert_eq!((notification.status, notification.attempts), (NotificationStatus::Pending, 1));
    assert_eq!(notification.last_error.as_deref(), Some("it took longer than 30 seconds"));
    provider.open();
    harness.advance(LONG);
    harness.complete().await;
    let notification = slow.notifications(&harness).await.remove(0);
    assert_eq!((notification.status, notification.attempts), (NotificationStatus::Sent, 2));
}

#[tokio::test]
async fn an_attempt_is_recorded_once() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.registration("mara@example.com", "Mara")).await;
    let id = person.notifications(&harness).await[0].notification_id;
    let find = async || harness.db().read(async move |tx| store::find_due(tx, id).await).await.unwrap();
    let record = async |outgoing: &OutgoingMessage, outcome: Result<(), DeliveryError>| {
        let outgoing = outgoing.clone();
        harness.db().write(async move |tx| record_attempt(tx, &outgoing, &outcome, &Settings::default()).await).await.unwrap();
    };
    let (slow, quick) = (find().await.unwrap(), find().await.unwrap());
    record(&quick, Err(DeliveryError::temporary("not now"))).await;
    record(&slow, Err(DeliveryError::permanent("too late"))).await;
    let notification = person.notifications(&harness).await.remove(0);
    assert_eq!((notification.status, notification.attempts), (NotificationStatus::Pending, 1));
    assert!(find().await.is_none(), "not before its pause is over");
    harness.advance(LONG);
    let next = find().await.unwrap();
    record(&next, Ok(())).await;
    record(&next, Ok(())).await;
    record(&slow, Ok(())).await;
    let notification = person.notifications(&harness).await.remove(0);
    assert_eq!((notification.status, notification.attempts), (NotificationStatus::Sent, 2));
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 1);
}

/// A provider with a bug.
struct PanickingSms;

impl SmsProvider for PanickingSms {
    fn send<'a>(&'a self, _: &'a str, _: &'a str) -> Delivery<'a> {
        Box::pin(async { panic!("a fault of the provider's client") })
    }
}

#[tokio::test]
async fn a_panic_of_the_sender_is_a_failed_attempt() {
    let harness = Harness::of(service_with_sms(Arc::new(PanickingSms))).start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.preferences(false, true, None)).await;
    deliver(&harness, person.shipped()).await;
    harness.complete().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(
        (notifications[0].channel, notifications[0].status, notifications[0].attempts),
        (Channel::Sms, NotificationStatus::Pending, 1)
    );
    assert_eq!(notifications[0].last_error.as_deref(), Some("the sender failed unexpectedly"));
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_tried_again_and_delays_no_other() {
    let harness = start().await;
    let (damaged, sound) = (Person::new(&harness), Person::new(&harness));
    deliver(&harness, damaged.registration("mara@example.com", "Mara")).await;
    let set_payload = async |payload: &'static str| {
        let sql = "UPDATE notifications SET payload = $1 WHERE user_id = $2";
        harness.db().write(async move |tx| tx.execute(sql, platform::params![payload, damaged.user_id]).await).await.unwrap();
    };
    set_payload("{").await;
    deliver(&harness, sound.registration("rob@example.com", "Rob")).await;
    harness.expect_worker_failures();
    harness.complete().await;
    assert_eq!(sound.notification_lines(&harness).await, ["REGISTERED EMAIL SENT"]);
    set_payload("{\"name\": \"Mara\"}").await;
    assert_eq!(damaged.notification_lines(&harness).await, ["REGISTERED EMAIL PENDING"]);
    harness.advance(LONG);
    harness.complete().await;
    assert_eq!(damaged.notification_lines(&harness).await, ["REGISTERED EMAIL SENT"]);
}
