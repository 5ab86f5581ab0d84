//! Writes orders, payments, reservations and shipments into four databases.

use crate::doctor::{
    consistency::{Consistency, check},
    sample,
};
use contracts::{
    ids::{OrderId, PaymentId, ReservationId},
    money::Currency,
    payment::PaymentRefunded,
    time::Timestamp,
};
use order::{
    domain::{PaymentState, SagaState, StockState},
    import::{self, PastOrder},
};
use platform::{
    db::{self, Db},
    env::Env,
    params,
    service::Service,
    testing::TempFolder,
};
use std::time::Duration;

pub(super) const NOON: Timestamp = Timestamp(1_767_268_800_000_000);
/// The total of every order: two lamps and shipping.
pub(super) const TOTAL: i64 = 2_490;

/// Four databases without their services.
pub(super) struct Shop {
    pub(super) env: Env,
    pub(super) orders: Db,
    pub(super) payments: Db,
    inventory: Db,
    shipping: Db,
    _folder: TempFolder,
}

/// An order to be written.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) status: &'static str,
    pub(super) path: &'static [&'static str],
    pub(super) saga: SagaState,
    pub(super) due_at: Option<Timestamp>,
    pub(super) failed_attempts: u32,
}

impl Placed {
    pub(super) fn new(path: &'static [&'static str], money: PaymentState, stock: StockState) -> Placed {
        let status = path.last().expect("a path has an end");
        Placed { status, path, saga: SagaState { payment: money, stock, ..SagaState::new() }, due_at: None, failed_attempts: 0 }
    }

    pub(super) fn confirmed() -> Placed {
        Placed::new(&["PENDING_PAYMENT", "INVENTORY_RESERVED", "CONFIRMED"], PaymentState::Captured, StockState::Confirmed)
    }

    pub(super) fn refunded() -> Placed {
        Placed::new(&["PENDING_PAYMENT", "INVENTORY_RESERVED", "CONFIRMED", "REFUNDED"], PaymentState::Released, StockState::Confirmed)
    }

    pub(super) fn cancelled() -> Placed {
        Placed::new(&["PENDING_PAYMENT", "CANCELLED"], PaymentState::Released, StockState::Released)
    }

    pub(super) fn failed() -> Placed {
        Placed::new(&["PENDING_PAYMENT", "PAYMENT_FAILED"], PaymentState::Released, StockState::Released)
    }

    pub(super) fn pending() -> Placed {
        Placed { due_at: Some(NOON), ..Placed::new(&["PENDING_PAYMENT"], PaymentState::Due, StockState::Due) }
    }

    /// A cancelled order that still has to release money or units.
    pub(super) fn releasing(money: PaymentState, stock: StockState) -> Placed {
        Placed { due_at: Some(NOON), failed_attempts: 3, ..Placed::new(&["PENDING_PAYMENT", "CANCELLED"], money, stock) }
    }
}

impl Shop {
    pub(super) async fn open() -> Shop {
        let (env, folder) = (Env::seeded(7, NOON), TempFolder::new());
        let open = |service: Service| Db::open(env.clone(), service.name, folder.path(), service.migrations).expect("a database");
        let (orders, payments) = (open(order::service()), open(payment::service()));
        let (inventory, shipping) = (open(inventory::service()), open(shipping::service()));
        let shop = Shop { env, orders, payments, inventory, shipping, _folder: folder };
        // These indexes would reject the faults that the tests write.
        run(&shop.payments, "DROP INDEX payments_open_by_order").await;
        run(&shop.inventory, "DROP INDEX reservations_live_by_order").await;
        run(&shop.inventory, "CREATE INDEX reservations_by_order ON reservations (order_id)").await;
        run(
            &shop.inventory,
            "INSERT INTO stock_items (stock_item_id, sku, product_id, available_qty, reserved_qty, low_stock_threshold, version, updated_at) \
             VALUES (zeroblob(16), 'LAMP-1', zeroblob(16), 0, 0, 0, 1, 1)",
        )
        .await;
        shop
    }

    pub(super) fn past(&self) -> PastOrder {
        sample::past_order(&self.env)
    }

    /// Writes an imported order.
    pub(super) async fn imported(&self) -> OrderId {
        self.env.advance(Duration::from_millis(1));
        import::orders(&self.orders, vec![self.past()]).await.expect("an import");
        let newest =
            async |tx: &mut db::Tx| tx.query_one("SELECT order_id FROM orders ORDER BY order_id DESC LIMIT 1", &[], |row| row.next()).await;
        self.orders.read::<_, db::Error, _>(newest).await.expect("it is there")
    }

    /// Writes an order and returns it with the id of its payment.
    pub(super) async fn order(&self, placed: Placed) -> (OrderId, PaymentId) {
        let (id, payment, reservation) = (self.imported().await, self.env.new_id(), self.env.new_id());
        let saga = SagaState { payment_id: Some(payment), reservation_id: Some(reservation), ..placed.saga };
        let write = async move |tx: &mut db::Tx| {
            let now = tx.now();
            tx.execute(
                "UPDATE orders SET status = $2, saga = $3, payment_id = $4, due_at = $5, fruitless_turns = $6, updated_at = $7, \
                 timeline_length = $8, fulfilments = '[]' WHERE order_id = $1",
                params![
                    id,
                    placed.status,
                    serde_json::to_string(&saga).unwrap(),
                    payment,
                    placed.due_at,
                    placed.failed_attempts,
                    now,
                    placed.path.len()
                ],
            )
            .await?;
            tx.execute("DELETE FROM order_timeline WHERE order_id = $1", params![id]).await?;
            for (position, status) in placed.path.iter().enumerate() {
                tx.execute(
                    "INSERT INTO order_timeline (order_id, position, status, occurred_at) VALUES ($1, $2, $3, $4)",
                    params![id, position, *status, now],
                )
                .await?;
            }
            tx.execute("INSERT INTO aggregates (aggregate_id, sequence) VALUES ($1, $2)", params![id, placed.path.len()]).await
        };
        self.orders.write(write).await.expect("it is written");
        (id, payment)
    }

