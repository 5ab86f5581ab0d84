//! Units of the rules, and random orders: in any order of facts the entries balance, and no more is paid than was earned.

use super::{
    commission::{self, Rates},
    ledger::{Account, Draft, LedgerError, Subject},
    order::{Fact, Order, SaleRecord},
    sale::{Sale, Shares, TotalDiffers},
};
use contracts::{
    body::BoundedInt,
    ids::{CategoryId, FulfilmentId, OrderId, OrderItemId, ProductId, UserId, Uuid},
    money::{Currency, MAX_AMOUNT},
    order::{FulfilmentConfirmed, OrderItem},
    payout::{Day, NewCommissionRate, PostingKind},
    time::Timestamp,
};
use proptest::{collection::vec, prelude::*};
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

fn user(id: u128) -> UserId {
    UserId(Uuid::from_u128(id))
}

fn subject() -> Subject {
    Subject {
        kind: PostingKind::Sale,
        cause: "SALE/1".into(),
        order: None,
        fulfilment_id: None,
        seller_id: None,
        payout_id: None,
        commission_amount: 0,
    }
}

#[test]
fn an_unbalanced_posting_cannot_be_made() {
    let make = |entries: &[(Account, i64)]| Draft::new(subject(), Currency::EUR, entries.iter().copied());
    let unbalanced = make(&[(Account::ProviderClearing, -100), (Account::ShopRevenue, 99)]);
    assert_eq!(unbalanced, Err(LedgerError::Unbalanced { cause: "SALE/1".into(), sum: -1 }));
    let too_large = make(&[(Account::ProviderClearing, -MAX_AMOUNT - 1), (Account::ShopRevenue, MAX_AMOUNT + 1)]);
    assert_eq!(too_large, Err(LedgerError::TooLarge { cause: "SALE/1".into() }));
    let extreme = make(&[(Account::ProviderClearing, i64::MAX), (Account::ShopRevenue, i64::MAX), (Account::TaxPayable, 2)]);
    assert!(matches!(extreme, Err(LedgerError::Unbalanced { .. })));
    let added =
        make(&[(Account::ProviderClearing, -100), (Account::ShopRevenue, 60), (Account::ShopRevenue, 40), (Account::TaxPayable, 0)]);
    assert_eq!(added.unwrap().entries(), &BTreeMap::from([(Account::ProviderClearing, -100), (Account::ShopRevenue, 100)]));
}

#[test]
fn an_account_is_read_from_its_name() {
    let seller = user(7);
    let accounts = [Account::ProviderClearing, Account::SellerPending(seller), Account::SellerAvailable(seller), Account::PayoutInTransit];
    for account in accounts {
        assert_eq!(account.to_string().parse::<Account>().ok(), Some(account));
    }
    assert_eq!(Account::SellerPending(seller).to_string(), format!("seller_pending/{seller}"));
    for bad in ["", "cash", "seller_pending", "seller_pending/1", "shop_revenue/1"] {
        assert!(bad.parse::<Account>().is_err(), "{bad}");
    }
}

fn item(id: u128, quantity: u32, line_total_amount: i64, discount_amount: i64, seller_discount_amount: i64, tax_amount: i64) -> OrderItem {
    OrderItem {
        order_item_id: OrderItemId(Uuid::from_u128(id)),
        product_id: ProductId(Uuid::from_u128(id)),
        sku: "LAMP".into(),
        title_snapshot: "Lamp".into(),
        unit_price_snapshot: line_total_amount / i64::from(quantity),
        quantity,
        line_total_amount,
        seller_id: None,
        discount_amount,
        seller_discount_amount,
        tax_amount,
        tax_basis_points: None,
        returned_quantity: 0,
        image_url: None,
    }
}

