//! Handlers of products.

use super::{Revalidated, RevalidatedPage, viewer};
use crate::{
    App, Error, actions,
    domain::{product::etag, viewer::Viewer},
    store::{self, Shown, SortKey},
};
use contracts::{
    catalog::{
        BlockProduct, CreateProduct, CreateProducts, ModerationFact, PriceHistoryEntry, Product, ProductFact, ProductFilter, ProductIds,
        ProductList, ProductLookup, ProductResults, ProductSort, UpdateProduct,
    },
    ids::ProductId,
    page::Page,
    problem::Fault,
    text::Sku,
};
use platform::{
    db::{self, Tx},
    http::{
        BatchBody, Body, Created, Idempotent, IfMatch, Json, MaybeIdempotencyKey, NoBody, Paged, Paging, Path, Problem, Query, State,
        Tagged, TaggedPage,
    },
    identity::{Admin, ClientMarker, MaybeUser, Role, SellerOrAdmin, ServiceOf},
};

/// The body limit: more than the largest valid product needs in any JSON spelling.
const LIMIT: usize = 576 * 1024;

pub async fn create(
    caller: SellerOrAdmin,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<CreateProduct, LIMIT>,
) -> Result<Idempotent<Tagged<Created<Product>>>, Problem> {
    let seller_id = caller.has_role(Role::Seller).then_some(caller.id);
    actions::create_product(&app.ctx.db, seller_id, key, body).await
}

/// The body limit of many products: that of one times a part of them, because few are as large as they may be.
const BATCH_LIMIT: usize = 1024 * 1024;

pub async fn create_many(
    caller: SellerOrAdmin,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    body: BatchBody<CreateProducts, CreateProduct, BATCH_LIMIT>,
) -> Result<Idempotent<Json<ProductResults>>, Problem> {
    let seller_id = caller.has_role(Role::Seller).then_some(caller.id);
    actions::create_products(&app.ctx.db, seller_id, key, body.items).await
}

pub async fn update(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    if_match: IfMatch,
    Body(body): Body<UpdateProduct, LIMIT>,
) -> Result<Tagged<Json<Product>>, Problem> {
    actions::update_product(&app.ctx.db, caller.owner(), id, if_match, body).await
}

macro_rules! advances {
    ($($name:ident: $fact:expr;)*) => {$(
        pub async fn $name(
            caller: SellerOrAdmin,
            State(app): State<App>,
            Path(id): Path<ProductId>,
            if_match: IfMatch,
            key: MaybeIdempotencyKey,
            _: NoBody,
        ) -> Result<Idempotent<Tagged<Json<Product>>>, Problem> {
            actions::advance_product(&app.ctx.db, caller.owner(), id, $fact, if_match, key).await
        }
    )*};
}
advances! {
    activate: ProductFact::Activated;
    deactivate: ProductFact::Deactivated;
    archive: ProductFact::Archived;
}

pub async fn block(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    if_match: IfMatch,
    key: MaybeIdempotencyKey,
    Body(body): Body<BlockProduct>,
) -> Result<Idempotent<Tagged<Json<Product>>>, Problem> {
    actions::moderate_product(&app.ctx.db, id, ModerationFact::Blocked, Some(body.reason.into_string()), if_match, key).await
}

pub async fn unblock(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    if_match: IfMatch,
    key: MaybeIdempotencyKey,
    _: NoBody,
) -> Result<Idempotent<Tagged<Json<Product>>>, Problem> {
    actions::moderate_product(&app.ctx.db, id, ModerationFact::Unblocked, None, if_match, key).await
}

pub async fn list(
    user: MaybeUser,
    State(app): State<App>,
    Query(requested): Query<ProductFilter>,
    paging: Paging,
) -> Result<RevalidatedPage<Product>, Problem> {
    let viewer = viewer(&user);
    let page = match requested.ids.clone() {
        Some(ids) => list_by_ids(&app, viewer, requested, ids, paging).await?,
        None => list_filtered(&app, viewer, requested, paging).await?,
    };
    Ok(RevalidatedPage(TaggedPage(page)))
}

/// Lists the products with these ids that the viewer may see, each as [`get`] shows it.
async fn list_by_ids(app: &App, viewer: Viewer, filter: ProductFilter, ids: ProductIds, paging: Paging) -> Result<Page<Product>, Problem> {
    if let Some(fault) = own_list_fault(&filter) {
        return Err(Problem::invalid(vec![fault]));
    }
    let (tag, tree) = (format!("products {filter:?}"), app.tree.clone());
    let read = async move |tx: &mut Tx, before: Option<ProductId>, rows: i64| -> Result<_, db::Error> {
        let mut found = store::list_by_ids(tx, &filter, ids.as_slice()).await?;
        found.retain(|product| viewer.can_see(product) && before.is_none_or(|before| product.product_id < before));
        found.truncate(usize::try_from(rows).unwrap_or_default());
        tree.current(tx).await?.tree.fill_paths(&mut found);
        Ok(found)
    };
    paging.list(&app.ctx.db, &tag, read, |product| product.product_id).await
}

