//! Creating, listing and the states.

use super::*;
use std::time::Duration;

#[tokio::test]
async fn a_promotion_goes_through_its_states_and_announces_each() {
    let shop = Shop::open().await;
    let answer = shop.post("/promotions", &ten_percent_with(json!({"code": "summer-10"}))).admin().send().await.expect(201);
    let draft: Promotion = answer.read();
    assert_eq!(answer.header("location"), format!("/api/v1/promotions/{}", draft.promotion_id));
    assert_eq!((draft.status, draft.code.as_deref(), draft.used_count), (PromotionStatus::Draft, Some("SUMMER-10"), 0));
    let id = draft.promotion_id;
    shop.change(id, "pause").await.expect_problem(409, "ILLEGAL_TRANSITION");
    for (how, status) in [("activate", "ACTIVE"), ("pause", "PAUSED"), ("activate", "ACTIVE"), ("end", "ENDED")] {
        assert_eq!(shop.change(id, how).await.expect(200).json()["status"], status);
        assert_eq!(shop.promotion(id).await.status.to_string(), status);
    }
    shop.change(id, "activate").await.expect_problem(409, "ILLEGAL_TRANSITION");
    let types: Vec<_> = shop.emitted().await.into_iter().map(|event| event.event_type).collect();
    assert_eq!(types, ["PromotionCreated", "PromotionActivated", "PromotionPaused", "PromotionActivated", "PromotionEnded"]);
}

