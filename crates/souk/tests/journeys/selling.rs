//! A seller from the application to the suspension and back.

use crate::server::{PASSWORD, Server};
use contracts::{
    auth::Role,
    cart::GET_CART,
    catalog::{CREATE_CATEGORY, CreateCategory, GET_PRODUCT, LIST_PRODUCTS},
    payment::PaymentMethod,
    search::SEARCH_PRODUCTS,
    seller::{
        APPLY_AS_SELLER, APPROVE_SELLER, DecideSeller, GET_OWN_SELLER, GET_SELLER, REINSTATE_SELLER, REVIEW_SELLER, SUSPEND_SELLER,
        SellerStatus,
    },
    user::GET_PROFILE,
};
use serde_json::json;
use souk::api_client::request;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_seller_applies_sells_is_suspended_and_comes_back() {
    let server = Server::start().await;
    let (admin, shopper) = (server.admin().await, server.customer("lea").await);
    let mut mara = server.customer("mara").await;
    let id = mara.must(request(&GET_PROFILE)).await.user_id;
    let application = json!({"shopName": "Nordlicht", "legalName": "Nordlicht GmbH", "country": "DE", "payoutAccount": "po_ok"});
    let application = serde_json::from_value(application).unwrap();
    mara.must(request(&APPLY_AS_SELLER).body(&application)).await;
    let decision = DecideSeller::default();
    admin.must(request(&REVIEW_SELLER).path(id).body(&decision)).await;
    admin.must(request(&APPROVE_SELLER).path(id).body(&decision)).await;
    assert_eq!(mara.must(request(&GET_OWN_SELLER)).await.status, SellerStatus::Approved);

    // The next token has the role.
    mara.until(request(&GET_PROFILE), "a seller", |profile| profile.roles.contains(&Role::Seller)).await;
    mara.api = server.api.log_in(("mara@example.com", PASSWORD)).await.expect("a login");
    let category = CreateCategory { name: "Lamps".parse().unwrap(), parent_category_id: None };
    let category = admin.must(request(&CREATE_CATEGORY).body(&category)).await.category_id;
    let lamp = mara.sell("LAMP-1", "Reading lamp", category, 4_900, 10).await;
    let own = mara.must(request(&GET_PRODUCT).path(lamp)).await;
    assert_eq!(own.seller_id, Some(id));
    assert_eq!(server.guest().must(request(&GET_SELLER).path("nordlicht")).await.seller_id, id);
    let found = request(&SEARCH_PRODUCTS).query("q", "reading");
    shopper.until(found.clone(), "found", |found| found.total == 1).await;
    shopper.add(lamp, 1).await;

    admin.must(request(&SUSPEND_SELLER).path(id).body(&decision)).await;
    let deadline = Instant::now() + Duration::from_secs(1);
    let gone = async || {
        let in_cart = shopper.must(request(&GET_CART)).await;
        let searched = shopper.must(found.clone()).await;
        let listed = shopper.must(request(&LIST_PRODUCTS)).await;
        let read = shopper.send(request(&GET_PRODUCT).path(lamp)).await;
        let order = shopper.send(shopper.ordering(PaymentMethod::Ok, &format!("k-{:?}", Instant::now()))).await;
        !in_cart.warnings.is_empty() && searched.total == 0 && listed.items.is_empty() && read.status == 404 && order.status == 409
    };
    while !gone().await {
        assert!(Instant::now() < deadline, "the products of a suspended seller are on sale after a second");
    }
    // The token loses the role once auth has consumed the event and each service has read its revocations.
    let deadline = Instant::now() + Duration::from_secs(10);
    while mara.send(crate::server::pricing(lamp, 1)).await.status != 403 {
        assert!(Instant::now() < deadline, "a suspended seller changes products");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(mara.must(request(&GET_OWN_SELLER)).await.status, SellerStatus::Suspended);

    admin.must(request(&REINSTATE_SELLER).path(id).body(&decision)).await;
    shopper.until(found, "found again", |found| found.total == 1).await;
    shopper.order(PaymentMethod::Ok, "after").await;
    server.stop_and_check().await;
}
