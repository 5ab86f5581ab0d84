//! The products of a seller as a list, where prices and stock of many are changed at once.

use super::{Shell, Tab, changes::Change, enter_shop};
use crate::{
    Site,
    api::{Caller, Failure},
    dashboard::{Badge, Chip, Choice, Dashboard, Head, Listing, Tone, form_key},
    format,
    forms::Faults,
    pages::{Frame, failed, page, refused_page, see_other},
    session::{Notice, SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use contracts::{
    catalog::{LIST_PRODUCTS, ModerationStatus, Product, ProductStatus},
    ids::UserId,
    inventory::{GET_STOCK, LIST_STOCK, StockItem},
    machine::Machine as _,
    page::Page,
};
use futures_util::future::join_all;
use std::collections::HashMap;

/// Few enough that the changes of all rows stay below the limit of writes of one second.
const ROWS: usize = 15;

pub fn badge(t: &SellerTexts, product: &Product) -> Badge {
    if product.moderation.status == ModerationStatus::Blocked {
        return Badge::new(t.product_blocked, Tone::Bad);
    }
    status_badge(t, product.status)
}

pub fn status_badge(t: &SellerTexts, status: ProductStatus) -> Badge {
    match status {
        ProductStatus::Draft => Badge::new(t.product_draft, Tone::Waiting),
        ProductStatus::Active => Badge::new(t.product_active, Tone::Good),
        ProductStatus::Inactive => Badge::new(t.product_inactive, Tone::Plain),
        ProductStatus::Archived => Badge::new(t.product_archived, Tone::Plain),
    }
}

/// A row with the fields as they are shown: as they are stored, or as they were typed.
struct Row {
    id: String,
    sku: String,
    title: String,
    image: Option<String>,
    badge: Badge,
    currency: String,
    /// What is stored.
    was_price: String,
    was_stock: String,
    price: String,
    stock: String,
    reserved: i64,
    is_low: bool,
    /// Whether price and stock can be changed.
    is_open: bool,
    is_chosen: bool,
    changed: String,
    fault: String,
}

#[derive(Template)]
#[template(path = "seller/products.html")]
struct ProductsPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    tabs: Vec<Tab>,
    chips: Vec<Chip>,
    list: Listing,
    sorts: Vec<Choice>,
    heads: Vec<Head>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
    here: String,
    key: String,
    faults: Faults,
}

/// The list and what its address says.
struct Found {
    products: Page<Product>,
    stock: HashMap<String, StockItem>,
}

async fn read(site: &Site, caller: &Caller, seller_id: UserId, list: &Listing) -> Result<Found, Failure> {
    let api = &site.0.api;
    if list.value("stock") == "low" {
        let mut call = api.call(caller, &LIST_STOCK).query("lowStock", true).query("limit", ROWS);
        if !list.value("cursor").is_empty() {
            call = call.query("cursor", list.value("cursor"));
        }
        let low = call.send().await?;
        if low.items.is_empty() {
            return Ok(Found { products: Page { items: Vec::new(), next_cursor: None }, stock: HashMap::new() });
        }
        let ids: Vec<_> = low.items.iter().map(|item| item.product_id.to_string()).collect();
        let call = api.call(caller, &LIST_PRODUCTS).query("sellerId", seller_id).query("ids", ids.join(",")).query("limit", 100);
        let products = call.send().await?.items;
        let stock = low.items.into_iter().map(|item| (item.sku.clone(), item)).collect();
        return Ok(Found { products: Page { items: products, next_cursor: low.next_cursor }, stock });
    }
    let mut call = api.call(caller, &LIST_PRODUCTS).query("sellerId", seller_id).query("limit", ROWS);
    for (name, value) in list.parameters().filter(|(name, _)| *name != "stock") {
        call = call.query(name, value);
    }
    let products = call.send().await?;
    // A product without stock has no stock item.
    let items = join_all(products.items.iter().map(|product| api.call(caller, &GET_STOCK).path(&product.sku).send())).await;
    let stock = items.into_iter().flatten().map(|item| (item.sku.clone(), item)).collect();
    Ok(Found { products, stock })
}

fn listing(sent: Vec<(String, String)>) -> Listing {
    Listing::new("/seller/products", sent, &["status", "q", "stock"])
}

pub async fn list(State(site): State<Site>, visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    show(&site, visitor, listing(sent), None).await
}

/// What was refused: the rows as they were typed and what is wrong with them.
pub struct Refused {
    pub changes: Vec<Change>,
    pub failure: Option<Failure>,
}

async fn show(site: &Site, mut visitor: Visitor, list: Listing, refused: Option<Refused>) -> Response {
    let (user, seller) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let caller = visitor.caller();
    let Found { products, stock } = match read(site, &caller, seller.seller_id, &list).await {
        Ok(found) => found,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let row = |product: &Product| {
        let id = product.product_id.to_string();
        let item = stock.get(&product.sku);
        let change = refused.as_ref().and_then(|refused| refused.changes.iter().find(|change| change.id == id));
        let was_price = format::amount(language, product.price_amount, product.currency);
        let was_stock = item.map_or_else(String::new, |item| item.available_qty.to_string());
        Row {
            sku: product.sku.clone(),
            title: format::title(&product.title),
            image: product.images.first().cloned(),
            badge: badge(t, product),
            currency: product.currency.to_string(),
            price: change.map_or_else(|| was_price.clone(), |change| change.price.clone()),
            stock: change.map_or_else(|| was_stock.clone(), |change| change.stock.clone()),
            was_price,
            was_stock,
            reserved: item.map_or(0, |item| item.reserved_qty),
            is_low: item.is_some_and(|item| item.low_stock),
            is_open: product.status != ProductStatus::Archived,
            is_chosen: change.is_some_and(|change| change.is_chosen),
            changed: format::day(language, product.updated_at),
            fault: change.map_or_else(String::new, |change| change.fault.clone()),
            id,
        }
    };
    let status = list.value("status").parse::<ProductStatus>().ok();
    let tab = |label, name: &str, value: &str| {
        let is_here = list.value(name) == value && (!value.is_empty() || list.value("stock").is_empty());
        let bare = Listing::new("/seller/products", Vec::new(), &[]);
        let href = if value.is_empty() { bare.here() } else { bare.with(name, value) };
        Tab { label, href, is_here }
    };
    let mut tabs = vec![tab(t.all, "status", "")];
    tabs.extend(ProductStatus::STATES.iter().map(|status| tab(status_badge(t, *status).words, "status", status.as_str())));
    tabs.push(tab(t.low_stock, "stock", "low"));
    let searched = list.chip("q", format!("\u{201c}{}\u{201d}", list.value("q")));
    let chips = [status.and_then(|status| list.chip("status", status_badge(t, status).words)), list.chip("stock", t.low_stock), searched];
    let faults = match &refused {
        Some(Refused { failure: Some(failure), .. }) => Faults::of(failure),
        Some(_) => Faults::about_all(t.rows_refused),
        None => Faults::default(),
    };
    let can_sort = list.value("stock").is_empty();
    let sortable = |label, up, down| if can_sort { list.head(label, up, down) } else { Head::new(label) };
    let sorts = [
        ("", t.sort_newest),
        ("oldest", t.sort_oldest),
        ("title", t.sort_title),
        ("price", frame.t.sort_price),
        ("-price", frame.t.sort_price_down),
        ("-updatedAt", t.sort_updated),
    ];
    let template = ProductsPage {
        tabs,
        chips: chips.into_iter().flatten().collect(),
        sorts: Choice::list(sorts, list.value("sort")),
        heads: vec![
            Head::choice(board.t),
            sortable(t.product, "title", ""),
            Head::new(board.t.status),
            sortable(t.price, "price", "-price").of_numbers(),
            Head::number(t.stock),
            sortable(t.changed, "", "-updatedAt"),
        ],
        rows: products.items.iter().map(row).collect(),
        first: list.first(),
        next: list.next(products.next_cursor.as_ref()),
        here: list.here(),
        list,
        key: form_key(site),
        faults,
        frame,
        board,
        t,
    };
    match refused {
        Some(refused) => {
            let status = refused.failure.map_or(axum::http::StatusCode::UNPROCESSABLE_ENTITY, |failure| failure.status());
            refused_page(site, &visitor, status, &template)
        }
        None => page(site, &visitor, &template),
    }
}

/// Saves the prices and the stock that were changed, or does something with the chosen products.
pub async fn change(
    State(site): State<Site>,
    mut visitor: Visitor,
    Query(sent): Query<Vec<(String, String)>>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let list = listing(sent);
    let seller = match enter_shop(&site, &mut visitor).await {
        Ok((_, seller)) => seller,
        Err(answer) => return *answer,
    };
    let value = |name: &str| fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str()).to_owned();
    let (action, key) = (value("action"), value("key"));
    let changes = Change::read(&fields, ROWS.max(100));
    let caller = visitor.caller();
    let t = SellerTexts::of(visitor.language);
    let api = &site.0.api;
    let done = match &*action {
        "save" => super::changes::save(api, &caller, t, &key, seller.seller_id, changes).await,
        _ => super::changes::act(api, &caller, t, &action, &key, changes).await,
    };
    match done {
        Ok(0) => {
            visitor.session.notice = Some(Notice::Seller(SellerNotice::NothingChanged));
            see_other(&site, &visitor, &list.here())
        }
        Ok(_) => {
            visitor.session.notice = Some(Notice::Seller(SellerNotice::Saved));
            see_other(&site, &visitor, &list.here())
        }
        Err(refused) => match refused.failure {
            Some(failure) if failure.code() == "UNAUTHENTICATED" => failed(&site, &mut visitor, &failure),
            failure => show(&site, visitor, list, Some(Refused { failure, ..refused })).await,
        },
    }
}
