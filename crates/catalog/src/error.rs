//! The errors of this service and their public codes.

use crate::picture_store::StoreError;
use contracts::{
    catalog::{ImportStatus, ModerationStatus, ProductStatus},
    machine::IllegalTransition,
    problem::{Code, Fault},
};
use platform::{client::CallError, db, http::Problem};

/// An error of this service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("the SKU is taken")]
    SkuTaken,
    #[error("another product of the seller has this externalId")]
    ExternalIdTaken,
    /// The product lacks this field.
    #[error("the product lacks {0}")]
    Incomplete(&'static str),
    #[error(transparent)]
    Illegal(#[from] IllegalTransition<ProductStatus>),
    #[error(transparent)]
    Moderated(#[from] IllegalTransition<ModerationStatus>),
    /// The product's status does not allow this change.
    #[error("a product in {status} cannot be changed so: {detail}")]
    NotEditable { status: ProductStatus, detail: &'static str },
    /// Values that contradict each other.
    #[error("the request is not valid at {}", .0.pointer.as_deref().unwrap_or("/"))]
    Invalid(Fault),
    /// Everything that is wrong with the request.
    #[error("the request has {} faults", .0.len())]
    Faults(Vec<Fault>),
    #[error("the product has as many pictures as can be")]
    TooManyImages,
    /// The picture is being deleted at the moment.
    #[error("the picture is being removed")]
    PictureIsRemoved,
    #[error("the product group is full")]
    GroupFull,
    /// The pointer names the field with the category.
    #[error("no such category at {0}")]
    UnknownCategory(&'static str),
    #[error("the category is in use by {0}")]
    CategoryInUse(&'static str),
    #[error("the category would be below itself")]
    CategoryCycle,
    #[error("a sibling has this name")]
    CategoryNameTaken,
    #[error("the tree would be too deep")]
    CategoryTooDeep,
    #[error("the tree is full")]
    TooManyCategories,
    /// The caller's copy is not the current one.
    #[error("the precondition failed")]
    Stale(#[source] Problem),
    /// The owner has as many imports as may run.
    #[error("too many imports are running")]
    TooManyImports,
    #[error("the import is {0}")]
    ImportEnded(ImportStatus),
    #[error("the call of the inventory failed")]
    Inventory(#[from] CallError),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::NotFound(what) => Problem::new(Code::NOT_FOUND).detail(format!("there is no such {what}")),
            Error::SkuTaken => Problem::new(Code::SKU_TAKEN).fault(Fault::at("/sku", "SKU_TAKEN", "belongs to another product")),
            Error::ExternalIdTaken => Problem::new(Code::EXTERNAL_ID_TAKEN).fault(Fault::at(
                "/externalId",
                "EXTERNAL_ID_TAKEN",
                "belongs to another product of the seller",
            )),
            Error::Incomplete(field) => Problem::new(Code::PRODUCT_INCOMPLETE).member("missing", [field]),
            Error::Illegal(illegal) => Problem::new(Code::ILLEGAL_TRANSITION)
                .detail(format!("a product in {} cannot be {}", illegal.from, format!("{:?}", illegal.fact).to_lowercase()))
                .member("productStatus", illegal.from),
            Error::Moderated(illegal) => Problem::new(Code::ILLEGAL_TRANSITION)
                .detail(format!("the moderation of the product is {}", illegal.from))
                .member("moderationStatus", illegal.from),
            Error::NotEditable { status, detail } => Problem::new(Code::ILLEGAL_TRANSITION).detail(detail).member("productStatus", status),
            Error::Invalid(fault) => Problem::invalid(vec![fault]),
            Error::Faults(faults) => Problem::invalid(faults),
            Error::TooManyImages => Code::TOO_MANY_IMAGES.into(),
            Error::PictureIsRemoved => Problem::new(Code::OVERLOADED).detail("an earlier copy of the picture is being removed"),
            Error::GroupFull => Code::PRODUCT_GROUP_FULL.into(),
            Error::UnknownCategory(pointer) => {
                Problem::new(Code::UNKNOWN_CATEGORY).fault(Fault::at(pointer, "UNKNOWN_CATEGORY", "is not the id of a category"))
            }
            Error::CategoryInUse(by) => Problem::new(Code::CATEGORY_IN_USE).detail(format!("there are {by} in it; move them first")),
            Error::CategoryCycle => Problem::new(Code::CATEGORY_CYCLE).fault(Fault::at(
                "/parentCategoryId",
                "CATEGORY_CYCLE",
                "is the category itself or below it",
            )),
            Error::CategoryNameTaken => {
                Problem::new(Code::CATEGORY_NAME_TAKEN).fault(Fault::at("/name", "CATEGORY_NAME_TAKEN", "is the name of a sibling"))
            }
            Error::CategoryTooDeep => {
                Problem::new(Code::CATEGORY_TOO_DEEP).fault(Fault::at("/parentCategoryId", "CATEGORY_TOO_DEEP", "is too deep in the tree"))
            }
            Error::TooManyCategories => Code::TOO_MANY_CATEGORIES.into(),
            Error::TooManyImports => Code::TOO_MANY_IMPORTS.into(),
            Error::ImportEnded(status) => {
                Problem::new(Code::ILLEGAL_TRANSITION).detail(format!("the import is {status}")).member("importStatus", status)
            }
            Error::Inventory(error) => error.into(),
            Error::Stale(problem) => problem,
            Error::Store(_) => Problem::new(Code::DEPENDENCY_UNAVAILABLE).detail("the store of pictures does not answer"),
            Error::Db(error) => error.into(),
        }
    }
}
