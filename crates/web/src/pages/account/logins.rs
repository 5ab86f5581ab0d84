//! The logins of a customer that have not ended.

use crate::{
    Site, format,
    pages::{Frame, enter, failed, page, see_other},
    session::{Notice, Visitor},
    texts::Language,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use contracts::auth::{END_SESSION, LIST_SESSIONS};

const LOGINS: usize = 100;

struct LoginLine {
    id: String,
    program: String,
    network: String,
    began: String,
    used: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    frame: Frame,
    here: &'static str,
    logins: Vec<LoginLine>,
}

/// Writes a program such as `Firefox on Linux`.
fn program_words(language: Language, program: &str) -> String {
    if language == Language::German { program.replace(" on ", " unter ") } else { program.to_owned() }
}

pub async fn list(State(site): State<Site>, mut visitor: Visitor) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &LIST_SESSIONS).query("limit", LOGINS).send().await {
        Ok(found) => {
            let frame = Frame::of(&mut visitor);
            let logins = found.items.into_iter().map(|login| LoginLine {
                id: login.session_id.to_string(),
                program: login.user_agent.map_or_else(|| frame.t.unknown_program.to_owned(), |program| program_words(frame.lang, &program)),
                network: login.network.unwrap_or_default(),
                began: format::short_moment(frame.lang, login.created_at),
                used: format::short_moment(frame.lang, login.last_used_at),
                is_current: login.is_current,
            });
            page(&site, &visitor, &SessionsPage { logins: logins.collect(), here: "sessions", frame })
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

pub async fn end(State(site): State<Site>, mut visitor: Visitor, Path(id): Path<String>) -> Response {
    let Some(caller) = visitor.customer() else { return enter(&site, &visitor) };
    match site.0.api.call(&caller, &END_SESSION).path(&id).send().await {
        // A second click finds it ended.
        Err(failure) if failure.status() != StatusCode::NOT_FOUND => failed(&site, &mut visitor, &failure),
        _ => {
            visitor.session.notice = Some(Notice::Saved);
            see_other(&site, &visitor, "/account/sessions")
        }
    }
}
