//! Sellers of the marketplace, and the steps of their orders.

use super::server::{PASSWORD, Person, Server};
use contracts::{
    auth::Role,
    body::BoundedVec,
    catalog::{CREATE_CATEGORY, CreateCategory},
    ids::{CategoryId, FulfilmentId, OrderId, ShipmentId, UserId},
    order::{CANCEL_FULFILMENT, CancelOrder, FulfilmentStatus, FulfilmentView, OrderView},
    promotion::{ACTIVATE_PROMOTION, CREATE_PROMOTION, Promotion},
    returns::{REQUEST_RETURN, RequestReturn, RequestReturnLine, Return, ReturnReason},
    seller::{APPLY_AS_SELLER, APPROVE_SELLER, DecideSeller, REVIEW_SELLER},
    shipping::{RECORD_SHIPMENT_EVENT, RecordShipmentEvent, Shipment, ShipmentStatus},
    text::Quantity,
    user::GET_PROFILE,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use souk::api_client::{ApiRequest, request};
use std::time::Duration;
use tokio::time::Instant;

/// Environment variables with the cheapest hashing of passwords, for journeys that create many accounts.
pub const CHEAP_PASSWORDS: [(&str, &str); 2] = [("SOUK_AUTH_ARGON2_MEMORY_KIB", "64"), ("SOUK_AUTH_ARGON2_ITERATIONS", "1")];

/// Makes a seller of a new customer.
pub async fn seller(server: &Server, admin: &Person, name: &str) -> (Person, UserId) {
    let mut person = server.customer(name).await;
    let id = person.must(request(&GET_PROFILE)).await.user_id;
    let application = json!({"shopName": name, "legalName": name, "country": "DE", "payoutAccount": "po_ok"});
    person.must(request(&APPLY_AS_SELLER).body(&serde_json::from_value(application).unwrap())).await;
    for step in [&REVIEW_SELLER, &APPROVE_SELLER] {
        admin.must(request(step).path(id).body(&DecideSeller::default())).await;
    }
    person.until(request(&GET_PROFILE), "a seller", |profile| profile.roles.contains(&Role::Seller)).await;
    person.api = server.api.log_in((&format!("{name}@example.com"), PASSWORD)).await.expect("a login");
    (person, id)
}

/// Creates a category.
pub async fn category(admin: &Person, name: &str) -> CategoryId {
    let category = CreateCategory { name: name.parse().unwrap(), parent_category_id: None };
    admin.must(request(&CREATE_CATEGORY).body(&category)).await.category_id
}

/// Creates a promotion and activates it.
pub async fn promotion(by: &Person, promotion: &Value) -> Promotion {
    let promotion = serde_json::from_value(promotion.clone()).expect("a promotion");
    let id = by.must(request(&CREATE_PROMOTION).body(&promotion)).await.promotion_id;
    by.must(request(&ACTIVATE_PROMOTION).path(id)).await
}

/// The part of this seller.
pub fn part_of(order: &OrderView, seller: Option<UserId>) -> &FulfilmentView {
    order.fulfilments.iter().find(|part| part.seller_id == seller).expect("a part of this seller")
}

pub fn status_of(order: &OrderView, id: FulfilmentId) -> FulfilmentStatus {
    order.fulfilments.iter().find(|part| part.fulfilment_id == id).expect("the part").status
}

pub fn cancelling_part(order: OrderId, part: FulfilmentId) -> ApiRequest<CancelOrder, OrderView> {
    request(&CANCEL_FULFILMENT).path(order).path(part).body(&CancelOrder::default())
}

/// What the carrier reports.
pub fn reporting(shipment: ShipmentId, status: ShipmentStatus) -> ApiRequest<RecordShipmentEvent, Shipment> {
    request(&RECORD_SHIPMENT_EVENT).path(shipment).body(&RecordShipmentEvent { status, message: None, occurred_at: None })
}

/// The request that returns units of a line.
pub fn returning(order: &OrderView, line: usize, units: i64) -> ApiRequest<RequestReturn, Return> {
    let line = RequestReturnLine {
        order_item_id: order.items[line].order_item_id,
        quantity: Quantity::new(units).unwrap(),
        reason: ReturnReason::Damaged,
        note: None,
    };
    request(&REQUEST_RETURN).path(order.order_id).body(&RequestReturn { lines: BoundedVec::new(vec![line]).unwrap() })
}

/// Sends the request until it succeeds. A service consumes the event of a delivery after the order shows it, and answers `meanwhile` until then.
pub async fn accepted<B: Clone, A: DeserializeOwned + Clone>(by: &Person, request: ApiRequest<B, A>, meanwhile: &[&str]) -> A {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let reply = by.send(request.clone()).await;
        if reply.status.is_success() {
            return reply.read().expect("an answer of the call");
        }
        assert!(meanwhile.contains(&reply.problem().1.as_str()), "{}: {}", request.path, reply.json());
        assert!(Instant::now() < deadline, "{} is not accepted: {meanwhile:?}", request.path);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
