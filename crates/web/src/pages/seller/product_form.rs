//! The fields of a product, and the page that creates one.

use super::{Shell, enter_shop};
use crate::{
    Site,
    api::{Api, Caller, Failure},
    dashboard::{Choice, Dashboard, form_key},
    format,
    forms::Faults,
    pages::{Frame, category_paths, failed, not_found_page, page, refused_page, see_other},
    session::{Notice, SellerNotice, Visitor},
    texts::{Language, SellerTexts},
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use contracts::{
    catalog::{CREATE_PRODUCT, GET_PRODUCT, LIST_CATEGORIES, Product, UPDATE_PRODUCT},
    inventory::SET_STOCK,
    money::Currency,
    payout::GET_SELLER_BALANCE,
    tax::TaxClass,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What was typed. The names of the fields are those of the API.
#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub struct ProductForm {
    pub sku: String,
    pub title: String,
    pub description: String,
    pub category_id: String,
    pub brand: String,
    pub price_amount: String,
    pub currency: String,
    pub tax_class: String,
    /// A line for each: `name: value`.
    pub attributes: String,
    /// The names of the attributes in which variants differ, with commas between them.
    pub options: String,
    /// Units to begin with; only for a new product.
    pub available_qty: String,
    /// The product of which the new one is a variant.
    pub variant_of: String,
    pub key: String,
}

impl ProductForm {
    /// The form with what a product has.
    pub fn of(language: Language, product: &Product) -> ProductForm {
        let lines: Vec<_> = product.attributes.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        ProductForm {
            sku: product.sku.clone(),
            title: product.title.clone(),
            description: product.description.clone(),
            category_id: product.category_id.map(|id| id.to_string()).unwrap_or_default(),
            brand: product.brand.clone().unwrap_or_default(),
            price_amount: format::amount(language, product.price_amount, product.currency),
            currency: product.currency.to_string(),
            tax_class: product.tax_class.as_str().to_owned(),
            attributes: lines.join("\n"),
            options: product.options.join(", "),
            ..ProductForm::default()
        }
    }

    /// The body of the call, and what this program finds wrong with the fields that it reads itself: the API is asked all the same,
    /// so that every fault is shown at once.
    pub fn body(&self, t: &SellerTexts, is_new: bool) -> (Map<String, Value>, Faults) {
        let mut faults = Faults::default();
        let mut body = Map::new();
        for (name, value) in [("sku", &self.sku), ("title", &self.title), ("currency", &self.currency)] {
            body.insert(name.into(), value.trim().into());
        }
        body.insert("description".into(), self.description.replace("\r\n", "\n").into());
        body.insert("brand".into(), if self.brand.trim().is_empty() { Value::Null } else { self.brand.as_str().into() });
        for (name, value) in [("categoryId", &self.category_id), ("taxClass", &self.tax_class)] {
            if !value.is_empty() {
                body.insert(name.into(), value.as_str().into());
            }
        }
        let currency = self.currency.trim().parse::<Currency>().ok();
        match currency.and_then(|currency| format::parse_amount(&self.price_amount, currency)) {
            Some(minor) => body.insert("priceAmount".into(), minor.into()),
            None => {
                faults = faults.with("priceAmount", t.not_an_amount);
                body.insert("priceAmount".into(), 1.into())
            }
        };
        let mut attributes = Map::new();
        for line in self.attributes.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once(':') {
                Some((name, value)) if !value.trim().is_empty() => {
                    attributes.insert(name.trim().to_owned(), value.trim().into());
                }
                _ => faults = faults.with("attributes", t.attribute_line),
            }
        }
        body.insert("attributes".into(), attributes.into());
        let options: Vec<&str> = self.options.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        body.insert("options".into(), json!(options));
        if is_new && !self.available_qty.trim().is_empty() && self.available_qty.trim().parse::<u32>().is_err() {
            faults = faults.with("availableQty", t.not_a_number);
        }
        (body, faults)
    }
}

