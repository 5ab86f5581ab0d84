//! Stock: what is low, and corrections by hand.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    names::Shops,
    screens::{Cell, Field, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::Sent,
};
use crate::{
    api::Failure,
    dashboard::{Badge, Figure, Head, Listing, Tone},
    format,
    session::AdminNotice,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::{
    audit::LIST_AUDIT_EVENTS,
    catalog::GET_PRODUCT,
    inventory::{ADJUST_STOCK, GET_STOCK, LIST_STOCK, SET_STOCK, StockItem},
};
use serde_json::{Value, json};

const PATH: &str = "/admin/stock";
const CHANGES: usize = 20;

fn state(request: &AdminRequest, stock: &StockItem) -> Badge {
    match stock.available_qty {
        0 => Badge::new(request.t.sold_out, Tone::Bad),
        _ if stock.low_stock => Badge::new(request.t.low, Tone::Waiting),
        _ => Badge::new(request.t.enough, Tone::Good),
    }
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["lowStock"]);
    let (found, faults) = match request.fetch(&LIST_STOCK, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let rows = found.items.iter().map(|stock| {
        Row::of([
            Cell::link(&stock.sku, format!("{PATH}/{}", stock.sku)),
            Cell::badge(state(&request, stock)),
            Cell::number(stock.available_qty),
            Cell::number(stock.reserved_qty),
            Cell::number(stock.low_stock_threshold),
            Cell::text(request.moment(stock.updated_at)),
        ])
    });
    let rows = rows.collect();
    let saved = |label, value: &str| Saved { label, href: list.with("lowStock", value), is_here: list.value("lowStock") == value };
    let screen = Screen {
        title: t.stock,
        faults,
        saved: vec![saved(t.all, ""), saved(t.low, "true"), saved(t.enough, "false")],
        chips: list.chip("lowStock", if list.value("lowStock") == "true" { t.low } else { t.enough }).into_iter().collect(),
        table: Table {
            id: "stock",
            heads: vec![
                Head::new(t.sku),
                Head::new(t.status),
                Head::number(t.available),
                Head::number(t.reserved),
                Head::number(t.low_from),
                Head::new(t.changed),
            ],
            rows,
            empty: t.no_stock,
            ..Table::default()
        },
        empty_step: Some(Link { label: t.products, href: "/admin/products".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn show(request: AdminRequest, Path(sku): Path<String>) -> Response {
    sheet(request, &sku, None).await
}

async fn sheet(request: AdminRequest, sku: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let stock = match request.call(&GET_STOCK).path(sku).send().await {
        Ok(stock) => stock,
        Err(failure) => return request.failed(&failure),
    };
    let product = request.call(&GET_PRODUCT).path(stock.product_id).send();
    let changes = request.call(&LIST_AUDIT_EVENTS).query("aggregateType", "STOCK_ITEM").query("eventType", "StockChanged");
    let (product, changes) = tokio::join!(product, changes.query("limit", 100).send());
    // The log finds events by the id of the stock item, which answers do not show, so those of this SKU are picked out of the newest.
    let changes = changes.map(|page| page.items).unwrap_or_default();
    let rows = changes.iter().filter(|event| event.payload["sku"] == *stock.sku).take(CHANGES).map(|event| {
        let text = |name: &str| event.payload[name].as_str().unwrap_or("–").to_owned();
        Row::of([
            Cell::text(request.moment(event.occurred_at)),
            Cell::text(request.words(event.payload["reason"].as_str().unwrap_or("–"))),
            Cell::number(&event.payload["availableQty"]),
            Cell::number(&event.payload["reservedQty"]),
            Cell::text(text("note")),
        ])
    });
    let path = |step: &str| format!("{PATH}/{}/{step}", stock.sku);
    let adjust = FormView::new("adjust", t.adjust_title, path("adjust"), t.adjust)
        .hint(t.adjust_hint)
        .field(Field::number("delta", t.delta, "").required())
        .field(Field::text("reason", t.reason, "").required())
        .main();
    let set = FormView::new("set", t.set_title, path("set"), request.d.save)
        .field(Field::number("availableQty", t.available, stock.available_qty).required())
        .field(Field::number("lowStockThreshold", t.low_from, stock.low_stock_threshold));
    let title = product.map_or_else(|_| stock.product_id.to_string(), |product| format::title(&product.title));
    let seller = Shops::of(&request, [stock.seller_id]).await.cell(&request, stock.seller_id);
    let view = Sheet {
        title: stock.sku.clone(),
        back: Some(Link { label: t.stock, href: PATH.into() }),
        badges: vec![state(&request, &stock)],
        faults: Refused::page_faults(refused.as_ref()),
        figures: vec![
            Figure::new(t.available, stock.available_qty),
            Figure::new(t.reserved, stock.reserved_qty),
            Figure::new(t.low_from, stock.low_stock_threshold),
        ],
        facts: vec![
            (t.product, Cell::link(title, format!("/admin/products/{}", stock.product_id))),
            (t.seller, seller),
            (t.changed, Cell::text(request.moment(stock.updated_at))),
        ],
        tables: vec![Table {
            id: "changes",
            title: t.latest_changes,
            heads: vec![Head::new(t.time), Head::new(t.reason), Head::number(t.available), Head::number(t.reserved), Head::new(t.note)],
            rows: rows.collect(),
            empty: t.no_changes,
            ..Table::default()
        }],
        forms: vec![adjust.again(refused.as_ref()), set.again(refused.as_ref())],
        ..Sheet::default()
    };
    request.sheet(view)
}

/// A whole number; what is none goes as it was typed, so that the API says what is wrong with it.
fn number(text: &str) -> Value {
    text.trim_start_matches('+').parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
}

async fn answer<A>(request: AdminRequest, sku: &str, form: &'static str, sent: Sent, result: Result<A, Failure>) -> Response {
    let to = (AdminNotice::Saved, &*format!("{PATH}/{sku}"));
    request.finish(result, (form, sent), to, |request, refused| sheet(request, sku, Some(refused))).await
}

pub async fn adjust(request: AdminRequest, Path(sku): Path<String>, Form(sent): Form<Sent>) -> Response {
    let body = json!({"delta": number(sent.text("delta")), "reason": sent.text("reason")});
    let result = request.call(&ADJUST_STOCK).path(&sku).key(sent.key()).raw_body(&body).send().await;
    answer(request, &sku, "adjust", sent, result).await
}

pub async fn set(request: AdminRequest, Path(sku): Path<String>, Form(sent): Form<Sent>) -> Response {
    let stock = match request.call(&GET_STOCK).path(&sku).send().await {
        Ok(stock) => stock,
        Err(failure) => return request.failed(&failure),
    };
    let mut body = json!({"availableQty": number(sent.text("availableQty")), "productId": stock.product_id});
    if !sent.text("lowStockThreshold").is_empty() {
        body["lowStockThreshold"] = number(sent.text("lowStockThreshold"));
    }
    let result = request.call(&SET_STOCK).path(&sku).raw_body(&body).send().await;
    answer(request, &sku, "set", sent, result).await
}
