//! Receives the file of an import. Its rows are stored in chunks while they arrive, so one chunk is in memory at a time.

use super::run_import::RunImport;
use crate::{
    App, Error,
    domain::csv_rows,
    store::{self, ImportRecord},
};
use contracts::{
    catalog::{Import, ImportFact, ImportQuery, ImportStatus, MAX_ROWS, MAX_RUNNING},
    ids::{ImportId, UserId},
    machine::Machine as _,
    problem::Code,
};
use platform::{
    context::Context,
    csv::{CsvBody, Malformed, Record, RecordReader},
    due::DueWork as _,
    http::Problem,
};
use std::time::Duration;

/// The rows of a chunk, which are written in one commit.
const CHUNK_ROWS: usize = 250;
/// The bytes after which a chunk ends earlier.
const CHUNK_BYTES: usize = 256 * 1024;
/// A file that has not arrived whole after this time is given up.
const ARRIVES_WITHIN: Duration = Duration::from_secs(3_600);

/// Stores the rows of a file and starts to read them. The header is checked at once.
///
/// # Errors
/// `INVALID_REQUEST` for a header with columns that are not known or missing, `MALFORMED_REQUEST` for what is not CSV in UTF-8,
/// `PAYLOAD_TOO_LARGE`, `TOO_MANY_IMPORTS`. Then there is no import.
pub async fn receive_import(app: &App, seller_id: Option<UserId>, query: ImportQuery, file: CsvBody) -> Result<Import, Problem> {
    let mut upload = Upload { app, seller_id, query, import: None, rows: 0, chunks: 0, waiting: Vec::new(), waiting_bytes: 0 };
    let received = upload.receive(file).await;
    match (received, upload.import) {
        (Ok(()), Some(id)) => Ok(complete(app, id, upload.rows, upload.chunks).await?.view()),
        (Ok(()), None) => Err(Problem::new(Code::MALFORMED_REQUEST).detail("the file has no header")),
        (Err(problem), import) => {
            if let Some(id) = import {
                app.ctx.db.write(async move |tx| store::delete_import(tx, id).await).await?;
            }
            Err(problem)
        }
    }
}

struct Upload<'a> {
    app: &'a App,
    seller_id: Option<UserId>,
    query: ImportQuery,
    /// Known once the header is.
    import: Option<ImportId>,
    rows: u64,
    chunks: i64,
    waiting: Vec<Record>,
    waiting_bytes: usize,
}

impl Upload<'_> {
    async fn receive(&mut self, mut file: CsvBody) -> Result<(), Problem> {
        let (mut reader, mut records) = (RecordReader::default(), Vec::new());
        while let Some(data) = file.next().await? {
            reader.push(&data, &mut |record| keep(&mut records, record)).map_err(malformed)?;
            self.take(&mut records).await?;
        }
        reader.finish(&mut |record| keep(&mut records, record)).map_err(malformed)?;
        self.take(&mut records).await?;
        if self.import.is_some() && !self.waiting.is_empty() {
            self.store_chunk().await?;
        }
        Ok(())
    }

    async fn take(&mut self, records: &mut Vec<Record>) -> Result<(), Problem> {
        for record in records.drain(..) {
            if self.import.is_none() {
                self.begin(record.cells).await?;
                continue;
            }
            self.rows += 1;
            if self.rows > MAX_ROWS {
                return Err(Problem::new(Code::PAYLOAD_TOO_LARGE).detail(format!("a file may have at most {MAX_ROWS} rows")));
            }
            self.waiting_bytes += record.cells.iter().map(String::len).sum::<usize>();
            self.waiting.push(record);
            if self.waiting.len() >= CHUNK_ROWS || self.waiting_bytes >= CHUNK_BYTES {
                self.store_chunk().await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, header: Vec<String>) -> Result<(), Problem> {
        let header = csv_rows::header(self.query.kind, header).map_err(Problem::invalid)?;
        let (env, seller_id, ImportQuery { kind, mode }) = (&self.app.ctx.env, self.seller_id, self.query);
        let now = env.now();
        let record = ImportRecord {
            import_id: env.new_id(),
            seller_id,
            kind,
            mode,
            status: ImportStatus::Running,
            header,
            rows: 0,
            chunk_count: None,
            next_chunk: 0,
            rows_read: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            failed: 0,
            error_count: 0,
            failure: None,
            correlation_id: Context::current().correlation_id.to_string(),
            created_at: now,
            updated_at: now,
            due_at: Some(now.after(ARRIVES_WITHIN)),
        };
        self.import = Some(record.import_id);
        let begun = self.app.ctx.db.write(async move |tx| -> Result<_, Error> {
            if store::count_running(tx, seller_id).await? >= MAX_RUNNING {
                return Err(Error::TooManyImports);
            }
            Ok(store::insert_import(tx, &record).await?)
        });
        if let Err(error) = begun.await {
            self.import = None;
            return Err(error.into());
        }
        Ok(())
    }

    async fn store_chunk(&mut self) -> Result<(), Problem> {
        let Some(id) = self.import else { return Ok(()) };
        let records = std::mem::take(&mut self.waiting);
        let rows: Vec<(u64, Vec<String>)> = records.into_iter().map(|record| (record.row, record.cells)).collect();
        let text = serde_json::to_string(&rows).map_err(|_| Problem::new(Code::INTERNAL_ERROR))?;
        let number = self.chunks;
        self.waiting_bytes = 0;
        self.chunks += 1;
        self.app.ctx.db.write(async move |tx| store::insert_chunk(tx, id, number, &text).await).await?;
        Ok(())
    }
}

fn keep(records: &mut Vec<Record>, record: Record) -> Result<(), Malformed> {
    records.push(record);
    Ok(())
}

fn malformed(error: Malformed) -> Problem {
    Problem::new(Code::MALFORMED_REQUEST).detail(error.to_string())
}

/// The file is here: its rows are due.
async fn complete(app: &App, id: ImportId, rows: u64, chunks: i64) -> Result<ImportRecord, Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let mut record = store::lock_import(tx, None, id).await?.ok_or(Error::NotFound("import"))?;
            record.rows = i64::try_from(rows).unwrap_or(i64::MAX);
            record.chunk_count = Some(chunks);
            record.updated_at = tx.now();
            record.due_at = Some(tx.now()).filter(|_| record.status == ImportStatus::Running);
            store::save_import(tx, &record).await?;
            tx.notify_worker(RunImport::NAME);
            Ok(record)
        })
        .await
}

/// Ends an import. What it wrote stays. An import that was cancelled stays as it is.
///
/// # Errors
/// `NOT_FOUND` for another's, `ILLEGAL_TRANSITION` once it ended otherwise.
pub async fn cancel_import(app: &App, owner: Option<UserId>, id: ImportId) -> Result<Import, Problem> {
    let cancelled = app.ctx.db.write(async move |tx| -> Result<_, Error> {
        let mut record = store::lock_import(tx, owner, id).await?.ok_or(Error::NotFound("import"))?;
        if record.status != ImportStatus::Cancelled {
            record.status = record.status.transition(ImportFact::Cancelled).map_err(|_| Error::ImportEnded(record.status))?;
            record.updated_at = tx.now();
            record.due_at = None;
            store::save_import(tx, &record).await?;
            store::delete_chunks(tx, id).await?;
        }
        Ok(record)
    });
    Ok(cancelled.await?.view())
}
