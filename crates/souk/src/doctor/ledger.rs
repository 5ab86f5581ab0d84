//! The check of the ledger of sellers: it balances, and no order was sold for more than its payments captured.
//!
//! The ledger is read first. What it knows was captured before, so an event on its way is no fault.

use anyhow::Result;
use contracts::{
    ids::{OrderId, Uuid},
    money::Money,
    payment::PaymentStatus,
};
use payment::OrderPayment;
use payout::OrderLedger;
use platform::db::Db;
use std::collections::BTreeMap;

/// Orders of a batch.
const BATCH: usize = 1_000;
/// The check stops after this many faults.
const MAX_FAULTS: usize = 100;

/// Checks the ledger. Returns what was checked, and a sentence for each fault.
pub async fn check(ledger: &Db, payments: &Db) -> Result<(String, Vec<String>)> {
    let (postings, accounts) = payout::count(ledger).await?;
    let mut faults = payout::check_consistency(ledger).await?;
    let mut after = OrderId(Uuid::nil());
    while faults.len() < MAX_FAULTS {
        let orders = payout::list_for_check(ledger, after, BATCH).await?;
        let Some(last) = orders.last().map(|order| order.order_id) else { break };
        let mut by_order = BTreeMap::<OrderId, Vec<OrderPayment>>::new();
        for payment in payment::list_by_orders(payments, after, last).await? {
            by_order.entry(payment.order_id).or_default().push(payment);
        }
        faults.extend(orders.iter().filter_map(|order| fault(order, by_order.get(&order.order_id).map_or(&[], Vec::as_slice))));
        after = last;
    }
    faults.truncate(MAX_FAULTS);
    Ok((format!("ledger: {postings} postings on {accounts} accounts balance, and agree with the payments"), faults))
}

/// L3: an order is sold for no more than was captured, and no more goes back than it was sold for.
fn fault(order: &OrderLedger, payments: &[OrderPayment]) -> Option<String> {
    let OrderLedger { order_id, currency, sold_amount, returned_amount } = *order;
    let is_captured = |payment: &&OrderPayment| {
        payment.currency == currency && matches!(payment.status, PaymentStatus::Captured | PaymentStatus::Refunded)
    };
    let captured: i64 = payments.iter().filter(is_captured).map(|payment| payment.amount).sum();
    let money = |minor| Money::new(minor, currency);
    if sold_amount > captured {
        return Some(format!("order {order_id}: sold for {} in the ledger, but {} was captured (L3)", money(sold_amount), money(captured)));
    }
    let is_too_much = returned_amount > sold_amount;
    is_too_much.then(|| format!("order {order_id}: {} of {} went back in the ledger (L3)", money(returned_amount), money(sold_amount)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{ids::PaymentId, money::Currency};

    #[test]
    fn an_order_is_sold_for_no_more_than_was_captured() {
        let order = OrderLedger { order_id: OrderId(Uuid::nil()), currency: Currency::EUR, sold_amount: 500, returned_amount: 0 };
        let payment = |status, amount, currency| OrderPayment {
            order_id: order.order_id,
            payment_id: PaymentId(Uuid::nil()),
            status,
            amount,
            currency,
            is_unsettled: false,
        };
        let captured = payment(PaymentStatus::Captured, 500, Currency::EUR);
        assert_eq!(fault(&order, &[captured.clone(), payment(PaymentStatus::Failed, 500, Currency::EUR)]), None);
        for wrong in [payment(PaymentStatus::Authorized, 500, Currency::EUR), payment(PaymentStatus::Captured, 500, Currency::USD)] {
            let fault = fault(&order, &[wrong]).expect("nothing was captured in its currency");
            assert!(fault.ends_with("sold for 5.00 EUR in the ledger, but 0.00 EUR was captured (L3)"), "{fault}");
        }
        let back = OrderLedger { returned_amount: 501, ..order };
        assert!(fault(&back, &[captured]).expect("too much went back").contains("5.01 EUR of 5.00 EUR"));
    }
}
