//! A customer remembers products, is told when one of them can be bought again, and is reminded of a cart.

use super::{
    marketplace::CHEAP_PASSWORDS,
    server::{Person, Server, cancelling},
    verifying::{mails, verifying},
};
use contracts::{
    cart::{ADD_TO_WISHLIST, LIST_WISHLIST, REMOVE_FROM_WISHLIST},
    catalog::DEACTIVATE_PRODUCT,
    ids::ProductId,
    inventory::{DELETE_STOCK_ALERT, GET_AVAILABILITY, SET_STOCK_ALERT},
    notification::{LIST_NOTIFICATIONS, NotificationType},
    order::{CancelOrder, OrderStatus},
    payment::PaymentMethod,
    user::{ERASE_USER, EXPORT_USER, GET_PROFILE},
};
use hyper::Method;
use serde_json::{Value, json};
use souk::api_client::{raw, request, set_stock};

async fn wishes(person: &Person) -> Vec<ProductId> {
    person.must(request(&LIST_WISHLIST)).await.items.into_iter().map(|item| item.product_id).collect()
}

async fn count(person: &Person, kind: NotificationType) -> usize {
    person.must(request(&LIST_NOTIFICATIONS)).await.items.into_iter().filter(|message| message.r#type == kind).count()
}

/// Chooses the channels of reminders.
async fn choose(person: &Person, channels: &[&str]) {
    let body = json!({"emailEnabled": true, "smsEnabled": false, "channels": {"CART_ABANDONED": channels}});
    person.must(raw(Method::PUT, "/users/me/preferences").body(&body)).await;
}

/// Verifies the address by the mail to it.
async fn verify(server: &Server, person: &Person, email: &str) {
    let mail = mails(server, "EMAIL_VERIFICATION", email, 1).await.remove(0);
    server.guest().must(verifying(&mail)).await;
    person.until(request(&GET_PROFILE), "verified", |profile| profile.email_verified).await;
}

#[tokio::test]
async fn a_customer_keeps_a_wish_list_and_is_told_once_when_a_product_is_back() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let (lamp, chair) = (server.product(&admin, "LAMP-W1", 4_900, 0).await, server.product(&admin, "CHAIR-W1", 9_900, 3).await);
    let (mara, noor) = (server.customer("mara").await, server.customer("noor").await);
    for product in [lamp, chair, lamp] {
        mara.must(request(&ADD_TO_WISHLIST).path(product)).await;
    }
    let listed = mara.must(request(&LIST_WISHLIST)).await.items;
    let shown: Vec<_> = listed.iter().map(|item| (item.product_id, item.in_stock, item.price_amount)).collect();
    assert_eq!(shown, [(chair, Some(true), Some(9_900)), (lamp, Some(false), Some(4_900))]);
    assert!(wishes(&noor).await.is_empty());
    admin.must(request(&DEACTIVATE_PRODUCT).path(chair)).await;
    assert_eq!(noor.send(request(&ADD_TO_WISHLIST).path(chair)).await.problem(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(mara.must(request(&LIST_WISHLIST)).await.items[0].is_on_sale, Some(false));
    mara.must(request(&REMOVE_FROM_WISHLIST).path(chair)).await;
    assert_eq!(wishes(&mara).await, [lamp]);

    // Without a body and with an empty one; whatever else stands in it is refused.
    let alert = format!("/products/{lamp}/stock-alert");
    noor.must(request(&SET_STOCK_ALERT).path(lamp)).await;
    noor.must(raw(Method::PUT, &alert).body(&json!({}))).await;
    assert_eq!(noor.send(raw(Method::PUT, &alert).body(&json!({"email": "x@example.com"}))).await.problem().0, 422);
    assert_eq!(server.guest().send(request(&SET_STOCK_ALERT).path(lamp)).await.problem().0, 401);
    mara.must(request(&SET_STOCK_ALERT).path(lamp)).await;
    noor.must(request(&DELETE_STOCK_ALERT).path(lamp)).await;

    // A crash between the delivery of the goods and the mail loses nothing and doubles nothing.
    admin.must(set_stock("LAMP-W1", lamp, 2)).await;
    server.kill_and_restart().await;
    let (admin, mara, noor) = (admin.at(&server), mara.at(&server), noor.at(&server));
    let mail = mails(&server, "BACK_IN_STOCK", "mara@example.com", 1).await.remove(0);
    assert!(mail.contains("The LAMP-W1 can be bought again"), "{mail}");
    assert!(server.guest().must(request(&GET_AVAILABILITY).path(lamp)).await.in_stock);
    admin.must(set_stock("LAMP-W1", lamp, 0)).await;
    noor.must(request(&SET_STOCK_ALERT).path(lamp)).await;
    admin.must(set_stock("LAMP-W1", lamp, 2)).await;
    mails(&server, "BACK_IN_STOCK", "noor@example.com", 1).await;
    assert_eq!(
        (count(&mara, NotificationType::BackInStock).await, count(&noor, NotificationType::BackInStock).await),
        (1, 1),
        "once for each wish"
    );

    let export = mara.must(request(&EXPORT_USER)).await;
    assert_eq!(export.services["cart"]["wishlist"][0]["productId"], lamp.to_string());
    assert!(export.services["inventory"]["stockAlerts"].is_empty());
    mara.must(request(&ERASE_USER)).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_customer_is_reminded_of_a_cart_once_and_by_consent_only() {
    let mut server = Server::start_with(&[("SOUK_CART_REMINDER_AFTER_SECONDS", "2")]).await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-W2", 4_900, 50).await;
    let (mara, noor, ole) = (server.customer("mara").await, server.customer("noor").await, server.customer("ole").await);
    for (person, email) in [(&mara, "mara@example.com"), (&noor, "noor@example.com"), (&ole, "ole@example.com")] {
        verify(&server, person, email).await;
    }
    // Noor chose nothing, and Ole's cart is ordered when he chooses.
    let refused = mara.send(raw(Method::PUT, "/users/me/preferences").body(&json!({
        "emailEnabled": true, "smsEnabled": false, "channels": {"CART_ABANDONED": ["SMS"]},
    })));
    assert_eq!(refused.await.problem(), (422, "INVALID_REQUEST".to_owned()), "there is no phone");
    ole.add(lamp, 1).await;
    let order = ole.order(PaymentMethod::Ok, "k").await;
    choose(&ole, &["EMAIL"]).await;
    noor.add(lamp, 1).await;
    choose(&mara, &["EMAIL"]).await;
    mara.add(lamp, 2).await;
    server.kill_and_restart().await;
    let (mara, noor, ole) = (mara.at(&server), noor.at(&server), ole.at(&server));
    let mail = mails(&server, "CART_ABANDONED", "mara@example.com", 1).await.remove(0);
    assert!(mail.contains("You left something in your cart"), "{mail}");
    mara.add(lamp, 1).await;
    // Another cart of the same customer is told again, and nothing was told twice or to others until then.
    ole.order_in(order.order_id, OrderStatus::Confirmed).await;
    mara.order(PaymentMethod::Ok, "m").await;
    mara.add(lamp, 1).await;
    mails(&server, "CART_ABANDONED", "mara@example.com", 2).await;
    let reminders = NotificationType::CartAbandoned;
    assert_eq!((count(&mara, reminders).await, count(&noor, reminders).await, count(&ole, reminders).await), (2, 0, 0));
    server.stop_and_check().await;
}

#[tokio::test]
async fn messages_are_sent_over_the_channels_that_their_customer_chose_by_type() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-W3", 4_900, 5).await;
    let mara = server.customer("mara").await;
    let put = |channels: &Value| {
        raw(Method::PUT, "/users/me/preferences").body(&json!({"emailEnabled": false, "smsEnabled": false, "channels": channels}))
    };
    let refused = mara.send(put(&json!({"PASSWORD_RESET": [], "ORDER_CONFIRMED": ["SMS"], "SHIPPED": ["EMAIL", "EMAIL"]}))).await;
    let errors = refused.json()["errors"].as_array().unwrap().clone();
    let mut pointers: Vec<&str> = errors.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(refused.status, 422);
    assert_eq!(pointers, ["/channels/ORDER_CONFIRMED", "/channels/PASSWORD_RESET", "/channels/SHIPPED/1"]);

    // Mails are off but for what was chosen, and for what cannot be switched off.
    let chosen = json!({"ORDER_CREATED": [], "CANCELLED": ["EMAIL"]});
    assert_eq!(mara.must(put(&chosen)).await["channels"], chosen);
    mara.until(request(&EXPORT_USER), "known", |export| export.services["notification"]["contact"][0]["channels"] == chosen).await;
    mara.add(lamp, 1).await;
    let order = mara.order(PaymentMethod::Ok, "k").await;
    mara.must(cancelling(order.order_id).body(&CancelOrder::default())).await;
    mails(&server, "CANCELLED", "mara@example.com", 1).await;
    let told = [NotificationType::OrderCreated, NotificationType::OrderConfirmed, NotificationType::Cancelled];
    let counts = (count(&mara, told[0]).await, count(&mara, told[1]).await, count(&mara, told[2]).await);
    assert_eq!(counts, (0, 1, 1));
    server.stop_and_check().await;
}
