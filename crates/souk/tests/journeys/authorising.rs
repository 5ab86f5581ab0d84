//! Every operation of the OpenAPI description that takes the id of something is tried with the ids of another seller.
//!
//! There are two sellers with the same things each: goods, stock, orders, a return, a review, a promotion, a payout. The operations,
//! their parameters and the ids in their bodies are read from the description, so a new operation is tried without a change here.

use super::{
    marketplace::{CHEAP_PASSWORDS, accepted, category, part_of, promotion, reporting, returning, seller},
    picturing::{FORM, form, sample},
    server::{PASSWORD, Person, Server},
};
use contracts::{
    cart::{ADD_COUPON, AddCoupon},
    catalog::{CREATE_PRODUCT, GET_PRODUCT},
    ids::{CategoryId, ProductId, Uuid},
    notification::LIST_NOTIFICATIONS,
    order::{OrderStatus, OrderView},
    payment::PaymentMethod,
    payout::{LIST_SELLER_PAYOUTS, PayoutStatus, RUN_PAYOUTS},
    returns::APPROVE_RETURN,
    review::{ModerateReview, PUBLISH_REVIEW, Stars, WRITE_REVIEW, WriteReview},
    seller::GET_OWN_SELLER,
    shipping::ShipmentStatus,
};
use hyper::Method;
use platform::http::IDEMPOTENCY_KEY;
use serde_json::{Value, json};
use souk::api_client::{ApiRequest, Reply, raw, request};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Operations that answer a stranger with something else than 401, 403 or 404, although the request names another's thing: each with
/// the status and code of its answer, and why.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("POST /cart/coupons", "201", "everyone enters a coupon"),
    ("POST /cart/coupons", "422 COUPON_NOT_APPLICABLE", "a coupon is for some goods"),
    ("POST /cart/items", "201", "everyone buys what is on sale"),
    ("POST /cart/items", "409 PRODUCT_UNAVAILABLE", "a draft is not on sale"),
    ("POST /orders", "422 UNKNOWN_ADDRESS", "the address is not in the caller's book"),
    ("POST /orders/{orderId}/returns", "409 NOT_DELIVERED", "the caller's own order is under way"),
    ("POST /orders/{orderId}/returns", "422 INVALID_REQUEST", "the item is of another order"),
    ("POST /products", "409 SKU_TAKEN", "a SKU is unique in the marketplace"),
    ("POST /products", "422 INVALID_REQUEST", "the group is another seller's"),
    ("PATCH /products/{productId}", "409 ILLEGAL_TRANSITION", "the SKU of what was on sale stays"),
    ("PATCH /products/{productId}", "409 SKU_TAKEN", "a SKU is unique in the marketplace"),
    ("PATCH /products/{productId}", "422 INVALID_REQUEST", "the group is another seller's"),
    ("POST /products/batch", "200", "each product has a result of its own, and those that are refused are not made"),
    ("POST /inventory/stock/batch", "200", "each item has a result of its own, and those that are refused are not set"),
    ("POST /promotions", "409 COUPON_CODE_TAKEN", "a code is unique in the marketplace"),
    ("POST /promotions", "422 INVALID_REQUEST", "product or seller is another's"),
    ("POST /returns/{returnId}/receive", "422 INVALID_REQUEST", "the item is of another return"),
    ("POST /reviews/{reviewId}/helpful", "200", "everyone votes for a published review"),
    ("POST /reviews/{reviewId}/flag", "200", "everyone reports a published review"),
    ("PUT /inventory/stock/{sku}", "422 INVALID_REQUEST", "SKU and product are not the same"),
    ("PUT /products/{productId}/stock-alert", "204", "everyone waits for any product"),
    ("DELETE /products/{productId}/stock-alert", "204", "the alert is the caller's own"),
    ("PUT /wishlist/items/{productId}", "204", "everyone wishes for any product"),
    ("DELETE /wishlist/items/{productId}", "204", "the list is the caller's own"),
    ("GET /search/suggest", "422 INVALID_REQUEST", "it needs a text"),
    ("GET /seller/statements/{month}", "200", "the statement is the caller's"),
    ("GET /shipping/rates", "422 INVALID_REQUEST", "it needs a country"),
];

