//! What the links of mails lead to: a forgotten password, a new one, and the verification of an e-mail address.

use super::{Frame, failed, page, refused_page, see_other};
use crate::{
    Site,
    api::{Caller, Failure},
    forms::Faults,
    session::{Notice, Visitor},
};
use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use contracts::auth::{FORGOT_PASSWORD, RESEND_VERIFICATION, RESET_PASSWORD, VERIFY_EMAIL};
use serde::Deserialize;
use serde_json::json;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/password/forgot", get(show_forgotten).post(forget))
        .route("/password/reset", get(show_reset).post(reset))
        .route("/email/verify", get(show_verify).post(verify))
        .route("/email/resend", post(resend))
}

/// What was typed, and the token of the link.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Typed {
    email: String,
    token: String,
    new_password: String,
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct ForgottenPage {
    frame: Frame,
    is_sent: bool,
    typed: Typed,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    frame: Frame,
    typed: Typed,
    faults: Faults,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    is_sent: bool,
    typed: Typed,
    faults: Faults,
}

/// The pages act for whoever has the mail, not for who is logged in, except where an account asks for another mail.
fn nobody(visitor: &Visitor) -> Caller {
    visitor.stranger()
}

async fn show_forgotten(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let frame = Frame::of(&mut visitor);
    page(&site, &visitor, &ForgottenPage { frame, is_sent: false, typed: Typed::default(), faults: Faults::default() })
}

/// The answer is the same whether there is such an account or not.
async fn forget(State(site): State<Site>, mut visitor: Visitor, Form(typed): Form<Typed>) -> Response {
    let body = json!({"email": typed.email.trim()});
    let outcome = site.0.api.call(&nobody(&visitor), &FORGOT_PASSWORD).raw_body(&body).send().await;
    let frame = Frame::of(&mut visitor);
    match outcome {
        Ok(()) => page(&site, &visitor, &ForgottenPage { frame, is_sent: true, typed, faults: Faults::default() }),
        Err(failure) => {
            let faults = Faults::of(&failure);
            refused_page(&site, &visitor, failure.status(), &ForgottenPage { frame, is_sent: false, typed, faults })
        }
    }
}

async fn show_reset(State(site): State<Site>, mut visitor: Visitor, Query(typed): Query<Typed>) -> Response {
    let frame = Frame::of(&mut visitor);
    page(&site, &visitor, &ResetPage { frame, typed, faults: Faults::default() })
}

async fn reset(State(site): State<Site>, mut visitor: Visitor, Form(mut typed): Form<Typed>) -> Response {
    typed.token = token_of(&typed.token);
    let body = json!({"token": typed.token, "newPassword": typed.new_password});
    match site.0.api.call(&nobody(&visitor), &RESET_PASSWORD).raw_body(&body).send().await {
        Ok(()) => {
            // Every login of the account has ended.
            visitor.session.login = None;
            visitor.session.notice = Some(Notice::PasswordSet);
            see_other(&site, &visitor, "/login")
        }
        Err(failure) => {
            let frame = Frame::of(&mut visitor);
            let faults = with_token(&failure, frame.t.link_over);
            refused_page(&site, &visitor, failure.status(), &ResetPage { frame, typed, faults })
        }
    }
}

async fn show_verify(State(site): State<Site>, mut visitor: Visitor, Query(typed): Query<Typed>) -> Response {
    let frame = Frame::of(&mut visitor);
    page(&site, &visitor, &VerifyPage { frame, is_sent: false, typed, faults: Faults::default() })
}

async fn verify(State(site): State<Site>, mut visitor: Visitor, Form(mut typed): Form<Typed>) -> Response {
    typed.token = token_of(&typed.token);
    match site.0.api.call(&nobody(&visitor), &VERIFY_EMAIL).raw_body(&json!({"token": typed.token})).send().await {
        Ok(()) => {
            visitor.session.notice = Some(Notice::Verified);
            see_other(&site, &visitor, if visitor.is_logged_in() { "/account" } else { "/login" })
        }
        Err(failure) => {
            let frame = Frame::of(&mut visitor);
            let faults = with_token(&failure, frame.t.link_over);
            refused_page(&site, &visitor, failure.status(), &VerifyPage { frame, is_sent: false, typed, faults })
        }
    }
}

async fn resend(State(site): State<Site>, mut visitor: Visitor, Form(typed): Form<Typed>) -> Response {
    let body = if typed.email.trim().is_empty() { json!({}) } else { json!({"email": typed.email.trim()}) };
    let caller = if visitor.is_logged_in() { visitor.caller() } else { nobody(&visitor) };
    match site.0.api.call(&caller, &RESEND_VERIFICATION).raw_body(&body).send().await {
        Ok(()) if visitor.is_logged_in() => {
            visitor.session.notice = Some(Notice::MailSent);
            see_other(&site, &visitor, "/account/profile")
        }
        Ok(()) => {
            let frame = Frame::of(&mut visitor);
            page(&site, &visitor, &VerifyPage { frame, is_sent: true, typed, faults: Faults::default() })
        }
        Err(failure) if failure.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let (frame, faults) = (Frame::of(&mut visitor), Faults::of(&failure));
            refused_page(&site, &visitor, failure.status(), &VerifyPage { frame, is_sent: false, typed, faults })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

/// Returns the token in what was pasted: the token itself or the whole link.
pub fn token_of(pasted: &str) -> String {
    pasted.trim().rsplit("token=").next().unwrap_or_default().to_owned()
}

/// A token that opens nothing is no fault of the fields, and the API names it in a word of its own.
fn with_token(failure: &Failure, over: &str) -> Faults {
    let faults = Faults::of(failure);
    if faults.has_fields() { faults } else { Faults::at("token", over) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_link_is_pasted_as_well() {
        for pasted in ["abc", " abc\n", "https://shop.example/email/verify#token=abc", "https://shop.example/password/reset?token=abc"] {
            assert_eq!(token_of(pasted), "abc", "{pasted}");
        }
    }
}
