//! How a type of the domain is stored in one column of a database.
//!
//! Ids, text types, states, instants and plain values all implement [`Column`], so that a store binds and reads the types
//! of the domain and never the value inside.

use crate::ids::Uuid;
use crate::time::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;

/// One value of a column. UUIDs are 16 bytes where the database has no type for them.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    Uuid(Uuid),
}

/// A column whose value does not fit its type. It is a defect of the program or of its data, never of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the column does not hold {0}")]
pub struct BadColumn(pub &'static str);

/// A type that one column can hold.
pub trait Column {
    fn to_sql(&self) -> SqlValue<'_>;

    /// # Errors
    /// [`BadColumn`] when the column holds something else.
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn>
    where
        Self: Sized;
}

impl Column for Uuid {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Uuid(*self)
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Uuid(id) => Ok(id),
            SqlValue::Bytes(bytes) => Uuid::from_slice(&bytes).map_err(|_| BadColumn("a UUID")),
            _ => Err(BadColumn("a UUID")),
        }
    }
}

impl Column for bool {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Bool(*self)
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Bool(value) => Ok(value),
            SqlValue::Int(value) => Ok(value != 0),
            _ => Err(BadColumn("a boolean")),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn to_sql(&self) -> SqlValue<'_> {
                SqlValue::Int(i64::try_from(*self).unwrap_or(i64::MAX))
            }
            fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
                match value {
                    SqlValue::Int(value) => <$type>::try_from(value).map_err(|_| BadColumn(concat!("a number that fits ", stringify!($type)))),
                    _ => Err(BadColumn("a whole number")),
                }
            }
        }
    )*};
}
integers!(i64, i32, u16, u32, u64, usize);

impl Column for Timestamp {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Int(self.0)
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        i64::from_sql(value).map(Timestamp)
    }
}

impl Column for String {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Text(Cow::Borrowed(self))
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Text(text) => Ok(text.into_owned()),
            _ => Err(BadColumn("text")),
        }
    }
}

impl Column for &str {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Text(Cow::Borrowed(self))
    }
    fn from_sql(_: SqlValue<'_>) -> Result<Self, BadColumn> {
        Err(BadColumn("borrowed text; read a String"))
    }
}

impl Column for Vec<u8> {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Bytes(Cow::Borrowed(self))
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Bytes(bytes) => Ok(bytes.into_owned()),
            _ => Err(BadColumn("bytes")),
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Bytes(Cow::Borrowed(self))
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Bytes(bytes) => bytes.as_ref().try_into().map_err(|_| BadColumn("bytes of that length")),
            _ => Err(BadColumn("bytes")),
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn to_sql(&self) -> SqlValue<'_> {
        self.as_ref().map_or(SqlValue::Null, T::to_sql)
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Null => Ok(None),
            value => T::from_sql(value).map(Some),
        }
    }
}

/// A value that is stored as JSON text. Only Rust code reads it, never SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Column for Json<T> {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Text(Cow::Owned(serde_json::to_string(&self.0).expect("a contract type has text keys and finite numbers")))
    }
    fn from_sql(value: SqlValue<'_>) -> Result<Self, BadColumn> {
        match value {
            SqlValue::Text(text) => serde_json::from_str(&text).map(Json).map_err(|_| BadColumn("JSON of that shape")),
            _ => Err(BadColumn("JSON text")),
        }
    }
}

/// Implements [`Column`] for types that are written as text and read back with `FromStr`.
#[macro_export]
macro_rules! text_column {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::column::Column for $type {
            fn to_sql(&self) -> $crate::column::SqlValue<'_> {
                $crate::column::SqlValue::Text(std::string::ToString::to_string(self).into())
            }
            fn from_sql(value: $crate::column::SqlValue<'_>) -> Result<Self, $crate::column::BadColumn> {
                match value {
                    $crate::column::SqlValue::Text(text) => text.parse().map_err(|_| $crate::column::BadColumn(stringify!($type))),
                    _ => Err($crate::column::BadColumn(stringify!($type))),
                }
            }
        }
    )*};
}
text_column!(crate::money::Currency);
