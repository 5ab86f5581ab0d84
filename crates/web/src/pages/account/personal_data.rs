//! What the shop keeps about a customer: the download of it, and its erasure.

use crate::{
    Site,
    api::{Caller, Failure},
    forms::Faults,
    pages::{Frame, enter, failed, page, refused_page, see_other},
    seen::Seen,
    session::{Notice, Session, Visitor},
};
use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use contracts::{
    auth::{LOGIN, LOGOUT},
    user::{ERASE_USER, EXPORT_USER, GET_PROFILE},
};
use serde::Deserialize;
use serde_json::json;

#[derive(Template)]
#[template(path = "account/data.html")]
struct DataPage {
    frame: Frame,
    here: &'static str,
    faults: Faults,
}

pub async fn show(State(site): State<Site>, visitor: Visitor) -> Response {
    show_with(&site, visitor, None)
}

fn show_with(site: &Site, mut visitor: Visitor, refused: Option<(StatusCode, Faults)>) -> Response {
    if !visitor.is_logged_in() {
        return enter(site, &visitor);
    }
    let frame = Frame::of(&mut visitor);
    match refused {
        Some((status, faults)) => refused_page(site, &visitor, status, &DataPage { frame, here: "data", faults }),
        None => page(site, &visitor, &DataPage { frame, here: "data", faults: Faults::default() }),
    }
}

/// Answers a file. It is a POST, so that no link of another site and no look ahead of a browser makes every service collect it.
pub async fn export(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let file = match site.0.api.call(&caller, &EXPORT_USER).send().await {
        Ok(export) => serde_json::to_vec_pretty(&export).map_err(|error| Failure::Unreadable(error.to_string())),
        Err(failure) => Err(failure),
    };
    match file {
        Ok(file) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"my-data.json\"")),
            ];
            visitor.store(&site, (headers, file).into_response())
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct EraseForm {
    password: String,
    /// The box that says that it is meant.
    meant: String,
}

/// Erases the account once the password was typed again: a browser that was left open is not enough.
pub async fn erase(State(site): State<Site>, mut visitor: Visitor, Form(form): Form<EraseForm>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    let api = &site.0.api;
    if form.meant.is_empty() {
        let faults = Faults::at("meant", visitor.language.texts().erase_box_missing);
        return show_with(&site, visitor, Some((StatusCode::UNPROCESSABLE_ENTITY, faults)));
    }
    let profile = match api.call(&caller, &GET_PROFILE).send().await {
        Ok(profile) => profile,
        Err(failure) => return failed(&site, &mut visitor, &failure),
    };
    let nobody = Caller { access_token: None, cart_token: None, ..caller.clone() };
    let body = json!({"email": profile.email, "password": form.password});
    let login = match api.call(&nobody, &LOGIN).raw_body(&body).send().await {
        Ok(login) => login,
        Err(failure) => {
            let faults = match failure.code() {
                "INVALID_CREDENTIALS" | "UNAUTHENTICATED" => Faults::at("password", visitor.language.texts().password_wrong),
                _ => Faults::of(&failure),
            };
            return show_with(&site, visitor, Some((failure.status(), faults)));
        }
    };
    let erased = api.call(&caller, &ERASE_USER).send().await;
    match erased {
        Ok(()) => {
            visitor.seen = Seen::default();
            visitor.session = Session { notice: Some(Notice::Erased), ..Session::default() };
            see_other(&site, &visitor, "/")
        }
        Err(failure) => {
            // The login was only to check the password.
            let body = json!({"refreshToken": login.refresh_token});
            if let Err(failure) = api.call(&caller, &LOGOUT).raw_body(&body).send().await {
                tracing::warn!(target: "web", ?failure, "a login did not end");
            }
            match failure.is_about_the_form() {
                true => show_with(&site, visitor, Some((failure.status(), Faults::of(&failure)))),
                false => failed(&site, &mut visitor, &failure),
            }
        }
    }
}
