//! A seller with a browser that runs no scripts: from the application to the payout.

use super::{
    browser::{Browser, Shown},
    marketplace::{accepted, category, reporting, returning, seller},
    picturing::{FORM, form, sample},
    server::{PASSWORD, Server},
};
use contracts::{
    ids::ProductId,
    order::OrderStatus,
    payment::PaymentMethod,
    payout::RUN_PAYOUTS,
    seller::{APPROVE_SELLER, DecideSeller, LIST_SELLER_RECORDS, REJECT_SELLER},
    shipping::ShipmentStatus,
};
use souk::api_client::request;

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
    let fulfilment = id_after(&to_ship, "<th scope=\"row\"><a href=\"/seller/fulfilments/");
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
