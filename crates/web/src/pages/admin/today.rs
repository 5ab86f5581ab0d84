//! Today beside the week before: what the public API says about orders, money, stock and events.

use super::{
    Desk,
    admin_orders::PATH as ORDERS,
    parked::{self, Lag, span},
    screens::{Cell, Row, Sheet, Table},
    words::badge,
};
use crate::{
    api::Failure,
    dashboard::{Figure, Head, Tone},
    format,
    plot::{Plot, PlotKind, Series},
    texts::Language,
};
use axum::response::Response;
use contracts::{
    audit::{DomainEvent, LIST_AUDIT_EVENTS},
    call::Call,
    failed_event::FailedEventStatus,
    ids::Uuid,
    inventory::LIST_STOCK,
    money::Currency,
    notification::LIST_ALL_NOTIFICATIONS,
    order::{COUNT_ORDERS, LIST_ALL_ORDERS, OrderStatus, OrderSummary},
    page::{Page, Totals},
    returns::LIST_ALL_RETURNS,
    review::LIST_ALL_REVIEWS,
    seller::LIST_SELLER_RECORDS,
    time::Timestamp,
};
use serde::de::DeserializeOwned;
use std::{collections::HashMap, time::Duration};

const DAY_SECONDS: i64 = 86_400;
const WEEK: usize = 7;
/// Orders are added up in so many pages of a hundred at most.
const PAGES: usize = 10;
const BATCH: usize = 100;
const LATEST: usize = 8;
/// Upper ends of the bars of a plot of spans, in milliseconds; the last bar has the rest.
const ENDS_MS: [u128; 6] = [10, 50, 200, 500, 1_000, 5_000];

fn instant(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1_000_000))
}

/// What was ordered in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ordered {
    orders: u64,
    failed: u64,
}

impl Ordered {
    fn of(totals: &Totals<OrderStatus>) -> Ordered {
        let failed = totals.by_status.iter().filter(|(status, _)| *status == OrderStatus::PaymentFailed);
        Ordered { orders: totals.total, failed: failed.map(|(_, count)| count).sum() }
    }
}

async fn ordered(desk: &Desk, from: Timestamp, to: Timestamp) -> Result<Ordered, Failure> {
    let totals = desk.call(&COUNT_ORDERS).query("from", from).query("to", to).send().await?;
    Ok(Ordered::of(&totals))
}

/// Each of the last fourteen days, the oldest first.
async fn by_day(desk: &Desk, today: i64) -> Result<Vec<Ordered>, Failure> {
    let mut days = Vec::with_capacity(2 * WEEK);
    for day in (0..2 * WEEK).rev() {
        let start = (today - i64::try_from(day).unwrap_or(0)) * DAY_SECONDS;
        days.push(ordered(desk, instant(start), instant(start + DAY_SECONDS)).await?);
    }
    Ok(days)
}

/// The newest orders, back to an instant or as far as the pages reach. The flag says that they reach all the way.
async fn orders_since(desk: &Desk, from: Timestamp) -> Result<(Vec<OrderSummary>, bool), Failure> {
    let (mut orders, mut cursor): (Vec<OrderSummary>, Option<String>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let mut call = desk.call(&LIST_ALL_ORDERS).query("from", from).query("limit", BATCH);
        if let Some(cursor) = &cursor {
            call = call.query("cursor", cursor);
        }
        let page = call.send().await?;
        orders.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok((orders, true)),
        }
    }
    Ok((orders, false))
}

/// Whether the money of an order came in.
fn is_paid(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Refunded)
}

/// The revenue of the last fourteen days, the oldest first; `None` for days that the orders do not reach back to.
struct Revenue {
    currency: Currency,
    days: Vec<Option<i64>>,
    /// Today, and at the same time a week ago.
    today: i64,
    week_ago: Option<i64>,
}

