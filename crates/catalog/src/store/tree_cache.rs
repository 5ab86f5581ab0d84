//! The category tree in memory. Most reads need it, and it changes rarely.

use super::category_rows::{load_tree, revisions};
use crate::domain::category_tree::Tree;
use contracts::catalog::CategoryTree;
use platform::db::{Error, Tx};
use std::sync::{Arc, PoisonError, RwLock};

/// A tree at one revision, also in the form of the answer.
pub struct CachedTree {
    pub tree: Tree,
    pub body: CategoryTree,
}

/// Holds the newest tree that was read. Every use compares its revision with the database, so it is also right when other
/// replicas change the tree.
#[derive(Default)]
pub struct TreeCache(RwLock<Option<Arc<CachedTree>>>);

impl TreeCache {
    /// Returns the tree as `tx` sees it.
    pub async fn current(&self, tx: &mut Tx) -> Result<Arc<CachedTree>, Error> {
        let (revision, _) = revisions(tx).await?;
        self.at(tx, revision).await
    }

    /// Returns the tree of this revision as `tx` sees it.
    pub async fn at(&self, tx: &mut Tx, revision: i64) -> Result<Arc<CachedTree>, Error> {
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cached) = cached.filter(|cached| cached.tree.revision == revision) {
            return Ok(cached);
        }
        let tree = load_tree(tx, revision).await?;
        let loaded = Arc::new(CachedTree { body: tree.to_contract(), tree });
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A read on an older snapshot does not replace a newer tree.
        if slot.as_ref().is_none_or(|cached| cached.tree.revision < revision) {
            *slot = Some(loaded.clone());
        }
        Ok(loaded)
    }
}
