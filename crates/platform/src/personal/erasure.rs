//! The erasure of a person in one database: what the platform deletes, and that no file keeps it.

use super::forget_person;
use crate::{
    db::{Db, Error, Tx},
    idempotency, params,
    worker::Next,
};
use contracts::ids::Uuid;
use std::{fs, io, path::Path, str::FromStr, time::Duration};

/// The file in a data directory that names users who were erased after the backup that it was restored from, one in a line. The next
/// start erases them again.
pub const ERASED_SINCE: &str = "erased-since";

/// The file that names orders of guests whose personal data was erased after the backup, as [`ERASED_SINCE`] does users.
pub const ORDERS_ERASED_SINCE: &str = "orders-erased-since";

/// Returns the ids that a file such as [`ERASED_SINCE`] in `data_dir` names; none without the file. Whoever has erased them again removes
/// the file by [`end_erased_since`].
///
/// # Errors
/// When the file cannot be read.
pub fn list_erased_since<I: FromStr>(data_dir: &Path, file: &str) -> Result<Vec<I>, Error> {
    match fs::read_to_string(data_dir.join(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::Failed(format!("{file}: {error}"))),
        Ok(text) => Ok(text.lines().filter_map(|line| line.trim().parse().ok()).collect()),
    }
}

/// Removes a file that [`list_erased_since`] reads.
///
/// # Errors
/// When it cannot be removed.
pub fn end_erased_since(data_dir: &Path, file: &str) -> Result<(), Error> {
    match fs::remove_file(data_dir.join(file)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Failed(format!("{file}: {error}"))),
        _ => Ok(()),
    }
}

/// The worker that truncates the write-ahead log after an erasure.
pub const REMOVE_FROM_LOG: &str = "remove-from-log";
/// The pause after an attempt that found readers in the log.
const PAUSE: Duration = Duration::from_secs(1);

/// Deletes the keys of a person and the answers that are kept for it, and notes that it is erased, so that nothing that arrives
/// later brings it back. Repeating it changes nothing.
///
/// # Errors
/// Those of the database.
pub async fn erase_person(tx: &mut Tx, person: Uuid) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO erased_persons (person, erased_at, is_off_the_log) VALUES ($1, $2, FALSE) \
         ON CONFLICT (person) DO UPDATE SET is_off_the_log = FALSE",
        params![person, now],
    )
    .await?;
    idempotency::forget_owner(tx, person).await?;
    forget_person(tx, person).await?;
    tx.notify_worker(REMOVE_FROM_LOG);
    Ok(())
}

/// Returns whether a person was erased in this database.
///
/// # Errors
/// Those of the database.
pub async fn is_erased(tx: &mut Tx, person: Uuid) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM erased_persons WHERE person = $1";
    Ok(tx.query_opt(sql, params![person], |row| row.next::<i64>()).await?.is_some())
}

/// Truncates the write-ahead log when someone was erased since it was truncated last: it holds the pages from before.
pub(crate) async fn remove_from_log(db: Db) -> Result<Next, Error> {
    let sql = "SELECT person FROM erased_persons WHERE NOT is_off_the_log LIMIT 1000";
    let erased: Vec<Uuid> = db.read(async |tx| tx.query(sql, &[], |row| row.next()).await).await?;
    if erased.is_empty() {
        return Ok(Next::Idle);
    }
    if !db.truncate_log().await? {
        return Ok(Next::At(db.now().after(PAUSE)));
    }
    let count = erased.len();
    let mark = async move |tx: &mut Tx| {
        for person in &erased {
            tx.execute("UPDATE erased_persons SET is_off_the_log = TRUE WHERE person = $1", params![*person]).await?;
        }
        Ok::<_, Error>(())
    };
    db.write(mark).await?;
    Ok(Next::after_batch(count, 1_000))
}
