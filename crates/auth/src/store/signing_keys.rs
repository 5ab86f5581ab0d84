//! Signing keys.

use crate::domain::rotation::Period;
use contracts::column::{BadColumn, Column as _, ColumnAs, SqlValue};
use platform::{
    db::{Error, Tx},
    params,
};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// 1, 2, 3 …: of two replicas that create the next one, one succeeds.
    pub generation: i64,
    pub encrypted_seed: String,
    pub period: Period,
}

platform::table! {
    SigningKeys in "signing_keys" of Row, key [generation];
    columns { generation, encrypted_seed = sealed_seed, period: Period { signs_from, longest_token = token_seconds as Seconds } }
    extra { created_at }
}

/// Stores a duration in whole seconds.
struct Seconds;

impl ColumnAs<Duration> for Seconds {
    fn to_sql(value: &Duration) -> SqlValue<'_> {
        SqlValue::Int(value.as_secs().try_into().unwrap_or(i64::MAX))
    }
    fn from_sql(stored: SqlValue<'_>) -> Result<Duration, BadColumn> {
        u64::from_sql(stored).map(Duration::from_secs)
    }
}

/// Returns every key, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Row>, Error> {
    tx.list::<SigningKeys>("ORDER BY generation", &[]).await
}

/// Returns every key, oldest first, with their rows locked until the commit. Raises the stored lifetime of tokens to
/// `longest_token`, because the setting may have grown since a key was created.
pub async fn lock_and_extend(tx: &mut Tx, longest_token: Duration) -> Result<Vec<Row>, Error> {
    let mut keys = tx.lock_list::<SigningKeys>("ORDER BY generation", &[]).await?;
    tx.execute("UPDATE signing_keys SET token_seconds = $1 WHERE token_seconds < $1", params![longest_token.as_secs()]).await?;
    keys.iter_mut().for_each(|key| key.period.longest_token = key.period.longest_token.max(longest_token));
    Ok(keys)
}

/// Inserts a key unless its generation exists.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let now = tx.now();
    tx.insert_if_absent_with::<SigningKeys>(row, "(generation)", &[("created_at", &now)]).await.map(|_| ())
}

pub async fn delete(tx: &mut Tx, generation: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM signing_keys WHERE generation = $1", params![generation]).await.map(|_| ())
}
