//! One declaration per table: its columns, and how a Rust struct is written to them and read from them.
//!
//! [`table!`](crate::table) makes a type for the table, which provides the SELECT list, the INSERT, the UPDATE
//! and the reading of a row, so a new column is one word in one place. A test of the service compares each declaration with
//! the schema, by [`assert_statements_prepare`](crate::testing::assert_statements_prepare).
//!
//! # A table whose row is a struct of the domain
//! ```
//! use contracts::{column::JsonText, ids::{OrderId, UserId}, time::Timestamp};
//! use platform::{db::{Error, Select, Tx}, params};
//!
//! pub struct Totals { pub subtotal_amount: i64, pub total_amount: i64 }
//! pub struct Failure { pub code: String, pub occurred_at: Timestamp }
//! pub struct Order {
//!     pub order_id: OrderId,
//!     pub user_id: UserId,
//!     pub state: String,
//!     pub totals: Totals,
//!     pub notes: Option<Vec<String>>,
//!     pub failure: Option<Failure>,
//!     pub items: Vec<String>,
//!     pub created_at: Timestamp,
//! }
//!
//! platform::table! {
//!     /// Orders without their items.
//!     pub Orders in "orders" of Order, key [order_id];
//!     // Written by INSERT and UPDATE; the key only identifies the row.
//!     columns {
//!         order_id, user_id,
//!         state = status,                                 // the column is named `status`
//!         totals: Totals { subtotal_amount, total_amount },  // a nested struct in flat columns
//!         notes as JsonText,                              // JSON text, NULL for `None`; or any other `ColumnAs`
//!         failure: Option<Failure> { code = failure_code, occurred_at = failed_at },  // `None` when all are NULL
//!     }
//!     insert_only { created_at }                          // never in the UPDATE
//!     default { items }                                   // no column: `Default::default()` when a row is read
//!     extra { due_at }                                    // no field: bound by `insert_with` and `update_with`
//! }
//!
//! /// Part of the columns of the same table, for lists.
//! pub struct OrderSummary { pub order_id: OrderId, pub status: String, pub is_failed: bool }
//! platform::table! {
//!     pub OrderSummaries in "orders" of OrderSummary, key [order_id];
//!     columns { order_id, status }
//!     computed { is_failed = "failure_code IS NOT NULL" } // read only
//! }
//!
//! pub async fn insert(tx: &mut Tx, order: &Order) -> Result<(), Error> {
//!     let now = tx.now();
//!     tx.insert_with::<Orders>(order, &[("due_at", &now)]).await
//! }
//!
//! /// Returns the order and keeps its row locked until the commit. An order of another user is not found.
//! pub async fn lock_order(tx: &mut Tx, owner: Option<UserId>, id: OrderId) -> Result<Option<Order>, Error> {
//!     Select::of::<Orders>().filter("order_id = ?", id).filter_some("user_id = ?", owner).lock(tx).await
//! }
//!
//! pub async fn find_order(tx: &mut Tx, id: OrderId) -> Result<Option<Order>, Error> {
//!     tx.find::<Orders>("order_id = $1", params![id]).await
//! }
//!
//! pub async fn save(tx: &mut Tx, order: &Order, due_at: Option<Timestamp>) -> Result<bool, Error> {
//!     tx.update_with::<Orders>(order, &[("due_at", &due_at)]).await
//! }
//!
//! pub async fn list_after(tx: &mut Tx, after: OrderId, rows: i64) -> Result<Vec<OrderSummary>, Error> {
//!     tx.list::<OrderSummaries>("WHERE order_id > $1 ORDER BY order_id LIMIT $2", params![after, rows]).await
//! }
//! ```
//!
//! # A child table: a composite key, of which one column is not in the struct
//! ```
//! use contracts::{ids::{OrderId, Uuid}, time::Timestamp};
//! use platform::{db::{Error, Tx}, params};
//!
//! pub struct Entry { pub status: String, pub occurred_at: Timestamp }
//! platform::table! {
//!     Entries in "order_timeline" of Entry, key [order_id, position];
//!     columns { status, occurred_at }
//!     extra { order_id, position }
//! }
//!
//! // A table without a struct has no `of`: its row is `()`, all its columns are `extra`.
//! platform::table! {
//!     Cancelled in "cancelled_orders", key [order_id];
//!     extra { order_id }
//! }
//!
//! pub async fn append(tx: &mut Tx, order: OrderId, entry: &Entry) -> Result<(), Error> {
//!     let position = tx.next_number("timeline_lengths", "length", &[("order_id", &order)]).await?;
//!     tx.insert_with::<Entries>(entry, &[("order_id", &order), ("position", &position)]).await
//! }
//!
//! /// Returns whether the order was not cancelled before.
//! pub async fn cancel(tx: &mut Tx, order: OrderId) -> Result<bool, Error> {
//!     tx.insert_if_absent_with::<Cancelled>(&(), "(order_id)", &[("order_id", &order)]).await
//! }
//!
//! pub async fn list(tx: &mut Tx, order: OrderId) -> Result<Vec<Entry>, Error> {
//!     tx.list::<Entries>("WHERE order_id = $1 ORDER BY position", params![order]).await
//! }
//! ```

