//! The web pages: HTML rendered on the server from answers of the public API.
//!
//! It is a caller of the public API like any other front end: it has no database, no rules and no rights of its own. A page works
//! without scripts; a small script only makes some steps quicker.
//!
//! ```text
//! api        sends the calls of `contracts` to the gateway in this process, on behalf of the visitor
//! seen       the products that a browser saw last
//! session    what a browser keeps: an encrypted cookie with the tokens of a login or of a guest's cart
//! forms      refuses posts of other sites, reads forms and keeps what was typed beside the faults
//! dashboard  the frame that the dashboards share, and lists by their address
//! countries  the countries that forms offer
//! texts      every text in every language
//! format     money, dates and numbers as the visitor's language writes them
//! plot       numbers over days or names as SVG, with the same numbers as a table
//! pictures   pictures in the sizes in which they are kept
//! structured what search engines and messengers read
//! pages      one module for each part of the site: handlers and the templates that they fill
//! ```

mod api;
mod assets;
mod countries;
mod dashboard;
mod format;
mod forms;
mod pages;
mod pictures;
mod plot;
mod seen;
mod session;
mod structured;
mod texts;

pub use pages::{refused, starting};

use api::Api;
use axum::{Router, middleware::from_fn};
use platform::{env::Env, shutdown::Shutdown};
use session::SessionKey;
use std::sync::Arc;

/// What the pages are built from.
pub struct Setup {
    pub env: Env,
    /// The public API, as the gateway serves it.
    pub api: Router,
    /// The key that encrypts cookies.
    pub session_key: [u8; 32],
    /// Whether browsers reach the pages by HTTPS alone, so that cookies are only sent over it.
    pub https: bool,
    /// The address with which canonical links and the lists for crawlers begin, without a slash at the end.
    pub public_url: String,
    /// Ends the streams of events, which last longer than other answers.
    pub shutdown: Shutdown,
    /// Whether administrators find the panel of a demonstration among their pages.
    pub is_demo: bool,
}

/// What the handlers share.
#[derive(Clone)]
struct Site(Arc<Inner>);

struct Inner {
    env: Env,
    api: Api,
    key: SessionKey,
    streams: pages::Streams,
    window: pages::KeptWindow,
    public_url: String,
    shutdown: Shutdown,
    is_demo: bool,
}

impl Site {
    /// Returns the address of a path as others reach it. What is an address already stays.
    fn address(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.0.public_url) } else { path.to_owned() }
    }
}

/// Returns the routes of the pages.
pub fn routes(setup: Setup) -> Router {
    let Setup { env, api, session_key, https, public_url, shutdown, is_demo } = setup;
    let site = Site(Arc::new(Inner {
        env,
        api: Api::new(api),
        key: SessionKey::new(session_key, https),
        streams: pages::Streams::default(),
        window: pages::KeptWindow::default(),
        public_url,
        shutdown,
        is_demo,
    }));
    pages::routes().with_state(site).layer(from_fn(forms::refuse_other_sites))
}

/// Returns the files that the pages load, without the pages.
pub fn files() -> Router {
    pages::files()
}
