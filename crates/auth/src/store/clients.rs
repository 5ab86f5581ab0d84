//! Clients outside the platform.

use crate::opaque::Hash;
use contracts::time::Timestamp;
use platform::{
    db::{Error, Tx},
    params,
};

/// A client as the command line lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub client_id: String,
    /// Separated by spaces.
    pub scopes: String,
    pub created_at: Timestamp,
}

platform::table! {
    Clients in "clients" of Client, key [client_id];
    columns { client_id, scopes, created_at }
    extra { secret_hash }
}

/// Inserts a client. Returns `false` and changes nothing when the name is taken.
pub async fn insert(tx: &mut Tx, client_id: &str, secret_hash: Hash, scopes: &str) -> Result<bool, Error> {
    let client = Client { client_id: client_id.to_owned(), scopes: scopes.to_owned(), created_at: tx.now() };
    tx.insert_if_absent_with::<Clients>(&client, "(client_id)", &[("secret_hash", &secret_hash)]).await
}

/// Returns the hash of its secret, and its scopes.
pub async fn find(tx: &mut Tx, client_id: &str) -> Result<Option<(Hash, String)>, Error> {
    tx.query_opt("SELECT secret_hash, scopes FROM clients WHERE client_id = $1", params![client_id], |row| Ok((row.next()?, row.next()?)))
        .await
}

pub async fn list(tx: &mut Tx) -> Result<Vec<Client>, Error> {
    tx.list::<Clients>("ORDER BY client_id", &[]).await
}

/// Deletes a client and returns whether it existed.
pub async fn delete(tx: &mut Tx, client_id: &str) -> Result<bool, Error> {
    let rows = tx.execute("DELETE FROM clients WHERE client_id = $1", params![client_id]).await?;
    Ok(rows == 1)
}
