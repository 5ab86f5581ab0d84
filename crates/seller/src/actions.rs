//! What can be done: one transaction each. The password is checked before the transaction.

use crate::{
    App, Error,
    domain::{Record, seller_updated},
    store,
};
use contracts::{
    auth::{CHECK_PASSWORD, CheckPassword, PasswordVerdict},
    body::UpdateIntegratorData,
    ids::UserId,
    problem::Fault,
    secret::{PayoutAccount, Secret},
    seller::{
        ApplySeller, DecideSeller, PayoutDetails, Seller, SellerApplied, SellerApproved, SellerFact, SellerPayoutAccountChanged,
        SellerReinstated, SellerRejected, SellerReviewStarted, SellerSuspended, UpdateSeller,
    },
};
use platform::{
    db::{Db, Tx},
    encryption,
    http::{Created, Idempotent, IfMatch, Json, MaybeIdempotencyKey, Problem, Tagged},
    master_key::MasterKey,
};
use std::time::Duration;

/// The purpose from which the key of payout accounts is derived. It never changes.
const PAYOUT_ACCOUNT_ENCRYPTION: &str = "seller:payout-account";

/// Makes a record in APPLIED.
///
/// # Errors
/// `SELLER_EXISTS` when the user has a record, whatever its status.
pub async fn apply(
    app: &App,
    user: UserId,
    key: MaybeIdempotencyKey,
    body: ApplySeller,
) -> Result<Idempotent<Tagged<Created<Seller>>>, Problem> {
    let encryption_key = encryption_key(&app.ctx.master_key);
    app.ctx
        .db
        .write(async move |tx| {
            key.once(tx, async |tx| -> Result<_, Error> {
                let record = insert_application(tx, user, body.clone(), &encryption_key).await?;
                Ok(Tagged(record.etag(), Created::at("/sellers/me", record.into_view(tx.now()))))
            })
            .await
        })
        .await
}

/// Inserts the record of an application and announces it.
///
/// # Errors
/// [`Error::Exists`].
pub async fn insert_application(tx: &mut Tx, user: UserId, body: ApplySeller, encryption_key: &[u8; 32]) -> Result<Record, Error> {
    let account = body.payout_account.clone();
    let mut record = Record::apply(user, body, tx.now());
    set_payout_account(tx, &mut record, &account, encryption_key);
    if !store::insert(tx, &mut record).await? {
        return Err(Error::Exists);
    }
    emit(tx, &record.seller, SellerFact::Reapplied, None);
    Ok(record)
}

/// Applies again after a rejection, with the data of the record.
///
/// # Errors
/// [`Error::NotFound`] without a record, [`Error::Illegal`] unless it is REJECTED.
pub async fn reapply(app: &App, user: UserId, key: MaybeIdempotencyKey) -> Result<Idempotent<Tagged<Json<Seller>>>, Problem> {
    advance(&app.ctx.db, user, SellerFact::Reapplied, None, None, key).await
}

/// Takes a decision of an administrator.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Illegal`] when the status does not allow it.
pub async fn decide(
    app: &App,
    admin: UserId,
    seller: UserId,
    fact: SellerFact,
    key: MaybeIdempotencyKey,
    body: DecideSeller,
) -> Result<Idempotent<Tagged<Json<Seller>>>, Problem> {
    advance(&app.ctx.db, seller, fact, body.reason.map(|reason| reason.into_string()), Some(admin), key).await
}

