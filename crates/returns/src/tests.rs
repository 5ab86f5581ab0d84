//! The service through its entry points. Orders are their events.

use contracts::{
    auth::UserErased,
    ids::{FulfilmentId, OrderId, OrderItemId, UserId, Uuid},
    money::Currency,
    order::{FulfilmentDelivered, FulfilmentReturned, OrderCreated, OrderItem, OrderPartRefunded, OrderPersonalDataErased, RefundCause},
    returns::{Return, ReturnClosed, ReturnReceived, ReturnRefunded, ReturnRequested, ReturnStatus},
};
use platform::testing::{Harness, TestResponse};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&crate::service(), env!("CARGO_MANIFEST_DIR"));
}

const DAY: Duration = Duration::from_secs(86_400);

/// A part of an order: three lamps for 10.71 in all, and one shade for 5.00.
struct Part {
    order_id: OrderId,
    fulfilment_id: FulfilmentId,
    user_id: UserId,
    seller_id: UserId,
    lamps: OrderItemId,
    shade: OrderItemId,
}

fn item(order_item_id: OrderItemId, quantity: u32, total: i64, discount: i64, tax: i64) -> OrderItem {
    let item = json!({
        "orderItemId": order_item_id, "productId": Uuid::from_u128(7), "sku": "LAMP-1", "titleSnapshot": "Lamp", "unitPriceSnapshot": 1,
        "quantity": quantity, "lineTotalAmount": total, "discountAmount": discount, "taxAmount": tax,
    });
    serde_json::from_value(item).unwrap()
}

async fn start() -> Harness {
    Harness::of(crate::service()).start().await
}

impl Part {
    fn new(h: &Harness) -> Part {
        let (order_id, fulfilment_id, user_id, seller_id) = (h.id(), h.id(), h.id(), h.id());
        Part { order_id, fulfilment_id, user_id, seller_id, lamps: h.id(), shade: h.id() }
    }

    fn event(&self) -> FulfilmentDelivered {
        FulfilmentDelivered {
            fulfilment_id: self.fulfilment_id,
            order_id: self.order_id,
            order_number: "SK-1".into(),
            user_id: self.user_id,
            seller_id: Some(self.seller_id),
            currency: Currency::EUR,
            items: vec![item(self.lamps, 3, 1_000, 100, 171), item(self.shade, 1, 500, 0, 0)],
            subtotal_amount: 1_500,
            discount_amount: 100,
            shipping_amount: 490,
            shipping_tax_amount: 0,
            tax_amount: 171,
            prices_include_tax: false,
            total_amount: 2_061,
            fulfilment_count: 1,
            shipment_id: self.order_id.0.into(),
            carrier: "MOCK".into(),
            tracking_number: "T-1".into(),
        }
    }

    async fn delivered(h: &Harness) -> Part {
        let part = Part::new(h);
        h.deliver(part.event()).await;
        part
    }

    /// The events of a fulfilment have the same fields.
    async fn came_back(&self, h: &Harness) {
        let event = serde_json::to_value(self.event()).unwrap();
        h.deliver(serde_json::from_value::<FulfilmentReturned>(event).unwrap()).await;
    }

    fn lamps(&self, quantity: u32) -> Value {
        json!({"lines": [{"orderItemId": self.lamps, "quantity": quantity, "reason": "DAMAGED", "note": "the shade is torn"}]})
    }

    async fn request(&self, h: &Harness, body: &Value) -> TestResponse {
        h.post(&format!("/orders/{}/returns", self.order_id), body).customer(self.user_id).send().await
    }

    /// A return of so many lamps.
    async fn requested(&self, h: &Harness, quantity: u32) -> Return {
        self.request(h, &self.lamps(quantity)).await.expect(201).read()
    }

    async fn by_seller(&self, h: &Harness, id: &Return, verb: &str, body: &Value) -> TestResponse {
        h.post(&format!("/returns/{}/{verb}", id.return_id), body).seller(self.seller_id).send().await
    }

    fn received(&self, restock: u32, write_off: u32) -> Value {
        let line = |quantity: u32, disposition: &str| json!({"orderItemId": self.lamps, "quantity": quantity, "disposition": disposition});
        let lines = [line(restock, "RESTOCK"), line(write_off, "WRITE_OFF")];
        json!({"lines": lines.into_iter().filter(|line| line["quantity"] != 0).collect::<Vec<_>>()})
    }
}

async fn read(h: &Harness, id: &Return) -> Return {
    h.get(&format!("/returns/{}", id.return_id)).admin().send().await.expect(200).read()
}

