//! Pages of lists and the cursors between them.

use super::{
    describe::{DescribeArg, OperationBuilder},
    problem::Problem,
    query_param_guard, text,
};
use crate::db::{Db, Error, Tx};
use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::{
    page::Page,
    problem::{Code, Fault},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use sha2::{Digest, Sha256};

/// The parameters that [`Paging`] takes.
pub(super) const NAMES: &[&str] = &["limit", "cursor"];

/// How many items a page has by default.
pub const DEFAULT_LIMIT: u32 = 20;
/// How many items a page may have.
pub const MAX_LIMIT: u32 = 100;

/// Which page of a list is wanted: `?limit=` (1 to 100, 20 unless given) and `?cursor=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    pub limit: u32,
    /// As the caller sent it; [`Paging::after`] reads it.
    pub cursor: Option<String>,
}

impl Default for Paging {
    fn default() -> Paging {
        Paging { limit: DEFAULT_LIMIT, cursor: None }
    }
}

impl Paging {
    /// How many rows to read: one more than the page holds shows whether there is a next page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The key of the last item of the previous page; `None` for the first page. `tag` names the list and its filters.
    ///
    /// # Errors
    /// 400 `BAD_CURSOR` for one that was invented, changed, or issued for another list or other filters.
    pub fn after<K: DeserializeOwned>(&self, tag: &str) -> Result<Option<K>, Problem> {
        self.cursor.as_deref().map(|cursor| Cursor::decode(tag, cursor)).transpose()
    }

    /// Makes the page of [`fetch`](Self::fetch) rows; `key` is what the next page begins after.
    pub fn page<T, K: Serialize>(&self, tag: &str, mut rows: Vec<T>, key: impl FnOnce(&T) -> K) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|last| Cursor::encode(tag, &key(last))) } else { None };
        Page { items: rows, next_cursor }
    }

    /// One page of a list: `read` is given the key that the page begins after and how many rows to read, and `key` is what
    /// the next page begins after. `tag` names the list and its filters.
    ///
    /// # Errors
    /// As [`after`](Self::after), and what `read` refuses with.
    pub async fn list<T, K, E>(
        &self,
        db: &Db,
        tag: &str,
        read: impl AsyncFn(&mut Tx, Option<K>, i64) -> Result<Vec<T>, E> + Send + 'static,
        key: impl FnOnce(&T) -> K,
    ) -> Result<Page<T>, Problem>
    where
        T: Send + 'static,
        K: Serialize + DeserializeOwned + Clone + Send + 'static,
        E: From<Error> + Into<Problem> + Send + 'static,
    {
        let (after, rows) = (self.after::<K>(tag)?, self.fetch());
        let found = db.read(async move |tx| read(tx, after.clone(), rows).await).await.map_err(Into::into)?;
        Ok(self.page(tag, found, key))
    }

    fn parse(pairs: Vec<(String, String)>) -> Result<Paging, Vec<Fault>> {
        let (mut limit, mut cursor, mut faults) = (None, None, Vec::new());
        for (name, value) in pairs {
            let slot = match name.as_str() {
                "limit" => &mut limit,
                "cursor" => &mut cursor,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                faults.push(Fault::parameter(name, "REPEATED_PARAMETER", "is given more than once"));
            }
        }
        let limit = limit.map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)));
        match limit {
            Some(limit) if faults.is_empty() => return Ok(Paging { limit, cursor }),
            Some(_) => {}
            None => faults.push(Fault::parameter("limit", "OUT_OF_RANGE", "must be a whole number from 1 to 100")),
        }
        Err(faults)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(query) = parts.uri.query() else { return Ok(Paging::default()) };
        Paging::parse(text::pairs(query)?).map_err(|faults| query_param_guard::refuse(parts, faults))
    }
}

impl DescribeArg for Paging {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.parameter(
            "query",
            "limit",
            false,
            json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
            "How many items the page may have.",
        );
        PageCursor::describe(operation);
    }
}

/// Where a page begins of a list whose pages have a fixed length: `?cursor=`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageCursor(Option<String>);

