//! Each difference between the ledger and the payments is found in damaged databases.

use super::*;
use crate::doctor::sample::{self, run};
use contracts::{ids::PaymentId, money::Currency, payment::PaymentRefunded, time::Timestamp};
use order::{
    domain::{PaymentState, SagaState, StockState},
    import,
};
use platform::{
    db::{Error, Tx},
    env::Env,
    params,
    service::Service,
    testing::TempFolder,
};

fn ledger() -> OrderLedger {
    OrderLedger { order_id: OrderId(Uuid::nil()), currency: Currency::EUR, sold_amount: 500, returned_amount: 0, is_waiting: false }
}

fn payment(status: PaymentStatus, amount: i64, currency: Currency) -> OrderPayment {
    let (order_id, payment_id) = (OrderId(Uuid::nil()), PaymentId(Uuid::nil()));
    OrderPayment { order_id, payment_id, status, amount, refunded_amount: 0, currency, is_unsettled: false }
}

#[test]
fn an_order_is_sold_for_no_more_than_was_captured() {
    let of = |ledger, payments| Compared { ledger, payments };
    let captured = payment(PaymentStatus::Captured, 500, Currency::EUR);
    assert_eq!(of(ledger(), vec![captured.clone(), payment(PaymentStatus::Failed, 500, Currency::EUR)]).fault(), None);
    for wrong in [payment(PaymentStatus::Authorized, 500, Currency::EUR), payment(PaymentStatus::Captured, 500, Currency::USD)] {
        let fault = of(ledger(), vec![wrong]).fault().expect("nothing was captured in its currency");
        assert!(fault.ends_with("sold for 5.00 EUR in the ledger, but 0.00 EUR was captured (L3)"), "{fault}");
    }
    let back = OrderLedger { returned_amount: 501, ..ledger() };
    assert!(of(back, vec![captured]).fault().expect("too much went back").contains("5.01 EUR of 5.00 EUR"));
}

#[test]
fn money_that_was_never_sold_is_in_no_ledger_and_what_waits_is_no_fault() {
    let refunded = |refunded_amount| OrderPayment { refunded_amount, ..payment(PaymentStatus::Refunded, 700, Currency::EUR) };
    let wrong = |ledger, payment| Compared { ledger, payments: vec![payment] }.wrong_refund().is_some();
    let back = |returned_amount| OrderLedger { returned_amount, ..ledger() };
    assert!(!wrong(back(500), refunded(700)) && !wrong(back(100), refunded(100)));
    assert!(wrong(back(499), refunded(700)) && wrong(back(101), refunded(100)) && wrong(back(100), refunded(101)));
    assert!(!wrong(OrderLedger { is_waiting: true, ..back(499) }, refunded(700)));
    assert!(!wrong(back(499), OrderPayment { is_unsettled: true, ..refunded(700) }));
    let failed = OrderPayment { refunded_amount: 100, ..payment(PaymentStatus::Failed, 700, Currency::EUR) };
    assert!(!wrong(back(0), failed));
}

/// Four databases without their services: an order of two lamps that was sold for 24.90, of which 10.00 went back.
struct Shop {
    ledger: Db,
    payments: Db,
    orders: Db,
    returns: Db,
    order: OrderId,
    _folder: TempFolder,
}

