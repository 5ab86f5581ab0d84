//! The money of a seller: balance and movements, statements of months, and payouts with the lines behind each.

use super::{Shell, enter_shop, read_list};
use crate::{
    Site,
    api::{Caller, Failure},
    dashboard::{Badge, Dashboard, Figure, Head, Listing, Tone},
    format,
    pages::{Frame, failed, not_found_page, page},
    session::Visitor,
    texts::{Language, SellerTexts},
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::header,
    response::Response,
};
use contracts::payout::{
    Day, GET_SELLER_BALANCE, GET_SELLER_STATEMENT, LIST_SELLER_LEDGER, LIST_SELLER_PAYOUTS, Payout, PayoutFailure, PayoutStatus,
    PostingKind, SellerLedgerLine, SellerStatement, StatementTotals,
};

const ROWS: usize = 25;
/// The most items in one answer of the API.
const MOST: usize = 100;
/// So many pages are read at most to find a payout and the lines behind it.
const PAGES: usize = 20;
/// Months that the page of statements offers.
const MONTHS: i32 = 12;

fn kind(t: &SellerTexts, kind: PostingKind) -> &'static str {
    match kind {
        PostingKind::Sale => t.posting_sale,
        PostingKind::Cancellation => t.posting_cancellation,
        PostingKind::Return => t.posting_return,
        PostingKind::Refund => t.posting_refund,
        PostingKind::Release => t.posting_release,
        PostingKind::Payout => t.posting_payout,
        PostingKind::PayoutPaid => t.posting_payout_paid,
        PostingKind::PayoutFailed => t.posting_payout_failed,
    }
}

/// A movement on one of the accounts.
struct Line {
    moment: String,
    kind: &'static str,
    account: &'static str,
    order_number: String,
    href: String,
    commission: String,
    amount: String,
    balance: String,
}

fn is_available(line: &SellerLedgerLine) -> bool {
    line.account.starts_with("seller_available/")
}

fn line(t: &SellerTexts, language: Language, line: &SellerLedgerLine) -> Line {
    let money = |minor| format::money(language, minor, line.currency);
    Line {
        moment: format::short_moment(language, line.created_at),
        kind: kind(t, line.kind),
        account: if is_available(line) { t.available } else { t.pending_account },
        order_number: line.order_number.clone().unwrap_or_default(),
        href: line.fulfilment_id.map(|id| format!("/seller/fulfilments/{id}")).unwrap_or_default(),
        commission: if line.commission_amount == 0 { String::new() } else { money(-line.commission_amount) },
        amount: money(line.amount),
        balance: money(line.balance_amount),
    }
}

fn line_heads(t: &'static SellerTexts) -> Vec<Head> {
    vec![
        Head::new(t.when),
        Head::new(t.movement),
        Head::new(t.account),
        Head::new(t.order),
        Head::number(t.commission),
        Head::number(t.amount),
        Head::number(t.balance),
    ]
}

#[derive(Template)]
#[template(path = "seller/balance.html")]
struct BalancePage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    figures: Vec<Figure>,
    held_until: String,
    heads: Vec<Head>,
    lines: Vec<Line>,
    first: Option<String>,
    next: Option<String>,
}

