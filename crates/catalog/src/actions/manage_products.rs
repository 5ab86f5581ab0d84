//! Creates, updates, activates, deactivates and archives products.

use crate::{
    Error,
    actions::sync_pictures,
    domain::product::{self, CategoryPath, MAX_VARIANTS, NewProductContext, etag},
    store,
};
use contracts::{
    catalog::{
        CreateProduct, ModerationFact, PriceChanged, Product, ProductActivated, ProductArchived, ProductBlocked, ProductCreated,
        ProductDeactivated, ProductFact, ProductUnblocked, ProductUpdated, UpdateProduct,
    },
    ids::{ProductId, UserId},
    problem::Fault,
};
use platform::{
    db::{self, Db, Tx},
    http::{Created, Idempotent, IfMatch, Json, MaybeIdempotencyKey, Problem, Tagged},
};

/// The columns by which the name of a product in another system is unique: among those of a seller, and of the shop.
const EXTERNAL_ID: [&str; 2] = ["products.external_id, products.seller_id", "products.external_id"];

/// Creates a product in DRAFT. It belongs to `seller_id`, or to the marketplace if that is `None`.
///
/// # Errors
/// `SKU_TAKEN`, `EXTERNAL_ID_TAKEN`, `UNKNOWN_CATEGORY`, `PRODUCT_GROUP_FULL`; `INVALID_REQUEST` for options that are not attributes and for a
/// group of another seller.
pub async fn create_product(
    db: &Db,
    seller_id: Option<UserId>,
    key: MaybeIdempotencyKey,
    body: CreateProduct,
) -> Result<Idempotent<Tagged<Created<Product>>>, Problem> {
    db.write(async move |tx| {
        let body = body.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let product = insert_new(tx, seller_id, body).await?;
            Ok(Tagged(etag(&product), Created::at(format!("/products/{}", product.product_id), product)))
        })
        .await
    })
    .await
}

/// Inserts a new product in DRAFT.
///
/// # Errors
/// Those of [`create_product`].
pub async fn insert_new(tx: &mut Tx, seller_id: Option<UserId>, body: CreateProduct) -> Result<Product, Error> {
    let path = match body.category_id {
        Some(id) => Some(store::lock_category_path(tx, id).await?.ok_or(Error::UnknownCategory("/categoryId"))?),
        None => None,
    };
    let product = product::draft(body, NewProductContext { product_id: tx.new_id(), seller_id, path, now: tx.now() })?;
    join_group(tx, &product).await?;
    if !store::insert_product(tx, &product).await.map_err(taken)? {
        return Err(Error::SkuTaken);
    }
    store::list_product(tx, product.product_id).await?;
    store::insert_price(tx, &product).await?;
    if !product.images.is_empty() {
        sync_pictures(tx, &product).await?;
    }
    tx.emit(ProductCreated { product_id: product.product_id, product: product.clone() });
    Ok(product)
}

/// Returns what is taken, by the columns of the constraint that a write violates.
pub(super) fn taken(error: db::Error) -> Error {
    match error {
        error if error.violates("products.sku") => Error::SkuTaken,
        error if EXTERNAL_ID.iter().any(|columns| error.violates(columns)) => Error::ExternalIdTaken,
        error => error.into(),
    }
}

/// Updates a product. Emits `PriceChanged` and records the price when the price changed, and `ProductUpdated` when
/// anything else changed. A body without any difference changes nothing.
///
/// # Errors
/// `NOT_FOUND` also when `owner` is given and another user owns the product, `PRECONDITION_FAILED`, `ILLEGAL_TRANSITION`
/// for what the status does not allow, and the errors of [`create_product`].
pub async fn update_product(
    db: &Db,
    owner: Option<UserId>,
    id: ProductId,
    if_match: IfMatch,
    body: UpdateProduct,
) -> Result<Tagged<Json<Product>>, Problem> {
    db.write(async move |tx| -> Result<_, Error> {
        // The tree is locked before the product, as everywhere.
        let path = match body.category_id.0 {
            Some(id) => Some(store::lock_category_path(tx, id).await?),
            None => None,
        };
        let mut product = lock(tx, owner, id, &if_match).await?;
        let path = path.map(|found| found.ok_or(Error::UnknownCategory("/categoryId"))).transpose()?;
        apply_update(tx, &mut product, body.clone(), path).await?;
        Ok(Tagged(etag(&product), Json(product)))
    })
    .await
    .map_err(Problem::from)
}