/// A fulfilment of these items with a fee, whose taxes are added.
fn confirmed(
    fulfilment: u128,
    seller: Option<UserId>,
    items: Vec<OrderItem>,
    shipping_amount: i64,
    shipping_tax_amount: i64,
) -> FulfilmentConfirmed {
    let sum = |amount: fn(&OrderItem) -> i64| items.iter().map(amount).sum::<i64>();
    let (subtotal_amount, discount_amount) = (sum(|item| item.line_total_amount), sum(|item| item.discount_amount));
    let tax_amount = sum(|item| item.tax_amount) + shipping_tax_amount;
    FulfilmentConfirmed {
        fulfilment_id: FulfilmentId(Uuid::from_u128(fulfilment)),
        order_id: OrderId(Uuid::from_u128(1)),
        order_number: "SK-1".into(),
        user_id: user(1),
        seller_id: seller,
        currency: Currency::EUR,
        subtotal_amount,
        discount_amount,
        seller_discount_amount: sum(|item| item.seller_discount_amount),
        shipping_amount,
        waived_shipping_amount: 0,
        shipping_tax_amount,
        tax_amount,
        prices_include_tax: false,
        total_amount: subtotal_amount - discount_amount + shipping_amount + tax_amount,
        items,
    }
}

fn sale_of(event: &FulfilmentConfirmed) -> Shares {
    let mut sale = Sale::of(event).expect("the amounts add up");
    if event.seller_id.is_some() {
        sale.charge(|_| 1_000);
    }
    sale.total()
}

#[test]
fn a_promotion_is_paid_by_whoever_made_it_and_commission_is_on_what_the_seller_gets_for_the_goods() {
    let seller = Some(user(2));
    // The shop's discount of 500: the seller gets the full price.
    let of_shop = sale_of(&confirmed(3, seller, vec![item(5, 2, 10_000, 500, 0, 950)], 490, 47));
    let wanted = Shares { customer: 10_987, promotion: 500, seller: 9_490, commission: 1_000, tax: 997, ..Shares::default() };
    assert_eq!(of_shop, wanted);
    // The seller's own.
    let of_seller = sale_of(&confirmed(3, seller, vec![item(5, 2, 10_000, 500, 500, 950)], 490, 47));
    assert_eq!(of_seller, Shares { customer: 10_987, promotion: 0, seller: 9_040, commission: 950, tax: 997, ..Shares::default() });
    // The shop sells itself.
    let own = sale_of(&confirmed(3, None, vec![item(5, 2, 10_000, 500, 0, 950)], 490, 47));
    assert_eq!(own, Shares { customer: 10_987, promotion: 500, shop: 10_000, shipping: 490, tax: 997, ..Shares::default() });
}

#[test]
fn a_tax_that_is_contained_is_not_the_sellers_and_a_free_shipment_is_paid_by_its_promotion() {
    let mut event = confirmed(3, Some(user(2)), vec![item(5, 1, 11_900, 0, 0, 1_900)], 490, 78);
    event.total_amount -= event.tax_amount;
    assert_eq!(sale_of(&event), Shares { customer: 12_390, seller: 9_412, commission: 1_000, tax: 1_978, ..Shares::default() });
    let mut free = confirmed(3, Some(user(2)), vec![item(5, 1, 1_000, 0, 0, 0)], 490, 0);
    free.discount_amount += 490;
    free.total_amount -= 490;
    assert_eq!(sale_of(&free), Shares { customer: 1_000, promotion: 490, seller: 1_390, commission: 100, ..Shares::default() });
    free.seller_discount_amount = 490;
    assert_eq!(sale_of(&free), Shares { customer: 1_000, seller: 900, commission: 100, ..Shares::default() });
    free.total_amount += 1;
    assert_eq!(Sale::of(&free), Err(TotalDiffers { parts: 1_000, total: 1_001 }));
    event.total_amount += 1;
    assert_eq!(Sale::of(&event), Err(TotalDiffers { parts: 12_390 + 1_978, total: 12_391 }));
}

