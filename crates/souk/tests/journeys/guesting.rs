//! A guest buys without an account, follows the orders by their tokens, and becomes a customer.

use super::{
    marketplace::{CHEAP_PASSWORDS, accepted, promotion, reporting, returning},
    server::{PASSWORD, Person, Server},
};
use contracts::{
    cart::{ADD_CART_ITEM, ADD_COUPON, AddCartItem, AddCoupon, CREATE_GUEST_CART, Cart, GET_CART},
    ids::{OrderId, ProductId},
    order::{GET_ORDER, LIST_ORDERS, OrderStatus, OrderView},
    payment::GET_PAYMENT,
    returns::{CANCEL_RETURN, GET_RETURN, LIST_RETURNS},
    shipping::{GET_SHIPMENT, LIST_SHIPMENTS_OF_ORDER, ShipmentStatus},
    text::Quantity,
};
use hyper::Method;
use serde_json::{Value, json};
use souk::api_client::{ApiRequest, Reply, raw, request};
use std::time::Duration;
use tokio::time::Instant;

const CART: &str = "X-Cart-Token";
const ORDER: &str = "X-Order-Token";
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody without an account.
struct Guest {
    nobody: Person,
    cart: String,
}

impl Guest {
    async fn new(server: &Server) -> Guest {
        let nobody = server.guest();
        let cart = nobody.must(request(&CREATE_GUEST_CART)).await.cart_token.reveal().to_owned();
        Guest { nobody, cart }
    }

    async fn add(&self, product_id: ProductId, quantity: i64) -> Cart {
        let body = AddCartItem { product_id, quantity: Quantity::new(quantity).unwrap() };
        self.nobody.must(request(&ADD_CART_ITEM).header(CART, &self.cart).body(&body)).await
    }

    fn entering(&self, code: &str) -> ApiRequest<AddCoupon, Cart> {
        request(&ADD_COUPON).header(CART, &self.cart).body(&AddCoupon { code: code.parse().unwrap() })
    }

    fn placing(&self, email: &str, method: &str, key: &str) -> ApiRequest<Value, Value> {
        let body = json!({
            "guest": {"email": email, "name": "Gwen Guest"},
            "shippingAddress": {"country": "DE", "city": "Berlin", "zip": "10115", "street": "Invalidenstraße", "number": "1"},
            "paymentMethod": method,
        });
        raw(Method::POST, "/orders").header(CART, &self.cart).key(key).body(&body)
    }

    /// Places an order, and returns it with its token.
    async fn order(&self, email: &str, method: &str, key: &str) -> Placed {
        let placed = self.nobody.must(self.placing(email, method, key)).await;
        let id = placed["orderId"].as_str().unwrap().parse().unwrap();
        Placed { nobody: Server::guest_of(&self.nobody.api), id, token: placed["orderToken"].as_str().unwrap().to_owned() }
    }
}

/// An order of a guest.
struct Placed {
    nobody: Person,
    id: OrderId,
    token: String,
}

impl Placed {
    async fn in_status(&self, status: OrderStatus) -> OrderView {
        let reading = request(&GET_ORDER).path(self.id).header(ORDER, &self.token);
        self.nobody.until(reading, &status.to_string(), |order| order.status == status).await
    }

    async fn post(&self, verb: &str, body: &Value, token: &str) -> Reply<Value> {
        let path = format!("/orders/{}/{verb}", self.id);
        self.nobody.send(raw(Method::POST, &path).header(ORDER, token).key("k").body(body)).await
    }

    async fn erase(&self, token: &str) -> Reply<Value> {
        self.nobody.send(raw(Method::DELETE, &format!("/orders/{}/personal-data", self.id)).header(ORDER, token)).await
    }
}

