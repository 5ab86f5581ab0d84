//! Who sees which products.

use contracts::{
    catalog::{Product, ProductStatus},
    ids::{CategoryId, UserId},
};

/// Whose eyes a read is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody known: sees what is on sale.
    Anyone,
    /// Sees their own products besides.
    User(UserId),
    /// Sees everything.
    Admin,
}

/// Which products a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those in this category or below it.
    pub category: Option<CategoryId>,
    pub seller: Option<UserId>,
    pub status: Option<ProductStatus>,
}

impl Viewer {
    /// Whether the product is there for this viewer at all.
    pub fn can_see(self, product: &Product) -> bool {
        match self {
            Viewer::Admin => true,
            Viewer::User(id) if product.seller_id == Some(id) => true,
            Viewer::User(_) | Viewer::Anyone => product.status == ProductStatus::Active,
        }
    }

    /// What this viewer gets to see of what was requested for; `None` when that is nothing.
    ///
    /// Everyone who names no status sees what is on sale. Beyond that, a seller's list is their own products when it is
    /// restricted to them, or when it asks for products that are not on sale: of those, they see their own only.
    pub fn restrict(self, requested: Filter) -> Option<Filter> {
        match (self, requested.status) {
            (Viewer::Admin, _) => Some(requested),
            (Viewer::User(id), _) if requested.seller == Some(id) => Some(requested),
            (_, None | Some(ProductStatus::Active)) => Some(Filter { status: Some(ProductStatus::Active), ..requested }),
            (Viewer::User(id), Some(_)) if requested.seller.is_none() => Some(Filter { seller: Some(id), ..requested }),
            (Viewer::User(_) | Viewer::Anyone, Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{ids::Uuid, machine::Machine};
    use proptest::prelude::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn viewers() -> impl Strategy<Value = Viewer> {
        prop_oneof![Just(Viewer::Anyone), Just(Viewer::Admin), (1_u128..3).prop_map(|n| Viewer::User(user(n)))]
    }

    fn status() -> impl Strategy<Value = ProductStatus> {
        proptest::sample::select(ProductStatus::STATES)
    }

    proptest! {
        #[test]
        fn a_list_shows_nothing_that_its_reader_does_not_see(
            viewer in viewers(), asked_seller in proptest::option::of(1_u128..3), asked_status in proptest::option::of(status()),
            seller in proptest::option::of(1_u128..3), present in status(),
        ) {
            let requested = Filter { category: None, seller: asked_seller.map(user), status: asked_status };
            let mut product = crate::tests::sample();
            (product.seller_id, product.status) = (seller.map(user), present);
            let fits = |filter: Filter| {
                filter.seller.is_none_or(|seller| product.seller_id == Some(seller)) && filter.status.is_none_or(|status| product.status == status)
            };
            let shown = viewer.restrict(requested).is_some_and(fits);
            prop_assert!(!shown || (viewer.can_see(&product) && fits(requested)));
            // Whoever names a status misses nothing that is theirs to see.
            prop_assert!(shown || asked_status.is_none() || !(viewer.can_see(&product) && fits(requested)));
        }
    }
}