#[test]
fn the_most_specific_rate_counts() {
    let category = |id: u128| CategoryId(Uuid::from_u128(id));
    let rate = |category_id: Option<u128>, seller_id: Option<u128>, points| NewCommissionRate {
        category_id: category_id.map(category),
        seller_id: seller_id.map(user),
        basis_points: BoundedInt::new(points).unwrap(),
    };
    let default = BoundedInt::new(1_000).unwrap();
    let all =
        vec![rate(Some(1), Some(2), 1), rate(Some(12), None, 2), rate(Some(1), None, 3), rate(None, Some(2), 4), rate(None, Some(3), 5)];
    let rates = Rates::new(all.clone(), default);
    let path = [category(1), category(12)];
    assert_eq!(rates.of(user(2), &path), 1, "category and seller");
    assert_eq!(rates.of(user(3), &path), 2, "the nearest category comes before the seller");
    assert_eq!(rates.of(user(9), &path[..1]), 3);
    assert_eq!(rates.of(user(2), &[]), 4);
    assert_eq!(rates.of(user(9), &[category(99)]), 1_000, "the default of the settings");
    assert!(!Rates::new(all[..1].to_vec(), default).need_categories(user(9)), "the rate is another seller's");
    assert!(rates.need_categories(user(9)) && !Rates::new(all[3..].to_vec(), default).need_categories(user(2)));
    assert_eq!(Rates::new(vec![rate(None, None, 7)], default).of(user(9), &[]), 7);
    assert_eq!(rates.list()[0], rate(None, None, 1_000));
    assert!(commission::check(&all).is_ok());
    assert_eq!(commission::check(&[all.clone(), all[3..4].to_vec()].concat()).unwrap_err().0, 5);
}

#[test]
fn of_a_portion_the_one_that_sells_takes_what_rounding_leaves() {
    let none = Shares::default();
    for (whole, half) in [
        (Shares { customer: 100, seller: 90, tax: 10, ..none }, Shares { customer: 50, seller: 45, tax: 5, ..none }),
        (
            Shares { customer: 101, seller: 81, commission: 9, tax: 11, ..none },
            Shares { customer: 51, seller: 40, commission: 5, tax: 6, ..none },
        ),
        (Shares { customer: 110, shop: 90, shipping: 10, tax: 10, ..none }, Shares { customer: 55, shop: 45, shipping: 5, tax: 5, ..none }),
        (Shares { customer: 4, shipping: 1, tax: 3, ..none }, Shares { customer: 2, shipping: 0, tax: 2, ..none }),
        (Shares { customer: 1, promotion: 1, tax: 2, ..none }, Shares { customer: 1, promotion: 1, shop: 1, tax: 1, ..none }),
    ] {
        assert_eq!(whole.portion(1, 2), half, "{whole:?}");
    }
}

#[test]
fn units_that_come_back_after_a_refund_of_money_reverse_no_more_than_is_left() {
    let mut sale = record(&confirmed(11, Some(user(2)), vec![item(21, 2, 10_000, 0, 0, 900)], 0, 0)).sale;
    assert_eq!(sale.units(), 2);
    sale.reverse_amount(9_000);
    let left = sale.remaining();
    assert_eq!(sale.reverse_units(OrderItemId(Uuid::from_u128(21)), 1), left);
    assert!(sale.remaining().is_zero());
    assert_eq!((sale.lines[0].returned, sale.units()), (1, 0));
    let mut other = record(&confirmed(11, None, vec![item(21, 3, 9_000, 0, 0, 0), item(22, 1, 1_000, 0, 0, 0)], 0, 0)).sale;
    other.reverse_units(OrderItemId(Uuid::from_u128(21)), 1);
    assert_eq!(other.units(), 3);
}

/// Balances by account, with the causes that were posted.
#[derive(Default)]
struct Ledger {
    balances: BTreeMap<Account, i64>,
    causes: Vec<String>,
}

impl Ledger {
    fn post(&mut self, drafts: impl IntoIterator<Item = Draft>) {
        for draft in drafts {
            assert_eq!(draft.entries().values().sum::<i64>(), 0);
            let cause = draft.subject().cause.clone();
            assert!(!self.causes.contains(&cause), "{cause} was posted twice");
            self.causes.push(cause);
            for (account, amount) in draft.entries() {
                *self.balances.entry(*account).or_default() += amount;
            }
        }
        self.balances.retain(|_, amount| *amount != 0);
    }

    fn of(&self, account: Account) -> i64 {
        self.balances.get(&account).copied().unwrap_or(0)
    }
}

fn record(event: &FulfilmentConfirmed) -> SaleRecord {
    let mut sale = Sale::of(event).expect("the amounts add up");
    if event.seller_id.is_some() {
        sale.charge(|_| 1_250);
    }
    SaleRecord {
        fulfilment_id: event.fulfilment_id,
        order_id: event.order_id,
        order_number: event.order_number.clone(),
        seller_id: event.seller_id,
        currency: event.currency,
        sale,
        day: Day::of(NOW),
        posted_at: None,
        rate_at: None,
        release_at: None,
        released_at: None,
    }
}

