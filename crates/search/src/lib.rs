//! Search: finds products on sale.
//!
//! **Data and index.** Events of catalog and inventory become rows of `documents`. Each change gets the next number of one
//! sequence. A worker reads the changes after the last number in the index, and commits them with the new number to a
//! tantivy index on disk. The index may lag by milliseconds and can be lost, but it never misses a change and never contains
//! one twice, even after a crash. [`rebuild`] makes another index, which replaces the live one when it is complete.
//!
//! **Matching.** Every word of the text must be found in the title, the brand or the body (description, attributes,
//! categories). The last word may be a prefix, and a word that no product has is also searched in similar spellings. This
//! crate walks tantivy's posting lists itself. A score depends only on the product and the search ([`domain::score`]), so a
//! cursor continues exactly after the last hit. Filters, facets, grouping of variants and sorting are one pass over columns
//! in memory: a document that fails exactly one filter still counts in that filter's facet.
//!
//! **Freshness.** A product is found about ten milliseconds after its event is committed here, and it disappears as fast.
//! Cached answers belong to one view of the index.
//!
//! Absent on purpose: calls to other services, a separate ranking for suggestions, and a query language.

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
pub use relevance::{JudgedSearch, Report, relevance};
pub use settings::Settings;

use crate::{api::ResultCache, index::IndexManager};
use platform::{
    migrations,
    pool::Pool,
    service::{Ctx, Parts, Service, StartError},
};
use std::sync::Arc;

/// The state of the service.
#[derive(Clone)]
struct App {
    ctx: Ctx,
    index_manager: Arc<IndexManager>,
    settings: Arc<Settings>,
    /// Runs searches.
    searching: Pool,
    /// Writes the index.
    indexing: Pool,
    /// Answers of recent searches.
    cache: Arc<ResultCache>,
}

/// The search service: routes, consumers, the worker and migrations.
#[must_use]
pub fn service() -> Service {
    Service::new(
        "search",
        migrations!["0001_documents", "0002_tree_changes", "0003_ratings", "0004_suspended_sellers"],
        |ctx: Ctx| async move {
            let app = App::open(ctx).await?;
            let (router, operations) = api::routes().build(app.clone());
            Ok(Parts { router, operations, consumers: consumers::all(), workers: workers::all(&app) })
        },
    )
    .settings::<Settings>()
}

impl App {
    async fn open(ctx: Ctx) -> Result<App, StartError> {
        let settings: Settings = ctx.section()?;
        let progress = ctx.db.write(async |tx| store::init_progress(tx).await).await?;
        let writer_bytes = megabytes(settings.writer_megabytes.get());
        let indexing = Pool::start(&ctx.env, "search-index", 1, 4)?;
        let (folder, language) = (ctx.folder.clone(), settings.language);
        let index_manager = indexing.run(move || IndexManager::open(&folder, language, writer_bytes, progress)).await??;
        let app = App {
            searching: Pool::start(&ctx.env, "search", usize::try_from(settings.threads.get())?, usize::try_from(settings.queue.get())?)?,
            indexing,
            cache: Arc::new(ResultCache::new(megabytes(settings.cache_megabytes.get()))),
            index_manager: Arc::new(index_manager),
            settings: Arc::new(settings),
            ctx,
        };
        // Publishes what the index contains. An empty index is complete at once.
        workers::index(app.clone()).await?;
        Ok(app)
    }
}

fn megabytes(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default() << 20
}
