//! E-mail addresses.
//!
//! An address has one spelling, so that it has one account: the local part in Normalization Form C (RFC 6532) and lower
//! case, the domain as A-labels (RFC 5890, by UTS 46). Whether the domain exists is not checked, and the names of RFC 2606
//! are domains like any other.

use super::{Violation, characters, single_line};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// The most octets of a local part (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// The most octets of an address (RFC 5321, 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

fn not_an_email() -> Violation {
    Violation::new("NOT_AN_EMAIL", "must be an e-mail address such as name@example.com")
}

/// Parses an address for a new account.
///
/// # Errors
/// `NOT_AN_EMAIL`, `FORBIDDEN_CHARACTER`, `REQUIRED`, `TOO_LONG`.
pub(super) fn parse(text: &str) -> Result<String, Violation> {
    let text = single_line(text, 1, MAX_ADDRESS)?;
    if text.chars().any(characters::is_invisible) {
        return Err(Violation::new("FORBIDDEN_CHARACTER", "must not hold control or invisible characters"));
    }
    let (local, domain) = split(&text)?;
    let domain = to_a_labels(domain).ok_or_else(not_an_email)?;
    let top_level = domain.rsplit('.').next().unwrap_or_default();
    if !domain.contains('.') || is_number(top_level) {
        return Err(not_an_email());
    }
    bounded(&local, &domain)
}

/// Parses an address as it was accepted when its account was opened: addresses that are refused today log in still.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_known(text: &str) -> Result<String, Violation> {
    parse(text).or_else(|violation| {
        let text = text.trim().to_lowercase();
        let (local, domain) = split(&text)?;
        let labels_fit = domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
        if text.chars().any(char::is_control) || !domain.contains('.') || !labels_fit { Err(violation) } else { bounded(&local, domain) }
    })
}

/// Splits an address into its normalized local part and its domain as it was written.
fn split(text: &str) -> Result<(String, &str), Violation> {
    let (local, domain) = text.rsplit_once('@').ok_or_else(not_an_email)?;
    // Lower case can take a text out of the normal form.
    let local = characters::nfc(&characters::nfc(local).to_lowercase()).into_owned();
    let is_special = |c: char| c.is_whitespace() || matches!(c, '@' | ',' | ';' | ':' | '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\\');
    let dots_fit = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    if local.is_empty() || local.len() > MAX_LOCAL || !dots_fit || local.contains(is_special) {
        return Err(not_an_email());
    }
    Ok((local, domain))
}

fn bounded(local: &str, domain: &str) -> Result<String, Violation> {
    match local.len() + 1 + domain.len() {
        length if length > MAX_ADDRESS => Err(not_an_email()),
        _ => Ok(format!("{local}@{domain}")),
    }
}

fn to_a_labels(domain: &str) -> Option<String> {
    let labels = Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    labels.ok().map(std::borrow::Cow::into_owned)
}

/// Whether a top level is a number, in the digits of any script. No top level is: such a name is an IP address.
fn is_number(label: &str) -> bool {
    let (label, _) = Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    label.chars().all(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> Option<&'static str> {
        parse(text).err().map(|violation| violation.code)
    }

    #[test]
    fn an_address_has_one_spelling() {
        for (spellings, wanted) in [
            (&["Mara@Example.COM", " mara@example.com "][..], "mara@example.com"),
            (&["jos\u{e9}@shop.example", "jose\u{301}@shop.example", "JOSE\u{301}@SHOP.example"], "jos\u{e9}@shop.example"),
            (
                &["x@bücher.example", "x@bu\u{308}cher.example", "X@BÜCHER.example", "x@xn--bcher-kva.example", "x@XN--BCHER-KVA.example"],
                "x@xn--bcher-kva.example",
            ),
            (&["x@例え.テスト", "x@例え。テスト", "x@xn--r8jz45g.xn--zckzah"], "x@xn--r8jz45g.xn--zckzah"),
            (&["x@ｅｘａｍｐｌｅ.com"], "x@example.com"),
            (&["x@straße.example"], "x@xn--strae-oqa.example"),
            (&["a+b_c-d.e!#$%&'*/=?^`{|}~@a--b.example"], "a+b_c-d.e!#$%&'*/=?^`{|}~@a--b.example"),
            (&["x@localhost.test", "X@localhost.TEST"], "x@localhost.test"),
        ] {
            for spelling in spellings {
                assert_eq!(parse(spelling).unwrap(), wanted, "{spelling}");
                assert_eq!(parse_known(spelling).unwrap(), wanted, "{spelling}");
            }
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "a",
            "a@b",
            "a@@b.c",
            "a b@c.de",
            "@c.de",
            "a@.de",
            "a@c..de",
            "a@-c.de",
            "a@c-.de",
            "a..b@c.de",
            ".a@c.de",
            "a.@c.de",
            "a@c.de.",
            "a@[1.2.3.4]",
            "a@[IPv6:::1]",
            "a@c_d.de",
            "a@c/d.de",
            "a@xn--.de",
            "a@xn--a.de",
            "\"a b\"@c.de",
            "a@b@c.de",
            "a,b@c.de",
            "a@1.2.3.4",
            "a@check.123",
            "a@123",
            "a@example.１２３",
            "a@example.१२३",
        ] {
            assert_eq!(code(bad), Some("NOT_AN_EMAIL"), "{bad:?}");
        }
        assert_eq!(code(&format!("{}@c.de", "x".repeat(65))), Some("NOT_AN_EMAIL"));
        assert_eq!(code(&format!("a@{}.de", "x".repeat(64))), Some("NOT_AN_EMAIL"));
        assert_eq!(code(&format!("a@{}.de", vec!["ü".repeat(45); 5].join("."))), Some("NOT_AN_EMAIL"), "too long as A-labels");
        assert_eq!(code(""), Some("REQUIRED"));
    }

    #[test]
    fn no_character_of_an_address_is_invisible() {
        for invisible in ['\u{ad}', '\u{34f}', '\u{3164}', '\u{200d}', '\u{200c}', '\u{fe0f}', '\u{e0061}', '\u{feff}', '\u{0}'] {
            for bad in [format!("bo{invisible}ss@example.com"), format!("boss@exa{invisible}mple.com")] {
                assert_eq!(code(&bad), Some("FORBIDDEN_CHARACTER"), "{bad:?}");
            }
        }
        // Where a script needs them in text, an address does without.
        assert_eq!(code("👩\u{200d}👧@example.com"), Some("FORBIDDEN_CHARACTER"));
        assert_eq!(code("می\u{200c}خواهم@example.com"), Some("FORBIDDEN_CHARACTER"));
    }

    #[test]
    fn an_address_of_former_rules_logs_in_still() {
        for known in ["a@1.2.3.4", "a@check.123", "bo\u{ad}ss@example.com"] {
            assert!(parse(known).is_err());
            assert_eq!(parse_known(&known.to_uppercase()).unwrap(), known);
        }
        for bad in ["a", "a@b", "a@@b.c", "a b@c.de", "", "a\u{0}@c.de", "a@[1.2.3.4]"] {
            assert!(parse_known(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn the_spelling_of_an_address_is_its_own(text in "\\PC{1,20}@[\\PC]{1,10}\\.[a-zäöü]{2,5}") {
            if let Ok(once) = parse(&text) {
                prop_assert_eq!(parse(&once), Ok(once.clone()));
                prop_assert_eq!(parse_known(&text), Ok(once));
            }
        }
    }
}
