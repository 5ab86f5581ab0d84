//! Today beside the week before: what the public API says about orders, money, carts, stock, requests and events.

use super::{
    AdminRequest,
    admin_orders::PATH as ORDERS,
    parked::span,
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
    cart::{DailyCarts, LIST_DAILY_CARTS},
    ids::Uuid,
    inventory::LIST_STOCK,
    money::Currency,
    notification::LIST_ALL_NOTIFICATIONS,
    order::{DailyOrders, LIST_ALL_ORDERS, LIST_DAILY_ORDERS},
    page::Page,
    payout::Day,
    returns::LIST_ALL_RETURNS,
    review::LIST_ALL_REVIEWS,
    seller::LIST_SELLER_RECORDS,
    system::{GET_SYSTEM, RequestSpan, SystemStatus},
    time::Timestamp,
};
use serde::de::DeserializeOwned;
use std::{collections::HashMap, time::Duration};

const DAY_SECONDS: i64 = 86_400;
const WEEK: usize = 7;
const BATCH: usize = 100;
const LATEST: usize = 8;
/// Pages of events of stock that are read at most.
const LOW_PAGES: usize = 3;
/// Upper ends of the bars of a plot of spans, in milliseconds; the last bar has the rest.
const ENDS_MS: [u128; 6] = [10, 50, 200, 500, 1_000, 5_000];

fn instant(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1_000_000))
}

/// What happened in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Figures {
    orders: i64,
    failed: i64,
    /// In the main currency.
    revenue: i64,
    carts: i64,
    /// Carts that became orders.
    ordered: i64,
}

impl Figures {
    fn add(&mut self, orders: &DailyOrders, currency: Currency) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.orders += number(orders.orders);
        self.failed += number(orders.payment_failed);
        self.revenue +=
            orders.revenue.iter().filter(|revenue| revenue.currency == currency).map(|revenue| revenue.total_amount).sum::<i64>();
    }

    /// Carts that became orders, in tenths of a percent.
    fn conversion(self) -> Option<i64> {
        (self.carts > 0).then(|| self.ordered * 1_000 / self.carts)
    }
}

/// The currency in which most orders were paid.
fn main_currency(days: &[DailyOrders]) -> Currency {
    let mut counts: HashMap<Currency, u64> = HashMap::new();
    for revenue in days.iter().flat_map(|day| &day.revenue) {
        *counts.entry(revenue.currency).or_default() += revenue.orders;
    }
    counts.into_iter().max_by_key(|(currency, count)| (*count, *currency)).map_or(Currency::EUR, |(currency, _)| currency)
}

/// Each of the last fourteen days up to that of `now`, the oldest first; those without anything too.
fn by_day(orders: &[DailyOrders], carts: &[DailyCarts], currency: Currency, now: Timestamp) -> Vec<Figures> {
    let today = now.unix_seconds().div_euclid(DAY_SECONDS);
    let day = |back: usize| Day::of(instant((today - i64::try_from(back).unwrap_or(0)) * DAY_SECONDS));
    (0..2 * WEEK)
        .rev()
        .map(|back| {
            let (day, mut figures) = (day(back), Figures::default());
            orders.iter().filter(|orders| orders.day == day).for_each(|orders| figures.add(orders, currency));
            for carts in carts.iter().filter(|carts| carts.day == day) {
                figures.carts += i64::try_from(carts.carts).unwrap_or(0);
                figures.ordered += i64::try_from(carts.ordered).unwrap_or(0);
            }
            figures
        })
        .collect()
}

/// The carts of some days together.
fn together(days: &[Figures]) -> Figures {
    days.iter().fold(Figures::default(), |sum, day| Figures { carts: sum.carts + day.carts, ordered: sum.ordered + day.ordered, ..sum })
}

/// The newest events of placing and confirming an order.
async fn newest_events(request: &AdminRequest) -> Result<(Vec<DomainEvent>, Vec<DomainEvent>), Failure> {
    let read = async |kind: &str| request.call(&LIST_AUDIT_EVENTS).query("eventType", kind).query("limit", BATCH).send().await;
    let (placed, confirmed) = tokio::join!(read("OrderCreated"), read("OrderConfirmed"));
    Ok((placed?.items, confirmed?.items))
}