/// Changes a product whose row is locked, and its prices and listing with it. Without a difference nothing is written.
///
/// # Errors
/// Those of [`update_product`].
pub async fn apply_update(tx: &mut Tx, product: &mut Product, body: UpdateProduct, path: Option<CategoryPath>) -> Result<(), Error> {
    let id = product.product_id;
    let images = product.images.clone();
    let changed = product::revise(product, body, path, tx.now())?;
    if changed.is_empty() {
        return Ok(());
    }
    if changed.joined {
        join_group(tx, product).await?;
    }
    store::save_product(tx, product).await.map_err(taken)?;
    if product.images != images {
        sync_pictures(tx, product).await?;
    }
    if changed.moved {
        store::relist_product(tx, id).await?;
    }
    if changed.content {
        tx.emit(ProductUpdated { product_id: id, product: product.clone() });
    }
    if let Some((old_price_amount, old_currency)) = changed.old_price {
        store::insert_price(tx, product).await?;
        tx.emit(PriceChanged { product_id: id, product: product.clone(), old_price_amount, old_currency });
    }
    Ok(())
}

/// Activates, deactivates or archives a product.
///
/// # Errors
/// `NOT_FOUND` also when `owner` is given and another user owns the product, `PRECONDITION_FAILED`,
/// `ILLEGAL_TRANSITION`, `PRODUCT_INCOMPLETE`.
pub async fn advance_product(
    db: &Db,
    owner: Option<UserId>,
    id: ProductId,
    fact: ProductFact,
    if_match: IfMatch,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Tagged<Json<Product>>>, Problem> {
    db.write(async move |tx| {
        let if_match = if_match.clone();
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut product = lock(tx, owner, id, &if_match).await?;
            product::advance(&mut product, fact, tx.now())?;
            store::save_product(tx, &product).await?;
            store::relist_product(tx, id).await?;
            emit_status_event(tx, fact, &product);
            Ok(Tagged(etag(&product), Json(product)))
        })
        .await
    })
    .await
}

/// Blocks a product with a reason, or lifts the block. Its status stays what its seller chose.
///
/// # Errors
/// `NOT_FOUND`, `PRECONDITION_FAILED`, `ILLEGAL_TRANSITION`.
pub async fn moderate_product(
    db: &Db,
    id: ProductId,
    fact: ModerationFact,
    reason: Option<String>,
    if_match: IfMatch,
    key: MaybeIdempotencyKey,
) -> Result<Idempotent<Tagged<Json<Product>>>, Problem> {
    db.write(async move |tx| {
        let (if_match, reason) = (if_match.clone(), reason.clone());
        key.once(tx, async move |tx| -> Result<_, Error> {
            let mut product = lock(tx, None, id, &if_match).await?;
            product::moderate(&mut product, fact, reason, tx.now())?;
            store::save_product(tx, &product).await?;
            let (product_id, event) = (product.product_id, product.clone());
            match fact {
                ModerationFact::Blocked => tx.emit(ProductBlocked { product_id, product: event }),
                ModerationFact::Unblocked => tx.emit(ProductUnblocked { product_id, product: event }),
            }
            Ok(Tagged(etag(&product), Json(product)))
        })
        .await
    })
    .await
}

/// Emits the event of a status change.
pub fn emit_status_event(tx: &mut Tx, fact: ProductFact, product: &Product) {
    let (product_id, product) = (product.product_id, product.clone());
    match fact {
        ProductFact::Activated => tx.emit(ProductActivated { product_id, product }),
        ProductFact::Deactivated => tx.emit(ProductDeactivated { product_id, product }),
        ProductFact::Archived => tx.emit(ProductArchived { product_id, product }),
    }
}

/// Checks that the product may join the group it names, before the product is written. The first product creates the group
/// for its seller.
pub async fn join_group(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let Some(group) = product.product_group_id else { return Ok(()) };
    if store::lock_group(tx, group, product.seller_id).await? != product.seller_id {
        let fault = Fault::at("/productGroupId", "NOT_YOURS", "is the group of another seller; choose a UUID of your own");
        return Err(Error::Invalid(fault));
    }
    match store::count_variants(tx, group).await? {
        full if full >= MAX_VARIANTS => Err(Error::GroupFull),
        _ => Ok(()),
    }
}

pub(super) async fn lock(tx: &mut Tx, owner: Option<UserId>, id: ProductId, if_match: &IfMatch) -> Result<Product, Error> {
    let product = store::lock_product(tx, owner, id).await?.ok_or(Error::NotFound("product"))?;
    if_match.check(&etag(&product)).map_err(Error::Stale)?;
    Ok(product)
}
