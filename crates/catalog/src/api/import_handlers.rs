//! Handlers of imports and exports.

use crate::{
    App, Error,
    actions::{self, ProductPages},
    store,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{Import, ImportError, ImportQuery, ProductExport},
    ids::ImportId,
};
use platform::{
    csv::{CsvBody, CsvStream},
    db::Tx,
    http::{BASE, DescribeAnswer, Json, NoBody, Paged, Paging, Path, Problem, Query, State, describe::OperationBuilder},
    identity::SellerOrAdmin,
};

/// 202 with the import that runs from now on.
pub struct Started(Import);

impl IntoResponse for Started {
    fn into_response(self) -> Response {
        let location = format!("{BASE}/imports/{}", self.0.import_id);
        let mut answer = (StatusCode::ACCEPTED, Json(self.0)).into_response();
        *answer.status_mut() = StatusCode::ACCEPTED;
        if let Ok(location) = HeaderValue::try_from(location) {
            answer.headers_mut().insert(header::LOCATION, location);
        }
        answer
    }
}

impl DescribeAnswer for Started {
    fn describe(operation: &mut OperationBuilder<'_>) {
        operation.answer::<Import>(202, "The file is here, and its rows are being read.");
        operation.answer_header("Location", "The path of the import.");
    }
}

pub async fn receive(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Query(query): Query<ImportQuery>,
    file: CsvBody,
) -> Result<Started, Problem> {
    let import = actions::receive_import(&app, caller.owner(), query, file).await?;
    Ok(Started(import))
}

pub async fn get(caller: SellerOrAdmin, State(app): State<App>, Path(id): Path<ImportId>) -> Result<Json<Import>, Problem> {
    let owner = caller.owner();
    let found = app.ctx.db.read(async move |tx| store::find_import(tx, owner, id).await).await?;
    Ok(Json(found.ok_or(Error::NotFound("import"))?.view()))
}

pub async fn list_errors(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Path(id): Path<ImportId>,
    paging: Paging,
) -> Result<Paged<ImportError>, Problem> {
    let owner = caller.owner();
    let read = async move |tx: &mut Tx, after, rows| -> Result<_, Error> {
        store::find_import(tx, owner, id).await?.ok_or(Error::NotFound("import"))?;
        Ok(store::list_errors(tx, id, after, rows).await?)
    };
    let page = paging.list(&app.ctx.db, &format!("errors {id}"), read, |error| error.number).await?;
    Ok(Paged(page.map(|error| ImportError { row: error.row_number, column: error.column_name, code: error.code, detail: error.detail })))
}

pub async fn cancel(caller: SellerOrAdmin, State(app): State<App>, Path(id): Path<ImportId>, _: NoBody) -> Result<Json<Import>, Problem> {
    actions::cancel_import(&app, caller.owner(), id).await.map(Json)
}

pub async fn export_products(
    caller: SellerOrAdmin,
    State(app): State<App>,
    Query(filter): Query<ProductExport>,
) -> Result<CsvStream<ProductPages>, Problem> {
    let pages = ProductPages { db: app.ctx.db.clone(), owner: caller.owner(), filter, after: None, has_begun: false };
    Ok(CsvStream { name: "products.csv", pages })
}
