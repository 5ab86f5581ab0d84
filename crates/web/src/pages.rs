//! The pages, and what all of them share: the frame around the content, answers and failures.

pub mod account;
mod admin;
mod browse;
mod cart;
mod checkout;
mod crawlers;
mod integration;
mod login;
mod orders;
mod product;
mod refusals;
mod seller;
mod tokens;

use crate::{
    Site,
    api::Failure,
    assets, countries, format, pictures,
    session::{Notice, Visitor},
    texts::{Language, Texts, code_words, goods_words},
};
use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
    routing::{any, get, post},
};
pub use browse::{KeptWindow, Link};
use contracts::{
    catalog::{CategoryNode, Product},
    ids::{CategoryId, ProductId},
    money::Currency,
    problem::Code,
    review::Rating,
    search::SearchHit,
    time::Timestamp,
};
pub use orders::live::Streams;
use platform::http::Problem;
pub use refusals::{refused, starting};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

pub fn routes() -> Router<Site> {
    Router::new()
        .merge(browse::routes())
        .merge(product::routes())
        .merge(crawlers::routes())
        .route("/cart", get(cart::show).post(cart::add))
        .route("/cart/items/{cartItemId}", post(cart::change))
        .route("/cart/coupons", post(cart::add_coupon))
        .route("/cart/coupons/{code}/remove", post(cart::remove_coupon))
        .route("/checkout", get(checkout::show).post(checkout::place))
        .route("/login", get(login::show_login).post(login::log_in))
        .route("/register", get(login::show_register).post(login::register))
        .route("/logout", post(login::log_out))
        .merge(orders::routes())
        .merge(tokens::routes())
        .merge(account::routes())
        .merge(admin::routes())
        .merge(seller::routes())
        .merge(files())
        .route("/{*rest}", any(not_found))
}

/// The files that pages load.
pub fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{tag}/{name}", get(assets::serve))
}

/// What the frame of a page shows.
pub struct Frame {
    pub t: &'static Texts,
    pub lang: Language,
    pub style: &'static str,
    pub script: &'static str,
    pub icon: &'static str,
    /// The style sheet that names the fonts.
    pub fonts: &'static str,
    /// Whether the browser has the fonts. Otherwise a script loads them after the first paint.
    pub has_fonts: bool,
    pub is_logged_in: bool,
    pub cart_count: u32,
    pub notice: Option<&'static str>,
    /// What the field of the search holds.
    pub query: String,
}

impl Frame {
    /// The frame for a visitor. The notice is shown once.
    pub fn of(visitor: &mut Visitor) -> Frame {
        let t = visitor.language.texts();
        let notice = visitor.session.notice.take().map(|notice| match notice {
            Notice::Added => t.notice_added,
            Notice::Removed => t.notice_removed,
            Notice::LoggedIn => t.notice_logged_in,
            Notice::LoggedOut => t.notice_logged_out,
            Notice::Cancelled => t.notice_cancelled,
            Notice::CouponAdded => t.notice_coupon,
            Notice::Seller(notice) => seller::notice(visitor.language, notice),
            Notice::Admin(notice) => admin::notice(visitor.language, notice),
            Notice::Saved => t.notice_saved,
            Notice::NotAvailable => t.unavailable,
            Notice::PasswordSet => t.notice_password,
            Notice::Verified => t.notice_verified,
            Notice::MailSent => t.mail_sent,
            Notice::Erased => t.notice_erased,
            Notice::Reviewed => t.notice_reviewed,
            Notice::Thanked => t.notice_thanked,
        });
        Frame {
            is_logged_in: visitor.is_logged_in(),
            cart_count: visitor.session.cart_count,
            has_fonts: visitor.has_fonts,
            notice,
            ..Frame::of_anyone(visitor.language)
        }
    }

    /// The frame for somebody of whom nothing is known but the language.
    pub fn of_anyone(language: Language) -> Frame {
        Frame {
            t: language.texts(),
            lang: language,
            style: &assets::STYLE,
            script: &assets::SCRIPT,
            icon: &assets::ICON,
            fonts: &assets::FONTS,
            has_fonts: false,
            is_logged_in: false,
            cart_count: 0,
            notice: None,
            query: String::new(),
        }
    }

    pub fn day(&self, at: &Timestamp) -> String {
        format::day(self.lang, *at)
    }

    pub fn month(&self, month: &str) -> String {
        format::month(self.lang, month)
    }

    pub fn country(&self, code: &str) -> String {
        countries::name(self.lang, code)
    }

    /// What a code of the API means.
    pub fn words<'a>(&self, code: &'a str) -> &'a str {
        code_words(self.lang, code)
    }

    pub fn money(&self, minor: &i64, currency: &Currency) -> String {
        format::money(self.lang, *minor, *currency)
    }
}

/// Every category with the names of the ones above it, as a form offers them.
pub fn category_paths(nodes: &[CategoryNode], language: Language) -> Vec<(CategoryId, String)> {
    fn add(nodes: &[CategoryNode], language: Language, above: &str, paths: &mut Vec<(CategoryId, String)>) {
        for node in nodes {
            let name = goods_words(language, &node.name);
            let path = if above.is_empty() { name.to_owned() } else { format!("{above} / {name}") };
            paths.push((node.category_id, path.clone()));
            add(&node.children, language, &path, paths);
        }
    }
    let mut paths = Vec::new();
    add(nodes, language, "", &mut paths);
    paths
}

