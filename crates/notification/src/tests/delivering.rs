//! Concurrent attempts: slow messages of one user do not delay others.

use super::*;
use crate::{Delivery, SmsProvider, delivery::DeliveryQueue};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const SLOW: &str = "+49 30 1";
const QUICK: &str = "+49 30 2";

/// A provider that is slow for one phone.
struct SlowSms {
    time: Duration,
    /// How many messages are being sent to it, and the maximum so far.
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl SlowSms {
    fn new(time: Duration) -> Arc<SlowSms> {
        Arc::new(SlowSms { time, under_way: AtomicUsize::new(0), most: AtomicUsize::new(0) })
    }
}

impl SmsProvider for SlowSms {
    fn send<'a>(&'a self, phone: &'a str, _: &'a str) -> Delivery<'a> {
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

/// A user with text messages only.
async fn sms_user(harness: &Harness, phone: &str) -> Person {
    let person = Person::registered(harness).await;
    deliver(harness, PreferencesChanged { phone: Some(phone.into()), ..person.preferences(false, true, None) }).await;
    person
}

/// Waits until the message was sent, for a second at most.
async fn wait_until_sent(harness: &Harness, person: Person) {
    let began = tokio::time::Instant::now();
    while person.notification_lines(harness).await[0] != "SHIPPED SMS SENT" {
        assert!(began.elapsed() < Duration::from_secs(1), "it waits for another user's");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn slow_messages_of_one_user_leave_slots_for_others() {
    let provider = SlowSms::new(Duration::from_millis(300));
    let harness = Harness::of(service_with_sms(provider.clone())).setting("concurrency", 16_i64).start().await;
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
async fn a_slow_message_never_delays_another_user() {
    let provider = SlowSms::new(Duration::from_secs(7));
    let harness = Harness::of(service_with_sms(provider.clone())).start().await;
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
async fn one_user_has_at_most_an_eighth_of_the_slots() {
    let harness = start().await;
    let mut queue = DeliveryQueue::new(16);
    let users: Vec<UserId> = (0..10).map(|_| harness.id()).collect();
    let reserved: Vec<usize> = users.iter().map(|user| (0..3).filter(|_| queue.try_reserve(*user)).count()).collect();
    assert_eq!((reserved, queue.free_slots(), queue.users_at_limit().count()), ([vec![2; 8], vec![0; 2]].concat(), 0, 8));
    queue.release(users[0]);
    assert!(queue.try_reserve(users[9]) && !queue.try_reserve(users[0]));
    // Every user has at least one slot, and a released slot is free.
    let mut queue = DeliveryQueue::new(1);
    assert!(queue.is_empty() && queue.try_reserve(users[0]) && !queue.is_empty());
    queue.release(users[0]);
    assert!(queue.is_empty() && queue.try_reserve(users[1]));
}