/// An order whose sales are posted.
fn posted(events: &[FulfilmentConfirmed]) -> (Order, Ledger) {
    let mut order = Order { order_id: events[0].order_id, returned_amount: 0, sales: events.iter().map(record).collect() };
    let mut ledger = Ledger::default();
    for record in &mut order.sales {
        ledger.post([record.post(NOW).unwrap()]);
    }
    (order, ledger)
}

fn two_sellers() -> Vec<FulfilmentConfirmed> {
    vec![
        confirmed(11, Some(user(2)), vec![item(21, 3, 9_999, 100, 0, 941), item(22, 1, 333, 33, 33, 29)], 490, 47),
        confirmed(12, Some(user(3)), vec![item(23, 7, 7_000, 0, 0, 665)], 590, 56),
        confirmed(13, None, vec![item(24, 2, 1_000, 999, 0, 0)], 0, 0),
    ]
}

fn apply(order: &mut Order, ledger: &mut Ledger, fact: &Fact) -> bool {
    match order.apply(fact).unwrap() {
        Some(drafts) => {
            ledger.post(drafts);
            true
        }
        None => false,
    }
}

#[test]
fn a_cancellation_reverses_the_sale_exactly() {
    let events = two_sellers();
    let (mut order, mut ledger) = posted(&events);
    for event in &events {
        let fact = Fact::Cancelled { fulfilment_id: event.fulfilment_id, refund_amount: event.total_amount };
        assert!(apply(&mut order, &mut ledger, &fact));
    }
    assert_eq!(ledger.balances, BTreeMap::new());
}

#[test]
fn units_that_come_back_one_by_one_reverse_exactly_their_line() {
    let events = two_sellers();
    let (mut order, mut ledger) = posted(&events[..1]);
    let line = OrderItemId(Uuid::from_u128(21));
    let mut back = 0;
    for number in 0..3 {
        let mut trial = order.clone();
        let part = trial.sales[0].sale.reverse_units(line, 1).customer;
        back += part;
        let fact = Fact::Returned { return_id: Uuid::from_u128(100 + number), lines: vec![(line, 1)], refund_amount: part };
        assert!(apply(&mut order, &mut ledger, &fact));
    }
    assert_eq!(back, 9_999 - 100 + 941);
    let (_, rest) = posted(&[confirmed(11, Some(user(2)), vec![item(22, 1, 333, 33, 33, 29)], 490, 47)]);
    assert_eq!(ledger.balances, rest.balances, "the other line and the fee stay");
    // More units than there are change nothing.
    let again = Fact::Returned { return_id: Uuid::from_u128(200), lines: vec![(line, 5)], refund_amount: 0 };
    assert!(apply(&mut order, &mut ledger, &again));
    assert_eq!(ledger.balances, rest.balances);
}

#[test]
fn an_administrators_refund_is_an_expense_and_one_in_full_is_split_by_fulfilment() {
    let events = two_sellers();
    let captured_amount: i64 = events.iter().map(|event| event.total_amount).sum();
    let refund = |id: u128, amount, in_full| Fact::Refunded { refund_id: Uuid::from_u128(id), amount, captured_amount, in_full };
    let (mut order, mut ledger) = posted(&events);
    let earned = ledger.of(Account::SellerPending(user(2)));
    assert!(apply(&mut order, &mut ledger, &refund(1, 700, false)));
    assert_eq!(ledger.of(Account::RefundExpense), -700);
    assert_eq!(ledger.of(Account::SellerPending(user(2))), earned);
    assert!(apply(&mut order, &mut ledger, &refund(2, captured_amount - 700, true)));
    assert_eq!(ledger.of(Account::ProviderClearing), 0, "all of the customer's money went back");
    assert_eq!(ledger.of(Account::RefundExpense), -700);
    // At once in full: nothing is left anywhere.
    let (mut order, mut ledger) = posted(&events);
    assert!(apply(&mut order, &mut ledger, &refund(3, captured_amount, true)));
    assert_eq!(ledger.balances, BTreeMap::new());
}

