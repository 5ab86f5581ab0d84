//! Entry point 4: the command line. The demo opens shops by it on seller's database, before the platform runs.

use crate::{
    actions::{advance_record, encryption_key, insert_application},
    error::Error,
};
use contracts::{
    ids::UserId,
    seller::{ApplySeller, SellerFact},
};
use platform::{db::Db, master_key::MasterKey};

/// Makes an APPROVED record, unless the user has one. Its events give the role SELLER once the platform runs.
///
/// # Errors
/// The database's.
pub async fn open_shop(db: &Db, master_key: &MasterKey, user: UserId, application: ApplySeller) -> Result<(), Error> {
    let encryption_key = encryption_key(master_key);
    let opened = db.write(async move |tx| -> Result<(), Error> {
        let mut record = insert_application(tx, user, application.clone(), &encryption_key).await?;
        advance_record(tx, &mut record, SellerFact::Approved, None, None).await
    });
    match opened.await {
        Err(Error::Exists) => Ok(()),
        other => other,
    }
}
