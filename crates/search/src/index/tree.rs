//! The category tree, reduced to names and paths.

use contracts::{
    catalog::{Category, CategoryRef},
    ids::CategoryId,
};
use std::collections::HashMap;

/// Longer paths are cut, so that a cycle cannot loop forever.
const DEEPEST: usize = 64;

/// Every category with its name and parent.
#[derive(Debug, Clone, Default)]
pub struct Tree(HashMap<CategoryId, (String, Option<CategoryId>)>);

impl Tree {
    #[must_use]
    pub fn new(categories: Vec<Category>) -> Tree {
        let entry = |Category { category_id, name, parent_category_id }| (category_id, (name, parent_category_id));
        Tree(categories.into_iter().map(entry).collect())
    }

    /// Returns the path from the root to `category`, or `known` (the path in the product) when the category is unknown.
    #[must_use]
    pub fn path(&self, category: CategoryId, known: &[CategoryRef]) -> Vec<CategoryRef> {
        let mut path = Vec::new();
        let mut next = Some(category);
        while let Some((id, (name, parent))) = next.and_then(|id| self.0.get_key_value(&id)) {
            path.push(CategoryRef { category_id: *id, name: name.clone() });
            next = *parent;
            if path.len() == DEEPEST {
                break;
            }
        }
        if path.is_empty() {
            return known.to_vec();
        }
        path.reverse();
        path
    }

    /// Returns the name for people.
    #[must_use]
    pub fn name(&self, category: CategoryId) -> Option<&str> {
        self.0.get(&category).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::ids::Uuid;

    fn id(number: u128) -> CategoryId {
        CategoryId(Uuid::from_u128(number))
    }

    #[test]
    fn a_path_starts_at_the_root_and_ends_despite_a_cycle() {
        let tree = |rows: &[(u128, Option<u128>)]| {
            let category = |(child, parent): &(u128, Option<u128>)| Category {
                category_id: id(*child),
                name: format!("c{child}"),
                parent_category_id: parent.map(id),
            };
            Tree::new(rows.iter().map(category).collect())
        };
        let path: Vec<_> = tree(&[(1, None), (2, Some(1)), (3, Some(2))]).path(id(3), &[]).into_iter().map(|c| c.name).collect();
        assert_eq!(path, ["c1", "c2", "c3"]);
        assert_eq!(tree(&[(1, Some(2)), (2, Some(1))]).path(id(1), &[]).len(), DEEPEST);
        let known = [CategoryRef { category_id: id(9), name: "nine".into() }];
        assert_eq!(tree(&[]).path(id(9), &known), known);
    }
}