/// Parameters that name nothing of a seller, with a value.
const NEUTRAL: &[(&str, &str, &str)] = &[
    ("service", "order", "administrators list the parked events of a service"),
    ("correlationId", "none", "administrators search the log"),
    ("eventId", "01890000-0000-7000-8000-000000000001", "no event is parked in this journey"),
];

/// Operations that succeed for nobody in this journey.
const WITHOUT_OWNER: &[(&str, &str)] = &[
    ("POST /admin/parked-events/{service}/{eventId}/replay", "no event is parked"),
    ("DELETE /orders/{orderId}/personal-data", "the token of a guest's order opens it, which the journey of guests has"),
    ("PUT /products/{productId}/stock-alert", "its seller archived the product before; the journey of wishes has it"),
    ("PUT /wishlist/items/{productId}", "its seller archived the product before; the journey of wishes has it"),
];

/// A seller, a customer, and what they have to do with each other.
struct Party {
    seller: Person,
    buyer: Person,
    /// By the names that parameters and fields have. The last value of several is that of a draft.
    ids: BTreeMap<&'static str, Vec<String>>,
    /// What no stranger may read.
    secrets: BTreeSet<String>,
}

impl Party {
    /// Creates both, and everything that a seller has.
    async fn create(server: &Server, admin: &Person, name: &str, category: CategoryId) -> Party {
        let (seller, seller_id) = seller(server, admin, name).await;
        let buyer = server.customer(&format!("buyer-of-{name}")).await;
        let sku = format!("{name}-1").to_uppercase();
        let group = Uuid::from_u128(seller_id.0.as_u128() ^ 1);
        let product = seller.sell(&sku, &format!("Lamp of {name}"), category, 5_000, 100).await;
        let grouped = json!({"productGroupId": group});
        seller.must(raw(Method::PATCH, &format!("/products/{product}")).body(&grouped)).await;
        let draft = json!({"sku": format!("{sku}-DRAFT"), "title": "Draft", "description": "A thing.", "categoryId": category,
            "priceAmount": 100, "currency": "EUR"});
        let draft = seller.must(request(&CREATE_PRODUCT).body(&serde_json::from_value(draft).unwrap())).await;
        seller.must(souk::api_client::set_stock(&draft.sku, draft.product_id, 1)).await;
        let uploading = raw(Method::POST, &format!("/products/{product}/images")).bytes(FORM, form(sample()));
        let picture = seller.must(uploading).await["url"].as_str().expect("an address").replace("/api/v1/images/", "");
        // None of its events occurs in this journey.
        let endpoint = json!({"url": "https://receiver.example/hook", "eventTypes": ["PayoutFailed"]});
        let endpoint = seller.must(raw(Method::POST, "/webhook-endpoints").body(&endpoint)).await["webhookEndpointId"].clone();
        let endpoint = endpoint.as_str().expect("an id").to_owned();
        let delivery = seller.must(raw(Method::POST, &format!("/webhook-endpoints/{endpoint}/test"))).await["deliveryId"].clone();
        let deliveries = raw(Method::GET, &format!("/webhook-endpoints/{endpoint}/deliveries"));
        seller.until(deliveries, "over", |page| page["items"][0]["status"] != "PENDING").await;
        let checking = raw(Method::POST, "/imports").query("kind", "prices").query("mode", "check");
        let prices = format!("sku,priceAmount,currency\n{sku},5000,EUR\n");
        let import = seller.must(checking.bytes("text/csv", prices.into_bytes())).await["importId"].clone();
        let import = import.as_str().expect("an id").to_owned();
        seller.until(raw(Method::GET, &format!("/imports/{import}")), "over", |import| import["status"] != "RUNNING").await;
        let key = json!({"name": "Books", "scopes": ["orders:read"]});
        let key = seller.must(raw(Method::POST, "/api-keys").body(&key)).await["apiKeyId"].clone();
        // A login beside the one that the journey uses, which its owner ends in the end.
        seller.must(raw(Method::POST, "/auth/login").body(&json!({"email": format!("{name}@example.com"), "password": PASSWORD}))).await;
        let sessions = seller.must(raw(Method::GET, "/auth/sessions")).await["items"].clone();
        let sessions = sessions.as_array().expect("a list");
        let session = sessions.iter().find(|session| session["isCurrent"] == false).expect("the other login")["sessionId"].clone();
        let code = format!("{name}10").to_uppercase();
        let discount = json!({"title": "Ten percent", "kind": "PERCENTAGE", "value": 1_000, "code": code});
        let promotion_id = promotion(&seller, &discount).await.promotion_id;
        let coupon = AddCoupon { code: code.parse().unwrap() };

        // A delivered order with a return, a review and a payout, and an order under way.
        let delivered = buy(&buyer, product, "delivered", Some(&coupon)).await;
        let shipment = part_of(&delivered, Some(seller_id)).shipment_id.expect("a shipment");
        admin.must(reporting(shipment, ShipmentStatus::InTransit)).await;
        admin.must(reporting(shipment, ShipmentStatus::Delivered)).await;
        let delivered = buyer.order_in(delivered.order_id, OrderStatus::Delivered).await;
        let returned = accepted(&buyer, returning(&delivered, 0, 1), &["NOT_DELIVERED"]).await;
        admin.must(request(&APPROVE_RETURN).path(returned.return_id)).await;
        let review = WriteReview { rating: Stars::new(4).unwrap(), title: None, text: None };
        let review = accepted(&buyer, request(&WRITE_REVIEW).path(product).body(&review), &["PURCHASE_REQUIRED"]).await;
        admin.must(request(&PUBLISH_REVIEW).path(review.review_id).body(&ModerateReview::default())).await;
        seller.until(request(&GET_PRODUCT).path(product), "rated", |product| product.rating.count == 1).await;
        seller.until(request(&GET_OWN_SELLER), "rated", |seller| seller.rating.count == 1).await;
        seller.until(raw(Method::GET, "/seller/balance"), "available", |balance| balance["availableAmount"].as_i64() > Some(0)).await;
        admin.must(request(&RUN_PAYOUTS).key(name)).await;
        let is_paid = |page: &contracts::page::Page<contracts::payout::Payout>| page.items.iter().any(|p| p.status == PayoutStatus::Paid);
        let payout = seller.until(request(&LIST_SELLER_PAYOUTS), "paid", is_paid).await.items[0].payout_id;
        let open = buy(&buyer, product, "open", None).await;
        let cart = buyer.add(product, 1).await;
        buyer.must(request(&ADD_COUPON).body(&coupon)).await;
        let message = buyer.until(request(&LIST_NOTIFICATIONS), "there", |page| !page.items.is_empty()).await.items[0].notification_id;
        let own = seller.must(request(&GET_OWN_SELLER)).await;
        let part = part_of(&delivered, Some(seller_id));

        let several = |values: &[&dyn std::fmt::Display]| values.iter().map(|value| value.to_string()).collect::<Vec<_>>();
        let ids = BTreeMap::from([
            ("productId", several(&[&product, &draft.product_id])),
            ("ids", several(&[&product, &draft.product_id])),
            ("productIds", several(&[&product])),
            ("webhookEndpointId", several(&[&endpoint])),
            ("deliveryId", several(&[&delivery.as_str().expect("an id")])),
            ("apiKeyId", several(&[&key.as_str().expect("an id")])),
            ("sessionId", several(&[&session.as_str().expect("an id")])),
            ("file", several(&[&picture])),
            ("importId", several(&[&import])),
            ("sku", several(&[&sku, &draft.sku])),
            ("productGroupId", several(&[&group])),
            ("category", several(&[&category])),
            ("categoryId", several(&[&category])),
            ("categoryIds", several(&[&category])),
            ("parentCategoryId", several(&[&category])),
            ("sellerId", several(&[&seller_id])),
            ("sellerIds", several(&[&seller_id])),
            ("sellerIdOrSlug", several(&[&own.slug])),
            ("userId", several(&[&seller_id])),
            ("actorId", several(&[&seller_id])),
            ("aggregateId", several(&[&delivered.order_id])),
            ("orderId", several(&[&delivered.order_id, &open.order_id])),
            ("orderNumber", several(&[&delivered.order_number])),
            ("orderItemId", several(&[&delivered.items[0].order_item_id])),
            ("fulfilmentId", several(&[&part.fulfilment_id])),
            ("shipmentId", several(&[&part.shipment_id.expect("a shipment")])),
            ("trackingNumber", several(&[&part.tracking_number.as_ref().expect("a number")])),
            ("paymentId", several(&[&delivered.payment_id.expect("a payment")])),
            ("returnId", several(&[&returned.return_id])),
            ("reviewId", several(&[&review.review_id])),
            ("promotionId", several(&[&promotion_id])),
            ("code", several(&[&code])),
            ("addressId", several(&[&buyer.address])),
            ("shippingAddressId", several(&[&buyer.address])),
            ("billingAddressId", several(&[&buyer.address])),
            ("cartItemId", several(&[&cart.items[0].cart_item_id])),
            ("notificationId", several(&[&message])),
            ("month", several(&[&&delivered.created_at.to_string()[..7]])),
        ]);
        let hidden = ["orderId", "orderNumber", "orderItemId", "fulfilmentId", "shipmentId", "trackingNumber", "paymentId", "returnId"];
        let hidden = hidden.iter().chain(&["addressId", "cartItemId", "notificationId"]).flat_map(|name| ids[name].clone());
        let others = [payout.to_string(), draft.product_id.to_string(), draft.sku, open.order_number, seller.address.to_string()];
        let emails = [format!("{name}@example.com"), format!("buyer-of-{name}@example.com")];
        let secrets = hidden.chain(others).chain(emails).collect();
        Party { seller, buyer, ids, secrets }
    }

