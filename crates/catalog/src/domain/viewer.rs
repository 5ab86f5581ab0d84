//! Which products a user may see.

use contracts::{
    catalog::{Product, ProductFilter, ProductStatus},
    ids::UserId,
};

/// The user for whom products are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// An anonymous user. Sees products on sale.
    Anyone,
    /// Also sees their own products in every status.
    User(UserId),
    /// Sees every product.
    Admin,
}

impl Viewer {
    /// Whether the viewer may see the product.
    pub fn can_see(self, product: &Product) -> bool {
        match self {
            Viewer::Admin => true,
            Viewer::User(id) if product.seller_id == Some(id) => true,
            Viewer::User(_) | Viewer::Anyone => product.is_on_sale(),
        }
    }

    /// Whether a restricted list shows what can be bought only: for everyone but administrators and sellers in their own list.
    pub fn sees_only_what_is_on_sale(self, restricted: &ProductFilter) -> bool {
        !self.may_search(restricted)
    }

    /// Whether the viewer may search and sort the list: administrators, and sellers their own products. For others it would read
    /// too much; they have the search.
    pub fn may_search(self, restricted: &ProductFilter) -> bool {
        match self {
            Viewer::Admin => true,
            Viewer::User(id) => restricted.seller_id == Some(id),
            Viewer::Anyone => false,
        }
    }

    /// Restricts the filter to what the viewer may see. Returns `None` when the viewer may see nothing of it.
    ///
    /// A list without a status shows products on sale. A seller's list shows every status when it is filtered by that seller.
    /// Filtered by a status other than ACTIVE, a list shows a seller only their own products.
    pub fn restrict(self, requested: ProductFilter) -> Option<ProductFilter> {
        match (self, requested.status) {
            (Viewer::Admin, _) => Some(requested),
            (Viewer::User(id), _) if requested.seller_id == Some(id) => Some(requested),
            (_, None | Some(ProductStatus::Active)) => Some(ProductFilter { status: Some(ProductStatus::Active), ..requested }),
            (Viewer::User(id), Some(_)) if requested.seller_id.is_none() => Some(ProductFilter { seller_id: Some(id), ..requested }),
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

    #[test]
    fn a_seller_sees_their_own_products_and_a_list_of_another_status_only_shows_them() {
        let (own, other) = (user(1), user(2));
        let filter = |seller, status| ProductFilter { seller_id: seller, status, ..ProductFilter::default() };
        let draft = Some(ProductStatus::Draft);
        let seller = Viewer::User(own);
        assert_eq!(seller.restrict(filter(Some(own), None)), Some(filter(Some(own), None)));
        assert_eq!(seller.restrict(filter(None, draft)), Some(filter(Some(own), draft)));
        assert_eq!(seller.restrict(filter(Some(other), draft)), None);
        assert_eq!(seller.restrict(filter(Some(other), None)), Some(filter(Some(other), Some(ProductStatus::Active))));
        assert_eq!(Viewer::Anyone.restrict(filter(None, draft)), None);
        assert_eq!(Viewer::Admin.restrict(filter(None, None)), Some(filter(None, None)));
        let mut product = crate::tests::sample();
        product.seller_id = Some(own);
        assert_eq!(
            [seller, Viewer::User(other), Viewer::Anyone, Viewer::Admin].map(|viewer| viewer.can_see(&product)),
            [true, false, false, true]
        );
        product.status = ProductStatus::Active;
        assert!(Viewer::Anyone.can_see(&product) && Viewer::User(other).can_see(&product));
    }

    proptest! {
        #[test]
        fn a_restricted_filter_matches_only_visible_products(
            viewer in viewers(), wanted_seller in proptest::option::of(1_u128..3), wanted_status in proptest::option::of(status()),
            seller in proptest::option::of(1_u128..3), present in status(),
        ) {
            let requested = ProductFilter { seller_id: wanted_seller.map(user), status: wanted_status, ..ProductFilter::default() };
            let mut product = crate::tests::sample();
            (product.seller_id, product.status) = (seller.map(user), present);
            let fits = |filter: &ProductFilter| {
                filter.seller_id.is_none_or(|seller| product.seller_id == Some(seller)) && filter.status.is_none_or(|status| product.status == status)
            };
            let shown = viewer.restrict(requested.clone()).as_ref().is_some_and(fits);
            prop_assert!(!shown || (viewer.can_see(&product) && fits(&requested)));
            // A filter by status leaves out nothing that the viewer may see.
            prop_assert!(shown || wanted_status.is_none() || !(viewer.can_see(&product) && fits(&requested)));
        }
    }
}
