//! The rules of a product: creation, update, status changes and its entity tag.

use crate::error::Error;
use contracts::{
    body::UpdateIntegratorData,
    catalog::{
        CategoryRef, CreateProduct, GroupOption, MAX_IMAGES, Moderation, ModerationFact, Product, ProductFact, ProductStatus, UpdateProduct,
    },
    ids::{CategoryId, ProductId, UserId},
    machine::Machine,
    money::Currency,
    problem::Fault,
    review::Rating,
    text::AttributeName,
    time::Timestamp,
};
use platform::http::ETag;

/// The largest number of variants in a group that are not archived. Inventory looks up as many in one call.
pub const MAX_VARIANTS: usize = 200;

/// A category with its path from the root.
#[derive(Debug, Clone)]
pub struct CategoryPath {
    pub category_id: CategoryId,
    pub path: Vec<CategoryRef>,
}

/// What a new product needs beside the request body.
pub struct NewProductContext {
    pub product_id: ProductId,
    pub seller_id: Option<UserId>,
    pub path: Option<CategoryPath>,
    pub now: Timestamp,
}

/// Returns a new product in DRAFT.
///
/// # Errors
/// [`Error::Invalid`] when an option is not an attribute of the product.
pub fn draft(body: CreateProduct, origin: NewProductContext) -> Result<Product, Error> {
    let NewProductContext { product_id, seller_id, path, now } = origin;
    let (category_id, category_path) = path.map_or((None, Vec::new()), |path| (Some(path.category_id), path.path));
    let product = Product {
        product_id,
        seller_id,
        sku: body.sku.into_string(),
        title: body.title.into_string(),
        description: body.description.map(|text| text.into_string()).unwrap_or_default(),
        category_id,
        category_path,
        brand: body.brand.map(|text| text.into_string()),
        status: ProductStatus::Draft,
        moderation: Moderation::default(),
        is_seller_suspended: false,
        price_amount: body.price_amount.get(),
        currency: body.currency,
        tax_class: body.tax_class,
        images: body.images.into_vec().into_iter().map(|url| url.into_string()).collect(),
        attributes: body.attributes.into_map(),
        product_group_id: body.product_group_id,
        options: names(body.options.into_vec()),
        external_id: body.external_id.map(|id| id.into_string()),
        metadata: body.metadata.into_map(),
        rating: Rating::default(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check_options(&product)?;
    Ok(product)
}

/// What an update changed. It decides what is stored and which events are emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductChange {
    /// The old price, if the price changed.
    pub old_price: Option<(i64, Currency)>,
    /// Whether anything other than the price changed.
    pub content: bool,
    /// Whether the category changed.
    pub moved: bool,
    /// Whether the product joined a group.
    pub joined: bool,
}

impl ProductChange {
    pub fn is_empty(&self) -> bool {
        self.old_price.is_none() && !self.content
    }
}

/// Applies an update. `path` belongs to the `categoryId` of `body`. Without a difference the version stays.
///
/// # Errors
/// [`Error::NotEditable`] for an archived product, and for the SKU of a product that was published; [`Error::Invalid`] for
/// a new currency without a price, and for options that are not attributes.
pub fn revise(product: &mut Product, body: UpdateProduct, path: Option<CategoryPath>, now: Timestamp) -> Result<ProductChange, Error> {
    if product.status.is_final() {
        return Err(Error::NotEditable { status: product.status, detail: "an archived product stays as it is" });
    }
    let before = product.clone();
    set(&mut product.sku, body.sku.0.map(|sku| sku.into_string()));
    if product.sku != before.sku && product.status != ProductStatus::Draft {
        return Err(Error::NotEditable { status: product.status, detail: "the SKU can be changed while the product is a draft" });
    }
    // A price is in minor units of its currency: 1999 EUR cents must not silently become 1999 yen.
    if body.price_amount.is_absent() && body.currency.0.is_some_and(|currency| currency != before.currency) {
        return Err(Error::Invalid(Fault::at("/priceAmount", "REQUIRED", "must be given with another currency")));
    }
    set(&mut product.price_amount, body.price_amount.0.map(|amount| amount.get()));
    set(&mut product.currency, body.currency.0);
    set(&mut product.tax_class, body.tax_class.0);
    set(&mut product.title, body.title.0.map(|text| text.into_string()));
    set(&mut product.description, body.description.0.map(|text| text.into_string()));
    set(&mut product.brand, body.brand.0.map(|brand| brand.map(|text| text.into_string())));
    set(&mut product.images, body.images.0.map(|images| images.into_vec().into_iter().map(|url| url.into_string()).collect()));
    set(&mut product.attributes, body.attributes.0.map(|attributes| attributes.into_map()));
    set(&mut product.product_group_id, body.product_group_id.0);
    let integrator_data = UpdateIntegratorData { external_id: body.external_id, metadata: body.metadata };
    integrator_data.apply(&mut product.external_id, &mut product.metadata);
    set(&mut product.options, body.options.0.map(|options| names(options.into_vec())));
    if let Some(path) = path {
        product.category_id = Some(path.category_id);
        product.category_path = path.path;
    }
    check_options(product)?;

    let price = (before.price_amount, before.currency);
    let changed = ProductChange {
        old_price: (price != (product.price_amount, product.currency)).then_some(price),
        content: before != Product { price_amount: before.price_amount, currency: before.currency, ..product.clone() },
        moved: product.category_id != before.category_id,
        joined: product.product_group_id.is_some() && product.product_group_id != before.product_group_id,
    };
    if !changed.is_empty() {
        touch(product, now);
    }
    Ok(changed)
}

/// Adds a picture behind the others. A picture that the product has already changes nothing.
///
/// # Errors
/// [`Error::NotEditable`] for an archived product, [`Error::TooManyImages`].
pub fn add_image(product: &mut Product, url: String, now: Timestamp) -> Result<(), Error> {
    check_room(product)?;
    if !product.images.contains(&url) {
        product.images.push(url);
        touch(product, now);
    }
    Ok(())
}

/// Replaces the pictures. Returns whether that changes something.
///
/// # Errors
/// [`Error::NotEditable`] for an archived product.
pub fn set_images(product: &mut Product, images: Vec<String>, now: Timestamp) -> Result<bool, Error> {
    if product.status.is_final() {
        return Err(Error::NotEditable { status: product.status, detail: "an archived product stays as it is" });
    }
    let changed = product.images != images;
    if changed {
        product.images = images;
        touch(product, now);
    }
    Ok(changed)
}

/// Checks that a picture can be added.
///
/// # Errors
/// As [`add_image`].
pub fn check_room(product: &Product) -> Result<(), Error> {
    if product.status.is_final() {
        return Err(Error::NotEditable { status: product.status, detail: "an archived product stays as it is" });
    }
    if product.images.len() >= MAX_IMAGES { Err(Error::TooManyImages) } else { Ok(()) }
}

/// Finds the faults of an order of the product's pictures: each stands once, and none is new.
pub fn image_faults(product: &Product, images: &[String]) -> Vec<Fault> {
    let fault = |(at, url): (usize, &String)| match images[..at].contains(url) {
        true => Some(Fault::at(format!("/images/{at}"), "DUPLICATE", "is named twice")),
        false if product.images.contains(url) => None,
        false => Some(Fault::at(format!("/images/{at}"), "UNKNOWN_IMAGE", "is not a picture of this product; upload it first")),
    };
    images.iter().enumerate().filter_map(fault).collect()
}

/// Changes the status according to the table in `contracts`.
///
/// # Errors
/// [`Error::Illegal`] when the table has no such row, [`Error::Incomplete`] when the product lacks a category.
pub fn advance(product: &mut Product, fact: ProductFact, now: Timestamp) -> Result<(), Error> {
    let status = product.status.transition(fact)?;
    // The types guarantee title and price, so only the category is checked.
    if fact == ProductFact::Activated && product.category_id.is_none() {
        return Err(Error::Incomplete("categoryId"));
    }
    product.status = status;
    touch(product, now);
    Ok(())
}

/// Changes the moderation according to the table in `contracts`. The reason is that of a block.
///
/// # Errors
/// [`Error::Moderated`] when the table has no such row.
pub fn moderate(product: &mut Product, fact: ModerationFact, reason: Option<String>, now: Timestamp) -> Result<(), Error> {
    product.moderation = Moderation { status: product.moderation.status.transition(fact)?, reason };
    touch(product, now);
    Ok(())
}

/// Returns the entity tag: the version, a hash of the category names and of the suspension of the seller, which change without the
/// version, and the rating, which
/// is no change that concerns the owner.
pub fn etag(product: &Product) -> ETag {
    let named = product.category_path.iter().flat_map(|category| [&category.category_id.0.as_bytes()[..], category.name.as_bytes()]);
    let suspended = product.is_seller_suspended.then_some(&b"suspended"[..]);
    let tag = ETag::of_version_beside(product.version, fnv1a(named.chain(suspended)));
    match product.rating {
        Rating { count: 0, .. } => tag,
        Rating { average_hundredths, count } => {
            tag.beside_others(fnv1a([&average_hundredths.to_be_bytes()[..], &count.to_be_bytes()[..]].into_iter()))
        }
    }
}

/// Returns the options that the variants name, each with its values in the order of the variants.
pub fn options_of(variants: &[Product]) -> Vec<GroupOption> {
    let mut options: Vec<GroupOption> = Vec::new();
    for name in variants.iter().flat_map(|variant| &variant.options) {
        if options.iter().all(|option| option.name != *name) {
            let mut values: Vec<String> = Vec::new();
            for value in variants.iter().filter_map(|variant| variant.attributes.get(name)) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            options.push(GroupOption { name: name.clone(), values });
        }
    }
    options
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn touch(product: &mut Product, now: Timestamp) {
    product.version += 1;
    product.updated_at = now;
}

fn names(options: Vec<AttributeName>) -> Vec<String> {
    options.into_iter().map(|name| name.into_string()).collect()
}

/// Checks that every option names an attribute of the product, and only once.
fn check_options(product: &Product) -> Result<(), Error> {
    let Product { options, attributes, .. } = product;
    for (at, name) in options.iter().enumerate() {
        let fault = |code, detail| Err(Error::Invalid(Fault::at(format!("/options/{at}"), code, detail)));
        if !attributes.contains_key(name) {
            return fault("UNKNOWN_ATTRIBUTE", "is not an attribute of this product");
        }
        if options[..at].contains(name) {
            return fault("DUPLICATE", "is named twice");
        }
    }
    Ok(())
}

/// FNV-1a over the parts. Each part ends with a byte that UTF-8 never contains.
fn fnv1a<'a>(parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    parts.fold(0xcbf2_9ce4_8422_2325, |hash, part| step(part.iter().fold(hash, step), &0xff))
}

#[cfg(test)]
#[path = "product_tests.rs"]
mod tests;