    /// Whether things of this name are the seller's or the customer's.
    fn owns(&self, name: &str) -> bool {
        self.ids.contains_key(name) && !name.starts_with("category") && name != "parentCategoryId" && name != "month"
    }

    fn id(&self, name: &str, round: usize) -> &str {
        let neutral = || NEUTRAL.iter().find(|(neutral, ..)| *neutral == name).map(|(_, value, _)| *value);
        let values = self.ids.get(name).map(|values| values[round.min(values.len() - 1)].as_str());
        values.or_else(neutral).unwrap_or_else(|| panic!("{name} is filled in nowhere: name it in the ids of a party or in NEUTRAL"))
    }

    /// What seller and customer see of their own, by every operation that only reads.
    async fn views(&self, all: &[Operation]) -> BTreeMap<String, Value> {
        let mut views = BTreeMap::new();
        for operation in all.iter().filter(|operation| operation.method == Method::GET && !operation.name.contains(EXPORT)) {
            for (who, person) in [("seller", &self.seller), ("customer", &self.buyer)] {
                for round in 0..operation.rounds(self) {
                    let reply = person.send(operation.fill(self, None, round)).await;
                    let mut shown = reply.json();
                    for volatile in ["helpfulCount", "correlationId", "exportedAt"] {
                        forget(&mut shown, volatile);
                    }
                    views.insert(format!("{who}: {} {round}", operation.name), shown);
                }
            }
        }
        views
    }

