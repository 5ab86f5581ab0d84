//! What a seller sold, by day.

use super::{Shell, enter_shop};
use crate::{
    Site,
    dashboard::{Dashboard, Figure, Head, Listing},
    format,
    pages::{Frame, failed, page},
    plot::{Plot, PlotKind, Series},
    session::Visitor,
    texts::{Language, SellerTexts},
};
use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use contracts::{
    money::Currency,
    payout::{Day, GET_SELLER_BALANCE, LIST_SELLER_SALES, SalesDay},
    time::Timestamp,
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Days that are shown unless others are asked for.
const DAYS: u32 = 28;
/// The most days of a plot.
const MOST: usize = 366;
/// The most days in one answer of the API.
const ROWS: usize = 100;

/// The midnight at which a day begins.
fn midnight(day: &Day) -> Option<Timestamp> {
    format!("{day}T00:00:00Z").parse().ok()
}

/// Plots what the seller got, with a point for each day, also for those without sales.
pub fn plot(t: &'static SellerTexts, language: Language, days: &[SalesDay], currency: Currency, from: &Day, to: &Day) -> Plot {
    let (mut points, mut net, mut gross) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = midnight(from);
    while let Some(at) = next.filter(|at| Day::of(*at) <= *to && points.len() < MOST) {
        let day = Day::of(at);
        let found = days.iter().find(|sold| sold.day == day && sold.currency == currency);
        net.push(Some(found.map_or(0, |sold| sold.net_amount)));
        gross.push(Some(found.map_or(0, |sold| sold.gross_amount)));
        points.push(format::short_day(language, at));
        next = Some(at.after(DAY));
    }
    let series = vec![Series { name: t.net.to_owned(), values: net }, Series { name: t.gross.to_owned(), values: gross }];
    let title = format!("{}, {currency}", t.sales);
    Plot::new(PlotKind::Line, (title, t.day), points, series, |minor| format::money(language, minor, currency))
}

struct Row {
    day: String,
    orders: i64,
    units: i64,
    gross: String,
    commission: String,
    net: String,
}

#[derive(Template)]
#[template(path = "seller/sales.html")]
struct SalesPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    figures: Vec<Figure>,
    plot: Plot,
    heads: Vec<Head>,
    rows: Vec<Row>,
    from: String,
    to: String,
    fault: &'static str,
    first: Option<String>,
    next: Option<String>,
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    let (user, _) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/sales", sent, &["from", "to"]);
    let now = site.0.env.now();
    let typed = |name: &str| list.value(name).parse::<Day>();
    let is_wrong = [("from", typed("from")), ("to", typed("to"))].iter().any(|(name, day)| !list.value(name).is_empty() && day.is_err());
    let to = typed("to").unwrap_or_else(|_| Day::of(now));
    let back = midnight(&to).unwrap_or(now).before(DAY * (DAYS - 1));
    let from = typed("from").unwrap_or_else(|_| Day::of(back));
    let (caller, api) = (visitor.caller(), &site.0.api);
    let mut call = api.call(&caller, &LIST_SELLER_SALES).query("from", &from).query("to", &to).query("limit", ROWS);
    if !list.value("cursor").is_empty() {
        call = call.query("cursor", list.value("cursor"));
    }
    let (found, balance) = tokio::join!(call.send(), api.call(&caller, &GET_SELLER_BALANCE).send());
    let (found, balance) = match (found, balance) {
        (Ok(found), Ok(balance)) => (found, balance),
        (Err(failure), _) | (_, Err(failure)) => return failed(&site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let of_shop = || found.items.iter().filter(|day| day.currency == balance.currency);
    let money = |minor: i64| format::money(language, minor, balance.currency);
    let figures = vec![
        Figure::new(t.orders, of_shop().map(|day| day.orders).sum::<i64>()),
        Figure::new(t.units, of_shop().map(|day| day.units).sum::<i64>()),
        Figure::new(t.gross, money(of_shop().map(|day| day.gross_amount).sum())),
        Figure::new(t.commission, money(of_shop().map(|day| day.commission_amount).sum())),
        Figure::new(t.net, money(of_shop().map(|day| day.net_amount).sum())),
    ];
    let row = |sold: &SalesDay| {
        let money = |minor: i64| format::money(language, minor, sold.currency);
        Row {
            day: midnight(&sold.day).map_or_else(|| sold.day.to_string(), |at| format::day(language, at)),
            orders: sold.orders,
            units: sold.units,
            gross: money(sold.gross_amount),
            commission: money(sold.commission_amount),
            net: money(sold.net_amount),
        }
    };
    let template = SalesPage {
        figures,
        plot: plot(t, language, &found.items, balance.currency, &from, &to),
        heads: vec![
            Head::new(t.day),
            Head::number(t.orders),
            Head::number(t.units),
            Head::number(t.gross),
            Head::number(t.commission),
            Head::number(t.net),
        ],
        rows: found.items.iter().map(row).collect(),
        from: from.to_string(),
        to: to.to_string(),
        fault: if is_wrong { t.not_a_day } else { "" },
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_every_day_also_those_without_sales() {
        let sold = SalesDay {
            day: "2026-01-31".parse().unwrap(),
            currency: "EUR".parse().unwrap(),
            orders: 1,
            units: 2,
            gross_amount: 1_000,
            commission_amount: 100,
            net_amount: 900,
        };
        let (from, to) = ("2026-01-30".parse().unwrap(), "2026-02-02".parse().unwrap());
        let plot = plot(SellerTexts::of(Language::English), Language::English, &[sold], "EUR".parse().unwrap(), &from, &to);
        let net: Vec<_> = plot.rows.iter().map(|(_, cells)| cells[0].as_str()).collect();
        assert_eq!(net, ["€0.00", "€9.00", "€0.00", "€0.00"]);
    }
}
