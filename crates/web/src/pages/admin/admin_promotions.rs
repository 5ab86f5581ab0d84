//! Promotions of the shop and of sellers.

use super::{
    AdminRequest,
    admin_orders::Parameters,
    names::Shops,
    screens::{Cell, Field, FormView, Link, Refused, Row, Saved, Screen, Sheet, Table},
    sent::{Sent, amount},
    words::{badge, words},
};
use crate::{
    dashboard::{Head, Listing},
    session::AdminNotice,
    texts::Language,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use contracts::{
    machine::Machine as _,
    money::Currency,
    promotion::{
        ACTIVATE_PROMOTION, CREATE_PROMOTION, END_PROMOTION, GET_PROMOTION, LIST_PROMOTIONS, PAUSE_PROMOTION, Promotion, PromotionKind,
        PromotionStatus,
    },
};
use serde_json::{Map, Value, json};

const PATH: &str = "/admin/promotions";

/// What a promotion takes off, in words.
fn worth(request: &AdminRequest, promotion: &Promotion) -> String {
    let t = request.t;
    let value = promotion.value.unwrap_or(0);
    match promotion.kind {
        PromotionKind::Percentage => percent(request.lang, value),
        PromotionKind::FixedAmount => request.money(value, promotion.currency.unwrap_or(Currency::EUR)),
        PromotionKind::FreeShipping => t.kind_free_shipping.to_owned(),
        PromotionKind::BuyXGetY => {
            format!("{} + {}", promotion.buy_quantity.unwrap_or(0), promotion.get_quantity.unwrap_or(0))
        }
    }
}

/// Writes basis points as a percentage.
pub fn percent(language: Language, basis_points: i64) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    let point = if language == Language::German { ',' } else { '.' };
    let text = if rest == 0 { whole.to_string() } else { format!("{whole}{point}{rest:02}").trim_end_matches('0').to_owned() };
    format!("{text}\u{a0}%")
}

pub async fn list(request: AdminRequest, Query(parameters): Query<Parameters>) -> Response {
    let t = request.t;
    let list = Listing::new(PATH, parameters, &["status"]);
    let (found, faults) = match request.fetch(&LIST_PROMOTIONS, &list).await {
        Ok(found) => found,
        Err(failure) => return request.failed(&failure),
    };
    let shops = Shops::of(&request, found.items.iter().map(|promotion| promotion.seller_id)).await;
    let rows = found.items.iter().map(|promotion| {
        let used =
            promotion.total_limit.map_or_else(|| promotion.used_count.to_string(), |limit| format!("{} / {limit}", promotion.used_count));
        Row::of([
            Cell::link(&promotion.title, format!("{PATH}/{}", promotion.promotion_id)),
            Cell::text(worth(&request, promotion)),
            promotion.code.as_ref().map_or_else(|| Cell::text("–"), Cell::code),
            Cell::badge(badge(t, &promotion.status.to_string())),
            shops.cell(&request, promotion.seller_id),
            Cell::number(used),
        ])
    });
    let rows = rows.collect();
    let screen = Screen {
        title: t.promotions,
        faults,
        links: vec![Link { label: t.new_promotion, href: format!("{PATH}/new") }],
        saved: Saved::by_status(t.all, &list, |status: PromotionStatus| badge(t, status.as_str()).words),
        chips: list.chip("status", badge(t, list.value("status")).words).into_iter().collect(),
        table: Table {
            id: "promotions",
            heads: vec![
                Head::new(t.promotion),
                Head::new(t.discount),
                Head::new(t.code),
                Head::new(t.status),
                Head::new(t.paid_by),
                Head::number(t.uses),
            ],
            rows,
            empty: t.no_promotions,
            ..Table::default()
        },
        empty_text: t.no_promotions_text,
        empty_step: Some(Link { label: t.new_promotion, href: "/admin/promotions/new".into() }),
        ..Screen::of(&list, found.next_cursor.as_ref())
    };
    request.list(screen)
}

pub async fn new(request: AdminRequest) -> Response {
    form(request, None)
}