    /// The views once all that happened has reached them.
    async fn settled_views(&self, all: &[Operation]) -> BTreeMap<String, Value> {
        let mut before = self.views(all).await;
        let mut changed = Vec::new();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let after = self.views(all).await;
            if before == after {
                return after;
            }
            changed = after.iter().filter(|(name, view)| before.get(*name) != Some(view)).map(|(name, _)| name.clone()).collect();
            before = after;
        }
        panic!("what the seller sees does not come to rest: {changed:?}");
    }
}

/// An export also holds events that others caused, such as votes for a review.
const EXPORT: &str = "/users/me/export";

/// Removes a field wherever it is.
fn forget(value: &mut Value, field: &str) {
    match value {
        Value::Object(fields) => {
            fields.remove(field);
            fields.values_mut().for_each(|value| forget(value, field));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| forget(value, field)),
        _ => {}
    }
}

async fn buy(buyer: &Person, product: ProductId, key: &str, coupon: Option<&AddCoupon>) -> OrderView {
    buyer.add(product, 2).await;
    if let Some(coupon) = coupon {
        buyer.must(request(&ADD_COUPON).body(coupon)).await;
    }
    let order = buyer.order(PaymentMethod::Ok, key).await;
    let order = buyer.order_in(order.order_id, OrderStatus::Confirmed).await;
    buyer.order_until(order.order_id, "booked", |order| order.fulfilments[0].tracking_number.is_some()).await
}

