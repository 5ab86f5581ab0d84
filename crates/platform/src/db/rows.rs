//! Reading and writing whole rows of the tables that [`table!`](crate::table) declares.

use super::{
    Error, Params, Row, Tx,
    table::{Extra, Table},
};
use contracts::{
    column::{Column, SqlValue},
    ids::Uuid,
};

/// Reading and writing whole rows.
///
/// Each function fails with [`Error::Constraint`], [`Error::Failed`], or [`Error::Column`] when a stored value does not fit. Those that
/// return nothing are sent as by [`Tx::execute_pipelined`]: a row that may be there is written by [`Tx::insert_if_absent`] or [`Tx::upsert`].
impl Tx {
    /// Writes a new row.
    pub async fn insert<T: Table>(&mut self, row: &T::Row) -> Result<(), Error> {
        self.insert_with::<T>(row, &[]).await
    }

    /// Writes a new row and its extra columns.
    pub async fn insert_with<T: Table>(&mut self, row: &T::Row, extra: Extra<'_>) -> Result<(), Error> {
        let sql = T::statements().insert_with(&T::statements().names_of(extra)?);
        self.send_values(&sql, inserted::<T>(row, extra)).await
    }

    /// Writes a new row unless the unique columns `target`, such as `(email)`, hold its values already; an empty target
    /// means any unique columns. Returns whether the row is new. Unlike a read before the write
    /// it is right with concurrent writers.
    pub async fn insert_if_absent<T: Table>(&mut self, row: &T::Row, target: &'static str) -> Result<bool, Error> {
        self.insert_if_absent_with::<T>(row, target, &[]).await
    }

    /// [`Tx::insert_if_absent`] with extra columns.
    pub async fn insert_if_absent_with<T: Table>(&mut self, row: &T::Row, target: &'static str, extra: Extra<'_>) -> Result<bool, Error> {
        let names = T::statements().names_of(extra)?;
        let sql = [&*T::statements().insert_with(&names), " ON CONFLICT ", target, " DO NOTHING"].concat();
        Ok(self.insert_row::<T>(&sql, row, extra).await? == 1)
    }

    /// Writes a row whether or not there is one with its key. The `insert_only` columns of a row that is there stay.
    pub async fn upsert<T: Table>(&mut self, row: &T::Row) -> Result<(), Error> {
        self.upsert_with::<T>(row, &[]).await
    }

    /// [`Tx::upsert`] with extra columns.
    pub async fn upsert_with<T: Table>(&mut self, row: &T::Row, extra: Extra<'_>) -> Result<(), Error> {
        let names = T::statements().names_of(extra)?;
        let sql = [&*T::statements().insert_with(&names), &T::statements().on_conflict_update(&names)].concat();
        self.send_values(&sql, inserted::<T>(row, extra)).await
    }

    /// [`Tx::upsert_with`] that leaves a row with the key as it is unless `condition` holds, such as
    /// `"contacts.sequence < excluded.sequence"`. Returns whether the row was written.
    pub async fn upsert_if<T: Table>(&mut self, row: &T::Row, extra: Extra<'_>, condition: &'static str) -> Result<bool, Error> {
        let names = T::statements().names_of(extra)?;
        let sql = [&*T::statements().insert_with(&names), &T::statements().on_conflict_update(&names), " WHERE ", condition].concat();
        Ok(self.insert_row::<T>(&sql, row, extra).await? == 1)
    }

    /// [`Tx::update`] of a row that is there.
    pub async fn replace<T: Table>(&mut self, row: &T::Row) -> Result<(), Error> {
        self.replace_with::<T>(row, &[]).await
    }

    /// [`Tx::replace`] with extra columns.
    pub async fn replace_with<T: Table>(&mut self, row: &T::Row, extra: Extra<'_>) -> Result<(), Error> {
        let sql = T::statements().update_with(&T::statements().names_of(extra)?);
        self.send_values(checked::<T>(&sql)?, updated::<T>(row, extra)).await
    }

    /// Writes the columns that may change of the row with this key. Returns whether there is such a row.
    pub async fn update<T: Table>(&mut self, row: &T::Row) -> Result<bool, Error> {
        self.update_with::<T>(row, &[]).await
    }

    /// [`Tx::update`] with extra columns.
    pub async fn update_with<T: Table>(&mut self, row: &T::Row, extra: Extra<'_>) -> Result<bool, Error> {
        let sql = T::statements().update_with(&T::statements().names_of(extra)?);
        self.update_row::<T>(&sql, row, extra, &[]).await
    }

    /// [`Tx::update_with`] for a row that also meets `condition`, in which each `?` is replaced by one of `params`:
    /// `"status = ? AND returned_at IS NULL"`. Returns whether there is such a row.
    pub async fn update_if<T: Table>(
        &mut self,
        row: &T::Row,
        extra: Extra<'_>,
        condition: &'static str,
        params: Params<'_>,
    ) -> Result<bool, Error> {
        let mut sql = T::statements().update_with(&T::statements().names_of(extra)?).into_owned() + " AND ";
        number_placeholders(&mut sql, condition, T::statements().columns().columns.len() + extra.len());
        self.update_row::<T>(&sql, row, extra, params).await
    }

    /// Returns the row that meets `condition`, the first one if there are more.
    pub async fn find<T: Table>(&mut self, condition: &'static str, params: Params<'_>) -> Result<Option<T::Row>, Error> {
        self.query_opt(&[T::statements().select(), " WHERE ", condition].concat(), params, T::read).await
    }

