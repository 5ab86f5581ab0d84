use super::*;
use contracts::{body::Patch, ids::Uuid, text::Name};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn id(n: u128) -> CategoryId {
    CategoryId(Uuid::from_u128(n))
}

#[derive(Debug, Clone)]
enum Step {
    Add(u128, &'static str, Option<u128>),
    Change(u128, Option<&'static str>, Option<Option<u128>>),
    Remove(u128),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = || 0_u128..16;
    let name = || proptest::sample::select(vec!["Lamps", "lamps", "Chairs", "Beds"]);
    let step = prop_oneof![
        3 => (some(), name(), proptest::option::weighted(0.9, some())).prop_map(|(n, name, parent)| Step::Add(n, name, parent)),
        3 => (some(), proptest::option::of(name()), proptest::option::of(proptest::option::weighted(0.9, some())))
            .prop_map(|(n, name, parent)| Step::Change(n, name, parent)),
        1 => some().prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 1..80)
}

/// Applies one step. A refused step leaves the tree unchanged.
fn take(tree: &mut Tree, step: &Step) -> Result<(), Error> {
    match step {
        Step::Add(n, ..) if tree.get(id(*n)).is_some() => Ok(()),
        Step::Add(n, name, parent) => tree.add(id(*n), (*name).to_owned(), parent.map(id)),
        Step::Change(n, name, parent) => {
            let body = UpdateCategory {
                name: Patch(name.map(|name| Name::parse(name).unwrap())),
                parent_category_id: Patch(parent.map(|parent| parent.map(id))),
            };
            tree.change(id(*n), body).map(|_| ())
        }
        Step::Remove(n) => tree.remove(id(*n)).map(|_| ()),
    }
}

/// Checks the invariants of the tree without its own functions.
fn is_sound(tree: &Tree) -> bool {
    let rooted = |start: &CategoryId| {
        let (mut at, mut seen) = (Some(*start), BTreeSet::new());
        while let Some(id) = at {
            if !seen.insert(id) || seen.len() > MAX_DEPTH {
                return false;
            }
            let Some(node) = tree.nodes.get(&id) else { return false };
            at = node.parent;
        }
        true
    };
    let paths: BTreeSet<_> = tree.nodes.values().map(|node| (node.parent, name_key(&node.name))).collect();
    tree.nodes.keys().all(rooted) && paths.len() == tree.nodes.len()
}

fn count(nodes: &[CategoryNode]) -> usize {
    nodes.iter().map(|node| 1 + count(&node.children)).sum()
}

proptest! {
    #[test]
    fn the_tree_stays_valid_after_any_steps(steps in steps()) {
        let mut tree = Tree::new(1, []);
        for step in &steps {
            let before = tree.nodes.clone();
            if take(&mut tree, step).is_err() {
                prop_assert_eq!(&tree.nodes, &before, "a refusal changed the tree: {:?}", step);
            }
            prop_assert!(is_sound(&tree), "after {step:?}");
        }
        prop_assert_eq!(count(&tree.to_contract().items), tree.nodes.len());
        for (&each, node) in &tree.nodes {
            let path = tree.path(each);
            prop_assert_eq!(path.last().map(|last| (last.category_id, &last.name)), Some((each, &node.name)));
            prop_assert_eq!(path.len(), tree.ancestors(each).count());
            prop_assert!(path.iter().all(|above| tree.subtree(above.category_id).contains(&each)));
        }
    }
}

#[test]
fn a_full_tree_accepts_no_category() {
    let node = |n| (id(n), Node { name: format!("Category {n}"), parent: None, revision: 1 });
    let mut tree = Tree::new(1, (0..MAX_CATEGORIES as u128).map(node));
    assert!(matches!(tree.add(id(9_999), "One more".into(), None), Err(Error::TooManyCategories)));
    tree.remove(id(0)).unwrap();
    tree.add(id(9_999), "One more".into(), None).unwrap();
}

#[test]
fn deleted_categories_are_not_shown() {
    let mut tree = Tree::new(1, []);
    tree.add(id(1), "Home".into(), None).unwrap();
    tree.add(id(2), "Lamps".into(), Some(id(1))).unwrap();
    let product = |n: Option<u128>| Product { category_id: n.map(id), ..crate::tests::sample() };
    let mut products = [product(Some(2)), product(Some(3)), product(None)];
    tree.fill_paths(&mut products);
    let shown = products.map(|product| (product.category_id, product.category_path.iter().map(|at| at.name.clone()).collect::<Vec<_>>()));
    assert_eq!(shown, [(Some(id(2)), vec!["Home".to_owned(), "Lamps".to_owned()]), (None, vec![]), (None, vec![])]);
}

#[test]
fn a_moved_subtree_may_reach_the_last_level_and_no_further() {
    let mut tree = Tree::new(1, []);
    for n in 1..=MAX_DEPTH as u128 - 2 {
        tree.add(id(n), format!("Level {n}"), (n > 1).then(|| id(n - 1))).unwrap();
    }
    tree.add(id(100), "Top".into(), None).unwrap();
    tree.add(id(101), "Middle".into(), Some(id(100))).unwrap();
    let below = |n: u128| UpdateCategory { name: Patch(None), parent_category_id: Patch(Some(Some(id(n)))) };
    let deepest = MAX_DEPTH as u128 - 2;
    assert_eq!(tree.clone().change(id(100), below(deepest)).unwrap(), Some(true));
    tree.add(id(102), "Bottom".into(), Some(id(101))).unwrap();
    assert!(matches!(tree.clone().change(id(100), below(deepest)), Err(Error::CategoryTooDeep)));
    assert_eq!(tree.change(id(100), below(deepest - 1)).unwrap(), Some(true));
    assert_eq!(tree.change(id(100), below(deepest - 1)).unwrap(), None);
}

#[test]
fn a_change_reports_whether_the_category_was_moved() {
    let mut tree = Tree::new(7, [(id(1), Node { name: "Home".into(), parent: None, revision: 1 })]);
    let renamed = UpdateCategory { name: Patch(Some(Name::parse("House").unwrap())), parent_category_id: Patch(None) };
    assert_eq!(tree.change(id(1), renamed).unwrap(), Some(false));
    assert_eq!(tree.get(id(1)).unwrap(), &Node { name: "House".into(), parent: None, revision: 7 });
    assert_eq!((tree.find(None, "HOUSE"), tree.find(Some(id(1)), "House"), tree.find(None, "Home")), (Some(id(1)), None, None));
    assert!(matches!(tree.change(id(2), UpdateCategory::default()), Err(Error::NotFound("category"))));
    assert!(matches!(tree.remove(id(2)), Err(Error::NotFound("category"))));
}