/// Where a request names something.
#[derive(Clone)]
enum Place {
    Path,
    Query,
    /// A pointer into the body; whether the field is a list.
    Body(String, bool),
}

struct Operation {
    method: Method,
    path: String,
    /// Such as `GET /orders/{orderId}`.
    name: String,
    roles: Vec<String>,
    /// Whether it may be called without a token.
    is_open: bool,
    takes_key: bool,
    body: Option<Value>,
    /// Whether its body is a form with a file.
    takes_file: bool,
    /// The ids that it takes.
    slots: Vec<(Place, String)>,
}

impl Operation {
    fn takes_path_id(&self) -> bool {
        self.slots.iter().any(|(place, _)| matches!(place, Place::Path))
    }

    /// How many values its ids have.
    fn rounds(&self, party: &Party) -> usize {
        self.slots.iter().filter_map(|(_, name)| party.ids.get(name.as_str()).map(Vec::len)).max().unwrap_or(1)
    }

    /// A request with the ids of this party; with `foreign`, the id of that slot is the other party's.
    fn fill(&self, party: &Party, foreign: Option<(usize, &Party)>, round: usize) -> ApiRequest {
        let mut request = raw(self.method.clone(), &self.path);
        let mut body = self.body.clone();
        for (at, (place, name)) in self.slots.iter().enumerate() {
            let other = foreign.filter(|(slot, _)| *slot == at).map(|(_, other)| other);
            // The caller's own SKU or code is taken, so that whatever else is in the request it would be refused for it.
            let fresh = format!("FRESH-{}", Uuid::new_v4().simple().to_string().to_uppercase());
            let creates = foreign.is_some() && other.is_none() && self.method == Method::POST && ["sku", "code"].contains(&name.as_str());
            let id = if creates { &fresh } else { other.unwrap_or(party).id(name, round) };
            match place {
                Place::Path => request = request.path(id),
                Place::Query => request = request.query(name, id),
                Place::Body(pointer, is_list) => {
                    let id = if *is_list { json!([id]) } else { json!(id) };
                    *body.as_mut().and_then(|body| body.pointer_mut(pointer)).expect("the field was put there") = id;
                }
            }
        }
        if self.takes_key {
            request = request.key(&Uuid::new_v4().to_string());
        }
        match body {
            // A file that is read only when the caller may change the thing.
            None if self.takes_file => request.bytes(FORM, form(b"no picture")),
            Some(body) => request.body(&body),
            None => request,
        }
    }
}

/// Whether a field or a parameter names something of the platform; an `externalId` is text of an integrator.
fn names_something(name: &str) -> bool {
    let ends_so = name != "externalId" && name.ends_with("Id") || name.ends_with("Ids");
    ends_so || ["sku", "code", "ids", "category", "trackingNumber", "orderNumber"].contains(&name)
}

