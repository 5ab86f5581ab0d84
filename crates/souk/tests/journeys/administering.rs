//! The pages of an administrator, in a browser without scripts.

use super::{
    browser::{Browser, Shown},
    marketplace::{accepted, category},
    server::{PASSWORD, Server},
};
use contracts::{
    order::{GET_ORDER, OrderStatus, PAY_ORDER, PayOrder},
    payment::{GET_PAYMENT, PaymentMethod, PaymentStatus},
    review::{GET_REVIEW, ReviewStatus, Stars, WRITE_REVIEW, WriteReview},
    seller::{APPLY_AS_SELLER, GET_OWN_SELLER, SellerStatus},
};
use serde_json::json;
use souk::api_client::{raw, request};

const SIMULATED: [(&str, &str); 3] =
    [("SOUK_SHIPPING_SIMULATE", "true"), ("SOUK_SHIPPING_SIMULATE_STEP_SECONDS", "1"), ("SOUK_REVIEW_MODERATE", "true")];

fn form_key(page: &Shown) -> String {
    page.between("name=\"formKey\" value=\"", "\"").to_owned()
}

async fn logged_in(server: &Server, email: &str) -> Browser {
    let mut browser = Browser::new(server);
    browser.post("/login", &[("email", email), ("password", PASSWORD)]).await;
    browser
}

