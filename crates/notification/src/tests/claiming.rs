//! What is under way, and whose it is.

use super::*;
use crate::{
    SmsProvider,
    actions::{Attempt, record_and_take},
    delivery::Window,
    domain::{Parcel, Undelivered},
};
use contracts::notification::{Channel, NotificationSent, NotificationStatus};
use std::{future::Future, pin::Pin, sync::Arc};

const HOLD: Duration = Duration::from_secs(90);

/// Takes up to so many messages of one user in hand.
async fn take(harness: &Harness, most: usize) -> Vec<Parcel> {
    record_and_take(harness.db(), Arc::new([]), 6, Channel::Email, Some(Window::new(8 * most)), HOLD).await.unwrap()
}

async fn record(harness: &Harness, parcel: &Parcel, outcome: Result<(), Undelivered>) {
    let attempt = Attempt { parcel: Arc::new(parcel.clone()), outcome, pause: Duration::from_secs(15) };
    let ended: Arc<[Attempt]> = Arc::new([attempt]);
    record_and_take(harness.db(), ended, 6, Channel::Email, None, HOLD).await.unwrap();
}

#[tokio::test]
async fn what_one_has_in_hand_no_other_takes_until_its_time_is_over() {
    let harness = start().await;
    let person = Person::new(&harness);
    tell(&harness, person.registration("mara@example.com", "Mara")).await;
    for _ in 0..9 {
        tell(&harness, person.shipped()).await;
    }
    let (first, second, third) = (take(&harness, 4).await, take(&harness, 4).await, take(&harness, 4).await);
    assert_eq!((first.len(), second.len(), third.len()), (4, 4, 2));
    let mut ids: Vec<_> = [&first, &second, &third].into_iter().flatten().map(|parcel| parcel.notification_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    assert_eq!(take(&harness, 4).await.len(), 0);
    // Its holder died: somebody else goes on.
    harness.advance(HOLD);
    assert_eq!(take(&harness, 64).await.len(), 10);
}

#[tokio::test]
async fn who_lost_a_message_records_nothing() {
    let harness = start().await;
    let person = Person::new(&harness);
    tell(&harness, person.registration("mara@example.com", "Mara")).await;
    let slow = take(&harness, 1).await.remove(0);
    harness.advance(HOLD);
    let quick = take(&harness, 1).await.remove(0);
    assert_eq!(slow.notification_id, quick.notification_id);
    record(&harness, &slow, Err(Undelivered::for_good("too late"))).await;
    assert_eq!(person.told(&harness).await[0].status, NotificationStatus::Pending);
    record(&harness, &quick, Ok(())).await;
    record(&harness, &quick, Ok(())).await;
    record(&harness, &slow, Ok(())).await;
    let told = person.told(&harness).await;
    assert_eq!((told[0].status, told[0].attempts), (NotificationStatus::Sent, 1));
    assert_eq!(harness.emitted_of::<NotificationSent>().await.len(), 1);
}

/// A provider with a fault.
struct Broken;

impl SmsProvider for Broken {
    fn send<'a>(&'a self, _: &'a str, _: &'a str) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>> {
        Box::pin(async { panic!("a fault of the provider's client") })
    }
}

#[tokio::test]
async fn a_sender_that_panics_has_failed_like_any_other() {
    let harness = Harness::of(crate::service_with(Arc::new(Broken))).start().await;
    let person = Person::registered(&harness).await;
    tell(&harness, person.preferences(false, true, None)).await;
    tell(&harness, person.shipped()).await;
    harness.settle().await;
    let told = person.told(&harness).await;
    assert_eq!((told[0].channel, told[0].status, told[0].attempts), (Channel::Sms, NotificationStatus::Pending, 1));
    assert_eq!(told[0].last_error.as_deref(), Some("the sender failed unexpectedly"));
}
