//! Maps paths to services. Each service declares its paths in `contracts`.

use crate::system;
use contracts::service_of_path;
use platform::http::BASE;
use std::borrow::Cow;

/// The only public path outside of [`BASE`], fixed by convention (RFC 8615).
const KEYS: &str = "/.well-known/jwks.json";

/// Returns the service of a path without [`BASE`], or `None` for a path that is not public.
#[must_use]
pub fn service_of(path: &str) -> Option<&'static str> {
    // The keys are one document; there is nothing below it.
    service_of_path(path).filter(|_| path == KEYS || !path.starts_with(KEYS))
}

/// The destination of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// A service, with the path as the service knows it.
    Service(&'static str, &'a str),
    /// A page of the gateway, or a route beside the API.
    Page,
    /// A probe. It is answered even under overload.
    Probe,
    NotFound,
}

impl Route<'_> {
    /// Returns the route of a path in its normal form.
    pub(crate) fn of(path: &str) -> Route<'_> {
        if !is_clean(path) {
            return Route::NotFound;
        }
        if let Some(path) = path.strip_prefix(BASE).filter(|rest| rest.starts_with('/')) {
            return match service_of(path) {
                Some(service) if !path.ends_with('/') && path != KEYS => Route::Service(service, path),
                None if matches!(path, "/openapi.json" | "/openapi-internal.json" | system::PATH) => Route::Page,
                _ => Route::NotFound,
            };
        }
        match path {
            KEYS => Route::Service("auth", KEYS),
            "/healthz" | "/readyz" => Route::Probe,
            "/api/docs" | "/api/style.css" => Route::Page,
            _ if path.starts_with("/api/docs/") => Route::Page,
            _ if matches!(path.split('/').nth(1), Some("api" | "internal")) => Route::NotFound,
            _ => Route::Page,
        }
    }
}

/// Returns the normal form of a path (RFC 3986, 6.2.2): a percent-encoded character that needs no encoding is decoded, and
/// the digits of the others are in upper case. An encoded separator stays encoded, so the segments stay the same. `None` when
/// `%` is not followed by two hexadecimal digits.
pub(crate) fn normalize(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let mut digits = after.bytes();
        let byte = hex(digits.next()?)? << 4 | hex(digits.next()?)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&after[..2].to_ascii_uppercase());
        }
        rest = &after[2..];
    }
    normal.push_str(rest);
    Some(Cow::Owned(normal))
}

/// Whether every reader splits the path into the same segments: no empty segment, no dot segment, and no encoded
/// separator or control character. Other paths are refused, because two readers could interpret them differently.
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
    fn every_public_path_has_its_service() {
        for (path, owner) in [
            ("/auth/login", "auth"),
            ("/auth/users/1/roles", "auth"),
            ("/.well-known/jwks.json", "auth"),
            ("/users/me/addresses", "user"),
            ("/products", "catalog"),
            ("/products/{productId}", "catalog"),
            ("/products/{productId}/availability", "inventory"),
            ("/products/by-sku/availability", "catalog"),
            ("/orders/1/returns", "returns"),
            ("/returns/1/receive", "returns"),
            ("/seller/returns", "returns"),
            ("/admin/returns", "returns"),
            ("/products/1/reviews", "review"),
            ("/products/by-sku/reviews", "catalog"),
            ("/reviews/1/helpful", "review"),
            ("/seller/reviews", "review"),
            ("/admin/reviews/1/publish", "review"),
            ("/product-groups/1", "catalog"),
            ("/categories/1", "catalog"),
            ("/search", "search"),
            ("/search/suggest", "search"),
            ("/cart/items/1", "cart"),
            ("/admin/carts/daily", "cart"),
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
            assert_eq!(service_of(path), Some(owner), "{path}");
            if path != KEYS {
                let public = format!("{BASE}{path}");
                assert_eq!(Route::of(&public), Route::Service(owner, path), "{path}");
            }
        }
    }

    #[test]
    fn other_paths_have_no_service() {
        for path in [
            "/",
            "",
            "/.well-known/jwks.json/x",
            "/internal/products/lookup",
            "/admin",
            "/admin/users",
            "/admin/parked-events",
            "/admin/parked-events/nobody",
        ] {
            assert_eq!(service_of(path), None, "{path}");
        }
        for path in ["/cartography", "/order", "/Orders", "/searching", "/products-of"] {
            assert_eq!(service_of(path), None, "{path}");
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
            "/api/v1/.well-known/jwks.json/x",
            "/api/v1/orders/",
            "/api/secret",
        ] {
            assert_eq!(Route::of(path), Route::NotFound, "{path}");
        }
    }

    #[test]
    fn ambiguous_paths_have_no_service() {
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
        // These paths are unambiguous. The service decides whether such a resource exists.
        for path in ["/api/v1/products/...", "/api/v1/products/a.b", "/api/v1/products/%252e%252e", "/api/v1/products/%20%C3%A9"] {
            assert!(matches!(Route::of(path), Route::Service("catalog", _)), "{path}");
        }
    }

    #[test]
    fn a_percent_encoded_character_that_needs_no_encoding_is_the_character() {
        for (path, normal) in [
            ("/api/v1/%70roducts", "/api/v1/products"),
            ("/%61%50%69/%76%31", "/aPi/v1"),
            ("/a%2Db%2e%5F%7e%30", "/a-b._~0"),
            ("/a%2fb%5c%20%c3%a9", "/a%2Fb%5C%20%C3%A9"),
            ("/%25%32%66", "/%252f"),
            ("/%2e%2E", "/.."),
            ("/é", "/é"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(normalize(path).as_deref(), Some(normal), "{path}");
        }
        for bad in ["/%", "/%4", "/%zz", "/%4é", "/a%-1", "/%%41"] {
            assert_eq!(normalize(bad), None, "{bad}");
        }
    }

    #[test]
    fn remaining_paths_are_pages() {
        for path in [
            "/",
            "/problems",
            "/problems/not-found",
            "/api/docs",
            "/api/docs/swagger-ui.css",
            "/api/v1/openapi.json",
            "/api/v1/openapi-internal.json",
            "/api/v1/admin/system",
            "/pictures/a.png",
            "/shop/",
        ] {
            assert_eq!(Route::of(path), Route::Page, "{path}");
        }
        assert_eq!(Route::of("/healthz"), Route::Probe);
    }

    proptest! {
        #[test]
        fn a_normal_form_is_stable_and_has_the_same_segments(path in "(/(%[0-9a-fA-F]{2}|[a-z.~é]){0,5}){0,5}") {
            let normal = normalize(&path).unwrap();
            prop_assert_eq!(normal.matches('/').count(), path.matches('/').count());
            prop_assert!(!normal.contains("%2f"));
            // A decoded letter can complete another triplet only after an encoded percent sign, which stays encoded.
            let again = normalize(&normal);
            prop_assert_eq!(again.as_deref(), Some(&*normal));
        }

        #[test]
        fn no_path_reaches_an_internal_route(path in "(/(\\.|%2e|%2f|%5c|internal|api|v1|cart|products|[a-z%0-9.]){0,6}){0,6}") {
            if let Route::Service(_, inner) = Route::of(&path) {
                prop_assert!(!inner.starts_with("/internal"));
                prop_assert!(!inner.contains("//") && !inner.to_ascii_lowercase().contains("%2f"));
                prop_assert!(inner.split('/').all(|segment| segment != ".." && segment != "."));
                prop_assert_eq!(path.strip_prefix(BASE).unwrap_or(KEYS), inner);
            }
        }
    }
}
