//! Forms: who may post them, and what is shown beside their fields.

use crate::api::{Failure, Refusal};
use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::collections::BTreeMap;

/// Refuses a post that a page of another site made: it would act with the visitor's cookie. Browsers say where a request comes
/// from in `Sec-Fetch-Site` (W3C Fetch Metadata), and all of them in `Origin`.
pub async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) || is_own(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This form was not sent from a page of this site.").into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        // No browser sends a form without both; another program has no cookie of a visitor.
        (None, _) => true,
        _ => false,
    }
}

/// What is wrong with a form that was refused.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// A sentence about the whole form.
    pub summary: Option<String>,
    /// By the name of the field.
    fields: BTreeMap<String, String>,
}

impl Faults {
    /// Reads the faults of a refusal. A field has the name of its place in the body of the call: the last part of the pointer, or all
    /// of it where several places end alike.
    pub fn of(failure: &Failure) -> Faults {
        let Failure::Refused(Refusal { title, detail, errors, .. }) = failure else {
            return Faults { summary: Some(String::new()), fields: BTreeMap::new() };
        };
        let mut fields = BTreeMap::new();
        for fault in errors {
            let Some(place) = fault.pointer.as_deref().map(|pointer| pointer.trim_start_matches('/')) else { continue };
            for name in [place, place.rsplit('/').next().unwrap_or_default()] {
                fields.entry(name.to_owned()).or_insert_with(|| fault.detail.clone());
            }
        }
        let summary = if detail.is_empty() { title } else { detail };
        Faults { summary: Some(summary.clone()), fields }
    }

    /// Whether something is wrong with some field.
    pub fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// One fault of one field.
    pub fn at(field: &str, detail: &str) -> Faults {
        Faults { summary: Some(String::new()), fields: BTreeMap::from([(field.to_owned(), detail.to_owned())]) }
    }

    /// Says something about the whole form.
    pub fn about_all(text: &str) -> Faults {
        Faults { summary: Some(text.to_owned()), fields: BTreeMap::new() }
    }

    /// Adds what this program found wrong with a field.
    pub fn with(mut self, name: &str, detail: &str) -> Faults {
        self.summary.get_or_insert_default();
        self.fields.insert(name.to_owned(), detail.to_owned());
        self
    }

    /// Returns what is wrong with the fields of one object of the body, by their names in it.
    pub fn within(&self, object: &str) -> Faults {
        let own = |(field, detail): (&String, &String)| {
            let name = field.strip_prefix(object)?.strip_prefix('/')?;
            Some((name.to_owned(), detail.clone()))
        };
        Faults { summary: None, fields: self.fields.iter().filter_map(own).collect() }
    }

    /// Takes away what is said about one field.
    pub fn without(mut self, name: &str) -> Faults {
        self.fields.remove(name);
        self
    }

    /// Adds the faults of other fields.
    pub fn and(mut self, other: Faults) -> Faults {
        self.fields.extend(other.fields);
        self
    }

    /// Returns what is wrong with a field or with a part of it, such as one entry of a list; empty when nothing is.
    pub fn under(&self, name: &str) -> &str {
        let is_part = |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.fields.iter().find(|(field, _)| is_part(field)).map_or("", |(_, detail)| detail)
    }

    /// Returns what is wrong with a field; empty when nothing is.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Returns the path to go to after a login: one of this site, else the first page.
pub fn own_path(next: &str) -> &str {
    let is_own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if is_own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(headers: &[(&'static str, &'static str)]) -> bool {
        is_own(&headers.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect())
    }

    #[test]
    fn only_own_pages_may_post() {
        for (headers, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://shop.example"), ("host", "shop.example")], true),
            (&[("origin", "https://evil.example"), ("host", "shop.example")], false),
            (&[("origin", "null"), ("host", "shop.example")], false),
            (&[("host", "shop.example")], true),
        ] {
            assert_eq!(posted(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_login_leads_to_pages_of_this_site_alone() {
        assert_eq!(own_path("/cart?x=1"), "/cart?x=1");
        for next in ["", "https://evil.example", "//evil.example", "/\\evil.example", "cart", "/\n/x"] {
            assert_eq!(own_path(next), "/", "{next:?}");
        }
    }
}
