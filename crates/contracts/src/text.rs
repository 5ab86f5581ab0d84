//! Text types. A request is parsed into them once, so that no later code checks the text again.
//!
//! Each type is a bounded, trimmed string in Normalization Form C without control or invisible characters ([`characters`]).
//! A text that does not fit is a [`Violation`], which becomes an entry of `errors` in a problem document.

pub mod characters;
mod email;
mod pattern;

pub use crate::violation::Violation;
use crate::violation::{deserialize_str, reject};
pub use characters::is_forbidden;
pub(crate) use pattern::{one_of, optional_line, secret as secret_pattern};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt, ops::Deref};

/// Checks one line of text and trims it: `min` to `max` characters, none of them forbidden.
///
/// # Errors
/// `REQUIRED`, `TOO_SHORT`, `TOO_LONG`, `FORBIDDEN_CHARACTER`.
pub fn single_line(text: &str, min: usize, max: usize) -> Result<String, Violation> {
    multi_line(text, min, max).and_then(|text| match text.chars().any(|c| matches!(c, '\n' | '\t')) {
        true => Err(Violation::new("FORBIDDEN_CHARACTER", "must be a single line without control characters")),
        false => Ok(text),
    })
}

/// Checks text of several lines, as [`single_line`] does; line breaks and tabs are allowed.
///
/// # Errors
/// As [`single_line`].
pub fn multi_line(text: &str, min: usize, max: usize) -> Result<String, Violation> {
    let text = characters::nfc(text.trim()).replace("\r\n", "\n");
    if characters::find_forbidden(&text.replace(['\n', '\t'], " ")).is_some() {
        return Err(Violation::new("FORBIDDEN_CHARACTER", "must not hold control or invisible characters"));
    }
    match text.chars().count() {
        0 if min > 0 => Err(Violation::new("REQUIRED", "must not be empty")),
        count if count < min => Err(Violation::new("TOO_SHORT", format!("must have at least {min} characters"))),
        count if count > max => Err(Violation::new("TOO_LONG", format!("must have at most {max} characters"))),
        _ => Ok(text),
    }
}

/// Declares a text type: name, JSON Schema, and the function that parses it.
macro_rules! texts {
    ($($(#[doc = $doc:literal])* $name:ident, $schema:tt, $parse:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// # Errors
            /// A [`Violation`] that names the broken rule.
            pub fn parse(text: &str) -> Result<Self, Violation> {
                let parse: fn(&str) -> Result<String, Violation> = $parse;
                parse(text).map(Self)
            }
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
            #[must_use]
            pub fn into_string(self) -> String { self.0 }
        }
        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl std::str::FromStr for $name {
            type Err = Violation;
            fn from_str(text: &str) -> Result<Self, Violation> { Self::parse(text) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_str(deserializer, "a string", Self::parse)
            }
        }
        impl crate::column::Column for $name {
            fn to_sql(&self) -> crate::column::SqlValue<'_> { crate::column::SqlValue::Text(Cow::Borrowed(&self.0)) }
            fn from_sql(value: crate::column::SqlValue<'_>) -> Result<Self, crate::column::BadColumn> {
                // The text was checked when it was written. Stored text stays readable after a rule became stricter.
                String::from_sql(value).map(Self)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!($schema);
                schema.insert("description".into(), concat!($($doc),*).trim().into());
                schema
            }
        }
    )*};
}

