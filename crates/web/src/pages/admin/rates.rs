//! The tables of rates: taxes and commissions. Each is edited as a whole, as text with a line for each rate.

use super::{
    AdminRequest,
    admin_promotions::percent,
    screens::{Cell, Field, FormView, Refused, Row, Sheet, Table},
    sent::{Sent, amount},
    words::tax_class,
};
use crate::{dashboard::Head, session::AdminNotice};
use axum::{Form, response::Response};
use contracts::{
    catalog::{GET_TAX_RATES, LIST_CATEGORIES, PUT_TAX_RATES},
    payout::{GET_COMMISSIONS, PUT_COMMISSIONS},
    seller::LIST_SELLERS,
    tax::TaxClass,
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Names of sellers that are looked up for the table.
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
            Cell::text(&rate.country),
            Cell::maybe(rate.state.as_ref()),
            Cell::text(tax_class(t, rate.tax_class)),
            Cell::number(percent(i64::from(rate.basis_points))),
        ])
    });
    let text = table.items.iter().map(|rate| {
        let state = rate.state.as_deref().unwrap_or_default();
        format!("{}, {state}, {}, {}", rate.country, rate.tax_class, typed(i64::from(rate.basis_points)))
    });
    let text = text.collect::<Vec<_>>().join("\n");
    let form = FormView::new("taxes", t.replace_table, "/admin/taxes", request.d.save)
        .hint(t.taxes_hint)
        .field(Field::new("items", t.one_rate_a_line, "textarea", text))
        .main()
        .again(refused.as_ref());
    let view = Sheet {
        title: t.taxes.to_owned(),
        lead: if table.prices_include_tax { t.prices_with_tax } else { t.prices_without_tax }.to_owned(),
        faults: Refused::trouble(refused.as_ref()),
        tables: vec![Table {
            id: "rates",
            title: t.rates,
            heads: vec![Head::new(t.country), Head::new(t.state), Head::new(t.tax_class), Head::number(t.rate)],
            rows: rows.collect(),
            empty: t.no_taxes,
            note: TaxClass::ALL.iter().map(|class| format!("{class}: {}", tax_class(t, *class))).collect::<Vec<_>>().join(" · "),
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
            let refused = Refused::of_lines("taxes", sent, &failure, request.t.line);
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
    let mut categories = HashMap::new();
    let mut open = tree.map(|tree| tree.items).unwrap_or_default();
    while let Some(node) = open.pop() {
        categories.insert(node.category_id, node.name);
        open.extend(node.children);
    }
    let sellers: HashMap<_, _> =
        sellers.map(|page| page.items).unwrap_or_default().into_iter().map(|seller| (seller.seller_id, seller.shop_name)).collect();
    let rows = rates.items.iter().map(|rate| {
        let category =
            rate.category_id.map_or_else(|| t.all.to_owned(), |id| categories.get(&id).cloned().unwrap_or_else(|| id.to_string()));
        let seller = rate.seller_id.map_or_else(
            || Cell::text(t.all),
            |id| Cell::link(sellers.get(&id).cloned().unwrap_or_else(|| id.to_string()), format!("/admin/sellers/{id}")),
        );
        Row::of([Cell::text(category), seller, Cell::number(percent(rate.basis_points))])
    });
    let text = rates.items.iter().map(|rate| {
        let id = |id: Option<String>| id.unwrap_or_default();
        let (category, seller) = (id(rate.category_id.map(|id| id.to_string())), id(rate.seller_id.map(|id| id.to_string())));
        format!("{category}, {seller}, {}", typed(rate.basis_points))
    });
    let text = text.collect::<Vec<_>>().join("\n");
    let form = FormView::new("commissions", t.replace_table, "/admin/commissions", request.d.save)
        .hint(t.commissions_hint)
        .field(Field::new("items", t.one_rate_a_line, "textarea", text))
        .main()
        .again(refused.as_ref());
    let view = Sheet {
        title: t.commissions.to_owned(),
        lead: t.commissions_lead.to_owned(),
        faults: Refused::trouble(refused.as_ref()),
        tables: vec![Table {
            id: "rates",
            title: t.rates,
            heads: vec![Head::new(t.category), Head::new(t.seller), Head::number(t.rate)],
            rows: rows.collect(),
            empty: t.no_commissions,
            ..Table::default()
        }],
        forms: vec![form],
        ..Sheet::default()
    };
    request.sheet(view)
}

fn commission_items(text: &str) -> Vec<Value> {
    let word = |words: &[&str], at: usize| words.get(at).map_or_else(String::new, |word| (*word).to_owned());
    let item = |words: Vec<&str>| json!({"categoryId": or_null(&word(&words, 0)), "sellerId": or_null(&word(&words, 1)), "basisPoints": points(&word(&words, 2))});
    lines(text).map(item).collect()
}

pub async fn save_commissions(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let body = json!({"items": commission_items(sent.text("items"))});
    match request.call(&PUT_COMMISSIONS).raw_body(&body).send().await {
        Ok(_) => request.done(AdminNotice::Saved, "/admin/commissions"),
        Err(failure) => {
            let refused = Refused::of_lines("commissions", sent, &failure, request.t.line);
            show_commissions(request, Some(refused)).await
        }
    }
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
        assert_eq!(commission_items(", , 12.5"), [json!({"categoryId": null, "sellerId": null, "basisPoints": 1_250})]);
    }
}
