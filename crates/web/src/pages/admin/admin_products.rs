//! Products: what is on sale, and what must not be.

use super::{
    AdminRequest, PageFaults,
    admin_orders::{Parameters, Tally},
    names::Shops,
    screens::{Bulk, Cell, Field, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::Sent,
    words::{badge, tax_class},
};
use crate::{
    api::Failure,
    dashboard::{Head, Listing},
    format,
    session::AdminNotice,
    texts::goods_words,
};
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use contracts::{
    catalog::{BLOCK_PRODUCT, GET_PRODUCT, LIST_PRICE_HISTORY, LIST_PRODUCTS, ModerationStatus, ProductStatus, UNBLOCK_PRODUCT},
    inventory::GET_STOCK,
    machine::Machine as _,
};

const PATH: &str = "/admin/products";
const PRICES: usize = 10;

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    show_list(request, parameters, None).await
}

async fn show_list(request: AdminRequest, parameters: Parameters, refused: PageFaults) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["q", "status", "sellerId"]);
    let (found, faults) = match request.fetch(&LIST_PRODUCTS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|product| {
        let state = if product.moderation.status == ModerationStatus::Blocked { "BLOCKED" } else { product.status.as_str() };
        Row::of([
            Cell::link(format::title(&product.title), format!("{PATH}/{}", product.product_id)).over(&product.sku),
            Cell::maybe(product.category_path.last().map(|category| goods_words(request.lang, &category.name))),
            Cell::badge(badge(t, state)),
            Cell::text(request.moment(product.updated_at)),
            Cell::number(request.money(product.price_amount, product.currency)),
        ])
        .chosen_by(product.product_id, format!("{} {}", request.d.choose, product.title))
    });
    let rows = rows.collect();
    let screen = Screen {
        title: t.products,
        faults: refused.or(faults),
        saved: Saved::by_status(t.all, &list, |status: ProductStatus| badge(t, status.as_str()).words),
        filters: vec![
            Field::new("q", t.title_or_sku, "search", list.value("q")),
            Field::hidden("status", list.value("status")),
            Field::hidden("sellerId", list.value("sellerId")),
        ],
        chips: [
            list.chip("q", list.value("q")),
            list.chip("status", badge(t, list.value("status")).words),
            list.chip("sellerId", t.one_seller),
        ]
        .into_iter()
        .flatten()
        .collect(),
        table: Table {
            id: "products",
            heads: vec![
                Head::choice(request.d),
                list.head(t.product, "title", ""),
                Head::new(t.category),
                Head::new(t.status),
                list.head(t.changed, "", "-updatedAt"),
                Head { is_number: true, ..list.head(t.price, "price", "-price") },
            ],
            rows,
            empty: t.no_products,
            ..Table::default()
        },
        bulk: Some(Bulk { actions: vec![(t.block, "/admin/products/block")], reason: t.reason }),
        empty_step: Some(Link { label: t.sellers, href: "/admin/sellers".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let product = match request.call(&GET_PRODUCT).path(id).send().await {
        Ok(product) => product,
        Err(failure) => return request.failed(&failure),
    };
    let stock = request.call(&GET_STOCK).path(&product.sku).send();
    let prices = request.call(&LIST_PRICE_HISTORY).path(product.product_id).query("limit", PRICES).send();
    let (stock, prices) = tokio::join!(stock, prices);
    let prices = prices.map(|page| page.items).unwrap_or_default();
    let rows = prices.iter().map(|price| {
        Row::of([Cell::text(request.moment(price.changed_at)), Cell::number(request.money(price.price_amount, price.currency))])
    });
    let path = |step: &str| format!("{PATH}/{}/{step}", product.product_id);
    let is_blocked = product.moderation.status == ModerationStatus::Blocked;
    let form = if is_blocked {
        FormView::new("unblock", t.unblock_title, path("unblock"), t.unblock)
    } else {
        FormView::new("block", t.block_title, path("block"), t.block)
            .hint(t.block_hint)
            .field(Field::text("reason", t.reason, "").required().hint(t.reason_for_seller))
            .danger()
    };
    let mut badges = vec![badge(t, product.status.as_str())];
    if is_blocked {
        badges.push(badge(t, "BLOCKED"));
    }
    let seller = Shops::of(&request, [product.seller_id]).await.cell(&request, product.seller_id);
    let view = Sheet {
        title: format::title(&product.title),
        back: Some(Link { label: t.products, href: PATH.into() }),
        badges,
        faults: Refused::page_faults(refused.as_ref()),
        links: vec![
            Link { label: t.in_the_shop, href: format!("/products/{}", product.product_id) },
            Link { label: t.reviews, href: format!("/admin/reviews?productId={}", product.product_id) },
        ],
        facts: vec![
            (t.sku, Cell::link(&product.sku, format!("/admin/stock/{}", product.sku))),
            (t.seller, seller),
            (
                t.category,
                Cell::text(product.category_path.iter().map(|at| goods_words(request.lang, &at.name)).collect::<Vec<_>>().join(" / ")),
            ),
            (t.brand, Cell::maybe(product.brand.as_ref())),
            (t.price, Cell::text(request.money(product.price_amount, product.currency))),
            (t.tax_class, Cell::text(tax_class(t, product.tax_class))),
            (t.available, Cell::maybe(stock.as_ref().ok().map(|stock| stock.available_qty))),
            (t.reason, Cell::maybe(product.moderation.reason.as_ref())),
            (t.changed, Cell::text(request.moment(product.updated_at))),
            (t.id, Cell::code(product.product_id)),
        ],
        text: product.description.clone(),
        tables: vec![Table {
            id: "prices",
            title: t.prices,
            heads: vec![Head::new(t.since), Head::number(t.price)],
            rows: rows.collect(),
            empty: t.none,
            ..Table::default()
        }],
        forms: vec![form.again(refused.as_ref())],
        ..Sheet::default()
    };
    request.sheet(view)
}

async fn answer<A>(request: AdminRequest, id: &str, form: &'static str, sent: Sent, result: Result<A, Failure>) -> Response {
    let to = (AdminNotice::Saved, &*format!("{PATH}/{id}"));
    request.finish(result, (form, sent), to, |request, refused| sheet(request, id, Some(refused))).await
}

pub async fn block(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&BLOCK_PRODUCT).path(&id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await;
    answer(request, &id, "block", sent, result).await
}

pub async fn unblock(request: AdminRequest, Path(id): Path<String>, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&UNBLOCK_PRODUCT).path(&id).key(sent.key()).send().await;
    answer(request, &id, "unblock", sent, result).await
}

/// Blocks the chosen products for one reason, which their sellers read.
pub async fn block_many(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let mut tally = Tally::default();
    for id in sent.chosen() {
        tally.count(id, request.call(&BLOCK_PRODUCT).path(id).key(sent.key()).raw_body(&sent.body(&["reason"])).send().await);
    }
    match tally.faults(request.t.some_refused) {
        None => request.done(AdminNotice::Saved, PATH),
        Some(faults) => show_list(request, Parameters::new(), Some((StatusCode::CONFLICT, faults))).await,
    }
}
