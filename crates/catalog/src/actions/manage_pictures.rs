//! Adds, orders and removes pictures of products.
//!
//! The row of a picture is written before its files, and names them until they are gone, so a crash leaves no file that nothing
//! knows. A picture that no product shows has an instant at which a worker removes it.

use super::manage_products::lock;
use crate::{
    Error,
    domain::product::{self, etag},
    store::{self, StoredPicture},
};
use contracts::{
    catalog::{ArrangeImages, Picture, PictureFormat, PictureName, Product, ProductUpdated},
    ids::{PictureId, ProductId, UserId},
};
use platform::{
    db::{Db, Tx},
    http::{Created, Idempotent, IfMatch, Json, MaybeIdempotencyKey, Problem, Tagged},
};
use std::{collections::HashSet, time::Duration};

/// How long a picture is kept that its product does not show any more. Orders and mails may still show it.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long an upload may take between its first and its last transaction, with much to spare.
const UPLOAD: Duration = Duration::from_secs(3_600);

/// Checks that the caller may add a picture to the product. Returns the seller of the product.
///
/// # Errors
/// `NOT_FOUND` also when `owner` is given and another user owns the product, `ILLEGAL_TRANSITION` for an archived
/// product, `TOO_MANY_IMAGES`.
pub async fn check_room(db: &Db, owner: Option<UserId>, id: ProductId) -> Result<Option<UserId>, Error> {
    db.read(async move |tx| {
        let found = store::find_product(tx, id).await?.filter(|product| owner.is_none() || product.seller_id == owner);
        let product = found.ok_or(Error::NotFound("product"))?;
        product::check_room(&product)?;
        Ok(product.seller_id)
    })
    .await
}

/// Notes that the files of a picture are about to be stored.
///
/// # Errors
/// [`Error::PictureIsRemoved`] while its files are being deleted, [`Error::TooManyImages`] when its seller has `limit` already.
pub async fn begin_picture(db: &Db, picture: StoredPicture, limit: usize) -> Result<(), Error> {
    db.write(async move |tx| {
        let until = tx.now().after(UPLOAD);
        if let Some(mut known) = store::lock_picture(tx, picture.picture_id).await? {
            if known.is_removing {
                return Err(Error::PictureIsRemoved);
            }
            known.due_at = known.due_at.map(|due_at| due_at.max(until));
            return Ok(store::save_picture(tx, &known).await?);
        }
        if store::count_pictures(tx, picture.seller_id, limit).await? >= limit {
            return Err(Error::TooManyImages);
        }
        let picture = StoredPicture { created_at: tx.now(), due_at: Some(until), ..picture.clone() };
        store::insert_picture(tx, &picture).await?;
        Ok(())
    })
    .await
}

/// Adds a picture whose files are stored to the product. Emits `ProductUpdated`, unless the product has the picture already.
///
/// # Errors
/// As [`check_room`] and [`begin_picture`], and `PRECONDITION_FAILED`.
pub async fn add_picture(
    db: &Db,
    owner: Option<UserId>,
    id: ProductId,
    picture: Picture,
    if_match: IfMatch,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Created<Picture>>, Problem> {
    db.write(async move |tx| {
        let (picture, if_match) = (picture.clone(), if_match.clone());
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut product = lock(tx, owner, id, &if_match).await?;
            let version = product.version;
            product::add_image(&mut product, picture.url.clone(), tx.now())?;
            let PictureName { picture_id, .. } = PictureName::of_url(&picture.url).ok_or(Error::NotFound("picture"))?;
            if !show(tx, &product, picture_id).await? {
                return Err(Error::PictureIsRemoved);
            }
            if product.version != version {
                store::save_product(tx, &product).await?;
                tx.emit(ProductUpdated { product_id: id, product });
            }
            let location = picture.url.strip_prefix(platform::http::BASE).unwrap_or(&picture.url).to_owned();
            Ok(Created::at(location, picture))
        })
        .await
    })
    .await
}

