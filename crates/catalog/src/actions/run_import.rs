//! Reads the rows of an import, a chunk in each commit. The place where the import stands moves in the commit that writes the rows, so
//! after a crash it continues where it stood and writes no row twice. A check writes the rows and rolls them back.

use super::{
    manage_products::{apply_update, emit_status_event, join_group, taken},
    sync_pictures,
};
use crate::{
    App, Error,
    domain::{
        csv_rows::{ProductRow, RowError, product_row, stock_row},
        product::{self, CategoryPath, NewProductContext},
    },
    store::{self, ImportRecord},
};
use contracts::{
    body::BoundedVec,
    catalog::{ImportFact, ImportKind, ImportMode, ImportStatus, Product, ProductCreated, ProductFact, ProductStatus},
    ids::{CategoryId, ImportId, UserId},
    inventory::{IMPORT_STOCK, ImportStock, SetStockItem},
    machine::Machine as _,
    problem::{Code, Document, Failure, Fault},
};
use platform::{
    backoff::Backoff,
    context::Context,
    db::{self, Tx},
    due::{DueQueue, DueWork},
    http::Problem,
};
use std::{collections::HashMap, time::Duration};

/// Reads the rows of imports.
#[derive(Clone)]
pub struct RunImport(pub App);

impl DueWork for RunImport {
    const NAME: &'static str = "imports";
    const PERIOD: Duration = Duration::from_secs(30);
    const QUEUE: DueQueue<ImportId> = store::IMPORTS_DUE;
    type Key = ImportId;
    type Partition = ImportId;
    type Error = Error;

    async fn run(self, id: ImportId) -> Result<(), Error> {
        while run_chunk(&self.0, id).await? {}
        Ok(())
    }

    fn slots(&self) -> usize {
        2
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(1), Duration::from_secs(60))
    }
}

/// What a row did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    Created,
    Updated,
    Unchanged,
}

type RowResult = Result<RowOutcome, Vec<RowError>>;
type Row = (i64, Vec<String>);

/// A check rolls back what it wrote, and keeps what became of the rows.
enum Ended {
    Checked(Vec<RowResult>),
    Failed(Error),
}

impl From<db::Error> for Ended {
    fn from(error: db::Error) -> Ended {
        Ended::Failed(error.into())
    }
}

/// Reads the next chunk. Returns whether there may be more.
async fn run_chunk(app: &App, id: ImportId) -> Result<bool, Error> {
    let found = app.ctx.db.read(async move |tx| -> Result<_, db::Error> {
        let Some(record) = store::find_import(tx, None, id).await?.filter(|record| record.status == ImportStatus::Running) else {
            return Ok(None);
        };
        let chunk = store::find_chunk(tx, id, record.next_chunk).await?;
        Ok(Some((record, chunk)))
    });
    let Some((record, chunk)) = found.await? else { return Ok(false) };
    let context = Context::new(record.correlation_id.as_str());
    let Some(chunk) = chunk else {
        // Either all chunks were read, or the file did not arrive.
        context.scope(end(app, id)).await?;
        return Ok(false);
    };
    let rows: Vec<Row> = serde_json::from_str(&chunk).map_err(|error| db::Error::Failed(format!("a chunk cannot be read: {error}")))?;
    context.scope(read_rows(app, record, rows)).await?;
    Ok(true)
}

async fn end(app: &App, id: ImportId) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let Some(mut record) = store::lock_import(tx, None, id).await?.filter(|record| record.status == ImportStatus::Running) else {
                return Ok(());
            };
            let fact = if record.chunk_count == Some(record.next_chunk) { ImportFact::Finished } else { ImportFact::Failed };
            if fact == ImportFact::Failed {
                record.failure = Some(Failure::from(Code::UPLOAD_INCOMPLETE));
                store::delete_chunks(tx, id).await?;
            }
            record.status = record.status.transition(fact).map_err(|_| Error::ImportEnded(record.status))?;
            (record.due_at, record.updated_at) = (None, tx.now());
            Ok(store::save_import(tx, &record).await?)
        })
        .await
}

