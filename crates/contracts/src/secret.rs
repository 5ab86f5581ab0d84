//! Text that must never be logged: passwords and tokens. `Debug` does not show it, and there is no `Display`.

use crate::text::characters::nfkc;
use crate::violation::{Violation, deserialize_str};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt};

macro_rules! secrets {
    ($($(#[doc = $doc:literal])* $name:ident, $min:literal..=$max:literal, $spelling:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts the text, neither trimmed nor converted to lower case.
            ///
            /// # Errors
            /// `TOO_SHORT`, `TOO_LONG`, `FORBIDDEN_CHARACTER` for controls.
            pub fn parse(text: impl Into<String>) -> Result<Self, Violation> {
                let typed = text.into();
                let spelling: fn(String) -> String = $spelling;
                let most = typed.chars().count();
                let text = spelling(typed);
                match text.chars().count() {
                    count if count < $min => Err(Violation::new("TOO_SHORT", concat!("must have at least ", $min, " characters"))),
                    _ if most > $max => Err(Violation::new("TOO_LONG", concat!("must have at most ", $max, " characters"))),
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
                json_schema!({"type": "string", "minLength": $min, "maxLength": $max, "pattern": crate::text::secret_pattern(), "description": concat!($($doc),*).trim()})
            }
        }
    )*};
}

secrets! {
    /// A new password: 8 to 200 characters of any script, counted and stored in Normalization Form KC, so that the keyboard
    /// that types it does not matter (NIST SP 800-63B). It must not be a common one or the account's own e-mail or name.
    NewPassword, 8..=200, |text| nfkc(&text).into_owned();
    /// A password or token to be verified. Only a comparison shows whether it is right, so its form is not checked.
    Secret, 1..=4096, |text| text;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_neither_trimmed_nor_shown() {
        let password = NewPassword::parse("  correct horse  ").unwrap();
        assert_eq!(password.reveal(), "  correct horse  ");
        assert_eq!(format!("{password:?}"), "NewPassword(…)");
        assert_eq!(NewPassword::parse("e\u{301}te\u{301} 2026").unwrap(), NewPassword::parse("\u{e9}t\u{e9} 2026").unwrap());
        assert!(NewPassword::parse("1234567").is_err());
        assert!(NewPassword::parse("e\u{301}".repeat(7)).is_err(), "seven characters");
        assert!(NewPassword::parse("x".repeat(201)).is_err());
    }
}