fn form(request: AdminRequest, refused: Option<&Refused>) -> Response {
    let t = request.t;
    let kinds = PromotionKind::ALL.iter().map(|kind| (kind.as_str(), words(t, kind.as_str())));
    let view = FormView::new("promotion", "", PATH, t.create_draft)
        .hint(t.promotion_hint)
        .field(Field::text("title", t.title, "").required())
        .field(Field::select("kind", t.kind, "PERCENTAGE", kinds))
        .field(Field::text("value", t.value, "").hint(t.value_hint))
        .field(Field::text("currency", t.currency, "EUR"))
        .field(Field::number("buyQuantity", t.buy_quantity, "").hint(t.buy_hint))
        .field(Field::number("getQuantity", t.get_quantity, ""))
        .field(Field::text("code", t.code, "").hint(t.code_hint))
        .field(Field::text("minSubtotal", t.min_subtotal, "").place("conditions/minSubtotalAmount"))
        .field(Field::new("startsAt", t.starts, "date", ""))
        .field(Field::new("endsAt", t.ends, "date", ""))
        .field(Field::number("totalLimit", t.total_limit, ""))
        .field(Field::number("perCustomerLimit", t.customer_limit, ""))
        .field(Field::checkbox("firstOrderOnly", t.first_order_only, false))
        .field(Field::checkbox("exclusive", t.exclusive, false))
        .main()
        .again(refused);
    let view = Sheet {
        title: t.new_promotion.to_owned(),
        back: Some(Link { label: t.promotions, href: PATH.into() }),
        faults: Refused::page_faults(refused),
        forms: vec![view],
        ..Sheet::default()
    };
    request.sheet(view)
}

/// The body of the call. What cannot be read as a number goes as it was typed, so that the API says what is wrong with it.
fn body(sent: &Sent) -> Value {
    let number = |name: &str| sent.text(name).parse::<i64>().map_or_else(|_| json!(sent.text(name)), |number| json!(number));
    let currency: Option<Currency> = sent.text("currency").to_ascii_uppercase().parse().ok();
    let money = |name: &str| {
        amount(sent.text(name), currency.map_or(2, Currency::decimals)).map_or_else(|| json!(sent.text(name)), |minor| json!(minor))
    };
    let is_filled = |name: &str| !sent.text(name).is_empty();
    let mut body: Map<String, Value> = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    let kind = sent.text("kind");
    set("title", json!(sent.text("title")));
    set("kind", json!(kind));
    let is_money = kind == PromotionKind::FixedAmount.as_str();
    if is_filled("value") {
        // A percentage has two decimals, as basis points do.
        set(
            "value",
            if is_money {
                money("value")
            } else {
                amount(sent.text("value"), 2).map_or_else(|| json!(sent.text("value")), |points| json!(points))
            },
        );
    }
    if is_filled("currency") && (is_money || is_filled("minSubtotal")) {
        set("currency", json!(sent.text("currency").to_ascii_uppercase()));
    }
    for name in ["buyQuantity", "getQuantity", "totalLimit", "perCustomerLimit"].into_iter().filter(|name| is_filled(name)) {
        set(name, number(name));
    }
    if is_filled("code") {
        set("code", json!(sent.text("code")));
    }
    for name in ["startsAt", "endsAt"].into_iter().filter(|name| is_filled(name)) {
        set(name, json!(format!("{}T00:00:00Z", sent.text(name))));
    }
    let mut conditions = Map::new();
    if is_filled("minSubtotal") {
        conditions.insert("minSubtotalAmount".into(), money("minSubtotal"));
    }
    if sent.has("firstOrderOnly") {
        conditions.insert("firstOrderOnly".into(), json!(true));
    }
    set("conditions", Value::Object(conditions));
    set("exclusive", json!(sent.has("exclusive")));
    Value::Object(body)
}

pub async fn create(request: AdminRequest, Form(sent): Form<Sent>) -> Response {
    let result = request.call(&CREATE_PROMOTION).key(sent.key()).raw_body(&body(&sent)).send().await;
    match result {
        Ok(promotion) => request.done(AdminNotice::Saved, &format!("{PATH}/{}", promotion.promotion_id)),
        Err(failure) => {
            let refused = Refused::new("promotion", sent, &failure);
            form(request, Some(&refused))
        }
    }
}

pub async fn show(request: AdminRequest, Path(id): Path<String>) -> Response {
    sheet(request, &id, None).await
}