fn refunded(h: &Harness, part: &Part, id: &Return, amount: i64) -> OrderPartRefunded {
    OrderPartRefunded {
        order_id: part.order_id,
        order_number: "SK-1".into(),
        user_id: part.user_id,
        payment_id: h.id(),
        cause: RefundCause::Return,
        cause_id: id.return_id.into(),
        currency: Currency::EUR,
        amount,
        refunded_amount: amount,
    }
}

#[tokio::test]
async fn goods_go_back_and_their_money_follows() {
    let h = start().await;
    let part = Part::delivered(&h).await;
    let answer = part.request(&h, &part.lamps(2)).await.expect(201);
    let asked: Return = answer.read();
    assert_eq!(answer.header("location"), format!("/api/v1/returns/{}", asked.return_id));
    assert_eq!((asked.status, asked.refund_amount, asked.lines[0].quantity), (ReturnStatus::Requested, 714, 2));
    assert_eq!((asked.tax_amount, asked.lines[0].tax_amount), (114, 114), "the tax goes back with the goods");
    let approved: Return = part.by_seller(&h, &asked, "approve", &json!({})).await.expect(200).read();
    assert!(approved.label.is_some() && approved.send_until.is_some());
    part.by_seller(&h, &asked, "approve", &json!({})).await.expect_problem(409, "ILLEGAL_TRANSITION");
    h.post(&format!("/returns/{}/sent", asked.return_id), &json!({})).admin().send().await.expect(200);
    h.post(&format!("/returns/{}/cancel", asked.return_id), &json!({}))
        .customer(part.user_id)
        .send()
        .await
        .expect_problem(409, "ILLEGAL_TRANSITION");
    let body = part.received(1, 1);
    let received: Return = part.by_seller(&h, &asked, "receive", &body).await.expect(200).read();
    assert_eq!((received.status, received.refund_amount, received.refunded_amount), (ReturnStatus::Received, 714, None));
    assert_eq!((received.tax_amount, received.lines[0].tax_amount), (114, 114));
    part.by_seller(&h, &asked, "receive", &body).await.expect_problem(409, "ILLEGAL_TRANSITION");
    let events = h.emitted_of::<ReturnReceived>().await;
    assert_eq!(
        (events.len(), events[0].refund_amount, events[0].items[0].restocked_quantity, events[0].items[0].tax_amount),
        (1, 714, 1, 114)
    );
    for _ in 0..2 {
        h.deliver(refunded(&h, &part, &asked, 714)).await;
    }
    assert_eq!((read(&h, &asked).await.status, read(&h, &asked).await.refunded_amount), (ReturnStatus::Refunded, Some(714)));
    assert_eq!(h.emitted_of::<ReturnRefunded>().await.len(), 1);
    h.advance(15 * DAY);
    h.complete().await;
    assert_eq!(read(&h, &asked).await.status, ReturnStatus::Closed);
}

#[tokio::test]
async fn an_order_of_which_no_delivery_is_known_says_so_to_its_customer_only() {
    let h = start().await;
    let part = Part::new(&h);
    part.request(&h, &part.lamps(1)).await.expect_problem(404, "NOT_FOUND");
    let mut created: Value = serde_json::from_str(include_str!("../../contracts/samples/events/OrderCreated.v1.json")).unwrap();
    (created["orderId"], created["userId"]) = (json!(part.order_id), json!(part.user_id));
    h.deliver(serde_json::from_value::<OrderCreated>(created).unwrap()).await;
    let refused = part.request(&h, &part.lamps(1)).await.expect_problem(409, "NOT_DELIVERED").json();
    assert!(refused["detail"].as_str().unwrap().contains("from before there were returns"), "{refused}");
    let path = format!("/orders/{}/returns", part.order_id);
    h.post(&path, &part.lamps(1)).customer(h.id::<UserId>()).send().await.expect_problem(404, "NOT_FOUND");
    h.deliver(part.event()).await;
    part.request(&h, &part.lamps(1)).await.expect(201);
}

