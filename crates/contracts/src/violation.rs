//! Why a value was rejected, as a type that survives deserialization.
//!
//! serde passes an error on as text only. The HTTP layer needs code and detail of a rejected value as they were, so
//! [`reject`] keeps the [`Violation`] in a thread-local variable while serde constructs its error. An error type gets
//! it by a call of [`take_violation`] in its `serde::de::Error::custom`.

use serde::de::{Deserializer, Error, Visitor};
use std::{cell::RefCell, fmt, marker::PhantomData};

/// A rule that a value breaks. `problem::Fault` adds the place of the value in the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Violation {
    /// Stable and in upper case, such as `OUT_OF_RANGE`.
    pub code: &'static str,
    /// What the value must be, such as `must be a whole number from 1 to 100000`.
    pub detail: String,
}

impl Violation {
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Violation {
        Violation { code, detail: detail.into() }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Violation>> = const { RefCell::new(None) };
}

/// Constructs the error of a `Deserialize` implementation that rejects a value.
pub fn reject<E: Error>(violation: Violation) -> E {
    let message = violation.to_string();
    CURRENT.set(Some(violation));
    let error = E::custom(message);
    // Most error types keep the text only. Nothing may stay behind for an unrelated error on this thread.
    CURRENT.take();
    error
}

/// Returns the violation whose error is being constructed on this thread: `Some` only within a call of
/// `serde::de::Error::custom` that [`reject`] makes, and only the first time.
#[must_use]
pub fn take_violation() -> Option<Violation> {
    CURRENT.take()
}

/// Deserializes a string that `parse` checks. `expecting` completes serde's "invalid type: …, expected …".
///
/// # Errors
/// What [`reject`] makes of the violation, or serde's own error when the value is no string.
pub fn deserialize_str<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expecting: &'static str,
    parse: impl FnOnce(&str) -> Result<T, Violation>,
) -> Result<T, D::Error> {
    struct Text<P, T>(&'static str, P, PhantomData<T>);
    impl<P: FnOnce(&str) -> Result<T, Violation>, T> Visitor<'_> for Text<P, T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.1)(text).map_err(reject)
        }
    }
    deserializer.deserialize_str(Text(expecting, parse, PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{body::BoundedVec, ids::OrderId, money::Currency, shipping::ShipmentStatus, text::Quantity, time::Timestamp};
    use serde::{Deserialize, de::value};

    /// An error that keeps the violation, as the HTTP layer's does.
    #[derive(Debug)]
    struct Kept(Option<Violation>);
    impl fmt::Display for Kept {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{:?}", self.0)
        }
    }
    impl std::error::Error for Kept {}
    impl Error for Kept {
        fn custom<T: fmt::Display>(_: T) -> Kept {
            Kept(take_violation())
        }
    }

    fn code_of<'de, T: Deserialize<'de> + fmt::Debug>(deserializer: impl Deserializer<'de, Error = Kept>) -> Option<&'static str> {
        T::deserialize(deserializer).expect_err("it is rejected").0.map(|violation| violation.code)
    }

    #[test]
    fn an_error_of_any_type_can_take_the_violation() {
        let text = value::StrDeserializer::<Kept>::new;
        assert_eq!(code_of::<Currency>(text("euro")), Some("NOT_A_CURRENCY"));
        assert_eq!(code_of::<OrderId>(text("7")), Some("NOT_A_UUID"));
        assert_eq!(code_of::<Timestamp>(text("today")), Some("NOT_A_TIME"));
        assert_eq!(code_of::<ShipmentStatus>(text("LOST")), Some("NOT_ONE_OF"));
        assert_eq!(code_of::<crate::auth::Role>(text("KING")), Some("UNKNOWN_VALUE"));
        assert_eq!(code_of::<Quantity>(value::I64Deserializer::new(0)), Some("OUT_OF_RANGE"));
        assert_eq!(code_of::<BoundedVec<u8, 1, 2>>(value::SeqDeserializer::new(std::iter::empty::<u8>())), Some("TOO_FEW"));
    }

    #[test]
    fn no_violation_stays_behind_for_another_error() {
        assert!(serde_json::from_str::<Quantity>("0").is_err());
        assert_eq!(take_violation(), None);
        assert_eq!(code_of::<Quantity>(value::StrDeserializer::new("a text")), None);
    }
}