texts! {
    /// An e-mail address: one `@`, a dotted domain, at most 254 characters. Every spelling of it (upper case, composed and
    /// decomposed letters, a domain in letters or as `xn--…`) is the same address.
    Email, {"type": "string", "format": "email", "maxLength": 254, "pattern": pattern::email()}, email::parse;
    /// The e-mail address of an account, in any spelling. Addresses that a new account cannot have any more are accepted.
    KnownEmail, {"type": "string", "format": "email", "maxLength": 254, "pattern": pattern::email()}, email::parse_known;
    /// What an API key opens: the first segment of the paths, and `read` or `write`.
    ApiScope, {"type": "string", "pattern": "^[a-z][a-z-]*:(read|write)$"}, crate::auth::parse_scope;
    /// A stock-keeping unit: 3 to 40 letters, digits, hyphens, dots and underscores; stored in upper case.
    Sku, {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{1,38}[A-Za-z0-9]$"}, sku;
    /// The code of a coupon: 3 to 40 letters, digits, hyphens and underscores. Upper and lower case are the same; stored in upper
    /// case.
    CouponCode, {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{1,38}[A-Za-z0-9]$"}, coupon_code;
    /// A person's or shop's name, 1 to 100 characters.
    Name, {"type": "string", "minLength": 1, "maxLength": 100, "pattern": pattern::line()}, |text| single_line(text, 1, 100);
    /// A product's title, 1 to 200 characters.
    Title, {"type": "string", "minLength": 1, "maxLength": 200, "pattern": pattern::line()}, |text| single_line(text, 1, 200);
    /// Text of at most 5,000 characters; line breaks are kept.
    LongText, {"type": "string", "maxLength": 5000, "pattern": pattern::lines()}, |text| multi_line(text, 0, 5_000);
    /// Text of 1 to 5,000 characters; line breaks are kept.
    RequiredLongText, {"type": "string", "minLength": 1, "maxLength": 5000, "pattern": pattern::required_lines()}, |text| multi_line(text, 1, 5_000);
    /// One line of at most 200 characters, possibly empty: a street, a city, a reason.
    ShortText, {"type": "string", "maxLength": 200, "pattern": pattern::optional_line()}, |text| single_line(text, 0, 200);
    /// One line of 1 to 200 characters.
    RequiredShortText, {"type": "string", "minLength": 1, "maxLength": 200, "pattern": pattern::line()}, |text| single_line(text, 1, 200);
    /// A telephone number: digits, spaces, `+-()/`, 5 to 30 characters.
    Phone, {"type": "string", "minLength": 5, "maxLength": 30, "pattern": pattern::phone()}, phone;
    /// An ISO 3166-1 alpha-2 country code in upper case.
    Country, {"type": "string", "pattern": one_of(COUNTRIES)}, country;
    /// An absolute `https://` or `http://` address of at most 2,000 characters.
    Url, {"type": "string", "format": "uri", "maxLength": 2000, "pattern": pattern::url()}, url;
    /// The address of a product's picture: an absolute `http(s)` address, or a path on this host that begins with `/`.
    ImageUrl, {"type": "string", "format": "uri-reference", "maxLength": 2000, "pattern": pattern::image_url()}, image_url;
}

texts! {
    /// The name of a product's attribute: 1 to 50 letters, digits, spaces, hyphens and underscores.
    AttributeName, {"type": "string", "minLength": 1, "maxLength": 50, "pattern": pattern::attribute_name()}, attribute_name;
    /// The name of a thing in another system: one line of 1 to 100 characters.
    ExternalId, {"type": "string", "minLength": 1, "maxLength": 100, "pattern": pattern::line()}, |text| single_line(text, 1, 100);
    /// A key of metadata: 1 to 40 letters, digits, dots, hyphens and underscores of ASCII.
    MetadataKey, {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$"}, metadata_key;
    /// A value of metadata: a text of at most 500 characters; line breaks are kept.
    MetadataValue, {"type": "string", "maxLength": 500, "pattern": pattern::lines()}, |text| multi_line(text, 0, 500);
    /// A search text of at most 200 characters.
    Query, {"type": "string", "maxLength": 200, "pattern": pattern::optional_line()}, |text| single_line(text, 0, 200);
}

impl From<KnownEmail> for Email {
    fn from(known: KnownEmail) -> Email {
        Email(known.0)
    }
}

fn metadata_key(text: &str) -> Result<String, Violation> {
    let fits = (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    match fits {
        true => Ok(text.to_owned()),
        false => Err(Violation::new("FORBIDDEN_CHARACTER", "must be 1 to 40 letters, digits, dots, hyphens and underscores")),
    }
}

fn attribute_name(text: &str) -> Result<String, Violation> {
    let text = single_line(text, 1, 50)?;
    match text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')) {
        true => Ok(text),
        false => Err(Violation::new("NOT_AN_ATTRIBUTE_NAME", "must be letters, digits, spaces, hyphens and underscores")),
    }
}

fn sku(text: &str) -> Result<String, Violation> {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let fits = (3..=40).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte))
        && edge(bytes.first())
        && edge(bytes.last());
    match fits {
        true => Ok(text.to_ascii_uppercase()),
        false => Err(Violation::new("NOT_A_SKU", "must be 3 to 40 letters, digits, hyphens, dots or underscores")),
    }
}

fn coupon_code(text: &str) -> Result<String, Violation> {
    let text = text.trim();
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let fits = (3..=40).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        && edge(bytes.first())
        && edge(bytes.last());
    match fits {
        true => Ok(text.to_ascii_uppercase()),
        false => Err(Violation::new("NOT_A_COUPON_CODE", "must be 3 to 40 letters, digits, hyphens or underscores")),
    }
}

fn phone(text: &str) -> Result<String, Violation> {
    let text = single_line(text, 5, 30)?;
    match text.chars().all(|c| c.is_ascii_digit() || " +-()/".contains(c)) && text.chars().filter(char::is_ascii_digit).count() >= 3 {
        true => Ok(text),
        false => Err(Violation::new("NOT_A_PHONE_NUMBER", "must be a telephone number such as +49 30 123456")),
    }
}

/// The codes of ISO 3166-1, in alphabetical order; the user-assigned code XK stands for Kosovo.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG \
    GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ \
    LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR \
    NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ \
    TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

fn country(text: &str) -> Result<String, Violation> {
    match text.len() == 2 && COUNTRIES.split(' ').any(|code| code == text) {
        true => Ok(text.to_owned()),
        false => Err(Violation::new("NOT_A_COUNTRY", "must be an ISO 3166-1 code of two upper-case letters such as DE")),
    }
}

/// Accepts what the URL standard (WHATWG) parses and RFC 3986 can write. A spelling of the host that only the standard's parser
/// understands, such as `0x7f.1` or letters beyond ASCII, is replaced by the usual one.
fn url(text: &str) -> Result<String, Violation> {
    let bad = || Violation::new("NOT_A_URL", "must be an absolute http or https address, such as https://example.com/path");
    let text = single_line(text, 1, 2_000)?;
    // The parser drops or repairs these.
    if text.contains(char::is_whitespace) || text.contains(['<', '>', '"', '\\', '`', '{', '}', '|', '^']) {
        return Err(bad());
    }
    let (_, rest) =
        text.split_once("://").filter(|(scheme, rest)| matches!(*scheme, "http" | "https") && !rest.starts_with('/')).ok_or_else(bad)?;
    let parsed = url::Url::parse(&text).map_err(|_| bad())?;
    let host_fits = match parsed.host() {
        Some(url::Host::Domain(name)) => is_host_name(name),
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        None => false,
    };
    let has_user = rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'));
    if !host_fits || has_user || parsed.port() == Some(0) || parsed.as_str().len() > 2_000 {
        return Err(bad());
    }
    let is_usual = parsed.host_str().is_some_and(|host| rest.get(..host.len()).is_some_and(|start| start.eq_ignore_ascii_case(host)));
    Ok(if is_usual && text.is_ascii() { text } else { parsed.into() })
}

/// Whether a domain name consists of labels as RFC 1123 has them. Underscores are accepted, because host names in use have them.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(fits)
}

