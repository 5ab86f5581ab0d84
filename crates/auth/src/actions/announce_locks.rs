//! The locks from before other services copied the status of accounts.

use crate::{error::Error, store::accounts};
use contracts::auth::UserLocked;
use platform::db::Db;

/// Accounts of one commit.
const BATCH: i64 = 500;

/// Announces every account that was locked before, if it still is. It runs at each start and finds none after the first.
///
/// # Errors
/// The database's.
pub async fn announce_locks(db: &Db) -> Result<(), Error> {
    loop {
        let announced = db.write(async |tx| -> Result<usize, Error> {
            let users = accounts::take_unannounced_locks(tx, BATCH).await?;
            for user in &users {
                if accounts::lock(tx, *user).await?.is_some_and(|account| !account.is_active()) {
                    tx.emit(UserLocked { user_id: *user, locked_by: None });
                }
            }
            Ok(users.len())
        });
        if announced.await? == 0 {
            return Ok(());
        }
    }
}
