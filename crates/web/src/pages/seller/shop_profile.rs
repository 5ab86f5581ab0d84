//! What customers and administrators know of the shop, and the account that its money is paid out to.

use super::{
    Shell,
    application::{badge, country_of},
    done, enter_shop, is_fatal,
};
use crate::{
    Site,
    api::Failure,
    countries,
    dashboard::{Badge, Choice, Dashboard},
    format,
    forms::Faults,
    pages::{Frame, failed, page, refused_page},
    session::{SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{Form, extract::State, response::Response};
use contracts::seller::{Seller, UPDATE_OWN_SELLER};
use serde::Deserialize;
use serde_json::{Value, json};

/// What was typed. The names of the fields are those of the API.
#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub struct ProfileForm {
    shop_name: String,
    legal_name: String,
    country: String,
    contact_email: String,
    description: String,
}

impl ProfileForm {
    fn of(seller: &Seller) -> ProfileForm {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        ProfileForm {
            shop_name: seller.shop_name.clone(),
            legal_name: text(&seller.legal_name),
            country: text(&seller.country),
            contact_email: text(&seller.contact_email),
            description: seller.description.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "seller/profile.html")]
struct ProfilePage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    badge: Badge,
    is_public: bool,
    seller: Seller,
    held_until: String,
    stars: String,
    countries: Vec<Choice>,
    typed: ProfileForm,
    faults: Faults,
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_profile(&site, visitor, None, None).await
}

async fn show_profile(site: &Site, mut visitor: Visitor, typed: Option<ProfileForm>, refused: Option<Failure>) -> Response {
    let (user, seller) = match enter_shop(site, &mut visitor).await {
        Ok(found) => found,
        Err(answer) => return *answer,
    };
    let Shell { frame, board, t } = Shell::of(&mut visitor, &user, true);
    let language = visitor.language;
    let typed = typed.unwrap_or_else(|| ProfileForm::of(&seller));
    let template = ProfilePage {
        badge: badge(t, seller.status),
        is_public: seller.status == contracts::seller::SellerStatus::Approved,
        held_until: seller.payouts_held_until.map(|at| format::moment(language, at)).unwrap_or_default(),
        stars: if seller.rating.count > 0 { format::stars(language, seller.rating) } else { String::new() },
        countries: Choice::list(countries::choices(language, &typed.country), country_of(&typed.country)),
        typed,
        faults: refused.as_ref().map(Faults::of).unwrap_or_default(),
        seller,
        frame,
        board,
        t,
    };
    match refused {
        Some(failure) => refused_page(site, &visitor, failure.status(), &template),
        None => page(site, &visitor, &template),
    }
}

async fn save(site: &Site, mut visitor: Visitor, changes: Value, typed: Option<ProfileForm>) -> Response {
    if let Err(answer) = enter_shop(site, &mut visitor).await {
        return *answer;
    }
    let caller = visitor.caller();
    match site.0.api.call(&caller, &UPDATE_OWN_SELLER).raw_body(&changes).send().await {
        Ok(_) => done(site, visitor, SellerNotice::Saved, "/seller/profile"),
        Err(failure) if is_fatal(&failure) => failed(site, &mut visitor, &failure),
        Err(failure) => show_profile(site, visitor, typed, Some(failure)).await,
    }
}

pub async fn update(State(site): State<Site>, visitor: Visitor, Form(form): Form<ProfileForm>) -> Response {
    let optional = |text: &str| if text.trim().is_empty() { Value::Null } else { text.into() };
    let changes = json!({
        "shopName": form.shop_name, "legalName": form.legal_name, "country": form.country,
        "contactEmail": optional(&form.contact_email), "description": optional(&form.description.replace("\r\n", "\n")),
    });
    save(&site, visitor, changes, Some(form)).await
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountForm {
    payout_account: String,
    current_password: String,
}

pub async fn change_account(State(site): State<Site>, visitor: Visitor, Form(form): Form<AccountForm>) -> Response {
    let changes = json!({"payoutAccount": form.payout_account, "currentPassword": form.current_password});
    save(&site, visitor, changes, None).await
}
