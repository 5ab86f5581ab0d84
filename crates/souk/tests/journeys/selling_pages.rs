//! A seller with a browser that runs no scripts: from the application to the payout.

use super::{
    browser::{Browser, Shown},
    marketplace::{accepted, category, reporting, returning, seller},
    picturing::{FORM, form, sample},
    server::{PASSWORD, Server, cancelling},
};
use contracts::{
    ids::ProductId,
    order::OrderStatus,
    payment::PaymentMethod,
    payout::RUN_PAYOUTS,
    review::{ModerateReview, PUBLISH_REVIEW, Stars, WRITE_REVIEW, WriteReview},
    seller::{APPROVE_SELLER, DecideSeller, LIST_SELLER_RECORDS, REJECT_SELLER},
    shipping::ShipmentStatus,
};
use souk::api_client::{raw, request};
use std::time::Duration;
use tokio::time::Instant;

/// The key that a form has.
fn key_of(page: &Shown) -> String {
    page.between("name=\"key\" value=\"", "\"").to_owned()
}

/// The end of the first address that begins so.
fn id_after(page: &Shown, path: &str) -> String {
    page.between(path, "\"").to_owned()
}

async fn log_in(server: &Server, name: &str) -> Browser {
    let mut browser = Browser::new(server);
    let shop = browser.post("/login", &[("email", &format!("{name}@example.com")), ("password", PASSWORD), ("next", "/seller")]).await;
    assert_eq!((shop.status, &*shop.path), (200, "/seller"), "{}", shop.html);
    browser
}