fn image_url(text: &str) -> Result<String, Violation> {
    let on_this_host = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains("..")
        && !text.contains(['<', '>', '"', '\\'])
        && !text.contains(char::is_whitespace);
    if on_this_host { single_line(text, 1, 2_000) } else { url(text) }
}

/// A number of units of a product: 1 to 100,000. A setting of the cart may allow fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    pub const MAX: u32 = 100_000;

    /// # Errors
    /// `OUT_OF_RANGE` outside 1 to [`Quantity::MAX`].
    pub fn new(count: i64) -> Result<Quantity, Violation> {
        u32::try_from(count)
            .ok()
            .filter(|count| (1..=Self::MAX).contains(count))
            .map(Quantity)
            .ok_or_else(|| Violation::new("OUT_OF_RANGE", "must be a whole number from 1 to 100000"))
    }
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Quantity::new(i64::deserialize(deserializer)?).map_err(reject)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": Quantity::MAX})
    }
}

/// A price or an amount to pay or refund: `MIN` to [`crate::money::MAX_AMOUNT`] minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Amount<const MIN: i64 = 1>(i64);

impl<const MIN: i64> Amount<MIN> {
    /// # Errors
    /// `OUT_OF_RANGE`.
    pub fn new(minor: i64) -> Result<Self, Violation> {
        match (MIN..=crate::money::MAX_AMOUNT).contains(&minor) {
            true => Ok(Amount(minor)),
            false => Err(Violation::new(
                "OUT_OF_RANGE",
                format!("must be a whole number of minor units from {MIN} to {}", crate::money::MAX_AMOUNT),
            )),
        }
    }
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<'de, const MIN: i64> Deserialize<'de> for Amount<MIN> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Amount::new(i64::deserialize(deserializer)?).map_err(reject)
    }
}

