//! The products that a browser saw last: a cookie of their ids, which only the first page shows. The program stores nothing of it, and
//! a visitor can have it forgotten.

use crate::session::cookie;
use axum::http::{HeaderMap, HeaderValue};
use contracts::ids::ProductId;

const COOKIE: &str = "souk-seen";
/// Products that are remembered: a row of the first page.
const MOST: usize = 5;
const KEPT_SECONDS: u64 = 30 * 24 * 3600;

/// The ids, the last seen first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(Vec<ProductId>);

impl Seen {
    /// Reads the cookie. What is no id is left out, because anyone writes cookies.
    pub fn of(headers: &HeaderMap) -> Seen {
        let Some(ids) = cookie(headers, COOKIE) else { return Seen::default() };
        Seen(ids.split('.').take(MOST).filter_map(|id| id.parse().ok()).collect())
    }

    pub fn ids(&self) -> &[ProductId] {
        &self.0
    }

    pub fn add(&mut self, id: ProductId) {
        self.0.retain(|known| *known != id);
        self.0.insert(0, id);
        self.0.truncate(MOST);
    }

    /// The cookie that a browser keeps, or that ends it when there is none to keep.
    pub fn cookie(&self, https: bool) -> Option<HeaderValue> {
        let ids: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        let (age, secure) = (if ids.is_empty() { 0 } else { KEPT_SECONDS }, if https { "; Secure" } else { "" });
        HeaderValue::try_from(format!("{COOKIE}={}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{secure}", ids.join("."))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;
    use contracts::ids::Uuid;

    #[test]
    fn the_last_products_are_remembered_once_each() {
        let id = |number| ProductId(Uuid::from_u128(number));
        let mut seen = Seen::default();
        for number in [1, 2, 3, 4, 5, 6, 3] {
            seen.add(id(number));
        }
        assert_eq!(seen.ids(), [3, 6, 5, 4, 2].map(id));
        let cookie = seen.cookie(true).unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure") && cookie.len() < 300, "{cookie}");
        let sent = |cookie: &str| Seen::of(&HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(cookie).unwrap())]));
        assert_eq!(sent(&format!("a=b; {}", cookie.split(';').next().unwrap())), seen);
        assert_eq!(sent(&format!("souk-seen=x.{}.", id(7))).ids(), [id(7)]);
        assert!(Seen::default().cookie(false).unwrap().to_str().unwrap().starts_with("souk-seen=; Max-Age=0; "));
    }
}
