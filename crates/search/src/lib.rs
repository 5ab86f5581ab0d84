//! Search: finds what is on sale.
//!
//! **Truth and index.** The events of the catalogue and of the inventory become rows of `documents`, each change under
//! the next number of one count. A worker reads on from the last number that the index holds and commits what it reads,
//! with the number, to a tantivy index on the disk. So the index may lag by some milliseconds and can be lost, but it never
//! misses a change nor holds one twice, whenever the process dies. [`rebuild`] makes another index beside the one that
//! answers, which takes over when it holds everything.
//!
//! **Finding.** All words of a search text must be found, in the title, the brand, or the rest (description, attributes,
//! categories); the last one may be the beginning of a word, and a word that nothing holds is also looked for in a near
//! spelling. tantivy gives the lists of documents; this crate walks them. A hit's score is made of the hit and the search
//! alone ([`domain::score`]), so that cursors go on exactly behind the last hit. Filters, facets, folding of variants and
//! sorting go over columns in memory in one pass: a document that fails one filter only still counts in that filter's facet.
//!
//! **Freshness.** A product is found some ten milliseconds after the commit of its event here, and forgotten as soon;
//! answers that are kept for repeated searches belong to one state of the index and go with it.
//!
//! What is absent: queries of other services, a second copy of the ranking for suggestions, and a query language: the
//! search text is plain text.

mod actions;
mod api;
mod consumers;
mod domain;
mod error;
mod find;
mod index;
mod relevance;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod workers;

pub use actions::rebuild;
pub use error::Error;
pub use relevance::{Judged, Report, relevance};
pub use settings::Settings;

use crate::{api::ResultCache, index::IndexManager};
use platform::{
    migrations,
    pool::Pool,
    service::{Ctx, Parts, Service, StartError},
};
use std::sync::Arc;

/// What the doors work with.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    index_manager: Arc<IndexManager>,
    settings: Arc<Settings>,
    /// Where searches run.
    searching: Pool,
    /// Where the index is written.
    indexing: Pool,
    /// ResultCache given before.
    cache: Arc<ResultCache>,
}

/// The search service: routes, consumers, the worker and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new("search", migrations!["0001_documents", "0002_tree_changes"], |ctx: Ctx| async move {
        let app = App::open(ctx).await?;
        let (router, operations) = api::routes().build(app.clone());
        Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
    })
    .settings::<Settings>()
}

impl App {
    async fn open(ctx: Ctx) -> Result<App, StartError> {
        let settings: Settings = ctx.section()?;
        let progress = ctx.db.write(async |tx| store::init_progress(tx).await).await?;
        let writer_bytes = megabytes(settings.writer_megabytes.get());
        let index_manager = IndexManager::open(&ctx.folder, settings.language, writer_bytes, progress)?;
        let app = App {
            searching: Pool::start(&ctx.env, "search", usize::try_from(settings.threads.get())?, usize::try_from(settings.queue.get())?)?,
            indexing: Pool::start(&ctx.env, "search-index", 1, 4)?,
            cache: Arc::new(ResultCache::new(megabytes(settings.cache_megabytes.get()))),
            index_manager: Arc::new(index_manager),
            settings: Arc::new(settings),
            ctx,
        };
        // What the index has is shown at once, and one that has nothing to learn is finished at once.
        workers::index(app.clone()).await?;
        Ok(app)
    }
}

fn megabytes(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default() << 20
}
