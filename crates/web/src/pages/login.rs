//! Login, registration and logout.

use super::{Frame, page, refused_page, see_other};
use crate::{
    Site,
    api::{Caller, Failure},
    forms::{Faults, own_path},
    seen::Seen,
    session::{LoginState, Notice, Visitor},
};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::Response,
};
use contracts::{
    auth::{LOGIN, LOGOUT, REGISTER, Tokens},
    cart::GET_CART,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Next {
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Credentials {
    email: String,
    password: String,
    name: String,
    next: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    is_new: bool,
    /// What was typed, without the password.
    typed: Credentials,
    faults: Faults,
}

pub async fn show_login(State(site): State<Site>, visitor: Visitor, Query(next): Query<Next>) -> Response {
    show(&site, visitor, false, next)
}

pub async fn show_register(State(site): State<Site>, visitor: Visitor, Query(next): Query<Next>) -> Response {
    show(&site, visitor, true, next)
}

fn show(site: &Site, mut visitor: Visitor, is_new: bool, Next { next }: Next) -> Response {
    let next = own_path(&next).to_owned();
    if visitor.is_logged_in() {
        return see_other(site, &visitor, &next);
    }
    let typed = Credentials { next, ..Credentials::default() };
    let frame = Frame::of(&mut visitor);
    page(site, &visitor, &LoginPage { frame, is_new, typed, faults: Faults::default() })
}

pub async fn log_in(State(site): State<Site>, visitor: Visitor, Form(typed): Form<Credentials>) -> Response {
    let body = json!({"email": typed.email, "password": typed.password});
    enter(&site, visitor, false, typed, body).await
}

pub async fn register(State(site): State<Site>, visitor: Visitor, Form(typed): Form<Credentials>) -> Response {
    let body = json!({"email": typed.email, "password": typed.password, "name": typed.name});
    enter(&site, visitor, true, typed, body).await
}

async fn enter(site: &Site, mut visitor: Visitor, is_new: bool, typed: Credentials, body: Value) -> Response {
    let (api, caller) = (&site.0.api, visitor.caller());
    let caller = Caller { access_token: None, ..caller };
    let entered = match is_new {
        true => api.call(&caller, &REGISTER).raw_body(&body).send().await,
        false => api.call(&caller, &LOGIN).raw_body(&body).send().await,
    };
    match entered {
        Ok(tokens) => {
            begin(site, &mut visitor, &tokens).await;
            see_other(site, &visitor, own_path(&typed.next))
        }
        Err(failure) => refuse(site, visitor, is_new, typed, &failure),
    }
}

fn refuse(site: &Site, mut visitor: Visitor, is_new: bool, typed: Credentials, failure: &Failure) -> Response {
    let frame = Frame::of(&mut visitor);
    let typed = Credentials { password: String::new(), ..typed };
    refused_page(site, &visitor, failure.status(), &LoginPage { frame, is_new, typed, faults: Faults::of(failure) })
}

/// Begins a login in the session. A guest's cart has moved into the account's.
async fn begin(site: &Site, visitor: &mut Visitor, tokens: &Tokens) {
    visitor.session.login = Some(LoginState::of(tokens, &site.0.env));
    let (api, caller) = (&site.0.api, visitor.caller());
    let cart = api.call(&caller, &GET_CART).send().await;
    visitor.session.cart_token = None;
    visitor.session.cart_count = cart.map_or(0, |cart| cart.items.iter().map(|item| item.quantity).sum());
    visitor.session.notice = Some(Notice::LoggedIn);
}

pub async fn log_out(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let caller = visitor.caller();
    if let Some(login) = visitor.session.login.take() {
        let body = json!({"refreshToken": login.refresh_token});
        if let Err(failure) = site.0.api.call(&caller, &LOGOUT).raw_body(&body).send().await {
            tracing::warn!(target: "web", ?failure, "a login did not end");
        }
    }
    visitor.session.cart_count = 0;
    // The next one at this browser need not see it.
    visitor.seen = Seen::default();
    visitor.session.notice = Some(Notice::LoggedOut);
    see_other(&site, &visitor, "/")
}
