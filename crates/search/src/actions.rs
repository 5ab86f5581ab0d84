//! What can be done.

use crate::{Error, store, workers};
use platform::db::Db;

/// Asks for the index to be made anew from the documents; the generation it will have. The index there is goes on
/// answering, and is kept up to date, until the new one holds everything. The running process does it, or the next one.
///
/// # Errors
/// Those of the database.
pub async fn rebuild(db: &Db) -> Result<i64, Error> {
    db.write(async |tx| {
        store::init_progress(tx).await?;
        let generation = store::next_generation(tx).await?;
        tx.notify_worker(workers::INDEX);
        Ok(generation)
    })
    .await
}
