//! One attempt with a password: whether it is accepted, and what is counted.

use crate::{
    domain::lockout::{self, AttemptCounter, Decision, Lockout},
    error::Error,
    store::attempts::{self, Subject},
    workers::EndLock,
};
use contracts::{
    auth::{UserLocked, UserUnlocked},
    ids::UserId,
    text::Email,
};
use platform::{db::Tx, due::DueWork as _, http::Network};

/// Decides on an attempt and stores the counter in the transaction that acts on the decision. A thousand concurrent
/// attempts therefore get no further than a thousand sequential ones.
pub async fn record_attempt(tx: &mut Tx, policy: Lockout, subject: Subject, right: bool) -> Result<Decision, Error> {
    decide_and_save(tx, policy, subject, None, false, right).await
}

async fn decide_and_save(
    tx: &mut Tx,
    policy: Lockout,
    subject: Subject,
    user: Option<UserId>,
    under_attack: bool,
    right: bool,
) -> Result<Decision, Error> {
    let known = attempts::lock(tx, subject).await?;
    let decision = policy.decide(known, under_attack, right, tx.now());
    match &decision {
        // The end of a lock is announced once, by the counter of the account.
        Decision::Delayed(counter) | Decision::Failed(counter) => {
            attempts::save(tx, subject, user, &AttemptCounter { locked_until: None, ..*counter }).await?;
        }
        Decision::Accepted => attempts::forget(tx, subject).await?,
        Decision::Blocked { .. } => {}
    }
    Ok(decision)
}

/// As [`record_attempt`], for a login from `network`, which also counts for the account as a whole. Emits the start and
/// the end of a lock for `user`.
pub async fn record_login_attempt(
    tx: &mut Tx,
    policy: Lockout,
    email: &Email,
    network: Network,
    user: Option<UserId>,
    right: bool,
) -> Result<Decision, Error> {
    let subject = Subject::login(email);
    let account = attempts::lock(tx, subject).await?;
    let under_attack = policy.is_under_attack(account, tx.now());
    let decision = decide_and_save(tx, policy, Subject::login_from(email, network), user, under_attack, right).await?;
    match (&decision, account) {
        (Decision::Blocked { .. } | Decision::Delayed(_), Some(_)) => {}
        (Decision::Blocked { .. } | Decision::Delayed(_) | Decision::Accepted, None) => attempts::forget(tx, subject).await?,
        (Decision::Accepted, Some(counter)) => {
            attempts::forget(tx, subject).await?;
            if let Some(user_id) = user.filter(|_| counter.locked_until.is_some()) {
                tx.emit(UserUnlocked { user_id, unlocked_by: None });
            }
        }
        (Decision::Failed(latest), _) => {
            let counter = lockout::count_failure(account, latest);
            attempts::save(tx, subject, user, &counter).await?;
            if let Some(user_id) = user {
                emit_lock_changes(tx, user_id, account, &counter);
            }
        }
    }
    Ok(decision)
}

/// Emits the end of an expired lock that the worker has not announced yet, and the start of a new one. While one
/// network is locked out, another one starts no second lock of the account.
fn emit_lock_changes(tx: &mut Tx, user_id: UserId, before: Option<AttemptCounter>, after: &AttemptCounter) {
    let known = before.and_then(|counter| counter.locked_until);
    let current = known.filter(|until| *until > tx.now());
    if known.is_some() && current.is_none() {
        tx.emit(UserUnlocked { user_id, unlocked_by: None });
    }
    if after.locked_until.is_some() && current.is_none() {
        tx.emit(UserLocked { user_id, locked_by: None });
        tx.notify_worker(EndLock::NAME);
    }
}