#[tokio::test]
async fn an_administrator_reads_an_order_refunds_a_part_and_decides() {
    let server = Server::start_with(&SIMULATED[..2]).await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-7", 4_900, 5).await;
    let mara = server.customer("mara").await;
    mara.add(lamp, 1).await;
    let placed = mara.order(PaymentMethod::Ok, "first").await;
    let order = mara.order_in(placed.order_id, OrderStatus::Delivered).await;
    let mut browser = logged_in(&server, "admin@example.com").await;

    let today = browser.open("/admin").await;
    assert!(today.status == 200 && today.shows(&order.order_number) && today.shows("<svg class=\"plot-drawing\""), "{}", today.html);
    let found = browser.open(&format!("/admin/orders?orderNumber={}", order.order_number)).await;
    assert!(found.shows(&format!("/admin/orders/{}", order.order_id)) && found.shows("Delivered"), "{}", found.html);
    let none = browser.open("/admin/orders?orderNumber=AAAAA-AAAAA").await;
    assert!(none.shows("Nothing matches these filters"), "{}", none.html);
    let unread = browser.open("/admin/orders?email=nobody").await;
    assert!(unread.status == 422 && unread.shows("role=\"alert\""), "{}", unread.html);

    // The whole story of the order, by its number.
    let story = browser.until(&format!("/admin/orders/{}", order.order_number), "NotificationSent").await;
    for text in [
        "mara@example.com",
        "LAMP-7",
        "Capture",
        "seller",
        "OrderConfirmed",
        "Order confirmed",
        "MOCK-",
        "Test carrier",
        "Test card",
        "At the payment provider",
    ] {
        assert!(story.shows(text), "the story lacks {text}: {}", story.html);
    }

    // A refund of a part: the amount, what it would do, then the refund, which a second click does not repeat.
    let path = format!("/admin/orders/{}/refund", order.order_id);
    let wrong = browser.open(&format!("{path}/preview?part=part&amount=x")).await;
    assert!(wrong.status == 422 && wrong.shows("refund-amount-fault") && wrong.shows("value=\"x\""), "{}", wrong.html);
    let much = browser.open(&format!("{path}/preview?part=part&amount=999")).await;
    assert!(much.status == 422 && much.shows("is more than can be refunded"), "{}", much.html);
    let preview = browser.open(&format!("{path}/preview?part=part&amount=9.50")).await;
    assert!(preview.status == 200 && preview.shows("€9.50") && preview.shows("keeps its status"), "{}", preview.html);
    let payment = order.payment_id.unwrap();
    assert_eq!(admin.must(request(&GET_PAYMENT).path(payment)).await.refunded_amount, 0, "a preview moves nothing");
    let key = form_key(&preview);
    for _ in 0..2 {
        let refunded = browser.post(&path, &[("formKey", &key), ("amount", "950")]).await;
        assert!(refunded.path.ends_with(&order.order_id.to_string()) && refunded.shows("The refund is on its way."), "{}", refunded.html);
    }
    let paid = admin.payment_in(payment, PaymentStatus::Captured).await;
    assert_eq!(paid.refunded_amount, 950);
    let order = admin.order_until(order.order_id, "refunded in part", |order| order.refunded_amount == 950).await;
    assert_eq!(admin.must(request(&GET_ORDER).path(order.order_id)).await.status, OrderStatus::Delivered);

    // A review is taken away, with a reason that its author reads.
    let body = WriteReview { rating: Stars::new(1).unwrap(), title: Some("Rude words".parse().unwrap()), text: None };
    let review = accepted(&mara, request(&WRITE_REVIEW).path(lamp).body(&body), &["PURCHASE_REQUIRED"]).await;
    let page = browser.open(&format!("/admin/reviews/{}", review.review_id)).await;
    assert!(page.shows("Rude words"), "{}", page.html);
    let key = form_key(&page);
    let page =
        browser.post(&format!("/admin/reviews/{}/reject", review.review_id), &[("formKey", &key), ("reason", "No rude words")]).await;
    assert!(page.status == 200 && page.shows("No rude words"), "{}", page.html);
    assert_eq!(mara.must(request(&GET_REVIEW).path(review.review_id)).await.status, ReviewStatus::Rejected);

    // A rate of commission is set for one category, replaced and removed, without an id to type.
    let lamps = category(&admin, "Lamps").await.to_string();
    let of_lamps = format!("categoryId={lamps}");
    for (rate, shown) in [("7.5", "7.5\u{a0}%"), ("8", "8\u{a0}%")] {
        let fields = [("categoryId", &*lamps), ("sellerId", ""), ("percent", rate)];
        let rates = browser.post("/admin/commissions", &fields).await;
        assert!(rates.status == 200 && rates.shows(shown) && rates.html.matches(&*of_lamps).count() == 1, "{}", rates.html);
    }
    let wrong = browser.post("/admin/commissions", &[("categoryId", ""), ("sellerId", ""), ("percent", "much")]).await;
    assert!(wrong.status == 422 && wrong.shows("commission-percent-fault") && wrong.shows("value=\"much\""), "{}", wrong.html);
    let removed = browser.post(&format!("/admin/commissions/remove?categoryId={lamps}&sellerId="), &[]).await;
    assert!(removed.status == 200 && !removed.shows(&of_lamps), "{}", removed.html);

    // A seller applies and is approved.
    let application = json!({"shopName": "Lamps & more", "legalName": "Lamps Ltd", "country": "DE", "payoutAccount": "po_ok"});
    let seller = mara.must(request(&APPLY_AS_SELLER).body(&serde_json::from_value(application).unwrap())).await;
    let list = browser.open("/admin/sellers?status=APPLIED").await;
    assert!(list.shows("Lamps &#38; more"), "{}", list.html);
    let page = browser.open(&format!("/admin/sellers/{}", seller.seller_id)).await;
    let key = form_key(&page);
    let page = browser.post(&format!("/admin/sellers/{}/approve", seller.seller_id), &[("formKey", &key), ("reason", "")]).await;
    assert!(page.status == 200 && page.shows("Suspend the seller"), "{}", page.html);
    assert_eq!(mara.must(request(&GET_OWN_SELLER)).await.status, SellerStatus::Approved);

    // Nothing is parked, and the log is whole.
    let events = browser.open("/admin/events").await;
    assert!(events.shows("Every event was consumed"), "{}", events.html);
    let replay = browser.post("/admin/events/order/01890000-0000-7000-8000-000000000001/replay", &[]).await;
    assert!(replay.status == 404 && replay.shows("No such event failed"), "{}", replay.html);
    let check = browser.open("/admin/audit/check").await;
    assert!(check.shows("The chain is intact"), "{}", check.html);
    let other = browser.open(&format!("/admin/audit/check?head=1:{}", "0".repeat(64))).await;
    assert!(other.shows("The chain is broken"), "{}", other.html);
    let balanced = browser.open("/admin/ledger/check").await;
    assert!(balanced.shows("Balanced") && !balanced.shows("Not balanced"), "{}", balanced.html);
    server.stop_and_check().await;
}

const DEMONSTRATION: [(&str, &str); 2] = [("SOUK_PAYMENT_SWITCHABLE_FAULTS", "true"), ("SOUK_SHIPPING_SWITCHABLE_FAULTS", "true")];

/// Presses a button of the panel.
async fn press(browser: &mut Browser, what: &str) {
    let key = form_key(&browser.open("/admin/demo").await);
    let page = browser.post(&format!("/admin/demo/{what}"), &[("formKey", &key)]).await;
    assert!(page.path == "/admin/demo" && page.shows("It is done."), "{what}: {}", page.html);
}