impl<const MIN: i64> JsonSchema for Amount<MIN> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("AmountFrom{MIN}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": crate::money::MAX_AMOUNT, "description": "minor units"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_every_script_and_refuse_what_hides_text() {
        for good in ["Zoë", "محمد", "李雷", "👩‍👩‍👧 family", "O'Brien; DROP TABLE"] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "  ", "a\u{0}b", "a\nb", "\u{202E}evil", "a\u{200B}b", "a\u{3164}b", "a\u{2028}b"] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Name::parse(&"x".repeat(101)).is_err());
        assert_eq!(Name::parse("Jose\u{301}").unwrap(), Name::parse("Jos\u{e9}").unwrap());
    }

    #[test]
    fn only_codes_of_the_standard_are_countries() {
        for known in ["AD", "DE", "XK", "ZW"] {
            assert_eq!(Country::parse(known).unwrap().as_str(), known);
        }
        for unknown in ["", "de", "D", "DEU", "XX", "EU", "UK", "E ", "\u{c4}"] {
            assert_eq!(Country::parse(unknown).unwrap_err().code, "NOT_A_COUNTRY", "{unknown}");
        }
        assert!(COUNTRIES.split(' ').is_sorted());
    }

    #[test]
    fn quantities_are_whole_and_within_bounds() {
        for bad in ["0", "-1", "100001", "1.5", "\"1\"", "null", "1e400", "99999999999999999999"] {
            assert!(serde_json::from_str::<Quantity>(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<Quantity>("100000").unwrap().get(), Quantity::MAX);
    }

    #[test]
    fn a_url_has_a_host_that_can_exist() {
        for good in [
            "https://example.com",
            "http://example.com:8080/hook?a=1#b",
            "https://a-b.c_d.example./",
            "http://127.0.0.1:80/",
            "https://[2001:db8::1]:8443/x",
            "https://Example.com/%C3%BC",
        ] {
            assert_eq!(Url::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "http:example.com",
            "http:/example.com",
            "http:///example.com",
            "http://",
            "http://:80/",
            "http://?x",
            "http://example.com:99999/",
            "http://example.com:0/",
            "http://example.com:8a/",
            "http://a..b/",
            "http://.a.b/",
            "http://-a.b/",
            "http://a-.b/",
            "http://256.256.256.256/",
            "http://1.2.3.4.5/",
            "http://[::1/",
            "http://[1.2.3.4]/",
            "http://a b/",
            "http://a\\b/",
            "http://me@example.com/",
            "http://me:x@example.com/",
            "http://@example.com/",
            "http://a%00b/",
            "http://a,b/",
            "http://xn--a/",
            "https://exa<mple.com",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
        assert!(Url::parse(&format!("http://{}.example/", "a".repeat(64))).is_err());
        for (spelling, usual) in [
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("http://0x7f.1:80/", "http://127.0.0.1/"),
            ("http://%65.example/a", "http://e.example/a"),
        ] {
            assert_eq!(Url::parse(spelling).unwrap().as_str(), usual);
        }
    }

    #[test]
    fn a_sku_has_one_spelling() {
        assert_eq!(Sku::parse("abc-1").unwrap().as_str(), "ABC-1");
        for bad in ["ab", "-abc", "abc-", "a/b/c", "../etc", "a b c", "ab\u{ad}c", "ab\u{3164}c", "ab\u{e0061}c", "аbc"] {
            assert!(Sku::parse(bad).is_err(), "{bad}");
        }
    }
}