async fn read_rows(app: &App, record: ImportRecord, rows: Vec<Row>) -> Result<(), Error> {
    if record.kind == ImportKind::Stock {
        let results = stock_results(app, &record, &rows).await?;
        return advance(app, record, rows, results).await;
    }
    app.ctx
        .db
        .write(async move |tx| {
            let locked = store::lock_import(tx, None, record.import_id).await?;
            if locked.is_none_or(|now| now.status != ImportStatus::Running || now.next_chunk != record.next_chunk) {
                return Ok(());
            }
            let results = match record.mode {
                ImportMode::Apply => write_rows(tx, &record, &rows).await?,
                ImportMode::Check => {
                    let checked = tx.savepoint(async |tx| match write_rows(tx, &record, &rows).await {
                        Ok(results) => Err::<(), Ended>(Ended::Checked(results)),
                        Err(error) => Err(Ended::Failed(error)),
                    });
                    match checked.await {
                        Ok(()) => Vec::new(),
                        Err(Ended::Checked(results)) => results,
                        Err(Ended::Failed(error)) => return Err(error),
                    }
                }
            };
            Ok(save_progress(tx, record.clone(), &rows, &results).await?)
        })
        .await
}

async fn write_rows(tx: &mut Tx, record: &ImportRecord, rows: &[Row]) -> Result<Vec<RowResult>, Error> {
    // Every unit that changes products locks the tree before them.
    store::lock_tree_revision(tx).await?;
    let mut writer = Writer { owner: record.seller_id, may_create: record.kind == ImportKind::Products, paths: HashMap::new() };
    let mut results = Vec::with_capacity(rows.len());
    for (_, cells) in rows {
        results.push(match product_row(&record.header, cells) {
            Ok(row) => writer.write(tx, row).await?,
            Err(errors) => Err(errors),
        });
    }
    Ok(results)
}

/// Records what became of rows that were written elsewhere or not at all, unless the import moved on meanwhile.
async fn advance(app: &App, record: ImportRecord, rows: Vec<Row>, results: Vec<RowResult>) -> Result<(), Error> {
    app.ctx
        .db
        .write(async move |tx| {
            let locked = store::lock_import(tx, None, record.import_id).await?;
            match locked.filter(|now| now.status == ImportStatus::Running && now.next_chunk == record.next_chunk) {
                Some(_) => Ok(save_progress(tx, record.clone(), &rows, &results).await?),
                None => Ok(()),
            }
        })
        .await
}

async fn save_progress(tx: &mut Tx, mut record: ImportRecord, rows: &[Row], results: &[RowResult]) -> Result<(), db::Error> {
    for ((row, _), result) in rows.iter().zip(results) {
        match result {
            Ok(RowOutcome::Created) => record.created += 1,
            Ok(RowOutcome::Updated) => record.updated += 1,
            Ok(RowOutcome::Unchanged) => record.unchanged += 1,
            Err(errors) => {
                record.failed += 1;
                store::insert_errors(tx, &mut record, *row, errors).await?;
            }
        }
        record.rows_read += 1;
    }
    store::delete_chunk(tx, record.import_id, record.next_chunk).await?;
    record.next_chunk += 1;
    (record.due_at, record.updated_at) = (Some(tx.now()), tx.now());
    store::save_import(tx, &record).await
}

/// Writes rows of products and prices.
struct Writer {
    /// The seller whose products it may change; `None` for all.
    owner: Option<UserId>,
    may_create: bool,
    paths: HashMap<CategoryId, CategoryPath>,
}

