//! Signing keys.

use crate::domain::rotation::Period;
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

/// Returns every key, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Row>, Error> {
    tx.query("SELECT generation, sealed_seed, signs_from, token_seconds FROM signing_keys ORDER BY generation", &[], |row| {
        let (generation, encrypted_seed, signs_from) = (row.next()?, row.next()?, row.next()?);
        Ok(Row { generation, encrypted_seed, period: Period { signs_from, longest_token: Duration::from_secs(row.next()?) } })
    })
    .await
}

/// Inserts a key unless its generation exists.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO signing_keys (generation, sealed_seed, signs_from, token_seconds, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (generation) DO NOTHING",
        params![row.generation, row.encrypted_seed, row.period.signs_from, row.period.longest_token.as_secs(), now],
    )
    .await
    .map(|_| ())
}

/// Raises the stored lifetime of tokens to this one, because the setting may have grown since a key was created.
pub async fn extend_lifetimes(tx: &mut Tx, longest_token: Duration) -> Result<(), Error> {
    tx.execute("UPDATE signing_keys SET token_seconds = $1 WHERE token_seconds < $1", params![longest_token.as_secs()]).await.map(|_| ())
}

pub async fn delete(tx: &mut Tx, generation: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM signing_keys WHERE generation = $1", params![generation]).await.map(|_| ())
}
