//! The error of a run over the values of a request: what is wrong, as a type.

use contracts::violation;
use serde::de::{self, Expected, Unexpected};
use std::{borrow::Cow, fmt};

/// Why a value could not be deserialized.
#[derive(Debug)]
pub(super) enum Error {
    /// The value at hand has this fault.
    Fault(Found),
    /// A value inside was faulty. It is recorded and masked: another run may find more.
    Inside,
}

/// A fault of the value at hand, or of one of its fields.
#[derive(Debug)]
pub(super) struct Found {
    pub code: &'static str,
    /// Empty until [`Error::expecting`] completes it with the expected type.
    pub detail: Cow<'static, str>,
    pub field: Option<String>,
}

impl Error {
    pub(super) fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
        Error::Fault(Found { code, detail: detail.into(), field: None })
    }

    pub(super) fn wrong_type(expected: &'static str) -> Error {
        Error::new("WRONG_TYPE", "").expecting(expected)
    }

    /// Adds what the value must be, unless the fault has a detail.
    pub(super) fn expecting(self, expected: &'static str) -> Error {
        match self {
            Error::Fault(found) if found.detail.is_empty() => Error::Fault(Found { detail: format!("must be {expected}").into(), ..found }),
            other => other,
        }
    }

    fn of_field(code: &'static str, detail: &'static str, field: &str) -> Error {
        Error::Fault(Found { code, detail: detail.into(), field: Some(field.to_owned()) })
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(_: T) -> Error {
        match violation::take_violation() {
            Some(violation) => Error::new(violation.code, violation.detail),
            None => Error::new("INVALID", "is not a valid value here"),
        }
    }
    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Error {
        Error::new("WRONG_TYPE", "")
    }
    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Error {
        Error::new("OUT_OF_RANGE", "")
    }
    fn invalid_length(_: usize, _: &dyn Expected) -> Error {
        Error::new("WRONG_LENGTH", "")
    }
    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Error {
        Error::new(
            "NOT_ONE_OF",
            match variants {
                [one] => format!("must be {one}"),
                [one, other] => format!("must be {one} or {other}"),
                _ => format!("must be one of {}", variants.join(", ")),
            },
        )
    }
    fn unknown_field(field: &str, _: &'static [&'static str]) -> Error {
        Error::of_field("UNKNOWN_FIELD", "is not a field of this request", field)
    }
    fn missing_field(field: &'static str) -> Error {
        Error::of_field(super::REQUIRED, "must be given", field)
    }
    fn duplicate_field(field: &'static str) -> Error {
        Error::of_field("DUPLICATE_FIELD", "is given more than once", field)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Fault(found) => write!(f, "{}: {}", found.code, found.detail),
            Error::Inside => f.write_str("a value inside is not valid"),
        }
    }
}

impl std::error::Error for Error {}
