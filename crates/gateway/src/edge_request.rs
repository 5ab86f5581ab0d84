//! What the gateway needs of a request. One pass over the headers reads it and removes the internal headers.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
};
use contracts::{ids::Uuid, problem::Code};
use platform::{
    env::Env,
    http::{CORRELATION_ID, PeerAddr, Prefer, Problem, request_layers},
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

static X_CORRELATION_ID: HeaderName = HeaderName::from_static(CORRELATION_ID);

/// The properties of one request.
pub(crate) struct EdgeRequest {
    pub(crate) method: Method,
    /// From the request if it is well-formed, otherwise generated.
    pub(crate) correlation_id: HeaderValue,
    /// The peer's address, or the one that the trusted proxies report.
    pub(crate) client: IpAddr,
    pub(crate) origin: Option<HeaderValue>,
    pub(crate) takes_gzip: bool,
    /// Whether the client lets the service delay the response (`Prefer: wait`).
    pub(crate) waits: bool,
    pub(crate) content_length: Option<u64>,
    /// Whether the body is encoded, such as compressed.
    pub(crate) encodes_body: bool,
    /// Whether a proxy reports the client's address, trusted or not.
    pub(crate) is_forwarded: bool,
    /// Whether a browser wants to show the answer as a page.
    pub(crate) wants_page: bool,
    pub(crate) accept_language: Option<HeaderValue>,
    head: Head,
}

/// The size of the request before its body.
#[derive(Default)]
struct Head {
    uri_bytes: usize,
    headers: usize,
    header_bytes: usize,
}

impl Head {
    const URI_BYTES: usize = 8 * 1024;
    const HEADERS: usize = 64;
    const HEADER_BYTES: usize = 32 * 1024;

    fn of(uri: &Uri) -> Head {
        Head { uri_bytes: uri.path_and_query().map_or(0, |target| target.as_str().len()), ..Head::default() }
    }

    /// Counts the name, the value, the colon, the space and the line end.
    fn count(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.headers += 1;
        self.header_bytes += name.as_str().len() + value.len() + 4;
    }
}

impl EdgeRequest {
    /// Reads the request and removes the headers that may not come from outside.
    pub(crate) fn read(request: &mut Request, env: &Env, trusted_proxies: usize) -> EdgeRequest {
        let peer = request.extensions().get::<PeerAddr>().map_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), |peer| peer.0);
        let method = request.method().clone();
        let mut head = Head::of(request.uri());
        let may_be_page = !is_for_programs(request.uri().path());
        let headers = request.headers_mut();
        let (mut correlation_id, mut origin, mut content_length, mut accept_language) = (None, None, None, None);
        let mut wants_page = false;
        let (mut takes_gzip, mut prefers, mut encodes_body, mut is_forwarded) = (false, false, false, false);
        let mut dropped = Vec::new();
        for (name, value) in headers.iter() {
            head.count(name, value);
            match name.as_str() {
                CORRELATION_ID => {
                    correlation_id =
                        correlation_id.or_else(|| value.to_str().is_ok_and(request_layers::is_valid_correlation_id).then(|| value.clone()))
                }
                "origin" => origin = Some(value.clone()),
                "accept" => wants_page |= may_be_page && value.to_str().is_ok_and(|kinds| kinds.contains("text/html")),
                "accept-language" => accept_language = Some(value.clone()),
                "accept-encoding" => takes_gzip |= value.to_str().is_ok_and(takes_gzip_of),
                "content-length" => content_length = value.to_str().ok().and_then(|length| length.parse().ok()),
                "content-encoding" => encodes_body |= !value.as_bytes().eq_ignore_ascii_case(b"identity"),
                "prefer" => prefers = true,
                name_text if is_internal_header(name_text) => {
                    is_forwarded |= ["x-forwarded-for", "forwarded", "x-real-ip"].contains(&name_text);
                    dropped.push(name.clone());
                }
                _ => {}
            }
        }
        let waits = prefers && Prefer::read(headers).wait.is_some_and(|wait| !wait.is_zero());
        let client = forwarded(headers, trusted_proxies).unwrap_or(peer.ip());
        for name in dropped {
            headers.remove(name);
        }
        let correlation_id = correlation_id.unwrap_or_else(|| {
            let made = env.new_id::<Uuid>().to_string();
            HeaderValue::try_from(made).expect("an id is made of hexadecimal digits")
        });
        headers.insert(&X_CORRELATION_ID, correlation_id.clone());
        request.extensions_mut().insert(PeerAddr(SocketAddr::new(client, peer.port())));
        EdgeRequest {
            method,
            correlation_id,
            client,
            origin,
            takes_gzip,
            waits,
            content_length,
            encodes_body,
            is_forwarded,
            wants_page,
            accept_language,
            head,
        }
    }

    /// Checks the size of the request head. The limits of the HTTP parser are higher; it refuses without a problem document.
    ///
    /// # Errors
    /// 414 or 431.
    pub(crate) fn check_head(&self) -> Result<(), Problem> {
        let Head { uri_bytes, headers, header_bytes } = self.head;
        if uri_bytes > Head::URI_BYTES {
            return Err(Problem::new(Code::URI_TOO_LONG));
        }
        if headers > Head::HEADERS || header_bytes > Head::HEADER_BYTES {
            return Err(Problem::new(Code::HEADERS_TOO_LARGE));
        }
        Ok(())
    }

    pub(crate) fn correlation_id(&self) -> &str {
        self.correlation_id.to_str().unwrap_or("none")
    }
}

