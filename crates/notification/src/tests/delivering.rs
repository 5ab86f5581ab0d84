//! Messages under way side by side: those of one user that take long hold up nobody else's.

use super::*;
use crate::{SmsProvider, delivery::DeliveryQueue, domain::DeliveryError};
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const SLOW: &str = "+49 30 1";
const QUICK: &str = "+49 30 2";

/// A provider that takes its time for one phone.
struct SlowSms {
    time: Duration,
    /// How many messages to it are under way, and were at most.
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl SlowSms {
    fn new(time: Duration) -> Arc<SlowSms> {
        Arc::new(SlowSms { time, under_way: AtomicUsize::new(0), most: AtomicUsize::new(0) })
    }
}

impl SmsProvider for SlowSms {
    fn send<'a>(&'a self, phone: &'a str, _: &'a str) -> Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>> {
        Box::pin(async move {
            if phone == SLOW {
                self.most.fetch_max(self.under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(self.time).await;
                self.under_way.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(())
        })
    }
}

/// Somebody who wants text messages and nothing else.
async fn sms_user(harness: &Harness, phone: &str) -> Person {
    let person = Person::registered(harness).await;
    deliver(harness, PreferencesChanged { phone: Some(phone.into()), ..person.preferences(false, true, None) }).await;
    person
}

/// Waits, for a second at most, until the person's message was sent.
async fn wait_until_sent(harness: &Harness, person: Person) {
    let began = tokio::time::Instant::now();
    while person.notification_lines(harness).await[0] != "SHIPPED SMS SENT" {
        assert!(began.elapsed() < Duration::from_secs(1), "it waits for another user's");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn one_users_slow_messages_leave_places_for_everybody_elses() {
    let provider = SlowSms::new(Duration::from_millis(300));
    let harness = Harness::of(crate::service_with(provider.clone())).setting("concurrency", 16_i64).start().await;
    let (slow, quick) = (sms_user(&harness, SLOW).await, sms_user(&harness, QUICK).await);
    for _ in 0..40 {
        deliver(&harness, slow.shipped()).await;
    }
    let others = async {
        while provider.under_way.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        deliver(&harness, quick.shipped()).await;
        wait_until_sent(&harness, quick).await;
        assert!(slow.notification_lines(&harness).await.contains(&"SHIPPED SMS PENDING".to_owned()));
    };
    tokio::join!(harness.settle(), others);
    assert_eq!(provider.most.load(Ordering::SeqCst), 2, "an eighth of the places");
    assert!(!slow.notification_lines(&harness).await.contains(&"SHIPPED SMS PENDING".to_owned()));
}

#[tokio::test]
async fn a_message_that_takes_long_keeps_the_worker_from_no_other_however_long() {
    let provider = SlowSms::new(Duration::from_secs(7));
    let harness = Harness::of(crate::service_with(provider.clone())).start().await;
    let (slow, quick) = (sms_user(&harness, SLOW).await, sms_user(&harness, QUICK).await);
    deliver(&harness, slow.shipped()).await;
    let others = async {
        tokio::time::sleep(Duration::from_secs(5) + Duration::from_millis(500)).await;
        deliver(&harness, quick.shipped()).await;
        wait_until_sent(&harness, quick).await;
        assert_eq!(slow.notification_lines(&harness).await[0], "SHIPPED SMS PENDING");
    };
    tokio::join!(harness.settle(), others);
    assert_eq!(slow.notification_lines(&harness).await[0], "SHIPPED SMS SENT");
}

#[tokio::test]
async fn a_window_has_places_for_all_and_an_eighth_for_one() {
    let harness = start().await;
    let mut queue = DeliveryQueue::new(16);
    let users: Vec<UserId> = (0..10).map(|_| harness.id()).collect();
    let reserved: Vec<usize> = users.iter().map(|user| (0..3).filter(|_| queue.try_reserve(*user)).count()).collect();
    assert_eq!((reserved, queue.free_slots(), queue.users_at_limit().count()), ([vec![2; 8], vec![0; 2]].concat(), 0, 8));
    queue.release(users[0]);
    assert!(queue.try_reserve(users[9]) && !queue.try_reserve(users[0]));
    // However few there are, one has a place.
    assert!(DeliveryQueue::new(1).try_reserve(users[0]));
}
