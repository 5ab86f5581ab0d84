//! The only SQL of this service.

pub mod personal;

use crate::domain::{Record, numbered};
use contracts::{
    column::JsonText,
    ids::UserId,
    review::Rating,
    seller::{Seller, SellerRef, SellerStatus},
    text::ExternalId,
};
use platform::{
    db::{Error, Select, Tx},
    params,
};

platform::table! {
    Sellers in "sellers" of Record, key [seller_id];
    columns {
        version,
        seller: Seller {
            seller_id, status, reason, shop_name, slug, legal_name, country, contact_email, description,
            payout_account = masked_payout_account, payouts_held_until,
            rating: Rating { average_hundredths = rating_average_hundredths, count = rating_count },
            external_id, metadata as JsonText, applied_at, approved_at, updated_at,
        },
        encrypted_payout_account = sealed_payout_account,
    }
}

/// Slugs that are tried in order, before a number is drawn.
const NUMBERED: u64 = 9;

/// Inserts a record under a slug that is free. Returns `false` and changes nothing when the user has a record.
pub async fn insert(tx: &mut Tx, record: &mut Record) -> Result<bool, Error> {
    let base = record.seller.slug.clone();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let drawn = u64::from(u32::from_be_bytes(tx.random_bytes()));
        record.seller.slug = numbered(&base, if attempt <= NUMBERED { attempt } else { NUMBERED + 1 + drawn });
        // No target: the row may be refused for its id as well.
        if tx.insert_if_absent::<Sellers>(record, "").await? {
            return Ok(true);
        }
        if find(tx, record.seller.seller_id).await?.is_some() {
            return Ok(false);
        }
    }
}

pub async fn find(tx: &mut Tx, seller: UserId) -> Result<Option<Record>, Error> {
    tx.find::<Sellers>("seller_id = $1", params![seller]).await
}

/// As [`find`], with the row locked until the commit.
pub async fn lock(tx: &mut Tx, seller: UserId) -> Result<Option<Record>, Error> {
    tx.lock::<Sellers>("seller_id = $1", params![seller]).await
}

pub async fn find_named(tx: &mut Tx, named: &SellerRef) -> Result<Option<Record>, Error> {
    match named {
        SellerRef::Id(id) => find(tx, *id).await,
        SellerRef::Slug(slug) => tx.find::<Sellers>("slug = $1", params![*slug]).await,
    }
}

pub async fn save(tx: &mut Tx, record: &Record) -> Result<(), Error> {
    tx.update::<Sellers>(record).await.map(|_| ())
}

/// Returns the records below `after`, the newest account first.
pub async fn list(
    tx: &mut Tx,
    status: Option<SellerStatus>,
    external_id: Option<ExternalId>,
    after: Option<UserId>,
    rows: i64,
) -> Result<Vec<Record>, Error> {
    let select = Select::of::<Sellers>().filter_some("status = ?", status).filter_some("external_id = ?", external_id);
    select.filter_some("seller_id < ?", after).limit("seller_id DESC", rows).list(tx).await
}

/// Stores the rating of a seller. Without a record nothing changes.
pub async fn set_rating(tx: &mut Tx, seller: UserId, rating: Rating) -> Result<(), Error> {
    let sql = "UPDATE sellers SET rating_average_hundredths = $1, rating_count = $2 WHERE seller_id = $3";
    tx.execute(sql, params![rating.average_hundredths, rating.count, seller]).await.map(|_| ())
}
