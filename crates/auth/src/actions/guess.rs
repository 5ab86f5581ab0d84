//! One guess at a password: whether it counts, and what is remembered of it.

use crate::{
    domain::lockout::{self, Decision, Failures, Lockout},
    error::Error,
    store::failures::{self, Subject},
};
use contracts::{
    auth::{UserLocked, UserUnlocked},
    ids::UserId,
    text::Email,
};
use platform::{db::Tx, http::Network};

/// Decides on a guess and remembers what follows from it, in the unit that acts on the decision: so a thousand guesses at
/// once get no further than a thousand one after the other.
pub async fn judge(tx: &mut Tx, policy: Lockout, subject: Subject, right: bool) -> Result<Decision, Error> {
    decide(tx, policy, subject, None, false, right).await
}

async fn decide(
    tx: &mut Tx,
    policy: Lockout,
    subject: Subject,
    user: Option<UserId>,
    besieged: bool,
    right: bool,
) -> Result<Decision, Error> {
    let known = failures::lock(tx, subject).await?;
    let decision = policy.decide(known, besieged, right, tx.now());
    match &decision {
        // The end of a lock is announced once, for the account as a whole.
        Decision::Held(failures) | Decision::Failed(failures) => {
            failures::save(tx, subject, user, &Failures { locked_until: None, ..*failures }).await?;
        }
        Decision::Admitted if known.is_some() => failures::forget(tx, subject).await?,
        Decision::Admitted | Decision::Blocked { .. } => {}
    }
    Ok(decision)
}

/// The same for a guess at the password of a login from `network`, which is counted for the account as a whole too.
/// `user`, where there is one, is told of when a lock begins or ends.
pub async fn judge_login(
    tx: &mut Tx,
    policy: Lockout,
    email: &Email,
    network: Network,
    user: Option<UserId>,
    right: bool,
) -> Result<Decision, Error> {
    let subject = Subject::login(email);
    let account = failures::lock(tx, subject).await?;
    let besieged = policy.is_besieged(account, tx.now());
    let decision = decide(tx, policy, Subject::login_from(email, network), user, besieged, right).await?;
    match (&decision, account) {
        (Decision::Blocked { .. } | Decision::Held(_), _) | (Decision::Admitted, None) => {}
        (Decision::Admitted, Some(failures)) => {
            failures::forget(tx, subject).await?;
            if let Some(user_id) = user.filter(|_| failures.locked_until.is_some()) {
                tx.emit(UserUnlocked { user_id, unlocked_by: None });
            }
        }
        (Decision::Failed(latest), _) => {
            let tally = lockout::tally(account, latest);
            failures::save(tx, subject, user, &tally).await?;
            if let Some(user_id) = user {
                tell(tx, user_id, account, &tally);
            }
        }
    }
    Ok(decision)
}

/// Tells of a lock that is over, when the worker had not come to say so, and of one that begins. While one network is
/// locked out, another makes no second lock of the account.
fn tell(tx: &mut Tx, user_id: UserId, before: Option<Failures>, after: &Failures) {
    let known = before.and_then(|failures| failures.locked_until);
    let standing = known.filter(|until| *until > tx.now());
    if known.is_some() && standing.is_none() {
        tx.emit(UserUnlocked { user_id, unlocked_by: None });
    }
    if after.locked_until.is_some() && standing.is_none() {
        tx.emit(UserLocked { user_id, locked_by: None });
        tx.notify_worker(crate::workers::UNLOCK);
    }
}
