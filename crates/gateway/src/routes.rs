//! Which path is whose. A path that two services could own belongs to the one whose data it shows.

use contracts::SERVICE_NAMES;
use platform::http::BASE;

/// Whose requests a row takes.
enum Owner {
    Service(&'static str),
    /// The service that the path names in this segment, counted from zero.
    Named(usize),
}
use Owner::{Named, Service};

/// The whole of the edge's knowledge. A row takes the paths that begin with its segments, `{}` being any one; the first
/// row that fits counts, so the more specific ones stand above.
const TABLE: &[(&str, Owner)] = &[
    ("/auth", Service("auth")),
    ("/users", Service("user")),
    // A SKU may be any word, also one that looks like a part of a product.
    ("/products/by-sku", Service("catalog")),
    ("/products/{}/availability", Service("inventory")),
    ("/products", Service("catalog")),
    ("/product-groups", Service("catalog")),
    ("/categories", Service("catalog")),
    ("/search", Service("search")),
    ("/cart", Service("cart")),
    ("/orders/{}/shipments", Service("shipping")),
    ("/orders", Service("order")),
    ("/payments", Service("payment")),
    ("/inventory", Service("inventory")),
    ("/shipments", Service("shipping")),
    ("/shipping", Service("shipping")),
    ("/notifications", Service("notification")),
    ("/audit", Service("audit")),
    ("/admin/orders", Service("order")),
    ("/admin/payments", Service("payment")),
    ("/admin/inventory", Service("inventory")),
    ("/admin/search", Service("search")),
    ("/admin/shipments", Service("shipping")),
    ("/admin/notifications", Service("notification")),
    ("/admin/parked-events", Named(2)),
];

/// The one path of the API that is not below [`BASE`], because the whole world looks for it there (RFC 8615).
const KEYS: &str = "/.well-known/jwks.json";

/// The service that answers this path, written without [`BASE`]; none for what is not public.
#[must_use]
pub fn owner_of(path: &str) -> Option<&'static str> {
    if path == KEYS {
        return Some("auth");
    }
    let (_, owner) = TABLE.iter().find(|(row, _)| begins_with(path, row))?;
    match owner {
        Service(name) => Some(name),
        Named(segment) => {
            let name = path.split('/').nth(segment + 1)?;
            SERVICE_NAMES.into_iter().find(|service| *service == name)
        }
    }
}

fn begins_with(path: &str, row: &str) -> bool {
    let mut segments = path.split('/');
    row.split('/').all(|wanted| segments.next().is_some_and(|segment| segment == wanted || wanted == "{}"))
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// To a service, by the path that the service knows.
    Service(&'static str, &'a str),
    /// To one of the edge's own pages, or to the routes beside the API.
    Page,
    /// To the edge's own pages, and nothing may hold it up.
    Probe,
    NotFound,
}

impl Route<'_> {
    /// The place of a path as it came.
    pub(crate) fn of(path: &str) -> Route<'_> {
        if !is_clean(path) {
            return Route::NotFound;
        }
        if let Some(path) = path.strip_prefix(BASE).filter(|rest| rest.starts_with('/')) {
            return match owner_of(path) {
                Some(service) if !path.ends_with('/') && path != KEYS => Route::Service(service, path),
                None if path == "/openapi.json" => Route::Page,
                _ => Route::NotFound,
            };
        }
        match path {
            KEYS => Route::Service("auth", KEYS),
            "/healthz" | "/readyz" => Route::Probe,
            "/api/docs" | "/api/style.css" => Route::Page,
            _ if path.starts_with("/api/docs/") => Route::Page,
            _ if begins_with(path, "/api") || begins_with(path, "/internal") => Route::NotFound,
            _ => Route::Page,
        }
    }
}

/// Whether everybody who reads the path reads the same: no empty or dot segment, and nothing encoded that would change
/// where segments begin and end. What is not so is nobody's path, rather than one that each part could take differently.
fn is_clean(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if !(is_clean_segment(segment) || (segment.is_empty() && is_last)) {
            return false;
        }
    }
    true
}

