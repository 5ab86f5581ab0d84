//! The application of a user who wants to sell.

use super::{Access, Shell, enter};
use crate::{
    Site,
    api::Failure,
    countries,
    dashboard::{Badge, Choice, Dashboard, Tone, form_key},
    forms::Faults,
    pages::{Frame, failed, page, refused_page, see_other},
    session::{Notice, SellerNotice, Visitor},
    texts::SellerTexts,
};
use askama::Template;
use axum::{Form, extract::State, response::Response};
use contracts::seller::{APPLY_AS_SELLER, REAPPLY_AS_SELLER, Seller, SellerStatus, UPDATE_OWN_SELLER};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What was typed. The names of the fields are those of the API.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationForm {
    shop_name: String,
    legal_name: String,
    country: String,
    contact_email: String,
    description: String,
    payout_account: String,
    current_password: String,
    key: String,
}

impl ApplicationForm {
    /// The form with what a record has.
    fn of(seller: &Seller, key: String) -> ApplicationForm {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        ApplicationForm {
            shop_name: seller.shop_name.clone(),
            legal_name: text(&seller.legal_name),
            country: text(&seller.country),
            contact_email: text(&seller.contact_email),
            description: seller.description.clone(),
            key,
            ..ApplicationForm::default()
        }
    }

    /// The body of the call: a field that was left empty is not sent, unless the API must name it as missing.
    fn body(&self) -> Map<String, Value> {
        let required = [
            ("shopName", &self.shop_name),
            ("legalName", &self.legal_name),
            ("country", &self.country),
            ("payoutAccount", &self.payout_account),
        ];
        let optional = [("contactEmail", &self.contact_email), ("description", &self.description)];
        let given = optional.into_iter().filter(|(_, value)| !value.trim().is_empty());
        required.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value.as_str().into())).collect()
    }
}

#[derive(Template)]
#[template(path = "seller/application.html")]
struct ApplicationPage {
    frame: Frame,
    board: Dashboard,
    t: &'static SellerTexts,
    seller: Option<Seller>,
    status: Option<Badge>,
    /// What the status means for the user.
    meaning: &'static str,
    /// Whether the form is shown: for a first application, and for another one after a rejection.
    is_open: bool,
    countries: Vec<Choice>,
    typed: ApplicationForm,
    faults: Faults,
}

pub fn badge(t: &SellerTexts, status: SellerStatus) -> Badge {
    match status {
        SellerStatus::Applied => Badge::new(t.seller_applied, Tone::Waiting),
        SellerStatus::UnderReview => Badge::new(t.seller_under_review, Tone::Waiting),
        SellerStatus::Approved => Badge::new(t.seller_approved, Tone::Good),
        SellerStatus::Rejected => Badge::new(t.seller_rejected, Tone::Bad),
        SellerStatus::Suspended => Badge::new(t.seller_suspended, Tone::Bad),
    }
}

/// The country that a form shows before one is chosen.
pub fn country_of(typed: &str) -> &str {
    if typed.is_empty() { countries::DEFAULT } else { typed }
}

fn template(site: &Site, visitor: &mut Visitor, access: Access, typed: Option<ApplicationForm>, faults: Faults) -> ApplicationPage {
    let Access { user, seller } = access;
    let Shell { frame, board, t } = Shell::of(visitor, &user, false);
    let status = seller.as_ref().map(|seller| seller.status);
    let key = form_key(site);
    let typed = match (typed, &seller) {
        // What was refused is another request when it is sent again.
        (Some(typed), _) => ApplicationForm { key, payout_account: String::new(), current_password: String::new(), ..typed },
        (None, Some(seller)) => ApplicationForm::of(seller, key),
        (None, None) => ApplicationForm { key, ..ApplicationForm::default() },
    };
    ApplicationPage {
        status: status.map(|status| badge(t, status)),
        meaning: match status {
            None => t.apply_text,
            Some(SellerStatus::Applied) => t.applied_text,
            Some(SellerStatus::UnderReview) => t.under_review_text,
            Some(SellerStatus::Rejected) => t.rejected_text,
            Some(SellerStatus::Approved | SellerStatus::Suspended) => "",
        },
        countries: Choice::list(countries::choices(visitor.language, &typed.country), country_of(&typed.country)),
        is_open: matches!(status, None | Some(SellerStatus::Rejected)),
        seller,
        typed,
        faults,
        frame,
        board,
        t,
    }
}

/// Shows the application with its state.
pub fn show(site: &Site, visitor: &mut Visitor, access: Access) -> Response {
    let template = template(site, visitor, access, None, Faults::default());
    page(site, visitor, &template)
}

async fn refuse(site: &Site, mut visitor: Visitor, typed: ApplicationForm, failure: Failure) -> Response {
    if failure.status().is_server_error() || failure.code() == "UNAUTHENTICATED" {
        return failed(site, &mut visitor, &failure);
    }
    match enter(site, &mut visitor).await {
        Ok(access) => {
            let template = template(site, &mut visitor, access, Some(typed), Faults::of(&failure));
            refused_page(site, &visitor, failure.status(), &template)
        }
        Err(answer) => *answer,
    }
}

pub async fn apply(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<ApplicationForm>) -> Response {
    if let Err(answer) = enter(&site, &mut visitor).await {
        return *answer;
    }
    let caller = visitor.caller();
    match site.0.api.call(&caller, &APPLY_AS_SELLER).key(&form.key).raw_body(&Value::Object(form.body())).send().await {
        Ok(_) => applied(&site, visitor),
        Err(failure) => refuse(&site, visitor, form, failure).await,
    }
}

fn applied(site: &Site, mut visitor: Visitor) -> Response {
    visitor.session.notice = Some(Notice::Seller(SellerNotice::Applied));
    see_other(site, &visitor, "/seller")
}

/// Changes the record after a rejection and applies again with it.
pub async fn reapply(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<ApplicationForm>) -> Response {
    if let Err(answer) = enter(&site, &mut visitor).await {
        return *answer;
    }
    let caller = visitor.caller();
    let mut changes = form.body();
    changes.entry("contactEmail").or_insert(Value::Null);
    changes.entry("description").or_insert(Value::Null);
    // Another account needs the password; the present one stays when none is typed.
    if form.payout_account.trim().is_empty() {
        changes.remove("payoutAccount");
    } else {
        changes.insert("currentPassword".into(), form.current_password.as_str().into());
    }
    if let Err(failure) = site.0.api.call(&caller, &UPDATE_OWN_SELLER).raw_body(&Value::Object(changes)).send().await {
        return refuse(&site, visitor, form, failure).await;
    }
    match site.0.api.call(&caller, &REAPPLY_AS_SELLER).key(&form.key).raw_body(&json!({})).send().await {
        Ok(_) => applied(&site, visitor),
        Err(failure) => refuse(&site, visitor, form, failure).await,
    }
}
