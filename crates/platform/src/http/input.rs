//! The values of a request that serde refused, as a tree.
//!
//! The tree keeps what a Rust type would lose: fields that are given twice, numbers that no type holds, and where each
//! value begins. [`validate`](super::validate) reads it to find every fault.

pub(super) mod json;

use std::cell::Cell;

/// One value.
#[derive(Debug)]
pub(super) struct Node {
    /// Where the value begins and ends: bytes of a body, or the place of a parameter. Orders the faults.
    pub at: usize,
    pub end: usize,
    pub value: Value,
    /// Whether the value is left out of the next run, because its faults are known.
    pub masked: Cell<bool>,
    /// Whether a field of this object was missing.
    pub incomplete: Cell<bool>,
}

/// What a [`Node`] holds.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    /// A number beyond `f64`.
    TooLarge,
    String(String),
    /// The text of a parameter or of a field's name: it is read as a number or a truth value where the type is one.
    Text(String),
    Array(Vec<Node>),
    Object(Vec<Entry>),
}

/// One field of an object, or one parameter.
#[derive(Debug)]
pub(super) struct Entry {
    /// Always [`Value::Text`].
    pub key: Node,
    pub value: Node,
}

impl Node {
    pub(super) fn new(at: usize, end: usize, value: Value) -> Node {
        Node { at, end, value, masked: Cell::new(false), incomplete: Cell::new(false) }
    }

    /// An object of `name=value` pairs. A name that comes more than once holds an array of its values.
    pub(super) fn of_pairs(pairs: Vec<(String, String)>) -> Node {
        let count = pairs.len();
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        for (at, (name, value)) in pairs.into_iter().enumerate() {
            let value = Node::new(at, at, Value::Text(value));
            match entries.iter_mut().find(|entry| entry.name() == name) {
                None => entries.push(Entry { key: Node::new(at, at, Value::Text(name)), value }),
                Some(Entry { value: Node { value: Value::Array(values), .. }, .. }) => values.push(value),
                Some(entry) => {
                    let first = std::mem::replace(&mut entry.value, Node::new(entry.key.at, at, Value::Null));
                    entry.value.value = Value::Array(vec![first, value]);
                }
            }
        }
        Node::new(0, count, Value::Object(entries))
    }

    /// The values directly inside, with the name or the index of each.
    pub(super) fn children(&self) -> Vec<(String, &Node)> {
        match &self.value {
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
            Value::Object(entries) => entries.iter().map(|entry| (entry.name().to_owned(), &entry.value)).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a value inside this one is masked.
    pub(super) fn has_masked_inside(&self) -> bool {
        let masked = |node: &Node| node.masked.get() || node.has_masked_inside();
        match &self.value {
            Value::Array(items) => items.iter().any(masked),
            Value::Object(entries) => entries.iter().any(|entry| masked(&entry.value)),
            _ => false,
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Node> {
        let Value::Object(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.name() == name).map(|entry| &entry.value)
    }
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        match &self.key.value {
            Value::Text(name) => name,
            _ => "",
        }
    }
}