/// The operations of the description, with an example of the body and the ids that each takes.
fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let named = |place: &str| {
                let names = parameters.iter().filter(move |parameter| parameter["in"] == place);
                names.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
            };
            // The parameters of the path in its order.
            let mut slots: Vec<(Place, String)> =
                path.split(['{', '}']).skip(1).step_by(2).map(|name| (Place::Path, name.to_owned())).collect();
            slots.extend(named("query").into_iter().filter(|name| names_something(name)).map(|name| (Place::Query, name)));
            let content = &operation["requestBody"]["content"]["application/json"];
            let mut body = content.is_object().then(|| content.get("example").cloned().unwrap_or(json!({})));
            if let Some(body) = &mut body {
                find_ids(document, &content["schema"], body, "", &mut slots);
            }
            let security = operation["security"].as_array().cloned().unwrap_or_default();
            let roles = operation["x-roles"].as_array().cloned().unwrap_or_default();
            found.push(Operation {
                name: format!("{} {path}", method.to_uppercase()),
                method: method.to_uppercase().parse().expect("a method"),
                path: if path.starts_with("/.well-known") { format!("/{path}") } else { path.clone() },
                roles: roles.iter().map(|role| role.as_str().expect("a role").to_owned()).collect(),
                is_open: security.is_empty() || security.contains(&json!({})),
                takes_key: named("header").iter().any(|name| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY)),
                body,
                takes_file: operation["requestBody"]["content"]["multipart/form-data"].is_object(),
                slots,
            });
        }
    }
    found
}

/// Finds the fields of a body that name something, also those that the example leaves out.
fn find_ids(document: &Value, schema: &Value, example: &mut Value, at: &str, slots: &mut Vec<(Place, String)>) {
    let schema = resolved(document, schema);
    match example {
        Value::Object(fields) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let at = format!("{at}/{name}");
                if names_something(name) && name != "trackingNumber" {
                    let property = resolved(document, property);
                    fields.insert(name.clone(), Value::Null);
                    slots.push((Place::Body(at, property["type"] == "array"), name.clone()));
                } else if let Some(value) = fields.get_mut(name) {
                    find_ids(document, property, value, &at, slots);
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                find_ids(document, &schema["items"], item, &format!("{at}/{number}"), slots);
            }
        }
        _ => {}
    }
}

/// Follows references and takes the alternative that is not null.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(&reference[1..]).expect("the reference leads somewhere"));
    }
    let alternatives = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    match alternatives.and_then(|several| several.iter().find(|one| one["type"] != "null")) {
        Some(one) => resolved(document, one),
        None => schema,
    }
}

/// A caller who has nothing to do with the thing.
struct Stranger<'a> {
    what: &'static str,
    person: Person,
    roles: &'static [&'static str],
    own: &'a Party,
}