/// How long orders took from their placing to their confirmation.
fn spans(placed: &[DomainEvent], confirmed: &[DomainEvent]) -> Vec<Duration> {
    let placed: HashMap<Uuid, Timestamp> = placed.iter().map(|event| (event.aggregate_id, event.occurred_at)).collect();
    let mut spans: Vec<Duration> =
        confirmed.iter().filter_map(|event| Some(event.occurred_at.since(*placed.get(&event.aggregate_id)?))).collect();
    spans.sort_unstable();
    spans
}

/// The events of stock that ran low since then, as many as a few pages have.
async fn ran_low(request: &AdminRequest, since: Timestamp) -> Vec<DomainEvent> {
    let (mut events, mut cursor) = (Vec::new(), None);
    for _ in 0..LOW_PAGES {
        let mut call = request.call(&LIST_AUDIT_EVENTS).query("eventType", "StockLow").query("from", since).query("limit", BATCH);
        if let Some(cursor) = &cursor {
            call = call.query("cursor", cursor);
        }
        let Ok(page) = call.send().await else { break };
        events.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    events
}

/// How many events there were on each of the last fourteen days up to that of `now`, the oldest first.
fn count_by_day(times: impl Iterator<Item = Timestamp>, now: Timestamp) -> Vec<i64> {
    let day = |at: Timestamp| at.unix_seconds().div_euclid(DAY_SECONDS);
    let mut counts = vec![0; 2 * WEEK];
    for at in times {
        let back = usize::try_from(day(now) - day(at)).ok();
        if let Some(count) = back.and_then(|back| counts.iter_mut().rev().nth(back)) {
            *count += 1;
        }
    }
    counts
}

/// How many items a list has, up to a page.
async fn count<T: DeserializeOwned>(request: &AdminRequest, call: &Call<(), Page<T>>, filter: (&str, &str)) -> String {
    match request.call(call).query(filter.0, filter.1).query("limit", BATCH).send().await {
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
fn weeks<T: Copy>(request: &AdminRequest, days: &[T], value: impl Fn(T) -> Option<i64>) -> Vec<Series> {
    let (before, this) = days.split_at(days.len().min(WEEK));
    let series = |name: &str, days: &[T]| Series { name: name.to_owned(), values: days.iter().map(|day| value(*day)).collect() };
    vec![series(request.t.this_week, this), series(request.t.week_before, before)]
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

fn spread_plot(request: &AdminRequest, title: &'static str, spans: &[Duration]) -> Plot {
    let written = |ms: u128| span(request.lang, Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)));
    let mut points: Vec<String> = ENDS_MS.iter().map(|end| format!("≤\u{a0}{}", written(*end))).collect();
    points.push(request.t.longer.to_owned());
    let series = vec![Series { name: request.t.number.to_owned(), values: spread(spans) }];
    Plot::new(PlotKind::Bar, (title, request.t.span), points, series, |value| value.to_string())
}

/// How many spans of five minutes there are from the first that is known to the last, at most those of a day.
const SPANS: i64 = 288;

/// Each five minutes of the last day since the first request: its beginning, and its figures if it had requests.
fn last_day(spans: &[RequestSpan]) -> Vec<(Timestamp, Option<RequestSpan>)> {
    let Some((first, last)) = spans.first().zip(spans.last()) else { return Vec::new() };
    let number = |at: Timestamp| i64::try_from(at.since(first.from).as_secs() / 300).unwrap_or(0).min(SPANS);
    let mut known = spans.iter().peekable();
    (0..=number(last.from))
        .map(|at| (first.from.after(Duration::from_secs(at.unsigned_abs() * 300)), known.next_if(|span| number(span.from) == at).copied()))
        .collect()
}

fn latency_plot(request: &AdminRequest, spans: &[RequestSpan]) -> Plot {
    let (t, spans) = (request.t, last_day(spans));
    let clock = |at: Timestamp| {
        let minutes = at.unix_seconds().rem_euclid(DAY_SECONDS) / 60;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    };
    let points = spans.iter().map(|(from, _)| clock(*from)).collect();
    let series = |name: &str, value: fn(RequestSpan) -> u64| Series {
        name: name.to_owned(),
        values: spans.iter().map(|(_, span)| span.map(|span| i64::try_from(value(span)).unwrap_or(i64::MAX))).collect(),
    };
    let series = vec![series(t.p99_time, |span| span.p99_micros), series(t.median_time, |span| span.median_micros)];
    let written = |value: i64| micros(request.lang, u64::try_from(value).ok());
    Plot::new(PlotKind::Line, (t.request_times, t.time), points, series, written)
}

/// Writes microseconds for people.
pub fn micros(language: Language, micros: Option<u64>) -> String {
    match micros {
        None => "–".to_owned(),
        Some(micros) if micros < 10_000 => format!("{}\u{a0}ms", format::tenths(language, micros / 100)),
        Some(micros) => span(language, Duration::from_micros(micros)),
    }
}

/// Writes tenths of a percent.
fn percent(language: Language, tenths: i64) -> String {
    let tenths = tenths.unsigned_abs();
    match language {
        Language::English => format!("{}%", format::tenths(language, tenths)),
        Language::German => format!("{}\u{a0}%", format::tenths(language, tenths)),
    }
}

/// How many events are parked, as far as the services answer.
fn parked(system: Option<&SystemStatus>) -> String {
    let Some(system) = system else { return "–".to_owned() };
    let more = if system.services.iter().any(|service| service.failed_events.has_more) { "+" } else { "" };
    format!("{}{more}", system.services.iter().map(|service| service.failed_events.parked).sum::<u32>())
}

pub async fn show(request: AdminRequest) -> Response {
    let (t, now) = (request.t, request.now());
    let today = now.unix_seconds().div_euclid(DAY_SECONDS);
    let start = today * DAY_SECONDS;
    let week_ago = Timestamp(now.0 - 7 * DAY_SECONDS * 1_000_000);
    let first = instant(start - 13 * DAY_SECONDS);
    // The answers of this page count among those that it shows, so the installation is read beside the rest and not after it.
    let (orders, before, carts, latest, events, low, lows, system, sellers, reviews, returns, messages) = tokio::join!(
        request.call(&LIST_DAILY_ORDERS).query("from", first).send(),
        request.call(&LIST_DAILY_ORDERS).query("from", instant(start - 7 * DAY_SECONDS)).query("to", week_ago).send(),
        request.call(&LIST_DAILY_CARTS).query("from", first).send(),
        request.call(&LIST_ALL_ORDERS).query("limit", LATEST).send(),
        newest_events(&request),
        request.call(&LIST_STOCK).query("lowStock", true).query("limit", BATCH).send(),
        ran_low(&request, first),
        request.call(&GET_SYSTEM).send(),
        count(&request, &LIST_SELLER_RECORDS, ("status", "APPLIED")),
        count(&request, &LIST_ALL_REVIEWS, ("status", "PENDING")),
        count(&request, &LIST_ALL_RETURNS, ("status", "REQUESTED")),
        count(&request, &LIST_ALL_NOTIFICATIONS, ("status", "FAILED")),
    );
    // Without the orders there is nothing to show; the rest is left out where it does not answer.
    let (orders, latest) = match (orders, latest) {
        (Ok(orders), Ok(latest)) => (orders.items, latest.items),
        (Err(failure), _) | (_, Err(failure)) => return request.failed(&failure),
    };
    let currency = main_currency(&orders);
    let days = by_day(&orders, &carts.map(|series| series.items).unwrap_or_default(), currency, now);
    let present = days.last().copied().unwrap_or_default();
    let mut past = Figures::default();
    before.map(|series| series.items).unwrap_or_default().iter().for_each(|day| past.add(day, currency));
    let money = |minor: i64| request.money(minor, currency);
    let (placed, confirmed) = events.unwrap_or_default();
    let times = spans(&placed, &confirmed);
    let mut lags: Vec<Duration> = placed.iter().chain(&confirmed).map(|event| event.recorded_at.since(event.occurred_at)).collect();
    lags.sort_unstable();
    let median = |spans: &[Duration]| spans.get(spans.len() / 2).map_or_else(|| "–".to_owned(), |median| span(request.lang, *median));
    let (low_count, sold_out) = match &low {
        Ok(page) => (page.items.len(), page.items.iter().filter(|stock| stock.available_qty == 0).count()),
        Err(_) => (0, 0),
    };
    let system = system.ok();
    let requests = system.as_ref().map(|system| system.requests).unwrap_or_default();
    let change = |now: i64, before: i64| format::change(request.lang, now, before).unwrap_or_default();
    let more = |now: i64, before: i64| if now >= before { Tone::Good } else { Tone::Bad };
    let (week_before, this_week) = days.split_at(days.len().min(WEEK));
    let (this_week, week_before) = (together(this_week).conversion(), together(week_before).conversion());
    let conversion = this_week.map_or_else(|| "–".to_owned(), |tenths| percent(request.lang, tenths));
    let day = Day::of(now);
    let lows = count_by_day(lows.iter().map(|event| event.occurred_at), now);
    let low_on = |back: usize| lows.iter().rev().nth(back).copied().unwrap_or(0);
    let (low_today, low_before) = (low_on(0), low_on(WEEK));
    let figures = vec![
        Figure::new(t.orders, request.count(present.orders))
            .changed(change(present.orders, past.orders), more(present.orders, past.orders))
            .leads_to(format!("{ORDERS}?from={day}")),
        Figure::new(t.revenue, money(present.revenue)).changed(change(present.revenue, past.revenue), more(present.revenue, past.revenue)),
        Figure::new(t.conversion, conversion)
            .changed(change(this_week.unwrap_or(0), week_before.unwrap_or(0)), more(this_week.unwrap_or(0), week_before.unwrap_or(0))),
        Figure::new(t.failed_payments, present.failed)
            .changed(change(present.failed, past.failed), more(past.failed, present.failed))
            .leads_to(format!("{ORDERS}?status=PAYMENT_FAILED&from={day}")),
        Figure::new(t.low_stock, low_count)
            .changed(
                format!("{} {}, {} {} · {sold_out} {}", low_today, t.ran_low_today, low_before, t.week_ago, t.of_them_sold_out),
                if sold_out > 0 || low_today > low_before { Tone::Bad } else { Tone::Plain },
            )
            .leads_to("/admin/stock?lowStock=true"),
        Figure::new(t.time_to_confirm, median(&times)),
        Figure::new(t.request_time, micros(request.lang, requests.median_micros))
            .changed(format!("{} {}", t.of_99_percent, micros(request.lang, requests.p99_micros)), Tone::Plain)
            .leads_to("/admin/system"),
        Figure::new(t.event_lag, median(&lags)).leads_to("/admin/events"),
    ];
    let labels: Vec<String> = (0..7).map(|at| short_day(request.lang, start - (6 - at) * DAY_SECONDS)).collect();
    let number = |value: i64| value.to_string();
    let language = request.lang;
    let plots = vec![
        Plot::new(PlotKind::Line, (t.orders, t.day), labels.clone(), weeks(&request, &days, |day| Some(day.orders)), number),
        Plot::new(PlotKind::Line, (t.revenue, t.day), labels.clone(), weeks(&request, &days, |day| Some(day.revenue)), money),
        Plot::new(PlotKind::Line, (t.conversion, t.day), labels.clone(), weeks(&request, &days, Figures::conversion), |tenths| {
            percent(language, tenths)
        }),
        Plot::new(PlotKind::Bar, (t.ran_low, t.day), labels.clone(), weeks(&request, &lows, Some), number),
        Plot::new(PlotKind::Bar, (t.failed_payments, t.day), labels, weeks(&request, &days, |day| Some(day.failed)), number),
        spread_plot(&request, t.time_to_confirm, &times),
        latency_plot(&request, system.as_ref().map(|system| system.last_day.as_slice()).unwrap_or_default()),
        spread_plot(&request, t.event_lag, &lags),
    ];
    let todo = [
        (t.todo_sellers, sellers, "/admin/sellers?status=APPLIED"),
        (t.todo_reviews, reviews, "/admin/reviews?status=PENDING"),
        (t.todo_returns, returns, "/admin/returns?status=REQUESTED"),
        (t.todo_messages, messages, "/admin/notifications?status=FAILED"),
        (t.todo_events, parked(system.as_ref()), "/admin/events?status=PARKED"),
    ];
    let todo = Table {
        id: "todo",
        title: t.waiting_for_you,
        heads: vec![Head::new(t.what), Head::number(t.number)],
        rows: todo.into_iter().map(|(label, count, href)| Row::of([Cell::link(label, href), Cell::number(count)])).collect(),
        empty: t.none,
        note: String::new(),
    };
    let rows = latest.iter().map(|order| {
        Row::of([
            Cell::link(&order.order_number, format!("{ORDERS}/{}", order.order_id)),
            Cell::text(request.moment(order.created_at)),
            Cell::badge(badge(t, &order.status.to_string())),
            Cell::number(request.money(order.total_amount, order.currency)),
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
    let view = Sheet {
        title: t.place_today.to_owned(),
        lead: t.today_lead.to_owned(),
        figures,
        plots,
        tables: vec![todo, latest],
        ..Sheet::default()
    };
    request.sheet(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::order::DailyRevenue;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn the_days_have_the_main_currency_and_none_is_left_out() {
        let revenue = |currency: &str, orders, total_amount| DailyRevenue { currency: currency.parse().unwrap(), orders, total_amount };
        let orders = [
            DailyOrders { day: day("1970-01-14"), orders: 3, payment_failed: 1, revenue: vec![revenue("EUR", 2, 70)] },
            DailyOrders {
                day: day("1970-01-21"),
                orders: 5,
                payment_failed: 0,
                revenue: vec![revenue("EUR", 3, 500), revenue("USD", 4, 900)],
            },
        ];
        let carts = [DailyCarts { day: day("1970-01-21"), carts: 8, ordered: 5 }];
        let currency = main_currency(&orders);
        assert_eq!(currency, Currency::EUR);
        let days = by_day(&orders, &carts, currency, instant(20 * DAY_SECONDS + 60));
        assert_eq!((days.len(), days[5], days[12]), (14, Figures::default(), Figures::default()));
        assert_eq!(days[6], Figures { orders: 3, failed: 1, revenue: 70, ..Figures::default() });
        assert_eq!(days[13], Figures { orders: 5, failed: 0, revenue: 500, carts: 8, ordered: 5 });
        assert_eq!((days[13].conversion(), days[6].conversion()), (Some(625), None), "no share of no carts");
        assert_eq!(together(&days[7..]).conversion(), Some(625));
    }

    #[test]
    fn small_figures_are_written_for_people() {
        let written = [None, Some(850), Some(9_999), Some(12_345)].map(|time| micros(Language::English, time).replace('\u{a0}', " "));
        assert_eq!(written, ["–", "0.8 ms", "9.9 ms", "12 ms"]);
        assert_eq!((percent(Language::English, 625), percent(Language::German, 5)), ("62.5%".into(), "0,5\u{a0}%".into()));
    }

    #[test]
    fn events_are_counted_by_day() {
        let now = instant(20 * DAY_SECONDS + 60);
        let times = [now, instant(20 * DAY_SECONDS), instant(19 * DAY_SECONDS + 5), instant(7 * DAY_SECONDS), instant(6 * DAY_SECONDS)];
        let counts = count_by_day(times.into_iter(), now);
        assert_eq!((counts.len(), counts[13], counts[12], counts[0]), (14, 2, 1, 1), "what is older is left out");
        assert_eq!(counts.iter().sum::<i64>(), 4);
    }

    #[test]
    fn five_minutes_without_requests_are_a_gap() {
        let span = |minutes: i64| RequestSpan { from: instant(minutes * 60), requests: 1, median_micros: 2, p99_micros: 3 };
        let found = last_day(&[span(7), span(12), span(22)]);
        let found: Vec<_> = found.iter().map(|(from, span)| (from.unix_seconds() / 60, span.is_some())).collect();
        assert_eq!(found, [(7, true), (12, true), (17, false), (22, true)]);
        assert!(last_day(&[]).is_empty());
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
