//! Reminders of carts that were left.

use super::*;
use contracts::{
    auth::UserErased,
    cart::CartReminderRequested,
    ids::{CartId, OrderId},
    notification::{Channel, NotificationType},
    user::PreferencesChanged,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

impl Shop {
    async fn prefer(&self, user: UserId, channels: &[Channel]) {
        let channels = [(NotificationType::CartAbandoned, channels.to_vec())].into();
        let event = PreferencesChanged { user_id: user, email_enabled: true, sms_enabled: false, webhook_url: None, phone: None, channels };
        self.deliver(event).await;
    }

    /// Lets the time pass in hours, and does what is due in each.
    async fn pass(&self, hours: u32) {
        for _ in 0..hours {
            self.advance(HOUR);
            self.complete().await;
        }
    }

    async fn reminded(&self) -> Vec<CartId> {
        // A turn for further rows begins when a batch ends, so it goes on until a turn brings nothing.
        let mut told = None;
        loop {
            self.complete().await;
            let events = self.emitted_of::<CartReminderRequested>().await;
            if told == Some(events.len()) {
                return events.into_iter().map(|event| event.cart_id).collect();
            }
            told = Some(events.len());
        }
    }

    async fn order_placed(&self, cart: &Cart) {
        let items: Vec<_> = cart.items.iter().map(|item| json!({"productId": item.product_id, "quantity": item.quantity})).collect();
        let body = json!({"cartId": cart.cart_id, "orderId": self.id::<OrderId>(), "items": items});
        self.put(&format!("/internal/cart/{}/check-out", self.customer_id), &body).service("order").send().await.expect(204);
    }
}

#[tokio::test]
async fn a_cart_that_was_left_for_a_day_is_told_once_to_who_chose_it() {
    let shop = Shop::open().await;
    let (lamp, other) = (shop.product(100, 50), shop.id::<UserId>());
    shop.prefer(shop.customer_id, &[Channel::Email]).await;
    shop.pass(5).await;
    let cart = shop.add(lamp, 2).await;
    shop.post("/cart/items", &json!({"productId": lamp, "quantity": 1})).customer(other).send().await.expect(201);
    shop.pass(23).await;
    assert!(shop.reminded().await.is_empty());
    shop.advance(HOUR - Duration::from_secs(1));
    assert!(shop.reminded().await.is_empty(), "a second too early");
    shop.advance(Duration::from_secs(1));
    assert_eq!(shop.reminded().await, [cart.cart_id]);
    let event = shop.emitted_of::<CartReminderRequested>().await.remove(0);
    assert_eq!((event.user_id, event.item_count, event.items[0].quantity), (shop.customer_id, 1, 2));
    assert_eq!((event.items[0].product_id, event.items[0].title_snapshot.as_str()), (lamp, "Thing SKU-0"));
    shop.add(lamp, 1).await;
    shop.pass(72).await;
    assert_eq!(shop.reminded().await.len(), 1, "once for each cart, whatever is changed in it");
    shop.order_placed(&shop.cart().await).await;
    let next = shop.add(lamp, 1).await;
    shop.pass(24).await;
    assert_eq!(shop.reminded().await, [cart.cart_id, next.cart_id]);
}

#[tokio::test]
async fn a_change_puts_the_reminder_off() {
    let shop = Shop::open().await;
    let lamp = shop.product(100, 50);
    shop.prefer(shop.customer_id, &[Channel::Email]).await;
    for _ in 0..3 {
        shop.add(lamp, 1).await;
        shop.pass(20).await;
        assert!(shop.reminded().await.is_empty());
    }
    shop.pass(4).await;
    assert_eq!(shop.reminded().await.len(), 1);
}

#[tokio::test]
async fn an_order_or_an_emptied_cart_stops_the_reminder() {
    let shop = Shop::open().await;
    let lamp = shop.product(100, 50);
    shop.prefer(shop.customer_id, &[Channel::Email]).await;
    let cart = shop.add(lamp, 1).await;
    shop.pass(23).await;
    shop.order_placed(&cart).await;
    shop.pass(48).await;
    shop.add(lamp, 1).await;
    shop.pass(23).await;
    shop.delete("/cart").customer(shop.customer_id).send().await.expect(204);
    shop.pass(48).await;
    assert!(shop.reminded().await.is_empty());
}

#[tokio::test]
async fn nobody_is_reminded_who_did_not_choose_it_or_took_it_back() {
    let shop = Shop::open().await;
    let lamp = shop.product(100, 50);
    shop.prefer(shop.customer_id, &[]).await;
    shop.add(lamp, 1).await;
    shop.pass(30).await;
    assert!(shop.reminded().await.is_empty());
    shop.prefer(shop.customer_id, &[Channel::Sms]).await;
    shop.prefer(shop.customer_id, &[]).await;
    assert!(shop.reminded().await.is_empty());
    // Whoever chooses it when the cart has been left for long is reminded at once, and only once.
    for _ in 0..3 {
        shop.prefer(shop.customer_id, &[Channel::Sms]).await;
        assert_eq!(shop.reminded().await.len(), 1);
        shop.prefer(shop.customer_id, &[]).await;
    }
    shop.pass(30).await;
    assert_eq!(shop.reminded().await.len(), 1);
}

#[tokio::test]
async fn an_erased_customer_is_not_reminded() {
    let shop = Shop::open().await;
    shop.prefer(shop.customer_id, &[Channel::Email]).await;
    shop.add(shop.product(100, 50), 1).await;
    let export = shop.get(&format!("/internal/personal-data/{}", shop.customer_id)).service("user").send().await.expect(200).json();
    assert_eq!(export["cartReminders"][0]["isWanted"], true);
    shop.deliver(UserErased { user_id: shop.customer_id, guest_id: None }).await;
    shop.prefer(shop.customer_id, &[Channel::Email]).await;
    shop.pass(30).await;
    assert!(shop.reminded().await.is_empty());
    let rows = shop
        .db()
        .read::<i64, platform::db::Error, _>(async |tx| tx.query_one("SELECT COUNT(*) FROM cart_reminders", &[], |row| row.next()).await);
    assert_eq!(rows.await.unwrap(), 0);
}

#[tokio::test]
async fn the_time_is_a_setting_and_everyone_is_reminded_once() {
    let shop = Shop::open_with(|harness| harness.setting("reminder_after_seconds", 600)).await;
    for _ in 0..150 {
        let user = shop.id();
        shop.prefer(user, &[Channel::Email]).await;
        let body = json!({"productId": shop.product(100, 5), "quantity": 1});
        shop.post("/cart/items", &body).customer(user).send().await.expect(201);
    }
    shop.advance(Duration::from_secs(600));
    let mut reminded = shop.reminded().await;
    reminded.sort();
    reminded.dedup();
    assert_eq!((reminded.len(), shop.reminded().await.len()), (150, 150));
}
