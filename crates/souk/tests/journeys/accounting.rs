//! One order of three sellers and the shop with coupons, and at the end every cent and every unit of it.

use super::{
    marketplace::{accepted, cancelling_part, category, part_of, promotion, reporting, returning, seller, status_of},
    server::{Person, Server},
    taxing::{set_rates, set_tax_class},
};
use contracts::{
    body::BoundedVec,
    cart::{ADD_COUPON, AddCoupon},
    ids::UserId,
    inventory::GET_STOCK,
    notification::{LIST_NOTIFICATIONS, NotificationType},
    order::{FulfilmentStatus, OrderItem, OrderStatus, OrderView, SHIP_FULFILMENT},
    payment::{GET_PAYMENT, PaymentMethod},
    payout::{
        CHECK_LEDGER, GET_SELLER_BALANCE, GET_SELLER_STATEMENT, LIST_LEDGER_ACCOUNTS, LIST_SELLER_LEDGER, LIST_SELLER_PAYOUTS,
        PayoutStatus, RUN_PAYOUTS,
    },
    promotion::GET_PROMOTION,
    returns::{APPROVE_RETURN, Disposition, GET_RETURN, RECEIVE_RETURN, ReceiveReturn, ReceiveReturnLine, ReturnStatus},
    shipping::{HandOverParcel, ShipmentStatus},
    tax::TaxClass,
    text::Quantity,
};
use serde_json::json;
use souk::api_client::request;
use std::collections::BTreeMap;

/// The commission of the settings, in basis points.
const COMMISSION: i64 = 1_000;

/// The balances that the ledger must have, by account. Those that are zero are left out.
#[derive(Debug, Default, PartialEq)]
struct Balances(BTreeMap<String, i64>);

impl Balances {
    fn add(&mut self, account: &str, amount: i64) {
        *self.0.entry(account.to_owned()).or_default() += amount;
        self.0.retain(|_, amount| *amount != 0);
    }

    /// What is left of a line after some of its units came back: the shop's promotions, tax and commission in proportion, and the
    /// seller or the shop has the rest.
    fn sell(&mut self, order: &OrderView, item: &OrderItem, returned: i64) {
        let (added, contained) = split_tax(order, item.tax_amount);
        let left = |amount: i64| amount - half_up(amount * returned, i64::from(item.quantity));
        let customer = left(item.line_total_amount - item.discount_amount + added);
        let promotion = left(item.discount_amount - item.seller_discount_amount);
        let tax = left(item.tax_amount);
        let commission = match item.seller_id {
            Some(_) => left(half_up((item.line_total_amount - item.seller_discount_amount - contained) * COMMISSION, 10_000)),
            None => 0,
        };
        self.add("provider_clearing", -customer);
        self.add("promotion_expense", -promotion);
        self.add("tax_payable", tax);
        self.add("commission_revenue", commission);
        self.add(&earner(item.seller_id, "shop_revenue"), customer + promotion - tax - commission);
    }

    /// The shipping fee of a part and the tax on it.
    fn ship(&mut self, order: &OrderView, seller: Option<UserId>) {
        let (part, of_part) = (part_of(order, seller), order.items.iter().filter(|item| item.seller_id == seller));
        let tax = part.tax_amount - of_part.map(|item| item.tax_amount).sum::<i64>();
        let (added, contained) = split_tax(order, tax);
        assert_eq!(tax, part.shipping_tax_amount);
        self.add("provider_clearing", -part.shipping_amount - added);
        self.add("tax_payable", tax);
        self.add(&earner(seller, "shipping_revenue"), part.shipping_amount - contained);
    }

    async fn read(admin: &Person) -> Balances {
        let accounts = admin.api.list(request(&LIST_LEDGER_ACCOUNTS), usize::MAX).await.expect("a list");
        let mut balances = Balances::default();
        for account in accounts {
            balances.add(&account.account, account.balance_amount);
        }
        balances
    }
}

fn earner(seller: Option<UserId>, shop: &str) -> String {
    seller.map_or_else(|| shop.to_owned(), |seller| format!("seller_available/{seller}"))
}

/// The tax that is added to the prices, and that which they contain. One of them is 0.
fn split_tax(order: &OrderView, tax: i64) -> (i64, i64) {
    if order.prices_include_tax { (0, tax) } else { (tax, 0) }
}

fn half_up(amount: i64, by: i64) -> i64 {
    (2 * amount + by).div_euclid(2 * by)
}

#[tokio::test]
async fn an_order_of_three_sellers_with_coupons_is_accounted_for_to_the_cent() {
    let rates: &[(&str, u32)] = &[("STANDARD", 1_900), ("REDUCED", 700)];
    account_for_an_order(&[], rates, true).await;
}

#[tokio::test]
async fn with_prices_without_tax_it_is_accounted_for_too() {
    account_for_an_order(&[("SOUK_ORDER_TAX_BASIS_POINTS", "1900")], &[], false).await;
}