impl Shop {
    async fn open() -> Shop {
        let (env, folder) = (Env::seeded(7, Timestamp(1_767_268_800_000_000)), TempFolder::new());
        let open = |service: Service| Db::open(env.clone(), service.name, folder.path(), service.migrations).expect("a database");
        let (ledger, payments) = (open(payout::service()), open(payment::service()));
        let (orders, returns) = (open(order::service()), open(returns::service()));
        import::orders(&orders, vec![sample::past_order(&env)]).await.expect("an import");
        let newest = async |tx: &mut Tx| tx.query_one("SELECT order_id FROM orders", &[], |row| row.next()).await;
        let order: OrderId = orders.read::<_, Error, _>(newest).await.expect("it is there");
        let sold = async move |tx: &mut Tx| {
            let nothing = r#"{"customer": 0, "promotion": 0, "seller": 0, "commission": 0, "shop": 0, "shipping": 0, "tax": 0}"#;
            let fee = nothing.replace(r#""customer": 0"#, r#""customer": 2490"#).replace(r#""shipping": 0"#, r#""shipping": 2490"#);
            let shares = format!(r#"{{"lines": [], "shipping": {fee}, "reversed": {nothing}}}"#);
            tx.execute("INSERT INTO orders (order_id, returned_amount) VALUES ($1, 1000)", params![order]).await?;
            tx.execute(
                "INSERT INTO sales (fulfilment_id, order_id, order_number, currency, shares, day, units, gross_amount, commission_amount, \
                 net_amount, posted_at, rate_attempts, release_attempts) VALUES ($1, $1, 'N', 'EUR', $2, '2026-01-01', 2, 0, 0, 0, 1, 0, 0)",
                params![order, shares],
            )
            .await
        };
        ledger.write::<_, Error, _>(sold).await.expect("it is written");
        let paid = async move |tx: &mut Tx| {
            tx.execute(
                "INSERT INTO payments (payment_id, order_id, order_number, user_id, status, amount, currency, captured_amount, \
                 refunded_amount, payment_method, created_at, updated_at) VALUES ($1, $1, 'N', $1, 'CAPTURED', 2490, 'EUR', 2490, 1000, \
                 'pm_ok', 1, 1)",
                params![order],
            )
            .await
        };
        payments.write::<_, Error, _>(paid).await.expect("it is written");
        Shop { ledger, payments, orders, returns, order, _folder: folder }
    }

    async fn faults(&self) -> Vec<String> {
        let Shop { ledger, payments, orders, returns, .. } = self;
        check(Sources { ledger, payments, orders, returns }).await.expect("it can be checked").1
    }
}

#[tokio::test]
async fn a_refund_that_is_not_booked_and_one_that_was_not_made_are_faults() {
    let shop = Shop::open().await;
    let of = |back, refunded| format!("order {}: {back} EUR went back in the ledger, but {refunded} EUR was refunded (L4)", shop.order);
    assert_eq!(shop.faults().await, [""; 0]);
    run(&shop.payments, "UPDATE payments SET refunded_amount = 2490, status = 'REFUNDED'").await;
    assert_eq!(shop.faults().await, [of("10.00", "24.90")]);
    run(&shop.payments, "UPDATE payments SET refunded_amount = 500, status = 'CAPTURED'").await;
    assert_eq!(shop.faults().await, [of("10.00", "5.00")]);
    run(&shop.ledger, "INSERT INTO waiting_facts (fact_id, order_id, fact) SELECT order_id, order_id, '{}' FROM orders").await;
    assert_eq!(shop.faults().await, [""; 0], "a fact waits for its sale");
}

#[tokio::test]
async fn a_refund_that_an_event_or_a_step_of_the_order_still_makes_good_is_no_fault() {
    let shop = Shop::open().await;
    let order_id = shop.order;
    run(&shop.payments, "UPDATE payments SET refunded_amount = 2490, status = 'REFUNDED'").await;
    let announced = async move |tx: &mut Tx| {
        tx.emit(PaymentRefunded {
            payment_id: PaymentId(order_id.0),
            order_id,
            order_number: "N".into(),
            user_id: contracts::ids::UserId(order_id.0),
            currency: Currency::EUR,
            amount: 1490,
            refunded_amount: 2490,
            captured_amount: 2490,
            in_full: true,
            cause_id: None,
        });
        Ok(())
    };
    shop.payments.write::<_, Error, _>(announced).await.expect("it is written");
    assert_eq!(shop.faults().await, [""; 0]);

    let shop = Shop::open().await;
    run(&shop.payments, "UPDATE payments SET refunded_amount = 0").await;
    assert_eq!(shop.faults().await.len(), 1);
    let saga = SagaState {
        payment: PaymentState::Captured,
        payment_id: Some(PaymentId(shop.order.0)),
        stock: StockState::Released,
        ..SagaState::new()
    };
    let saga = serde_json::to_string(&saga).expect("a state is JSON");
    let cancel = async move |tx: &mut Tx| tx.execute("UPDATE orders SET status = 'CANCELLED', saga = $1", params![saga]).await;
    shop.orders.write::<_, Error, _>(cancel).await.expect("it is written");
    assert_eq!(shop.faults().await, [""; 0], "the refund is due");
}
