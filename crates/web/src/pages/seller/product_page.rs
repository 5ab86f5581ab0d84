//! One product of a seller: its fields, stock, prices, variants and pictures.

use super::{
    Shell, enter_shop,
    own_products::badge,
    product_form::{self, ProductForm, own},
};
use crate::{
    Site,
    api::Failure,
    dashboard::{Badge, Choice, Dashboard, Head, form_key},
    format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page, see_other},
    session::{Notice, SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{
    Form,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use contracts::{
    catalog::{
        ACTIVATE_PRODUCT, ARCHIVE_PRODUCT, ARRANGE_IMAGES, DEACTIVATE_PRODUCT, GET_PRODUCT_GROUP, LIST_PRICE_HISTORY, MAX_IMAGES,
        ModerationStatus, Product, ProductStatus, UPDATE_PRODUCT, UPLOAD_PICTURE,
    },
    inventory::{ADJUST_STOCK, GET_STOCK, SET_STOCK, StockItem},
    seller::Seller,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Prices of the history that are shown.
const PRICES: usize = 20;

struct PriceRow {
    price: String,
    since: String,
}

struct VariantRow {
    href: String,
    title: String,
    options: String,
    sku: String,
    price: String,
    stock: String,
    badge: Badge,
    is_this: bool,
}

struct PictureRow {
    url: String,
    is_first: bool,
    is_last: bool,
}

/// What was typed into the forms of the stock.
#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub struct StockForm {
    available_qty: String,
    low_stock_threshold: String,
    delta: String,
    reason: String,
    key: String,
}

#[derive(Template)]
#[template(path = "seller/product_page.html")]
struct ProductPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    is_new: bool,
    product: Product,
    badge: Badge,
    typed: ProductForm,
    categories: Vec<Choice>,
    tax_classes: Vec<Choice>,
    stock: Option<StockItem>,
    typed_stock: StockForm,
    pictures: Vec<PictureRow>,
    price_heads: Vec<Head>,
    prices: Vec<PriceRow>,
    variant_heads: Vec<Head>,
    variants: Vec<VariantRow>,
    can_publish: bool,
    can_deactivate: bool,
    can_archive: bool,
    key: String,
    faults: Faults,
}

impl ProductPage {
    fn is_blocked(&self) -> bool {
        self.product.moderation.status == ModerationStatus::Blocked
    }
    fn has_room(&self) -> bool {
        self.pictures.len() < MAX_IMAGES
    }
}

/// What was refused, and with which fields.
#[derive(Default)]
struct Refused {
    status: StatusCode,
    faults: Faults,
    product: Option<ProductForm>,
    stock: Option<StockForm>,
}

impl Refused {
    fn of(failure: &Failure) -> Refused {
        Refused { status: failure.status(), faults: Faults::of(failure), ..Refused::default() }
    }
}

pub async fn show(State(site): State<Site>, visitor: Visitor, Path(id): Path<String>) -> Response {
    show_product(&site, visitor, &id, None).await
}

async fn show_product(site: &Site, mut visitor: Visitor, id: &str, refused: Option<Refused>) -> Response {
    let (user, seller) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let product = match own(site, &visitor, &seller, id).await {
        Ok(Some(product)) => product,
        Ok(None) => return not_found_page(site, &mut visitor),
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let (caller, api, language) = (visitor.caller(), &site.0.api, visitor.language);
    let group = async {
        let id = product.product_group_id?;
        api.call(&caller, &GET_PRODUCT_GROUP).path(id).send().await.ok()
    };
    let typed = refused.as_ref().and_then(|refused| refused.product.clone()).unwrap_or_else(|| ProductForm::of(language, &product));
    let (categories, prices, stock, group) = tokio::join!(
        product_form::categories(api, &caller, visitor.language, &typed.category_id),
        api.call(&caller, &LIST_PRICE_HISTORY).path(id).query("limit", PRICES).send(),
        api.call(&caller, &GET_STOCK).path(&product.sku).send(),
        group,
    );
    let categories = match categories {
        Ok(categories) => categories,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let stock = stock.ok();
    let typed_stock = refused.as_ref().and_then(|refused| refused.stock.clone()).unwrap_or_else(|| StockForm {
        available_qty: stock.as_ref().map(|item| item.available_qty.to_string()).unwrap_or_default(),
        low_stock_threshold: stock.as_ref().map(|item| item.low_stock_threshold.to_string()).unwrap_or_default(),
        ..StockForm::default()
    });
    let variants = group.into_iter().flat_map(|group| {
        let options: Vec<String> = group.options.into_iter().map(|option| option.name).collect();
        group.variants.into_iter().map(move |variant| (options.clone(), variant))
    });
    let variants = variants.map(|(options, variant)| VariantRow {
        href: format!("/seller/products/{}", variant.product.product_id),
        options: options.iter().filter_map(|name| variant.product.attributes.get(name)).cloned().collect::<Vec<_>>().join(", "),
        price: format::money(language, variant.product.price_amount, variant.product.currency),
        stock: variant.availability.as_ref().map_or_else(|| "–".into(), |stock| stock.available_qty.to_string()),
        badge: badge(t, &variant.product),
        is_this: variant.product.product_id == product.product_id,
        title: format::title(&variant.product.title),
        sku: variant.product.sku,
    });
    let last = product.images.len().saturating_sub(1);
    let picture = |(index, url): (usize, &String)| PictureRow { url: url.clone(), is_first: index == 0, is_last: index == last };
    let price = |entry: &contracts::catalog::PriceHistoryEntry| PriceRow {
        price: format::money(language, entry.price_amount, entry.currency),
        since: format::short_moment(language, entry.changed_at),
    };
    let status = product.status;
    let template = ProductPage {
        is_new: false,
        badge: badge(t, &product),
        tax_classes: product_form::tax_classes(t, &typed.tax_class),
        categories,
        typed,
        stock,
        typed_stock,
        pictures: product.images.iter().enumerate().map(picture).collect(),
        price_heads: vec![Head::new(t.valid_since), Head::number(t.price)],
        prices: prices.map(|page| page.items.iter().map(price).collect()).unwrap_or_default(),
        variant_heads: vec![
            Head::new(t.product),
            Head::new(t.options),
            Head::new(t.sku),
            Head::new(board.t.status),
            Head::number(t.price),
            Head::number(t.stock),
        ],
        variants: variants.collect(),
        can_publish: matches!(status, ProductStatus::Draft | ProductStatus::Inactive),
        can_deactivate: status == ProductStatus::Active,
        can_archive: status != ProductStatus::Archived,
        key: form_key(site),
        product,
        faults: refused.as_ref().map(|refused| refused.faults.clone()).unwrap_or_default(),
        frame,
        board,
        t,
    };
    match refused {
        Some(refused) => refused_page(site, &visitor, refused.status, &template),
        None => page(site, &visitor, &template),
    }
}

/// Returns the caller's product.
async fn find(site: &Site, visitor: &mut Visitor, id: &str) -> Result<(Seller, Product), Box<Response>> {
    let (_, seller) = enter_shop(site, visitor).await?;
    match own(site, visitor, &seller, id).await {
        Ok(Some(product)) => Ok((seller, product)),
        Ok(None) => Err(Box::new(not_found_page(site, visitor))),
        Err(failure) => Err(Box::new(failed(site, visitor, &failure))),
    }
}

/// Leads back to the product, or shows it with what was refused.
async fn answer(
    site: &Site,
    mut visitor: Visitor,
    id: &str,
    done: Result<SellerNotice, Failure>,
    refused: impl FnOnce(Refused) -> Refused,
) -> Response {
    match done {
        Ok(notice) => {
            visitor.session.notice = Some(Notice::Seller(notice));
            see_other(site, &visitor, &format!("/seller/products/{id}"))
        }
        Err(failure) if failure.status().is_server_error() || failure.code() == "UNAUTHENTICATED" => failed(site, &mut visitor, &failure),
        Err(failure) => show_product(site, visitor, id, Some(refused(Refused::of(&failure)))).await,
    }
}

pub async fn save(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<ProductForm>) -> Response {
    let product = match find(&site, &mut visitor, &id).await {
        Ok((_, product)) => product,
        Err(answer) => return *answer,
    };
    let t = SellerTexts::of(visitor.language);
    let (mut body, faults) = form.body(t, false);
    // A SKU is fixed once the product was published: what stays the same is not sent.
    if form.sku.trim() == product.sku {
        body.remove("sku");
    }
    if faults.summary.is_some() {
        let refused = Refused { status: StatusCode::UNPROCESSABLE_ENTITY, faults, product: Some(form), stock: None };
        return show_product(&site, visitor, &id, Some(refused)).await;
    }
    let caller = visitor.caller();
    let saved = site.0.api.call(&caller, &UPDATE_PRODUCT).path(&id).raw_body(&Value::Object(body)).send().await;
    answer(&site, visitor, &id, saved.map(|_| SellerNotice::Saved), |refused| Refused { product: Some(form), ..refused }).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct StatusForm {
    action: String,
    key: String,
}

pub async fn set_status(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<StatusForm>) -> Response {
    if let Err(answer) = find(&site, &mut visitor, &id).await {
        return *answer;
    }
    let (call, notice) = match &*form.action {
        "publish" => (&ACTIVATE_PRODUCT, SellerNotice::Published),
        "deactivate" => (&DEACTIVATE_PRODUCT, SellerNotice::Deactivated),
        "archive" => (&ARCHIVE_PRODUCT, SellerNotice::Archived),
        _ => return not_found_page(&site, &mut visitor),
    };
    let caller = visitor.caller();
    let done = site.0.api.call(&caller, call).path(&id).key(&form.key).send().await;
    answer(&site, visitor, &id, done.map(|_| notice), |refused| refused).await
}

/// Sets the stock, or adds to it.
pub async fn set_stock(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<StockForm>) -> Response {
    let product = match find(&site, &mut visitor, &id).await {
        Ok((_, product)) => product,
        Err(answer) => return *answer,
    };
    let (caller, api) = (visitor.caller(), &site.0.api);
    // What is no number goes as it was typed: the API says what is wrong with it.
    let number = |typed: &str| typed.trim().parse::<i64>().map_or_else(|_| Value::from(typed.trim()), Value::from);
    let done = if form.delta.is_empty() {
        let mut body = json!({"productId": product.product_id, "availableQty": number(&form.available_qty)});
        if !form.low_stock_threshold.trim().is_empty() {
            body["lowStockThreshold"] = number(&form.low_stock_threshold);
        }
        api.call(&caller, &SET_STOCK).path(&product.sku).raw_body(&body).send().await
    } else {
        let body = json!({"delta": number(&form.delta), "reason": form.reason});
        api.call(&caller, &ADJUST_STOCK).path(&product.sku).key(&form.key).raw_body(&body).send().await
    };
    answer(&site, visitor, &id, done.map(|_| SellerNotice::Saved), |refused| Refused { stock: Some(form), ..refused }).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct UploadKey {
    key: String,
}

/// Hands an uploaded picture on to the API as it arrived.
pub async fn upload(
    State(site): State<Site>,
    mut visitor: Visitor,
    Path(id): Path<String>,
    Query(UploadKey { key }): Query<UploadKey>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(answer) = find(&site, &mut visitor, &id).await {
        return *answer;
    }
    let kind = headers.get(header::CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let caller = visitor.caller();
    let done = site.0.api.call(&caller, &UPLOAD_PICTURE).path(&id).key(&key).file(kind, body).send().await;
    // A fault that names no field is one of the file.
    answer(&site, visitor, &id, done.map(|_| SellerNotice::PictureAdded), |refused| match refused.faults.summary.clone() {
        Some(summary) if refused.faults.field("file").is_empty() => Refused { faults: refused.faults.with("file", &summary), ..refused },
        _ => refused,
    })
    .await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ArrangeForm {
    image: String,
    action: String,
}

/// Moves a picture to another place, or removes it.
pub async fn arrange(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<ArrangeForm>) -> Response {
    let product = match find(&site, &mut visitor, &id).await {
        Ok((_, product)) => product,
        Err(answer) => return *answer,
    };
    let images = arranged(product.images, &form.image, &form.action);
    let body = Value::Object(Map::from_iter([("images".to_owned(), json!(images))]));
    let caller = visitor.caller();
    let done = site.0.api.call(&caller, &ARRANGE_IMAGES).path(&id).raw_body(&body).send().await;
    answer(&site, visitor, &id, done.map(|_| SellerNotice::Saved), |refused| refused).await
}

fn arranged(mut images: Vec<String>, image: &str, action: &str) -> Vec<String> {
    let Some(at) = images.iter().position(|other| other == image) else { return images };
    match action {
        "remove" => {
            images.remove(at);
        }
        "up" if at > 0 => images.swap(at, at - 1),
        "down" if at + 1 < images.len() => images.swap(at, at + 1),
        _ => {}
    }
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_move_by_one_place() {
        let images = || vec!["a".to_owned(), "b".into(), "c".into()];
        for (image, action, expected) in [
            ("b", "up", "bac"),
            ("b", "down", "acb"),
            ("a", "up", "abc"),
            ("c", "down", "abc"),
            ("b", "remove", "ac"),
            ("x", "remove", "abc"),
            ("b", "", "abc"),
        ] {
            assert_eq!(arranged(images(), image, action).concat(), expected, "{image} {action}");
        }
    }
}
