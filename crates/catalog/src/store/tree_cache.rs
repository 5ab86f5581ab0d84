//! The tree in memory. It is asked for with most reads and changes rarely.

use super::category_rows::{load_tree, revision};
use crate::domain::category_tree::Tree;
use contracts::catalog::CategoryTree;
use platform::db::{Error, Tx};
use std::sync::{Arc, PoisonError, RwLock};

/// A tree as it was at one revision, and as answers show it.
pub struct CachedTree {
    pub tree: Tree,
    pub body: CategoryTree,
}

/// One tree at most: the newest that was asked for. Whether it is the present one is asked of the database each time, so
/// that it is right beside other replicas too.
#[derive(Default)]
pub struct TreeCache(RwLock<Option<Arc<CachedTree>>>);

impl TreeCache {
    /// The tree as `tx` sees it.
    pub async fn current(&self, tx: &mut Tx) -> Result<Arc<CachedTree>, Error> {
        let revision = revision(tx).await?;
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cached) = cached.filter(|cached| cached.tree.revision == revision) {
            return Ok(cached);
        }
        let tree = load_tree(tx, revision).await?;
        let loaded = Arc::new(CachedTree { body: tree.to_contract(), tree });
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A read on an older snapshot does not push a newer tree out.
        if slot.as_ref().is_none_or(|cached| cached.tree.revision < revision) {
            *slot = Some(loaded.clone());
        }
        Ok(loaded)
    }
}