/// The causes and fulfilments of postings.
fn causes(drafts: &[Draft]) -> Vec<(&str, Option<FulfilmentId>)> {
    drafts.iter().map(|draft| (draft.subject().cause.as_str(), draft.subject().fulfilment_id)).collect()
}

#[test]
fn a_return_is_posted_for_the_sales_that_it_concerns() {
    let events = two_sellers();
    let (mut order, _) = posted(&events);
    let id = Uuid::from_u128(100);
    let lines = vec![(OrderItemId(Uuid::from_u128(23)), 1)];
    let drafts = order.apply(&Fact::Returned { return_id: id, lines, refund_amount: 1_095 }).unwrap().unwrap();
    let of = |at: usize| events[at].fulfilment_id;
    assert_eq!(causes(&drafts), [(format!("RETURN/{id}/{}", of(1)).as_str(), Some(of(1)))]);
    assert_eq!((drafts[0].entries().get(&Account::ProviderClearing), order.returned_amount), (Some(&1_095), 1_095));
    // What is paid back without a unit is the shop's expense, booked with the first sale.
    let id = Uuid::from_u128(101);
    let drafts = order.apply(&Fact::Returned { return_id: id, lines: Vec::new(), refund_amount: 5 }).unwrap().unwrap();
    assert_eq!(causes(&drafts), [(format!("RETURN/{id}/{}", of(0)).as_str(), Some(of(0)))]);
    assert_eq!(drafts[0].entries(), &BTreeMap::from([(Account::ProviderClearing, 5), (Account::RefundExpense, -5)]));
    assert_eq!(order.returned_amount, 1_100);
}

#[test]
fn the_last_refund_is_posted_for_sales_that_have_something_left_and_the_shop_pays_what_none_has() {
    let events = two_sellers();
    let captured_amount: i64 = events.iter().map(|event| event.total_amount).sum();
    let (mut order, _) = posted(&events);
    // The customer gets nothing back for the first part, so that more money is left than the sales have.
    assert!(order.apply(&Fact::Cancelled { fulfilment_id: events[0].fulfilment_id, refund_amount: 0 }).unwrap().is_some());
    let id = Uuid::from_u128(1);
    let refund = Fact::Refunded { refund_id: id, amount: captured_amount, captured_amount, in_full: true };
    let drafts = order.apply(&refund).unwrap().unwrap();
    let [second, third] = [1, 2].map(|at| events[at].fulfilment_id);
    let [of_second, of_third] = [second, third].map(|fulfilment| format!("REFUND/{id}/{fulfilment}"));
    let expense = format!("REFUND/{id}");
    assert_eq!(causes(&drafts), [(of_second.as_str(), Some(second)), (of_third.as_str(), Some(third)), (expense.as_str(), None)]);
    let paid = events[0].total_amount;
    assert_eq!(drafts[2].entries(), &BTreeMap::from([(Account::ProviderClearing, paid), (Account::RefundExpense, -paid)]));
    assert_eq!((drafts[2].subject().seller_id, order.returned_amount), (None, captured_amount));
    // At once in full, each sale has its share and nothing is left for the shop.
    let (mut order, _) = posted(&events);
    assert_eq!(order.apply(&refund).unwrap().unwrap().len(), 3);
}

#[test]
fn a_share_becomes_available_once_and_the_shop_has_none() {
    let (mut order, mut ledger) = posted(&two_sellers());
    let share = ledger.of(Account::SellerPending(user(2)));
    let [first, cancelled, of_shop] = order.sales.as_mut_slice() else { panic!("there are three sales") };
    first.release_at = Some(NOW);
    ledger.post(first.release(NOW).unwrap());
    assert_eq!((ledger.of(Account::SellerPending(user(2))), ledger.of(Account::SellerAvailable(user(2)))), (0, share));
    assert_eq!((first.released_at, first.release_at), (Some(NOW), None));
    cancelled.sale.reverse_all();
    assert_eq!([first.release(NOW), cancelled.release(NOW), of_shop.release(NOW)], [Ok(None), Ok(None), Ok(None)]);
}

