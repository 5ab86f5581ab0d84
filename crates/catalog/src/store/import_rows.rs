//! Rows of imports: where each stands, the chunks that wait, and the errors that were found.

use crate::domain::csv_rows::RowError;
use contracts::{
    catalog::{Import, ImportKind, ImportMode, ImportStatus, MAX_ERRORS},
    column::JsonText,
    ids::{ImportId, UserId},
    problem::Failure,
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params,
};

/// An import as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRecord {
    pub import_id: ImportId,
    pub seller_id: Option<UserId>,
    pub kind: ImportKind,
    pub mode: ImportMode,
    pub status: ImportStatus,
    pub header: Vec<String>,
    pub rows: i64,
    /// `None` until the whole file is here.
    pub chunk_count: Option<i64>,
    pub next_chunk: i64,
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
    pub error_count: i64,
    pub failure: Option<Failure>,
    pub correlation_id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub due_at: Option<Timestamp>,
}

impl ImportRecord {
    #[must_use]
    pub fn view(self) -> Import {
        let progress = match (self.status, self.rows) {
            (ImportStatus::Done, _) => 100,
            (_, 0) => 0,
            (_, rows) => self.rows_read * 100 / rows,
        };
        Import {
            import_id: self.import_id,
            kind: self.kind,
            mode: self.mode,
            status: self.status,
            seller_id: self.seller_id,
            rows: self.rows,
            created: self.created,
            updated: self.updated,
            unchanged: self.unchanged,
            failed: self.failed,
            progress,
            failure: self.failure,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

platform::table! {
    pub Imports in "imports" of ImportRecord, key [import_id];
    columns {
        import_id, status, rows, chunk_count, next_chunk, rows_read, created, updated, unchanged, failed, error_count,
        failure as JsonText, updated_at, due_at,
    }
    insert_only { seller_id, kind, mode, header as JsonText, correlation_id, created_at }
    extra { attempts }
}

/// A row with an error.
pub struct ErrorRow {
    pub number: i64,
    pub row_number: i64,
    pub column_name: Option<String>,
    pub code: String,
    pub detail: String,
}

platform::table! {
    pub ImportErrors in "import_errors" of ErrorRow, key [import_id, number];
    columns { number, row_number, column_name, code, detail }
    extra { import_id }
}

/// The imports whose rows are to be read, and those whose file did not arrive in time.
pub const IMPORTS_DUE: DueQueue<ImportId> = DueQueue::new("imports", "import_id").failed_attempts("attempts");

pub async fn insert_import(tx: &mut Tx, record: &ImportRecord) -> Result<(), Error> {
    tx.insert_with::<Imports>(record, &[("attempts", &0_i64)]).await
}

pub async fn save_import(tx: &mut Tx, record: &ImportRecord) -> Result<(), Error> {
    tx.update_with::<Imports>(record, &[("attempts", &0_i64)]).await.map(|_| ())
}

/// Returns the import. With `owner`, those of others are not found.
pub async fn find_import(tx: &mut Tx, owner: Option<UserId>, id: ImportId) -> Result<Option<ImportRecord>, Error> {
    Select::of::<Imports>().filter("import_id = ?", id).filter_some("seller_id = ?", owner).find(tx).await
}

/// [`find_import`] that locks the row.
pub async fn lock_import(tx: &mut Tx, owner: Option<UserId>, id: ImportId) -> Result<Option<ImportRecord>, Error> {
    Select::of::<Imports>().filter("import_id = ?", id).filter_some("seller_id = ?", owner).lock(tx).await
}

/// Counts the RUNNING imports of a seller, or of all administrators.
pub async fn count_running(tx: &mut Tx, owner: Option<UserId>) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM imports WHERE status = 'RUNNING' AND seller_id IS NOT DISTINCT FROM $1";
    tx.query_one(sql, params![owner], |row| row.next()).await
}

pub async fn insert_chunk(tx: &mut Tx, id: ImportId, number: i64, records: &str) -> Result<(), Error> {
    let sql = "INSERT INTO import_chunks (import_id, number, records) VALUES ($1, $2, $3)";
    tx.execute(sql, params![id, number, records]).await.map(|_| ())
}

pub async fn find_chunk(tx: &mut Tx, id: ImportId, number: i64) -> Result<Option<String>, Error> {
    tx.query_opt("SELECT records FROM import_chunks WHERE import_id = $1 AND number = $2", params![id, number], |row| row.next()).await
}

pub async fn delete_chunk(tx: &mut Tx, id: ImportId, number: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM import_chunks WHERE import_id = $1 AND number = $2", params![id, number]).await.map(|_| ())
}

/// Deletes the chunks of an import that ended.
pub async fn delete_chunks(tx: &mut Tx, id: ImportId) -> Result<(), Error> {
    tx.execute("DELETE FROM import_chunks WHERE import_id = $1", params![id]).await.map(|_| ())
}

/// Stores errors of a row, unless the import has as many as it keeps.
pub async fn insert_errors(tx: &mut Tx, record: &mut ImportRecord, row: i64, errors: &[RowError]) -> Result<(), Error> {
    for error in errors {
        if record.error_count < MAX_ERRORS {
            let number = record.error_count;
            let column_name = error.column.as_deref().map(str::to_owned);
            let row = ErrorRow { number, row_number: row, column_name, code: error.code.to_string(), detail: error.detail.clone() };
            tx.insert_with::<ImportErrors>(&row, &[("import_id", &record.import_id)]).await?;
            record.error_count += 1;
        }
    }
    Ok(())
}

/// Returns errors of an import behind `after`, in the order of the file.
pub async fn list_errors(tx: &mut Tx, id: ImportId, after: Option<i64>, rows: i64) -> Result<Vec<ErrorRow>, Error> {
    Select::of::<ImportErrors>().filter("import_id = ?", id).filter_some("number > ?", after).limit("number", rows).list(tx).await
}

/// Deletes an import with everything of it.
pub async fn delete_import(tx: &mut Tx, id: ImportId) -> Result<(), Error> {
    delete_chunks(tx, id).await?;
    tx.execute("DELETE FROM import_errors WHERE import_id = $1", params![id]).await?;
    tx.execute("DELETE FROM imports WHERE import_id = $1", params![id]).await.map(|_| ())
}

/// Returns an import that ended before this instant.
pub async fn find_ended_before(tx: &mut Tx, before: Timestamp) -> Result<Option<ImportId>, Error> {
    let sql = "SELECT import_id FROM imports WHERE created_at < $1 AND status <> 'RUNNING' ORDER BY created_at LIMIT 1";
    tx.query_opt(sql, params![before], |row| row.next()).await
}
