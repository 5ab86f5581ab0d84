//! What crawlers ask for: which pages they may read, and the addresses of all of them.

use super::failed;
use crate::{Site, session::Visitor};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use contracts::{
    catalog::{CategoryNode, LIST_CATEGORIES, LIST_PRODUCTS},
    seller::LIST_SELLERS,
};

/// Products in the list of one category: the newest. Search engines find older ones by the pages of the category.
const PAGES: usize = 10;
const PAGE: usize = 100;

pub fn routes() -> Router<Site> {
    Router::new().route("/robots.txt", get(robots)).route("/sitemap.xml", get(index)).route("/sitemaps/{name}", get(of_category))
}

fn kept_an_hour(kind: &'static str, text: String) -> Response {
    let headers: [(HeaderName, &str); 2] = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, text).into_response()
}

async fn robots(State(site): State<Site>) -> Response {
    let closed = ["/account", "/checkout", "/orders/", "/login", "/register", "/password/", "/email/", "/seller", "/admin", "/api/"];
    let mut text = String::from("User-agent: *\n");
    for path in closed {
        // `/seller` is the dashboard, `/sellers/…` are the public shops.
        let end = if path == "/seller" { "$" } else { "" };
        text.push_str(&format!("Disallow: {path}{end}\n"));
    }
    text.push_str(&format!("Disallow: /seller/\nSitemap: {}\n", site.address("/sitemap.xml")));
    kept_an_hour("text/plain; charset=utf-8", text)
}

/// Writes a list of addresses by the protocol of sitemaps.org. Addresses have no characters that XML escapes but `&`.
fn list(outer: &str, inner: &str, addresses: impl Iterator<Item = String>) -> Response {
    let mut text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{outer} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    for address in addresses {
        text.push_str(&format!("<{inner}><loc>{}</loc></{inner}>\n", address.replace('&', "&amp;")));
    }
    text.push_str(&format!("</{outer}>\n"));
    kept_an_hour("application/xml; charset=utf-8", text)
}

fn flat(nodes: &[CategoryNode]) -> Vec<&CategoryNode> {
    nodes.iter().flat_map(|node| std::iter::once(node).chain(flat(&node.children))).collect()
}

/// One list for each category, and one for the shops of sellers.
async fn index(State(site): State<Site>, mut visitor: Visitor) -> Response {
    match site.0.api.call(&visitor.caller(), &LIST_CATEGORIES).send().await {
        Ok(tree) => {
            let of_categories = flat(&tree.items).into_iter().map(|node| format!("/sitemaps/{}.xml", node.category_id));
            let lists = std::iter::once("/sitemaps/shops.xml".to_owned()).chain(of_categories);
            list("sitemapindex", "sitemap", lists.map(|path| site.address(&path)))
        }
        Err(failure) => failed(&site, &mut visitor, &failure),
    }
}

async fn of_category(State(site): State<Site>, mut visitor: Visitor, Path(name): Path<String>) -> Response {
    let name = name.strip_suffix(".xml").unwrap_or(&name).to_owned();
    let caller = visitor.caller();
    if name == "shops" {
        return match site.0.api.call(&caller, &LIST_SELLERS).query("limit", PAGE).send().await {
            Ok(found) => {
                let shops = found.items.iter().map(|seller| format!("/sellers/{}", seller.slug));
                list("urlset", "url", std::iter::once("/".to_owned()).chain(shops).map(|path| site.address(&path)))
            }
            Err(failure) => failed(&site, &mut visitor, &failure),
        };
    }
    let mut paths = vec![format!("/categories/{name}")];
    let mut cursor = None;
    for _ in 0..PAGES {
        let mut call = site.0.api.call(&caller, &LIST_PRODUCTS).query("category", &name).query("limit", PAGE);
        if let Some(cursor) = &cursor {
            call = call.query("cursor", cursor);
        }
        let found = match call.send().await {
            Ok(found) => found,
            Err(failure) => return failed(&site, &mut visitor, &failure),
        };
        paths.extend(found.items.iter().map(|product| format!("/products/{}", product.product_id)));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    list("urlset", "url", paths.into_iter().map(|path| site.address(&path)))
}