#[tokio::test]
async fn never_more_than_was_delivered_and_not_yet_returned() {
    let h = start().await;
    let part = Part::delivered(&h).await;
    let first = part.requested(&h, 2).await;
    let refused = part.request(&h, &part.lamps(2)).await.expect_problem(409, "RETURN_TOO_LARGE").json();
    assert_eq!((&refused["lines"][0]["available"], &refused["lines"][0]["requested"]), (&json!(1), &json!(2)));
    let (one, two) = (part.lamps(1), part.lamps(1));
    let (a, b) = tokio::join!(part.request(&h, &one), part.request(&h, &two));
    let mut statuses = [a, b].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    // What is rejected or cancelled can be returned again.
    part.by_seller(&h, &first, "reject", &json!({"reason": "used for a year"})).await.expect(200);
    assert_eq!(read(&h, &first).await.rejection.as_deref(), Some("used for a year"));
    let again = part.requested(&h, 2).await;
    for status in [200, 409] {
        h.post(&format!("/returns/{}/cancel", again.return_id), &json!({})).customer(part.user_id).send().await.expect(status);
    }
    part.requested(&h, 2).await;
}

#[tokio::test]
async fn the_same_key_asks_for_one_return() {
    let h = start().await;
    let part = Part::delivered(&h).await;
    let path = format!("/orders/{}/returns", part.order_id);
    let first = h.post(&path, &part.lamps(2)).customer(part.user_id).key("k").send().await.expect(201).json();
    let again = h.post(&path, &part.lamps(2)).customer(part.user_id).key("k").send().await.expect(201).json();
    assert_eq!(first, again);
    assert_eq!(h.emitted_of::<ReturnRequested>().await.len(), 1);
}

#[tokio::test]
async fn goods_are_returned_and_sent_in_time() {
    let h = start().await;
    let part = Part::delivered(&h).await;
    let asked = part.requested(&h, 1).await;
    part.by_seller(&h, &asked, "approve", &json!({})).await.expect(200);
    h.advance(15 * DAY);
    h.complete().await;
    assert_eq!(read(&h, &asked).await.status, ReturnStatus::Closed);
    assert!(h.emitted_of::<ReturnClosed>().await[0].not_sent);
    // The units are free again.
    part.requested(&h, 3).await;
    let late = Part::delivered(&h).await;
    h.advance(31 * DAY);
    late.request(&h, &late.lamps(1)).await.expect_problem(409, "RETURN_WINDOW_CLOSED");
}

#[tokio::test]
async fn a_parcel_that_comes_back_by_itself_opens_a_return() {
    let h = start().await;
    let part = Part::new(&h);
    part.came_back(&h).await;
    let found: Value = h.get("/seller/returns?status=IN_TRANSIT").seller(part.seller_id).send().await.expect(200).json();
    let opened: Return = serde_json::from_value(found["items"][0].clone()).unwrap();
    assert_eq!((opened.by_carrier, opened.lines.len(), opened.refund_amount), (true, 2, 1_571));
    assert!(h.emitted_of::<ReturnRequested>().await[0].by_carrier);
    let received: Return = part.by_seller(&h, &opened, "receive", &part.received(3, 0)).await.expect(200).read();
    assert_eq!(received.refund_amount, 1_071);
    // Units that are in a return of the customer are in no second one.
    let other = Part::delivered(&h).await;
    other.requested(&h, 3).await;
    other.came_back(&h).await;
    let found: Value = h.get("/seller/returns?status=IN_TRANSIT").seller(other.seller_id).send().await.expect(200).json();
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["lines"][0]["orderItemId"]), (1, &json!(other.shade)));
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let h = start().await;
    let (part, other) = (Part::delivered(&h).await, Part::delivered(&h).await);
    let line = |item: OrderItemId, quantity: i64| json!({"orderItemId": item, "quantity": quantity, "reason": "OTHER"});
    for (lines, pointer) in [
        (json!([]), "/lines"),
        (json!([line(part.lamps, 0)]), "/lines/0/quantity"),
        (json!([line(part.lamps, 1), line(part.lamps, 1)]), "/lines/1/orderItemId"),
        (json!([line(other.lamps, 1)]), "/lines/0/orderItemId"),
        (json!([{"orderItemId": part.lamps, "quantity": 1, "reason": "BORED"}]), "/lines/0/reason"),
    ] {
        let refused = part.request(&h, &json!({"lines": lines})).await.expect_problem(422, "INVALID_REQUEST").json();
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    let asked = part.requested(&h, 1).await;
    part.by_seller(&h, &asked, "reject", &json!({})).await.expect_problem(422, "INVALID_REQUEST");
    part.by_seller(&h, &asked, "receive", &part.received(1, 0)).await.expect_problem(409, "ILLEGAL_TRANSITION");
    part.by_seller(&h, &asked, "approve", &json!({})).await.expect(200);
    part.by_seller(&h, &asked, "receive", &part.received(2, 0)).await.expect_problem(422, "INVALID_REQUEST");
    // A refused receipt changed nothing.
    assert_eq!(read(&h, &asked).await.status, ReturnStatus::Approved);
}