/// A product as lists show it.
pub struct Card {
    pub product_id: ProductId,
    pub title: String,
    pub image: Option<String>,
    pub price: String,
    /// Empty without reviews.
    pub stars: String,
    pub reviews: i64,
    /// While the stock is unknown, nothing is said about it.
    pub is_sold_out: bool,
}

impl Card {
    /// A product of the catalogue, which does not know the stock.
    pub fn of_product(language: Language, product: &Product) -> Card {
        let Rating { count, .. } = product.rating;
        Card {
            product_id: product.product_id,
            title: format::title(&product.title),
            image: product.images.first().map(|image| pictures::small(image)),
            price: format::money(language, product.price_amount, product.currency),
            stars: if count > 0 { format::stars(language, product.rating) } else { String::new() },
            reviews: count,
            is_sold_out: false,
        }
    }

    pub fn of(language: Language, hit: &SearchHit) -> Card {
        let Rating { count, .. } = hit.rating;
        Card {
            product_id: hit.product_id,
            title: format::title(&hit.title),
            image: hit.image.as_deref().map(pictures::small),
            price: format::money(language, hit.price_amount, hit.currency),
            stars: if count > 0 { format::stars(language, hit.rating) } else { String::new() },
            reviews: count,
            is_sold_out: hit.stock_known && !hit.in_stock,
        }
    }
}

/// What a browser may load for a page: everything of this program, and pictures from wherever products have them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; font-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Renders a page. One that shows nothing of a visitor may be kept by caches, which ask each time whether it is still the same.
pub fn page(site: &Site, visitor: &Visitor, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => return unwritten(&error),
    };
    if !visitor.is_unknown() {
        return visitor.store(site, answer(html));
    }
    let mut hash = DefaultHasher::new();
    html.hash(&mut hash);
    // It is weak, because the compressed page has the same.
    let tag = format!("W/\"{:016x}\"", hash.finish());
    let mut answer = match visitor.has_copy(&tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => answer(html),
    };
    let headers = answer.headers_mut();
    let cache = if visitor.is_public() { "public, no-cache" } else { "private, no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    visitor.store_seen(site, headers);
    answer
}

fn answer(html: String) -> Response {
    let mut answer = Html(html).into_response();
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    answer
}

fn unwritten(error: &askama::Error) -> Response {
    tracing::error!(target: "web", %error, "a page cannot be written");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Renders a form that was refused, or a page that says why there is no other.
pub fn refused_page(site: &Site, visitor: &Visitor, status: StatusCode, template: &impl Template) -> Response {
    let mut answer = match template.render() {
        Ok(html) => visitor.store(site, answer(html)),
        Err(error) => return unwritten(&error),
    };
    *answer.status_mut() = status;
    answer
}

/// Leads to another page after a step.
pub fn see_other(site: &Site, visitor: &Visitor, to: &str) -> Response {
    let mut answer = StatusCode::SEE_OTHER.into_response();
    if let Ok(to) = HeaderValue::try_from(to) {
        answer.headers_mut().insert(header::LOCATION, to);
    }
    visitor.store(site, answer)
}

/// Leads to the login, and back to this page after it.
pub fn enter(site: &Site, visitor: &Visitor) -> Response {
    to_login(site, visitor, &visitor.here)
}

/// Leads to the login, and to a page after it.
pub fn to_login(site: &Site, visitor: &Visitor, back_to: &str) -> Response {
    let mut next = String::new();
    platform::http::encode_text(back_to, &mut next);
    see_other(site, visitor, &format!("/login?next={next}"))
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    title: &'static str,
    text: String,
    correlation_id: String,
    /// The program is starting, so that the page is worth another look.
    is_starting: bool,
}

/// Shows why a page cannot be shown.
pub fn failed(site: &Site, visitor: &mut Visitor, failure: &Failure) -> Response {
    if failure.code() == "UNAUTHENTICATED" {
        visitor.session.login = None;
        let here = visitor.here.clone();
        return to_login(site, visitor, &here);
    }
    let (status, frame) = (failure.status(), Frame::of(visitor));
    let t = frame.t;
    let (title, text) = match status {
        StatusCode::NOT_FOUND => (t.not_found, t.not_found_text.to_owned()),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => (t.busy, t.busy_text.to_owned()),
        _ => (t.failed, t.failed_text.to_owned()),
    };
    let correlation_id = match failure {
        Failure::Refused(refusal) => refusal.correlation_id.clone(),
        Failure::Unreadable(error) => {
            tracing::error!(target: "web", %error, "an answer of the API cannot be read");
            String::new()
        }
    };
    refused_page(site, visitor, status, &Message { frame, title, text, correlation_id, is_starting: false })
}

/// A browser gets a page, a program a problem document.
async fn not_found(State(site): State<Site>, mut visitor: Visitor, headers: HeaderMap) -> Response {
    let wants_page = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"));
    if !wants_page {
        return Problem::new(Code::NOT_FOUND).detail("there is no such path").into_response();
    }
    not_found_page(&site, &mut visitor)
}

/// Says that there is no such page.
pub fn not_found_page(site: &Site, visitor: &mut Visitor) -> Response {
    let frame = Frame::of(visitor);
    let (title, text) = (frame.t.not_found, frame.t.not_found_text.to_owned());
    let message = Message { frame, title, text, correlation_id: String::new(), is_starting: false };
    refused_page(site, visitor, StatusCode::NOT_FOUND, &message)
}