impl Stranger<'_> {
    /// What is wrong with an answer.
    fn fault(&self, operation: &Operation, reply: &Reply, of: &Party) -> Option<String> {
        let status = reply.status.as_u16();
        let has_role = operation.is_open || operation.roles.iter().any(|role| role == "ANY" || self.roles.contains(&role.as_str()));
        let is_list = operation.method == Method::GET && (operation.is_open || !operation.takes_path_id());
        let answer = format!("{status} {}", reply.problem().1);
        let listed = EXPECTED.iter().any(|(name, expected, _)| *name == operation.name && *expected == answer.trim_end());
        let is_right = match status {
            401 => self.roles.is_empty() && !operation.is_open,
            403 => !self.roles.is_empty(),
            404 => has_role,
            200 if is_list => has_role,
            _ => has_role && listed,
        };
        let text = String::from_utf8_lossy(&reply.body);
        let read = of.secrets.iter().find(|secret| text.contains(secret.as_str()));
        let what = match read {
            Some(secret) => format!("the answer has {secret}: {text}"),
            None if !is_right => format!("{status} {text}"),
            None => return None,
        };
        Some(format!("{} by {}: {what}", operation.name, self.what))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seller_never_sees_or_moves_what_is_anothers() {
    let settings = [CHEAP_PASSWORDS.as_slice(), &[("SOUK_PAYOUT_RETURN_WINDOW_DAYS", "0")]].concat();
    let server = Server::start_with(&settings).await;
    let admin = server.admin().await;
    let lamps = category(&admin, "Lamps").await;
    let (mut mara, ole) = (Party::create(&server, &admin, "mara", lamps).await, Party::create(&server, &admin, "ole", lamps).await);
    let all = operations(&server.guest().must(raw(Method::GET, "/openapi.json")).await);
    // An order of both sellers: each sees the own part alone.
    let shared = server.customer("buyer-of-both").await;
    for party in [&mara, &ole] {
        shared.add(party.id("productId", 0).parse().unwrap(), 1).await;
    }
    let order = shared.order(PaymentMethod::Ok, "shared").await;
    let order = shared.order_until(order.order_id, "booked", |order| order.fulfilments.iter().all(|part| part.shipment_id.is_some())).await;
    let part = part_of(&order, Some(mara.id("sellerId", 0).parse().unwrap()));
    let of_part = [part.fulfilment_id.to_string(), part.shipment_id.unwrap().to_string(), part.items[0].order_item_id.to_string()];
    mara.secrets.extend(of_part);

    let before = mara.settled_views(&all).await;

    let strangers = [
        Stranger { what: "a seller", person: ole.seller.clone(), roles: &["CUSTOMER", "SELLER", "SELLER_OF_RECORD"], own: &ole },
        Stranger { what: "a customer", person: ole.buyer.clone(), roles: &["CUSTOMER"], own: &ole },
        Stranger { what: "nobody", person: server.guest(), roles: &[], own: &ole },
    ];
    let (mut faults, mut tried) = (Vec::new(), 0);
    for stranger in &strangers {
        for operation in all.iter().filter(|operation| operation.method == Method::GET || !operation.slots.is_empty()) {
            for round in 0..operation.rounds(&mara) {
                let reply = stranger.person.send(operation.fill(&mara, None, round)).await;
                faults.extend(stranger.fault(operation, &reply, &mara));
                tried += 1;
            }
            // One id is another's, and the others are the caller's.
            for foreign in (0..operation.slots.len()).filter(|at| operation.slots.len() > 1 && mara.owns(&operation.slots[*at].1)) {
                for round in 0..operation.rounds(&mara) {
                    let reply = stranger.person.send(operation.fill(stranger.own, Some((foreign, &mara)), round)).await;
                    let fault = stranger.fault(operation, &reply, &mara);
                    faults.extend(fault.map(|fault| format!("{fault} (only {} is another's)", operation.slots[foreign].1)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 200, "{tried} requests");
    let after = mara.settled_views(&all).await;
    for (view, shown) in &before {
        assert_eq!(shown, &after[view], "{view}");
    }

    // The requests were not refused because they name nothing: each one reaches the thing when its owner or an administrator sends it.
    let mut by_id: Vec<&Operation> = all.iter().filter(|operation| operation.takes_path_id()).collect();
    by_id.sort_by_key(|operation| {
        let of_admin = !operation.roles.iter().any(|role| ["ANY", "CUSTOMER"].contains(&role.as_str()) || role.starts_with("SELLER"));
        (operation.method != Method::GET, operation.method == Method::DELETE, of_admin)
    });
    for operation in by_id {
        let mut refused = Vec::new();
        for person in [&mara.seller, &mara.buyer, &admin] {
            let reply = person.send(operation.fill(&mara, None, 0)).await;
            match reply.status.as_u16() {
                401 | 403 | 404 => refused.push(reply.problem()),
                _ => break,
            }
        }
        let is_listed = WITHOUT_OWNER.iter().any(|(name, _)| *name == operation.name);
        assert_eq!(refused.len() == 3, is_listed, "{} is refused to everyone: {refused:?}", operation.name);
    }
}
