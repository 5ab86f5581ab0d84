//! The service through its entry points, with a frozen clock and scripted upstreams.

mod access;
mod crashes;
mod interleaving;
mod ledger;
mod payouts;

use crate::service;
use axum::{Json, Router, extract::Path, routing::get};
use contracts::{
    ids::{FulfilmentId, OrderId, OrderItemId, ProductId, ShipmentId, UserId, Uuid},
    money::Currency,
    order::{CancelReason, FulfilmentCancelled, FulfilmentConfirmed, FulfilmentDelivered, OrderItem},
    payment::PaymentRefunded,
    payout::{LedgerCheck, Payout, PayoutStatus, SellerBalance},
    returns::{ReceivedItem, ReturnReceived},
};
use platform::{
    service::Service,
    testing::{Harness, HarnessBuilder, TestResponse},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[test]
fn statements_prepare() {
    platform::testing::assert_statements_prepare(&service(), env!("CARGO_MANIFEST_DIR"));
}

/// What the scripted seller service answers, by seller: the account, the status and until when payouts are held.
type Accounts = Arc<Mutex<HashMap<UserId, Value>>>;

/// A running service and two sellers.
struct Fixture {
    harness: Harness,
    accounts: Accounts,
    admin: UserId,
    seller: UserId,
    other: UserId,
}

impl Deref for Fixture {
    type Target = Harness;
    fn deref(&self) -> &Harness {
        &self.harness
    }
}

fn seller_service(accounts: &Accounts) -> Router {
    let own = accounts.clone();
    let details = move |Path(id): Path<Uuid>| async move { Json(own.lock().unwrap().get(&UserId(id)).cloned().unwrap_or_default()) };
    Router::new().route("/internal/sellers/{sellerId}/payout-details", get(details))
}

impl Fixture {
    async fn start() -> Fixture {
        Fixture::with(Harness::of(service())).await
    }

    async fn of(service: Service) -> Fixture {
        Fixture::with(Harness::of(service)).await
    }

    async fn with(builder: HarnessBuilder) -> Fixture {
        let accounts = Accounts::default();
        let harness = builder.upstream("seller", seller_service(&accounts)).start().await;
        let fixture = Fixture { admin: harness.id(), seller: harness.id(), other: harness.id(), accounts, harness };
        fixture.account(fixture.seller, "po_ok", "APPROVED", Value::Null);
        fixture.account(fixture.other, "po_ok", "APPROVED", Value::Null);
        fixture
    }

    fn account(&self, seller: UserId, account: &str, status: &str, held_until: Value) {
        let details = json!({"sellerId": seller, "status": status, "payoutAccount": account, "payoutsHeldUntil": held_until});
        self.accounts.lock().unwrap().insert(seller, details);
    }

    /// A fulfilment of two units of 50.00 each with a fee of 4.90.
    fn fulfilment(&self, seller: Option<UserId>) -> FulfilmentConfirmed {
        let item = OrderItem {
            order_item_id: self.id::<OrderItemId>(),
            product_id: self.id::<ProductId>(),
            sku: "LAMP".into(),
            title_snapshot: "Lamp".into(),
            unit_price_snapshot: 5_000,
            quantity: 2,
            line_total_amount: 10_000,
            seller_id: seller,
            discount_amount: 0,
            seller_discount_amount: 0,
            tax_amount: 0,
            tax_basis_points: None,
            returned_quantity: 0,
            image_url: None,
        };
        FulfilmentConfirmed {
            fulfilment_id: self.id::<FulfilmentId>(),
            order_id: self.id::<OrderId>(),
            order_number: "39CSZ-6GZ36".into(),
            user_id: self.id(),
            seller_id: seller,
            currency: Currency::EUR,
            items: vec![item],
            subtotal_amount: 10_000,
            discount_amount: 0,
            seller_discount_amount: 0,
            shipping_amount: 490,
            waived_shipping_amount: 0,
            shipping_tax_amount: 0,
            tax_amount: 0,
            prices_include_tax: false,
            total_amount: 10_490,
        }
    }

    async fn sell(&self, seller: Option<UserId>) -> FulfilmentConfirmed {
        let event = self.fulfilment(seller);
        self.deliver(event.clone()).await;
        event
    }

    async fn hand_over(&self, sold: &FulfilmentConfirmed) {
        let FulfilmentConfirmed { fulfilment_id, order_id, user_id, seller_id, currency, .. } = *sold;
        self.deliver(FulfilmentDelivered {
            fulfilment_id,
            order_id,
            order_number: sold.order_number.clone(),
            user_id,
            seller_id,
            currency,
            items: sold.items.clone(),
            subtotal_amount: sold.subtotal_amount,
            discount_amount: sold.discount_amount,
            shipping_amount: sold.shipping_amount,
            shipping_tax_amount: sold.shipping_tax_amount,
            tax_amount: sold.tax_amount,
            prices_include_tax: false,
            total_amount: sold.total_amount,
            fulfilment_count: 1,
            shipment_id: self.id::<ShipmentId>(),
            carrier: "MOCK".into(),
            tracking_number: "T-1".into(),
        })
        .await;
    }

    async fn cancel(&self, sold: &FulfilmentConfirmed, refund_amount: i64) {
        let FulfilmentConfirmed { fulfilment_id, order_id, user_id, seller_id, currency, .. } = *sold;
        self.deliver(FulfilmentCancelled {
            fulfilment_id,
            order_id,
            order_number: sold.order_number.clone(),
            user_id,
            seller_id,
            currency,
            items: sold.items.clone(),
            subtotal_amount: sold.subtotal_amount,
            discount_amount: sold.discount_amount,
            shipping_amount: sold.shipping_amount,
            shipping_tax_amount: sold.shipping_tax_amount,
            tax_amount: sold.tax_amount,
            prices_include_tax: false,
            total_amount: sold.total_amount,
            reason: CancelReason::CustomerRequest,
            note: None,
            was_confirmed: true,
            with_order: false,
            refund_amount,
        })
        .await;
    }

    /// The return of units of the first line of a sale.
    fn returned(&self, sold: &FulfilmentConfirmed, restocked: u32, written_off: u32, refund_amount: i64) -> ReturnReceived {
        let FulfilmentConfirmed { fulfilment_id, order_id, user_id, seller_id, currency, .. } = *sold;
        let line = &sold.items[0];
        ReturnReceived {
            return_id: self.id(),
            order_id,
            order_number: sold.order_number.clone(),
            fulfilment_id,
            user_id,
            seller_id,
            currency,
            items: vec![ReceivedItem {
                order_item_id: line.order_item_id,
                product_id: line.product_id,
                sku: line.sku.clone(),
                restocked_quantity: restocked,
                written_off_quantity: written_off,
                refund_amount,
                tax_amount: 0,
                discount_amount: 0,
            }],
            refund_amount,
        }
    }

    fn refund(&self, sold: &FulfilmentConfirmed, amount: i64, in_full: bool) -> PaymentRefunded {
        PaymentRefunded {
            payment_id: self.id(),
            order_id: sold.order_id,
            order_number: sold.order_number.clone(),
            user_id: sold.user_id,
            amount,
            refunded_amount: amount,
            captured_amount: sold.total_amount,
            currency: sold.currency,
            in_full,
            cause_id: None,
        }
    }

    /// Sells, delivers, and waits until the sale is available. The schedule runs half a day before, so it does not pay this sale.
    async fn available(&self, seller: UserId) -> FulfilmentConfirmed {
        let sold = self.sell(Some(seller)).await;
        self.hand_over(&sold).await;
        self.advance(30 * DAY - DAY / 2);
        self.complete().await;
        self.advance(DAY / 2);
        self.complete().await;
        sold
    }

    async fn run(&self, key: &str) -> TestResponse {
        let admin = self.token(self.admin, &["ADMIN"]);
        self.post("/admin/payouts/run", &json!({})).bearer(&admin).key(key).send().await
    }

    async fn balance(&self, seller: UserId) -> (i64, i64) {
        let balance: SellerBalance = self.get("/seller/balance").seller(seller).send().await.expect(200).read();
        (balance.pending_amount, balance.available_amount)
    }

    /// The balances of the ledger's accounts that are not zero.
    async fn accounts(&self) -> HashMap<String, i64> {
        let page = self.get("/admin/ledger/accounts?limit=100").admin().send().await.expect(200).json();
        let balances = page["items"].as_array().expect("a page").iter().map(|account| {
            (account["account"].as_str().expect("a name").to_owned(), account["balanceAmount"].as_i64().expect("an amount"))
        });
        balances.filter(|(_, amount)| *amount != 0).collect()
    }

    async fn payouts(&self, seller: UserId) -> Vec<Payout> {
        let page = self.get("/seller/payouts").seller(seller).send().await.expect(200).json();
        serde_json::from_value(page["items"].clone()).expect("payouts")
    }

    async fn statuses(&self, seller: UserId) -> Vec<PayoutStatus> {
        self.payouts(seller).await.iter().map(|payout| payout.status).collect()
    }

    async fn assert_balanced(&self) -> LedgerCheck {
        let check: LedgerCheck = self.get("/admin/ledger/check").admin().send().await.expect(200).read();
        assert!(check.balanced, "{check:?}");
        check
    }
}