use super::{Error, Row};
use contracts::column::{Column, SqlValue};
use std::{borrow::Cow, fmt::Write as _};

/// A table and the struct that one row of it becomes. [`table!`](crate::table) implements it.
pub trait Table {
    type Row;

    fn statements() -> &'static Statements;

    /// Appends the values of the columns; those of `insert_only` too when `inserting`.
    fn values<'a>(row: &'a Self::Row, inserting: bool, values: &mut Vec<SqlValue<'a>>);

    /// Reads the columns in the order of the SELECT list.
    ///
    /// # Errors
    /// [`Error::Column`] when a column holds something else.
    fn read(row: &mut Row<'_>) -> Result<Self::Row, Error>;
}

/// Values of columns that are not in the struct: `&[("due_at", &due_at)]`.
pub type Extra<'a> = &'a [(&'static str, &'a dyn Column)];

/// The columns of a table, as [`table!`](crate::table) declares them.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    pub table: &'static str,
    pub key: &'static [&'static str],
    pub columns: Vec<&'static str>,
    pub insert_only: Vec<&'static str>,
    /// SQL expressions.
    pub computed: Vec<&'static str>,
    pub extra: &'static [&'static str],
}

/// The statements of a table that need no value to be written.
pub struct Statements {
    columns: Columns,
    select: String,
    insert: String,
    update: String,
}

impl Statements {
    #[must_use]
    pub fn new(columns: Columns) -> Statements {
        let mut statements = Statements { select: String::new(), insert: String::new(), update: String::new(), columns };
        statements.select = format!("SELECT {} FROM {}", statements.select_list(""), statements.columns.table);
        statements.insert = statements.insert_sql(&[]);
        statements.update = statements.update_sql(&[]);
        statements
    }

    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns the columns as [`Table::read`] expects them, each behind `alias.` unless that is empty. Computed columns
    /// stay as they are.
    #[must_use]
    pub fn select_list(&self, alias: &str) -> String {
        let mut list = String::new();
        for column in self.columns.columns.iter().chain(&self.columns.insert_only) {
            let (comma, dot) = (if list.is_empty() { "" } else { ", " }, if alias.is_empty() { "" } else { "." });
            let _ = write!(list, "{comma}{alias}{dot}{column}");
        }
        for expression in &self.columns.computed {
            let _ = write!(list, "{}{expression}", if list.is_empty() { "" } else { ", " });
        }
        list
    }

    /// `SELECT a, b FROM t`.
    #[must_use]
    pub fn select(&self) -> &str {
        &self.select
    }

