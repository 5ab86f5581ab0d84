//! Lists with filters: only the conditions that are given stand in the SQL, so that each combination uses its index.

use super::{Error, Row, Tx};
use contracts::{column::Column, ids::Uuid, time::Timestamp};
use std::fmt::Write as _;

/// A SELECT that grows condition by condition. The texts are literals, the values are bound; the few combinations that
/// a list has are prepared once each.
///
/// ```ignore
/// Select::from("SELECT order_id FROM orders")
///     .filter("user_id = ?", owner)
///     .filter_some("status = ?", status)
///     .filter_some("order_id < ?", after)
///     .limit("order_id DESC", paging.fetch())
/// ```
pub struct Select {
    sql: String,
    values: Vec<Box<dyn Column>>,
}

impl Select {
    #[must_use]
    pub fn from(sql: &'static str) -> Select {
        Select { sql: sql.to_owned(), values: Vec::new() }
    }

    /// A condition; `?` in it stands for `value`.
    #[must_use]
    pub fn filter(self, condition: &'static str, value: impl Column + 'static) -> Select {
        let clause = self.clause();
        self.push(clause, condition, value)
    }

    /// Only rows below `key` in the order of two columns, such as `(occurred_at, position)`: the cursor of a list whose
    /// order is not that of one id.
    #[must_use]
    pub fn filter_below(mut self, columns: &'static str, (first, second): (impl Column + 'static, impl Column + 'static)) -> Select {
        let (clause, bound) = (self.clause(), self.values.len());
        let _ = write!(self.sql, "{clause}{columns} < (${}, ${})", bound + 1, bound + 2);
        self.values.extend([Box::new(first) as Box<dyn Column>, Box::new(second)]);
        self
    }

    /// A condition that is left out when there is no value.
    #[must_use]
    pub fn filter_some(self, condition: &'static str, value: Option<impl Column + 'static>) -> Select {
        match value {
            Some(value) => self.filter(condition, value),
            None => self,
        }
    }

    /// The order of the list and how many rows to read.
    #[must_use]
    pub fn limit(self, order: &'static str, rows: i64) -> Select {
        let mut select = self;
        let _ = write!(select.sql, " ORDER BY {order}");
        select.push(" LIMIT ", "?", rows)
    }

    /// One row for each value of `column`.
    #[must_use]
    pub fn group(mut self, column: &'static str) -> Select {
        let _ = write!(self.sql, " GROUP BY {column}");
        self
    }

    fn clause(&self) -> &'static str {
        if self.values.is_empty() && !self.sql.contains(" WHERE ") { " WHERE " } else { " AND " }
    }

    fn push(mut self, clause: &str, text: &str, value: impl Column + 'static) -> Select {
        self.values.push(Box::new(value));
        self.sql.push_str(clause);
        self.sql.push_str(&text.replace('?', &format!("${}", self.values.len())));
        self
    }

    /// The text as it stands, for tests that ask the database how it would be answered.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The rows, each through `read`.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn rows<T>(self, tx: &mut Tx, read: impl FnMut(&mut Row<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let params: Vec<&dyn Column> = self.values.iter().map(|value| &**value).collect();
        tx.query(&self.sql, &params, read).await
    }
}

/// The least UUIDv7 made at `instant` or later: ids sort by time, so a range of times is a range of ids.
#[must_use]
pub fn id_from(instant: Timestamp) -> Uuid {
    uuid::Builder::from_u128(u128::from(instant.unix_millis()) << 80).into_uuid()
}

/// A UUIDv7 made at `instant`: for what happened before it was written down.
#[must_use]
pub fn id_at<T: From<Uuid>>(instant: Timestamp, chance: [u8; 10]) -> T {
    T::from(uuid::Builder::from_unix_timestamp_millis(instant.unix_millis(), &chance).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_given_conditions_stand_in_the_text() {
        let select = Select::from("SELECT a FROM t")
            .filter("b = ?", 1_i64)
            .filter_some("c = ?", None::<i64>)
            .filter_some("d < ?", Some(2_i64))
            .limit("a DESC", 3);
        assert_eq!(select.sql, "SELECT a FROM t WHERE b = $1 AND d < $2 ORDER BY a DESC LIMIT $3");
        let bare = Select::from("SELECT a FROM t WHERE x = 1").filter("b = ?", 1_i64).limit("a", 3);
        assert_eq!(bare.sql, "SELECT a FROM t WHERE x = 1 AND b = $1 ORDER BY a LIMIT $2");
    }

    #[test]
    fn a_cursor_over_two_columns_binds_both() {
        let select =
            Select::from("SELECT a FROM t").filter("b = ?", 1_i64).filter_below("(c, d)", (2_i64, 3_i64)).limit("c DESC, d DESC", 4);
        assert_eq!(select.sql, "SELECT a FROM t WHERE b = $1 AND (c, d) < ($2, $3) ORDER BY c DESC, d DESC LIMIT $4");
        assert_eq!(Select::from("SELECT a FROM t").filter_below("(c, d)", (2_i64, 3_i64)).sql, "SELECT a FROM t WHERE (c, d) < ($1, $2)");
    }
}