#[tokio::test]
async fn a_seller_applies_lists_ships_takes_back_and_is_paid_with_pages_alone() {
    let server = Server::start_with(&[("SOUK_PAYOUT_RETURN_WINDOW_DAYS", "0")]).await;
    let admin = server.admin().await;
    let lighting = category(&admin, "Lighting").await.to_string();

    // A customer sees the application and nothing else.
    server.customer("mara").await;
    let mut mara = log_in(&server, "mara").await;
    let apply = mara.open("/seller").await;
    assert!(apply.shows("Become a seller") && !apply.shows("href=\"/seller/products\""), "{}", apply.html);
    for path in ["/seller/products", "/seller/fulfilments", "/seller/balance", "/seller/profile", "/seller/files", "/seller/promotions"] {
        assert_eq!(mara.open(path).await.status, 404, "{path}");
    }
    assert_eq!(mara.post("/seller/products/new", &[("title", "Lamp")]).await.status, 404);
    let key = key_of(&apply);
    let fields = [("key", &*key), ("shopName", "Mara's lamps"), ("legalName", ""), ("country", "Germany"), ("payoutAccount", "po_ok")];
    let refused = mara.post("/seller/application", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.shows("legalName-fault") && refused.shows("country-fault") && refused.shows("Mara&#39;s lamps"), "{}", refused.html);
    let key = key_of(&refused);
    let fields = [("key", &*key), ("shopName", "Mara's lamps"), ("legalName", "Mara Sol"), ("country", "DE"), ("payoutAccount", "po_ok")];
    let applied = mara.post("/seller/application", &fields).await;
    assert!(applied.status == 200 && applied.shows("Your application is sent.") && applied.shows("Applied"), "{}", applied.html);

    // It is refused, sent again, and approved.
    let mara_id = admin.must(request(&LIST_SELLER_RECORDS).query("status", "APPLIED")).await.items[0].seller_id;
    let why = DecideSeller { reason: Some("Which lamps?".parse().unwrap()) };
    admin.must(request(&REJECT_SELLER).path(mara_id).body(&why)).await;
    let rejected = mara.open("/seller").await;
    assert!(rejected.shows("Which lamps?") && rejected.shows("Apply again"), "{}", rejected.html);
    let key = key_of(&rejected);
    let fields =
        [("key", &*key), ("shopName", "Mara's lamps"), ("legalName", "Mara Sol"), ("country", "DE"), ("description", "Lamps of brass.")];
    assert!(mara.post("/seller/application/again", &fields).await.shows("Your application is sent."));
    admin.must(request(&APPROVE_SELLER).path(mara_id).body(&DecideSeller::default())).await;
    let shop = mara.until("/seller", "href=\"/seller/products\"").await;
    assert!(shop.shows("Steps before you sell") && shop.shows("Approved"), "{}", shop.html);

    // A product with faults first, then as a draft with stock, a picture, and on sale. The role is in the token by then.
    mara.until("/seller/products", "No products yet").await;
    let new = mara.open("/seller/products/new").await;
    let key = key_of(&new);
    let typed =
        [("key", &*key), ("sku", ""), ("title", "Brass lamp"), ("priceAmount", "much"), ("currency", "EUR"), ("attributes", "brass")];
    let refused = mara.post("/seller/products/new", &typed).await;
    assert!(refused.shows("priceAmount-fault") && refused.shows("attributes-fault") && refused.shows("value=\"much\""), "{}", refused.html);
    assert!(mara.open("/seller/products").await.shows("No products yet"), "nothing was created");
    let key = key_of(&refused);
    let typed = [
        ("key", &*key),
        ("sku", "LAMP-1"),
        ("title", "Brass lamp"),
        ("priceAmount", "49.00"),
        ("currency", "EUR"),
        ("categoryId", &*lighting),
        ("attributes", "colour: brass"),
        ("availableQty", "5"),
    ];
    let draft = mara.post("/seller/products/new", &typed).await;
    assert!(draft.status == 200 && draft.shows("The draft is created.") && draft.shows("Draft"), "{}", draft.html);
    let again = mara.post("/seller/products/new", &typed).await;
    assert_eq!(again.path, draft.path, "a second click creates nothing");
    let product = draft.path.strip_prefix("/seller/products/").unwrap().to_owned();
    let key = key_of(&draft);
    let noise = mara.post_bytes(&format!("{}/pictures?key={key}", draft.path), FORM, form(b"no picture")).await;
    assert!(noise.status >= 400 && noise.shows("file-fault"), "{} {}", noise.status, noise.html);
    // More than other pages may send, as a photo of a phone has.
    let photo = [sample(), &vec![0; 3 * 1024 * 1024]].concat();
    let shown = mara.post_bytes(&format!("{}/pictures?key={}", draft.path, key_of(&noise)), FORM, form(&photo)).await;
    assert!(shown.status == 200 && shown.shows("The picture is added.") && shown.shows("/api/v1/images/"), "{}", shown.html);
    let key = key_of(&shown);
    let on_sale = mara.post(&format!("{}/status", draft.path), &[("action", "publish"), ("key", &key)]).await;
    assert!(on_sale.shows("It is on sale now."), "{}", on_sale.html);

    // Price and stock of the list in one form; what cannot be read stays beside its row.
    let list = mara.open("/seller/products").await;
    let key = key_of(&list);
    let fixed = [("key", &*key), ("row", &*product), ("wasPrice", "49.00"), ("wasStock", "5"), ("action", "save")];
    let row = |price, stock| [&fixed[..], &[("price", price), ("stock", stock)]].concat();
    let refused = mara.post("/seller/products", &row("x", "5")).await;
    assert!(refused.status == 422 && refused.shows("Write an amount") && refused.shows("value=\"x\""), "{}", refused.html);
    let saved = mara.post("/seller/products", &row("39.50", "7")).await;
    assert!(saved.status == 200 && saved.shows("value=\"39.50\"") && saved.shows("value=\"7\""), "{}", saved.html);

    // A sale is shipped once, with a number of the seller's own.
    let buyer = server.customer("buyer").await;
    let product_id: ProductId = product.parse().unwrap();
    buyer.add(product_id, 2).await;
    let id = buyer.order(PaymentMethod::Ok, "k").await.order_id;
    buyer.order_until(id, "booked", |order| order.fulfilments.iter().all(|part| part.shipment_id.is_some())).await;
    let to_ship = mara.until("/seller/fulfilments?status=CONFIRMED", "/seller/fulfilments/").await;
    let fulfilment = id_after(&to_ship, "<a href=\"/seller/fulfilments/");
    let path = format!("/seller/fulfilments/{fulfilment}");
    let one = mara.open(&path).await;
    assert!(one.shows("Brass lamp") && one.shows("Mark as shipped"), "{}", one.html);
    assert!(mara.open(&format!("{path}/slip")).await.shows("Packing slip"));
    let key = key_of(&one);
    let parcel = [("key", &*key), ("carrier", "Own van"), ("trackingNumber", "VAN-7")];
    let shipped = mara.post(&format!("{path}/ship"), &parcel).await;
    assert!(shipped.shows("The parcel is marked as shipped.") && shipped.shows("VAN-7"), "{}", shipped.html);
    assert_eq!(mara.post(&format!("{path}/ship"), &parcel).await.status, 200, "a second click ships nothing again");

    // Delivered, it is paid out, and the page shows the lines behind the payout.
    let order = buyer.order_in(id, OrderStatus::Shipped).await;
    admin.must(reporting(order.fulfilments[0].shipment_id.unwrap(), ShipmentStatus::Delivered)).await;
    let order = buyer.order_in(id, OrderStatus::Delivered).await;
    mara.until("/seller/balance", "Became available").await;
    admin.must(request(&RUN_PAYOUTS).key("first")).await;
    let payouts = mara.until("/seller/payouts", "Paid</span>").await;
    let payout = mara.open(&format!("/seller/payouts/{}", id_after(&payouts, "<a href=\"/seller/payouts/"))).await;
    assert!(payout.shows("Became available") && payout.shows(&order.order_number), "{}", payout.html);
    assert!(mara.open("/seller/sales").await.shows("<svg"));
    let statement = mara.open("/seller/statements").await;
    assert!(statement.shows("Paid out"), "{}", statement.html);
    let file = mara.open(&format!("/seller/statements/{}/csv", statement.between("/seller/statements/", "/csv"))).await;
    assert!(file.status == 200 && file.shows("PAYOUT"), "{}", file.html);

    // One lamp comes back broken.
    let asked = accepted(&buyer, returning(&order, 0, 1), &["NOT_DELIVERED", "INVALID_REQUEST"]).await;
    let path = format!("/seller/returns/{}", asked.return_id);
    let one = mara.until(&path, "To decide").await;
    let refused = mara.post(&format!("{path}/reject"), &[("reason", ""), ("key", &key_of(&one))]).await;
    assert!(refused.status == 422 && refused.shows("reason-fault"), "{}", refused.html);
    let approved = mara.post(&format!("{path}/approve"), &[("key", &key_of(&refused))]).await;
    assert!(approved.shows("The return is approved"), "{}", approved.html);
    let item = order.items[0].order_item_id.to_string();
    let received = [("key", &*key_of(&approved)), ("item", &*item), ("restock", "0"), ("writeOff", "1")];
    let received = mara.post(&format!("{path}/receive"), &received).await;
    assert!(received.shows("It is recorded as received"), "{}", received.html);
    mara.until(&path, "Refunded</span>").await;

    // To another seller none of it exists.
    seller(&server, &admin, "ole").await;
    let mut ole = log_in(&server, "ole").await;
    for path in [&*path, &format!("/seller/products/{product}"), &format!("/seller/fulfilments/{fulfilment}"), &payout.path] {
        assert_eq!(ole.open(path).await.status, 404, "{path}");
    }
    for (path, fields) in [
        (format!("/seller/products/{product}/status"), &[("action", "archive")][..]),
        (format!("/seller/products/{product}/stock"), &[("availableQty", "0")]),
        (format!("/seller/fulfilments/{fulfilment}/cancel"), &[]),
        (format!("/seller/returns/{}/approve", asked.return_id), &[]),
    ] {
        assert_eq!(ole.post(&path, fields).await.status, 404, "{path}");
    }
    let stranger = Browser::new(&server).open("/seller").await;
    assert_eq!(stranger.status, 303, "a stranger is led to the login");
    server.stop_and_check().await;
}

