//! A customer, a guest and a seller who leave: the export has everything, the erasure leaves nothing of the person in any file, of which
//! the log is one.

use super::{
    marketplace::{CHEAP_PASSWORDS, accepted, category},
    server::{LOG, PASSWORD, Person, Server, cancelling, run},
    servers,
    verifying::{mails, verifying},
};
use contracts::{
    auth::Role,
    body::BoundedVec,
    cart::{ADD_CART_ITEM, AddCartItem, CREATE_GUEST_CART},
    ids::{OrderId, ProductId, UserId},
    notification::{LIST_ALL_NOTIFICATIONS, LIST_NOTIFICATIONS, NotificationStatus, NotificationType},
    order::{CancelOrder, GET_ORDER, LIST_ORDERS, OrderStatus, OrderView},
    payment::PaymentMethod,
    payout::{CHECK_LEDGER, GET_SELLER_BALANCE, LIST_ALL_PAYOUTS, LIST_SELLER_PAYOUTS, PayoutStatus, RUN_PAYOUTS},
    returns::{REQUEST_RETURN, RequestReturn, RequestReturnLine, ReturnReason},
    review::{LIST_PRODUCT_REVIEWS, ModerateReview, PUBLISH_REVIEW, ProductReviews, Stars, WRITE_REVIEW, WriteReview},
    text::Quantity,
    user::{ADD_ADDRESS, ERASE_USER, EXPORT_USER, GET_PROFILE, UPDATE_PROFILE},
};
use hyper::Method;
use platform::testing::TempFolder;
use serde_json::{Value, json};
use souk::api_client::{ApiRequest, raw, request};
use std::{fs, path::Path, time::Duration};
use tokio::time::Instant;

/// What no file may hold afterwards, in the spellings that the program stores.
const TRACES: &[&str] = &[
    "quintilla",
    "Quintilla",
    "Vexelgren",
    "vexelgren",
    "Zwirnerpfad",
    "4917655443322",
    "49 176 55443322",
    "Klingelknopf",
    "Hinterhaustür",
    "Wollmaus",
];

/// A customer with a name, an address and a telephone number that occur nowhere else.
async fn leaver(server: &Server) -> Person {
    let api = server.api.register(("quintilla.vexelgren@example.com", PASSWORD), "Quintilla Vexelgren").await.expect("an account");
    let address = json!({
        "country": "DE", "city": "Berlin", "zip": "10115", "street": "Zwirnerpfad", "number": "3", "recipient": "Quintilla Vexelgren",
        "phone": "+4917655443322", "complement": "Klingelknopf unten",
    });
    let address = serde_json::from_value(address).expect("an address");
    let address = api.must(request(&ADD_ADDRESS).body(&address)).await.expect("an address").address_id;
    let person = Person { api, address };
    let profile = serde_json::from_value(json!({"phone": "+4917655443322"})).expect("a change");
    person.must(request(&UPDATE_PROFILE).body(&profile)).await;
    // Text messages are written to the log while there is no provider.
    person.must(raw(Method::PUT, "/users/me/preferences").body(&json!({"emailEnabled": true, "smsEnabled": true}))).await;
    person
}

async fn buy(person: &Person, product: ProductId, key: &str) -> OrderView {
    person.add(product, 1).await;
    person.order(PaymentMethod::Ok, key).await
}

/// The files below `folder` that hold one of the traces in their name or content. The files of servers are not searched: PostgreSQL keeps
/// a deleted row until it is vacuumed.
fn files_with_traces(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            files_with_traces(&path, found);
            continue;
        }
        // A file may be deleted meanwhile.
        let content = fs::read(&path).unwrap_or_default();
        for trace in TRACES {
            if name.contains(trace) || content.windows(trace.len()).any(|part| part == trace.as_bytes()) {
                found.push(format!("{name}: {trace}"));
            }
        }
    }
}

