//! Figures of orders by day.

use contracts::{
    money::Currency,
    order::{DailyOrders, DailyRevenue, OrderStatus},
    payout::Day,
};

/// Orders of one day, one currency and one status.
#[derive(Debug, Clone)]
pub struct DayCount {
    pub day: Day,
    pub currency: Currency,
    pub status: OrderStatus,
    pub orders: u64,
    pub total_amount: i64,
}

/// Whether the money of an order in this status came in.
const fn is_paid(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded)
}

/// Adds the counts up, the oldest day first.
#[must_use]
pub fn by_day(mut counts: Vec<DayCount>) -> Vec<DailyOrders> {
    counts.sort_by(|a, b| (a.day.as_str(), a.currency).cmp(&(b.day.as_str(), b.currency)));
    let mut days: Vec<DailyOrders> = Vec::new();
    for DayCount { day, currency, status, orders, total_amount } in counts {
        if days.last().is_none_or(|last| last.day != day) {
            days.push(DailyOrders { day, orders: 0, payment_failed: 0, revenue: Vec::new() });
        }
        let Some(last) = days.last_mut() else { continue };
        last.orders += orders;
        last.payment_failed += if status == OrderStatus::PaymentFailed { orders } else { 0 };
        if !is_paid(status) {
            continue;
        }
        match last.revenue.last_mut().filter(|revenue| revenue.currency == currency) {
            Some(revenue) => (revenue.orders, revenue.total_amount) = (revenue.orders + orders, revenue.total_amount + total_amount),
            None => last.revenue.push(DailyRevenue { currency, orders, total_amount }),
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_day_and_currency() {
        let count = |day: &str, currency: &str, status, orders, total_amount| DayCount {
            day: day.parse().unwrap(),
            currency: currency.parse().unwrap(),
            status,
            orders,
            total_amount,
        };
        let days = by_day(vec![
            count("2026-11-28", "USD", OrderStatus::Shipped, 1, 70),
            count("2026-11-28", "EUR", OrderStatus::Confirmed, 2, 500),
            count("2026-11-27", "EUR", OrderStatus::PaymentFailed, 1, 900),
            count("2026-11-28", "EUR", OrderStatus::Refunded, 1, 40),
            count("2026-11-28", "EUR", OrderStatus::Cancelled, 3, 800),
        ]);
        let revenue = |currency: &str, orders, total_amount| DailyRevenue { currency: currency.parse().unwrap(), orders, total_amount };
        assert_eq!(
            days,
            [
                DailyOrders { day: "2026-11-27".parse().unwrap(), orders: 1, payment_failed: 1, revenue: vec![] },
                DailyOrders {
                    day: "2026-11-28".parse().unwrap(),
                    orders: 7,
                    payment_failed: 0,
                    revenue: vec![revenue("EUR", 3, 540), revenue("USD", 1, 70)],
                },
            ]
        );
    }
}