    /// Returns the INSERT of all columns, followed by those of `extra`.
    #[must_use]
    pub fn insert_with(&self, extra: &[&str]) -> Cow<'_, str> {
        if extra.is_empty() { Cow::Borrowed(&self.insert) } else { Cow::Owned(self.insert_sql(extra)) }
    }

    fn insert_sql(&self, extra: &[&str]) -> String {
        let mut names = String::new();
        let mut values = String::new();
        let columns = self.columns.columns.iter().chain(&self.columns.insert_only).chain(extra);
        for (position, column) in columns.enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            let _ = write!(names, "{comma}{column}");
            let _ = write!(values, "{comma}${}", position + 1);
        }
        format!("INSERT INTO {} ({names}) VALUES ({values})", self.columns.table)
    }

    /// Returns what an INSERT ends with to become an UPDATE of the row that is there.
    #[must_use]
    pub fn on_conflict_update(&self, extra: &[&str]) -> String {
        let mut clause = format!(" ON CONFLICT ({}) DO ", self.columns.key.join(", "));
        let mut set = self.columns.columns.iter().chain(extra).filter(|column| !self.columns.key.contains(column)).peekable();
        clause.push_str(if set.peek().is_some() { "UPDATE SET " } else { "NOTHING" });
        for (position, column) in set.enumerate() {
            let _ = write!(clause, "{}{column} = excluded.{column}", if position == 0 { "" } else { ", " });
        }
        clause
    }

    /// Returns the UPDATE by key of the columns that may change and of `extra`. It is empty when the key is not among them,
    /// or nothing else is.
    #[must_use]
    pub fn update_with(&self, extra: &[&str]) -> Cow<'_, str> {
        if extra.is_empty() { Cow::Borrowed(&self.update) } else { Cow::Owned(self.update_sql(extra)) }
    }

    fn update_sql(&self, extra: &[&str]) -> String {
        let mut set = String::new();
        let mut key = String::new();
        for (position, column) in self.columns.columns.iter().chain(extra).enumerate() {
            let (part, comma) = if self.columns.key.contains(column) { (&mut key, " AND ") } else { (&mut set, ", ") };
            let _ = write!(part, "{}{column} = ${}", if part.is_empty() { "" } else { comma }, position + 1);
        }
        if set.is_empty() || key.is_empty() { String::new() } else { format!("UPDATE {} SET {set} WHERE {key}", self.columns.table) }
    }

    /// Returns the names of `extra`.
    ///
    /// # Errors
    /// [`Error::Failed`] when the declaration of the table does not name one of them.
    pub(super) fn names_of(&self, extra: Extra<'_>) -> Result<Vec<&'static str>, Error> {
        let known = |name: &&'static str| match self.columns.extra.contains(name) {
            true => Ok(*name),
            false => Err(Error::Failed(format!("the table {} declares no extra column {name}", self.columns.table))),
        };
        extra.iter().map(|(name, _)| known(name)).collect()
    }
}

/// Declares a table; see [`db::table`](crate::db::table) for its parts and two complete examples.
#[macro_export]
macro_rules! table {
    (
        $(#[$meta:meta])*
        $vis:vis $name:ident in $table:literal $(of $row:path)?, key [$($key:ident),+ $(,)?];
        $(columns { $($columns:tt)* })?
        $(insert_only { $($insert_only:tt)* })?
        $(computed { $($computed:ident = $expression:literal),+ $(,)? })?
        $(default { $($default:ident),+ $(,)? })?
        $(extra { $($extra:ident),+ $(,)? })?
    ) => {
        $(#[$meta])*
        $vis struct $name;

        impl $crate::db::Table for $name {
            type Row = $crate::table_part!(@row $($row)?);

            fn statements() -> &'static $crate::db::Statements {
                static STATEMENTS: std::sync::LazyLock<$crate::db::Statements> = std::sync::LazyLock::new(|| {
                    #[allow(unused_mut, reason = "a table without a struct has no columns of its own")]
                    let (mut columns, mut insert_only) = (Vec::new(), Vec::new());
                    $($crate::table_part!(@names columns, $($columns)*);)?
                    $($crate::table_part!(@names insert_only, $($insert_only)*);)?
                    $crate::db::Statements::new($crate::db::Columns {
                        table: $table,
                        key: &[$(stringify!($key)),+],
                        columns,
                        insert_only,
                        computed: vec![$($($expression),+)?],
                        extra: &[$($(stringify!($extra)),+)?],
                    })
                });
                &STATEMENTS
            }

            #[allow(unused_variables, reason = "a table without a struct or without insert_only has no use for one of them")]
            fn values<'a>(row: &'a Self::Row, inserting: bool, values: &mut Vec<contracts::column::SqlValue<'a>>) {
                $($crate::table_part!(@values row, values, $($columns)*);)?
                $(if inserting {
                    $crate::table_part!(@values row, values, $($insert_only)*);
                })?
            }

            #[allow(unused_variables, reason = "a table without a struct reads nothing")]
            fn read(row: &mut $crate::db::Row<'_>) -> Result<Self::Row, $crate::db::Error> {
                Ok($crate::table_part!(
                    @read row, [$($row)?], [], [$($($columns)*)?, $($($insert_only)*)?, $($($computed),+)?], [$($($default),+)?]
                ))
            }
        }
    };
}