#[tokio::test]
async fn strangers_see_no_return_and_decide_none() {
    let h = start().await;
    let (part, other) = (Part::delivered(&h).await, Part::delivered(&h).await);
    let asked = part.requested(&h, 1).await;
    let one = format!("/returns/{}", asked.return_id);
    h.post(&format!("/orders/{}/returns", part.order_id), &part.lamps(1))
        .customer(other.user_id)
        .send()
        .await
        .expect_problem(404, "NOT_FOUND");
    h.get(&one).customer(other.user_id).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&one).seller(other.seller_id).send().await.expect_problem(404, "NOT_FOUND");
    h.get(&one).customer(part.user_id).send().await.expect(200);
    h.get(&one).seller(part.seller_id).send().await.expect(200);
    for (verb, body) in [("approve", json!({})), ("reject", json!({"reason": "no"})), ("receive", part.received(1, 0))] {
        let path = format!("{one}/{verb}");
        h.post(&path, &body).seller(other.seller_id).send().await.expect_problem(404, "NOT_FOUND");
        h.post(&path, &body).customer(part.user_id).send().await.expect_problem(403, "FORBIDDEN");
        h.post(&path, &body).suspended_seller(other.seller_id).send().await.expect_problem(404, "NOT_FOUND");
        h.post(&path, &body).send().await.expect_problem(401, "UNAUTHENTICATED");
    }
    h.post(&format!("{one}/cancel"), &json!({})).customer(other.user_id).send().await.expect_problem(404, "NOT_FOUND");
    h.post(&format!("{one}/sent"), &json!({})).seller(part.seller_id).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/admin/returns").seller(part.seller_id).send().await.expect_problem(403, "FORBIDDEN");
    h.get("/seller/returns").customer(part.user_id).send().await.expect_problem(403, "FORBIDDEN");
    for list in [h.get("/returns").customer(other.user_id), h.get("/seller/returns").seller(other.seller_id)] {
        assert_eq!(list.send().await.expect(200).json()["items"], json!([]));
    }
    // An order that was not delivered is known to its customer alone.
    let listed = h.get("/admin/returns?status=REQUESTED").admin().send().await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn administrators_sort_returns_by_time() {
    let h = start().await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(Part::delivered(&h).await.requested(&h, 1).await.return_id.to_string());
        h.advance(Duration::from_millis(1));
    }
    let newest: Vec<_> = asked.iter().rev().cloned().collect();
    for (query, wanted) in [("", &newest), ("&sort=newest", &newest), ("&sort=oldest", &asked), ("&sort=oldest&status=REQUESTED", &asked)] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = h.get(&format!("/admin/returns?limit=1{query}{cursor}")).admin().send().await.expect(200).json();
            found.extend(page["items"].as_array().unwrap().iter().map(|one| one["returnId"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(&found, wanted, "{query}");
    }
    h.get("/returns?sort=oldest").customer(h.id()).send().await.expect_problem(422, "INVALID_REQUEST");
}

#[tokio::test]
async fn neither_notes_nor_stored_answers_outlive_their_customer() {
    let h = start().await;
    let (erased, kept, guest) = (Part::delivered(&h).await, Part::delivered(&h).await, Part::delivered(&h).await);
    for part in [&erased, &kept, &guest] {
        let path = format!("/orders/{}/returns", part.order_id);
        let asked: Return = h.post(&path, &part.lamps(1)).customer(part.user_id).key("k").send().await.expect(201).read();
        h.post(&format!("/returns/{}/approve", asked.return_id), &json!({})).seller(part.seller_id).key("k").send().await.expect(200);
    }
    let counts = async || {
        let count = async |tx: &mut platform::db::Tx| {
            let answers: i64 = tx.query_one("SELECT COUNT(*) FROM idempotency", &[], |row| row.next()).await?;
            let notes: i64 = tx.query_one("SELECT COUNT(*) FROM returns WHERE lines LIKE '%torn%'", &[], |row| row.next()).await?;
            Ok::<_, platform::db::Error>((answers, notes))
        };
        h.db().read(count).await.unwrap()
    };
    assert_eq!(counts().await, (6, 3));
    h.deliver(UserErased { user_id: erased.user_id, guest_id: None }).await;
    assert_eq!(counts().await, (4, 2));
    h.deliver(OrderPersonalDataErased { order_id: guest.order_id, order_number: "SK-1".into(), user_id: guest.user_id }).await;
    assert_eq!(counts().await, (2, 1));
}