#[tokio::test]
async fn promotions_files_and_the_profile_of_a_shop_are_changed_with_pages() {
    let server = Server::start().await;
    let admin = server.admin().await;
    seller(&server, &admin, "mara").await;
    let mut mara = log_in(&server, "mara").await;

    let new = mara.open("/seller/promotions/new").await;
    let fields = [
        ("key", &*key_of(&new)),
        ("title", "Spring"),
        ("kind", "PERCENTAGE"),
        ("value", "lots"),
        ("currency", "EUR"),
        ("totalLimit", "-1"),
    ];
    let refused = mara.post("/seller/promotions/new", &fields).await;
    assert!(refused.status == 422 && refused.shows("value-fault") && refused.shows("totalLimit-fault"), "{}", refused.html);
    let key = key_of(&refused);
    let fields = [("key", &*key), ("title", "Spring"), ("kind", "PERCENTAGE"), ("value", "12.5"), ("currency", "EUR"), ("code", "SPRING")];
    let drafts = mara.post("/seller/promotions/new", &fields).await;
    assert!(drafts.shows("Spring") && drafts.shows("\u{2212}12.5") && drafts.shows("Draft</span>"), "{}", drafts.html);
    let id = drafts.between("action=\"/seller/promotions/", "/status").to_owned();
    for (action, shown) in [("activate", "Active</span>"), ("pause", "Paused</span>"), ("end", "Ended</span>")] {
        let page = mara.open("/seller/promotions").await;
        let page = mara.post(&format!("/seller/promotions/{id}/status"), &[("action", action), ("key", &key_of(&page))]).await;
        assert!(page.status == 200 && page.shows(shown), "{action}: {}", page.html);
    }

    let file = |kind: &str, mode: &str, text: &str| {
        let field = |name: &str, value: &str| format!("--souk\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        let head = "--souk\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n";
        format!("{}{}{head}{text}\r\n--souk--\r\n", field("kind", kind), field("mode", mode)).into_bytes()
    };
    let none = mara.post_bytes("/seller/files", FORM, file("products", "apply", "")).await;
    assert!(none.status == 422 && none.shows("file-fault"), "{}", none.html);
    let rows = "sku,title,priceAmount,currency\r\nVASE-1,Vase,1200,EUR\r\nVASE-2,,x,EUR";
    let started = mara.post_bytes("/seller/files", FORM, file("products", "apply", rows)).await;
    assert!(started.status == 200 && started.path.starts_with("/seller/files/"), "{} {}", started.path, started.html);
    let report = mara.until(&started.path, "Done</span>").await;
    assert!(report.shows("priceAmount") && report.shows("<caption"), "the report names the cell: {}", report.html);
    assert!(mara.open("/seller/products?status=DRAFT").await.shows("VASE-1"));
    let export = mara.open("/seller/exports/products.csv").await;
    assert!(export.shows("VASE-1") && !export.shows("VASE-2"), "{}", export.html);

    let typed = [("shopName", ""), ("legalName", "Mara"), ("country", "DE"), ("description", "Vases & more")];
    let refused = mara.post("/seller/profile", &typed).await;
    assert!(refused.status == 422 && refused.shows("shopName-fault") && refused.shows("Vases &#38; more"), "{}", refused.html);
    let typed = [("shopName", "Mara's vases"), ("legalName", "Mara"), ("country", "DE"), ("description", "Vases & more")];
    assert!(mara.post("/seller/profile", &typed).await.shows("The changes are saved."));
    let account = [("payoutAccount", "DE02120300000000202051"), ("currentPassword", "wrong")];
    let refused = mara.post("/seller/profile/payout-account", &account).await;
    assert!(refused.status >= 400 && !refused.shows("DE0212"), "{} {}", refused.status, refused.html);
    let account = [("payoutAccount", "DE02120300000000202051"), ("currentPassword", PASSWORD)];
    let changed = mara.post("/seller/profile/payout-account", &account).await;
    assert!(changed.shows("****2051") && changed.shows("Payouts are held until"), "{}", changed.html);
    server.stop_and_check().await;
}

/// The key of a form that a list or a sheet shows.
fn form_key(page: &Shown) -> String {
    page.between("name=\"formKey\" value=\"", "\"").to_owned()
}

#[tokio::test]
async fn a_seller_connects_other_systems_with_pages() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for name in ["mara", "ole"] {
        seller(&server, &admin, name).await;
    }
    let (mut pages, mut others) = (log_in(&server, "mara").await, log_in(&server, "ole").await);
    server.customer("buyer").await;
    let mut buyer = log_in(&server, "buyer").await;

    // An endpoint: what is wrong stands beside its field, and the secret is shown once.
    let list = pages.open("/seller/webhooks").await;
    assert!(list.status == 200 && list.shows("There are no endpoints") && list.shows("FulfilmentConfirmed"), "{}", list.html);
    assert!(!list.shows("value=\"OrderCreated\""), "sellers get events of their own alone: {}", list.html);
    let key = form_key(&list);
    let wrong = pages.post("/seller/webhooks", &[("formKey", &key), ("url", "ftp://x"), ("description", "Books")]).await;
    assert!(wrong.status == 422 && wrong.shows("endpoint-url-fault") && wrong.shows("endpoint-eventTypes-fault"), "{}", wrong.html);
    assert!(wrong.shows("value=\"ftp://x\"") && wrong.shows("value=\"Books\""), "what was typed stays: {}", wrong.html);
    let key = form_key(&wrong);
    let fields =
        [("formKey", &*key), ("url", "https://receiver.example/hook"), ("eventTypes", "FulfilmentConfirmed"), ("eventTypes", "PayoutPaid")];
    let made = pages.post("/seller/webhooks", &fields).await;
    let secret = format!("whsec_{}", made.between("<code>whsec_", "<"));
    let endpoint = id_after(&made, "href=\"/seller/webhooks/");
    let path = format!("/seller/webhooks/{endpoint}");
    let sheet = pages.open(&path).await;
    assert!(sheet.shows("receiver.example") && sheet.shows("PayoutPaid") && !sheet.shows(&secret), "{}", sheet.html);
    let key = form_key(&sheet);
    let rotated = pages.post(&format!("{path}/rotate"), &[("formKey", &key)]).await;
    assert!(rotated.shows("<code>whsec_") && !rotated.shows(&secret), "{}", rotated.html);
    pages.post(&format!("{path}/test"), &[("formKey", &key)]).await;
    let sent = pages.until(&path, "WebhookTest").await;
    let delivery = sent.between("/deliveries/", "/replay").to_owned();
    let replay = format!("{path}/deliveries/{delivery}/replay");
    let again = pages.post(&replay, &[("formKey", &form_key(&sent))]).await;
    assert!(again.status == 200 && again.path == path && again.shows("It is tried again."), "{}", again.html);

    // A key: it opens its scopes, and counts no longer once it is revoked.
    let wrong = pages.post("/seller/keys", &[("formKey", "k1"), ("name", ""), ("expiresAt", "someday")]).await;
    assert!(wrong.status == 422, "{}", wrong.html);
    for fault in ["key-name-fault", "key-expiresAt-fault", "key-scopes-fault"] {
        assert!(wrong.shows(fault), "{fault}: {}", wrong.html);
    }
    let fields = [("formKey", "k2"), ("name", "Books & more"), ("scopes", "seller:read"), ("expiresAt", "2099-12-31")];
    let made = pages.post("/seller/keys", &fields).await;
    let api_key = format!("souk_sk_{}", made.between("<code>souk_sk_", "<"));
    let keys = pages.open("/seller/keys").await;
    assert!(keys.shows("Books &#38; more") && keys.shows("1\u{a0}Jan\u{a0}2100") && keys.shows("never"), "{}", keys.html);
    assert!(!keys.shows(&api_key));
    let by_key = |path: &str| raw("GET".parse().unwrap(), path).header("authorization", &format!("Bearer {api_key}"));
    let guest = server.guest();
    assert_eq!(guest.send(by_key("/seller/fulfilments")).await.status, 200);
    assert_eq!(guest.send(by_key("/orders")).await.status, 403, "a scope that it does not have");
    let id = keys.between("/seller/keys/", "/delete").to_owned();
    assert_eq!(others.post(&format!("/seller/keys/{id}/delete"), &[]).await.status, 404, "the key of another seller");
    let gone = pages.post(&format!("/seller/keys/{id}/delete"), &[("formKey", &form_key(&keys))]).await;
    assert!(gone.path == "/seller/keys" && gone.shows("There are no keys"), "{}", gone.html);
    // Within a second.
    let deadline = Instant::now() + Duration::from_secs(30);
    while guest.send(by_key("/seller/fulfilments")).await.status != 401 {
        assert!(Instant::now() < deadline, "a revoked key still opens the API");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Nobody else has these pages.
    assert_eq!(others.open(&path).await.status, 404);
    assert!(!others.open("/seller/webhooks").await.shows("receiver.example"));
    assert_eq!(others.post(&format!("{path}/delete"), &[]).await.status, 404);
    for path in ["/seller/webhooks", "/seller/keys", &path] {
        assert_eq!(buyer.open(path).await.status, 404, "{path}");
    }
    assert_eq!(pages.open(&path).await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_seller_answers_the_reviews_of_all_goods_on_one_page() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let (mara, _) = seller(&server, &admin, "mara").await;
    let buyer = server.customer("buyer").await;
    let mut reviews = Vec::new();
    for (sku, title, stars) in [("LAMP-1", "Lamp & shade", 5), ("LAMP-2", "Torch", 2)] {
        let product = mara.sell(sku, title, lamps, 5_000, 10).await;
        buyer.add(product, 1).await;
        let order = buyer.order(PaymentMethod::Ok, sku).await;
        let order = buyer.order_until(order.order_id, "booked", |order| order.fulfilments[0].shipment_id.is_some()).await;
        admin.must(reporting(order.fulfilments[0].shipment_id.unwrap(), ShipmentStatus::Delivered)).await;
        let body = WriteReview { rating: Stars::new(stars).unwrap(), title: Some(format!("About {sku}").parse().unwrap()), text: None };
        let review = accepted(&buyer, request(&WRITE_REVIEW).path(product).body(&body), &["PURCHASE_REQUIRED"]).await;
        admin.must(request(&PUBLISH_REVIEW).path(review.review_id).body(&ModerateReview::default())).await;
        reviews.push(review);
    }
    let mut pages = log_in(&server, "mara").await;
    let page = pages.open("/seller/reviews").await;
    for text in ["About LAMP-1", "About LAMP-2", "Lamp &#38; shade", "Torch"] {
        assert!(page.shows(text), "{text}: {}", page.html);
    }
    let low = pages.open("/seller/reviews?rating=2").await;
    assert!(low.shows("About LAMP-2") && !low.shows("About LAMP-1"), "{}", low.html);
    let path = format!("/seller/reviews/{}/answer", reviews[0].review_id);
    let empty = pages.post(&path, &[("text", ""), ("answered", "false")]).await;
    assert!(empty.status == 422 && empty.shows("-fault"), "{}", empty.html);
    let answered = pages.post(&path, &[("text", "Thank you"), ("answered", "false")]).await;
    assert!(answered.path == "/seller/reviews?answered=false" && answered.shows("Your answer is published."), "{}", answered.html);
    assert!(answered.shows("About LAMP-2") && !answered.shows("About LAMP-1"), "the answered one left the list: {}", answered.html);
    let none = pages.open("/seller/reviews?rating=9").await;
    assert!(none.status == 200 && none.shows("Nothing matches these filters"), "{}", none.html);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_seller_marks_several_parcels_as_shipped_at_once() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let (mara, _) = seller(&server, &admin, "mara").await;
    seller(&server, &admin, "ole").await;
    let buyer = server.customer("buyer").await;
    let lamp = mara.sell("LAMP-1", "Lamp", lamps, 5_000, 10).await;
    let mut parts = Vec::new();
    for key in ["first", "second", "third"] {
        buyer.add(lamp, 1).await;
        let id = buyer.order(PaymentMethod::Ok, key).await.order_id;
        let order = buyer.order_until(id, "booked", |order| order.fulfilments[0].shipment_id.is_some()).await;
        parts.push((id, order.fulfilments[0].fulfilment_id.to_string()));
    }
    let [(one, first), (two, second), (three, third)] = &parts[..] else { panic!("{parts:?}") };
    let (mut pages, mut others) = (log_in(&server, "mara").await, log_in(&server, "ole").await);
    let list = pages.open("/seller/fulfilments").await;
    assert_eq!(list.html.matches("name=\"chosen\"").count(), 3, "{}", list.html);
    let (path, key) = ("/seller/fulfilments/ship", form_key(&list));
    let none = pages.post(path, &[("formKey", &key)]).await;
    assert!(none.status == 409 && none.shows("Choose at least one order."), "{}", none.html);
    let foreign = others.post(path, &[("formKey", &key), ("chosen", second)]).await;
    assert!(foreign.status == 409 && foreign.shows("Some could not be marked as shipped"), "{}", foreign.html);

    // Sent twice, it is done once.
    for _ in 0..2 {
        let shipped = pages.post(path, &[("formKey", &key), ("chosen", first)]).await;
        assert!(shipped.status == 200 && shipped.shows("The parcels are marked as shipped."), "{}", shipped.html);
        assert_eq!(shipped.html.matches("name=\"chosen\"").count(), 2, "what is shipped cannot be chosen: {}", shipped.html);
    }
    buyer.order_in(*one, OrderStatus::Shipped).await;

    // One was cancelled meanwhile: its row says why it is not shipped, and the other one is.
    let open = form_key(&pages.open("/seller/fulfilments").await);
    buyer.must(cancelling(*three)).await;
    buyer.order_in(*three, OrderStatus::Cancelled).await;
    let some = pages.post(path, &[("formKey", &open), ("chosen", second), ("chosen", third)]).await;
    assert!(some.status == 409 && some.html.matches("beneath fault").count() == 1, "{}", some.html);
    buyer.order_in(*two, OrderStatus::Shipped).await;
    assert!(!pages.open("/seller/fulfilments").await.shows("name=\"chosen\""), "nothing is left to choose");
    server.stop_and_check().await;
}
