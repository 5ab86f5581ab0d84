//! Entry point 1, HTTP: routes and handlers.

mod parameters;
mod result_cache;

pub use result_cache::ResultCache;

use crate::{
    App, Error, Settings, actions,
    domain::{
        query::{Filter, Request, search_text},
        text::Analyzer,
    },
    find::{self, Finder, Page, SortKey},
    index::View,
    store,
};
use contracts::{
    problem::Fault,
    search::{IndexState, RebuildState, SearchResults, SuggestQuery, Suggestions},
    violation::Violation,
};
use parameters::SearchParams;
use platform::{
    http::{Accepted, Cursor, DescribeAnswer, Json, Paging, Problem, Query, RenderedPage, Routes, State, describe::OperationBuilder},
    identity::{Admin, MaybeUser},
    pool,
};
use result_cache::CachedPage;
use std::{cell::RefCell, sync::Arc};

pub fn routes() -> Routes<App> {
    Routes::new("search")
        .get("/search", search, "Finds products on sale")
        .get("/search/suggest", suggest, "Titles that complete a search text")
        .get("/admin/search", get_state, "The state of the index")
        .post("/admin/search/rebuild", rebuild, "Rebuilds the index, while the current one answers")
}

/// A serialized page of results.
struct Results(RenderedPage);

impl axum::response::IntoResponse for Results {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}

impl DescribeAnswer for Results {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<SearchResults>(200, "The hits of this page, and the facets of all hits.");
        operation.answer_header("Link", "The next page, with `rel=\"next\"`.");
    }
}

async fn search(_: MaybeUser, State(app): State<App>, SearchParams(request): SearchParams, paging: Paging) -> Result<Results, Problem> {
    let tag = request.tag(app.settings.currency);
    let page = Page { limit: paging.limit as usize, after: paging.after::<SortKey>(&tag)? };
    let view = app.index_manager.view()?;
    // Suggestions depend on which filter is the last one. Nothing else depends on the order of filters.
    let last = request.filters.last().map(Filter::parameter);
    let key = (view.number, format!("{tag} {page:?} {last:?}"));
    if let Some(known) = app.cache.get(&key) {
        return Ok(Results(known.page()));
    }
    let rendered = run_search(&app, move |finder| render(finder, &view, &request, page, &tag)).await?;
    app.cache.insert(key, rendered.clone());
    Ok(Results(rendered.page()))
}

fn render(finder: &mut Finder, view: &View, request: &Request, page: Page, tag: &str) -> Result<Arc<CachedPage>, Error> {
    let (mut results, next) = finder.search(view, request, page)?;
    results.next_cursor = next.map(|key| Cursor::encode(tag, &key));
    let body = serde_json::to_vec(&results).map_err(|_| Error::Content("JSON"))?;
    Ok(Arc::new(CachedPage { body: body.into(), next_cursor: results.next_cursor }))
}

async fn suggest(_: MaybeUser, State(app): State<App>, Query(query): Query<SuggestQuery>) -> Result<Json<Suggestions>, Problem> {
    let faults = |refused: Violation| Error::Invalid(vec![Fault::parameter("q", refused.code, refused.detail)]);
    let Some(text) = search_text(&query.q).map_err(faults)? else { return Ok(Json(Suggestions { items: Vec::new() })) };
    let view = app.index_manager.view()?;
    let found = run_search(&app, move |finder| find::suggest(finder, &view, &text)).await?;
    Ok(Json(found))
}

thread_local! {
    /// The state that a search thread reuses.
    static FINDER: RefCell<Option<Finder>> = const { RefCell::new(None) };
}

/// Runs a search on a thread of the pool.
async fn run_search<T: Send + 'static>(
    app: &App,
    search: impl FnOnce(&mut Finder) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let Settings { language, currency, .. } = *app.settings;
    let run = move || {
        // Taken out of its cell, so that a panic leaves no inconsistent state behind.
        let mut finder = FINDER.take().unwrap_or_else(|| Finder::new(Analyzer::new(language), currency));
        let outcome = search(&mut finder);
        FINDER.set(Some(finder));
        outcome
    };
    let outcome = app.searching.run(run).await;
    if outcome.as_ref().is_err_and(|error| *error == pool::Error::Full) {
        metrics::counter!("souk_search_refused_total").increment(1);
    }
    outcome?
}

async fn get_state(_: Admin, State(app): State<App>) -> Result<Json<IndexState>, Problem> {
    let status = app.index_manager.status();
    let (live, next) = (status.live.unwrap_or_default(), status.next);
    let (waiting, building) = app
        .ctx
        .db
        .read(async move |tx| {
            let waiting = store::count_waiting(tx, live.1).await?;
            let building = match next {
                Some((_, reached)) => store::count_waiting(tx, reached).await?,
                None => 0,
            };
            Ok::<_, Error>((waiting, building))
        })
        .await?;
    let rebuild = next.map(|(generation, _)| RebuildState { generation, waiting: building.unsigned_abs() });
    Ok(Json(IndexState { generation: live.0, products: status.products, waiting: waiting.unsigned_abs(), rebuild }))
}

async fn rebuild(_: Admin, State(app): State<App>) -> Result<Accepted, Problem> {
    actions::rebuild(&app.ctx.db).await?;
    Ok(Accepted)
}