#[tokio::test]
async fn a_demonstration_shows_faults_and_moves_parcels() {
    let server = Server::start_with(&DEMONSTRATION).await;
    let admin = server.admin().await;
    let lamp = server.product(&admin, "LAMP-8", 4_900, 9).await;
    let mara = server.customer("mara").await;
    let mut browser = logged_in(&server, "admin@example.com").await;
    let page = browser.open("/admin").await;
    assert!(page.shows("href=\"/admin/demo\""), "the panel is among the places: {}", page.html);
    let page = browser.open("/admin/demo").await;
    assert_eq!((page.html.matches("Switched off").count(), page.html.matches("Switched on").count()), (3, 0), "{}", page.html);

    // Payments are declined as long as the fault is on, and the order is paid afterwards.
    press(&mut browser, "declines/on").await;
    let page = browser.open("/admin/demo").await;
    assert_eq!(page.html.matches("Switched on").count(), 1, "{}", page.html);
    mara.add(lamp, 1).await;
    let declined = mara.order(PaymentMethod::Ok, "declined").await;
    mara.order_in(declined.order_id, OrderStatus::PaymentFailed).await;
    let story = browser.until(&format!("/admin/orders/{}", declined.order_id), "Payment failed").await;
    assert!(story.shows("The payment was declined"), "{}", story.html);
    press(&mut browser, "declines/off").await;
    press(&mut browser, "slow/on").await;
    press(&mut browser, "carrier/on").await;
    mara.must(request(&PAY_ORDER).path(declined.order_id).body(&PayOrder { payment_method: PaymentMethod::Ok })).await;
    let paid = mara.order_in(declined.order_id, OrderStatus::Confirmed).await;

    // While the carrier is down the parcel waits, and it is booked once it is up again.
    let waiting = browser.until("/admin/parcels?pending=true", "The carrier does not answer").await;
    assert!(waiting.shows(&paid.order_number), "{}", waiting.html);
    press(&mut browser, "carrier/off").await;
    press(&mut browser, "slow/off").await;
    mara.order_until(paid.order_id, "booked", |order| order.fulfilments[0].tracking_number.is_some()).await;

    // Parcels move by the button alone.
    press(&mut browser, "parcels/scan").await;
    mara.order_in(paid.order_id, OrderStatus::Shipped).await;
    press(&mut browser, "parcels/deliver").await;
    mara.order_in(paid.order_id, OrderStatus::Delivered).await;
    assert_eq!(browser.post("/admin/demo/everything/on", &[]).await.status, 404);
    server.stop_and_check().await;
}

/// Every page of administrators; a parameter stands as an id that names nothing.
fn paths() -> Vec<(&'static str, String)> {
    let own = include_str!("../../../web/src/pages/admin.rs").split(".route(\"").skip(1).map(|rest| ("", rest));
    let shared = include_str!("../../../web/src/pages/integration.rs").split(".route(&at(\"").skip(1).map(|rest| ("/admin", rest));
    let mut paths = Vec::new();
    for (root, route) in own.chain(shared) {
        let (path, methods) = route.split('\n').next().unwrap_or_default().split_once('"').unwrap();
        let mut filled = format!("{root}{path}");
        while let Some((start, end)) = filled.find('{').zip(filled.find('}')) {
            filled.replace_range(start..=end, "01890000-0000-7000-8000-000000000001");
        }
        for method in ["get", "post"] {
            if methods.contains(&format!("{method}(")) {
                paths.push((method, filled.clone()));
            }
        }
    }
    paths
}

#[tokio::test]
async fn the_pages_of_administrators_exist_for_nobody_else() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let mara = server.customer("mara").await;
    let application = json!({"shopName": "Mara's", "legalName": "Mara", "country": "DE", "payoutAccount": "po_ok"});
    let seller = server.customer("seller").await;
    let record = seller.must(request(&APPLY_AS_SELLER).body(&serde_json::from_value(application).unwrap())).await;
    let approve = raw("POST".parse().unwrap(), &format!("/admin/sellers/{}/approve", record.seller_id));
    assert_eq!(admin.send(approve.bytes("application/json", b"{}".to_vec())).await.status, 200);
    drop(mara);
    let (mut customer, mut seller) = (logged_in(&server, "mara@example.com").await, logged_in(&server, "seller@example.com").await);
    let mut nobody = Browser::new(&server);
    let mut boss = logged_in(&server, "admin@example.com").await;
    let paths = paths();
    assert!(paths.len() > 60, "{paths:?}");
    for (method, path) in paths {
        for browser in [&mut customer, &mut seller] {
            let page = if method == "get" { browser.open(&path).await } else { browser.post(&path, &[]).await };
            assert_eq!(page.status, 404, "{method} {path}");
        }
        if method == "get" {
            assert_eq!(nobody.open(&path).await.status, 303, "{path} asks for a login");
            let page = boss.open(&path).await;
            let names_nothing = path.contains("01890000") || path == "/admin/demo";
            assert_eq!(page.status, if names_nothing { 404 } else { 200 }, "{path}: {}", page.html);
            assert_eq!(page.html.matches("<h1").count(), 1, "{path}");
            assert!(!page.shows("style=\"") && !page.shows("<script>"), "{path} has nothing inline");
        }
    }
    server.stop_and_check().await;
}