async fn sheet(request: AdminRequest, id: &str, refused: Option<Refused>) -> Response {
    let t = request.t;
    let promotion = match request.call(&GET_PROMOTION).path(id).send().await {
        Ok(promotion) => promotion,
        Err(failure) => return request.failed(&failure),
    };
    let path = |step: &str| format!("{PATH}/{}/{step}", promotion.promotion_id);
    let activate = || FormView::new("activate", t.activate_title, path("activate"), t.activate).main();
    let pause = || FormView::new("pause", t.pause_title, path("pause"), t.pause).hint(t.pause_hint);
    let end = || FormView::new("end", t.end_title, path("end"), t.end).hint(t.end_hint).danger();
    let forms = match promotion.status {
        PromotionStatus::Draft | PromotionStatus::Paused => vec![activate(), end()],
        PromotionStatus::Active => vec![pause(), end()],
        PromotionStatus::Ended => Vec::new(),
    };
    let conditions = &promotion.conditions;
    let currency = promotion.currency.unwrap_or(Currency::EUR);
    let count = |ids: usize| if ids == 0 { t.all.to_owned() } else { ids.to_string() };
    let yes = |is: bool| Cell::text(if is { t.yes } else { t.no });
    let seller = Shops::of(&request, [promotion.seller_id]).await.cell(&request, promotion.seller_id);
    let view = Sheet {
        title: promotion.title.clone(),
        back: Some(Link { label: t.promotions, href: PATH.into() }),
        badges: vec![badge(t, &promotion.status.to_string())],
        faults: Refused::page_faults(refused.as_ref()),
        facts: vec![
            (t.kind, Cell::text(words(t, promotion.kind.as_str()))),
            (t.discount, Cell::text(worth(&request, &promotion))),
            (t.code, promotion.code.as_ref().map_or_else(|| Cell::text("–"), Cell::code)),
            (t.paid_by, seller),
            (t.min_subtotal, Cell::maybe(conditions.min_subtotal_amount.map(|amount| request.money(amount, currency)))),
            (t.categories, Cell::text(count(conditions.category_ids.len()))),
            (t.sellers, Cell::text(count(conditions.seller_ids.len()))),
            (t.products, Cell::text(count(conditions.product_ids.len()))),
            (t.first_order_only, yes(conditions.first_order_only)),
            (t.exclusive, yes(promotion.exclusive)),
            (t.starts, Cell::maybe(promotion.starts_at.map(|at| request.moment(at)))),
            (t.ends, Cell::maybe(promotion.ends_at.map(|at| request.moment(at)))),
            (t.uses, Cell::text(promotion.used_count)),
            (t.total_limit, Cell::maybe(promotion.total_limit)),
            (t.customer_limit, Cell::maybe(promotion.per_customer_limit)),
            (t.id, Cell::code(promotion.promotion_id)),
        ],
        forms,
        ..Sheet::default()
    };
    request.sheet(view)
}

pub async fn step(request: AdminRequest, Path((id, step)): Path<(String, String)>, Form(sent): Form<Sent>) -> Response {
    let call = match step.as_str() {
        "activate" => &ACTIVATE_PROMOTION,
        "pause" => &PAUSE_PROMOTION,
        "end" => &END_PROMOTION,
        _ => return request.not_found(),
    };
    let result = request.call(call).path(&id).key(sent.key()).send().await;
    let to = (AdminNotice::Saved, &*format!("{PATH}/{id}"));
    request.finish(result, ("step", sent), to, |request, refused| sheet(request, &id, Some(refused))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[(&str, &str)]) -> Sent {
        Sent(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_percentage_is_written_without_needless_digits() {
        let written = [1_000, 1_950, 725, 0].map(|points| percent(Language::English, points));
        assert_eq!(written, ["10\u{a0}%", "19.5\u{a0}%", "7.25\u{a0}%", "0\u{a0}%"]);
        assert_eq!(percent(Language::German, 550), "5,5\u{a0}%");
    }

    #[test]
    fn the_form_is_sent_in_the_units_of_the_api() {
        let fixed =
            body(&sent(&[("title", "x"), ("kind", "FIXED_AMOUNT"), ("value", "12,50"), ("currency", "eur"), ("endsAt", "2026-12-01")]));
        assert_eq!(fixed["value"], 1_250);
        assert_eq!(fixed["currency"], "EUR");
        assert_eq!(fixed["endsAt"], "2026-12-01T00:00:00Z");
        let share = body(&sent(&[("kind", "PERCENTAGE"), ("value", "7.5"), ("currency", "EUR"), ("totalLimit", "many")]));
        assert_eq!((&share["value"], &share["totalLimit"]), (&json!(750), &json!("many")));
        assert!(share.get("currency").is_none());
    }
}
