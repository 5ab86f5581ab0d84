//! Turns what serde says about a value into entries of a problem's `errors`.
//!
//! serde speaks of Rust and in prose. Callers get a stable code, the place, and a sentence without Rust in it.

use contracts::problem::Fault;
use serde_path_to_error::{Path, Segment};

/// Where a fault was found.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// In a JSON body: faults carry a pointer.
    Body,
    /// In a query or a form's text: faults carry the parameter's name.
    Query,
}

/// One fault from an error at `path` whose message is `message`.
pub(super) fn fault(place: Place, path: &Path, message: &str) -> Fault {
    let message = message.rfind(" at line ").map_or(message, |end| &message[..end]);
    let (code, detail, field) = classify(message);
    let mut segments: Vec<String> = path.iter().filter_map(name).collect();
    if let Some(field) = field
        && segments.last().map(String::as_str) != Some(field)
    {
        segments.push(field.to_owned());
    }
    let mut fault = match place {
        Place::Body => Fault::at(pointer(&segments), "INVALID", detail),
        Place::Query => Fault::parameter(segments.first().cloned().unwrap_or_default(), "INVALID", detail),
    };
    fault.code = code.into();
    fault
}

fn name(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}

/// RFC 6901.
fn pointer(segments: &[String]) -> String {
    segments.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Code, detail, and the field that the message names.
fn classify(message: &str) -> (String, String, Option<&str>) {
    let quoted = || message.split('`').nth(1);
    let said = |code: &str, detail: &str| (code.to_owned(), detail.to_owned());
    let expected = || message.rsplit_once(", expected ").map_or("another kind of value", |(_, expected)| humane(expected));
    let (code, detail) = if message.starts_with("unknown field ") {
        return ("UNKNOWN_FIELD".into(), "is not a field of this request".into(), quoted());
    } else if message.starts_with("missing field ") {
        return ("REQUIRED".into(), "must be given".into(), quoted());
    } else if message.starts_with("duplicate field ") {
        return ("DUPLICATE_FIELD".into(), "is given more than once".into(), quoted());
    } else if message.starts_with("invalid type: ") {
        ("WRONG_TYPE".into(), format!("must be {}", expected()))
    } else if message == "expected value" {
        said("WRONG_TYPE", "must be one of the documented words")
    } else if message.starts_with("invalid value: ") {
        ("OUT_OF_RANGE".into(), format!("must be {}", expected()))
    } else if message.starts_with("invalid length ") {
        ("WRONG_LENGTH".into(), format!("must be {}", expected()))
    } else if message.starts_with("number out of range") {
        said("OUT_OF_RANGE", "is a number too large to be handled")
    } else if message.starts_with("unknown variant ") {
        let choice = message.split_once(", expected ").map_or("", |(_, choice)| choice).replace('`', "");
        ("NOT_ONE_OF".into(), format!("must be {choice}"))
    } else if message.starts_with("UUID parsing failed") || message == "not a UUID" {
        said("NOT_A_UUID", "must be a UUID in its hyphenated form")
    } else if message.starts_with("not an RFC 3339 time") {
        said("NOT_A_TIME", "must be an RFC 3339 time such as 2026-01-31T09:30:00Z")
    } else if let Some((code, detail)) = coded(message) {
        said(code, detail)
    } else {
        said("INVALID", "is not a valid value here")
    };
    (code, detail, None)
}

/// Splits the `CODE: detail` of `contracts`' types.
pub(super) fn coded(message: &str) -> Option<(&str, &str)> {
    let (code, detail) = message.split_once(": ")?;
    let shouts = code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    shouts.then_some((code, detail))
}

/// What serde expected, without the names of Rust types.
fn humane(expected: &str) -> &str {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" | "an integer" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        text if text.starts_with("struct ") || text.starts_with("an object") => "an object",
        text if text.contains("string") || text == "a character" => "a string",
        text if text.starts_with("tuple ") => "an array",
        text if text.contains("UUID") => "a UUID as a string",
        _ => "another kind of value",
    }
}
