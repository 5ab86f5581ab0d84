//! The pictures of categories on the first page: each is that of a product in the category. They are kept for some minutes, because
//! finding them takes a search for each category, and nobody minds an older one.

use super::PICTURES;
use crate::{Site, api::Caller};
use contracts::{catalog::CategoryNode, ids::CategoryId, search::SEARCH_PRODUCTS, time::Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const KEPT: Duration = Duration::from_secs(300);
/// How long they are kept while they are too few: products may just be arriving in the index.
const FEW_KEPT: Duration = Duration::from_secs(10);
/// Products of a category among which the first with a picture is taken.
const TRIED: usize = 4;
/// Categories that are searched, at most.
const CATEGORIES: usize = 2 * PICTURES;

type Pictures = Arc<BTreeMap<CategoryId, String>>;

/// The pictures, and until when they are kept.
#[derive(Default)]
pub struct CategoryPictures(Mutex<Option<(Timestamp, Pictures)>>);

impl CategoryPictures {
    /// Returns the picture of each category that has one. Who finds them too old looks for new ones; others get the old ones meanwhile.
    pub async fn read(&self, site: &Site, caller: &Caller, categories: &[CategoryNode]) -> Pictures {
        let now = site.0.env.now();
        if let Some(known) = self.known(now) {
            return known;
        }
        let mut pictures = BTreeMap::new();
        for category in categories.iter().take(CATEGORIES) {
            let call = site.0.api.call(caller, &SEARCH_PRODUCTS).query("category", category.category_id);
            let found = call.query("sort", "rating").query("limit", TRIED).send().await;
            if let Some(image) = found.ok().and_then(|found| found.items.into_iter().find_map(|hit| hit.image)) {
                pictures.insert(category.category_id, crate::pictures::small(&image));
            }
            if pictures.len() == PICTURES {
                break;
            }
        }
        let pictures = Arc::new(pictures);
        let kept = if pictures.len() == PICTURES { KEPT } else { FEW_KEPT };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now.after(kept), pictures.clone()));
        pictures
    }

    /// Returns the pictures that are kept, unless they are too old: then the present visitor looks for new ones, and counts as one who
    /// did, so that nobody else does the same.
    fn known(&self, now: Timestamp) -> Option<Pictures> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, pictures) = kept.as_mut()?;
        if *until <= now {
            *until = now.after(KEPT);
            return None;
        }
        Some(pictures.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_visitor_renews_old_pictures_while_others_see_them() {
        let kept = CategoryPictures::default();
        let until = Timestamp(1_767_225_600_000_000);
        assert!(kept.known(until).is_none());
        *kept.0.lock().unwrap() = Some((until, Arc::default()));
        assert!(kept.known(Timestamp(until.0 - 1)).is_some());
        assert!(kept.known(until).is_none());
        assert!(kept.known(until).is_some(), "somebody looks already");
    }
}