async fn until_no_traces(folder: &Path) {
    if servers::are_used() {
        return;
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let mut found = Vec::new();
        files_with_traces(folder, &mut found);
        if found.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still there: {found:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until a resource does not exist: its service consumes the event of the erasure a moment later.
async fn until_gone(guest: &Person, path: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while guest.send(raw(Method::GET, path)).await.status != 404 {
        assert!(Instant::now() < deadline, "{path} is still there");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The persons, and orders of guests, of whom a database has a key, as a backup lists them.
fn persons_with_keys(server: &Server) -> String {
    let stored = TempFolder::new();
    let backup = stored.path().join("backup");
    let (made, report) = run(server.folder.path(), &["backup", backup.to_str().unwrap()], "");
    assert!(made, "{report}");
    fs::read_to_string(backup.join("person-keys.json")).unwrap()
}

/// An order of somebody without an account, with the same traces.
async fn guest_order(server: &Server, product: ProductId, key: &str) -> (OrderId, String) {
    let nobody = server.guest();
    let cart = nobody.must(request(&CREATE_GUEST_CART)).await.cart_token.reveal().to_owned();
    let item = AddCartItem { product_id: product, quantity: Quantity::new(1).unwrap() };
    nobody.must(request(&ADD_CART_ITEM).header("X-Cart-Token", &cart).body(&item)).await;
    let body = json!({
        "guest": {"email": "quintilla.vexelgren@example.com", "name": "Quintilla Vexelgren"},
        "shippingAddress": {"country": "DE", "city": "Berlin", "zip": "10115", "street": "Zwirnerpfad", "number": "3"},
        "paymentMethod": "pm_ok",
    });
    let placed = nobody.must::<_, Value>(raw(Method::POST, "/orders").header("X-Cart-Token", &cart).key(key).body(&body)).await;
    (placed["orderId"].as_str().unwrap().parse().unwrap(), placed["orderToken"].as_str().unwrap().to_owned())
}

/// Cancels an order of a guest, and waits until it is at rest and its mails are written.
async fn end_guest_order(server: &Server, admin: &Person, (id, token): &(OrderId, String)) {
    let nobody = server.guest();
    let note = json!({"reason": "Der Klingelknopf geht nicht"});
    let cancelling = || raw(Method::POST, &format!("/orders/{id}/cancel")).header("X-Order-Token", token).key("c").body(&note);
    assert_eq!(nobody.send(cancelling()).await.status, 200);
    admin.order_in(*id, OrderStatus::Cancelled).await;
    admin.until(request(&LIST_ALL_NOTIFICATIONS).query("status", "PENDING"), "sent", |list| list.items.is_empty()).await;
}

/// Sends a request until nothing stands against the erasure: money and stock may be on their way, and services consume those events later.
async fn erases(by: &Person, request: ApiRequest) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let erased = by.send(request.clone()).await;
        if erased.status == 204 {
            return;
        }
        assert!(erased.problem().1.starts_with("OPEN_") && Instant::now() < deadline, "{}", erased.json());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn erasing_guest((id, token): &(OrderId, String)) -> ApiRequest {
    raw(Method::DELETE, &format!("/orders/{id}/personal-data")).header("X-Order-Token", token)
}

/// Parcels arrive by themselves.
const SIMULATED: [(&str, &str); 2] = [("SOUK_SHIPPING_SIMULATE", "true"), ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1")];

async fn reads(person: &Person, id: OrderId) -> Value {
    person.send(request(&GET_ORDER).path(id)).await.json()
}

#[tokio::test]
async fn an_erased_customer_is_in_no_file_and_the_books_stay_true() {
    let server = Server::start_logging(&SIMULATED).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAMP-7", 4_000, 10).await;
    let stays = server.customer("noor").await;
    let leaver = leaver(&server).await;
    let other = buy(&stays, product, "n").await;

    // Everything that can be kept: an order with its address, a return and a review with texts, messages, failed logins.
    let order = buy(&leaver, product, "k1").await;
    let order = leaver.order_in(order.order_id, OrderStatus::Delivered).await;
    let line = RequestReturnLine {
        order_item_id: order.items[0].order_item_id,
        quantity: Quantity::new(1).unwrap(),
        reason: ReturnReason::Damaged,
        note: Some("Sie lag vor der Hinterhaustür".parse().unwrap()),
    };
    let body = RequestReturn { lines: BoundedVec::new(vec![line]).unwrap() };
    let returned = accepted(&leaver, request(&REQUEST_RETURN).path(order.order_id).body(&body), &["NOT_DELIVERED"]).await;
    let text = Some("Quintilla Vexelgren mag sie".parse().unwrap());
    let body = WriteReview { rating: Stars::new(4).unwrap(), title: None, text };
    let review = accepted(&leaver, request(&WRITE_REVIEW).path(product).body(&body), &["PURCHASE_REQUIRED"]).await;
    // The answers to administrators are kept for their keys as well.
    admin.must(request(&PUBLISH_REVIEW).path(review.review_id).body(&ModerateReview::default()).key("a")).await;
    admin.must(raw(Method::POST, &format!("/returns/{}/approve", returned.return_id)).key("a")).await;
    assert!(server.api.log_in(("quintilla.vexelgren@example.com", "not the password")).await.is_err());
    // A login by a program of its own, a key, and what integrators saved.
    let login = json!({"email": "quintilla.vexelgren@example.com", "password": PASSWORD});
    server.guest().must::<_, Value>(raw(Method::POST, "/auth/login").header("user-agent", "Wollmaus/1.0").body(&login)).await;
    let key = json!({"name": "Wollmaus", "scopes": ["orders:read"]});
    leaver.must::<_, Value>(raw(Method::POST, "/api-keys").body(&key)).await;
    let saved = json!({"externalId": "Wollmaus 1", "metadata": {"note": "Wollmaus"}});
    for path in ["/users/me".to_owned(), format!("/orders/{}", order.order_id)] {
        leaver.must::<_, Value>(raw(Method::PATCH, &path).body(&saved)).await;
    }

    let export = leaver.send(request(&EXPORT_USER)).await.json();
    let whole = export.to_string();
    for (service, kind) in [
        ("auth", "account"),
        ("auth", "sessions"),
        ("auth", "apiKeys"),
        ("user", "addresses"),
        ("order", "orders"),
        ("payment", "payments"),
        ("shipping", "shipments"),
        ("returns", "returns"),
        ("review", "reviews"),
        ("notification", "messages"),
        ("cart", "carts"),
        ("audit", "events"),
    ] {
        assert!(export[service][kind].as_array().is_some_and(|records| !records.is_empty()), "{service} {kind}: {export:#}");
    }
    assert_eq!(whole.matches("Wollmaus").count(), 6, "{export:#}");
    for part in ["Quintilla", "Zwirnerpfad", "+4917655443322", "Hinterhaustür", order.order_number.as_str()] {
        assert!(whole.contains(part), "{part}");
    }
    for part in ["noor", other.order_number.as_str(), "Invalidenstraße"] {
        assert!(!whole.contains(part), "{part}");
    }

    // An order that is open stands against the erasure, which changes nothing then.
    let open = buy(&leaver, product, "k2").await;
    assert_eq!(leaver.send(request(&ERASE_USER)).await.problem(), (409, "OPEN_ORDERS".to_owned()));
    let note = CancelOrder { reason: Some("Bitte am Klingelknopf abgeben".parse().unwrap()) };
    let cancelled = leaver.send(cancelling(open.order_id).body(&note)).await;
    assert!(cancelled.status.is_success() || cancelled.problem().0 == 409, "{}", cancelled.json());
    leaver.order_until(open.order_id, "at rest", |order| matches!(order.status, OrderStatus::Cancelled | OrderStatus::Delivered)).await;
    let again = admin.send(cancelling(open.order_id).body(&CancelOrder::default()).key("a")).await;
    assert!(again.status.is_success() || again.problem().0 == 409, "{}", again.json());
    let sent = || request(&LIST_NOTIFICATIONS);
    let messages =
        leaver.until(sent(), "sent", |list| list.items.iter().all(|message| message.status != NotificationStatus::Pending)).await;
    let message = messages.items.iter().find(|message| message.r#type == NotificationType::OrderConfirmed).expect("a message");
    admin.must(raw(Method::POST, &format!("/admin/notifications/{}/resend", message.notification_id)).key("a")).await;
    leaver
        .until(request(&LIST_NOTIFICATIONS), "sent", |list| list.items.iter().all(|message| message.status != NotificationStatus::Pending))
        .await;
    assert_eq!(admin.send(request(&ERASE_USER)).await.problem(), (409, "LAST_ADMIN".to_owned()));
    let mut before = Vec::new();
    files_with_traces(server.folder.path(), &mut before);
    assert!(servers::are_used() || before.len() > 5, "the search finds what is there: {before:?}");
    let log = fs::read_to_string(server.folder.path().join(LOG)).unwrap();
    assert!(log.contains("mail written") && log.contains("text message"), "the log is searched: {log}");

    assert_eq!(leaver.send(request(&ERASE_USER)).await.status, 204);
    let deadline = Instant::now() + Duration::from_secs(10);
    while leaver.send(raw(Method::GET, "/users/me")).await.status != 401 {
        assert!(Instant::now() < deadline, "the token still counts");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until_no_traces(server.folder.path()).await;

    // The order keeps what the law wants, and others keep everything.
    let is_erased = |order: &OrderView| order.shipping_address_snapshot.street.is_empty();
    admin.until(request(&GET_ORDER).path(order.order_id), "without its street", is_erased).await;
    let has_no_text = |list: &ProductReviews| list.items.iter().all(|review| review.text.is_none());
    server.guest().until(request(&LIST_PRODUCT_REVIEWS).path(product), "without the text", has_no_text).await;
    let kept = reads(&admin, order.order_id).await;
    assert_eq!((&kept["orderNumber"], &kept["totalAmount"]), (&json!(order.order_number), &json!(order.total_amount)), "{kept:#}");
    assert_eq!((&kept["taxAmount"], &kept["items"][0]["sku"]), (&json!(order.tax_amount), &json!("LAMP-7")));
    assert_eq!(kept["shippingAddressSnapshot"]["country"], "DE");
    assert_eq!((&kept["externalId"], &kept["metadata"]), (&Value::Null, &json!({})));
    assert_eq!(kept["shippingAddressSnapshot"]["street"], "");
    assert_eq!(reads(&stays, other.order_id).await["shippingAddressSnapshot"]["street"], "Invalidenstraße");
    let shown = server.guest().must(request(&LIST_PRODUCT_REVIEWS).path(product)).await;
    assert_eq!((shown.summary.count, shown.items[0].rating, shown.items[0].text.clone()), (1, 4, None));

    // The address is free, for another account.
    let again = server.api.register(("quintilla.vexelgren@example.com", PASSWORD), "Somebody else").await.expect("an account");
    let profile = again.must(raw(Method::GET, "/users/me")).await.expect("a profile");
    assert_ne!(profile["userId"], json!(order.user_id));

    let folder = server.folder.path().to_owned();
    let (verified, report) = run(&folder, &["audit", "verify"], "");
    assert!(verified, "{report}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_erased_guest_is_in_no_file_and_nobody_has_a_key() {
    let server = Server::start_logging(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAMP-8", 4_000, 10).await;
    let one = guest_order(&server, product, "one").await;
    end_guest_order(&server, &admin, &one).await;
    if !servers::are_used() {
        mails(&server, "CANCELLED", "quintilla.vexelgren@example.com", 1).await;
        let mut before = Vec::new();
        files_with_traces(&server.folder.path().join("mailbox"), &mut before);
        assert!(before.len() > 2, "mails are files: {before:?}");
        assert!(persons_with_keys(&server).contains(&one.0.to_string()));
    }
    erases(&server.guest(), erasing_guest(&one)).await;
    until_no_traces(server.folder.path()).await;

    // An account erases the orders that it claimed, and those with its verified address that nobody claimed yet.
    let two = guest_order(&server, product, "two").await;
    end_guest_order(&server, &admin, &two).await;
    let api = server.api.register(("quintilla.vexelgren@example.com", PASSWORD), "Quintilla Vexelgren").await.expect("an account");
    let account = Server::guest_of(&api);
    let mail = mails(&server, "EMAIL_VERIFICATION", "quintilla.vexelgren@example.com", 1).await.remove(0);
    server.guest().must(verifying(&mail)).await;
    account.until(request(&LIST_ORDERS), "claimed", |orders| orders.items.iter().any(|order| order.order_id == two.0)).await;
    account.until(request(&GET_PROFILE), "verified", |profile| profile.email_verified).await;
    let three = guest_order(&server, product, "three").await;
    admin.order_in(three.0, OrderStatus::Confirmed).await;
    assert_eq!(account.send(request(&ERASE_USER)).await.problem(), (409, "OPEN_ORDERS".to_owned()));
    end_guest_order(&server, &admin, &three).await;
    erases(&account, raw(Method::DELETE, "/users/me")).await;
    until_no_traces(server.folder.path()).await;
    let is_erased = |order: &OrderView| order.shipping_address_snapshot.street.is_empty();
    for (id, _) in [&one, &two, &three] {
        let kept = admin.until(request(&GET_ORDER).path(*id), "without its street", is_erased).await;
        assert_eq!((kept.shipping_address_snapshot.country.as_str(), kept.items.len()), ("DE", 1));
    }
    if !servers::are_used() {
        let keys = persons_with_keys(&server);
        for (id, _) in [&one, &two, &three] {
            assert!(!keys.contains(&id.to_string()), "{keys}");
        }
    }
    server.stop_and_check().await;
}

/// Sells as a person with a name, a shop, an account for payouts and an endpoint of webhooks that occur nowhere else.
async fn leaving_seller(server: &Server, admin: &Person) -> (Person, UserId) {
    let mut seller = leaver(server).await;
    let id = seller.must(request(&GET_PROFILE)).await.user_id;
    let application = json!({
        "shopName": "Wollmaus", "legalName": "Quintilla Vexelgren", "country": "DE", "contactEmail": "quintilla.vexelgren@example.com",
        "description": "Alles vom Zwirnerpfad", "payoutAccount": "Wollmaus-4711", "externalId": "Wollmaus 2", "metadata": {"note": "Wollmaus"},
    });
    seller.must::<_, Value>(raw(Method::POST, "/sellers").key("a").body(&application)).await;
    let reason = json!({"reason": "Quintilla ist bekannt"});
    for (step, sells) in [("review", false), ("approve", true), ("suspend", false), ("reinstate", true)] {
        admin.must::<_, Value>(raw(Method::POST, &format!("/admin/sellers/{id}/{step}")).key(step).body(&reason)).await;
        seller.until(request(&GET_PROFILE), step, |profile| profile.roles.contains(&Role::Seller) == sells).await;
    }
    seller.api = server.api.log_in(("quintilla.vexelgren@example.com", PASSWORD)).await.expect("a login");
    // Nothing listens there.
    let endpoint = json!({
        "url": "http://127.0.0.1:9/Wollmaus", "eventTypes": ["ProductCreated", "ProductUpdated"], "description": "Wollmaus",
    });
    seller.must::<_, Value>(raw(Method::POST, "/webhook-endpoints").body(&endpoint)).await;
    (seller, id)
}

/// An answer to a review, a file with a fault that the import quotes, and deliveries of webhooks that were tried.
async fn write_much(seller: &Person, review: &str) {
    seller.must::<_, Value>(raw(Method::PUT, &format!("/reviews/{review}/answer")).body(&json!({"text": "Quintilla dankt"}))).await;
    let file = b"sku,title,priceAmount,currency\nW-1,Wollmaus,Wollmaus,EUR\n".to_vec();
    let import: Value = seller.must(raw(Method::POST, "/imports?kind=products&mode=apply").bytes("text/csv", file)).await;
    let import = raw(Method::GET, &format!("/imports/{}", import["importId"].as_str().unwrap()));
    seller.until(import, "done", |import: &Value| import["failed"] == 1).await;
    let endpoints: Value = seller.must(raw(Method::GET, "/webhook-endpoints")).await;
    let endpoint = endpoints["items"][0]["webhookEndpointId"].as_str().unwrap();
    let deliveries = raw(Method::GET, &format!("/webhook-endpoints/{endpoint}/deliveries"));
    let is_tried = |list: &Value| list["items"].as_array().unwrap().iter().any(|delivery| delivery["attempts"] != 0);
    seller.until(deliveries, "tried", is_tried).await;
}

#[tokio::test]
async fn an_erased_seller_is_in_no_file_and_the_ledger_stays() {
    let webhooks = [("SOUK_WEBHOOK_ALLOW_PRIVATE_ADDRESSES", "true"), ("SOUK_PAYOUT_RETURN_WINDOW_DAYS", "0")];
    let server = Server::start_logging(&[SIMULATED.as_slice(), &webhooks].concat()).await;
    let admin = server.admin().await;
    let (seller, id) = leaving_seller(&server, &admin).await;
    let lamps = category(&admin, "Lamps").await;
    let product = seller.sell("LAMP-S1", "A lamp", lamps, 4_000, 5).await;
    let buyer = server.customer("noor").await;
    buyer.add(product, 2).await;
    let order = buyer.order(PaymentMethod::Ok, "k").await.order_id;
    // Its money may be known already.
    let (status, code) = seller.send(request(&ERASE_USER)).await.problem();
    assert!(status == 409 && ["OPEN_FULFILMENTS", "OPEN_BALANCE"].contains(&code.as_str()), "{status} {code}");
    buyer.order_in(order, OrderStatus::Delivered).await;
    let body = WriteReview { rating: Stars::new(5).unwrap(), title: None, text: None };
    let review = accepted(&buyer, request(&WRITE_REVIEW).path(product).body(&body), &["PURCHASE_REQUIRED"]).await.review_id;
    admin.must(request(&PUBLISH_REVIEW).path(review).body(&ModerateReview::default())).await;
    write_much(&seller, &review.to_string()).await;

    // Money that is owed stands against the erasure.
    seller.until(request(&GET_SELLER_BALANCE), "available", |balance| balance.available_amount > 0).await;
    assert_eq!(seller.send(request(&ERASE_USER)).await.problem(), (409, "OPEN_BALANCE".to_owned()));
    admin.must(request(&RUN_PAYOUTS).key("p")).await;
    let paid = seller.until(request(&LIST_SELLER_PAYOUTS), "paid", |page| page.items[0].status == PayoutStatus::Paid).await.items.remove(0);
    assert_eq!(paid.payout_account.as_deref(), Some("****4711"));
    let export = seller.send(request(&EXPORT_USER)).await.json();
    for (service, kind) in
        [("seller", "application"), ("catalog", "imports"), ("payout", "payouts"), ("webhook", "endpoints"), ("webhook", "deliveries")]
    {
        assert!(export[service][kind].as_array().is_some_and(|records| !records.is_empty()), "{service} {kind}: {export:#}");
    }
    let mut before = Vec::new();
    files_with_traces(server.folder.path(), &mut before);
    for file in ["seller.db", "webhook.db", "catalog.db", "review.db", "notification.db", "mailbox"] {
        assert!(servers::are_used() || before.iter().any(|found| found.contains(file)), "{file}: {before:?}");
    }

    erases(&seller, raw(Method::DELETE, "/users/me")).await;
    until_no_traces(server.folder.path()).await;
    let log = fs::read_to_string(server.folder.path().join(LOG)).unwrap();
    assert!(log.contains("an event was not delivered"), "the log is searched: {log}");
    until_gone(&server.guest(), &format!("/sellers/{id}")).await;
    let list = admin.until(request(&LIST_ALL_PAYOUTS), "erased", |page| page.items.iter().all(|paid| paid.payout_account.is_none())).await;
    assert_eq!(list.items.iter().map(|paid| paid.amount).collect::<Vec<_>>(), [paid.amount]);
    assert!(admin.must(request(&CHECK_LEDGER)).await.balanced);
    let kept = reads(&buyer, order).await;
    assert_eq!((&kept["items"][0]["sku"], &kept["status"]), (&json!("LAMP-S1"), &json!("DELIVERED")));
    assert_eq!(admin.must::<_, Value>(raw(Method::GET, "/webhook-endpoints")).await["items"], json!([]));
    let folder = server.folder.path().to_owned();
    let (verified, report) = run(&folder, &["audit", "verify"], "");
    assert!(verified, "{report}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_restored_backup_erases_again_who_was_erased_since() {
    if servers::are_used() {
        return;
    }
    let server = Server::start().await;
    let leaver = leaver(&server).await;
    server.customer("noor").await;
    let admin = server.admin().await;
    let product = server.product(&admin, "LAMP-9", 4_000, 10).await;
    let guest = guest_order(&server, product, "guest").await;
    end_guest_order(&server, &admin, &guest).await;
    let stored = TempFolder::new();
    let backup = stored.path().join("backup");
    let (made, report) = run(server.folder.path(), &["backup", backup.to_str().unwrap()], "");
    assert!(made, "{report}");
    // The keys are in a file of their own.
    let keys: Vec<Value> = serde_json::from_slice(&fs::read(backup.join("person-keys.json")).unwrap()).unwrap();
    assert!(!keys.is_empty());
    for key in &keys {
        let key: Vec<u8> = serde_json::from_value(key["key"].clone()).unwrap();
        for file in fs::read_dir(backup.join("db")).unwrap() {
            let content = fs::read(file.unwrap().path()).unwrap();
            assert!(!content.windows(key.len()).any(|part| part == key));
        }
    }
    erases(&server.guest(), erasing_guest(&guest)).await;
    assert_eq!(leaver.send(request(&ERASE_USER)).await.status, 204);
    until_no_traces(server.folder.path()).await;
    let mut server = server;
    assert!(server.terminate().await);
    let (restored, report) = run(server.folder.path(), &["restore", backup.to_str().unwrap(), "--replace"], "");
    assert!(restored && report.contains("1 users who were erased since"), "{report}");
    assert!(report.contains("1 orders of guests that were erased since"), "{report}");
    server.restart().await;
    assert!(server.api.log_in(("quintilla.vexelgren@example.com", PASSWORD)).await.is_err(), "the account is back");
    assert!(server.api.log_in(("noor@example.com", PASSWORD)).await.is_ok());
    until_no_traces(server.folder.path()).await;
    let kept = reads(&admin.at(&server), guest.0).await;
    assert_eq!((&kept["shippingAddressSnapshot"]["street"], &kept["guest"]), (&json!(""), &Value::Null), "{kept:#}");
    server.stop_and_check().await;
    let aside = report.lines().find_map(|line| line.trim().strip_prefix("the former data is in ")).expect("its name");
    fs::remove_dir_all(aside).unwrap();
}
