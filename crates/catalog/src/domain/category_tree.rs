//! The tree of categories. Every change is applied to this copy first, so a refused change never reaches the store.

use crate::error::Error;
use contracts::{
    catalog::{Category, CategoryNode, CategoryRef, CategoryTree, Product, UpdateCategory},
    ids::CategoryId,
};
use platform::http::ETag;
use std::collections::BTreeMap;

/// The largest number of levels.
pub const MAX_DEPTH: usize = 10;
/// The largest number of categories. The tree is always loaded as a whole.
pub const MAX_CATEGORIES: usize = 5_000;

/// One category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub parent: Option<CategoryId>,
    /// The tree's revision at the last change of this category.
    pub revision: i64,
}

/// All categories at one revision. The tree has no cycles, no category is deeper than [`MAX_DEPTH`], and no two siblings
/// have names that are equal without regard to case.
#[derive(Debug, Clone)]
pub struct Tree {
    pub revision: i64,
    nodes: BTreeMap<CategoryId, Node>,
}

/// The key by which names of siblings are compared.
pub fn name_key(name: &str) -> String {
    name.to_lowercase()
}

impl Tree {
    pub fn new(revision: i64, nodes: impl IntoIterator<Item = (CategoryId, Node)>) -> Tree {
        Tree { revision, nodes: nodes.into_iter().collect() }
    }

    pub fn get(&self, id: CategoryId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// Returns the category in the form of the answer.
    pub fn category(&self, id: CategoryId) -> Option<Category> {
        self.get(id).map(|node| Category { category_id: id, name: node.name.clone(), parent_category_id: node.parent })
    }

    /// Returns the entity tag of the category.
    pub fn etag(&self, id: CategoryId) -> Option<ETag> {
        self.get(id).map(|node| ETag::of_version(node.revision))
    }

    /// Returns the category and its ancestors, from the category up. Empty when there is no such category.
    pub fn ancestors(&self, id: CategoryId) -> impl Iterator<Item = CategoryId> {
        let known = self.nodes.contains_key(&id).then_some(id);
        std::iter::successors(known, |id| self.nodes.get(id)?.parent).take(MAX_DEPTH)
    }

    /// Returns the path from the root to the category; empty when there is no such category.
    pub fn path(&self, id: CategoryId) -> Vec<CategoryRef> {
        let mut path: Vec<CategoryRef> =
            self.ancestors(id).map(|id| CategoryRef { category_id: id, name: self.nodes[&id].name.clone() }).collect();
        path.reverse();
        path
    }

    /// Fills in the category paths. An archived product may name a category that was deleted; it then shows none.
    pub fn fill_paths<'a>(&self, products: impl IntoIterator<Item = &'a mut Product>) {
        for product in products {
            product.category_id = product.category_id.filter(|id| self.nodes.contains_key(id));
            product.category_path = product.category_id.map(|id| self.path(id)).unwrap_or_default();
        }
    }

    /// Returns the category and everything below it.
    pub fn subtree(&self, id: CategoryId) -> Vec<CategoryId> {
        self.nodes.keys().copied().filter(|other| self.ancestors(*other).any(|above| above == id)).collect()
    }

    /// Returns the child of `parent` with this name.
    pub fn find(&self, parent: Option<CategoryId>, name: &str) -> Option<CategoryId> {
        let key = name_key(name);
        self.nodes.iter().find(|(_, node)| node.parent == parent && name_key(&node.name) == key).map(|(id, _)| *id)
    }

    /// Adds a category.
    ///
    /// # Errors
    /// [`Error::TooManyCategories`], [`Error::UnknownCategory`], [`Error::CategoryTooDeep`], [`Error::CategoryNameTaken`].
    pub fn add(&mut self, id: CategoryId, name: String, parent: Option<CategoryId>) -> Result<(), Error> {
        if self.nodes.len() >= MAX_CATEGORIES {
            return Err(Error::TooManyCategories);
        }
        self.check_place(id, &name, parent, 1)?;
        self.nodes.insert(id, Node { name, parent, revision: self.revision });
        Ok(())
    }

    /// Renames or moves a category with its subtree. Returns whether it was moved, or `None` when nothing changed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::CategoryCycle`], and the errors of [`add`](Self::add) except the first.
    pub fn change(&mut self, id: CategoryId, body: UpdateCategory) -> Result<Option<bool>, Error> {
        let node = self.nodes.get(&id).ok_or(Error::NotFound("category"))?;
        let name = body.name.0.map_or_else(|| node.name.clone(), |name| name.into_string());
        let parent = body.parent_category_id.or(node.parent);
        let (renamed, moved) = (name != node.name, parent != node.parent);
        if !renamed && !moved {
            return Ok(None);
        }
        if parent.is_some_and(|parent| self.ancestors(parent).any(|above| above == id)) {
            return Err(Error::CategoryCycle);
        }
        self.check_place(id, &name, parent, self.height(id))?;
        self.nodes.insert(id, Node { name, parent, revision: self.revision });
        Ok(Some(moved))
    }

    /// Removes a category.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::CategoryInUse`] while it has subcategories.
    pub fn remove(&mut self, id: CategoryId) -> Result<Node, Error> {
        if self.nodes.values().any(|node| node.parent == Some(id)) {
            return Err(Error::CategoryInUse("categories"));
        }
        self.nodes.remove(&id).ok_or(Error::NotFound("category"))
    }

    /// Returns the whole tree in the form of the answer.
    pub fn to_contract(&self) -> CategoryTree {
        let mut children: BTreeMap<Option<CategoryId>, Vec<(CategoryId, &Node)>> = BTreeMap::new();
        for (id, node) in &self.nodes {
            children.entry(node.parent).or_default().push((*id, node));
        }
        for siblings in children.values_mut() {
            siblings.sort_by_cached_key(|(_, node)| name_key(&node.name));
        }
        CategoryTree { items: branch(&children, None), next_cursor: None }
    }

    /// Checks that a category with `height` levels, including itself, may be below `parent` under this name.
    fn check_place(&self, id: CategoryId, name: &str, parent: Option<CategoryId>, height: usize) -> Result<(), Error> {
        let above = match parent {
            Some(parent) => match self.ancestors(parent).count() {
                0 => return Err(Error::UnknownCategory("/parentCategoryId")),
                above => above,
            },
            None => 0,
        };
        if above + height > MAX_DEPTH {
            return Err(Error::CategoryTooDeep);
        }
        match self.find(parent, name) {
            Some(other) if other != id => Err(Error::CategoryNameTaken),
            _ => Ok(()),
        }
    }

    /// Returns the number of levels from the category down, including itself.
    fn height(&self, id: CategoryId) -> usize {
        let levels = |other: &CategoryId| self.ancestors(*other).position(|above| above == id).map(|distance| distance + 1);
        self.nodes.keys().filter_map(levels).max().unwrap_or(0)
    }
}

fn branch(children: &BTreeMap<Option<CategoryId>, Vec<(CategoryId, &Node)>>, parent: Option<CategoryId>) -> Vec<CategoryNode> {
    let node = |(id, node): &(CategoryId, &Node)| CategoryNode {
        category_id: *id,
        name: node.name.clone(),
        parent_category_id: parent,
        children: branch(children, Some(*id)),
    };
    children.get(&parent).into_iter().flatten().map(node).collect()
}

#[cfg(test)]
#[path = "category_tree_tests.rs"]
mod tests;