#[tokio::test]
async fn fields_that_do_not_fit_each_other_are_refused_by_name() {
    let shop = Shop::open().await;
    let named = |kind: &str, more: Value| {
        let mut body = json!({"title": "T", "kind": kind, "priority": 0, "exclusive": false, "conditions": {}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, pointer, code) in [
        (named("PERCENTAGE", json!({})), "/value", "REQUIRED"),
        (named("PERCENTAGE", json!({"value": 10_001})), "/value", "OUT_OF_RANGE"),
        (named("PERCENTAGE", json!({"value": 0})), "/value", "OUT_OF_RANGE"),
        (named("PERCENTAGE", json!({"value": 100, "buyQuantity": 1})), "/buyQuantity", "NOT_ALLOWED"),
        (named("FIXED_AMOUNT", json!({"value": 500})), "/currency", "REQUIRED"),
        (named("FIXED_AMOUNT", json!({"currency": "EUR"})), "/value", "REQUIRED"),
        (named("FIXED_AMOUNT", json!({"value": 500, "currency": "EUX"})), "/currency", "NOT_A_CURRENCY"),
        (named("FREE_SHIPPING", json!({"value": 500})), "/value", "NOT_ALLOWED"),
        (named("BUY_X_GET_Y", json!({"getQuantity": 1})), "/buyQuantity", "REQUIRED"),
        (named("BUY_X_GET_Y", json!({"buyQuantity": 2, "getQuantity": 1, "value": 1})), "/value", "NOT_ALLOWED"),
        (named("BUY_X_GET_Y", json!({"buyQuantity": 0, "getQuantity": 1})), "/buyQuantity", "OUT_OF_RANGE"),
        (named("FREE_SHIPPING", json!({"code": "a b"})), "/code", "NOT_A_COUPON_CODE"),
        (named("FREE_SHIPPING", json!({"totalLimit": 0})), "/totalLimit", "OUT_OF_RANGE"),
        (
            named("FREE_SHIPPING", json!({"startsAt": "2030-01-02T00:00:00Z", "endsAt": "2030-01-01T00:00:00Z"})),
            "/endsAt",
            "NOT_AFTER_START",
        ),
        (
            named("FREE_SHIPPING", json!({"conditions": {"productIds": [shop.id::<ProductId>()]}})),
            "/conditions/productIds/0",
            "UNKNOWN_PRODUCT",
        ),
    ] {
        let problem = shop.post("/promotions", &body).admin().send().await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!(
            (problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
            (Some(pointer), Some(code)),
            "{body}"
        );
    }
    shop.post("/promotions", &ten_percent_with(json!({"colour": "red"}))).admin().send().await.expect(422);
    assert_eq!(shop.emitted().await.len(), 0);
}

#[tokio::test]
async fn conditions_that_name_nothing_are_refused_each_by_its_pointer() {
    let shop = Shop::open().await;
    let (root, leaf, product, seller): (CategoryId, CategoryId, ProductId, UserId) = (shop.id(), shop.id(), shop.id(), shop.id());
    shop.upstreams.categories.lock().unwrap().extend([root, leaf]);
    shop.upstreams.products.lock().unwrap().insert(product, None);
    shop.upstreams.sellers.lock().unwrap().push(seller);
    let known = json!({"categoryIds": [leaf, root], "sellerIds": [seller], "productIds": [product]});
    assert_eq!(shop.create(ten_percent_with(json!({"conditions": known}))).await.conditions.category_ids, [leaf, root]);

    let unknown = json!({
        "categoryIds": [leaf, shop.id::<CategoryId>()], "sellerIds": [shop.id::<UserId>(), seller],
        "productIds": [product, shop.id::<ProductId>()],
    });
    let body = ten_percent_with(json!({"conditions": unknown}));
    let problem = shop.post("/promotions", &body).admin().send().await.expect_problem(422, "INVALID_REQUEST").json();
    let errors = problem["errors"].as_array().unwrap().iter();
    assert_eq!(
        errors.map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect::<Vec<_>>(),
        [
            ("/conditions/categoryIds/1", "UNKNOWN_CATEGORY"),
            ("/conditions/sellerIds/0", "UNKNOWN_SELLER"),
            ("/conditions/productIds/1", "UNKNOWN_PRODUCT"),
        ]
    );
}

#[tokio::test]
async fn a_least_subtotal_without_a_currency_is_in_that_of_the_shop() {
    let shop = Shop::open().await;
    let made = shop.create(ten_percent_with(json!({"conditions": {"minSubtotalAmount": 5000}}))).await;
    assert_eq!(made.currency, Some(contracts::money::Currency::EUR));
}

#[tokio::test]
async fn a_code_names_one_promotion_until_it_has_ended() {
    let shop = Shop::open().await;
    let first = shop.create(ten_percent_with(json!({"code": "SUMMER"}))).await;
    let second = ten_percent_with(json!({"code": "Summer"}));
    shop.post("/promotions", &second).admin().send().await.expect_problem(409, "COUPON_CODE_TAKEN");
    shop.change(first.promotion_id, "end").await.expect(200);
    shop.post("/promotions", &second).admin().send().await.expect(201);
}

#[tokio::test]
async fn one_key_creates_one_promotion() {
    let shop = Shop::open().await;
    let seller: UserId = shop.id();
    let create = async || shop.post("/promotions", &ten_percent()).seller(seller).key("once").send().await.expect(201).body;
    assert_eq!(create().await, create().await);
    assert_eq!(shop.emitted().await.len(), 1);
}

#[tokio::test]
async fn lists_show_the_newest_first_and_filter_by_status() {
    let shop = Shop::open().await;
    let first = shop.active(ten_percent()).await.promotion_id;
    let second = shop.create(ten_percent()).await.promotion_id;
    let ids = async |query: &str| {
        let page = shop.get(&format!("/promotions{query}")).admin().send().await.expect(200).json();
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["promotionId"].as_str().unwrap().parse().unwrap())
            .collect::<Vec<PromotionId>>()
    };
    assert_eq!(ids("").await, [second, first]);
    assert_eq!(ids("?status=ACTIVE").await, [first]);
    assert_eq!(ids("?status=DRAFT").await, [second]);
    shop.get("/promotions?status=NEW").admin().send().await.expect(422);
}

#[tokio::test]
async fn a_promotion_ends_by_itself() {
    let shop = Shop::open().await;
    let ends_at = shop.env.now().after(Duration::from_secs(60));
    let made = shop.active(ten_percent_with(json!({"endsAt": ends_at}))).await;
    shop.complete().await;
    assert_eq!(shop.promotion(made.promotion_id).await.status, PromotionStatus::Active);
    shop.advance(Duration::from_secs(60));
    shop.complete().await;
    assert_eq!(shop.promotion(made.promotion_id).await.status, PromotionStatus::Ended);
}
