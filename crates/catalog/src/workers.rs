//! Entry point 3, schedule: keeps the listing of products in step with the category tree, adds missing texts, and reads the rows of
//! imports.

use crate::{
    Error,
    actions::{self, RunImport},
    pictures::Pictures,
    store,
};
use contracts::{
    catalog::{PictureName, PictureSize},
    ids::PictureId,
};
use platform::{
    backoff::Backoff,
    db::Db,
    due::{DueQueue, DueWork},
    worker::{Next, Worker},
};
use std::{sync::Arc, time::Duration};

/// The worker that lists products again after their category was moved or deleted.
pub const RELIST: &str = "relist";

/// The worker that adds missing texts of products.
pub const PRODUCT_TEXTS: &str = "product-texts";

/// The worker that deletes imports that ended long ago.
pub const IMPORT_RETENTION: &str = "import-retention";

/// How long an import is kept.
const IMPORTS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The number of products per transaction. It bounds how long other writers wait.
const BATCH: usize = 200;

pub fn all(app: &crate::App) -> Vec<Worker> {
    vec![
        Worker::new(RELIST, Duration::from_secs(30), app.ctx.db.clone(), relist),
        Worker::due(&app.ctx.db, RunImport(app.clone())),
        Worker::new(IMPORT_RETENTION, Duration::from_secs(3_600), app.ctx.db.clone(), delete_old_imports),
        Worker::new(PRODUCT_TEXTS, Duration::from_secs(3_600), app.ctx.db.clone(), add_texts),
        Worker::due(&app.ctx.db, Removals { db: app.ctx.db.clone(), pictures: app.pictures.clone() }),
    ]
}

/// Deletes one import that is older than imports are kept.
async fn delete_old_imports(db: Db) -> Result<Next, Error> {
    db.write(async |tx| {
        let before = tx.now().before(IMPORTS_KEPT);
        let Some(id) = store::find_ended_before(tx, before).await? else { return Ok(Next::Idle) };
        store::delete_import(tx, id).await?;
        Ok(Next::Immediately)
    })
    .await
}

/// Adds the texts of products that an earlier version stored without one.
async fn add_texts(db: Db) -> Result<Next, Error> {
    db.write(async |tx| {
        let batch = store::lock_without_text(tx, BATCH).await?;
        for product in &batch {
            store::put_text(tx, product).await?;
        }
        Ok(if batch.is_empty() { Next::Idle } else { Next::Immediately })
    })
    .await
}

/// Runs one step of one relisting. A step lists each product as it is at that moment. Therefore steps can be repeated, and
/// they can run beside changes of the same products.
async fn relist(db: Db) -> Result<Next, Error> {
    db.write(async |tx| {
        let Some((category, after)) = store::lock_relisting(tx).await? else { return Ok(Next::Idle) };
        let batch = store::lock_listed(tx, category, after, BATCH).await?;
        for id in &batch {
            store::relist_product(tx, *id).await?;
        }
        match batch.last() {
            Some(last) => store::continue_relisting(tx, category, *last).await?,
            None => store::finish_relisting(tx, category).await?,
        }
        Ok(Next::Immediately)
    })
    .await
}

/// Removes the pictures that no product shows any more, files first.
#[derive(Clone)]
struct Removals {
    db: Db,
    pictures: Arc<Pictures>,
}

impl DueWork for Removals {
    const NAME: &'static str = "picture-removals";
    const PERIOD: Duration = Duration::from_secs(300);
    const QUEUE: DueQueue<PictureId> = store::REMOVALS;
    type Key = PictureId;
    type Partition = PictureId;
    type Error = Error;

    async fn run(self, picture_id: PictureId) -> Result<(), Error> {
        let Some(format) = actions::begin_removal(&self.db, picture_id).await? else { return Ok(()) };
        for size in PictureSize::ALL.iter().copied() {
            self.pictures.delete(PictureName { picture_id, size, format }).await?;
        }
        actions::finish_removal(&self.db, picture_id).await
    }

    fn slots(&self) -> usize {
        2
    }

    fn backoff(&self) -> Backoff {
        Backoff::doubling(Duration::from_secs(30), Duration::from_secs(3_600))
    }
}