/// Whether the answers of a path are for programs, even where a browser shows them.
fn is_for_programs(path: &str) -> bool {
    matches!(path.split('/').nth(1), Some("api" | "internal" | ".well-known" | "healthz" | "readyz"))
}

/// Headers by which proxies and services report the caller, the deadline and the route. From outside they are
/// unverified claims.
fn is_internal_header(name: &str) -> bool {
    const PREFIXES: [&str; 7] = ["x-forwarded-", "x-auth-", "x-user-", "x-client-", "x-souk-", "x-internal-", "x-original-"];
    match name {
        "x-deadline-ms"
        | "x-user"
        | "x-roles"
        | "x-scopes"
        | "x-real-ip"
        | "x-remote-user"
        | "remote-user"
        | "forwarded"
        | "x-rewrite-url"
        | "x-http-method-override" => true,
        _ => name.starts_with("x-") && PREFIXES.iter().any(|prefix| name.starts_with(prefix)),
    }
}

/// Returns the client's address as the trusted proxies report it. Each proxy appends its peer at the right end; the
/// client itself can write anything to the left of that.
fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    let behind = trusted_proxies.checked_sub(1)?;
    let entries = || {
        let lines = headers.get_all("x-forwarded-for").iter().rev().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.rsplit(',')).map(str::trim)
    };
    // A request that passed fewer proxies was accepted by the nearest one, whose entry is the leftmost.
    let entry = entries().nth(behind).or_else(|| entries().next_back())?;
    entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// Whether `Accept-Encoding` accepts gzip (RFC 9110, 12.5.3), by its name or by `*`.
fn takes_gzip_of(value: &str) -> bool {
    let weight_of = |wanted: &str| {
        value.split(',').find_map(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok()).unwrap_or(1.0);
            name.trim().eq_ignore_ascii_case(wanted).then_some(weight)
        })
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

