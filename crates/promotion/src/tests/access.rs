//! Who may call.

use super::*;

#[tokio::test]
async fn customers_and_strangers_manage_nothing() {
    let shop = Shop::open().await;
    let id = shop.create(ten_percent()).await.promotion_id;
    for (method, path) in [("GET", "/promotions".to_owned()), ("GET", format!("/promotions/{id}"))] {
        let request = || shop.request(method.parse().unwrap(), &path);
        request().send().await.expect_problem(401, "UNAUTHENTICATED");
        request().customer(shop.id()).send().await.expect_problem(403, "FORBIDDEN");
    }
    for path in
        ["/promotions".to_owned(), format!("/promotions/{id}/activate"), format!("/promotions/{id}/pause"), format!("/promotions/{id}/end")]
    {
        shop.post(&path, &ten_percent()).send().await.expect_problem(401, "UNAUTHENTICATED");
        shop.post(&path, &ten_percent()).customer(shop.id()).send().await.expect_problem(403, "FORBIDDEN");
    }
    let uses = format!("/internal/promotion-uses/{}", shop.id::<OrderId>());
    shop.delete(&uses).service("cart").send().await.expect_problem(403, "FORBIDDEN");
    shop.delete(&uses).admin().send().await.expect_problem(403, "FORBIDDEN");
    shop.post("/internal/promotions/evaluate", &json!({})).admin().send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_seller_sees_and_moves_only_own_promotions_for_own_products() {
    let shop = Shop::open().await;
    let (seller, other): (UserId, UserId) = (shop.id(), shop.id());
    let (own, foreign): (ProductId, ProductId) = (shop.id(), shop.id());
    shop.upstreams.products.lock().unwrap().extend([(own, Some(seller)), (foreign, Some(other))]);
    let of_shop = shop.create(ten_percent()).await.promotion_id;
    let creating = |conditions: Value| shop.post("/promotions", &ten_percent_with(json!({"conditions": conditions}))).seller(seller);
    let made: Promotion = creating(json!({"productIds": [own], "sellerIds": [seller]})).send().await.expect(201).read();
    assert_eq!(made.seller_id, Some(seller));

    let problem = creating(json!({"productIds": [own, foreign]})).send().await.expect_problem(422, "INVALID_REQUEST").json();
    assert_eq!(
        (problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
        (Some("/conditions/productIds/1"), Some("UNKNOWN_PRODUCT"))
    );
    let problem = creating(json!({"sellerIds": [other]})).send().await.expect_problem(422, "INVALID_REQUEST").json();
    assert_eq!(problem["errors"][0]["code"], "NOT_YOURS");

    let seen = |user| shop.get("/promotions").seller(user);
    assert_eq!(seen(seller).send().await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(seen(other).send().await.expect(200).json()["items"], json!([]));
    for (user, id) in [(other, made.promotion_id), (seller, of_shop)] {
        shop.get(&format!("/promotions/{id}")).seller(user).send().await.expect_problem(404, "NOT_FOUND");
        for how in ["activate", "pause", "end"] {
            shop.post(&format!("/promotions/{id}/{how}"), &json!({})).seller(user).send().await.expect_problem(404, "NOT_FOUND");
        }
    }
    shop.post(&format!("/promotions/{}/activate", made.promotion_id), &json!({})).seller(seller).send().await.expect(200);
}
