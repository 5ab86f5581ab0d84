//! `name=value&…` text, of queries and forms. Every name is known, and comes once unless its field is a list.

use super::{
    input::Node,
    problem::Problem,
    validate::{self, Origin},
};
use contracts::{
    problem::{Code, Fault},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use std::borrow::Cow;

/// An object's key, borrowed where it holds no escape.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(transparent)]
pub(super) struct CowKey<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Splits and decodes `text`.
///
/// # Errors
/// 400 when an escape is broken or not UTF-8.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    let bad = || Problem::new(Code::MALFORMED_REQUEST).detail("a percent escape is broken, or not UTF-8");
    text.split('&').filter(|part| !part.is_empty()).map(|part| pair(part).ok_or_else(bad)).collect()
}

/// The fault of a parameter that the request does not have.
pub(super) fn unknown(name: String) -> Fault {
    Fault::parameter(name, "UNKNOWN_PARAMETER", validate::UNKNOWN_PARAMETER)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Appends `text` to `out`, percent-encoded for a path segment, a query or a form.
pub fn encode_text(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
    }
}

/// Parses `text` into `T`. Names in `others` belong to another extractor unless `T` has them.
///
/// # Errors
/// 400 when an escape is broken or not UTF-8, 422 with every parameter that is unknown, repeated, missing or not valid.
pub(super) fn parse<T: DeserializeOwned + JsonSchema>(text: &str, others: &[&str]) -> Result<T, Problem> {
    deserialize::<T>(pairs(text)?, others).map_err(Problem::invalid)
}

/// [`parse`] of split parameters.
///
/// # Errors
/// Every fault.
pub(super) fn deserialize<T: DeserializeOwned + JsonSchema>(pairs: Vec<(String, String)>, others: &[&str]) -> Result<T, Vec<Fault>> {
    let is_reversed = is_reversed(&pairs);
    let parsed = validate::validate(&Node::of_pairs(pairs), Origin::Parameters { others }, Some(validate::schema_of::<T>))?;
    if is_reversed {
        return Err(vec![Fault::parameter("from", "OUT_OF_RANGE", "must not be after to")]);
    }
    Ok(parsed)
}

/// Whether `from` is later than `to`: in every list that takes both, they are the instants between which its items lie.
fn is_reversed(pairs: &[(String, String)]) -> bool {
    let instant = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted)?.1.parse::<Timestamp>().ok();
    matches!((instant("from"), instant("to")), (Some(from), Some(to)) if from > to)
}
