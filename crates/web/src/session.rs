//! What a browser keeps between two pages: one cookie, encrypted, so that neither the visitor nor a script reads the tokens in it.

use crate::{
    Site,
    api::{Api, Caller},
    seen::Seen,
    texts::Language,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::{
    auth::{REFRESH_TOKENS, Role, Tokens},
    ids::OrderId,
};
use platform::{encryption, env::Env, http::PeerAddr};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::convert::Infallible;

const COOKIE: &str = "souk-session";
/// A script sets this cookie once the browser has the fonts of the pages.
const FONTS_COOKIE: &str = "souk-fonts";
/// How long a browser keeps the cookie. The login in it may end earlier.
const KEPT_SECONDS: u64 = 30 * 24 * 3600;
/// An access token is exchanged so long before its end.
const EARLY_SECONDS: i64 = 30;
/// Orders of a guest whose tokens a browser keeps, so that the cookie stays below the 4 kB that browsers store.
const ORDERS: usize = 6;

/// Encrypts the cookies of this installation.
pub struct SessionKey {
    key: [u8; 32],
    https: bool,
}

/// The content of the cookie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    pub login: Option<LoginState>,
    /// Opens the cart of a guest.
    pub cart_token: Option<String>,
    /// The orders that were placed without an account, the last first.
    pub orders: Vec<GuestOrder>,
    /// Units in the cart when it was last seen.
    pub cart_count: u32,
    /// A message for the next page.
    pub notice: Option<Notice>,
}

/// An order of a guest, and the token that opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestOrder {
    pub order_id: OrderId,
    pub token: String,
}

/// A login with its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginState {
    pub access_token: String,
    pub refresh_token: String,
    /// When the access token ends, in seconds since 1970.
    pub ends_at: i64,
}

/// What a page says once about the step before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    Added,
    Removed,
    LoggedIn,
    LoggedOut,
    Cancelled,
    CouponAdded,
    Saved,
    NotAvailable,
    PasswordSet,
    Verified,
    MailSent,
    Erased,
    Reviewed,
    Thanked,
    Seller(SellerNotice),
    Admin(AdminNotice),
}

/// What the dashboard of administrators says once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminNotice {
    Done,
    Saved,
    Refunded,
    Resent,
    Replayed,
    Requested,
}

/// What the seller dashboard says once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SellerNotice {
    Applied,
    Saved,
    NothingChanged,
    ProductCreated,
    StockMissing,
    Published,
    Deactivated,
    Archived,
    PictureAdded,
    Shipped,
    Cancelled,
    ReturnApproved,
    ReturnRejected,
    ReturnReceived,
    Answered,
    PromotionCreated,
    AllShipped,
}

/// Returns the value of a cookie that the browser sent.
pub fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

impl SessionKey {
    pub fn new(key: [u8; 32], https: bool) -> SessionKey {
        SessionKey { key, https }
    }

    fn open(&self, headers: &HeaderMap) -> Option<Session> {
        serde_json::from_slice(&encryption::decrypt(&self.key, cookie(headers, COOKIE)?)?).ok()
    }

    fn cookie(&self, env: &Env, session: &Session) -> Option<HeaderValue> {
        let secure = if self.https { "; Secure" } else { "" };
        let attributes = format!("Path=/; HttpOnly; SameSite=Lax{secure}");
        let cookie = if *session == Session::default() {
            format!("{COOKIE}=; Max-Age=0; {attributes}")
        } else {
            let sealed = encryption::encrypt(&self.key, env.random_bytes(), &serde_json::to_vec(session).ok()?);
            format!("{COOKIE}={sealed}; Max-Age={KEPT_SECONDS}; {attributes}")
        };
        HeaderValue::try_from(cookie).ok()
    }
}

impl LoginState {
    pub fn of(tokens: &Tokens, env: &Env) -> LoginState {
        LoginState {
            access_token: tokens.access_token.reveal().to_owned(),
            refresh_token: tokens.refresh_token.reveal().to_owned(),
            ends_at: env.now().unix_seconds() + i64::try_from(tokens.expires_in).unwrap_or(0),
        }
    }
}

/// Who asks for a page, and what the page needs of the request.
pub struct Visitor {
    pub session: Session,
    before: Session,
    /// The products that were seen last.
    pub seen: Seen,
    seen_before: Seen,
    pub language: Language,
    /// Whether the browser has the fonts, so that a page may wait for them.
    pub has_fonts: bool,
    /// Path and query, to come back to after a login.
    pub here: String,
    peer: Option<PeerAddr>,
    user_agent: Option<HeaderValue>,
    /// The tags of the copies that the browser has.
    copies: Option<String>,
}

impl Visitor {
    /// On whose behalf the API is called.
    pub fn caller(&self) -> Caller {
        Caller {
            peer: self.peer,
            user_agent: self.user_agent.clone(),
            language: self.language,
            access_token: self.session.login.as_ref().map(|login| login.access_token.clone()),
            cart_token: self.session.cart_token.clone(),
            order_token: None,
        }
    }

    /// On whose behalf the API is called for what the page shows to everyone: sellers and administrators would get drafts as well.
    pub fn stranger(&self) -> Caller {
        Caller { access_token: None, cart_token: None, ..self.caller() }
    }

