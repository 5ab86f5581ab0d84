//! Lists with filters: the SQL has only the conditions that are given, so that each combination uses its index.

use super::{Error, Row, Table, Tx};
use contracts::{column::Column, ids::Uuid, time::Timestamp};
use std::{fmt::Write as _, marker::PhantomData};

/// A SELECT that grows condition by condition. The texts are literals, the values are bound; the few combinations that
/// a list has are prepared once each. `T` is the [`Table`] that it reads, if it reads one.
///
/// ```ignore
/// Select::of::<Orders>()
///     .filter("user_id = ?", owner)
///     .filter_some("status = ?", status)
///     .filter_some("order_id < ?", after)
///     .limit("order_id DESC", paging.fetch())
///     .list(tx)
/// ```
pub struct Select<T = ()> {
    sql: String,
    values: Vec<Box<dyn Column>>,
    table: PhantomData<fn() -> T>,
}

impl Select {
    #[must_use]
    pub fn from(sql: &'static str) -> Select {
        Select { sql: sql.to_owned(), values: Vec::new(), table: PhantomData }
    }

    /// Selects the columns of a table.
    #[must_use]
    pub fn of<T: Table>() -> Select<T> {
        Select { sql: T::statements().select().to_owned(), values: Vec::new(), table: PhantomData }
    }

    /// Selects the columns of a table under the name `alias` from a join: `("p", "listing l JOIN products p ON …")`.
    #[must_use]
    pub fn joined<T: Table>(alias: &'static str, from: &'static str) -> Select<T> {
        let sql = ["SELECT ", &T::statements().select_list(alias), " FROM ", from].concat();
        Select { sql, values: Vec::new(), table: PhantomData }
    }
}

impl<T> Select<T> {
    /// Adds a condition, in which `?` is replaced by `value`.
    #[must_use]
    pub fn filter(self, condition: &'static str, value: impl Column + 'static) -> Select<T> {
        let clause = self.clause();
        self.push(clause, condition, value)
    }

    /// Adds a condition that has no value.
    #[must_use]
    pub fn filter_literal(mut self, condition: &'static str) -> Select<T> {
        let clause = self.clause();
        self.sql.extend([clause, condition]);
        self
    }

    /// Adds `column IN (values)`. Without values no row is found. The number of placeholders is a power of two, and the last
    /// value fills up the rest, so that few statements are prepared.
    #[must_use]
    pub fn filter_in<V: Column + Clone + 'static>(mut self, column: &'static str, values: &[V]) -> Select<T> {
        let Some(last) = values.last() else { return self.filter_literal("1 = 0") };
        let (clause, places) = (self.clause(), values.len().next_power_of_two());
        self.sql.extend([clause, column, " IN ("]);
        for (place, value) in values.iter().chain(std::iter::repeat(last)).take(places).enumerate() {
            self.values.push(Box::new(value.clone()));
            let _ = write!(self.sql, "{}${}", if place == 0 { "" } else { ", " }, self.values.len());
        }
        self.sql.push(')');
        self
    }

    /// Adds a condition for the rows below `key` in the order of two columns, such as `(occurred_at, position)`: the cursor
    /// of a list that is not ordered by one id.
    #[must_use]
    pub fn filter_below(mut self, columns: &'static str, (first, second): (impl Column + 'static, impl Column + 'static)) -> Select<T> {
        let (clause, bound) = (self.clause(), self.values.len());
        let _ = write!(self.sql, "{clause}{columns} < (${}, ${})", bound + 1, bound + 2);
        self.values.extend([Box::new(first) as Box<dyn Column>, Box::new(second)]);
        self
    }

    /// The same for the rows above `key`, for a list in ascending order.
    #[must_use]
    pub fn filter_above(mut self, columns: &'static str, (first, second): (impl Column + 'static, impl Column + 'static)) -> Select<T> {
        let (clause, bound) = (self.clause(), self.values.len());
        let _ = write!(self.sql, "{clause}{columns} > (${}, ${})", bound + 1, bound + 2);
        self.values.extend([Box::new(first) as Box<dyn Column>, Box::new(second)]);
        self
    }

    /// Adds a condition unless there is no value.
    #[must_use]
    pub fn filter_some(self, condition: &'static str, value: Option<impl Column + 'static>) -> Select<T> {
        match value {
            Some(value) => self.filter(condition, value),
            None => self,
        }
    }

    /// Sets the order of the list and how many rows to read.
    #[must_use]
    pub fn limit(mut self, order: &'static str, rows: i64) -> Select<T> {
        self.sql.extend([" ORDER BY ", order]);
        self.push(" LIMIT ", "?", rows)
    }

    /// Groups the rows: one for each value of `column`.
    #[must_use]
    pub fn group(mut self, column: &'static str) -> Select<T> {
        self.sql.extend([" GROUP BY ", column]);
        self
    }

    fn clause(&self) -> &'static str {
        if self.values.is_empty() && !self.sql.contains(" WHERE ") { " WHERE " } else { " AND " }
    }

    fn push(mut self, clause: &str, text: &str, value: impl Column + 'static) -> Select<T> {
        self.values.push(Box::new(value));
        self.sql.push_str(clause);
        self.sql.push_str(&text.replace('?', &format!("${}", self.values.len())));
        self
    }

    /// Returns the SQL, for tests of the query plan.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Returns the rows, each read by `read`.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub async fn rows<R>(self, tx: &mut Tx, read: impl FnMut(&mut Row<'_>) -> Result<R, Error>) -> Result<Vec<R>, Error> {
        tx.query(&self.sql, &self.params(), read).await
    }

    fn params(&self) -> Vec<&dyn Column> {
        self.values.iter().map(|value| &**value).collect()
    }
}

/// # Errors
/// As [`Tx::query`].
impl<T: Table> Select<T> {
    /// Returns the rows.
    pub async fn list(self, tx: &mut Tx) -> Result<Vec<T::Row>, Error> {
        tx.query(&self.sql, &self.params(), T::read).await
    }

    /// Returns the first row.
    pub async fn find(self, tx: &mut Tx) -> Result<Option<T::Row>, Error> {
        tx.query_opt(&self.sql, &self.params(), T::read).await
    }

    /// Returns the first row, which stays locked until the commit.
    pub async fn lock(self, tx: &mut Tx) -> Result<Option<T::Row>, Error> {
        tx.query_opt(&tx.for_update(&self.sql), &self.params(), T::read).await
    }
}

/// Returns the least UUIDv7 of `instant` or later. Ids sort by time, so a range of times is a range of ids.
#[must_use]
pub fn id_from(instant: Timestamp) -> Uuid {
    uuid::Builder::from_u128(u128::from(instant.unix_millis()) << 80).into_uuid()
}

/// Returns a UUIDv7 of `instant`, for a record of something that happened earlier.
#[must_use]
pub fn id_at<T: From<Uuid>>(instant: Timestamp, chance: [u8; 10]) -> T {
    T::from(uuid::Builder::from_unix_timestamp_millis(instant.unix_millis(), &chance).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_given_conditions_are_in_the_statement() {
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
