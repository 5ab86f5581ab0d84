//! The first page of the dashboard: the figures of the shop and what needs work, or the application.

use super::{Shell, application, enter, fulfilments, sales};
use crate::{
    Site,
    api::Caller,
    dashboard::{Badge, Dashboard, Figure, Head, Tone},
    format,
    pages::{Frame, page},
    plot::Plot,
    session::Visitor,
    texts::{Language, SellerTexts},
};
use askama::Template;
use axum::{extract::State, response::Response};
use contracts::{
    catalog::{LIST_PRODUCTS, Product, ProductStatus},
    inventory::LIST_STOCK,
    machine::Machine as _,
    order::{FulfilmentStatus, LIST_FULFILMENTS, SellerFulfilment},
    page::Page,
    payout::{Day, GET_SELLER_BALANCE, LIST_SELLER_SALES, SalesDay, SellerBalance},
    returns::{LIST_SELLER_RETURNS, ReturnStatus},
    seller::{Seller, SellerStatus},
    time::Timestamp,
};
use std::time::Duration;

/// So many are counted; above them a figure says "more than".
const COUNTED: usize = 100;
/// Fulfilments that the page lists.
const SHOWN: usize = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Sales are compared with those of as many days before.
const DAYS: u32 = 7;
/// Days of the plot.
const PLOTTED: u32 = 28;

/// A step before a shop sells.
pub struct Step {
    pub label: &'static str,
    pub href: String,
    pub badge: Badge,
}

struct ToShip {
    href: String,
    order_number: String,
    items: String,
    day: String,
    total: String,
}

#[derive(Template)]
#[template(path = "seller/overview.html")]
struct Overview {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    seller: Seller,
    status: Badge,
    figures: Vec<Figure>,
    /// Steps before the shop sells; none once it does.
    steps: Vec<Step>,
    plot: Option<Plot>,
    heads: Vec<Head>,
    to_ship: Vec<ToShip>,
    /// Parts of the page that could not be read.
    is_partial: bool,
}

/// How many items a page has, and whether there are more.
fn count<T>(page: &Page<T>) -> String {
    let more = if page.next_cursor.is_some() { "+" } else { "" };
    format!("{}{more}", page.items.len())
}

pub async fn show(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let access = match enter(&site, &mut visitor).await {
        Ok(access) => access,
        Err(answer) => return *answer,
    };
    if !access.serves() {
        return application::show(&site, &mut visitor, access);
    }
    let Some(seller) = access.seller else { return application::show(&site, &mut visitor, access) };
    let caller = visitor.caller();
    let facts = read(&site, &caller, &seller).await;
    let Shell { frame, board, t } = Shell::of(&mut visitor, &access.user, true);
    let language = visitor.language;
    let is_partial = facts.is_partial();
    let Facts { to_ship, to_decide, to_receive, low_stock, sales, balance, products, on_sale } = facts;
    let mut figures = Vec::new();
    if let Some(page) = &to_ship {
        let tone = if page.items.is_empty() { Tone::Plain } else { Tone::Waiting };
        let note = if page.items.is_empty() { "" } else { t.needs_work };
        figures.push(Figure::new(t.to_ship, count(page)).changed(note.to_owned(), tone).leads_to("/seller/fulfilments?status=CONFIRMED"));
    }
    if let (Some(decide), Some(receive)) = (&to_decide, &to_receive) {
        let figure = Figure::new(t.returns_to_decide, count(decide)).leads_to("/seller/returns?status=REQUESTED");
        figures.push(figure.changed(format!("{} {}", count(receive), t.on_their_way), Tone::Plain));
    }
    if let Some(page) = &low_stock {
        let tone = if page.items.is_empty() { Tone::Good } else { Tone::Waiting };
        figures.push(Figure::new(t.low_stock, count(page)).changed("SKUs".into(), tone).leads_to("/seller/products?stock=low"));
    }
    if let (Some(days), Some(balance)) = (&sales, &balance) {
        figures.push(sales_figure(t, language, days, balance, site.0.env.now()));
    }
    if let Some(balance) = &balance {
        let money = |minor| format::money(language, minor, balance.currency);
        let pending = format!("{} {}", money(balance.pending_amount), t.pending);
        figures.push(Figure::new(t.available, money(balance.available_amount)).changed(pending, Tone::Plain).leads_to("/seller/balance"));
    }
    let now = site.0.env.now();
    let plot = sales.as_ref().zip(balance.as_ref()).map(|(days, balance)| {
        let since = Day::of(now.before(DAY * (PLOTTED - 1)));
        sales::plot(t, language, days, balance.currency, &since, &Day::of(now))
    });
    let steps = checklist(t, &seller, products.as_ref(), on_sale.as_ref());
    let rows = to_ship.iter().flat_map(|page| page.items.iter().rev().take(SHOWN)).map(|fulfilment| row(language, fulfilment)).collect();
    let template = Overview {
        status: application::badge(t, seller.status),
        seller,
        figures,
        steps,
        plot,
        heads: vec![Head::new(t.order), Head::new(t.goods), Head::new(t.ordered), Head::number(t.total)],
        to_ship: rows,
        is_partial,
        frame,
        board,
        t,
    };
    page(&site, &visitor, &template)
}

