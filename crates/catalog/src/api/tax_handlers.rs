//! Handlers of tax rates.

use crate::{App, actions, domain::tax_table::TaxTable, store};
use contracts::tax::{ReplaceTaxRates, TaxRates};
use platform::{
    db,
    http::{Body, ETag, IfMatch, Json, Problem, State, Tagged},
    identity::Admin,
};

/// The body limit: more than the largest valid table needs.
const LIMIT: usize = 1024 * 1024;

pub async fn get(_: Admin, State(app): State<App>) -> Result<Tagged<Json<TaxRates>>, Problem> {
    let read = async |tx: &mut db::Tx| -> Result<_, db::Error> {
        let revision = store::tax_revision(tx).await?;
        store::load_tax_rates(tx, revision).await
    };
    Ok(shown(&app, app.ctx.db.read(read).await?))
}

pub async fn put(
    _: Admin,
    State(app): State<App>,
    if_match: IfMatch,
    Body(body): Body<ReplaceTaxRates, LIMIT>,
) -> Result<Tagged<Json<TaxRates>>, Problem> {
    let table = actions::replace_tax_rates(&app.ctx.db, if_match, body).await?;
    Ok(shown(&app, table))
}

fn shown(app: &App, table: TaxTable) -> Tagged<Json<TaxRates>> {
    let rates = TaxRates { items: table.rates, prices_include_tax: app.settings.prices_include_tax };
    Tagged(ETag::of_version(table.revision), Json(rates))
}