/// The categories with their whole paths.
pub async fn categories(api: &Api, caller: &Caller, language: Language, chosen: &str) -> Result<Vec<Choice>, Failure> {
    let tree = api.call(caller, &LIST_CATEGORIES).send().await?;
    let none = (String::new(), SellerTexts::of(language).no_category.to_owned());
    let known = category_paths(&tree.items, language).into_iter().map(|(id, path)| (id.to_string(), path));
    Ok(Choice::list(std::iter::once(none).chain(known), chosen))
}

pub fn tax_classes(t: &SellerTexts, chosen: &str) -> Vec<Choice> {
    let chosen = if chosen.is_empty() { TaxClass::Standard.as_str() } else { chosen };
    let pairs = [
        (TaxClass::Standard, t.tax_standard),
        (TaxClass::Reduced, t.tax_reduced),
        (TaxClass::SecondReduced, t.tax_second_reduced),
        (TaxClass::SuperReduced, t.tax_super_reduced),
        (TaxClass::Zero, t.tax_zero),
    ];
    Choice::list(pairs.map(|(class, label)| (class.as_str(), label)), chosen)
}

#[derive(Template)]
#[template(path = "seller/new_product.html")]
struct NewProductPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    is_new: bool,
    typed: ProductForm,
    categories: Vec<Choice>,
    tax_classes: Vec<Choice>,
    /// The title of the product of which it is a variant.
    variant_of: Option<String>,
    faults: Faults,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct VariantOf {
    variant_of: String,
}

/// A product of the caller; `None` for everybody else's.
pub async fn own(site: &Site, visitor: &Visitor, seller: &contracts::seller::Seller, id: &str) -> Result<Option<Product>, Failure> {
    let caller = visitor.caller();
    match site.0.api.call(&caller, &GET_PRODUCT).path(id).send().await {
        Ok(product) => Ok((product.seller_id == Some(seller.seller_id)).then_some(product)),
        Err(failure) if failure.status().is_client_error() && failure.code() != "UNAUTHENTICATED" => Ok(None),
        Err(failure) => Err(failure),
    }
}

pub async fn show_new(State(site): State<Site>, visitor: Visitor, Query(VariantOf { variant_of }): Query<VariantOf>) -> Response {
    let typed = ProductForm { variant_of, ..ProductForm::default() };
    show(&site, visitor, typed, None).await
}