/// What the page shows; `None` for what its service did not answer.
struct Facts {
    to_ship: Option<Page<SellerFulfilment>>,
    to_decide: Option<Page<contracts::returns::Return>>,
    to_receive: Option<Page<contracts::returns::Return>>,
    low_stock: Option<Page<contracts::inventory::StockItem>>,
    sales: Option<Vec<SalesDay>>,
    balance: Option<SellerBalance>,
    products: Option<Page<Product>>,
    on_sale: Option<Page<Product>>,
}

impl Facts {
    fn is_partial(&self) -> bool {
        self.to_ship.is_none()
            || self.to_decide.is_none()
            || self.to_receive.is_none()
            || self.low_stock.is_none()
            || self.sales.is_none()
            || self.balance.is_none()
            || self.products.is_none()
            || self.on_sale.is_none()
    }
}

async fn read(site: &Site, caller: &Caller, seller: &Seller) -> Facts {
    let api = &site.0.api;
    let from = Day::of(site.0.env.now().before(DAY * (PLOTTED - 1)));
    let returns =
        |status: ReturnStatus| api.call(caller, &LIST_SELLER_RETURNS).query("status", status.as_str()).query("limit", COUNTED).send();
    let confirmed = FulfilmentStatus::Confirmed.as_str();
    let products = || api.call(caller, &LIST_PRODUCTS).query("sellerId", seller.seller_id).query("limit", 1);
    let (to_ship, to_decide, approved, low_stock, sales, balance, all, on_sale) = tokio::join!(
        api.call(caller, &LIST_FULFILMENTS).query("status", confirmed).query("limit", COUNTED).send(),
        returns(ReturnStatus::Requested),
        returns(ReturnStatus::InTransit),
        api.call(caller, &LIST_STOCK).query("lowStock", true).query("limit", COUNTED).send(),
        api.call(caller, &LIST_SELLER_SALES).query("from", &from).query("limit", COUNTED).send(),
        api.call(caller, &GET_SELLER_BALANCE).send(),
        products().send(),
        products().query("status", ProductStatus::Active.as_str()).send(),
    );
    Facts {
        to_ship: to_ship.ok(),
        to_decide: to_decide.ok(),
        to_receive: approved.ok(),
        low_stock: low_stock.ok(),
        sales: sales.ok().map(|page| page.items),
        balance: balance.ok(),
        products: all.ok(),
        on_sale: on_sale.ok(),
    }
}

/// The net sales of the last days beside those of as many days before, in the currency of the shop.
fn sales_figure(t: &'static SellerTexts, language: Language, days: &[SalesDay], balance: &SellerBalance, now: Timestamp) -> Figure {
    let since = Day::of(now.before(DAY * (DAYS - 1)));
    let start = Day::of(now.before(DAY * (2 * DAYS - 1)));
    let of_shop = || days.iter().filter(|day| day.currency == balance.currency && day.day >= start);
    let present: i64 = of_shop().filter(|day| day.day >= since).map(|day| day.net_amount).sum();
    let before: i64 = of_shop().filter(|day| day.day < since).map(|day| day.net_amount).sum();
    let figure = Figure::new(t.sales_of_week, format::money(language, present, balance.currency)).leads_to("/seller/sales");
    match format::change(language, present, before) {
        Some(change) => figure.changed(change, if present < before { Tone::Bad } else { Tone::Good }),
        None => figure,
    }
}

fn checklist(t: &'static SellerTexts, seller: &Seller, all: Option<&Page<Product>>, on_sale: Option<&Page<Product>>) -> Vec<Step> {
    let has = |page: Option<&Page<Product>>| page.is_some_and(|page| !page.items.is_empty());
    let is_selling = has(on_sale);
    let steps = [
        (t.step_approved, "/seller", seller.status == SellerStatus::Approved),
        (t.step_description, "/seller/profile", !seller.description.is_empty()),
        (t.step_payout, "/seller/profile", seller.payout_account.is_some()),
        (t.step_product, "/seller/products/new", has(all)),
        (t.step_publish, "/seller/products", is_selling),
    ];
    if steps.iter().all(|(.., is_done)| *is_done) {
        return Vec::new();
    }
    let step = |(label, href, is_done): (&'static str, &str, bool)| Step {
        label,
        href: href.to_owned(),
        badge: if is_done { Badge::new(t.done, Tone::Good) } else { Badge::new(t.open, Tone::Waiting) },
    };
    steps.map(step).into()
}

fn row(language: Language, fulfilment: &SellerFulfilment) -> ToShip {
    ToShip {
        href: format!("/seller/fulfilments/{}", fulfilment.fulfilment_id),
        order_number: fulfilment.order_number.clone(),
        items: fulfilments::items(&fulfilment.items),
        day: format::day(language, fulfilment.created_at),
        total: format::money(language, fulfilment.total_amount, fulfilment.currency),
    }
}
