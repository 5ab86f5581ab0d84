//! Replaces the tax rates.

use crate::{Error, domain::tax_table::TaxTable, store};
use contracts::tax::ReplaceTaxRates;
use platform::{
    db::Db,
    http::{ETag, IfMatch, Problem},
};

/// Replaces all tax rates. The same table again changes nothing.
///
/// # Errors
/// `PRECONDITION_FAILED`, and `INVALID_REQUEST` with all faults of the table.
pub async fn replace_tax_rates(db: &Db, if_match: IfMatch, body: ReplaceTaxRates) -> Result<TaxTable, Problem> {
    db.write(async move |tx| -> Result<_, Error> {
        let revision = store::lock_tax_revision(tx).await?;
        if_match.check(&ETag::of_version(revision)).map_err(Error::Stale)?;
        let present = store::load_tax_rates(tx, revision).await?;
        let wanted = TaxTable::new(revision + 1, body.items.clone().into_vec())?;
        if wanted.rates == present.rates {
            return Ok(present);
        }
        store::replace_tax_rates(tx, &wanted).await?;
        Ok(wanted)
    })
    .await
    .map_err(Problem::from)
}