impl Writer {
    /// Writes one row, or nothing of it.
    async fn write(&mut self, tx: &mut Tx, row: ProductRow) -> Result<RowResult, Error> {
        let known = store::find_by_sku(tx, row.sku.as_str()).await?;
        let written = match known {
            Some(known) => match store::lock_product(tx, self.owner, known.product_id).await? {
                Some(product) => self.update(tx, product, row).await,
                None => Ok(Err(vec![RowError::at("sku", "SKU_TAKEN", "belongs to a product of another seller")])),
            },
            None if self.may_create => self.create(tx, row).await,
            None => Ok(Err(vec![RowError::at("sku", "UNKNOWN_SKU", "is not the SKU of a product")])),
        };
        match written {
            Err(Error::Db(error)) => Err(error.into()),
            Err(error) => Ok(Err(errors_of(&Problem::from(error).document()))),
            Ok(result) => Ok(result),
        }
    }

    async fn create(&mut self, tx: &mut Tx, row: ProductRow) -> Result<RowResult, Error> {
        let status = row.status.unwrap_or(ProductStatus::Draft);
        let body = match row.create() {
            Ok(body) => body,
            Err(errors) => return Ok(Err(errors)),
        };
        let path = match body.category_id {
            Some(id) => Some(self.path(tx, id).await?),
            None => None,
        };
        let origin = NewProductContext { product_id: tx.new_id(), seller_id: self.owner, path, now: tx.now() };
        let mut product = product::draft(body, origin)?;
        let (created, mut events) = (product.clone(), Vec::new());
        for fact in facts_to(ProductStatus::Draft, status).ok_or_else(|| status_error(ProductStatus::Draft))? {
            product::advance(&mut product, *fact, tx.now())?;
            events.push((*fact, product.clone()));
        }
        join_group(tx, &product).await?;
        if !store::insert_product(tx, &product).await.map_err(taken)? {
            return Err(Error::SkuTaken);
        }
        store::list_product(tx, product.product_id).await?;
        store::insert_price(tx, &created).await?;
        if !product.images.is_empty() {
            sync_pictures(tx, &product).await?;
        }
        tx.emit(ProductCreated { product_id: created.product_id, product: created });
        for (fact, product) in events {
            emit_status_event(tx, fact, &product);
        }
        Ok(Ok(RowOutcome::Created))
    }

    async fn update(&mut self, tx: &mut Tx, mut product: Product, row: ProductRow) -> Result<RowResult, Error> {
        let from = product.status;
        let facts = facts_to(from, row.status.unwrap_or(from)).ok_or_else(|| status_error(from))?;
        let update = match row.update(&product) {
            Ok(update) => update,
            Err(errors) => return Ok(Err(errors)),
        };
        let is_changed = update.is_some() || !facts.is_empty();
        // The product after all steps, to find what is refused before anything is written.
        let mut tried = product.clone();
        if let Some(update) = update {
            let path = match update.category_id.0 {
                Some(id) => Some(self.path(tx, id).await?),
                None => None,
            };
            product::revise(&mut tried, update.clone(), path.clone(), tx.now())?;
            for fact in facts {
                product::advance(&mut tried, *fact, tx.now())?;
            }
            apply_update(tx, &mut product, update, path).await?;
        }
        for fact in facts {
            product::advance(&mut product, *fact, tx.now())?;
            store::save_product(tx, &product).await?;
            store::relist_product(tx, product.product_id).await?;
            emit_status_event(tx, *fact, &product);
        }
        Ok(Ok(if is_changed { RowOutcome::Updated } else { RowOutcome::Unchanged }))
    }

    async fn path(&mut self, tx: &mut Tx, id: CategoryId) -> Result<CategoryPath, Error> {
        if let Some(path) = self.paths.get(&id) {
            return Ok(path.clone());
        }
        let path = store::lock_category_path(tx, id).await?.ok_or(Error::UnknownCategory("/categoryId"))?;
        self.paths.insert(id, path.clone());
        Ok(path)
    }
}

