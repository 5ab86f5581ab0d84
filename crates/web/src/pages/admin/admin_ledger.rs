//! The ledger: accounts with their balances, postings with their entries, and the check of both.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    names::Shops,
    screens::{Cell, Link, Row, Sheet, Table},
    words::words,
};
use crate::dashboard::{Badge, Figure, Head, Listing, Tone};
use axum::{extract::Query, response::Response};
use contracts::{
    ids::UserId,
    payout::{CHECK_LEDGER, LIST_LEDGER_ACCOUNTS, LIST_POSTINGS, Posting},
};

const PATH: &str = "/admin/ledger";
const ACCOUNTS: usize = 100;

/// The kind of an account, and the seller of one that has a seller.
fn parts(account: &str) -> (&str, Option<UserId>) {
    let (kind, seller) = account.split_once('/').unwrap_or((account, ""));
    (kind, seller.parse().ok())
}

/// The name of an account.
fn name(request: &AdminRequest, shops: &Shops, account: &str) -> String {
    match parts(account) {
        (kind, Some(seller)) => format!("{} ({})", request.words(kind), shops.cell(request, Some(seller)).text),
        (kind, None) => request.words(kind).to_owned(),
    }
}

/// Postings with their entries, and with their orders unless all are of one.
pub async fn table(request: &AdminRequest, postings: &[Posting], has_orders: bool) -> Table {
    let t = request.t;
    let accounts = postings.iter().flat_map(|posting| &posting.entries);
    let shops = Shops::of(request, accounts.map(|entry| parts(&entry.account).1)).await;
    let rows = postings.iter().map(|posting| {
        let entry = |account: &str, amount: String| format!("{}: {amount}", name(request, &shops, account));
        let entries = posting.entries.iter().map(|one| entry(&one.account, request.money(one.amount, one.currency)));
        let order = match (&posting.order_number, posting.order_id) {
            (Some(number), Some(id)) => Cell::link(number, format!("/admin/orders/{id}")),
            _ => Cell::text("–"),
        };
        let first = [Cell::text(words(t, posting.kind.as_str())), Cell::text(request.moment(posting.created_at))];
        let order = has_orders.then_some(order);
        Row::of(first.into_iter().chain(order).chain([Cell { lines: entries.collect(), ..Cell::default() }]))
    });
    let order = has_orders.then(|| Head::new(t.order));
    Table {
        id: "postings",
        title: t.postings,
        heads: [Head::new(t.kind), Head::new(t.time)].into_iter().chain(order).chain([Head::new(t.entries)]).collect(),
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
    let shops = Shops::of(&request, accounts.items.iter().map(|account| parts(&account.account).1)).await;
    let rows = accounts.items.iter().map(|account| {
        let name = match parts(&account.account) {
            (kind, Some(seller)) => shops.cell(&request, Some(seller)).over(request.words(kind)),
            (kind, None) => Cell::text(request.words(kind)),
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
    let postings = table(&request, &postings.items, true).await;
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
        figures: vec![Figure::new(t.postings, request.count(found.postings)), Figure::new(t.accounts, request.count(found.accounts))],
        text: found.faults.join("\n"),
        ..Sheet::default()
    };
    request.sheet(view)
}