async fn show(site: &Site, mut visitor: Visitor, mut typed: ProductForm, refused: Option<(axum::http::StatusCode, Faults)>) -> Response {
    let (user, seller) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let mut variant_of = None;
    if !typed.variant_of.is_empty() {
        match own(site, &visitor, &seller, &typed.variant_of).await {
            Ok(Some(product)) => {
                variant_of = Some(product.title.clone());
                if refused.is_none() {
                    let ProductForm { variant_of, .. } = typed;
                    typed = ProductForm { sku: String::new(), variant_of, ..ProductForm::of(visitor.language, &product) };
                }
            }
            Ok(None) => return not_found_page(site, &mut visitor),
            Err(failure) => return failed(site, &mut visitor, &failure),
        }
    }
    let caller = visitor.caller();
    if typed.currency.is_empty() {
        // The currency of the shop, which the balance names.
        let balance = site.0.api.call(&caller, &GET_SELLER_BALANCE).send().await;
        typed.currency = balance.map_or_else(|_| "EUR".to_owned(), |balance| balance.currency.to_string());
    }
    let categories = match categories(&site.0.api, &caller, visitor.language, &typed.category_id).await {
        Ok(categories) => categories,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    typed.key = form_key(site);
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let tax_classes = tax_classes(t, &typed.tax_class);
    let (status, faults) = refused.map_or((None, Faults::default()), |(status, faults)| (Some(status), faults));
    let template = NewProductPage { frame, board, t, is_new: true, typed, categories, tax_classes, variant_of, faults };
    match status {
        Some(status) => refused_page(site, &visitor, status, &template),
        None => page(site, &visitor, &template),
    }
}

pub async fn create(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<ProductForm>) -> Response {
    let seller = match enter_shop(&site, &mut visitor).await {
        Ok((_, seller)) => seller,
        Err(answer) => return *answer,
    };
    let (caller, api, t) = (visitor.caller(), &site.0.api, SellerTexts::of(visitor.language));
    let (mut body, mut faults) = form.body(t, true);
    body.retain(|_, value| !value.is_null());
    if !form.variant_of.is_empty() {
        match group(&site, &visitor, &seller, &form, &body).await {
            Ok(Some(group)) => body.insert("productGroupId".into(), group),
            Ok(None) => return not_found_page(&site, &mut visitor),
            Err(failure) => return show(&site, visitor, form, Some((failure.status(), Faults::of(&failure)))).await,
        };
    }
    if faults.summary.is_some() {
        // Nothing is created: the SKU alone is made impossible, and the other fields are checked.
        body.insert("sku".into(), Value::Null);
    }
    let created = match api.call(&caller, &CREATE_PRODUCT).key(&form.key).raw_body(&Value::Object(body)).send().await {
        Ok(product) => product,
        Err(failure) if failure.status().is_server_error() || failure.code() == "UNAUTHENTICATED" => {
            return failed(&site, &mut visitor, &failure);
        }
        Err(failure) => {
            let of_api = Faults::of(&failure);
            faults = match faults.summary {
                Some(_) => of_api.without("sku").and(faults),
                None => of_api,
            };
            return show(&site, visitor, form, Some((failure.status(), faults))).await;
        }
    };
    let to = format!("/seller/products/{}", created.product_id);
    if let Ok(units) = form.available_qty.trim().parse::<u32>() {
        let stock = json!({"productId": created.product_id, "availableQty": units});
        if let Err(failure) = api.call(&caller, &SET_STOCK).path(&created.sku).raw_body(&stock).send().await {
            tracing::warn!(target: "web", ?failure, "the stock of a new product was not set");
            visitor.session.notice = Some(Notice::Seller(SellerNotice::StockMissing));
            return see_other(&site, &visitor, &to);
        }
    }
    visitor.session.notice = Some(Notice::Seller(SellerNotice::ProductCreated));
    see_other(&site, &visitor, &to)
}

/// Returns the group of the product of which the new one is a variant. The first variant makes the group, named after the product,
/// so that doing it twice makes one.
async fn group(
    site: &Site,
    visitor: &Visitor,
    seller: &contracts::seller::Seller,
    form: &ProductForm,
    body: &Map<String, Value>,
) -> Result<Option<Value>, Failure> {
    let Some(product) = own(site, visitor, seller, &form.variant_of).await? else { return Ok(None) };
    if let Some(group) = product.product_group_id {
        return Ok(Some(group.to_string().into()));
    }
    let group = Value::from(product.product_id.to_string());
    let changes = json!({"productGroupId": group, "options": body["options"]});
    let caller = visitor.caller();
    site.0.api.call(&caller, &UPDATE_PRODUCT).path(product.product_id).raw_body(&changes).send().await?;
    Ok(Some(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_a_fault_of_its_field() {
        let t = SellerTexts::of(Language::English);
        let form = ProductForm {
            currency: "EUR".into(),
            price_amount: "12,50".into(),
            attributes: "size: M\r\n\r\ncolour : red ".into(),
            options: "size, ".into(),
            ..ProductForm::default()
        };
        let (body, faults) = form.body(t, true);
        assert_eq!((&body["priceAmount"], &body["attributes"]), (&json!(1_250), &json!({"size": "M", "colour": "red"})));
        assert_eq!((&body["options"], faults.summary), (&json!(["size"]), None));
        let form =
            ProductForm { price_amount: "much".into(), attributes: "size M".into(), available_qty: "-1".into(), ..ProductForm::default() };
        let (_, faults) = form.body(t, true);
        for field in ["priceAmount", "attributes", "availableQty"] {
            assert!(!faults.field(field).is_empty(), "{field}");
        }
    }
}
