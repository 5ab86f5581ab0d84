//! Handlers of categories.

use super::Revalidated;
use crate::{App, Error, actions, store::CachedTree};
use contracts::{
    catalog::{Category, CategoryTree, CreateCategory, UpdateCategory},
    ids::CategoryId,
};
use platform::{
    db,
    http::{Body, Created, ETag, Idempotent, IfMatch, Json, MaybeIdempotencyKey, NoContent, Path, Problem, State, Tagged},
    identity::Admin,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::{borrow::Cow, sync::Arc};

/// The cached tree. It serializes as [`CategoryTree`] without a copy.
pub struct SharedTree(Arc<CachedTree>);

impl Serialize for SharedTree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.body.serialize(serializer)
    }
}

impl JsonSchema for SharedTree {
    fn schema_name() -> Cow<'static, str> {
        CategoryTree::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        CategoryTree::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        CategoryTree::json_schema(generator)
    }
}

pub async fn get_tree(State(app): State<App>) -> Result<Revalidated<Json<SharedTree>>, Problem> {
    let cached = current_tree(&app).await?;
    Ok(Revalidated(Tagged(ETag::of_version(cached.tree.revision), Json(SharedTree(cached)))))
}

pub async fn get(State(app): State<App>, Path(id): Path<CategoryId>) -> Result<Revalidated<Json<Category>>, Problem> {
    let cached = current_tree(&app).await?;
    let (etag, category) = cached.tree.etag(id).zip(cached.tree.category(id)).ok_or(Error::NotFound("category"))?;
    Ok(Revalidated(Tagged(etag, Json(category))))
}

async fn current_tree(app: &App) -> Result<Arc<CachedTree>, db::Error> {
    let tree = app.tree.clone();
    app.ctx.db.read(async move |tx| tree.current(tx).await).await
}

pub async fn create(
    _: Admin,
    State(app): State<App>,
    key: MaybeIdempotencyKey,
    Body(body): Body<CreateCategory>,
) -> Result<Idempotent<Tagged<Created<Category>>>, Problem> {
    actions::create_category(&app.ctx.db, key, body).await
}

pub async fn update(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<CategoryId>,
    if_match: IfMatch,
    Body(body): Body<UpdateCategory>,
) -> Result<Tagged<Json<Category>>, Problem> {
    actions::update_category(&app.ctx.db, id, if_match, body).await
}

pub async fn delete(_: Admin, State(app): State<App>, Path(id): Path<CategoryId>, if_match: IfMatch) -> Result<NoContent, Problem> {
    actions::delete_category(&app.ctx.db, id, if_match).await
}
