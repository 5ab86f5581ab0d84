//! The ledger: accounts with their balances, postings with their entries, and the check of both.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    screens::{Cell, Link, Row, Sheet, Table},
    words::words,
};
use crate::dashboard::{Badge, Figure, Head, Listing, Tone};
use axum::{extract::Query, response::Response};
use contracts::payout::{CHECK_LEDGER, LIST_LEDGER_ACCOUNTS, LIST_POSTINGS, Posting};

const PATH: &str = "/admin/ledger";
const ACCOUNTS: usize = 100;

/// Postings with their entries.
pub fn table(request: &AdminRequest, postings: &[Posting]) -> Table {
    let t = request.t;
    let rows = postings.iter().map(|posting| {
        let entries = posting.entries.iter().map(|entry| format!("{} {}", entry.account, request.money(entry.amount, entry.currency)));
        let order = match (&posting.order_number, posting.order_id) {
            (Some(number), Some(id)) => Cell::link(number, format!("/admin/orders/{id}")),
            _ => Cell::text("–"),
        };
        Row::of([
            Cell::text(words(t, posting.kind.as_str())),
            Cell::text(request.moment(posting.created_at)),
            order,
            Cell { lines: entries.collect(), ..Cell::default() },
        ])
    });
    Table {
        id: "postings",
        title: t.postings,
        heads: vec![Head::new(t.kind), Head::new(t.time), Head::new(t.order), Head::new(t.entries)],
        rows: rows.collect(),
        empty: t.no_postings,
        note: String::new(),
    }
}

pub async fn show(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["orderId", "sellerId"]);
    let accounts = request.call(&LIST_LEDGER_ACCOUNTS).query("limit", ACCOUNTS).send();
    let (accounts, postings) = tokio::join!(accounts, request.fetch(&LIST_POSTINGS, &list));
    let (accounts, (postings, faults)) = match (accounts, postings) {
        (Ok(accounts), Ok(postings)) => (accounts, postings),
        (Err(failure), _) | (_, Err(failure)) => return request.failed(&failure),
    };
    let rows = accounts.items.iter().map(|account| {
        let name = match account.account.split_once('/') {
            Some((name, seller)) => Cell::link(name, format!("/admin/sellers/{seller}")).over(seller),
            None => Cell::text(&account.account),
        };
        Row::of([
            name,
            Cell::text(request.moment(account.updated_at)),
            Cell::number(request.money(account.balance_amount, account.currency)),
        ])
    });
    let balances = Table {
        id: "accounts",
        title: t.accounts,
        heads: vec![Head::new(t.account), Head::new(t.changed), Head::number(t.balance)],
        rows: rows.collect(),
        empty: t.no_postings,
        note: if accounts.next_cursor.is_some() { t.first_hundred.to_owned() } else { String::new() },
    };
    let mut links = vec![Link { label: t.check_ledger, href: format!("{PATH}/check") }];
    if list.is_filtered() {
        links.push(Link { label: t.all_postings, href: PATH.into() });
    }
    links.extend(list.first().map(|href| Link { label: request.d.first_page, href }));
    links.extend(list.next(postings.next_cursor.as_ref()).map(|href| Link { label: request.d.next_page, href }));
    let postings = table(&request, &postings.items);
    // Of one order or seller the postings matter more than the balances of all accounts.
    let tables = if list.is_filtered() { vec![postings] } else { vec![balances, postings] };
    request.sheet(Sheet { title: t.ledger.to_owned(), lead: t.ledger_lead.to_owned(), faults, links, tables, ..Sheet::default() })
}

pub async fn check(request: AdminRequest) -> Response {
    let t = request.t;
    let found = match request.call(&CHECK_LEDGER).send().await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let verdict = if found.balanced { Badge::new(t.balanced, Tone::Good) } else { Badge::new(t.not_balanced, Tone::Bad) };
    let view = Sheet {
        title: t.check_ledger.to_owned(),
        back: Some(Link { label: t.ledger, href: PATH.into() }),
        badges: vec![verdict],
        lead: t.check_ledger_lead.to_owned(),
        figures: vec![Figure::new(t.postings, found.postings), Figure::new(t.accounts, found.accounts)],
        text: found.faults.join("\n"),
        ..Sheet::default()
    };
    request.sheet(view)
}
