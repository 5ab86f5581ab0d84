//! Who sees which products.

use contracts::{
    catalog::{Product, ProductStatus},
    ids::{CategoryId, UserId},
};

/// Whose eyes a read is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Nobody known: sees what is on sale.
    Anyone,
    /// Sees their own products besides.
    Person(UserId),
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

impl Reader {
    /// Whether the product is there for this reader at all.
    pub fn sees(self, product: &Product) -> bool {
        match self {
            Reader::Admin => true,
            Reader::Person(id) if product.seller_id == Some(id) => true,
            Reader::Person(_) | Reader::Anyone => product.status == ProductStatus::Active,
        }
    }

    /// What this reader gets to see of what was asked for; `None` when that is nothing.
    ///
    /// Everyone who names no status sees what is on sale. Beyond that, a seller's list is their own products when it is
    /// narrowed to them, or when it asks for products that are not on sale: of those, they see their own only.
    pub fn narrow(self, asked: Filter) -> Option<Filter> {
        match (self, asked.status) {
            (Reader::Admin, _) => Some(asked),
            (Reader::Person(id), _) if asked.seller == Some(id) => Some(asked),
            (_, None | Some(ProductStatus::Active)) => Some(Filter { status: Some(ProductStatus::Active), ..asked }),
            (Reader::Person(id), Some(_)) if asked.seller.is_none() => Some(Filter { seller: Some(id), ..asked }),
            (Reader::Person(_) | Reader::Anyone, Some(_)) => None,
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

    fn readers() -> impl Strategy<Value = Reader> {
        prop_oneof![Just(Reader::Anyone), Just(Reader::Admin), (1_u128..3).prop_map(|n| Reader::Person(user(n)))]
    }

    fn status() -> impl Strategy<Value = ProductStatus> {
        proptest::sample::select(ProductStatus::STATES)
    }

    proptest! {
        #[test]
        fn a_list_shows_nothing_that_its_reader_does_not_see(
            reader in readers(), asked_seller in proptest::option::of(1_u128..3), asked_status in proptest::option::of(status()),
            seller in proptest::option::of(1_u128..3), present in status(),
        ) {
            let asked = Filter { category: None, seller: asked_seller.map(user), status: asked_status };
            let mut product = crate::tests::sample();
            (product.seller_id, product.status) = (seller.map(user), present);
            let fits = |filter: Filter| {
                filter.seller.is_none_or(|seller| product.seller_id == Some(seller)) && filter.status.is_none_or(|status| product.status == status)
            };
            let shown = reader.narrow(asked).is_some_and(fits);
            prop_assert!(!shown || (reader.sees(&product) && fits(asked)));
            // Whoever names a status misses nothing that is theirs to see.
            prop_assert!(shown || asked_status.is_none() || !(reader.sees(&product) && fits(asked)));
        }
    }
}
