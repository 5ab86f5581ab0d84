//! A program of another system works with an API key: it saves its own names, and finds things by them.

use super::{
    marketplace::{CHEAP_PASSWORDS, category, seller},
    server::Server,
};
use contracts::{payment::PaymentMethod, user::GET_PROFILE};
use hyper::Method;
use serde_json::{Value, json};
use souk::api_client::{raw, request};

#[tokio::test]
async fn products_orders_users_and_sellers_are_found_by_the_names_of_another_system() {
    let server = Server::start_with(&CHEAP_PASSWORDS).await;
    let admin = server.admin().await;
    let things = category(&admin, "Things").await;
    let (lamps, seller_id) = seller(&server, &admin, "lamps").await;
    let mara = server.customer("mara").await;
    let user_id = mara.must(request(&GET_PROFILE)).await.user_id;
    let scopes =
        ["products:read", "products:write", "orders:read", "orders:write", "users:read", "users:write", "admin:read", "admin:write"];
    let key = admin.must(raw(Method::POST, "/api-keys").body(&json!({"name": "ERP", "scopes": scopes}))).await;
    let erp = Server::guest_of(&server.api.with_token(key["key"].as_str().unwrap()));

    let product = lamps.sell("LAMP-1", "A lamp", things, 4_000, 5).await;
    let chair = admin.sell("CHAIR-1", "A chair", things, 9_000, 5).await;
    mara.add(product, 1).await;
    let order = mara.order(PaymentMethod::Ok, "k1").await;
    let saved = json!({"externalId": "ERP-1", "metadata": {"shelf": "A 7", "note": "first\nsecond"}});
    for (path, name, id, lists) in [
        (
            format!("/products/{product}"),
            "productId",
            json!(product),
            vec!["/products?externalId=ERP-1", "/products?externalId=ERP-1&status=ACTIVE"],
        ),
        (format!("/orders/{}", order.order_id), "orderId", json!(order.order_id), vec!["/admin/orders?externalId=ERP-1"]),
        (format!("/users/{user_id}"), "userId", json!(user_id), vec!["/users?externalId=ERP-1", "/users?externalId=ERP-1&query=mara"]),
        (format!("/admin/sellers/{seller_id}"), "sellerId", json!(seller_id), vec!["/admin/sellers?externalId=ERP-1"]),
    ] {
        let answer = erp.must(raw(Method::PATCH, &path).body(&saved)).await;
        assert_eq!((&answer[name], &answer["externalId"], &answer["metadata"]), (&id, &saved["externalId"], &saved["metadata"]), "{path}");
        for list in lists {
            let found = erp.must(raw(Method::GET, list)).await;
            let ids: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|item| &item[name]).collect();
            assert_eq!(ids, [&id], "{list}");
            let none = erp.must(raw(Method::GET, &list.replace("ERP-1", "ERP-9"))).await;
            assert_eq!(none["items"], json!([]), "{list}");
        }
        let refused = erp.send(raw(Method::PATCH, &path).body(&json!({"externalId": "", "metadata": {"a b": "c", "d": 1}}))).await;
        assert_eq!(refused.problem(), (422, "INVALID_REQUEST".to_owned()), "{path}");
    }
    // Their owners see it, others do not.
    assert_eq!(mara.must(raw(Method::GET, "/users/me")).await["externalId"], "ERP-1");
    assert_eq!(mara.must(raw(Method::GET, "/orders?externalId=ERP-1")).await["items"][0]["orderId"], json!(order.order_id));
    let public = server.guest().must(raw(Method::GET, &format!("/sellers/{seller_id}"))).await;
    assert!(public.get("externalId").is_none() && public.get("metadata").is_none(), "{public}");
    let sale = lamps.must(raw(Method::GET, "/seller/fulfilments")).await;
    assert!(!sale.to_string().contains("ERP-1"), "{sale}");

    // One name for one thing of an owner.
    let taken = (409, "EXTERNAL_ID_TAKEN".to_owned());
    erp.must(raw(Method::PATCH, &format!("/products/{chair}")).body(&json!({"externalId": "ERP-1"}))).await;
    let other = lamps.sell("LAMP-2", "Another lamp", things, 4_000, 5).await;
    assert_eq!(erp.send(raw(Method::PATCH, &format!("/products/{other}")).body(&json!({"externalId": "ERP-1"}))).await.problem(), taken);
    mara.add(chair, 1).await;
    let body = json!({"shippingAddressId": mara.address, "paymentMethod": "pm_ok", "externalId": "ERP-1"});
    assert_eq!(mara.send(raw(Method::POST, "/orders").key("k2").body(&body)).await.problem(), taken);
    assert_eq!(mara.must(raw(Method::GET, "/cart")).await["items"].as_array().unwrap().len(), 1, "nothing was placed");
    let body = json!({"shippingAddressId": mara.address, "paymentMethod": "pm_ok", "externalId": "ERP-2", "metadata": {"channel": "app"}});
    let placed = mara.must(raw(Method::POST, "/orders").key("k3").body(&body)).await;
    assert_eq!((&placed["externalId"], &placed["metadata"]["channel"]), (&json!("ERP-2"), &json!("app")));
    server.stop_and_check().await;
}
