//! Rows of the tax rates, and a copy of them in memory.

use crate::domain::tax_table::TaxTable;
use contracts::tax::TaxRate;
use platform::{
    db::{Error, Tx},
    params,
};
use std::sync::{Arc, PoisonError, RwLock};

/// Holds the newest rates that were read. Every use compares their revision with the database, so they are also right when other
/// replicas change them.
#[derive(Default)]
pub struct TaxCache(RwLock<Option<Arc<TaxTable>>>);

impl TaxCache {
    /// Returns the rates of this revision as `tx` sees them.
    pub async fn at(&self, tx: &mut Tx, revision: i64) -> Result<Arc<TaxTable>, Error> {
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cached) = cached.filter(|cached| cached.revision == revision) {
            return Ok(cached);
        }
        let loaded = Arc::new(load_tax_rates(tx, revision).await?);
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A read on an older snapshot does not replace newer rates.
        if slot.as_ref().is_none_or(|cached| cached.revision < revision) {
            *slot = Some(loaded.clone());
        }
        Ok(loaded)
    }
}

/// Returns the revision of the rates.
pub async fn tax_revision(tx: &mut Tx) -> Result<i64, Error> {
    tx.query_one("SELECT tax_revision FROM category_tree WHERE tree_id = 1", &[], |row| row.next()).await
}

/// Returns the rates as those of `revision`.
pub async fn load_tax_rates(tx: &mut Tx, revision: i64) -> Result<TaxTable, Error> {
    let sql = "SELECT country, state, tax_class, basis_points FROM tax_rates ORDER BY country, state, tax_class";
    let rates = tx.query(sql, &[], |row| {
        let (country, state): (String, String) = (row.next()?, row.next()?);
        Ok(TaxRate { country, state: (!state.is_empty()).then_some(state), tax_class: row.next()?, basis_points: row.next()? })
    });
    Ok(TaxTable { revision, rates: rates.await? })
}

/// Locks the rates and returns their revision. Only one unit replaces them at a time.
pub async fn lock_tax_revision(tx: &mut Tx) -> Result<i64, Error> {
    let revision = tx.lock_opt("SELECT tax_revision FROM category_tree WHERE tree_id = 1", &[], |row| row.next()).await?;
    revision.ok_or_else(|| Error::Failed("the tax rates have no revision".into()))
}

/// Replaces all rates.
pub async fn replace_tax_rates(tx: &mut Tx, table: &TaxTable) -> Result<(), Error> {
    tx.execute("UPDATE category_tree SET tax_revision = $1 WHERE tree_id = 1", params![table.revision]).await?;
    tx.execute("DELETE FROM tax_rates", &[]).await?;
    for rate in &table.rates {
        let state = rate.state.as_deref().unwrap_or("");
        tx.execute(
            "INSERT INTO tax_rates (country, state, tax_class, basis_points) VALUES ($1, $2, $3, $4)",
            params![rate.country.as_str(), state, rate.tax_class, rate.basis_points],
        )
        .await?;
    }
    Ok(())
}