async fn advance(
    db: &Db,
    seller: UserId,
    fact: SellerFact,
    reason: Option<String>,
    admin: Option<UserId>,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Tagged<Json<Seller>>>, Problem> {
    db.write(async move |tx| {
        key.once(tx, async |tx| -> Result<_, Error> {
            let mut record = store::lock(tx, seller).await?.ok_or(Error::NotFound)?;
            advance_record(tx, &mut record, fact, reason.clone(), admin).await?;
            Ok(Tagged(record.etag(), Json(record.into_view(tx.now()))))
        })
        .await
    })
    .await
}

/// Takes a transition of a locked record and announces it.
///
/// # Errors
/// [`Error::Illegal`].
pub async fn advance_record(
    tx: &mut Tx,
    record: &mut Record,
    fact: SellerFact,
    reason: Option<String>,
    admin: Option<UserId>,
) -> Result<(), Error> {
    record.advance(fact, reason, tx.now())?;
    store::save(tx, record).await?;
    emit(tx, &record.seller, fact, admin);
    Ok(())
}

/// Closes the shop of a seller who is erased. What the seller offered is off sale, as after a suspension.
pub fn close(tx: &mut Tx, record: &mut Record) {
    if record.advance(SellerFact::Suspended, None, tx.now()).is_ok() {
        emit(tx, &record.seller, SellerFact::Suspended, None);
    }
    record.erase(tx.now());
}

/// Emits the event of a transition.
fn emit(tx: &mut Tx, seller: &Seller, fact: SellerFact, admin: Option<UserId>) {
    let Seller { seller_id, shop_name, slug, reason, .. } = seller.clone();
    match fact {
        SellerFact::Reapplied => tx.emit(SellerApplied { seller_id, shop_name, slug }),
        SellerFact::ReviewStarted => tx.emit(SellerReviewStarted { seller_id, reviewed_by: admin }),
        SellerFact::Approved => tx.emit(SellerApproved { seller_id, shop_name, slug, approved_by: admin }),
        SellerFact::Rejected => tx.emit(SellerRejected { seller_id, reason, rejected_by: admin }),
        SellerFact::Suspended => tx.emit(SellerSuspended { seller_id, reason, suspended_by: admin }),
        SellerFact::Reinstated => tx.emit(SellerReinstated { seller_id, reinstated_by: admin }),
    }
}

/// Makes the APPROVED record of an account that sold before there were records. An application of the same user is approved.
/// Repeating it changes nothing.
///
/// # Errors
/// The database's.
pub async fn ensure_existing(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    let mut record = Record::existing(user, tx.now());
    if store::insert(tx, &mut record).await? {
        emit(tx, &record.seller, SellerFact::Approved, None);
        return Ok(());
    }
    let mut record = store::lock(tx, user).await?.ok_or(Error::NotFound)?;
    // The user may have been rejected meanwhile, which ends with the same right as before.
    if record.seller.status == contracts::seller::SellerStatus::Rejected {
        advance_record(tx, &mut record, SellerFact::Reapplied, None, None).await?;
    }
    match advance_record(tx, &mut record, SellerFact::Approved, None, None).await {
        Err(Error::Illegal(_)) => Ok(()),
        other => other,
    }
}

/// Changes the caller's record. Without a difference the version stays.
///
/// # Errors
/// [`Error::NotFound`] without a record; [`Error::Invalid`] for a payout account without the password; [`Error::WrongPassword`],
/// [`Error::TooManyAttempts`], [`Error::AccountLocked`], [`Error::Auth`]; [`Error::Stale`].
pub async fn update(app: &App, user: UserId, if_match: IfMatch, body: UpdateSeller) -> Result<Tagged<Json<Seller>>, Error> {
    match &body.current_password {
        Some(password) => check_password(app, user, password).await?,
        None if !body.payout_account.is_absent() => {
            let fault = Fault::at("/currentPassword", "REQUIRED", "must be given with another payout account");
            return Err(Error::Invalid(vec![fault]));
        }
        None => {}
    }
    let (encryption_key, hold) = (encryption_key(&app.ctx.master_key), app.settings.payout_hold());
    app.ctx
        .db
        .write(async move |tx| {
            let mut record = store::lock(tx, user).await?.ok_or(Error::NotFound)?;
            if_match.check(&record.etag()).map_err(Error::Stale)?;
            let is_revised = record.revise(body.clone(), tx.now());
            let is_moved = match &body.payout_account.0 {
                Some(account) => move_payouts(tx, &mut record, account, &encryption_key, hold),
                None => false,
            };
            if is_revised || is_moved {
                store::save(tx, &record).await?;
            }
            if is_revised {
                tx.emit(seller_updated(&record.seller));
            }
            Ok(Tagged(record.etag(), Json(record.into_view(tx.now()))))
        })
        .await
}

/// Changes what integrators saved with a seller. Without a difference the version stays.
///
/// # Errors
/// [`Error::NotFound`] without a record, [`Error::Stale`].
pub async fn update_integrator_data(
    app: &App,
    seller: UserId,
    if_match: IfMatch,
    changes: UpdateIntegratorData,
) -> Result<Tagged<Json<Seller>>, Error> {
    let UpdateIntegratorData { external_id, metadata } = changes;
    let body = UpdateSeller { external_id, metadata, ..UpdateSeller::default() };
    app.ctx
        .db
        .write(async move |tx| {
            let mut record = store::lock(tx, seller).await?.ok_or(Error::NotFound)?;
            if_match.check(&record.etag()).map_err(Error::Stale)?;
            if record.revise(body.clone(), tx.now()) {
                store::save(tx, &record).await?;
            }
            Ok(Tagged(record.etag(), Json(record.into_view(tx.now()))))
        })
        .await
}

/// Replaces the payout account of a record and holds the payouts. Returns `false` and changes nothing when it is the same one.
fn move_payouts(tx: &mut Tx, record: &mut Record, account: &PayoutAccount, encryption_key: &[u8; 32], hold: Duration) -> bool {
    if payout_account(record, encryption_key).as_ref() == Some(account) {
        return false;
    }
    let payouts_held_until = tx.now().after(hold);
    set_payout_account(tx, record, account, encryption_key);
    record.seller.payouts_held_until = Some(payouts_held_until);
    record.touch(tx.now());
    tx.emit(SellerPayoutAccountChanged { seller_id: record.seller.seller_id, payouts_held_until });
    true
}

/// Asks auth whether this is the password of the user. A wrong one is counted there.
async fn check_password(app: &App, user: UserId, password: &Secret) -> Result<(), Error> {
    let body = CheckPassword { password: password.clone() };
    let check = app.ctx.client.call(&CHECK_PASSWORD).path(&[&user]).body(&body).send().await.map_err(Error::Auth)?;
    match check.verdict {
        PasswordVerdict::Right => Ok(()),
        PasswordVerdict::Wrong => Err(Error::WrongPassword),
        PasswordVerdict::Blocked => Err(Error::TooManyAttempts(Duration::from_secs(check.retry_after_seconds.unwrap_or(1)))),
        PasswordVerdict::Locked => Err(Error::AccountLocked),
    }
}

/// Returns where the money of a seller is paid out.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_payout_details(app: &App, seller: UserId) -> Result<PayoutDetails, Error> {
    let encryption_key = encryption_key(&app.ctx.master_key);
    app.ctx
        .db
        .read(async move |tx| {
            let record = store::find(tx, seller).await?.ok_or(Error::NotFound)?;
            let payout_account = payout_account(&record, &encryption_key);
            let Seller { seller_id, status, payouts_held_until, .. } = record.into_view(tx.now());
            Ok(PayoutDetails { seller_id, status, payout_account, payouts_held_until })
        })
        .await
}

/// Returns the key of payout accounts.
pub fn encryption_key(master_key: &MasterKey) -> [u8; 32] {
    master_key.key_for(PAYOUT_ACCOUNT_ENCRYPTION)
}

fn set_payout_account(tx: &Tx, record: &mut Record, account: &PayoutAccount, encryption_key: &[u8; 32]) {
    record.encrypted_payout_account = Some(encryption::encrypt(encryption_key, tx.random_bytes(), account.reveal().as_bytes()));
    record.seller.payout_account = Some(account.masked());
}

/// Returns the payout account in clear. One that cannot be decrypted counts as none, which holds payouts, and is logged.
fn payout_account(record: &Record, encryption_key: &[u8; 32]) -> Option<PayoutAccount> {
    let encrypted = record.encrypted_payout_account.as_deref()?;
    let account = encryption::decrypt(encryption_key, encrypted)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| PayoutAccount::parse(text).ok());
    if account.is_none() {
        tracing::error!(seller_id = %record.seller.seller_id, "a payout account cannot be decrypted: the master key is another one");
    }
    account
}