    /// [`Tx::find`] for a row that stays locked until the commit. A decision depends only on rows that are locked.
    pub async fn lock<T: Table>(&mut self, condition: &'static str, params: Params<'_>) -> Result<Option<T::Row>, Error> {
        self.query_opt(&self.for_update(&[T::statements().select(), " WHERE ", condition].concat()), params, T::read).await
    }

    /// Returns the rows that `rest` selects, which is what follows `SELECT … FROM t`: `"WHERE … ORDER BY … LIMIT $2"`.
    pub async fn list<T: Table>(&mut self, rest: &'static str, params: Params<'_>) -> Result<Vec<T::Row>, Error> {
        self.query(&[T::statements().select(), " ", rest].concat(), params, T::read).await
    }

    /// [`Tx::list`] for rows that stay locked until the commit. `rest` orders them by their key.
    pub async fn lock_list<T: Table>(&mut self, rest: &'static str, params: Params<'_>) -> Result<Vec<T::Row>, Error> {
        self.query(&self.for_update(&[T::statements().select(), " ", rest].concat()), params, T::read).await
    }

    /// Runs an INSERT, UPDATE or DELETE on the table and returns the rows it touched. `sql` has no RETURNING.
    pub async fn execute_returning<T: Table>(&mut self, sql: &'static str, params: Params<'_>) -> Result<Vec<T::Row>, Error> {
        self.query(&[sql, " RETURNING ", &T::statements().select_list("")].concat(), params, T::read).await
    }

    /// Counts `number` of the row with this key up by one and returns it; a row that is not there yet begins with 1. Two
    /// units never get the same number, which `MAX(number) + 1` does not guarantee.
    pub async fn next_number(&mut self, table: &'static str, number: &'static str, key: Extra<'_>) -> Result<i64, Error> {
        let names: Vec<&str> = key.iter().map(|(name, _)| *name).collect();
        let sql = next_number_sql(table, number, &names);
        let params: Vec<&dyn Column> = key.iter().map(|(_, value)| *value).collect();
        // All rows are read, because an INSERT … RETURNING is complete only after its last row.
        self.query(&sql, &params, |row| row.next()).await?.pop().ok_or_else(|| Error::Failed("a counter returned no number".into()))
    }

    /// Excludes other units that name the same `key` of `what`, until the commit: for a decision that depends on rows that may not
    /// be there yet, and so cannot be locked. It is called where the row would be locked. In an embedded database one unit runs at a
    /// time.
    pub async fn lock_absent(&mut self, what: &'static str, key: Uuid) -> Result<(), Error> {
        if !self.is_shared() {
            return Ok(());
        }
        let (sql, name) = ("SELECT 1 FROM pg_advisory_xact_lock(7305792, hashtext($1))", format!("{what}/{key}"));
        self.query(sql, crate::params![name], |_| Ok(())).await.map(|_| ())
    }

    async fn insert_row<T: Table>(&mut self, sql: &str, row: &T::Row, extra: Extra<'_>) -> Result<u64, Error> {
        self.execute_values(sql, inserted::<T>(row, extra)).await
    }

    async fn update_row<T: Table>(&mut self, sql: &str, row: &T::Row, extra: Extra<'_>, params: Params<'_>) -> Result<bool, Error> {
        let mut values = updated::<T>(row, extra);
        values.extend(params.iter().map(|value| value.to_sql()));
        Ok(self.execute_values(checked::<T>(sql)?, values).await? > 0)
    }
}

/// The values of an INSERT.
fn inserted<'a, T: Table>(row: &'a T::Row, extra: Extra<'a>) -> Vec<SqlValue<'a>> {
    let mut values = Vec::with_capacity(32);
    T::values(row, true, &mut values);
    values.extend(extra.iter().map(|(_, value)| value.to_sql()));
    values
}

/// The values of an UPDATE.
fn updated<'a, T: Table>(row: &'a T::Row, extra: Extra<'a>) -> Vec<SqlValue<'a>> {
    let mut values = Vec::with_capacity(32);
    T::values(row, false, &mut values);
    values.extend(extra.iter().map(|(_, value)| value.to_sql()));
    values
}

/// Returns the statement of an UPDATE, if the table can have one.
fn checked<T: Table>(sql: &str) -> Result<&str, Error> {
    match sql.is_empty() {
        true => Err(Error::Failed(format!("an update of {} has no key or no column to set", T::statements().columns().table))),
        false => Ok(sql),
    }
}

impl Row<'_> {
    /// Reads the columns of `T` from here on.
    ///
    /// # Errors
    /// [`Error::Column`] when one holds something else.
    pub fn read<T: Table>(&mut self) -> Result<T::Row, Error> {
        T::read(self)
    }
}

/// Returns the statement of [`Tx::next_number`].
pub(crate) fn next_number_sql(table: &str, number: &str, key: &[&str]) -> String {
    let places: Vec<String> = (1..=key.len()).map(|place| format!("${place}")).collect();
    let (key, places) = (key.join(", "), places.join(", "));
    format!(
        "INSERT INTO {table} ({key}, {number}) VALUES ({places}, 1) \
         ON CONFLICT ({key}) DO UPDATE SET {number} = {table}.{number} + 1 RETURNING {number}"
    )
}

/// Appends `condition` with `$n` in place of each `?`, counting on from `bound`.
fn number_placeholders(sql: &mut String, condition: &str, bound: usize) {
    for (position, part) in condition.split('?').enumerate() {
        if position > 0 {
            sql.extend(["$", &(bound + position).to_string()]);
        }
        sql.push_str(part);
    }
}