/// Returns a mail to Gwen with this text, once there is one.
async fn mail_with(server: &Server, text: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(mail) = mails_to(server, "gwen@example.com").into_iter().find(|mail| mail.contains(text)) {
            return mail;
        }
        assert!(Instant::now() < deadline, "no mail has {text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The mails to this address, decoded.
fn mails_to(server: &Server, email: &str) -> Vec<String> {
    let entries = std::fs::read_dir(server.folder.path().join("mailbox")).into_iter().flatten();
    let read = entries.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a mail"));
    let to_them = read.filter(|mail| mail.to_lowercase().contains(&format!("to: {email}")) || mail.contains(&format!("<{email}>")));
    to_them.map(|mail| mail.replace("=\r\n", "").replace("=3D", "=")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_buys_follows_returns_and_becomes_a_customer() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAMP", 5_000, 100).await;
    let coupon = json!({"title": "Ten percent", "kind": "PERCENTAGE", "value": 1_000, "code": "GUEST10", "perCustomerLimit": 1});
    promotion(&admin, &coupon).await;

    // A cart with a coupon, which other tokens do not open.
    let (gwen, other) = (Guest::new(&server).await, Guest::new(&server).await);
    gwen.add(product, 2).await;
    let cart = gwen.nobody.must(gwen.entering("GUEST10")).await;
    assert_eq!((cart.subtotal_amount, cart.discount_amount), (10_000, 1_000));
    assert!(other.nobody.must(request(&GET_CART).header(CART, &other.cart)).await.items.is_empty());
    let made_up = other.nobody.send(request(&GET_CART).header(CART, &"x".repeat(43))).await;
    assert_eq!(made_up.problem(), (401, "UNAUTHENTICATED".to_owned()));

    // An order; its repetition is the same to the byte.
    let first = gwen.nobody.send(gwen.placing("Gwen@Example.com", "pm_ok", "one")).await;
    let again = gwen.nobody.send(gwen.placing("Gwen@Example.com", "pm_ok", "one")).await;
    assert_eq!((first.status.as_u16(), &first.body), (201, &again.body), "{}", first.json());
    let one = gwen.order("Gwen@Example.com", "pm_ok", "one").await;
    let confirmed = one.in_status(OrderStatus::Confirmed).await;
    assert_eq!(confirmed.total_amount, 10_000 - 1_000 + 490);
    assert_eq!(confirmed.guest.as_ref().unwrap().email, "gwen@example.com");

    // Guests with one address are one customer.
    other.add(product, 1).await;
    other.nobody.must(other.entering("GUEST10")).await;
    let refused = other.nobody.send(other.placing("gwen@example.COM", "pm_ok", "again")).await;
    assert_eq!(refused.problem().1, "COUPON_EXHAUSTED", "{}", refused.json());
    let removed = other.nobody.send(raw(Method::DELETE, "/cart/coupons/GUEST10").header(CART, &other.cart)).await;
    assert_eq!(removed.status, 204);

    // One is paid again, one is cancelled and forgotten.
    let two = other.order("gwen@example.com", "pm_declined", "two").await;
    two.in_status(OrderStatus::PaymentFailed).await;
    let pm_ok = json!({"paymentMethod": "pm_ok"});
    assert_eq!(two.post("pay", &pm_ok, &one.token).await.problem().0, 404, "the token of another order");
    assert_eq!(two.post("pay", &pm_ok, &two.token).await.status, 200);
    two.in_status(OrderStatus::Confirmed).await;
    other.add(product, 3).await;
    let three = other.order("gwen@example.com", "pm_ok", "three").await;
    three.in_status(OrderStatus::Confirmed).await;
    assert_eq!(three.erase(&three.token).await.problem(), (409, "OPEN_ORDERS".to_owned()));
    assert_eq!(three.post("cancel", &json!({}), &one.token).await.problem().0, 404);
    three.post("cancel", &json!({"reason": "Gwen does not want it"}), &three.token).await;
    three.in_status(OrderStatus::Cancelled).await;
    assert_eq!(three.erase(&one.token).await.problem().0, 404);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let erased = three.erase(&three.token).await;
        if erased.status == 204 {
            break;
        }
        // Money and stock are still on their way back.
        assert!(erased.problem().1 == "OPEN_ORDERS" && Instant::now() < deadline, "{}", erased.json());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(three.post("cancel", &json!({}), &three.token).await.problem().0, 404);
    let shown = admin.must(request(&GET_ORDER).path(three.id)).await;
    assert!(!serde_json::to_string(&shown).unwrap().to_lowercase().contains("gwen"));

    // The parcel of the first one arrives, and one lamp goes back.
    let booked = request(&GET_ORDER).path(one.id).header(ORDER, &one.token);
    let booked = one.nobody.until(booked, "booked", |order| order.shipping.tracking_number.is_some()).await;
    let shipments = one.nobody.must(request(&LIST_SHIPMENTS_OF_ORDER).path(one.id).header(ORDER, &one.token)).await;
    assert_eq!(shipments.items.len(), 1);
    let shipment = booked.shipping.shipment_id.unwrap();
    for (token, status) in [(&one.token, 200), (&two.token, 404)] {
        assert_eq!(one.nobody.send(request(&GET_SHIPMENT).path(shipment).header(ORDER, token)).await.status, status);
        assert_eq!(one.nobody.send(request(&LIST_SHIPMENTS_OF_ORDER).path(one.id).header(ORDER, token)).await.status, status);
    }
    admin.must(reporting(shipment, ShipmentStatus::InTransit)).await;
    admin.must(reporting(shipment, ShipmentStatus::Delivered)).await;
    let delivered = one.in_status(OrderStatus::Delivered).await;
    let asking = || returning(&delivered, 0, 1);
    assert_eq!(one.nobody.send(asking().header(ORDER, &two.token)).await.problem().0, 404);
    let returned = accepted(&one.nobody, asking().header(ORDER, &one.token), &["NOT_DELIVERED"]).await;
    let listed = one.nobody.must(request(&LIST_RETURNS).header(ORDER, &one.token)).await;
    assert_eq!(listed.items.len(), 1);
    assert!(one.nobody.must(request(&LIST_RETURNS).header(ORDER, &two.token)).await.items.is_empty());
    assert_eq!(one.nobody.send(request(&GET_RETURN).path(returned.return_id).header(ORDER, &two.token)).await.status, 404);
    one.nobody.must(request(&GET_RETURN).path(returned.return_id).header(ORDER, &one.token)).await;
    one.nobody.must(request(&CANCEL_RETURN).path(returned.return_id).header(ORDER, &one.token)).await;

    // The mails have the token in the fragment of their links.
    mail_with(&server, &format!("/orders/{}#token={}", one.id, one.token)).await;

    // The cart moves into the one of the account, once.
    gwen.add(product, 4).await;
    let account = json!({"email": "gwen@example.com", "password": PASSWORD, "name": "Gwen"});
    let tokens = gwen.nobody.must(raw(Method::POST, "/auth/register").header(CART, &gwen.cart).body(&account)).await;
    let member = Server::guest_of(&server.api.with_token(tokens["accessToken"].as_str().unwrap()));
    let cart = member.must(request(&GET_CART)).await;
    assert_eq!(cart.items.iter().map(|item| item.quantity).collect::<Vec<_>>(), [4]);
    assert_eq!(gwen.nobody.send(request(&GET_CART).header(CART, &gwen.cart)).await.problem().0, 401);
    let login = json!({"email": "gwen@example.com", "password": PASSWORD});
    gwen.nobody.must(raw(Method::POST, "/auth/login").header(CART, &gwen.cart).body(&login)).await;
    assert_eq!(member.must(request(&GET_CART)).await.items[0].quantity, 4);
    assert!(member.must(request(&LIST_ORDERS)).await.items.is_empty(), "nobody has shown yet that the address is theirs");

    // Who reads the mails to the address finds the orders; the erased one is nobody's.
    gwen.nobody.send(raw(Method::POST, "/auth/password/forgot").body(&json!({"email": "gwen@example.com"}))).await;
    let mail = mail_with(&server, "/password/reset?token=").await;
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let token = mail.split(|c| !is_word(c)).find(|word| word.len() == 43).expect("a token");
    let reset = json!({"token": token, "newPassword": "another long password"});
    assert_eq!(gwen.nobody.send(raw(Method::POST, "/auth/password/reset").body(&reset)).await.status, 204);
    let member = Server::guest_of(&server.api.log_in(("gwen@example.com", "another long password")).await.expect("a login"));
    let orders = member.until(request(&LIST_ORDERS), "claimed", |orders| orders.items.len() == 2).await;
    assert!(orders.items.iter().all(|order| [one.id, two.id].contains(&order.order_id)));
    assert_eq!(one.nobody.send(request(&GET_ORDER).path(one.id).header(ORDER, &one.token)).await.status, 404);
    let payment_id = member.must(request(&GET_ORDER).path(one.id)).await.payment_id.expect("it was paid");
    assert_eq!(accepted(&member, request(&GET_PAYMENT).path(payment_id), &["NOT_FOUND"]).await.order_id, one.id);
    let shipments = accepted(&member, request(&LIST_SHIPMENTS_OF_ORDER).path(one.id), &["NOT_FOUND"]).await;
    assert_eq!(shipments.items.len(), 1);
    member.until(request(&LIST_RETURNS), "theirs", |returns| returns.items.len() == 1).await;
    server.stop_and_check().await;
}
