//! The role SELLER. It follows the record that the seller service keeps.

use crate::{
    error::Error,
    store::{accounts, ended_logins, seller_records},
};
use contracts::{
    auth::{ExistingSellerFound, Role, RolesChanged},
    ids::UserId,
};
use platform::{
    db::{Db, Tx},
    personal::is_erased,
};

/// Accounts that are announced in one commit.
const BATCH: i64 = 500;

/// Gives or takes the role, and notes that there is a record. Repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`] without an account.
pub async fn set_seller_role(tx: &mut Tx, user: UserId, sells: bool, changed_by: Option<UserId>) -> Result<(), Error> {
    if accounts::lock(tx, user).await?.is_none() {
        return if is_erased(tx, user.into()).await? { Ok(()) } else { Err(Error::NotFound) };
    }
    seller_records::insert(tx, user).await?;
    let mut roles = accounts::roles(tx, user).await?;
    if roles.contains(&Role::Seller) == sells {
        return Ok(());
    }
    roles.retain(|role| *role != Role::Seller);
    if sells {
        roles.push(Role::Seller);
        roles.sort_unstable();
    }
    accounts::set_roles(tx, user, &roles).await?;
    ended_logins::insert_role_change(tx, user).await?;
    tx.emit(RolesChanged { user_id: user, roles, changed_by });
    Ok(())
}

/// Announces an account that has the role without a record, once.
///
/// # Errors
/// The database's.
pub async fn announce_existing_seller(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    if seller_records::insert(tx, user).await? {
        tx.emit(ExistingSellerFound { user_id: user });
    }
    Ok(())
}

/// Announces every account that had the role before there were records. It runs at each start and finds none after the first.
///
/// # Errors
/// The database's.
pub async fn announce_existing_sellers(db: &Db) -> Result<(), Error> {
    loop {
        let announced = db.write(async |tx| -> Result<usize, Error> {
            let users = seller_records::list_missing(tx, BATCH).await?;
            for user in &users {
                announce_existing_seller(tx, *user).await?;
            }
            Ok(users.len())
        });
        if announced.await? == 0 {
            return Ok(());
        }
    }
}