async fn list_filtered(app: &App, viewer: Viewer, requested: ProductFilter, paging: Paging) -> Result<Page<Product>, Problem> {
    let fault = own_list_fault(&requested);
    let restricted = viewer.restrict(requested);
    let (tag, tree) = (format!("products {restricted:?}"), app.tree.clone());
    let Some(fault) = fault else {
        let read = async move |tx: &mut Tx, before, rows| -> Result<_, db::Error> {
            let Some(filter) = &restricted else { return Ok(Vec::new()) };
            let shown = if viewer.sees_only_what_is_on_sale(filter) { Shown::OnSale } else { Shown::Everything };
            let mut found = store::list_products(tx, filter, shown, before, rows).await?;
            tree.current(tx).await?.tree.fill_paths(&mut found);
            Ok(found)
        };
        return paging.list(&app.ctx.db, &tag, read, |product| product.product_id).await;
    };
    let Some(filter) = restricted.filter(|filter| viewer.may_search(filter)) else { return Err(Problem::invalid(vec![fault])) };
    let sort = filter.sort.unwrap_or(ProductSort::Newest);
    let read = async move |tx: &mut Tx, after, rows| -> Result<_, db::Error> {
        let mut found = store::list_own(tx, &filter, after, rows).await?;
        tree.current(tx).await?.tree.fill_paths(&mut found);
        Ok(found)
    };
    paging.list(&app.ctx.db, &tag, read, |product| SortKey::of(sort, product)).await
}

/// Returns the fault of a filter that is only for owners and administrators, if it has such a parameter.
fn own_list_fault(filter: &ProductFilter) -> Option<Fault> {
    let name = if filter.q.is_some() {
        "q"
    } else if filter.external_id.is_some() {
        "externalId"
    } else if filter.sort.is_some() {
        "sort"
    } else {
        return None;
    };
    let detail = "is for administrators and for sellers' lists of their own products (sellerId), without ids; others use /search";
    Some(Fault::parameter(name, "NOT_ALLOWED", detail))
}

pub async fn get(user: MaybeUser, State(app): State<App>, Path(id): Path<ProductId>) -> Result<Revalidated<Json<Product>>, Problem> {
    get_visible(&app, viewer(&user), async move |tx| store::find_product(tx, id).await).await
}

pub async fn get_by_sku(user: MaybeUser, State(app): State<App>, Path(sku): Path<Sku>) -> Result<Revalidated<Json<Product>>, Problem> {
    get_visible(&app, viewer(&user), async move |tx| store::find_by_sku(tx, &sku).await).await
}

pub async fn list_prices(
    user: MaybeUser,
    State(app): State<App>,
    Path(id): Path<ProductId>,
    paging: Paging,
) -> Result<Paged<PriceHistoryEntry>, Problem> {
    let viewer = viewer(&user);
    let read = async move |tx: &mut Tx, before, rows| -> Result<_, Error> {
        store::find_product(tx, id).await?.filter(|product| viewer.can_see(product)).ok_or(Error::NotFound("product"))?;
        Ok(store::list_prices(tx, id, before, rows).await?)
    };
    let page = paging.list(&app.ctx.db, &format!("prices {id}"), read, |price| price.version).await?;
    Ok(Paged(page.map(|price| price.entry)))
}

/// The services that may look products up.
pub struct LookupClients;

impl ClientMarker for LookupClients {
    const CLIENTS: &'static [&'static str] = &["cart", "inventory", "order", "payout", "promotion", "review"];
}

pub async fn look_up(
    _: ServiceOf<LookupClients>,
    State(app): State<App>,
    Body(body): Body<ProductLookup>,
) -> Result<Json<ProductList>, Problem> {
    let (tree, taxes, prices_include_tax) = (app.tree.clone(), app.taxes.clone(), app.settings.prices_include_tax);
    let list = app
        .ctx
        .db
        .read(async move |tx| -> Result<_, db::Error> {
            let mut items = store::look_up_products(tx, &body.product_ids).await?;
            let (tree_revision, tax_revision) = store::revisions(tx).await?;
            tree.at(tx, tree_revision).await?.tree.fill_paths(&mut items);
            let taxation = taxes.at(tx, tax_revision).await?.taxation(body.tax_destination.as_ref(), prices_include_tax);
            Ok(ProductList { items, taxation })
        })
        .await?;
    Ok(Json(list))
}

/// Returns the product that `find` finds, if the viewer may see it.
async fn get_visible(
    app: &App,
    viewer: Viewer,
    find: impl AsyncFn(&mut Tx) -> Result<Option<Product>, db::Error> + Send + 'static,
) -> Result<Revalidated<Json<Product>>, Problem> {
    let tree = app.tree.clone();
    let product = app
        .ctx
        .db
        .read(async move |tx| -> Result<_, Error> {
            let mut product = find(tx).await?.filter(|product| viewer.can_see(product)).ok_or(Error::NotFound("product"))?;
            tree.current(tx).await?.tree.fill_paths([&mut product]);
            Ok(product)
        })
        .await?;
    Ok(Revalidated(Tagged(etag(&product), Json(product))))
}