/// Whether the request refuses gzip. A request without `Accept-Encoding` accepts every encoding.
pub(crate) fn refuses_gzip(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
    said.peek().is_some() && !said.any(|value| value.to_str().is_ok_and(takes_gzip_of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use contracts::time::Timestamp;

    fn read(headers: &[(&str, &str)], trusted_proxies: usize) -> (EdgeRequest, Request) {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(PeerAddr(SocketAddr::from(([9, 9, 9, 9], 7))));
        let edge_request = EdgeRequest::read(&mut request, &Env::seeded(1, Timestamp(0)), trusted_proxies);
        (edge_request, request)
    }

    #[test]
    fn only_trusted_proxies_determine_the_client_address() {
        let forwarded = [("x-forwarded-for", "6.6.6.6, 1.1.1.1"), ("x-forwarded-for", "2.2.2.2")];
        for (trusted, client) in [(0, [9, 9, 9, 9]), (1, [2, 2, 2, 2]), (2, [1, 1, 1, 1]), (3, [6, 6, 6, 6]), (4, [6, 6, 6, 6])] {
            let (edge_request, request) = read(&forwarded, trusted);
            assert_eq!(edge_request.client, IpAddr::from(client), "{trusted}");
            assert_eq!(request.extensions().get::<PeerAddr>().unwrap().0, SocketAddr::from((client, 7)));
            assert!(!request.headers().contains_key("x-forwarded-for"));
        }
        let client = |entry| read(&[("x-forwarded-for", entry)], 1).0.client.to_string();
        assert_eq!(client("[2001:db8::1]:44"), "2001:db8::1");
        assert_eq!(client("1.2.3.4:44"), "1.2.3.4");
        assert_eq!(client("unknown"), "9.9.9.9");
    }

    #[test]
    fn internal_headers_are_removed() {
        let inside = [
            "x-deadline-ms",
            "x-user-id",
            "x-roles",
            "x-forwarded-user",
            "x-forwarded-host",
            "forwarded",
            "remote-user",
            "x-auth-request-email",
            "x-original-url",
            "x-real-ip",
            "x-http-method-override",
        ];
        let headers: Vec<_> =
            inside.iter().map(|name| (*name, "1")).chain([("accept", "a"), ("x-correlation-id", "abc"), ("traceparent", "t")]).collect();
        let (_, request) = read(&headers, 0);
        let mut left: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "traceparent", "x-correlation-id"]);
    }

    #[test]
    fn a_valid_correlation_id_is_kept_and_an_invalid_one_is_replaced() {
        assert_eq!(read(&[("x-correlation-id", "order-7.a_b")], 0).0.correlation_id(), "order-7.a_b");
        for bad in ["", "a b", "<script>", &"x".repeat(129)] {
            let (edge_request, request) = read(&[("x-correlation-id", bad)], 0);
            assert_eq!(edge_request.correlation_id().len(), 36, "{bad}");
            assert_eq!(request.headers()["x-correlation-id"], edge_request.correlation_id());
            assert_eq!(request.headers().get_all("x-correlation-id").iter().count(), 1);
        }
    }

    #[test]
    fn the_limits_of_the_request_head_are_inclusive() {
        let code = |uri_bytes, headers, header_bytes| {
            let (mut edge_request, _) = read(&[], 0);
            edge_request.head = Head { uri_bytes, headers, header_bytes };
            edge_request.check_head().err().map(|problem| problem.code())
        };
        assert_eq!(code(Head::URI_BYTES, Head::HEADERS, Head::HEADER_BYTES), None);
        assert_eq!(code(Head::URI_BYTES + 1, 0, 0), Some(Code::URI_TOO_LONG));
        assert_eq!(code(0, Head::HEADERS + 1, 0), Some(Code::HEADERS_TOO_LARGE));
        assert_eq!(code(0, 0, Head::HEADER_BYTES + 1), Some(Code::HEADERS_TOO_LARGE));
        let head = read(&[("a", "bc"), ("accept", "*/*")], 0).0.head;
        assert_eq!((head.uri_bytes, head.headers, head.header_bytes), (1, 2, 1 + 2 + 4 + 6 + 3 + 4));
    }

    #[test]
    fn a_wait_of_zero_does_not_count() {
        for (value, waits) in [("wait=5", true), ("wait=0", false), ("respond-async", false), ("return=minimal, wait=2", true)] {
            assert_eq!(read(&[("prefer", value)], 0).0.waits, waits, "{value}");
        }
    }

    #[test]
    fn accept_encoding_decides_about_gzip() {
        for (value, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("identity", false),
            ("xgzip", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip_of(value), takes, "{value}");
        }
    }
}