/// The parts of [`table!`].
#[doc(hidden)]
#[macro_export]
macro_rules! table_part {
    (@row) => { () };
    (@row $row:path) => { $row };

    // The names of the columns, appended to `$out`.
    (@names $out:ident, $(,)?) => {};
    (@names $out:ident, $field:ident : Option<$nested:path> { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::table_part!(@names $out, $($inner)*);
        $crate::table_part!(@names $out, $($($rest)*)?);
    };
    (@names $out:ident, $field:ident : $nested:path { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::table_part!(@names $out, $($inner)*);
        $crate::table_part!(@names $out, $($($rest)*)?);
    };
    (@names $out:ident, $field:ident $(= $column:ident)? $(as $codec:ident)? $(, $($rest:tt)*)?) => {
        $out.push($crate::table_part!(@name $field $($column)?));
        $crate::table_part!(@names $out, $($($rest)*)?);
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $column:ident) => { stringify!($column) };

    // The values of the columns, appended to `$out`.
    (@values $row:ident, $out:ident, $(,)?) => {};
    (@values $row:ident, $out:ident, $field:ident : Option<$nested:path> { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        match &$row.$field {
            Some(nested) => { $crate::table_part!(@values nested, $out, $($inner)*); }
            None => $out.resize($out.len() + $crate::table_part!(@count $($inner)*), contracts::column::SqlValue::Null),
        }
        $crate::table_part!(@values $row, $out, $($($rest)*)?);
    };
    (@values $row:ident, $out:ident, $field:ident : $nested:path { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        let nested = &$row.$field;
        $crate::table_part!(@values nested, $out, $($inner)*);
        $crate::table_part!(@values $row, $out, $($($rest)*)?);
    };
    (@values $row:ident, $out:ident, $field:ident $(= $column:ident)? $(as $codec:ident)? $(, $($rest:tt)*)?) => {
        $out.push($crate::table_part!(@to_sql &$row.$field, $($codec)?));
        $crate::table_part!(@values $row, $out, $($($rest)*)?);
    };
    (@to_sql $value:expr,) => { contracts::column::Column::to_sql($value) };
    (@to_sql $value:expr, $codec:ident) => { <$codec as contracts::column::ColumnAs<_>>::to_sql($value) };

    // How many columns there are.
    (@count $(,)?) => { 0 };
    (@count $field:ident : Option<$nested:path> { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::table_part!(@count $($inner)*) + $crate::table_part!(@count $($($rest)*)?)
    };
    (@count $field:ident : $nested:path { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $crate::table_part!(@count $($inner)*) + $crate::table_part!(@count $($($rest)*)?)
    };
    (@count $field:ident $(= $column:ident)? $(as $codec:ident)? $(, $($rest:tt)*)?) => { 1 + $crate::table_part!(@count $($($rest)*)?) };

    // The struct literal: the struct, the fields that are complete, the columns that are left, the fields without a column.
    (@read $row:ident, [], $done:tt, $columns:tt, $default:tt) => { () };
    (@read $row:ident, [$struct:path], [$($done:tt)*], [$(,)*], [$($default:ident),*]) => {
        {
            // An alias, because a path that a macro captured cannot begin a struct literal.
            type __Row = $struct;
            __Row { $($done)* $($default: Default::default()),* }
        }
    };
    (@read $row:ident, $struct:tt, $done:tt, [, $($rest:tt)*], $default:tt) => {
        $crate::table_part!(@read $row, $struct, $done, [$($rest)*], $default)
    };
    (@read $row:ident, $struct:tt, [$($done:tt)*], [$field:ident : Option<$nested:path> { $($inner:tt)* } $(, $($rest:tt)*)?], $default:tt) => {
        $crate::table_part!(@read $row, $struct, [
            $($done)*
            $field: match $row.skip_nulls($crate::table_part!(@count $($inner)*))? {
                true => None,
                false => Some($crate::table_part!(@read $row, [$nested], [], [$($inner)*], [])),
            },
        ], [$($($rest)*)?], $default)
    };
    (@read $row:ident, $struct:tt, [$($done:tt)*], [$field:ident : $nested:path { $($inner:tt)* } $(, $($rest:tt)*)?], $default:tt) => {
        $crate::table_part!(@read $row, $struct, [
            $($done)* $field: $crate::table_part!(@read $row, [$nested], [], [$($inner)*], []),
        ], [$($($rest)*)?], $default)
    };
    (@read $row:ident, $struct:tt, [$($done:tt)*], [$field:ident $(= $column:ident)? $(as $codec:ident)? $(, $($rest:tt)*)?], $default:tt) => {
        $crate::table_part!(@read $row, $struct, [
            $($done)* $field: $crate::table_part!(@from_sql $row, $($codec)?),
        ], [$($($rest)*)?], $default)
    };
    (@from_sql $row:ident,) => { $row.next()? };
    (@from_sql $row:ident, $codec:ident) => { $row.next_as::<$codec, _>()? };
}

#[cfg(test)]
mod tests;
