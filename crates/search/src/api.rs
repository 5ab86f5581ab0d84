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
    find::{self, Budget, Finder, Found, Page, SortKey},
    index::View,
    store,
};
use axum::{
    http::HeaderValue,
    response::{IntoResponse, Response},
};
use contracts::{
    problem::Fault,
    search::{COST_HEADER, IndexState, RebuildState, SearchResults, SuggestQuery, Suggestions},
    violation::Violation,
};
use parameters::SearchParams;
use platform::{
    http::{Accepted, Cursor, DescribeAnswer, Json, Paging, Problem, Query, RenderedPage, Routes, State, describe::OperationBuilder},
    identity::{Admin, MaybeUser},
    pool,
};
use result_cache::CachedPage;
use std::{cell::RefCell, sync::Arc, time::Duration};

pub fn routes() -> Routes<App> {
    Routes::new("search")
        .get("/search", search, "Finds products on sale")
        .get("/search/suggest", suggest, "Titles that complete a search text")
        .get("/admin/search", get_state, "The state of the index")
        .post("/admin/search/rebuild", rebuild, "Rebuilds the index, while the current one answers")
}

/// A serialized page of results.
struct Results(RenderedPage);

impl IntoResponse for Results {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl DescribeAnswer for Results {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<SearchResults>(200, "The hits of this page, and the facets of all hits.");
        operation.answer_header("Link", "The next page, with `rel=\"next\"`.");
    }
}

async fn search(
    _: MaybeUser,
    State(app): State<App>,
    SearchParams(request): SearchParams,
    paging: Paging,
) -> Result<WithCost<Results>, Problem> {
    let tag = request.tag(app.settings.currency);
    let page = Page { limit: paging.limit as usize, after: paging.after::<SortKey>(&tag)? };
    let view = app.index_manager.view()?;
    // Suggestions depend on which filter is the last one. Nothing else depends on the order of filters.
    let last = request.filters.last().map(Filter::parameter);
    let key = (view.number, format!("{tag} {page:?} {last:?}"));
    if let Some(known) = app.cache.get(&key) {
        return Ok(WithCost(1, Results(known.page())));
    }
    let (rendered, partial, cost) = run_search(&app, move |finder, budget| render(finder, &view, &request, page, &tag, budget)).await?;
    if partial {
        metrics::counter!("souk_search_partial_total").increment(1);
    } else {
        app.cache.insert(key, rendered.clone());
    }
    Ok(WithCost(cost, Results(rendered.page())))
}

/// Returns the serialized page, whether it is partial, and its cost.
fn render(
    finder: &mut Finder,
    view: &View,
    request: &Request,
    page: Page,
    tag: &str,
    budget: Budget,
) -> Result<(Arc<CachedPage>, bool, u32), Error> {
    let Found { mut results, next, cost } = finder.search(view, request, page, budget)?;
    let partial = results.partial;
    results.next_cursor = next.map(|key| Cursor::encode(tag, &key));
    let body = serde_json::to_vec(&results).map_err(|_| Error::Content("JSON"))?;
    Ok((Arc::new(CachedPage { body: body.into(), next_cursor: results.next_cursor }), partial, cost))
}

async fn suggest(_: MaybeUser, State(app): State<App>, Query(query): Query<SuggestQuery>) -> Result<WithCost<Json<Suggestions>>, Problem> {
    let faults = |refused: Violation| Error::Invalid(vec![Fault::parameter("q", refused.code, refused.detail)]);
    let Some(text) = search_text(&query.q).map_err(faults)? else {
        return Ok(WithCost(1, Json(Suggestions { items: Vec::new() })));
    };
    let view = app.index_manager.view()?;
    let (found, cost) = run_search(&app, move |finder, budget| find::suggest(finder, &view, &text, budget)).await?;
    Ok(WithCost(cost, Json(found)))
}

/// An answer with the cost of its search, which the gateway takes from the caller's quota.
struct WithCost<A>(u32, A);

impl<A: IntoResponse> IntoResponse for WithCost<A> {
    fn into_response(self) -> Response {
        let mut answer = self.1.into_response();
        if self.0 > 1 {
            answer.headers_mut().insert(COST_HEADER, HeaderValue::from(self.0));
        }
        answer
    }
}

impl<A: DescribeAnswer> DescribeAnswer for WithCost<A> {
    fn describe(operation: &mut OperationBuilder<'_>) {
        A::describe(operation);
    }
}

thread_local! {
    /// The state that a search thread reuses.
    static FINDER: RefCell<Option<Finder>> = const { RefCell::new(None) };
}

/// Runs a search on a thread of the pool.
async fn run_search<T: Send + 'static>(
    app: &App,
    search: impl FnOnce(&mut Finder, Budget) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let Settings { language, currency, deadline_milliseconds, .. } = *app.settings;
    let time = Duration::from_millis(deadline_milliseconds.get().unsigned_abs());
    let env = app.ctx.env.clone();
    let run = move || {
        // Taken out of its cell, so that a panic leaves no inconsistent state behind.
        let mut finder = FINDER.take().unwrap_or_else(|| Finder::new(Analyzer::new(language), currency));
        let outcome = search(&mut finder, Budget::new(env, time));
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