    /// Writes a payment.
    pub(super) async fn pay(&self, order: OrderId, payment: PaymentId, status: &'static str, amount: i64, currency: &'static str) {
        let write = async move |tx: &mut db::Tx| {
            tx.execute(
                "INSERT INTO payments (payment_id, order_id, order_number, user_id, status, amount, currency, captured_amount, \
                 refunded_amount, payment_method, created_at, updated_at) VALUES ($1, $2, 'N', $2, $3, $4, $5, 0, 0, 'pm_ok', 1, 1)",
                params![payment, order, status, amount, currency],
            )
            .await
        };
        self.payments.write(write).await.expect("it is written");
    }

    /// Writes a transaction with an unknown outcome.
    pub(super) async fn leave_unsettled(&self, payment: PaymentId) {
        let write = async move |tx: &mut db::Tx| {
            tx.execute(
                "INSERT INTO payment_transactions (transaction_id, payment_id, position, type, status, amount, fruitless_attempts, \
                 created_at) VALUES ($1, $1, 0, 'AUTHORIZE', 'UNKNOWN', 1, 0, 1)",
                params![payment],
            )
            .await
        };
        self.payments.write(write).await.expect("it is written");
    }

    /// Writes a reservation of lamps.
    pub(super) async fn hold(&self, order: OrderId, status: &'static str, quantity: i64) -> ReservationId {
        let id: ReservationId = self.env.new_id();
        let write = async move |tx: &mut db::Tx| {
            tx.execute(
                "INSERT INTO reservations (reservation_id, order_id, status, expires_at, created_at) VALUES ($1, $2, $3, 1, 1)",
                params![id, order, status],
            )
            .await?;
            tx.execute(
                "INSERT INTO reservation_lines (reservation_line_id, reservation_id, stock_item_id, sku, quantity) \
                 VALUES ($1, $1, zeroblob(16), 'LAMP-1', $2)",
                params![id, quantity],
            )
            .await
        };
        self.inventory.write(write).await.expect("it is written");
        id
    }

    /// Writes a shipment, and what the carrier reported after the cancellation.
    pub(super) async fn send(
        &self,
        order: OrderId,
        booking: &'static str,
        status: Option<&'static str>,
        contradiction: Option<&'static str>,
    ) {
        let write = async move |tx: &mut db::Tx| {
            tx.execute(
                "INSERT INTO shipments (fulfilment_id, order_id, order_number, user_id, shipping_address, correlation_id, booking, attempts, shipment_id, \
                 status, contradiction, updated_at) VALUES ($1, $1, 'N', $1, '{}', 'c', $2, 0, $1, $3, $4, 1)",
                params![order, booking, status, contradiction],
            )
            .await
        };
        self.shipping.write(write).await.expect("it is written");
    }

    /// Writes a consistent confirmed order.
    pub(super) async fn sale(&self) -> (OrderId, PaymentId) {
        let (order, payment) = self.order(Placed::confirmed()).await;
        self.pay(order, payment, "CAPTURED", TOTAL, "EUR").await;
        self.hold(order, "CONFIRMED", 2).await;
        (order, payment)
    }

    /// Refunds the payment; the order still has to consume the event.
    pub(super) async fn refund(&self, order_id: OrderId, payment_id: PaymentId) {
        let user_id = self.env.new_id();
        let write = async move |tx: &mut db::Tx| {
            tx.execute("UPDATE payments SET status = 'REFUNDED' WHERE payment_id = $1", params![payment_id]).await?;
            tx.emit(PaymentRefunded {
                cause_id: None,
                payment_id,
                order_id,
                order_number: "N".into(),
                user_id,
                amount: TOTAL,
                refunded_amount: TOTAL,
                captured_amount: TOTAL,
                currency: Currency::EUR,
                in_full: true,
            });
            Ok::<_, db::Error>(())
        };
        self.payments.write(write).await.expect("it is written");
    }

    pub(super) async fn check(&self) -> Consistency {
        check(&self.orders, &self.payments, &self.inventory, &self.shipping).await.expect("the databases can be read")
    }
}

async fn run(db: &Db, sql: &'static str) {
    db.write(async move |tx| tx.execute(sql, &[]).await).await.expect("a statement");
}

impl Consistency {
    /// The faults of one order, and its sentences in progress.
    fn of(&self, order: OrderId) -> (Vec<&str>, Vec<&str>) {
        let about = |text: &'_ &String| text.contains(&order.to_string());
        (self.faults.iter().filter(about).map(String::as_str).collect(), self.named.iter().filter(about).map(String::as_str).collect())
    }

    #[track_caller]
    pub(super) fn is_well(&self, order: OrderId) {
        assert_eq!(self.of(order), (vec![], vec![]));
    }

    /// It has exactly one fault, with this text.
    #[track_caller]
    pub(super) fn has_fault(&self, order: OrderId, text: &str) {
        let (faults, _) = self.of(order);
        assert!(faults.len() == 1 && faults[0].contains(text), "{text}: {faults:#?}");
    }

    /// It has no fault, and this is in progress.
    #[track_caller]
    pub(super) fn has_progress(&self, order: OrderId, text: &str) {
        let (faults, progress) = self.of(order);
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(progress.iter().any(|progress| progress.contains(text)), "{text}: {progress:#?}");
    }
}
