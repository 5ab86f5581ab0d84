//! Messages that users asked for in advance.

use super::{mailbox::*, *};
use contracts::{
    auth::EmailVerified,
    cart::{CartReminderItem, CartReminderRequested},
    inventory::BackInStockAlertTriggered,
    notification::{Channel, NotificationType},
    user::PreferencesChanged,
};

fn back_in_stock(harness: &Harness, person: Person) -> BackInStockAlertTriggered {
    let title_snapshot = "Oak <i>lamp</i>\r\nBcc: all@example.com".into();
    BackInStockAlertTriggered { stock_alert_id: harness.id(), user_id: person.user_id, product_id: harness.id(), title_snapshot }
}

fn cart_left(harness: &Harness, person: Person) -> CartReminderRequested {
    let item = CartReminderItem { product_id: harness.id(), sku: "LAMP-1".into(), title_snapshot: "Oak lamp".into(), quantity: 2 };
    CartReminderRequested { cart_id: harness.id(), user_id: person.user_id, items: vec![item], item_count: 3 }
}

/// Chooses mails for carts that were left.
async fn choose(harness: &Harness, person: Person, channels: &[Channel]) {
    let channels = [(NotificationType::CartAbandoned, channels.to_vec())].into();
    deliver(harness, PreferencesChanged { channels, ..person.preferences(true, false, None) }).await;
}

async fn verify(harness: &Harness, person: Person) {
    deliver(harness, EmailVerified { user_id: person.user_id, email: "mara@example.com".into() }).await;
}

/// Delivers an event for each type of message, to a person who chose what has to be chosen.
pub(super) async fn deliver_all(harness: &Harness, person: Person) {
    choose(harness, person, &[Channel::Email]).await;
    verify(harness, person).await;
    deliver(harness, cart_left(harness, person)).await;
    deliver(harness, back_in_stock(harness, person)).await;
}

#[tokio::test]
async fn a_product_that_can_be_bought_again_is_told_once_with_a_link() {
    let harness = builder().setting("has_pages", true).setting("public_url", "https://shop.example").start().await;
    let person = Person::registered(&harness).await;
    let news = back_in_stock(&harness, person);
    let page = format!("https://shop.example/products/{}", news.product_id);
    let event = deliver(&harness, news).await;
    harness.deliver_envelope(event).await;
    harness.complete().await;
    let all = mails(&harness);
    let [(_, mail)] = &all.iter().filter(|(name, _)| name.contains("BACK_IN_STOCK")).collect::<Vec<_>>()[..] else { panic!("one mail") };
    let text = decoded(mail);
    assert!(text.contains("can be bought again") && text.contains(&page), "{text}");
    assert!(!mail.contains("\nBcc:") && !text.contains("<i>lamp</i></p>"), "{mail}");
}

#[tokio::test]
async fn whoever_switched_mails_off_gets_none() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    deliver(&harness, person.preferences(false, false, None)).await;
    deliver(&harness, back_in_stock(&harness, person)).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await, ["REGISTERED EMAIL SENT"]);
}

#[tokio::test]
async fn a_cart_that_was_left_is_told_by_consent_only_and_to_a_verified_address() {
    let harness = start().await;
    let person = Person::registered(&harness).await;
    let told = async || {
        deliver(&harness, cart_left(&harness, person)).await;
        harness.complete().await;
        person.notification_lines(&harness).await.len() - 1
    };
    assert_eq!(told().await, 0, "mails are on, and nothing was chosen");
    choose(&harness, person, &[Channel::Email]).await;
    assert_eq!(told().await, 0, "anyone can register with the address of a stranger");
    verify(&harness, person).await;
    assert_eq!(told().await, 1);
    let (_, mail) = mails(&harness).into_iter().find(|(name, _)| name.contains("CART_ABANDONED")).unwrap();
    let text = decoded(&mail);
    assert!(text.contains("2 × Oak lamp, and 2 more") && text.contains("because you chose so"), "{text}");
    choose(&harness, person, &[]).await;
    assert_eq!(told().await, 1, "the choice was taken back");
}
