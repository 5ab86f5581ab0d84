//! The tables of rates: taxes, which are edited as text with a line for each rate, and commissions, of which one is set at a time.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    admin_promotions::percent,
    names::Shops,
    screens::{Cell, Field, FormView, Refused, Row, Sheet, Table},
    sent::{Sent, amount},
    words::tax_class,
};
use crate::{dashboard::Head, pages::category_paths, session::AdminNotice};
use axum::{Form, extract::Query, response::Response};
use contracts::{
    catalog::{GET_TAX_RATES, LIST_CATEGORIES, PUT_TAX_RATES},
    ids::CategoryId,
    payout::{CommissionRate, GET_COMMISSIONS, PUT_COMMISSIONS},
    seller::LIST_SELLERS,
    tax::TaxClass,
};
use serde_json::{Value, json};

const COMMISSIONS: &str = "/admin/commissions";
/// Sellers that the form offers.
const SELLERS: usize = 100;

/// Writes basis points as they are typed.
fn typed(basis_points: i64) -> String {
    format!("{}.{:02}", basis_points / 100, basis_points % 100)
}

/// The words of each line that is not empty.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .map(|line| line.split([',', ';', '\t']).map(str::trim).collect::<Vec<_>>())
        .filter(|words| words.iter().any(|word| !word.is_empty()))
}

/// A percentage in basis points; what cannot be read goes as it was typed, so that the API says what is wrong with it.
fn points(text: &str) -> Value {
    amount(text.trim_end_matches('%').trim_end(), 2).map_or_else(|| json!(text), |points| json!(points))
}

fn or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

pub async fn taxes(request: AdminRequest) -> Response {
    show_taxes(request, None).await
}

async fn show_taxes(request: AdminRequest, refused: Option<Refused>) -> Response {
    let t = request.t;
    let table = match request.call(&GET_TAX_RATES).send().await {
        Ok(table) => table,
        Err(failure) => return request.failed(&failure),
    };
    let rows = table.items.iter().map(|rate| {
        Row::of([
            Cell::text(request.country(&rate.country)),
            Cell::maybe(rate.state.as_ref()),
            Cell::text(tax_class(t, rate.tax_class)),
            Cell::number(percent(request.lang, i64::from(rate.basis_points))),
        ])
    });
    let text = table.items.iter().map(|rate| {
        let state = rate.state.as_deref().unwrap_or_default();
        format!("{}, {state}, {}, {}", rate.country, rate.tax_class, typed(i64::from(rate.basis_points)))
    });
    let text = text.collect::<Vec<_>>().join("\n");
    let classes: Vec<String> = TaxClass::ALL.iter().map(|class| format!("{class} ({})", tax_class(t, *class))).collect();
    let form = FormView::new("taxes", t.replace_table, "/admin/taxes", request.d.save)
        .hint(format!("{} {}", t.taxes_hint, classes.join(", ")))
        .field(Field::new("items", t.one_rate_a_line, "textarea", text))
        .main()
        .again(refused.as_ref());
    let view = Sheet {
        title: t.taxes.to_owned(),
        lead: if table.prices_include_tax { t.prices_with_tax } else { t.prices_without_tax }.to_owned(),
        faults: Refused::page_faults(refused.as_ref()),
        tables: vec![Table {
            id: "rates",
            title: t.rates,
            heads: vec![Head::new(t.country), Head::new(t.state), Head::new(t.tax_class), Head::number(t.rate)],
            rows: rows.collect(),
            empty: t.no_taxes,
            ..Table::default()
        }],
        forms: vec![form],
        ..Sheet::default()
    };
    request.sheet(view)
}

fn tax_items(text: &str) -> Vec<Value> {
    let word = |words: &[&str], at: usize| words.get(at).map_or_else(String::new, |word| (*word).to_owned());
    let item = |words: Vec<&str>| {
        json!({
            "country": word(&words, 0), "state": or_null(&word(&words, 1)),
            "taxClass": word(&words, 2).to_ascii_uppercase(), "basisPoints": points(&word(&words, 3)),
        })
    };
    lines(text).map(item).collect()
}

pub async fn save_taxes(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let body = json!({"items": tax_items(sent.text("items"))});
    match request.call(&PUT_TAX_RATES).raw_body(&body).send().await {
        Ok(_) => request.done(AdminNotice::Saved, "/admin/taxes"),
        Err(failure) => {
            let refused = Refused::of_lines("taxes", sent, &failure, request.t.line, request.lang);
            show_taxes(request, Some(refused)).await
        }
    }
}

pub async fn commissions(request: AdminRequest) -> Response {
    show_commissions(request, None).await
}