    /// On whose behalf the API is called for an order of a guest; `None` when this browser did not place or open it.
    pub fn caller_of_order(&self, id: OrderId) -> Option<Caller> {
        let order = self.session.orders.iter().find(|order| order.order_id == id)?;
        Some(Caller { peer: self.peer, language: self.language, order_token: Some(order.token.clone()), ..Caller::default() })
    }

    /// Keeps the token of an order.
    pub fn keep_order(&mut self, order_id: OrderId, token: String) {
        let orders = &mut self.session.orders;
        orders.retain(|order| order.order_id != order_id);
        orders.insert(0, GuestOrder { order_id, token });
        orders.truncate(ORDERS);
    }

    /// On whose behalf the API is called for what belongs to an account; `None` before a login.
    pub fn customer(&self) -> Option<Caller> {
        self.is_logged_in().then(|| self.caller())
    }

    pub fn is_logged_in(&self) -> bool {
        self.session.login.is_some()
    }

    /// Whether the access token has a role. Only what is shown depends on it: the API verifies the token.
    pub fn token_has(&self, role: Role) -> bool {
        #[derive(Deserialize)]
        struct Claims {
            #[serde(default)]
            roles: Vec<Role>,
        }
        let claims = self.session.login.as_ref().and_then(|login| {
            let payload = URL_SAFE_NO_PAD.decode(login.access_token.split('.').nth(1)?).ok()?;
            serde_json::from_slice::<Claims>(&payload).ok()
        });
        claims.is_some_and(|claims| claims.roles.contains(&role))
    }

    /// Whether the browser brought nothing and keeps nothing, so that the page is the same for everyone.
    pub fn is_unknown(&self) -> bool {
        self.session == Session::default() && self.before == Session::default()
    }

    /// Whether caches of others may keep the page: the browser names no products that it saw, and gets none to name.
    pub fn is_public(&self) -> bool {
        self.seen == Seen::default() && self.seen_before == Seen::default()
    }

    /// Whether the browser has the page with this tag.
    pub fn has_copy(&self, tag: &str) -> bool {
        self.copies.as_deref().is_some_and(|copies| copies.split(',').any(|copy| copy.trim() == tag))
    }

    /// Stores the session in the browser, if it changed.
    pub fn store(&self, site: &Site, mut answer: Response) -> Response {
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        if self.session != self.before
            && let Some(cookie) = site.0.key.cookie(&site.0.env, &self.session)
        {
            headers.append(header::SET_COOKIE, cookie);
        }
        self.store_seen(site, headers);
        answer
    }

    /// Stores the products that were seen in the browser, if they changed.
    pub fn store_seen(&self, site: &Site, headers: &mut HeaderMap) {
        if self.seen != self.seen_before
            && let Some(cookie) = self.seen.cookie(site.0.key.https)
        {
            headers.append(header::SET_COOKIE, cookie);
        }
    }

    /// Exchanges an access token that ends soon. A login whose refresh token does not work any more is over.
    async fn refresh(&mut self, env: &Env, api: &Api) {
        let Some(login) = &self.session.login else { return };
        if login.ends_at - EARLY_SECONDS <= env.now().unix_seconds() {
            self.renew(env, api).await;
        }
    }

    /// Exchanges the tokens for new ones, which have the present roles.
    pub async fn renew(&mut self, env: &Env, api: &Api) {
        let Some(login) = &self.session.login else { return };
        let caller = Caller { peer: self.peer, user_agent: self.user_agent.clone(), ..Caller::default() };
        let refreshed = api.call(&caller, &REFRESH_TOKENS).raw_body(&json!({"refreshToken": login.refresh_token})).send().await;
        match refreshed {
            Ok(tokens) => self.session.login = Some(LoginState::of(&tokens, env)),
            Err(failure) if failure.status().is_client_error() => self.session.login = None,
            // The API cannot answer now; the token may still be good for a moment.
            Err(_) => {}
        }
    }
}

/// The page that the visitor sees: the one that is asked for, or the one whose form is posted.
fn here(parts: &Parts) -> String {
    if parts.method == Method::GET {
        return parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    }
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let path = text(header::REFERER).zip(text(header::HOST)).and_then(|(from, host)| from.split_once("://")?.1.strip_prefix(host));
    path.filter(|path| path.starts_with('/')).unwrap_or("/").to_owned()
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Visitor, Infallible> {
        let session = site.0.key.open(&parts.headers).unwrap_or_default();
        let here = here(parts);
        let seen = Seen::of(&parts.headers);
        let mut visitor = Visitor {
            seen_before: seen.clone(),
            seen,
            before: session.clone(),
            session,
            language: Language::of(&parts.headers),
            has_fonts: cookie(&parts.headers, FONTS_COOKIE).is_some(),
            here,
            peer: parts.extensions.get::<PeerAddr>().copied(),
            user_agent: parts.headers.get(header::USER_AGENT).cloned(),
            copies: parts.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned),
        };
        visitor.refresh(&site.0.env, &site.0.api).await;
        Ok(visitor)
    }
}
