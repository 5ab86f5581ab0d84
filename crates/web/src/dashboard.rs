//! What the dashboards share: the frame with its places, who may enter, and lists whose order, filters and page are in the address.

mod dashboard_request;
mod listing;
pub mod screens;
pub mod sent;

pub use dashboard_request::{DashboardRequest, Parameters, Place as Board, Realm, RequestIn, finish, is_bad_filter};
pub use listing::{Chip, Head, Listing};

use crate::{
    Site,
    api::Failure,
    assets,
    pages::{failed, not_found_page, to_login},
    session::Visitor,
    texts::{DashboardTexts, Language},
};
use axum::response::Response;
use contracts::{
    auth::Role,
    ids::Uuid,
    user::{GET_PROFILE, User},
};

/// The frame of a dashboard, beside that of every page.
pub struct Dashboard {
    pub t: &'static DashboardTexts,
    pub style: &'static str,
    pub plot_style: &'static str,
    pub script: &'static str,
    /// The name of the dashboard.
    pub title: &'static str,
    pub places: Vec<Place>,
    /// Who is logged in.
    pub user: String,
}

/// A page of the side list.
pub struct Place {
    pub label: &'static str,
    pub href: &'static str,
    pub is_here: bool,
}

impl Dashboard {
    /// `places` are label and path of each page; `here` is the path of the request. The longest path that begins it is marked.
    pub fn new(language: Language, title: &'static str, places: &[(&'static str, &'static str)], here: &str, user: &User) -> Dashboard {
        let here = here.split('?').next().unwrap_or_default();
        let begins = |path: &str| here.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let present = places.iter().map(|(_, path)| *path).filter(|path| begins(path)).max_by_key(|path| path.len());
        Dashboard {
            t: DashboardTexts::of(language),
            style: &assets::DASHBOARD_STYLE,
            plot_style: &assets::PLOT_STYLE,
            script: &assets::DASHBOARD_SCRIPT,
            title,
            places: places.iter().map(|(label, href)| Place { label, href, is_here: present == Some(href) }).collect(),
            user: if user.name.is_empty() { user.email.clone() } else { user.name.clone() },
        }
    }
}

/// Returns the user who is logged in, with the present roles.
///
/// # Errors
/// The answer that leads to the login, or says why the user is not known.
pub async fn enter(site: &Site, visitor: &mut Visitor) -> Result<User, Box<Response>> {
    if !visitor.is_logged_in() {
        let here = visitor.here.clone();
        return Err(Box::new(to_login(site, visitor, &here)));
    }
    let caller = visitor.caller();
    let user = match site.0.api.call(&caller, &GET_PROFILE).send().await {
        Ok(user) => user,
        Err(failure) => return Err(Box::new(failed(site, visitor, &failure))),
    };
    // A role that was given after the token was made is in the next token.
    if user.roles.iter().any(|role| !visitor.token_has(*role)) {
        visitor.renew(&site.0.env, &site.0.api).await;
    }
    Ok(user)
}

/// Returns the user when they have a role. To others the page does not exist.
///
/// # Errors
/// The answer to somebody else.
pub async fn enter_as(site: &Site, visitor: &mut Visitor, role: Role) -> Result<User, Box<Response>> {
    let user = enter(site, visitor).await?;
    if user.roles.contains(&role) { Ok(user) } else { Err(Box::new(not_found_page(site, visitor))) }
}

/// A key for the forms of one page: whatever they send twice is done once.
pub fn form_key(site: &Site) -> String {
    site.0.env.new_id::<Uuid>().to_string()
}

/// A value of a field that is chosen from a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

impl Choice {
    /// The choices of a field, of which the one with the value `chosen` is marked.
    pub fn list<V: ToString, L: ToString>(pairs: impl IntoIterator<Item = (V, L)>, chosen: &str) -> Vec<Choice> {
        let choice = |(value, label): (V, L)| {
            let value = value.to_string();
            Choice { is_chosen: value == chosen, value, label: label.to_string() }
        };
        pairs.into_iter().map(choice).collect()
    }
}

/// The colour of a status, which its words say as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do.
    Plain,
    Good,
    Bad,
    /// Somebody has to act.
    Waiting,
}

/// The words of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    pub words: &'static str,
    pub tone: Tone,
}

impl Badge {
    pub fn new(words: &'static str, tone: Tone) -> Badge {
        Badge { words, tone }
    }
    pub fn class(&self) -> &'static str {
        match self.tone {
            Tone::Plain => "pill",
            Tone::Good => "pill good",
            Tone::Bad => "pill bad",
            Tone::Waiting => "pill few",
        }
    }
}

/// A figure, and how it changed.
pub struct Figure {
    pub label: &'static str,
    pub value: String,
    /// Beside the figure; empty for none.
    pub change: String,
    pub tone: Tone,
    /// Where the figure is explained; empty for nowhere.
    pub href: String,
}

impl Figure {
    pub fn new(label: &'static str, value: impl ToString) -> Figure {
        Figure { label, value: value.to_string(), change: String::new(), tone: Tone::Plain, href: String::new() }
    }
    pub fn changed(self, change: String, tone: Tone) -> Figure {
        Figure { change, tone, ..self }
    }
    pub fn leads_to(self, href: impl ToString) -> Figure {
        Figure { href: href.to_string(), ..self }
    }
    pub fn class(&self) -> &'static str {
        match self.tone {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Waiting => "few",
            Tone::Plain => "soft",
        }
    }
}

/// Whether a failure means that the thing does not exist for this caller.
pub fn is_missing(failure: &Failure) -> bool {
    failure.status() == axum::http::StatusCode::NOT_FOUND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_page_is_marked() {
        let user: User = serde_json::from_value(serde_json::json!({
            "userId": "0190a1b2-c3d4-8000-8000-00000000000f", "email": "mara@example.com", "name": "", "phone": null, "roles": [],
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"
        }))
        .unwrap();
        let places = [("Today", "/seller"), ("Products", "/seller/products")];
        for (here, expected) in [
            ("/seller", "Today"),
            ("/seller/products?status=DRAFT", "Products"),
            ("/seller/products/new", "Products"),
            ("/seller/productsandmore", "Today"),
        ] {
            let board = Dashboard::new(Language::English, "", &places, here, &user);
            let marked: Vec<_> = board.places.iter().filter(|place| place.is_here).map(|place| place.label).collect();
            assert_eq!(marked, [expected], "{here}");
            assert_eq!(board.user, "mara@example.com");
        }
    }
}
