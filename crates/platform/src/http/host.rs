//! The `Host` of a request (RFC 9112, 3.2; RFC 9110, 7.2).

use axum::http::{HeaderMap, HeaderValue, Uri, Version, header};

/// Returns what is wrong with the host of a request, or `None`. HTTP/1.1 requires exactly one `Host`; HTTP/1.0 allows none. A
/// target with an authority of its own, which a proxy receives, does not replace the header.
pub(super) fn fault(version: Version, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 || (version > Version::HTTP_11 && uri.authority().is_some()) => {}
        (None, _) => return Some("the Host header is missing"),
        (Some(_), Some(_)) => return Some("there is more than one Host header"),
        (Some(host), None) if !is_authority(host) => return Some("the Host header is not a host with an optional port"),
        (Some(_), None) => {}
    }
    let authority = uri.authority().map(|authority| HeaderValue::try_from(authority.as_str()));
    authority.is_some_and(|authority| !authority.is_ok_and(|text| is_authority(&text))).then_some("the host of the target is not valid")
}

/// `uri-host [ ":" port ]` of RFC 3986, with a host that is not empty, as `http` requires it.
fn is_authority(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let (sound, rest) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((literal, rest)) => (is_ip_literal(literal), rest),
            None => return false,
        },
        None => {
            let end = text.find(':').unwrap_or(text.len());
            (end > 0 && is_registered_name(&text[..end]), &text[end..])
        }
    };
    let is_port = |port: &str| port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    sound && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// An IPv6 address, or an address of a later version (`v1.fe`).
fn is_ip_literal(text: &str) -> bool {
    let later = || {
        let (version, address) = text.strip_prefix(['v', 'V'])?.split_once('.')?;
        let sound = |byte: u8| is_name_byte(byte) || byte == b':';
        Some(!version.is_empty() && version.bytes().all(|b| b.is_ascii_hexdigit()) && !address.is_empty() && address.bytes().all(sound))
    };
    text.parse::<std::net::Ipv6Addr>().is_ok() || later() == Some(true)
}

fn is_registered_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let sound = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            byte => is_name_byte(byte),
        };
        if !sound {
            return false;
        }
    }
    true
}

/// Unreserved characters and sub-delimiters.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: Version, target: &str, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::try_from(*host).unwrap());
        }
        fault(version, &target.parse().unwrap(), &headers).is_none()
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for good in
            ["shop.example", "shop.example:", "shop.example:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443", "a_b", "%41", "[v1.a:b]"]
        {
            assert!(checked(Version::HTTP_11, "/", &[good]), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            ":80",
            "shop:x",
            "shop:99999",
            "shop:-1",
            "user@shop",
            "a/b",
            "a?b",
            "a#b",
            "[::1",
            "[::g]",
            "[::1]x",
            "::1",
            "%4",
            "%zz",
            "a\tb",
            "a\\b",
            "<a>",
        ] {
            assert!(!checked(Version::HTTP_11, "/", &[bad]), "{bad:?}");
        }
    }

    #[test]
    fn a_request_has_one_host_except_in_http_1_0() {
        assert!(!checked(Version::HTTP_11, "/", &[]));
        assert!(!checked(Version::HTTP_11, "/", &["a", "a"]));
        assert!(!checked(Version::HTTP_11, "http://shop.example/", &[]), "the target does not replace the header");
        assert!(checked(Version::HTTP_11, "http://shop.example/", &["other.example"]));
        assert!(!checked(Version::HTTP_11, "http://user@shop.example/", &["shop.example"]));
        assert!(checked(Version::HTTP_10, "/", &[]));
        assert!(!checked(Version::HTTP_10, "/", &["a", "b"]) && !checked(Version::HTTP_10, "/", &["a b"]));
        assert!(checked(Version::HTTP_2, "http://shop.example/", &[]), "HTTP/2 has :authority");
    }
}
