//! Finding orders: filters, numbers, lines in lists, and what a cart will cost.

use super::{
    entry_points::{place, until},
    model::id,
    upstreams::{Upstreams, customer},
};
use crate::store::{OrderQuery, first_lines, listed};
use contracts::{
    ids::{OrderId, ProductId, UserId},
    order::{DailyOrders, OrderSort, OrderStatus, OrderSummary, OrderView, TotalsEstimate},
    page::{Page, Series, Totals},
    time::Timestamp,
};
use platform::testing::Harness;
use serde_json::json;
use std::time::Duration;

/// Places five orders a minute apart: CONFIRMED, PAYMENT_FAILED, CANCELLED, CONFIRMED and PENDING_PAYMENT. Returns the newest
/// first.
async fn five_orders(h: &Harness, upstreams: &Upstreams) -> Vec<OrderView> {
    let mut placed = Vec::new();
    for (number, status) in (1..).zip(["CONFIRMED", "PAYMENT_FAILED", "CANCELLED", "CONFIRMED", "PENDING_PAYMENT"]) {
        upstreams.script().cart_id = id(3, number);
        upstreams.script().authorize = if status == "PAYMENT_FAILED" { "FAILED" } else { "AUTHORIZED" };
        upstreams.script().in_stock = status != "CANCELLED";
        (upstreams.script().payment, upstreams.script().reservation) = ("INITIATED", "NONE");
        let view: OrderView = place(h, &number.to_string()).await.expect(201).read();
        placed.push(if status == "PENDING_PAYMENT" { view } else { until(h, view.order_id, status).await });
        h.advance(Duration::from_secs(60));
    }
    placed.reverse();
    placed
}

