//! Rows of pictures, and which products show them.

use contracts::{
    catalog::PictureFormat,
    ids::{PictureId, ProductId, UserId},
    time::Timestamp,
};
use platform::{
    db::{Error, Select, Tx},
    due::DueQueue,
    params,
};

/// A picture that is stored, or about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPicture {
    pub picture_id: PictureId,
    /// `None` for the shop's own.
    pub seller_id: Option<UserId>,
    pub format: PictureFormat,
    /// Width and height in pixels.
    pub small: Pixels,
    pub medium: Pixels,
    pub large: Pixels,
    /// All sizes together.
    pub bytes: i64,
    pub created_at: Timestamp,
    /// When it is removed unless a product shows it.
    pub due_at: Option<Timestamp>,
    /// Its files are being deleted.
    pub is_removing: bool,
}

/// The extent of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
}

platform::table! {
    /// Pictures.
    pub Pictures in "pictures" of StoredPicture, key [picture_id];
    columns { picture_id, due_at, is_removing }
    insert_only {
        seller_id, format, small: Pixels { width = small_width, height = small_height },
        medium: Pixels { width = medium_width, height = medium_height },
        large: Pixels { width = large_width, height = large_height }, bytes, created_at,
    }
}

/// The pictures that no product shows, by the time of their removal.
pub const REMOVALS: DueQueue<PictureId> = DueQueue::new("pictures", "picture_id").failed_attempts("failed_attempts");

/// Returns the picture and locks its row.
pub async fn lock_picture(tx: &mut Tx, id: PictureId) -> Result<Option<StoredPicture>, Error> {
    tx.lock::<Pictures>("picture_id = $1", params![id]).await
}

/// Inserts a picture; `false` when there is one with its id.
pub async fn insert_picture(tx: &mut Tx, picture: &StoredPicture) -> Result<bool, Error> {
    tx.insert_if_absent::<Pictures>(picture, "(picture_id)").await
}

/// Updates when it is removed, and whether it is being removed.
pub async fn save_picture(tx: &mut Tx, picture: &StoredPicture) -> Result<(), Error> {
    tx.update::<Pictures>(picture).await.map(|_| ())
}

/// Deletes the row of a picture whose files are gone.
pub async fn delete_removed_picture(tx: &mut Tx, id: PictureId) -> Result<(), Error> {
    tx.execute("DELETE FROM pictures WHERE picture_id = $1 AND is_removing", params![id]).await.map(|_| ())
}

/// Counts the pictures of a seller, with those that wait for their removal, up to `limit`.
pub async fn count_pictures(tx: &mut Tx, seller: Option<UserId>, limit: usize) -> Result<usize, Error> {
    let found = Select::from("SELECT picture_id FROM pictures");
    let of_seller = match seller {
        Some(seller) => found.filter("seller_id = ?", seller),
        None => found.filter_literal("seller_id IS NULL"),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(of_seller.limit("seller_id", limit).rows(tx, |row| row.next::<PictureId>()).await?.len())
}

/// Returns the pictures that a product shows.
pub async fn list_pictures_of(tx: &mut Tx, product: ProductId) -> Result<Vec<StoredPicture>, Error> {
    tx.list::<Pictures>("WHERE picture_id IN (SELECT picture_id FROM product_pictures WHERE product_id = $1)", params![product]).await
}

/// Whether a product shows the picture.
pub async fn is_shown(tx: &mut Tx, picture: PictureId) -> Result<bool, Error> {
    let found = "SELECT product_id FROM product_pictures WHERE picture_id = $1 LIMIT 1";
    Ok(tx.query_opt(found, params![picture], |row| row.next::<ProductId>()).await?.is_some())
}

/// Notes that a product shows a picture.
pub async fn show_picture(tx: &mut Tx, product: ProductId, picture: PictureId) -> Result<(), Error> {
    let sql = "INSERT INTO product_pictures (product_id, picture_id) VALUES ($1, $2) ON CONFLICT (product_id, picture_id) DO NOTHING";
    tx.execute(sql, params![product, picture]).await.map(|_| ())
}

/// Notes that a product does not show a picture any more.
pub async fn hide_picture(tx: &mut Tx, product: ProductId, picture: PictureId) -> Result<(), Error> {
    tx.execute("DELETE FROM product_pictures WHERE product_id = $1 AND picture_id = $2", params![product, picture]).await.map(|_| ())
}

/// Returns the pictures after `after` that products show, in the order of their ids.
pub async fn list_shown(tx: &mut Tx, after: Option<PictureId>, rows: i64) -> Result<Vec<StoredPicture>, Error> {
    let shown = Select::of::<Pictures>().filter_literal("due_at IS NULL").filter_some("picture_id > ?", after);
    shown.limit("picture_id", rows).list(tx).await
}
