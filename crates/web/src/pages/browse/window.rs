//! What the first page shows that takes searches over the whole catalogue: a picture for categories, which is that of a product in
//! each, and the best rated products. Both are kept for a while, because such a search takes tens of milliseconds with 100,000 products,
//! and nobody minds an older choice. Only the choice is kept: the products are read anew for each page, with their prices.

use super::{PICTURES, ROW};
use crate::{Site, api::Caller, pictures};
use contracts::{
    catalog::CategoryNode,
    ids::{CategoryId, ProductId},
    search::SEARCH_PRODUCTS,
    time::Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const KEPT: Duration = Duration::from_secs(60);
/// How long it is kept while something is missing: products may just be arriving in the index.
const PART_KEPT: Duration = Duration::from_secs(5);
/// Products of a category among which the first with a picture is taken.
const TRIED: usize = 4;
/// Categories that are searched, at most.
const CATEGORIES: usize = 2 * PICTURES;

/// The choice.
#[derive(Default)]
pub struct Window {
    pub pictures: BTreeMap<CategoryId, String>,
    pub well_rated: Vec<ProductId>,
}

/// The choice, and until when it is kept.
#[derive(Default)]
pub struct KeptWindow(Mutex<Option<(Timestamp, Arc<Window>)>>);

impl KeptWindow {
    /// Returns the choice. Who finds it too old makes a new one; others get the old one meanwhile.
    pub async fn read(&self, site: &Site, caller: &Caller, categories: &[CategoryNode]) -> Arc<Window> {
        let now = site.0.env.now();
        if let Some(known) = self.known(now) {
            return known;
        }
        let window = Arc::new(choose(site, caller, categories).await);
        let is_whole = window.pictures.len() == PICTURES && window.well_rated.len() == ROW;
        let until = now.after(if is_whole { KEPT } else { PART_KEPT });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((until, window.clone()));
        window
    }

    /// Returns the choice that is kept, unless it is too old: then the present visitor makes a new one, and counts as one who did, so that
    /// nobody else does the same.
    fn known(&self, now: Timestamp) -> Option<Arc<Window>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, window) = kept.as_mut()?;
        if *until <= now {
            *until = now.after(KEPT);
            return None;
        }
        Some(window.clone())
    }
}

/// Searches for the choice. What is not found is left out.
async fn choose(site: &Site, caller: &Caller, categories: &[CategoryNode]) -> Window {
    let api = &site.0.api;
    let mut window = Window::default();
    let rated = api.call(caller, &SEARCH_PRODUCTS).query("sort", "rating").query("minRating", 1).query("limit", ROW).send().await;
    window.well_rated = rated.map_or_else(|_| Vec::new(), |found| found.items.iter().map(|hit| hit.product_id).collect());
    for category in categories.iter().take(CATEGORIES) {
        if window.pictures.len() == PICTURES {
            break;
        }
        let call = api.call(caller, &SEARCH_PRODUCTS).query("category", category.category_id);
        let found = call.query("sort", "rating").query("limit", TRIED).send().await;
        if let Some(image) = found.ok().and_then(|found| found.items.into_iter().find_map(|hit| hit.image)) {
            window.pictures.insert(category.category_id, pictures::small(&image));
        }
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_visitor_renews_an_old_choice_while_others_see_it() {
        let kept = KeptWindow::default();
        let until = Timestamp(1_767_225_600_000_000);
        assert!(kept.known(until).is_none());
        *kept.0.lock().unwrap() = Some((until, Arc::default()));
        assert!(kept.known(Timestamp(until.0 - 1)).is_some());
        assert!(kept.known(until).is_none());
        assert!(kept.known(until).is_some(), "somebody chooses already");
    }
}
