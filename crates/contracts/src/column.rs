//! How a Rust value is stored in one database column.
//!
//! Ids, text types, states, instants and plain values implement [`Column`], so that a store binds and reads the types of
//! the domain and never their inner values.

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

/// A column holds a value that its type cannot represent. The stored data is wrong, never the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the column does not hold {0}")]
pub struct BadColumn(pub &'static str);

impl SqlValue<'_> {
    /// Returns the same value without copying its text or bytes.
    #[must_use]
    pub fn borrowed(&self) -> SqlValue<'_> {
        match self {
            SqlValue::Null => SqlValue::Null,
            SqlValue::Bool(value) => SqlValue::Bool(*value),
            SqlValue::Int(value) => SqlValue::Int(*value),
            SqlValue::Text(text) => SqlValue::Text(Cow::Borrowed(text)),
            SqlValue::Bytes(bytes) => SqlValue::Bytes(Cow::Borrowed(bytes)),
            SqlValue::Uuid(id) => SqlValue::Uuid(*id),
        }
    }
}

/// A type that one column can hold.
pub trait Column {
    fn to_sql(&self) -> SqlValue<'_>;

    /// # Errors
    /// [`BadColumn`] when the column holds something else.
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn>
    where
        Self: Sized;
}

impl Column for Uuid {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Uuid(*self)
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        match stored {
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
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        match stored {
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
            fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
                match stored {
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
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        i64::from_sql(stored).map(Timestamp)
    }
}

impl Column for String {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Text(Cow::Borrowed(self))
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        match stored {
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
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        match stored {
            SqlValue::Bytes(bytes) => Ok(bytes.into_owned()),
            _ => Err(BadColumn("bytes")),
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Bytes(Cow::Borrowed(self))
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        match stored {
            SqlValue::Bytes(bytes) => bytes.as_ref().try_into().map_err(|_| BadColumn("bytes of that length")),
            _ => Err(BadColumn("bytes")),
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn to_sql(&self) -> SqlValue<'_> {
        self.as_ref().map_or(SqlValue::Null, T::to_sql)
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Self, BadColumn> {
        match stored {
            SqlValue::Null => Ok(None),
            stored => T::from_sql(stored).map(Some),
        }
    }
}

/// A way to store a `T` in one column for a `T` that is no [`Column`] itself, or is stored in another way in one table.
/// The declaration of a table names it: `saga as JsonText`.
pub trait ColumnAs<T> {
    fn to_sql(value: &T) -> SqlValue<'_>;

    /// # Errors
    /// [`BadColumn`] when the column holds something else.
    fn from_sql(stored: SqlValue<'_>) -> Result<T, BadColumn>;
}

/// Stores a field as JSON text. Only code reads its fields, SQL never does. JSON `null`, which is what `None` becomes, is stored as NULL.
pub struct JsonText;

impl<T: Serialize + DeserializeOwned> ColumnAs<T> for JsonText {
    fn to_sql(value: &T) -> SqlValue<'_> {
        let text = serde_json::to_string(value).expect("a contract type has text keys and finite numbers");
        if text == "null" { SqlValue::Null } else { SqlValue::Text(Cow::Owned(text)) }
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<T, BadColumn> {
        let text = match &stored {
            SqlValue::Null => "null",
            SqlValue::Text(text) => text,
            _ => return Err(BadColumn("JSON text")),
        };
        serde_json::from_str(text).map_err(|_| BadColumn("JSON of that shape"))
    }
}

/// Implements [`Column`] for types that are stored as their `Display` text and read with `FromStr`.
#[macro_export]
macro_rules! text_column {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::column::Column for $type {
            fn to_sql(&self) -> $crate::column::SqlValue<'_> {
                $crate::column::SqlValue::Text(std::string::ToString::to_string(self).into())
            }
            fn from_sql(stored: $crate::column::SqlValue<'_>) -> Result<Self, $crate::column::BadColumn> {
                match stored {
                    $crate::column::SqlValue::Text(text) => text.parse().map_err(|_| $crate::column::BadColumn(stringify!($type))),
                    _ => Err($crate::column::BadColumn(stringify!($type))),
                }
            }
        }
    )*};
}
text_column!(crate::money::Currency);
