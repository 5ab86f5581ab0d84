//! The actions of this service.

use crate::{Error, store, workers};
use platform::db::Db;

/// Requests a rebuild of the index and returns its generation. The current index is kept up to date and answers until the
/// new one is complete. The running process does the work, or the next one.
///
/// # Errors
/// The errors of the database.
pub async fn rebuild(db: &Db) -> Result<i64, Error> {
    db.write(async |tx| {
        store::init_progress(tx).await?;
        let generation = store::next_generation(tx).await?;
        tx.notify_worker(workers::INDEX);
        Ok(generation)
    })
    .await
}