async fn found(h: &Harness, query: &str) -> Vec<OrderId> {
    let mut found = Vec::new();
    let mut path = format!("/admin/orders?limit=2&{query}");
    loop {
        let page: Page<OrderSummary> = h.get(&path).admin().send().await.expect(200).read();
        found.extend(page.items.iter().map(|order| order.order_id));
        match page.next_cursor {
            Some(cursor) => path = format!("/admin/orders?limit=2&{query}&cursor={cursor}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn an_administrator_finds_orders_by_number_customer_time_and_several_statuses() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let orders = five_orders(&h, &upstreams).await;
    let only = |wanted: &[usize]| wanted.iter().map(|at| orders[*at].order_id).collect::<Vec<_>>();
    let (number, other) = (&orders[1].order_number, h.id::<UserId>());
    let user = customer();
    for (query, wanted) in [
        (String::new(), only(&[0, 1, 2, 3, 4])),
        ("status=CONFIRMED".into(), only(&[1, 4])),
        ("status=CONFIRMED&status=CANCELLED".into(), only(&[1, 2, 4])),
        ("status=CANCELLED&status=PAYMENT_FAILED&status=CONFIRMED&status=PENDING_PAYMENT&status=CANCELLED".into(), only(&[0, 1, 2, 3, 4])),
        (format!("orderNumber={number}"), only(&[1])),
        (format!("orderNumber={}", number.to_lowercase().replace('-', "")), only(&[1])),
        (format!("orderNumber={number}&status=CANCELLED"), vec![]),
        ("orderNumber=22222-22222".into(), vec![]),
        ("email=Mara%40shop.example".into(), only(&[0, 1, 2, 3, 4])),
        ("email=mara%40shop.example&status=CANCELLED&status=PAYMENT_FAILED".into(), only(&[2, 3])),
        (format!("email=mara%40shop.example&userId={user}&orderNumber={number}"), only(&[1])),
        (format!("email=mara%40shop.example&userId={other}"), vec![]),
        ("email=nobody%40shop.example".into(), vec![]),
        (format!("userId={user}&status=CANCELLED&status=PENDING_PAYMENT&from=2026-01-01T00:00:00Z"), only(&[0, 2])),
        (format!("from={at}&to={at}", at = orders[1].created_at), vec![]),
        (format!("from={}&to=9999-12-31T00:00:00.5Z", orders[1].created_at), only(&[0, 1])),
    ] {
        assert_eq!(found(&h, &query).await, wanted, "{query}");
        let totals: Totals<OrderStatus> = h.get(&format!("/admin/orders/totals?{query}")).admin().send().await.expect(200).read();
        assert_eq!(totals.total, wanted.len() as u64, "{query}");
    }
    for (query, code) in [
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "OUT_OF_RANGE"),
        ("orderNumber=1", "NOT_AN_ORDER_NUMBER"),
        ("email=nobody", "NOT_AN_EMAIL"),
        ("status=CONFIRMED&status=NEW", "NOT_ONE_OF"),
        ("userId=0190A1B2-0000-7000-8000-000000000000", "NOT_A_UUID"),
    ] {
        for path in ["/admin/orders", "/admin/orders/totals"] {
            let refused = h.get(&format!("{path}?{query}")).admin().send().await.expect_problem(422, "INVALID_REQUEST");
            assert_eq!(refused.json()["errors"][0]["code"], code, "{query}");
        }
    }
    let own: Page<OrderSummary> =
        h.get("/orders?status=CANCELLED&status=PAYMENT_FAILED").customer(customer()).send().await.expect(200).read();
    assert_eq!(own.items.iter().map(|order| order.order_id).collect::<Vec<_>>(), only(&[2, 3]));
}

#[tokio::test]
async fn an_order_is_read_by_its_number() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    let (number, stranger) = (&placed.order_number, h.id::<UserId>());
    for spelling in [number.clone(), number.to_lowercase(), number.replace('-', "")] {
        let path = format!("/orders/{spelling}");
        let read: OrderView = h.get(&path).customer(customer()).send().await.expect(200).read();
        assert_eq!(read.order_id, placed.order_id);
        h.get(&path).admin().send().await.expect(200);
        h.get(&path).customer(stranger).send().await.expect_problem(404, "NOT_FOUND");
        h.get(&path).seller(stranger).send().await.expect_problem(404, "NOT_FOUND");
    }
    let id = placed.order_id.to_string();
    for other in [id.to_uppercase(), id.replace('-', ""), format!("%7B{id}%7D"), format!("urn:uuid:{id}"), "22222-22222".into()] {
        h.get(&format!("/orders/{other}")).admin().send().await.expect_problem(404, "NOT_FOUND");
    }
    // What changes an order names it by its id.
    h.post(&format!("/orders/{number}/cancel"), &json!({})).customer(customer()).send().await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_list_is_sorted_by_time_or_total_over_all_pages_and_filters() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let orders = five_orders(&h, &upstreams).await;
    // Totals that differ from the order of time, two of them equal.
    for (order, total) in orders.iter().zip([30_i64, 10, 50, 30, 20]) {
        let id = order.order_id;
        let set = async move |tx: &mut platform::db::Tx| {
            tx.execute("UPDATE orders SET total_amount = $2 WHERE order_id = $1", platform::params![id, total]).await.map(|_| ())
        };
        h.db().write(set).await.unwrap();
    }
    for (query, wanted) in [
        ("sort=newest", &[0, 1, 2, 3, 4][..]),
        ("sort=oldest", &[4, 3, 2, 1, 0]),
        ("sort=oldest&from=2026-01-01T00:01:00Z", &[3, 2, 1, 0]),
        ("sort=oldest&status=CONFIRMED&status=CANCELLED", &[4, 2, 1]),
        ("sort=-totalAmount", &[2, 0, 3, 4, 1]),
        ("sort=-totalAmount&from=2026-01-01T00:01:00Z&to=2026-01-01T00:04:00Z", &[2, 3, 1]),
        ("sort=-totalAmount&status=CONFIRMED&status=PENDING_PAYMENT", &[0, 4, 1]),
    ] {
        let wanted: Vec<_> = wanted.iter().map(|at| orders[*at].order_id).collect();
        assert_eq!(found(&h, query).await, wanted, "{query}");
    }
    h.get("/admin/orders?sort=price").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    let cursor = h.get("/admin/orders?limit=1&sort=oldest").admin().send().await.expect(200).json()["nextCursor"].clone();
    let other = format!("/admin/orders?limit=1&sort=-totalAmount&cursor={}", cursor.as_str().unwrap());
    h.get(&other).admin().send().await.expect_problem(400, "BAD_CURSOR");
}

#[tokio::test]
async fn lists_and_orders_show_titles_and_pictures() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    assert_eq!(placed.items[0].image_url.as_deref(), Some("/media/lamp.jpg"));
    let page: Page<OrderSummary> = h.get("/orders").customer(customer()).send().await.expect(200).read();
    let [order] = &*page.items else { panic!("one order") };
    let [line] = &*order.items else { panic!("one line") };
    assert_eq!((order.item_count, line.title_snapshot.as_str(), line.quantity), (1, "Lamp", 2));
    assert_eq!((line.sku.as_str(), line.image_url.as_deref()), ("LAMP-1", Some("/media/lamp.jpg")));
    assert_eq!(h.emitted_of::<contracts::order::OrderCreated>().await[0].items[0].image_url.as_deref(), Some("/media/lamp.jpg"));
}

