//! Registrations under an `Idempotency-Key`.

use contracts::{
    text::{Email, Name},
    time::Timestamp,
};
use platform::{
    db::{Error, Tx},
    params,
};
use sha2::{Digest as _, Sha256};

/// The hashes of a request under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    key_hash: [u8; 32],
    request_hash: [u8; 32],
}

/// What an earlier request under the key was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    None,
    /// The same request opened its account.
    Same,
    Different,
}

impl Request {
    #[must_use]
    pub fn of(key: &str, email: &Email, name: &Name) -> Request {
        // Neither contains a NUL.
        let request_hash = Sha256::new().chain_update(email.as_bytes()).chain_update([0]).chain_update(name.as_bytes()).finalize().into();
        Request { key_hash: Sha256::digest(key).into(), request_hash }
    }
}

platform::table! {
    Requests in "registrations" of Request, key [key_hash];
    columns { key_hash, request_hash }
    extra { created_at }
}

pub async fn find(tx: &mut Tx, request: Request) -> Result<Earlier, Error> {
    Ok(match tx.find::<Requests>("key_hash = $1", params![request.key_hash]).await? {
        None => Earlier::None,
        Some(known) if known == request => Earlier::Same,
        Some(_) => Earlier::Different,
    })
}

/// Inserts a request. Returns `false` and changes nothing when the key is taken.
pub async fn insert(tx: &mut Tx, request: Request) -> Result<bool, Error> {
    let now = tx.now();
    tx.insert_if_absent_with::<Requests>(&request, "(key_hash)", &[("created_at", &now)]).await
}

/// Deletes up to `limit` requests from before `before`, and returns their number.
pub async fn purge(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM registrations WHERE key_hash IN (SELECT key_hash FROM registrations WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        params![before, limit],
    )
    .await
}