/// Orders the pictures of a product, and removes those that are left out. Emits `ProductUpdated` when something changed.
///
/// # Errors
/// `NOT_FOUND` also when `owner` is given and another user owns the product, `PRECONDITION_FAILED`, `ILLEGAL_TRANSITION` for an
/// archived product, `INVALID_REQUEST` for pictures that the product does not have and for one that is named twice.
pub async fn arrange_images(
    db: &Db,
    owner: Option<UserId>,
    id: ProductId,
    if_match: IfMatch,
    body: ArrangeImages,
) -> Result<Tagged<Json<Product>>, Problem> {
    db.write(async move |tx| -> Result<_, Problem> {
        let mut product = lock(tx, owner, id, &if_match).await?;
        let images: Vec<String> = body.images.clone().into_vec().into_iter().map(|url| url.into_string()).collect();
        let faults = product::image_faults(&product, &images);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        if product::set_images(&mut product, images, tx.now())? {
            store::save_product(tx, &product).await?;
            sync_pictures(tx, &product).await?;
            tx.emit(ProductUpdated { product_id: id, product: product.clone() });
        }
        Ok(Tagged(etag(&product), Json(product)))
    })
    .await
}

/// Keeps the uploaded pictures that the product's `images` has, and lets go of the others. An address of a picture that is not
/// known, or of another seller, is kept as any other address.
pub async fn sync_pictures(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let wanted: HashSet<PictureId> = product.images.iter().filter_map(|url| PictureName::of_url(url)).map(|name| name.picture_id).collect();
    let shown: HashSet<PictureId> =
        store::list_pictures_of(tx, product.product_id).await?.into_iter().map(|picture| picture.picture_id).collect();
    // Pictures are locked in the order of their ids, so that two products cannot wait for each other.
    let mut changed: Vec<PictureId> = wanted.symmetric_difference(&shown).copied().collect();
    changed.sort_unstable();
    for id in changed {
        match wanted.contains(&id) {
            true => drop(show(tx, product, id).await?),
            false => hide(tx, product, id).await?,
        }
    }
    Ok(())
}

/// Returns whether the picture is there and the product can show it.
async fn show(tx: &mut Tx, product: &Product, id: PictureId) -> Result<bool, Error> {
    let found = store::lock_picture(tx, id).await?.filter(|found| !found.is_removing && found.seller_id == product.seller_id);
    let Some(picture) = found else { return Ok(false) };
    store::show_picture(tx, product.product_id, id).await?;
    store::save_picture(tx, &StoredPicture { due_at: None, ..picture }).await?;
    Ok(true)
}

async fn hide(tx: &mut Tx, product: &Product, id: PictureId) -> Result<(), Error> {
    let picture = store::lock_picture(tx, id).await?;
    store::hide_picture(tx, product.product_id, id).await?;
    if let Some(picture) = picture
        && !store::is_shown(tx, id).await?
    {
        let due_at = Some(tx.now().after(KEPT));
        store::save_picture(tx, &StoredPicture { due_at, ..picture }).await?;
    }
    Ok(())
}

/// Begins to remove a picture that is due. From then on no product can show it. Returns its format, or `None` when it stays.
pub async fn begin_removal(db: &Db, id: PictureId) -> Result<Option<PictureFormat>, Error> {
    db.write(async move |tx| {
        let now = tx.now();
        let due = store::lock_picture(tx, id).await?.filter(|picture| picture.due_at.is_some_and(|due_at| due_at <= now));
        let Some(picture) = due else { return Ok(None) };
        if store::is_shown(tx, id).await? {
            store::save_picture(tx, &StoredPicture { due_at: None, ..picture }).await?;
            return Ok(None);
        }
        let format = picture.format;
        store::save_picture(tx, &StoredPicture { is_removing: true, ..picture }).await?;
        Ok(Some(format))
    })
    .await
}

/// Forgets a picture whose files are gone.
pub async fn finish_removal(db: &Db, id: PictureId) -> Result<(), Error> {
    db.write(async move |tx| Ok(store::delete_removed_picture(tx, id).await?)).await
}