#[test]
fn a_fact_waits_until_its_sales_are_posted() {
    let events = two_sellers();
    let captured_amount: i64 = events.iter().map(|event| event.total_amount).sum();
    let in_full = Fact::Refunded { refund_id: Uuid::from_u128(1), amount: captured_amount, captured_amount, in_full: true };
    let (mut order, _) = posted(&events[..2]);
    assert_eq!(order.apply(&in_full), Ok(None), "a part of the order is not known yet");
    order.sales.push(record(&events[2]));
    assert_eq!(order.apply(&in_full), Ok(None), "and not posted yet");
    let lines = vec![(OrderItemId(Uuid::from_u128(24)), 1)];
    assert_eq!(order.apply(&Fact::Returned { return_id: Uuid::from_u128(2), lines, refund_amount: 1 }), Ok(None));
    assert_eq!(order.apply(&Fact::Cancelled { fulfilment_id: events[2].fulfilment_id, refund_amount: 1 }), Ok(None));
    let mut empty = Order { sales: Vec::new(), ..order };
    assert_eq!(empty.apply(&Fact::Refunded { refund_id: Uuid::from_u128(1), amount: 1, captured_amount, in_full: false }), Ok(None));
}

/// A sale and its bookings, as the page of promotions writes them.
fn example(cells: &[&str]) -> (FulfilmentConfirmed, Shares) {
    let (of, facts) = cells[1].split_once(": ").expect("a sale has an owner");
    let amount_of = |what: &str| {
        let fact = facts.split(", ").find_map(|fact| fact.strip_prefix(what)?.strip_prefix(' '));
        fact.map_or(0, |amount| amount.parse::<i64>().expect("an amount"))
    };
    let (by_seller, goods, waived) = (amount_of("seller off goods"), amount_of("goods"), amount_of("shop off fee"));
    let line = item(5, 2, goods, by_seller + amount_of("shop off goods"), by_seller, 0);
    let paid = amount_of("fee") - waived - amount_of("seller off fee");
    let event = confirmed(3, (of == "of S").then(|| user(2)), vec![line], paid, 0);
    let [customer, promotion, seller, commission, shop, shipping] = [2, 3, 4, 5, 6, 7].map(|at| cells[at].parse().expect("an amount"));
    let shares = Shares { customer, promotion, seller, commission, shop, shipping, tax: 0 };
    (FulfilmentConfirmed { waived_shipping_amount: waived, ..event }, shares)
}

#[test]
fn the_examples_of_the_page_of_promotions_are_booked_as_it_says() {
    let page = include_str!("../../../../docs/promotions.md");
    let section = page.split("\n## ").find(|section| section.starts_with("In the ledger")).expect("the page has the section");
    let rows = section.lines().filter(|line| line.starts_with("| ") && line.contains(": "));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let (event, shares) = example(&row);
        assert_eq!(sale_of(&event), shares, "example {}", row[0]);
    }
}

fn event(number: u128) -> impl Strategy<Value = FulfilmentConfirmed> {
    let line = (1_u32..6, 0_i64..5_000, 0_i64..=100, 0_i64..=100, 0_i64..2_500);
    let sale = (vec(line, 1..4), any::<bool>(), 0_i64..1_000, 0_i64..500, any::<bool>());
    sale.prop_map(move |(lines, is_own, fee, waived_shipping_amount, prices_include_tax)| {
        let items = lines.into_iter().enumerate().map(|(at, (quantity, unit, discount, by_seller, tax))| {
            let total = unit * i64::from(quantity);
            let off = total * discount / 100;
            item(100 * number + at as u128, quantity, total, off, off * by_seller / 100, (total - off) * tax / 10_000)
        });
        let event = confirmed(number, (!is_own).then(|| user(50 + number)), items.collect(), fee, 0);
        let total_amount = event.total_amount - if prices_include_tax { event.tax_amount } else { 0 };
        FulfilmentConfirmed { waived_shipping_amount, prices_include_tax, total_amount, ..event }
    })
}

/// A fact by numbers, for an order with these fulfilments.
fn fact_of(events: &[FulfilmentConfirmed], id: u128, (kind, which, amount): (u8, usize, i64)) -> Fact {
    let event = &events[which % events.len()];
    let captured_amount: i64 = events.iter().map(|event| event.total_amount).sum();
    match kind % 4 {
        0 => Fact::Cancelled { fulfilment_id: event.fulfilment_id, refund_amount: event.total_amount },
        1 => {
            let line = &event.items[which % event.items.len()];
            let added_tax = if event.prices_include_tax { 0 } else { line.tax_amount };
            let refund_amount = (line.line_total_amount - line.discount_amount + added_tax) / i64::from(line.quantity);
            Fact::Returned { return_id: Uuid::from_u128(id), lines: vec![(line.order_item_id, 1)], refund_amount }
        }
        2 => Fact::Refunded { refund_id: Uuid::from_u128(id), amount: amount % 3_000, captured_amount, in_full: false },
        _ => Fact::Refunded { refund_id: Uuid::from_u128(id), amount: captured_amount, captured_amount, in_full: true },
    }
}

