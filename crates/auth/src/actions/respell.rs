//! The spelling of addresses that former versions stored.

use crate::{error::Error, store::accounts};
use contracts::text::KnownEmail;
use platform::db::Db;

/// Accounts of one commit.
const BATCH: i64 = 200;

/// Gives every account the one spelling of its address. An account whose spelling another account has stays as it is.
///
/// # Errors
/// The database's.
pub async fn respell_addresses(db: &Db) -> Result<(), Error> {
    let mut after = None;
    loop {
        let batch = db.read(async move |tx| Ok::<_, Error>(accounts::list_not_ascii(tx, after, BATCH).await?)).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = Some(last.user_id);
        for account in batch {
            let Ok(spelling) = KnownEmail::parse(&account.email) else { continue };
            let spelling = spelling.into();
            if account.email == spelling {
                continue;
            }
            let user_id = account.user_id;
            let taken_by = db
                .write(async move |tx| {
                    let owner = accounts::find_by_email(tx, &spelling).await?.map(|owner| owner.user_id);
                    if owner.is_none() {
                        accounts::set_email(tx, user_id, &spelling).await?;
                    }
                    Ok::<_, Error>(owner)
                })
                .await?;
            if let Some(other) = taken_by {
                tracing::warn!(%user_id, %other, "two accounts have the same e-mail address in two spellings; the first cannot log in by password");
            }
        }
    }
}