#[tokio::test]
async fn every_list_reads_one_index_in_its_order() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    for bits in 0..64_u8 {
        let given = |bit: u8| bits & (1 << bit) != 0;
        let query = OrderQuery {
            order_number: given(0).then(|| "7QK2M-XW9PD".parse().unwrap()),
            from: given(1).then_some(Timestamp(1)),
            to: given(2).then_some(Timestamp(2)),
            ..OrderQuery::default()
        };
        let status = given(4).then_some(OrderStatus::Confirmed);
        for sort in [OrderSort::Newest, OrderSort::Oldest] {
            let select = listed(&query, (given(3).then(customer), status), sort, given(5).then(|| (0, h.id())), 21);
            let plan = h.query_plan(select.sql());
            assert!(plan.iter().all(|step| step.contains("INDEX") && !step.contains("TEMP B-TREE")), "{}: {plan:?}", select.sql());
            if bits != 0 {
                assert!(plan[0].starts_with("SEARCH"), "{}: {plan:?}", select.sql());
            }
        }
    }
    for after in [None, Some((1, h.id()))] {
        let plan = h.query_plan(listed(&OrderQuery::default(), (None, None), OrderSort::TotalDown, after, 21).sql());
        assert!(plan.iter().all(|step| step.contains("orders_by_total")), "{plan:?}");
    }
    let plan = h.query_plan(first_lines(&[h.id(), h.id(), h.id()]).sql());
    assert!(plan[0].contains("order_items_by_order (order_id=? AND line<?)"), "{plan:?}");
}

#[tokio::test]
async fn an_estimate_is_what_the_order_costs() {
    let upstreams = Upstreams::new();
    let h = upstreams.around(Harness::of(crate::service())).setting("tax_basis_points", 1_900).start().await;
    let lines = json!([{"productId": id::<ProductId>(6, 1), "lineTotalAmount": 2_000}]);
    let body = json!({"userId": customer(), "currency": "EUR", "lines": lines, "hasTaxRates": true});
    let estimate = |body: &serde_json::Value| h.post("/internal/orders/estimate", body).service("cart").send();
    let totals: TotalsEstimate = estimate(&body).await.expect(200).read();
    let placed: OrderView = place(&h, "k").await.expect(201).read();
    assert_eq!((totals.subtotal_amount, totals.shipping_amount), (placed.subtotal_amount, placed.shipping_amount));
    assert_eq!((totals.tax_amount, totals.total_amount), (placed.tax_amount, placed.total_amount));
    assert!(totals.tax_amount > 0);
    assert_eq!(totals.country, placed.shipping_address_snapshot.country);

    let mut other = body.clone();
    other["country"] = json!("FR");
    assert_eq!(estimate(&other).await.expect(200).read::<TotalsEstimate>().country, "FR");
    other["userId"] = json!(h.id::<UserId>());
    estimate(&other).await.expect(200);
    other["country"] = json!(null);
    estimate(&other).await.expect_problem(404, "NOT_FOUND");
    upstreams.script().country_is_not_served = true;
    estimate(&body).await.expect_problem(422, "UNSUPPORTED_COUNTRY");
    h.post("/internal/orders/estimate", &body).service("payment").send().await.expect_problem(403, "FORBIDDEN");
    h.post("/internal/orders/estimate", &body).customer(customer()).send().await.expect_problem(403, "FORBIDDEN");
}

#[tokio::test]
async fn figures_by_day_are_those_of_the_orders() {
    let upstreams = Upstreams::new();
    let h = upstreams.harness().await;
    let orders = five_orders(&h, &upstreams).await;
    let (first, last) = (orders[4].created_at, orders[0].created_at);
    let daily = async |query: &str| {
        let series: Series<DailyOrders> = h.get(&format!("/admin/orders/daily?{query}")).admin().send().await.expect(200).read();
        series.items
    };
    let days = daily(&format!("from={first}")).await;
    assert_eq!((days.len(), days[0].orders, days[0].payment_failed), (1, 5, 1), "{days:?}");
    assert_eq!(days[0].day.to_string(), first.to_string()[..10]);
    let [paid] = days[0].revenue[..] else { panic!("{days:?}") };
    assert_eq!((paid.orders, paid.total_amount), (2, orders[1].total_amount + orders[4].total_amount));
    assert_eq!(daily(&format!("from={first}&to={last}")).await[0].orders, 4);
    assert_eq!(daily(&format!("from={first}&to={first}")).await, []);
    h.get("/admin/orders/daily").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.get("/admin/orders/daily?from=2020-01-01T00:00:00Z").admin().send().await.expect_problem(422, "INVALID_REQUEST");
    h.get(&format!("/admin/orders/daily?from={first}")).customer(customer()).send().await.expect_problem(403, "FORBIDDEN");
}