fn is_clean_segment(segment: &str) -> bool {
    let (mut length, mut dots) = (0, 0);
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return false,
            },
            other => other,
        };
        if byte < 0x20 || matches!(byte, b'/' | b'\\' | 0x7f) {
            return false;
        }
        length += 1;
        dots += usize::from(byte == b'.');
    }
    length > 0 && !(dots == length && length <= 2)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_path_goes_to_the_service_whose_data_it_shows() {
        for (path, owner) in [
            ("/auth/login", "auth"),
            ("/auth/users/1/roles", "auth"),
            ("/.well-known/jwks.json", "auth"),
            ("/users/me/addresses", "user"),
            ("/products", "catalog"),
            ("/products/{productId}", "catalog"),
            ("/products/{productId}/availability", "inventory"),
            ("/products/by-sku/availability", "catalog"),
            ("/product-groups/1", "catalog"),
            ("/categories/1", "catalog"),
            ("/search", "search"),
            ("/search/suggest", "search"),
            ("/cart/items/1", "cart"),
            ("/orders", "order"),
            ("/orders/1/cancel", "order"),
            ("/orders/1/shipments", "shipping"),
            ("/payments/1/refund", "payment"),
            ("/inventory/stock/A-1", "inventory"),
            ("/shipments/1/events", "shipping"),
            ("/shipping/rates", "shipping"),
            ("/notifications", "notification"),
            ("/audit/events", "audit"),
            ("/admin/orders/totals", "order"),
            ("/admin/payments/totals", "payment"),
            ("/admin/shipments/1/retry", "shipping"),
            ("/admin/notifications/1/resend", "notification"),
            ("/admin/parked-events/cart", "cart"),
            ("/admin/parked-events/audit/1/replay", "audit"),
        ] {
            assert_eq!(owner_of(path), Some(owner), "{path}");
            if path != KEYS {
                let public = format!("{BASE}{path}");
                assert_eq!(Route::of(&public), Route::Service(owner, path), "{path}");
            }
        }
    }

    #[test]
    fn what_is_not_public_is_nobodys() {
        for path in ["/", "", "/internal/products/lookup", "/admin", "/admin/users", "/admin/parked-events", "/admin/parked-events/nobody"]
        {
            assert_eq!(owner_of(path), None, "{path}");
        }
        for path in ["/cartography", "/order", "/Orders", "/searching", "/products-of"] {
            assert_eq!(owner_of(path), None, "{path}");
        }
        for path in [
            "/api",
            "/api/v1",
            "/api/v1/",
            "/api/v2/orders",
            "/api/v1orders",
            "/api/v1/internal/cart/1",
            "/internal/cart/1",
            "/api/v1/api/v1/orders",
            "/api/v1/.well-known/jwks.json",
            "/api/v1/orders/",
            "/api/secret",
        ] {
            assert_eq!(Route::of(path), Route::NotFound, "{path}");
        }
    }

    #[test]
    fn paths_that_could_be_read_in_two_ways_are_nobodys() {
        for path in [
            "/api/v1/products/../internal/cart/1",
            "/api/v1/products/./1",
            "/api/v1/products/..",
            "/api/v1/products/%2e%2e/x",
            "/api/v1/products/.%2E/x",
            "/api/v1/products/%2e",
            "/api/v1/products%2F1",
            "/api/v1/products/a%2fb",
            "/api/v1/products/a%5cb",
            "/api/v1/products/a\\b",
            "/api/v1//orders",
            "//api/v1/orders",
            "/api//v1/orders",
            "/api/v1/orders//cancel",
            "/api/v1/products/%00",
            "/api/v1/products/a%0d%0ab",
            "/api/v1/products/%7f",
            "/api/v1/products/%zz",
            "/api/v1/products/%2",
            "/api/v1/../../internal/x",
            "/%2e%2e/etc/passwd",
            "",
            "*",
            "api/v1/orders",
        ] {
            assert_eq!(Route::of(path), Route::NotFound, "{path}");
        }
        // These say what they mean, and it is for the service to know whether there is such a thing.
        for path in ["/api/v1/products/...", "/api/v1/products/a.b", "/api/v1/products/%252e%252e", "/api/v1/products/%20%C3%A9"] {
            assert!(matches!(Route::of(path), Route::Service("catalog", _)), "{path}");
        }
    }

    #[test]
    fn pages_are_what_is_left() {
        for path in [
            "/",
            "/problems",
            "/problems/not-found",
            "/api/docs",
            "/api/docs/swagger-ui.css",
            "/api/v1/openapi.json",
            "/pictures/a.png",
            "/shop/",
        ] {
            assert_eq!(Route::of(path), Route::Page, "{path}");
        }
        assert_eq!(Route::of("/healthz"), Route::Probe);
    }

    proptest! {
        #[test]
        fn no_path_leads_out_of_the_public_part(path in "(/(\\.|%2e|%2f|%5c|internal|api|v1|cart|products|[a-z%0-9.]){0,6}){0,6}") {
            if let Route::Service(_, inner) = Route::of(&path) {
                prop_assert!(!inner.starts_with("/internal"));
                prop_assert!(!inner.contains("//") && !inner.to_ascii_lowercase().contains("%2f"));
                prop_assert!(inner.split('/').all(|segment| segment != ".." && segment != "."));
                prop_assert_eq!(path.strip_prefix(BASE).unwrap_or(KEYS), inner);
            }
        }
    }
}
