//! Messages that users asked for in advance.

use super::{mailbox::*, *};
use contracts::inventory::BackInStockAlertTriggered;

fn back_in_stock(harness: &Harness, person: Person) -> BackInStockAlertTriggered {
    let title_snapshot = "Oak <i>lamp</i>\r\nBcc: all@example.com".into();
    BackInStockAlertTriggered { stock_alert_id: harness.id(), user_id: person.user_id, product_id: harness.id(), title_snapshot }
}

/// Delivers an event for each type of message.
pub(super) async fn deliver_all(harness: &Harness, person: Person) {
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
    deliver_all(&harness, person).await;
    harness.complete().await;
    assert_eq!(person.notification_lines(&harness).await, ["REGISTERED EMAIL SENT"]);
}
