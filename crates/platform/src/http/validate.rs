//! Finds every fault of a request's values, as code, detail and place.
//!
//! serde stops at the first error. Here a run over the tree records the fault it stops at, masks that value and runs
//! again, until nothing is left to find. A value is run again by the smallest `Deserialize` around it: the items of a list
//! and the entries of a map are skipped one by one, and only the fields of a struct need another run of that struct. What
//! follows from a mask alone (a masked field is "missing", a list has "too few" items) is not reported, and masks the value
//! around it.
//!
//! serde names the first missing field of a struct only. The others come from the JSON Schema of the type.
//!
//! Limits: [`MAX_FAULTS`] are reported, a tuple and a flattened struct report the first fault inside them.

mod deserializer;
mod error;
mod schema;

use super::input::{Node, Value};
use contracts::problem::Fault;
use deserializer::Input;
use error::{Error, Found};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use std::cell::{Cell, RefCell};

/// How many faults an answer lists at most.
pub(super) const MAX_FAULTS: usize = 50;

const REQUIRED: &str = "REQUIRED";
const INVALID: &str = "INVALID";
pub(super) const UNKNOWN_PARAMETER: &str = "is not a parameter of this request";

/// What the values are, which decides how a fault names its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    /// A JSON body: a fault has a pointer.
    Body,
    /// Parameters of a query or fields of a form: a fault has the name. Those named here belong to another extractor,
    /// unless the type has them.
    Parameters { others: &'a [&'a str] },
}

/// Writes the schema of a type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> schemars::Schema;

/// The schema of `T`, with its fields.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    T::json_schema(generator)
}

/// Deserializes a tree. Without a schema a struct reports the first of its missing fields.
///
/// # Errors
/// Every fault, up to [`MAX_FAULTS`], in the order of the text; missing fields come at the end of their object.
pub(super) fn validate<'de, T: Deserialize<'de>>(root: &Node, origin: Origin<'_>, schema: Option<SchemaOf>) -> Result<T, Vec<Fault>> {
    let run = Run { origin, path: RefCell::default(), faults: RefCell::default(), full: Cell::default(), masks: Cell::default() };
    run.check_text(root);
    let outcome = Input { node: root, run: &run }.collect();
    if let Ok(value) = outcome
        && run.faults.borrow().is_empty()
    {
        return Ok(value);
    }
    if let Some(schema) = schema {
        schema::check(root, schema, &run);
    }
    let mut faults = run.faults.into_inner();
    if faults.is_empty() {
        faults.push((0, run.origin.fault(&[], INVALID, "is not a valid value here".to_owned())));
    }
    faults.sort_by_key(|(at, _)| *at);
    Err(faults.into_iter().map(|(_, fault)| fault).take(MAX_FAULTS).collect())
}

impl Origin<'_> {
    fn fault(self, path: &[String], code: &'static str, detail: String) -> Fault {
        match self {
            // RFC 6901.
            Origin::Body => {
                let pointer: String = path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect();
                Fault::at(pointer, code, detail)
            }
            Origin::Parameters { .. } => Fault::parameter(path.first().cloned().unwrap_or_default(), code, detail),
        }
    }
}

/// What the runs over one tree found so far.
struct Run<'a> {
    origin: Origin<'a>,
    /// Where the value at hand is.
    path: RefCell<Vec<String>>,
    /// With the offset that orders them.
    faults: RefCell<Vec<(usize, Fault)>>,
    full: Cell<bool>,
    /// How many values were masked.
    masks: Cell<usize>,
}

impl Run<'_> {
    /// Runs `work` on a value one step further down.
    fn inside<R>(&self, step: &str, work: impl FnOnce() -> R) -> R {
        self.path.borrow_mut().push(step.to_owned());
        let result = work();
        self.path.borrow_mut().pop();
        result
    }

    fn mask(&self, node: &Node) {
        if !node.masked.replace(true) {
            self.masks.set(self.masks.get() + 1);
        }
    }

    /// Records a fault of the value at the present path.
    fn record(&self, at: usize, code: &'static str, detail: impl Into<String>) {
        let fault = self.origin.fault(&self.path.borrow(), code, detail.into());
        let mut faults = self.faults.borrow_mut();
        let is_known = |(_, known): &(usize, Fault)| {
            (&known.pointer, &known.parameter, &known.code) == (&fault.pointer, &fault.parameter, &fault.code)
        };
        if !faults.iter().any(is_known) {
            faults.push((at, fault));
        }
        self.full.set(faults.len() > MAX_FAULTS);
    }

    /// Records the fault that a run of `node` stopped at, unless it follows from a mask, and masks what has it.
    fn stopped(&self, node: &Node, found: Found) -> Error {
        let Found { code, detail, field } = found;
        let field = field.filter(|_| matches!(node.value, Value::Object(_)));
        match field.as_deref().map(|name| (name, node.field(name))) {
            // The field is there and masked.
            Some((_, Some(_))) if code == REQUIRED => {
                node.incomplete.set(true);
                self.mask(node);
            }
            Some((name, present)) => {
                let at = present.map_or(node.end, |field| field.at);
                self.inside(name, || self.record(at, code, detail));
                node.incomplete.set(code == REQUIRED);
                self.mask(present.filter(|field| !field.masked.get()).unwrap_or(node));
            }
            None => {
                // Masks make a list shorter: too many items are too many all the same.
                if code == "TOO_MANY" || !node.has_masked_inside() {
                    self.record(node.at, code, detail);
                }
                self.mask(node);
            }
        }
        Error::Inside
    }

    /// Records what is wrong with the text whatever its type: names that come twice, and numbers that no type holds.
    fn check_text(&self, node: &Node) {
        if matches!(node.value, Value::TooLarge) {
            self.record(node.at, "OUT_OF_RANGE", "is a number too large to be handled");
            self.mask(node);
        }
        if let Value::Object(entries) = &node.value {
            let mut names = std::collections::HashSet::new();
            for entry in entries.iter().filter(|entry| !names.insert(entry.name())) {
                self.inside(entry.name(), || self.record(entry.key.at, "DUPLICATE_FIELD", "is given more than once"));
                self.mask(&entry.value);
            }
        }
        for (step, child) in node.children() {
            self.inside(&step, || self.check_text(child));
        }
    }
}

#[cfg(test)]
mod tests;