impl Revenue {
    fn of(orders: &[OrderSummary], is_complete: bool, now: Timestamp) -> Revenue {
        let mut counts: HashMap<Currency, usize> = HashMap::new();
        for order in orders {
            *counts.entry(order.currency).or_default() += 1;
        }
        let currency =
            counts.into_iter().max_by_key(|(currency, count)| (*count, *currency)).map_or(Currency::EUR, |(currency, _)| currency);
        let day_of = |at: Timestamp| at.unix_seconds().div_euclid(DAY_SECONDS);
        let today = day_of(now);
        // The day of the oldest order may have others that were not read.
        let oldest = orders.last().filter(|_| !is_complete).map(|order| day_of(order.created_at));
        let first = today - 2 * i64::try_from(WEEK).unwrap_or(0) + 1;
        let mut days: Vec<Option<i64>> = (first..=today).map(|day| oldest.is_none_or(|oldest| day > oldest).then_some(0)).collect();
        let same_time = Timestamp(now.0 - 7 * DAY_SECONDS * 1_000_000);
        let mut week_ago = days.get(WEEK - 1).copied().flatten();
        for order in orders.iter().filter(|order| order.currency == currency && is_paid(order.status)) {
            let at = usize::try_from(day_of(order.created_at) - first).ok();
            if let Some(Some(sum)) = at.and_then(|at| days.get_mut(at)) {
                *sum += order.total_amount;
            }
            if let Some(sum) = week_ago.as_mut()
                && day_of(order.created_at) == today - 7
                && order.created_at < same_time
            {
                *sum += order.total_amount;
            }
        }
        let today = days.last().copied().flatten().unwrap_or(0);
        Revenue { currency, days, today, week_ago }
    }
}

/// How long the newest orders took from their placing to their confirmation, as the log shows it.
async fn confirmation_times(desk: &Desk) -> Result<Vec<Duration>, Failure> {
    let read = async |kind: &str| desk.call(&LIST_AUDIT_EVENTS).query("eventType", kind).query("limit", BATCH).send().await;
    let (placed, confirmed) = tokio::join!(read("OrderCreated"), read("OrderConfirmed"));
    Ok(spans(&placed?.items, &confirmed?.items))
}

fn spans(placed: &[DomainEvent], confirmed: &[DomainEvent]) -> Vec<Duration> {
    let placed: HashMap<Uuid, Timestamp> = placed.iter().map(|event| (event.aggregate_id, event.occurred_at)).collect();
    let mut spans: Vec<Duration> =
        confirmed.iter().filter_map(|event| Some(event.occurred_at.since(*placed.get(&event.aggregate_id)?))).collect();
    spans.sort_unstable();
    spans
}

/// How many items a list has, up to a page.
async fn count<T: DeserializeOwned>(desk: &Desk, call: &Call<(), Page<T>>, filter: (&str, &str)) -> String {
    match desk.call(call).query(filter.0, filter.1).query("limit", BATCH).send().await {
        Ok(page) if page.next_cursor.is_some() => format!("{}+", page.items.len()),
        Ok(page) => page.items.len().to_string(),
        Err(_) => "–".to_owned(),
    }
}

/// A day such as `28 Nov`.
fn short_day(language: Language, seconds: i64) -> String {
    let day = format::day(language, instant(seconds)).replace('\u{a0}', " ");
    let mut words = day.split(' ');
    let (day, month) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    format!("{day}\u{a0}{}", month.chars().take(3).collect::<String>())
}

/// Two series over the days of a week: this week and the one before.
fn weeks<T: Copy>(desk: &Desk, days: &[T], value: impl Fn(T) -> Option<i64>) -> Vec<Series> {
    let (before, this) = days.split_at(days.len().min(WEEK));
    let series = |name: &str, days: &[T]| Series { name: name.to_owned(), values: days.iter().map(|day| value(*day)).collect() };
    vec![series(desk.t.this_week, this), series(desk.t.week_before, before)]
}

/// How many spans end in each bar.
fn spread(spans: &[Duration]) -> Vec<Option<i64>> {
    let mut counts = vec![0_i64; ENDS_MS.len() + 1];
    for span in spans {
        let bar = ENDS_MS.iter().position(|end| span.as_millis() <= *end).unwrap_or(ENDS_MS.len());
        counts[bar] += 1;
    }
    if spans.is_empty() { Vec::new() } else { counts.into_iter().map(Some).collect() }
}

fn spread_plot(desk: &Desk, title: &'static str, spans: &[Duration]) -> Plot {
    let written = |ms: u128| span(Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)));
    let mut points: Vec<String> = ENDS_MS.iter().map(|end| format!("≤\u{a0}{}", written(*end))).collect();
    points.push(desk.t.longer.to_owned());
    let series = vec![Series { name: desk.t.number.to_owned(), values: spread(spans) }];
    Plot::new(PlotKind::Bar, (title, desk.t.span), points, series, |value| value.to_string())
}

