//! The profile: name and telephone, the password, and the e-mail address.

use crate::{
    Site,
    api::Failure,
    forms::Faults,
    pages::{Frame, enter, failed, page, refused_page, see_other},
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{Form, extract::State, response::Response};
use contracts::{
    auth::{CHANGE_EMAIL, CHANGE_PASSWORD},
    user::{GET_PROFILE, UPDATE_PROFILE},
};
use serde::Deserialize;
use serde_json::{Value, json};

const PATH: &str = "/account/profile";

/// What was typed into one of the three forms.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct ProfileForm {
    name: String,
    phone: String,
    new_email: String,
    current_password: String,
    new_password: String,
}

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage {
    frame: Frame,
    here: &'static str,
    email: String,
    is_verified: bool,
    typed: ProfileForm,
    /// Of the form of the name, of the password and of the address.
    faults: [Faults; 3],
}

/// The form that was refused.
enum Part {
    Name,
    Password,
    Email,
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_with(&site, visitor, None).await
}

async fn show_with(site: &Site, mut visitor: Visitor, refused: Option<(Part, ProfileForm, Failure)>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(site, &visitor) };
    let profile = match site.0.api.call(&caller, &GET_PROFILE).send().await {
        Ok(profile) => profile,
        Err(failure) => return failed(site, &mut visitor, &failure),
    };
    let mut typed = ProfileForm { name: profile.name, phone: profile.phone.unwrap_or_default(), ..ProfileForm::default() };
    let mut faults = <[Faults; 3]>::default();
    let mut status = None;
    if let Some((part, form, failure)) = refused {
        status = Some(failure.status());
        match part {
            Part::Name => (typed.name, typed.phone, faults[0]) = (form.name, form.phone, Faults::of(&failure)),
            Part::Password => faults[1] = Faults::of(&failure),
            Part::Email => (typed.new_email, faults[2]) = (form.new_email, Faults::of(&failure)),
        }
    }
    let frame = Frame::of(&mut visitor);
    let template = ProfilePage { frame, here: "profile", email: profile.email, is_verified: profile.email_verified, typed, faults };
    match status {
        Some(status) => refused_page(site, &visitor, status, &template),
        None => page(site, &visitor, &template),
    }
}

pub async fn change_name(State(site): State<Site>, visitor: Visitor, Form(form): Form<ProfileForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let phone = Some(form.phone.trim()).filter(|phone| !phone.is_empty()).map_or(Value::Null, Value::from);
    let body = json!({"name": form.name.trim(), "phone": phone});
    let done = site.0.api.call(&caller, &UPDATE_PROFILE).raw_body(&body).send().await.map(|_| Notice::Saved);
    after(&site, visitor, Part::Name, form, done).await
}

pub async fn change_password(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<ProfileForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let body = json!({"currentPassword": form.current_password, "newPassword": form.new_password});
    let done = site.0.api.call(&caller, &CHANGE_PASSWORD).raw_body(&body).send().await.map(|()| Notice::PasswordSet);
    if done.is_ok() {
        // The other logins ended, and this one as well where the API ends all of them: the new tokens show which.
        visitor.renew(&site.0.env, &site.0.api).await;
        if !visitor.is_logged_in() {
            visitor.session.notice = Some(Notice::PasswordSet);
            return see_other(&site, &visitor, "/login?next=/account/profile");
        }
    }
    after(&site, visitor, Part::Password, form, done).await
}

pub async fn change_email(State(site): State<Site>, visitor: Visitor, Form(form): Form<ProfileForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let body = json!({"newEmail": form.new_email.trim(), "currentPassword": form.current_password});
    let done = site.0.api.call(&caller, &CHANGE_EMAIL).raw_body(&body).send().await.map(|()| Notice::MailSent);
    after(&site, visitor, Part::Email, form, done).await
}

async fn after(site: &Site, mut visitor: Visitor, part: Part, form: ProfileForm, done: Result<Notice, Failure>) -> Response {
    match done {
        Ok(notice) => {
            visitor.session.notice = Some(notice);
            see_other(site, &visitor, PATH)
        }
        Err(failure) if failure.is_about_the_form() || failure.code() == "INVALID_CREDENTIALS" => {
            show_with(site, visitor, Some((part, form, failure))).await
        }
        Err(failure) => failed(site, &mut visitor, &failure),
    }
}
