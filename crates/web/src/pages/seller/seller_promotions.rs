//! Promotions of a seller for the seller's own products.

use super::{Shell, Tab, done, enter_shop, is_fatal, read_list};
use crate::{
    Site,
    api::Failure,
    dashboard::{Badge, Chip, Choice, Dashboard, Head, Listing, Tone, form_key, is_missing},
    format,
    forms::Faults,
    pages::{Frame, failed, not_found_page, page, refused_page},
    session::{SellerNotice, Visitor},
    texts::{Language, SellerTexts},
};
use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use contracts::{
    money::Currency,
    payout::GET_SELLER_BALANCE,
    promotion::{
        ACTIVATE_PROMOTION, CREATE_PROMOTION, END_PROMOTION, GET_PROMOTION, LIST_PROMOTIONS, PAUSE_PROMOTION, Promotion, PromotionKind,
        PromotionStatus,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const ROWS: usize = 25;

fn badge(t: &SellerTexts, status: PromotionStatus) -> Badge {
    match status {
        PromotionStatus::Draft => Badge::new(t.promotion_draft, Tone::Waiting),
        PromotionStatus::Active => Badge::new(t.promotion_active, Tone::Good),
        PromotionStatus::Paused => Badge::new(t.promotion_paused, Tone::Plain),
        PromotionStatus::Ended => Badge::new(t.promotion_ended, Tone::Plain),
    }
}

/// Writes hundredths of a percent, such as `12.5 %`.
fn percent(language: Language, basis_points: i64) -> String {
    let point = if language == Language::German { ',' } else { '.' };
    let text = format!("{}{point}{:02}", basis_points / 100, basis_points % 100);
    format!("{}\u{a0}%", text.trim_end_matches('0').trim_end_matches(point))
}

/// Writes what a promotion does.
fn effect(t: &SellerTexts, language: Language, promotion: &Promotion) -> String {
    let value = promotion.value.unwrap_or(0);
    match (promotion.kind, promotion.currency) {
        (PromotionKind::Percentage, _) => format!("\u{2212}{}", percent(language, value)),
        (PromotionKind::FixedAmount, Some(currency)) => format!("\u{2212}{}", format::money(language, value, currency)),
        (PromotionKind::FixedAmount, None) => t.kind_fixed_amount.to_owned(),
        (PromotionKind::FreeShipping, _) => t.kind_free_shipping.to_owned(),
        (PromotionKind::BuyXGetY, _) => {
            format!("{} + {} {}", promotion.buy_quantity.unwrap_or(0), promotion.get_quantity.unwrap_or(0), t.free)
        }
    }
}

struct Row {
    id: String,
    title: String,
    code: String,
    effect: String,
    days: String,
    badge: Badge,
    used: String,
    can_activate: bool,
    can_pause: bool,
    can_end: bool,
}

#[derive(Template)]
#[template(path = "seller/promotions.html")]
struct PromotionsPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    tabs: Vec<Tab>,
    chips: Vec<Chip>,
    list: Listing,
    heads: Vec<Head>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
    key: String,
    faults: Faults,
}

pub async fn list(State(site): State<Site>, visitor: Visitor, Query(sent): Query<Vec<(String, String)>>) -> Response {
    show_list(&site, visitor, sent, None).await
}

async fn show_list(site: &Site, mut visitor: Visitor, sent: Vec<(String, String)>, refused: Option<Failure>) -> Response {
    let (user, _) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let list = Listing::new("/seller/promotions", sent, &["status"]);
    let caller = visitor.caller();
    let found = match read_list(site, &caller, &LIST_PROMOTIONS, &list, ROWS).await {
        Ok(found) => found,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let row = |promotion: &Promotion| {
        let day = |at: Option<contracts::time::Timestamp>| at.map_or_else(|| "…".to_owned(), |at| format::day(language, at));
        let status = promotion.status;
        Row {
            id: promotion.promotion_id.to_string(),
            title: promotion.title.clone(),
            code: promotion.code.clone().unwrap_or_default(),
            effect: effect(t, language, promotion),
            days: match (promotion.starts_at, promotion.ends_at) {
                (None, None) => t.always.to_owned(),
                (from, to) => format!("{} – {}", day(from), day(to)),
            },
            badge: badge(t, status),
            used: match promotion.total_limit {
                Some(limit) => format!("{} / {limit}", promotion.used_count),
                None => promotion.used_count.to_string(),
            },
            can_activate: matches!(status, PromotionStatus::Draft | PromotionStatus::Paused),
            can_pause: status == PromotionStatus::Active,
            can_end: status != PromotionStatus::Ended,
        }
    };
    let status = list.value("status").parse::<PromotionStatus>().ok();
    let template = PromotionsPage {
        tabs: Tab::by_status(t.all, &list, |status| badge(t, status).words),
        chips: status.and_then(|status| list.chip("status", badge(t, status).words)).into_iter().collect(),
        heads: vec![
            Head::new(t.title),
            Head::new(t.effect),
            Head::new(t.code),
            Head::new(t.period),
            Head::new(board.t.status),
            Head::number(t.used),
            Head::new(board.t.actions),
        ],
        rows: found.items.iter().map(row).collect(),
        first: list.first(),
        next: list.next(found.next_cursor.as_ref()),
        list,
        key: form_key(site),
        faults: refused.as_ref().map(Faults::of).unwrap_or_default(),
        frame,
        board,
        t,
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct StatusForm {
    action: String,
    key: String,
    status: String,
}

pub async fn set_status(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>, Form(form): Form<StatusForm>) -> Response {
    let seller = match enter_shop(&site, &mut visitor).await {
        Ok((_, seller)) => seller,
        Err(answer) => return *answer,
    };
    let (caller, api) = (visitor.caller(), &site.0.api);
    let call = match &*form.action {
        "activate" => &ACTIVATE_PROMOTION,
        "pause" => &PAUSE_PROMOTION,
        "end" => &END_PROMOTION,
        _ => return not_found_page(&site, &mut visitor),
    };
    match api.call(&caller, &GET_PROMOTION).path(&id).send().await {
        Ok(promotion) if promotion.seller_id == Some(seller.seller_id) => {}
        Err(failure) if is_fatal(&failure) => return failed(&site, &mut visitor, &failure),
        Ok(_) | Err(_) => return not_found_page(&site, &mut visitor),
    }
    let sent = vec![("status".to_owned(), form.status)];
    let own_key = format!("{}-{id}-{}", form.key, form.action);
    match api.call(&caller, call).path(&id).key(&own_key).send().await {
        Ok(_) => {
            let list = Listing::new("/seller/promotions", sent, &["status"]);
            done(&site, visitor, SellerNotice::Saved, &list.here())
        }
        Err(failure) if is_missing(&failure) => not_found_page(&site, &mut visitor),
        Err(failure) if is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        Err(failure) => show_list(&site, visitor, sent, Some(failure)).await,
    }
}

/// What was typed. The names of the fields are those of the API.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct PromotionForm {
    title: String,
    kind: String,
    /// Percent or an amount, as people write them.
    value: String,
    currency: String,
    buy_quantity: String,
    get_quantity: String,
    code: String,
    min_subtotal_amount: String,
    first_order_only: String,
    starts_at: String,
    ends_at: String,
    total_limit: String,
    per_customer_limit: String,
    exclusive: String,
    key: String,
}

impl PromotionForm {
    /// The body of the call. What cannot be read goes as it was typed, so that the API names it beside the other faults.
    fn body(&self, t: &SellerTexts) -> (Map<String, Value>, Faults) {
        let (mut body, mut faults) = (Map::new(), Faults::default());
        body.insert("title".into(), self.title.as_str().into());
        body.insert("kind".into(), self.kind.as_str().into());
        let currency = self.currency.trim().parse::<Currency>().ok();
        let mut amount = |name: &str, typed: &str, currency: Option<Currency>| {
            let minor = currency.and_then(|currency| format::parse_amount(typed, currency));
            if minor.is_none() {
                faults = std::mem::take(&mut faults).with(name, t.not_an_amount);
            }
            minor.map_or(Value::Null, Value::from)
        };
        let kind = self.kind.parse::<PromotionKind>().ok();
        match kind {
            // A percent has a hundred basis points, as a euro has a hundred cents.
            Some(PromotionKind::Percentage) => {
                let typed = self.value.trim().trim_end_matches('%');
                body.insert("value".into(), amount("value", typed, "EUR".parse().ok()));
            }
            Some(PromotionKind::FixedAmount) => {
                body.insert("value".into(), amount("value", &self.value, currency));
                body.insert("currency".into(), self.currency.trim().into());
            }
            _ => {}
        }
        let mut conditions = Map::new();
        if !self.min_subtotal_amount.trim().is_empty() {
            let minor = amount("minSubtotalAmount", &self.min_subtotal_amount, currency);
            conditions.insert("minSubtotalAmount".into(), minor);
            body.insert("currency".into(), self.currency.trim().into());
        }
        if !self.first_order_only.is_empty() {
            conditions.insert("firstOrderOnly".into(), true.into());
        }
        body.insert("conditions".into(), conditions.into());
        let number = |typed: &str| typed.trim().parse::<i64>().map_or_else(|_| Value::from(typed.trim()), Value::from);
        let is_bundle = kind == Some(PromotionKind::BuyXGetY);
        for (name, typed, is_used) in [
            ("buyQuantity", &self.buy_quantity, is_bundle),
            ("getQuantity", &self.get_quantity, is_bundle),
            ("totalLimit", &self.total_limit, true),
            ("perCustomerLimit", &self.per_customer_limit, true),
        ] {
            if is_used && !typed.trim().is_empty() {
                body.insert(name.into(), number(typed));
            }
        }
        // A field for a time sends no zone; the pages show UTC.
        for (name, typed) in [("startsAt", &self.starts_at), ("endsAt", &self.ends_at)] {
            let typed = typed.trim();
            if !typed.is_empty() {
                let seconds = if typed.len() == 16 { ":00" } else { "" };
                body.insert(name.into(), format!("{typed}{seconds}Z").into());
            }
        }
        if !self.code.trim().is_empty() {
            body.insert("code".into(), self.code.trim().into());
        }
        body.insert("exclusive".into(), (!self.exclusive.is_empty()).into());
        (body, faults)
    }
}

#[derive(Template)]
#[template(path = "seller/new_promotion.html")]
struct NewPromotionPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    typed: PromotionForm,
    kinds: Vec<Choice>,
    faults: Faults,
}

pub async fn show_new(State(site): State<Site>, visitor: Visitor) -> Response {
    show_form(&site, visitor, PromotionForm::default(), None).await
}

async fn show_form(site: &Site, mut visitor: Visitor, mut typed: PromotionForm, refused: Option<(StatusCode, Faults)>) -> Response {
    let (user, _) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    if typed.currency.is_empty() {
        let caller = visitor.caller();
        let balance = site.0.api.call(&caller, &GET_SELLER_BALANCE).send().await;
        typed.currency = balance.map_or_else(|_| "EUR".to_owned(), |balance| balance.currency.to_string());
    }
    typed.key = form_key(site);
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let kinds = [
        (PromotionKind::Percentage, t.kind_percentage),
        (PromotionKind::FixedAmount, t.kind_fixed_amount),
        (PromotionKind::FreeShipping, t.kind_free_shipping),
        (PromotionKind::BuyXGetY, t.kind_buy_x_get_y),
    ];
    let kinds = Choice::list(kinds.map(|(kind, label)| (kind.as_str(), label)), &typed.kind);
    let (status, faults) = refused.map_or((None, Faults::default()), |(status, faults)| (Some(status), faults));
    let template = NewPromotionPage { frame, board, t, typed, kinds, faults };
    match status {
        Some(status) => refused_page(site, &visitor, status, &template),
        None => page(site, &visitor, &template),
    }
}

pub async fn create(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<PromotionForm>) -> Response {
    if let Err(answer) = enter_shop(&site, &mut visitor).await {
        return *answer;
    }
    let t = SellerTexts::of(visitor.language);
    let (mut body, faults) = form.body(t);
    let has_faults = faults.summary.is_some();
    if has_faults {
        // Nothing is created, and the other fields are checked all the same.
        body.insert("exclusive".into(), json!(null));
    }
    let caller = visitor.caller();
    match site.0.api.call(&caller, &CREATE_PROMOTION).key(&form.key).raw_body(&Value::Object(body)).send().await {
        Ok(_) => done(&site, visitor, SellerNotice::PromotionCreated, "/seller/promotions"),
        Err(failure) if is_fatal(&failure) => failed(&site, &mut visitor, &failure),
        Err(failure) => {
            let faults = Faults::of(&failure).without("exclusive").and(faults);
            show_form(&site, visitor, form, Some((failure.status(), faults))).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_is_a_hundred_basis_points() {
        assert_eq!(percent(Language::English, 1_250).replace('\u{a0}', " "), "12.5 %");
        assert_eq!(percent(Language::German, 1_000).replace('\u{a0}', " "), "10 %");
        assert_eq!(percent(Language::German, 105).replace('\u{a0}', " "), "1,05 %");
    }

    #[test]
    fn a_form_is_the_body_of_its_kind() {
        let t = SellerTexts::of(Language::English);
        let form = PromotionForm {
            kind: "PERCENTAGE".into(),
            value: "12,5 %".into(),
            currency: "EUR".into(),
            buy_quantity: "2".into(),
            min_subtotal_amount: "50".into(),
            starts_at: "2026-12-01T08:30".into(),
            total_limit: "many".into(),
            ..PromotionForm::default()
        };
        let (body, faults) = form.body(t);
        assert_eq!((&body["value"], &body["conditions"]), (&json!(1_250), &json!({"minSubtotalAmount": 5_000})));
        assert_eq!((&body["startsAt"], &body["totalLimit"]), (&json!("2026-12-01T08:30:00Z"), &json!("many")));
        assert!(body.get("buyQuantity").is_none() && faults.summary.is_none());
        let (_, faults) = PromotionForm { kind: "FIXED_AMOUNT".into(), value: "x".into(), ..PromotionForm::default() }.body(t);
        assert!(!faults.field("value").is_empty());
    }
}