pub async fn balance(State(site): State<Site>, mut visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    let (user, seller) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/balance", sent, &[]);
    let caller = visitor.caller();
    let balance = site.0.api.call(&caller, &GET_SELLER_BALANCE).send();
    let (balance, lines) = tokio::join!(balance, read_list(&site, &caller, &LIST_SELLER_LEDGER, &list, ROWS));
    let (balance, lines) = match (balance, lines) {
        (Ok(balance), Ok(lines)) => (balance, lines),
        (Err(failure), _) | (_, Err(failure)) => return failed(&site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let mut figures = vec![
        Figure::new(t.available, format::money(language, balance.available_amount, balance.currency)).leads_to("/seller/payouts"),
        Figure::new(t.pending_account, format::money(language, balance.pending_amount, balance.currency)),
    ];
    for other in balance.balances.iter().filter(|other| other.currency != balance.currency) {
        let pending = format!("{} {}", format::money(language, other.pending_amount, other.currency), t.pending);
        figures
            .push(Figure::new(t.available, format::money(language, other.available_amount, other.currency)).changed(pending, Tone::Plain));
    }
    let template = BalancePage {
        figures,
        held_until: seller.payouts_held_until.map(|at| format::moment(language, at)).unwrap_or_default(),
        heads: line_heads(t),
        lines: lines.items.iter().map(|one| line(t, language, one)).collect(),
        first: list.first(),
        next: list.next(lines.next_cursor.as_ref()),
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

struct Totals {
    currency: String,
    rows: Vec<(&'static str, String)>,
}

fn totals(t: &SellerTexts, language: Language, totals: &StatementTotals) -> Totals {
    let money = |minor| format::money(language, minor, totals.currency);
    let rows = [
        (t.opening, totals.opening_amount),
        (t.sales, totals.sales_amount),
        (t.reversed, totals.reversed_amount),
        (t.commission, totals.commission_amount),
        (t.paid_out, totals.paid_out_amount),
        (t.closing, totals.closing_amount),
    ];
    Totals { currency: totals.currency.to_string(), rows: rows.map(|(label, minor)| (label, money(minor))).into() }
}

#[derive(Template)]
#[template(path = "seller/statements.html")]
struct StatementsPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    /// The months that can be chosen, the latest first.
    months: Vec<String>,
    month: String,
    totals: Vec<Totals>,
    heads: Vec<Head>,
    lines: Vec<Line>,
    first: Option<String>,
    next: Option<String>,
}

/// The months before and with the month of a day, the latest first.
fn months(today: &Day) -> Vec<String> {
    let parts =
        today.as_str().split_once('-').and_then(|(year, rest)| Some((year.parse::<i32>().ok()?, rest.get(..2)?.parse::<i32>().ok()?)));
    let Some((year, month)) = parts else { return Vec::new() };
    let count = year * 12 + month - 1;
    (0..MONTHS).map(|back| format!("{:04}-{:02}", (count - back) / 12, (count - back) % 12 + 1)).collect()
}

pub async fn statements(State(site): State<Site>, mut visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    let (user, _) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/statements", sent, &["month"]);
    let months = months(&Day::of(site.0.env.now()));
    let month = if list.value("month").is_empty() { months.first().cloned().unwrap_or_default() } else { list.value("month").to_owned() };
    let caller = visitor.caller();
    let mut call = site.0.api.call(&caller, &GET_SELLER_STATEMENT).path(&month);
    if !list.value("cursor").is_empty() {
        call = call.query("cursor", list.value("cursor"));
    }
    let statement: SellerStatement = match call.send().await {
        Ok(statement) => statement,
        Err(failure) if super::is_fatal(&failure) => return failed(&site, &mut visitor, &failure),
        Err(_) => return not_found_page(&site, &mut visitor),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let template = StatementsPage {
        months,
        month,
        totals: statement.totals.iter().map(|one| totals(t, language, one)).collect(),
        heads: line_heads(t),
        lines: statement.lines.iter().map(|one| line(t, language, one)).collect(),
        first: list.first(),
        next: list.next(statement.next_cursor.as_ref()),
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

/// The statement of a month as a CSV file, as the API writes it.
pub async fn download(State(site): State<Site>, mut visitor: Visitor, Path(month): Path<String>) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let caller = visitor.caller();
    let file = site.0.api.call(&caller, &GET_SELLER_STATEMENT).path(&month).header(header::ACCEPT.as_str(), "text/csv").open().await;
    match file {
        Ok(file) => visitor.store(&site, file),
        Err(failure) if super::is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        Err(_) => not_found_page(&site, &mut visitor),
    }
}

fn payout_badge(t: &SellerTexts, status: PayoutStatus) -> Badge {
    match status {
        PayoutStatus::Pending => Badge::new(t.payout_pending, Tone::Waiting),
        PayoutStatus::Paid => Badge::new(t.payout_paid, Tone::Good),
        PayoutStatus::Failed => Badge::new(t.payout_failed, Tone::Bad),
    }
}

struct PayoutRow {
    href: String,
    moment: String,
    badge: Badge,
    failure: &'static str,
    account: String,
    reference: String,
    amount: String,
}

fn payout_row(t: &SellerTexts, language: Language, payout: &Payout) -> PayoutRow {
    PayoutRow {
        href: format!("/seller/payouts/{}", payout.payout_id),
        moment: format::short_moment(language, payout.created_at),
        badge: payout_badge(t, payout.status),
        failure: payout.failure.map_or("", |failure| match failure {
            PayoutFailure::Refused => t.transfer_refused,
            PayoutFailure::AccountMissing => t.account_missing,
        }),
        account: payout.payout_account.clone().unwrap_or_default(),
        reference: payout.provider_reference.clone().unwrap_or_default(),
        amount: format::money(language, payout.amount, payout.currency),
    }
}

#[derive(Template)]
#[template(path = "seller/payouts.html")]
struct PayoutsPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    held_until: String,
    heads: Vec<Head>,
    rows: Vec<PayoutRow>,
    first: Option<String>,
    next: Option<String>,
}

pub async fn payouts(State(site): State<Site>, mut visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    let (user, seller) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/payouts", sent, &[]);
    let caller = visitor.caller();
    let found = match read_list(&site, &caller, &LIST_SELLER_PAYOUTS, &list, ROWS).await {
        Ok(found) => found,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let template = PayoutsPage {
        held_until: seller.payouts_held_until.map(|at| format::moment(language, at)).unwrap_or_default(),
        heads: vec![
            Head::new(t.when),
            Head::new(board.t.status),
            Head::new(t.payout_account),
            Head::new(t.reference),
            Head::number(t.amount),
        ],
        rows: found.items.iter().map(|payout| payout_row(t, language, payout)).collect(),
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

#[derive(Template)]
#[template(path = "seller/payout.html")]
struct PayoutPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    row: PayoutRow,
    heads: Vec<Head>,
    lines: Vec<Line>,
    /// Whether there may be older lines.
    is_truncated: bool,
}

async fn find_payout(site: &Site, caller: &Caller, id: &str) -> Result<Option<Payout>, Failure> {
    let mut list = Listing::new("/seller/payouts", Vec::new(), &[]);
    for _ in 0..PAGES {
        let found = read_list(site, caller, &LIST_SELLER_PAYOUTS, &list, MOST).await?;
        if let Some(payout) = found.items.into_iter().find(|payout| payout.payout_id.to_string() == id) {
            return Ok(Some(payout));
        }
        let Some(cursor) = found.next_cursor else { return Ok(None) };
        list = Listing::new("/seller/payouts", vec![("cursor".into(), cursor)], &[]);
    }
    Ok(None)
}

/// Collects the lines behind a payout from the movements, the newest first: what came to the available account since the payout
/// before, in the same currency.
struct Behind<'a> {
    payout: &'a Payout,
    lines: Vec<SellerLedgerLine>,
    is_begun: bool,
    is_done: bool,
}

impl Behind<'_> {
    fn add(&mut self, line: SellerLedgerLine) {
        if self.is_done || !is_available(&line) || line.currency != self.payout.currency {
            return;
        }
        let is_payout = line.kind == PostingKind::Payout;
        if !self.is_begun {
            self.is_begun = is_payout && line.payout_id == Some(self.payout.payout_id);
        } else if is_payout {
            self.is_done = true;
        } else {
            self.lines.push(line);
        }
    }
}

async fn lines_behind(site: &Site, caller: &Caller, payout: &Payout) -> Result<(Vec<SellerLedgerLine>, bool), Failure> {
    let mut behind = Behind { payout, lines: Vec::new(), is_begun: false, is_done: false };
    let mut list = Listing::new("/seller/balance", Vec::new(), &[]);
    for _ in 0..PAGES {
        let found = read_list(site, caller, &LIST_SELLER_LEDGER, &list, MOST).await?;
        for line in found.items {
            behind.add(line);
        }
        match found.next_cursor {
            Some(cursor) if !behind.is_done => list = Listing::new("/seller/balance", vec![("cursor".into(), cursor)], &[]),
            _ => return Ok((behind.lines, false)),
        }
    }
    Ok((behind.lines, true))
}

pub async fn payout(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let (user, _) = match enter_shop(&site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let caller = visitor.caller();
    let payout = match find_payout(&site, &caller, &id).await {
        Ok(Some(payout)) => payout,
        Ok(None) => return not_found_page(&site, &mut visitor),
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let (lines, is_truncated) = match lines_behind(&site, &caller, &payout).await {
        Ok(found) => found,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let template = PayoutPage {
        row: payout_row(t, language, &payout),
        heads: line_heads(t),
        lines: lines.iter().map(|one| line(t, language, one)).collect(),
        is_truncated,
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn months_go_back_over_the_new_year() {
        let months = months(&"2026-02-03".parse().unwrap());
        assert_eq!((months.len(), &*months[0], &*months[1], &*months[2], &*months[11]), (12, "2026-02", "2026-01", "2025-12", "2025-03"));
    }

    #[test]
    fn behind_a_payout_are_the_movements_since_the_one_before() {
        let id = |digit: u8| format!("0190a1b2-c3d4-8000-8000-00000000000{digit}");
        let payout: Payout = serde_json::from_value(json!({
            "payoutId": id(1), "sellerId": id(9), "status": "PAID", "amount": 900, "currency": "EUR", "provider": "MOCK",
            "payoutAccount": null, "providerReference": null, "failure": null,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"
        }))
        .unwrap();
        let line = |kind: &str, account: &str, payout: Option<u8>, amount: i64, currency: &str| -> SellerLedgerLine {
            serde_json::from_value(json!({
                "postingId": id(5), "kind": kind, "account": format!("{account}/{}", id(9)), "amount": amount, "commissionAmount": 0,
                "currency": currency, "balanceAmount": 0, "orderId": null, "orderNumber": null, "fulfilmentId": null,
                "payoutId": payout.map(id), "createdAt": "2026-01-01T00:00:00Z"
            }))
            .unwrap()
        };
        let mut behind = Behind { payout: &payout, lines: Vec::new(), is_begun: false, is_done: false };
        for one in [
            line("RELEASE", "seller_available", None, 1, "EUR"),
            line("PAYOUT", "seller_available", Some(1), -900, "EUR"),
            line("RELEASE", "seller_available", None, 600, "EUR"),
            line("RELEASE", "seller_pending", None, -600, "EUR"),
            line("RELEASE", "seller_available", None, 7, "USD"),
            line("RETURN", "seller_available", None, -100, "EUR"),
            line("PAYOUT", "seller_available", Some(2), -50, "EUR"),
            line("RELEASE", "seller_available", None, 2, "EUR"),
        ] {
            behind.add(one);
        }
        assert_eq!(behind.lines.iter().map(|line| line.amount).collect::<Vec<_>>(), [600, -100]);
        assert!(behind.is_done);
    }
}