/// The facts that lead from one status to another; none where no way does.
fn facts_to(from: ProductStatus, to: ProductStatus) -> Option<&'static [ProductFact]> {
    use ProductStatus::{Active, Archived, Draft, Inactive};
    match (from, to) {
        (from, to) if from == to => Some(&[]),
        (Draft | Inactive, Active) => Some(&[ProductFact::Activated]),
        (Active, Inactive) => Some(&[ProductFact::Deactivated]),
        (Draft, Inactive) => Some(&[ProductFact::Activated, ProductFact::Deactivated]),
        (Draft | Active | Inactive, Archived) => Some(&[ProductFact::Archived]),
        _ => None,
    }
}

fn status_error(from: ProductStatus) -> Error {
    Error::NotEditable { status: from, detail: "the status of the row cannot follow that of the product" }
}

/// The errors of a row that the rules refuse.
fn errors_of(problem: &Document) -> Vec<RowError> {
    let of_fault = |fault: &Fault| {
        let column = fault.pointer.as_deref().and_then(|pointer| pointer.split('/').nth(1)).map(|column| column.to_owned().into());
        RowError { column, code: fault.code.clone(), detail: fault.detail.clone() }
    };
    match problem.errors.as_slice() {
        [] => vec![RowError { column: None, code: problem.code.clone().into(), detail: format!("{}: {}", problem.title, problem.detail) }],
        faults => faults.iter().map(of_fault).collect(),
    }
}

/// Sets the stock of the rows by one call, under a key of the import and the chunk. A repetition sets nothing again.
async fn stock_results(app: &App, record: &ImportRecord, rows: &[Row]) -> Result<Vec<RowResult>, Error> {
    let parsed: Vec<Result<_, Vec<RowError>>> = rows.iter().map(|(_, cells)| stock_row(&record.header, cells)).collect();
    let skus: Vec<String> = parsed.iter().flatten().map(|(item, _)| item.sku.as_str().to_owned()).collect();
    let owner = record.seller_id;
    let products = app.ctx.db.read(async move |tx| store::list_owners_by_sku(tx, &skus).await).await?;
    let checked: Vec<Result<SetStockItem, Vec<RowError>>> = parsed
        .into_iter()
        .map(|parsed| {
            let (item, named) = parsed?;
            let found = products.get(item.sku.as_str());
            let (product_id, seller_id) = *found.ok_or_else(|| vec![RowError::at("sku", "UNKNOWN_SKU", "is not the SKU of a product")])?;
            if owner.is_some() && owner != seller_id {
                return Err(vec![RowError::at("sku", "SKU_TAKEN", "belongs to a product of another seller")]);
            }
            if named.is_some_and(|named| named != product_id) {
                return Err(vec![RowError::at("productId", "NOT_THE_PRODUCTS_SKU", "is not the product that has the SKU")]);
            }
            Ok(SetStockItem { product_id, ..item })
        })
        .collect();
    let items: Vec<SetStockItem> = checked.iter().flatten().cloned().collect();
    let Ok(items) = BoundedVec::new(items) else {
        return Ok(checked.into_iter().map(|checked| checked.map(|_| RowOutcome::Unchanged)).collect());
    };
    let body = ImportStock { dry_run: record.mode == ImportMode::Check, items };
    let key = format!("import-{}-{}", record.import_id, record.next_chunk);
    let mut set = app.ctx.client.call(&IMPORT_STOCK).body(&body).key(&key).send().await?.items.into_iter();
    let results = checked.into_iter().map(|checked| {
        checked?;
        match set.next() {
            Some(result) => match (result.problem, result.status, result.changed) {
                (Some(problem), ..) => Err(errors_of(&problem)),
                (None, 201, _) => Ok(RowOutcome::Created),
                (None, _, true) => Ok(RowOutcome::Updated),
                (None, _, false) => Ok(RowOutcome::Unchanged),
            },
            None => Err(vec![RowError::of_row("INTERNAL_ERROR", "the inventory said nothing of this row")]),
        }
    });
    Ok(results.collect())
}
