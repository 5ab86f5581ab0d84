//! Claims of messages.

use super::*;
use crate::{
    Delivery, SmsProvider,
    actions::{Attempt, record_and_claim},
    delivery::DeliveryQueue,
    domain::{DeliveryError, OutgoingMessage},
};
use contracts::notification::{Channel, NotificationSent, NotificationStatus};
use std::sync::Arc;

const HOLD: Duration = Duration::from_secs(90);

/// Claims at most this many messages of one user.
async fn claim(harness: &Harness, most: usize) -> Vec<OutgoingMessage> {
    record_and_claim(harness.db(), Arc::new([]), 6, Channel::Email, Some(DeliveryQueue::new(8 * most)), HOLD).await.unwrap()
}

async fn record(harness: &Harness, outgoing: &OutgoingMessage, outcome: Result<(), DeliveryError>) {
    let attempt = Attempt { outgoing: Arc::new(outgoing.clone()), outcome, pause: Duration::from_secs(15) };
    let ended: Arc<[Attempt]> = Arc::new([attempt]);
    record_and_claim(harness.db(), ended, 6, Channel::Email, None, HOLD).await.unwrap();
}

#[tokio::test]
async fn a_claimed_message_is_claimed_again_only_after_its_claim() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.registration("mara@example.com", "Mara")).await;
    for _ in 0..9 {
        deliver(&harness, person.shipped()).await;
    }
    let (first, second, third) = (claim(&harness, 4).await, claim(&harness, 4).await, claim(&harness, 4).await);
    assert_eq!((first.len(), second.len(), third.len()), (4, 4, 2));
    let mut ids: Vec<_> = [&first, &second, &third].into_iter().flatten().map(|outgoing| outgoing.notification_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    assert_eq!(claim(&harness, 4).await.len(), 0);
    // The first worker crashed: another one continues.
    harness.advance(HOLD);
    assert_eq!(claim(&harness, 64).await.len(), 10);
}

#[tokio::test]
async fn an_attempt_after_its_claim_records_nothing() {
    let harness = start().await;
    let person = Person::new(&harness);
    deliver(&harness, person.registration("mara@example.com", "Mara")).await;
    let slow = claim(&harness, 1).await.remove(0);
    harness.advance(HOLD);
    let quick = claim(&harness, 1).await.remove(0);
    assert_eq!(slow.notification_id, quick.notification_id);
    record(&harness, &slow, Err(DeliveryError::permanent("too late"))).await;
    assert_eq!(person.notifications(&harness).await[0].status, NotificationStatus::Pending);
    record(&harness, &quick, Ok(())).await;
    record(&harness, &quick, Ok(())).await;
    record(&harness, &slow, Ok(())).await;
    let notifications = person.notifications(&harness).await;
    assert_eq!((notifications[0].status, notifications[0].attempts), (NotificationStatus::Sent, 1));
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
    harness.settle().await;
    let notifications = person.notifications(&harness).await;
    assert_eq!(
        (notifications[0].channel, notifications[0].status, notifications[0].attempts),
        (Channel::Sms, NotificationStatus::Pending, 1)
    );
    assert_eq!(notifications[0].last_error.as_deref(), Some("the sender failed unexpectedly"));
}
