//! The logins of a user.

use crate::{
    error::Error,
    store::{accounts, refresh_tokens, sessions},
};
use contracts::ids::{UserId, Uuid};
use platform::db::{Db, Tx};

/// Ends a login of the user: its refresh token at once, its access tokens when verifiers read the next list of revocations, within a
/// second. Repeating it changes nothing.
///
/// # Errors
/// [`Error::SessionNotFound`] for another user's.
pub async fn end_session(db: &Db, user: UserId, session: Uuid) -> Result<(), Error> {
    db.write(async move |tx| {
        accounts::lock(tx, user).await?.ok_or(Error::NotFound)?;
        if !sessions::exists(tx, user, session).await? {
            return Err(Error::SessionNotFound);
        }
        refresh_tokens::revoke_family(tx, session).await?;
        Ok(())
    })
    .await
}

/// Ends the logins of a user beyond the `kept` ones that were used last. The caller has locked the account.
///
/// # Errors
/// The database's.
pub async fn end_oldest(tx: &mut Tx, user: UserId, kept: i64) -> Result<(), Error> {
    for session in sessions::list_beyond(tx, user, kept).await? {
        refresh_tokens::revoke_family(tx, session).await?;
    }
    Ok(())
}