async fn account_for_an_order(settings: &[(&'static str, &'static str)], rates: &[(&str, u32)], prices_include_tax: bool) {
    let server = Server::start_with(&[settings, &[("SOUK_PAYOUT_RETURN_WINDOW_DAYS", "0")]].concat()).await;
    let admin = server.admin().await;
    set_rates(&admin, &rates.iter().map(|(class, points)| ("DE", None, *class, *points)).collect::<Vec<_>>()).await;
    let (mara, mara_id) = seller(&server, &admin, "mara").await;
    let (ole, ole_id) = seller(&server, &admin, "ole").await;
    let (ida, ida_id) = seller(&server, &admin, "ida").await;
    let lamps = category(&admin, "Lamps").await;
    let buyer = server.customer("buyer").await;
    for (owner, sku, price, units) in
        [(&admin, "SHOP-1", 1_099, 1), (&mara, "MARA-1", 3_333, 3), (&ole, "OLE-1", 2_777, 2), (&ida, "IDA-1", 1_999, 3)]
    {
        let product = owner.sell(sku, &format!("Lamp {sku}"), lamps, price, 10).await;
        if sku == "MARA-1" {
            set_tax_class(owner, product, TaxClass::Reduced).await;
        }
        buyer.add(product, units).await;
    }
    // The shop pays for one coupon, and Mara for the other.
    let of_shop = json!({"title": "All", "kind": "PERCENTAGE", "value": 1_250, "code": "ALL", "priority": 1});
    let of_mara = json!({"title": "Five", "kind": "FIXED_AMOUNT", "value": 501, "currency": "EUR", "code": "FIVE", "totalLimit": 1});
    let promotions = [promotion(&admin, &of_shop).await, promotion(&mara, &of_mara).await];
    for code in ["ALL", "FIVE"] {
        buyer.must(request(&ADD_COUPON).body(&AddCoupon { code: code.parse().unwrap() })).await;
    }

    let order = buyer.order(PaymentMethod::Ok, "k").await;
    let order = buyer.order_in(order.order_id, OrderStatus::Confirmed).await;
    let id = order.order_id;
    assert_eq!(order.fulfilments.iter().map(|part| part.total_amount).sum::<i64>(), order.total_amount);
    assert_eq!((order.discounts.len(), order.prices_include_tax), (2, prices_include_tax));
    let rates_of_order: Vec<u32> = order.taxes.iter().map(|rate| rate.basis_points).collect();
    assert_eq!(rates_of_order, if rates.is_empty() { vec![1_900] } else { vec![1_900, 700] });
    assert_eq!(order.taxes.iter().map(|rate| rate.net_amount + rate.tax_amount).sum::<i64>(), order.total_amount);
    assert!(order.fulfilments.iter().all(|part| part.tax_amount > 0 && part.shipping_amount > 0 && part.discount_amount > 0), "{order:#?}");
    let order = buyer.order_until(id, "booked", |order| order.fulfilments.iter().all(|part| part.shipment_id.is_some())).await;
    let of = |seller| part_of(&order, seller);
    let line = |seller| order.items.iter().position(|item| item.seller_id == seller).expect("a line of the seller");

    // Ida's part is cancelled before it ships.
    let cancelled = of(Some(ida_id)).total_amount;
    buyer.must(cancelling_part(id, of(Some(ida_id)).fulfilment_id)).await;
    buyer.order_until(id, "refunded in part", |order| order.refunded_amount == cancelled).await;

    // Ole's and the shop's parts are delivered, and Ole is paid out once the time to return the goods is over.
    ole.must(request(&SHIP_FULFILMENT).path(of(Some(ole_id)).fulfilment_id).body(&HandOverParcel::default())).await;
    admin.must(reporting(of(None).shipment_id.unwrap(), ShipmentStatus::InTransit)).await;
    for seller in [Some(ole_id), None] {
        admin.must(reporting(of(seller).shipment_id.unwrap(), ShipmentStatus::Delivered)).await;
    }
    let released = ole.until(request(&GET_SELLER_BALANCE), "available", |balance| balance.available_amount > 0).await;
    assert_eq!(released.pending_amount, 0);
    let begun = admin.must(request(&RUN_PAYOUTS).key("first")).await.items;
    assert_eq!(begun.iter().map(|payout| (payout.seller_id, payout.amount)).collect::<Vec<_>>(), [(ole_id, released.available_amount)]);
    ole.until(request(&LIST_SELLER_PAYOUTS), "paid", |page| page.items[0].status == PayoutStatus::Paid).await;
    assert_eq!(admin.must(request(&RUN_PAYOUTS).key("again")).await.items, [], "nothing is paid twice");

    // Mara's part is delivered, and two of its three lamps come back, one of them broken.
    mara.must(request(&SHIP_FULFILMENT).path(of(Some(mara_id)).fulfilment_id).body(&HandOverParcel::default())).await;
    admin.must(reporting(of(Some(mara_id)).shipment_id.unwrap(), ShipmentStatus::Delivered)).await;
    buyer.order_in(id, OrderStatus::Delivered).await;
    let asked = accepted(&buyer, returning(&order, line(Some(mara_id)), 2), &["NOT_DELIVERED", "INVALID_REQUEST"]).await;
    mara.must(request(&APPROVE_RETURN).path(asked.return_id)).await;
    let lines = [Disposition::Restock, Disposition::WriteOff].map(|disposition| ReceiveReturnLine {
        order_item_id: asked.lines[0].order_item_id,
        quantity: Quantity::new(1).unwrap(),
        disposition,
    });
    let lines = BoundedVec::new(lines.to_vec()).unwrap();
    mara.must(request(&RECEIVE_RETURN).path(asked.return_id).body(&ReceiveReturn { lines })).await;
    let returned = buyer.until(request(&GET_RETURN).path(asked.return_id), "refunded", |it| it.status == ReturnStatus::Refunded).await;
    let refunded = cancelled + asked.refund_amount;
    assert_eq!(returned.refunded_amount, Some(asked.refund_amount));
    let order = buyer.order_until(id, "refunded", |order| order.refunded_amount == refunded).await;
    assert_eq!(order.status, OrderStatus::Delivered);
    assert_eq!(status_of(&order, part_of(&order, Some(ida_id)).fulfilment_id), FulfilmentStatus::Cancelled);

    // Every cent: what was captured and not given back or paid out is in the accounts of those who earned it.
    let mut expected = Balances::default();
    for item in &order.items {
        let returned = if item.seller_id == Some(mara_id) { 2 } else { 0 };
        if item.seller_id != Some(ida_id) {
            expected.sell(&order, item, returned);
        }
    }
    for seller in [None, Some(mara_id), Some(ole_id)] {
        expected.ship(&order, seller);
    }
    let paid_out = released.available_amount;
    expected.add(&earner(Some(ole_id), ""), -paid_out);
    expected.add("provider_clearing", paid_out);
    assert!(!expected.0.contains_key(&earner(Some(ole_id), "")), "Ole has all: {expected:?}");
    mara.until(request(&GET_SELLER_BALANCE), "available", |balance| {
        (balance.pending_amount, Some(&balance.available_amount)) == (0, expected.0.get(&earner(Some(mara_id), "")))
    })
    .await;
    let found = Balances::read(&admin).await;
    assert_eq!(found, expected);
    let payment = admin.must(request(&GET_PAYMENT).path(order.payment_id.unwrap())).await;
    assert_eq!((payment.captured_amount, payment.refunded_amount), (order.total_amount, refunded));
    let held: i64 = found.0.iter().filter(|(account, _)| *account != "provider_clearing").map(|(_, amount)| amount).sum();
    assert_eq!(payment.captured_amount, refunded + paid_out + held);
    let check = admin.must(request(&CHECK_LEDGER)).await;
    assert!(check.balanced, "{check:#?}");

    // Each seller's ledger and statement add up to the balance.
    let month = order.created_at.to_string()[..7].to_owned();
    for (seller, id) in [(&mara, mara_id), (&ole, ole_id), (&ida, ida_id)] {
        let own = found.0.get(&earner(Some(id), "")).copied().unwrap_or_default();
        let lines = seller.api.list(request(&LIST_SELLER_LEDGER), usize::MAX).await.expect("a list");
        assert_eq!(lines.iter().map(|line| line.amount).sum::<i64>(), own, "{lines:#?}");
        let statement = seller.must(request(&GET_SELLER_STATEMENT).path(&month)).await;
        let totals = &statement.totals[0];
        assert_eq!((totals.opening_amount, totals.closing_amount), (0, own), "{totals:#?}");
        let moved = totals.sales_amount + totals.reversed_amount + totals.commission_amount + totals.paid_out_amount;
        assert_eq!(moved, own, "{totals:#?}");
    }

    // Each seller was told of the own part, and of no other.
    use NotificationType::{NewSale, PayoutPaid, SaleCancelled, SellerApproved};
    for (seller, own, told) in [
        (&mara, of(Some(mara_id)), &[SellerApproved, NewSale][..]),
        (&ole, of(Some(ole_id)), &[SellerApproved, NewSale, PayoutPaid]),
        (&ida, of(Some(ida_id)), &[SellerApproved, NewSale, SaleCancelled]),
    ] {
        // Its account was registered with a message as well.
        let list = seller.until(request(&LIST_NOTIFICATIONS), "told", |list| list.items.len() > told.len()).await.items;
        assert!(told.iter().all(|kind| list.iter().filter(|message| message.r#type == *kind).count() == 1), "{list:#?}");
        let sale = list.iter().find(|message| message.r#type == NewSale).expect("it is there");
        assert_eq!(sale.payload["orderNumber"], order.order_number);
        assert_eq!((&sale.payload["totalAmount"], sale.payload["items"].as_array().map(Vec::len)), (&json!(own.total_amount), Some(1)));
    }

    // Every unit, and every use.
    for (sku, left) in [("SHOP-1", 9), ("MARA-1", 8), ("OLE-1", 8), ("IDA-1", 10)] {
        let stock = admin.until(request(&GET_STOCK).path(sku), "back on sale", |stock| stock.available_qty == left).await;
        assert_eq!(stock.reserved_qty, 0, "{sku}");
    }
    for promotion in promotions {
        assert_eq!(admin.must(request(&GET_PROMOTION).path(promotion.promotion_id)).await.used_count, 1);
    }
    server.stop_and_check().await;
}
