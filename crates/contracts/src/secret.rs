//! Text that must never be logged: passwords and tokens. `Debug` does not show it, and there is no `Display`.

use crate::violation::{Violation, deserialize_str};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt};

macro_rules! secrets {
    ($($(#[doc = $doc:literal])* $name:ident, $min:literal..=$max:literal;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts the text unchanged: it is neither trimmed nor converted to lower case.
            ///
            /// # Errors
            /// `TOO_SHORT`, `TOO_LONG`, `FORBIDDEN_CHARACTER` for controls.
            pub fn parse(text: impl Into<String>) -> Result<Self, Violation> {
                let text = text.into();
                match text.chars().count() {
                    count if count < $min => Err(Violation::new("TOO_SHORT", concat!("must have at least ", $min, " characters"))),
                    count if count > $max => Err(Violation::new("TOO_LONG", concat!("must have at most ", $max, " characters"))),
                    _ if text.chars().any(char::is_control) => Err(Violation::new("FORBIDDEN_CHARACTER", "must not hold control characters")),
                    _ => Ok(Self(text)),
                }
            }
            /// Returns the text. Do not log it.
            #[must_use]
            pub fn reveal(&self) -> &str { &self.0 }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(concat!(stringify!($name), "(…)")) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_str(deserializer, "a string", |text| Self::parse(text))
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "minLength": $min, "maxLength": $max, "description": concat!($($doc),*).trim()})
            }
        }
    )*};
}

secrets! {
    /// A new password: 8 to 200 characters of any script, accepted unchanged.
    NewPassword, 8..=200;
    /// A password or token to be verified. Only a comparison shows whether it is right, so its form is not checked.
    Secret, 1..=4096;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_as_it_is_and_never_shown() {
        let password = NewPassword::parse("  correct horse  ").unwrap();
        assert_eq!(password.reveal(), "  correct horse  ");
        assert_eq!(format!("{password:?}"), "NewPassword(…)");
        assert!(NewPassword::parse("1234567").is_err());
        assert!(NewPassword::parse("x".repeat(201)).is_err());
    }
}