impl PageCursor {
    /// As [`Paging::after`].
    ///
    /// # Errors
    /// 400 `BAD_CURSOR`.
    pub fn after<K: DeserializeOwned>(&self, tag: &str) -> Result<Option<K>, Problem> {
        self.0.as_deref().map(|cursor| Cursor::decode(tag, cursor)).transpose()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageCursor {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Paging::from_request_parts(parts, state).await.map(|paging| PageCursor(paging.cursor))
    }
}

impl DescribeArg for PageCursor {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.parameter(
            "query",
            "cursor",
            false,
            json!({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "minLength": 11, "maxLength": MAX_CURSOR}),
            "`nextCursor` of the page before, as it is, with the same filters.",
        );
        operation.query_checks.push(|pairs| Paging::parse(pairs).err().unwrap_or_default());
        operation.refuse([Code::BAD_CURSOR]);
    }
}

/// Cursors are JSON with a checksum over it and the list's tag, in base64url. The checksum is no secret: it detects a cursor
/// of another list. A cursor grants no access.
pub struct Cursor;

/// The longest cursor that is read, in characters.
const MAX_CURSOR: usize = 2_048;

const CHECK_BYTES: usize = 8;

impl Cursor {
    /// A cursor for the list `tag` that continues after `key`.
    ///
    /// # Panics
    /// When `key` is not a value that JSON can hold; keys are tuples of times, ids and numbers.
    #[must_use]
    pub fn encode<K: Serialize>(tag: &str, key: &K) -> String {
        let json = serde_json::to_vec(key).expect("a key is a tuple of plain values");
        let mut bytes = check(tag, &json).to_vec();
        bytes.extend_from_slice(&json);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the key of a cursor that [`encode`](Self::encode) made.
    ///
    /// # Errors
    /// 400 `BAD_CURSOR`.
    pub fn decode<K: DeserializeOwned>(tag: &str, cursor: &str) -> Result<K, Problem> {
        let bad = || Problem::new(Code::BAD_CURSOR).fault(Fault::parameter("cursor", "BAD_CURSOR", "is not a cursor of this list"));
        if cursor.len() > MAX_CURSOR {
            return Err(bad());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad())?;
        let (sum, json) = bytes.split_at_checked(CHECK_BYTES).ok_or_else(bad)?;
        if sum != check(tag, json) {
            return Err(bad());
        }
        serde_json::from_slice(json).map_err(|_| bad())
    }
}

fn check(tag: &str, json: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(tag).chain_update([0]).chain_update(json).finalize();
    std::array::from_fn(|at| digest[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_outside_its_bounds_is_refused_and_not_clamped() {
        let parse = |query: &str| Paging::parse(text::pairs(query).unwrap());
        assert_eq!(parse("limit=100&status=X").unwrap().limit, 100);
        for bad in ["limit=0", "limit=101", "limit=-1", "limit=", "limit=ten", "limit=1e1", "limit=5&limit=5", "cursor=a&cursor=b"] {
            assert_eq!(parse(bad).unwrap_err().len(), 1, "{bad}");
        }
        assert_eq!(parse("limit=0&cursor=a&cursor=b").unwrap_err().len(), 2);
    }

    #[test]
    fn a_cursor_is_bound_to_its_list_and_filters() {
        let cursor = Cursor::encode("orders?status=PAID", &(17_i64, "id"));
        assert_eq!(Cursor::decode::<(i64, String)>("orders?status=PAID", &cursor).unwrap(), (17, "id".to_owned()));
        let mut tampered = cursor.clone();
        tampered.replace_range(12..13, if &cursor[12..13] == "A" { "B" } else { "A" });
        let huge = "A".repeat(100_000);
        for (tag, cursor) in [
            ("orders?status=NEW", cursor.as_str()),
            ("orders?status=PAID", &tampered),
            ("orders?status=PAID", ""),
            ("orders?status=PAID", "AAAA"),
            ("orders?status=PAID", "%%%"),
            ("orders?status=PAID", "' OR 1=1"),
            ("orders?status=PAID", &huge),
        ] {
            assert_eq!(Cursor::decode::<(i64, String)>(tag, cursor).unwrap_err().code(), Code::BAD_CURSOR);
        }
    }

    #[test]
    fn the_row_beyond_the_page_makes_the_cursor() {
        let paging = Paging { limit: 2, cursor: None };
        let page = paging.page("t", vec![1, 2, 3], |last| *last);
        assert_eq!(page.items, [1, 2]);
        let next = Paging { limit: 2, cursor: page.next_cursor };
        assert_eq!(next.after::<i32>("t").unwrap(), Some(2));
        assert_eq!(next.page("t", vec![3], |last| *last).next_cursor, None);
    }
}