proptest! {
    #[test]
    fn no_sequence_unbalances_the_books_or_pays_more_than_was_earned(
        first in event(1), second in event(2), third in event(3),
        facts in vec((any::<u8>(), 0_usize..9, 0_i64..30_000), 0..12), releases in vec(0_usize..3, 0..4), payouts in vec(0_usize..12, 0..4),
    ) {
        let events = vec![first, second, third];
        let (mut order, mut ledger) = posted(&events);
        let earned: BTreeMap<UserId, i64> = order.sales.iter().filter_map(|r| Some((r.seller_id?, r.sale.total().seller))).collect();
        let mut paid = BTreeMap::<UserId, i64>::new();
        let mut cancelled = Vec::new();
        for (at, numbers) in facts.into_iter().enumerate() {
            if let Some(release) = releases.get(at) {
                ledger.post(order.sales[*release].release(NOW).unwrap());
            }
            if payouts.contains(&at) {
                // A payout takes what is available.
                for seller in earned.keys() {
                    let available = ledger.of(Account::SellerAvailable(*seller));
                    if available > 0 {
                        let subject = Subject { cause: format!("PAYOUT/{at}/{seller}"), ..subject() };
                        let entries = [(Account::SellerAvailable(*seller), -available), (Account::ProviderClearing, available)];
                        ledger.post([Draft::new(subject, Currency::EUR, entries).unwrap()]);
                        *paid.entry(*seller).or_default() += available;
                    }
                }
            }
            let fact = fact_of(&events, 1_000 + at as u128, numbers);
            // A fulfilment is cancelled once.
            if let Fact::Cancelled { fulfilment_id, .. } = &fact {
                if cancelled.contains(fulfilment_id) { continue; }
                cancelled.push(*fulfilment_id);
            }
            prop_assert!(apply(&mut order, &mut ledger, &fact));
            prop_assert_eq!(ledger.balances.values().sum::<i64>(), 0);
            prop_assert!(order.returned_amount <= events.iter().map(|event| event.total_amount).sum::<i64>());
        }
        for (seller, paid) in paid {
            prop_assert!(paid <= earned[&seller], "{seller} earned {} and was paid {paid}", earned[&seller]);
        }
        for record in &order.sales {
            let Shares { customer, promotion, seller, commission, shop, shipping, tax } = record.sale.remaining();
            prop_assert_eq!(customer + promotion, seller + commission + shop + shipping + tax);
        }
    }

    #[test]
    fn the_full_refund_of_a_cancelled_order_counts_once_in_any_order(first in event(1), second in event(2), earlier in 0_i64..2_000, order_of in 0_usize..6) {
        let events = vec![first, second];
        let total: i64 = events.iter().map(|event| event.total_amount).sum();
        let earlier = earlier.min(total);
        let refund = |id: u128, amount, in_full| Fact::Refunded { refund_id: Uuid::from_u128(id), amount, captured_amount: total, in_full };
        // An earlier refund of an administrator lessens what goes back for the first part.
        let of_first = earlier.min(events[0].total_amount);
        let cancel = |event: &FulfilmentConfirmed, less: i64| Fact::Cancelled { fulfilment_id: event.fulfilment_id, refund_amount: event.total_amount - less };
        let facts = [cancel(&events[0], of_first), cancel(&events[1], earlier - of_first), refund(9, total - earlier, true)];
        let (mut order, mut ledger) = posted(&events);
        prop_assert!(apply(&mut order, &mut ledger, &refund(8, earlier, false)));
        for at in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]][order_of] {
            prop_assert!(apply(&mut order, &mut ledger, &facts[at]));
        }
        prop_assert_eq!(ledger.balances, BTreeMap::new());
    }
}