pub async fn show(desk: Desk) -> Response {
    let (t, now) = (desk.t, desk.now());
    let today = now.unix_seconds().div_euclid(DAY_SECONDS);
    let start = today * DAY_SECONDS;
    let week_ago = Timestamp(now.0 - 7 * DAY_SECONDS * 1_000_000);
    let first = instant(start - 13 * DAY_SECONDS);
    let low = desk.call(&LIST_STOCK).query("lowStock", true).query("limit", BATCH).send();
    let log = desk.call(&LIST_AUDIT_EVENTS).query("limit", BATCH).send();
    let (days, before, orders, times, low, log) = tokio::join!(
        by_day(&desk, today),
        ordered(&desk, instant(start - 7 * DAY_SECONDS), week_ago),
        orders_since(&desk, first),
        confirmation_times(&desk),
        low,
        log,
    );
    // Without the orders there is nothing to show; the rest is left out where it does not answer.
    let (days, (orders, is_complete)) = match (days, orders) {
        (Ok(days), Ok(orders)) => (days, orders),
        (Err(failure), _) | (_, Err(failure)) => return desk.failed(&failure),
    };
    let waiting = tokio::join!(
        count(&desk, &LIST_SELLER_RECORDS, ("status", "APPLIED")),
        count(&desk, &LIST_ALL_REVIEWS, ("status", "PENDING")),
        count(&desk, &LIST_ALL_RETURNS, ("status", "REQUESTED")),
        count(&desk, &LIST_ALL_NOTIFICATIONS, ("status", "FAILED")),
        parked::of_all(&desk, FailedEventStatus::Parked.as_str()),
    );
    let before = before.unwrap_or_default();
    let present = days.last().copied().unwrap_or_default();
    let revenue = Revenue::of(&orders, is_complete, now);
    let money = |minor: i64| desk.money(minor, revenue.currency);
    let times = times.unwrap_or_default();
    let log = log.map(|page| page.items).unwrap_or_default();
    let lag = Lag::of(&log);
    let lags: Vec<Duration> = log.iter().map(|event| event.recorded_at.since(event.occurred_at)).collect();
    let (low_count, sold_out) = match &low {
        Ok(page) => (page.items.len(), page.items.iter().filter(|stock| stock.available_qty == 0).count()),
        Err(_) => (0, 0),
    };
    let (sellers, reviews, returns, messages, services) = waiting;
    let parked: usize = services.iter().filter_map(|(_, answer)| answer.as_ref().ok()).map(|page| page.items.len()).sum();
    let change = |now: i64, before: i64| format::change(desk.lang, now, before).unwrap_or_default();
    let more = |now: i64, before: i64| if now >= before { Tone::Good } else { Tone::Bad };
    let (count_now, count_before) = (i64::try_from(present.orders).unwrap_or(0), i64::try_from(before.orders).unwrap_or(0));
    let (failed_now, failed_before) = (i64::try_from(present.failed).unwrap_or(0), i64::try_from(before.failed).unwrap_or(0));
    let median = times.get(times.len() / 2).map_or_else(|| "–".to_owned(), |median| span(*median));
    let day = contracts::payout::Day::of(now);
    let figures = vec![
        Figure::new(t.orders, present.orders)
            .changed(change(count_now, count_before), more(count_now, count_before))
            .leads_to(format!("{ORDERS}?from={day}")),
        Figure::new(t.revenue, money(revenue.today))
            .changed(change(revenue.today, revenue.week_ago.unwrap_or(0)), more(revenue.today, revenue.week_ago.unwrap_or(0))),
        Figure::new(t.failed_payments, present.failed)
            .changed(change(failed_now, failed_before), more(failed_before, failed_now))
            .leads_to(format!("{ORDERS}?status=PAYMENT_FAILED&from={day}")),
        Figure::new(t.low_stock, low_count)
            .changed(format!("{sold_out} {}", t.of_them_sold_out), if sold_out > 0 { Tone::Bad } else { Tone::Plain })
            .leads_to("/admin/stock?lowStock=true"),
        Figure::new(t.time_to_confirm, median),
        Figure::new(t.event_lag, span(lag.median)).leads_to("/admin/events"),
    ];
    let labels: Vec<String> = (0..7).map(|at| short_day(desk.lang, start - (6 - at) * DAY_SECONDS)).collect();
    let number = |value: i64| value.to_string();
    let counted = |count: u64| i64::try_from(count).ok();
    let plots = vec![
        Plot::new(PlotKind::Line, (t.orders, t.day), labels.clone(), weeks(&desk, &days, |day| counted(day.orders)), number),
        Plot::new(PlotKind::Line, (t.revenue, t.day), labels.clone(), weeks(&desk, &revenue.days, |day| day), money),
        Plot::new(PlotKind::Bar, (t.failed_payments, t.day), labels, weeks(&desk, &days, |day| counted(day.failed)), number),
        spread_plot(&desk, t.time_to_confirm, &times),
        spread_plot(&desk, t.event_lag, &lags),
    ];
    let todo = [
        (t.todo_sellers, sellers, "/admin/sellers?status=APPLIED"),
        (t.todo_reviews, reviews, "/admin/reviews?status=PENDING"),
        (t.todo_returns, returns, "/admin/returns?status=REQUESTED"),
        (t.todo_messages, messages, "/admin/notifications?status=FAILED"),
        (t.todo_events, parked.to_string(), "/admin/events?status=PARKED"),
    ];
    let todo = Table {
        id: "todo",
        title: t.waiting_for_you,
        heads: vec![Head::new(t.what), Head::number(t.number)],
        rows: todo.into_iter().map(|(label, count, href)| Row::of([Cell::link(label, href), Cell::number(count)])).collect(),
        empty: t.none,
        note: String::new(),
    };
    let rows = orders.iter().take(LATEST).map(|order| {
        Row::of([
            Cell::link(&order.order_number, format!("{ORDERS}/{}", order.order_id)),
            Cell::text(desk.moment(order.created_at)),
            Cell::badge(badge(t, &order.status.to_string())),
            Cell::number(desk.money(order.total_amount, order.currency)),
        ])
    });
    let latest = Table {
        id: "latest",
        title: t.latest_orders,
        heads: vec![Head::new(t.order), Head::new(t.placed), Head::new(t.status), Head::number(t.total)],
        rows: rows.collect(),
        empty: t.no_orders,
        note: String::new(),
    };
    let lead = if is_complete { t.today_lead } else { t.today_lead_cut };
    let view =
        Sheet { title: t.place_today.to_owned(), lead: lead.to_owned(), figures, plots, tables: vec![todo, latest], ..Sheet::default() };
    desk.sheet(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn order(at: i64, status: &str, amount: i64, currency: &str) -> OrderSummary {
        serde_json::from_value(json!({
            "orderId": "0190a1b2-c3d4-7000-8000-00000000000f", "orderNumber": "A", "userId": "0190a1b2-c3d4-7000-8000-00000000000f",
            "status": status, "currency": currency, "totalAmount": amount, "itemCount": 1, "items": [], "paymentId": null,
            "createdAt": instant(at).to_string(), "updatedAt": instant(at).to_string(),
        }))
        .unwrap()
    }

    #[test]
    fn revenue_is_what_was_paid_in_the_main_currency() {
        let noon = 20 * DAY_SECONDS + DAY_SECONDS / 2;
        let orders = [
            order(noon - 60, "CONFIRMED", 500, "EUR"),
            order(noon - 90, "PAYMENT_FAILED", 900, "EUR"),
            order(noon - 100, "DELIVERED", 700, "USD"),
            order(noon - 7 * DAY_SECONDS + 60, "SHIPPED", 40, "EUR"),
            order(noon - 7 * DAY_SECONDS - 60, "SHIPPED", 30, "EUR"),
        ];
        let all = Revenue::of(&orders, true, instant(noon));
        assert_eq!((all.currency, all.today, all.week_ago), (Currency::EUR, 500, Some(30)));
        assert_eq!((all.days.len(), all.days[6], all.days[13]), (14, Some(70), Some(500)));
        let cut = Revenue::of(&orders, false, instant(noon));
        assert_eq!((cut.days[6], cut.days[7], cut.week_ago), (None, Some(0), None), "the oldest day may lack orders");
    }

    #[test]
    fn spans_fall_into_bars() {
        let spans = [5, 10, 11, 600, 90_000].map(Duration::from_millis);
        assert_eq!(spread(&spans), [Some(2), Some(1), Some(0), Some(0), Some(1), Some(0), Some(1)]);
        assert!(spread(&[]).is_empty());
    }

    #[test]
    fn a_short_day_has_no_year() {
        assert_eq!(short_day(Language::English, 20_785 * DAY_SECONDS), "28\u{a0}Nov");
        assert_eq!(short_day(Language::German, 20_785 * DAY_SECONDS), "28.\u{a0}Nov");
    }
}