async fn show_commissions(request: AdminRequest, refused: Option<Refused>) -> Response {
    let t = request.t;
    let rates = request.call(&GET_COMMISSIONS).send();
    let tree = request.call(&LIST_CATEGORIES).send();
    let sellers = request.call(&LIST_SELLERS).query("limit", SELLERS).send();
    let (rates, tree, sellers) = tokio::join!(rates, tree, sellers);
    let rates = match rates {
        Ok(rates) => rates,
        Err(failure) => return request.failed(&failure),
    };
    let categories = category_paths(&tree.map(|tree| tree.items).unwrap_or_default(), request.lang);
    let mut sellers: Vec<_> = sellers.map(|page| page.items).unwrap_or_default();
    sellers.sort_by(|one, other| one.shop_name.cmp(&other.shop_name));
    let shops = Shops::of(&request, rates.items.iter().map(|rate| rate.seller_id)).await;
    let rows = rates.items.iter().map(|rate| {
        let name =
            |id: CategoryId| categories.iter().find(|(other, _)| *other == id).map_or_else(|| id.to_string(), |(_, name)| name.clone());
        let seller = rate.seller_id.map_or_else(|| Cell::text(t.all), |id| shops.cell(&request, Some(id)));
        let (category_id, seller_id) = of(rate);
        let remove = format!("{COMMISSIONS}/remove?categoryId={category_id}&sellerId={seller_id}");
        Row::of([
            Cell::text(rate.category_id.map_or_else(|| t.all.to_owned(), name)),
            seller,
            Cell::number(percent(request.lang, rate.basis_points)),
            Cell::button(t.remove, remove),
        ])
    });
    let all = || std::iter::once((String::new(), t.all.to_owned()));
    let categories_of_form = all().chain(categories.iter().map(|(id, name)| (id.to_string(), name.clone())));
    let sellers_of_form = all().chain(sellers.iter().map(|seller| (seller.seller_id.to_string(), seller.shop_name.clone())));
    let form = FormView::new("commission", t.set_rate, COMMISSIONS, request.d.save)
        .hint(t.commissions_hint)
        .field(Field::select("categoryId", t.category, "", categories_of_form))
        .field(Field::select("sellerId", t.seller, "", sellers_of_form))
        .field(Field::text("percent", t.rate_percent, "").place("basisPoints").required())
        .main()
        .again(refused.as_ref());
    let view = Sheet {
        title: t.commissions.to_owned(),
        lead: t.commissions_lead.to_owned(),
        faults: Refused::page_faults(refused.as_ref()),
        tables: vec![Table {
            id: "rates",
            title: t.rates,
            heads: vec![Head::new(t.category), Head::new(t.seller), Head::number(t.rate), Head::new(request.d.actions)],
            rows: rows.collect(),
            empty: t.no_commissions,
            ..Table::default()
        }],
        forms: vec![form],
        ..Sheet::default()
    };
    request.sheet(view)
}

/// What a rate is for, as a form says it: ids of a category and a seller, empty for all.
fn of(rate: &CommissionRate) -> (String, String) {
    (rate.category_id.map(|id| id.to_string()).unwrap_or_default(), rate.seller_id.map(|id| id.to_string()).unwrap_or_default())
}

/// The table with another rate for a category and a seller; without one when `rate` is none.
fn changed(rates: &[CommissionRate], category: &str, seller: &str, rate: Option<Value>) -> Value {
    let kept = rates.iter().filter(|rate| of(rate) != (category.to_owned(), seller.to_owned())).map(|rate| json!(rate));
    let added = rate.map(|rate| json!({"categoryId": or_null(category), "sellerId": or_null(seller), "basisPoints": rate}));
    json!({"items": kept.chain(added).collect::<Vec<_>>()})
}

/// Replaces the table, of which the form changes one rate.
async fn put_commissions(request: AdminRequest, sent: Sent, category: &str, seller: &str, rate: Option<Value>) -> Response {
    let rates = match request.call(&GET_COMMISSIONS).send().await {
        Ok(rates) => rates.items,
        Err(failure) => return request.failed(&failure),
    };
    match request.call(&PUT_COMMISSIONS).raw_body(&changed(&rates, category, seller, rate)).send().await {
        Ok(_) => request.done(AdminNotice::Saved, COMMISSIONS),
        Err(failure) => {
            let refused = Refused::new("commission", sent, &failure);
            show_commissions(request, Some(refused)).await
        }
    }
}

/// Sets the rate of a category, of a seller, of both or of all.
pub async fn save_commission(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let (category, seller, rate) = (sent.text("categoryId").to_owned(), sent.text("sellerId").to_owned(), points(sent.text("percent")));
    put_commissions(request, sent, &category, &seller, Some(rate)).await
}

/// Removes a rate. The address says which one.
pub async fn remove_commission(request: AdminRequest, Query(of): Query<Parameters>, Form(sent): Form<Sent>) -> Response {
    let of = Sent(of);
    put_commissions(request, sent, of.text("categoryId"), of.text("sellerId"), None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_rate() {
        let items = tax_items("DE, , standard, 19\n\n US, CA, SHIPPING, 7.25 %\r\n,,,\nFR, , REDUCED, x");
        assert_eq!(items.len(), 3);
        assert_eq!(items[0], json!({"country": "DE", "state": null, "taxClass": "STANDARD", "basisPoints": 1_900}));
        assert_eq!(items[1]["basisPoints"], 725);
        assert_eq!(items[2]["basisPoints"], "x");
    }

    #[test]
    fn one_rate_is_changed_and_the_others_stay() {
        let id = "0190a1b2-c3d4-7000-8000-00000000000f";
        let rates: Vec<CommissionRate> = serde_json::from_value(
            json!([{"categoryId": null, "sellerId": null, "basisPoints": 1_000}, {"categoryId": null, "sellerId": id, "basisPoints": 500}]),
        )
        .unwrap();
        let other = json!({"categoryId": null, "sellerId": id, "basisPoints": 500});
        let set = json!({"categoryId": null, "sellerId": null, "basisPoints": 1_250});
        assert_eq!(changed(&rates, "", "", Some(points("12.5"))), json!({"items": [other, set]}));
        assert_eq!(changed(&rates, "", "", None), json!({"items": [other]}));
        assert_eq!(changed(&rates, id, "", None)["items"].as_array().unwrap().len(), 2);
    }
}
