//! One guess at a password: whether it counts, and what is remembered of it.

use crate::{
    domain::lockout::{Decision, Lockout},
    error::Error,
    store::failures::{self, Subject},
};
use contracts::{
    auth::{UserLocked, UserUnlocked},
    ids::UserId,
};
use platform::db::Tx;

/// Decides on a guess and remembers what follows from it, in the unit that acts on the decision: so a thousand guesses at
/// once get no further than a thousand one after the other. `user` is told of when a lock begins or ends.
pub async fn judge(tx: &mut Tx, policy: Lockout, subject: Subject, user: Option<UserId>, right: bool) -> Result<Decision, Error> {
    let known = failures::lock(tx, subject).await?;
    let decision = policy.decide(known, right, tx.now());
    let locks = match &decision {
        Decision::Blocked { .. } => return Ok(decision),
        Decision::Admitted => {
            if known.is_some() {
                failures::forget(tx, subject).await?;
            }
            false
        }
        Decision::Failed(failures) => {
            failures::save(tx, subject, user, failures).await?;
            failures.locked_until.is_some()
        }
    };
    if let Some(user_id) = user {
        // The worker had not come to say that the former lock is over.
        if known.is_some_and(|failures| failures.locked_until.is_some()) {
            tx.emit(UserUnlocked { user_id, unlocked_by: None });
        }
        if locks {
            tx.emit(UserLocked { user_id, locked_by: None });
            tx.wake(crate::workers::UNLOCK);
        }
    }
    Ok(decision)
}
