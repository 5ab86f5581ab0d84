//! Text that must never be logged: passwords, tokens and payout accounts. `Debug` does not show it, and there is no `Display`.

use crate::text::{characters::nfkc, secret_pattern};
use crate::violation::{Violation, deserialize_str};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt};

macro_rules! secrets {
    ($($(#[doc = $doc:literal])* $name:ident, $min:literal..=$max:literal, $pattern:expr, $spelling:expr, $fits:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts the text, neither trimmed nor converted to lower case.
            ///
            /// # Errors
            /// `TOO_SHORT`, `TOO_LONG`, `FORBIDDEN_CHARACTER` for controls and for what the type does not take.
            pub fn parse(text: impl Into<String>) -> Result<Self, Violation> {
                let typed = text.into();
                let spelling: fn(String) -> String = $spelling;
                let fits: fn(&str) -> bool = $fits;
                let most = typed.chars().count();
                let text = spelling(typed);
                match text.chars().count() {
                    count if count < $min => Err(Violation::new("TOO_SHORT", concat!("must have at least ", $min, " characters"))),
                    _ if most > $max => Err(Violation::new("TOO_LONG", concat!("must have at most ", $max, " characters"))),
                    _ if text.chars().any(char::is_control) => Err(Violation::new("FORBIDDEN_CHARACTER", "must not hold control characters")),
                    _ if !fits(&text) => Err(Violation::new("FORBIDDEN_CHARACTER", "must consist of letters, digits, hyphens and underscores")),
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
                json_schema!({"type": "string", "minLength": $min, "maxLength": $max, "pattern": $pattern, "description": concat!($($doc),*).trim()})
            }
        }
    )*};
}

secrets! {
    /// A new password: 8 to 200 characters of any script, counted and stored in Normalization Form KC, so that the keyboard
    /// that types it does not matter (NIST SP 800-63B). It must not be a common one or the account's own e-mail or name.
    NewPassword, 8..=200, secret_pattern(), |text| nfkc(&text).into_owned(), |_| true;
    /// A password or token to be verified. Only a comparison shows whether it is right, so its form is not checked.
    Secret, 1..=4096, secret_pattern(), |text| text, |_| true;
    /// Where a seller's money is paid out: 4 to 64 letters, digits, hyphens and underscores of ASCII, as the payout provider knows
    /// it. Spaces do not count.
    PayoutAccount, 4..=64, "^[A-Za-z0-9 _-]+$", |text| text.replace(' ', ""), |text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
}

impl PayoutAccount {
    /// The account as answers show it: the last four characters of a long one, the last two of a short one.
    #[must_use]
    pub fn masked(&self) -> String {
        let shown = if self.0.len() < 12 { 2 } else { 4 };
        format!("****{}", &self.0[self.0.len() - shown..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_account_is_ascii_and_shown_by_its_end_alone() {
        let account = PayoutAccount::parse("DE02 1203 0000 0000 2020 51").unwrap();
        assert_eq!((account.reveal(), account.masked().as_str()), ("DE02120300000000202051", "****2051"));
        assert_eq!(PayoutAccount::parse("po_ok").unwrap().masked(), "****ok");
        assert_eq!(format!("{account:?}"), "PayoutAccount(…)");
        for (text, code) in [
            ("abc", "TOO_SHORT"),
            ("a b c", "TOO_SHORT"),
            ("kontó-1234", "FORBIDDEN_CHARACTER"),
            ("po_ok\n", "FORBIDDEN_CHARACTER"),
            ("a/b.c", "FORBIDDEN_CHARACTER"),
        ] {
            assert_eq!(PayoutAccount::parse(text).unwrap_err().code, code, "{text:?}");
        }
        assert_eq!(PayoutAccount::parse("1".repeat(65)).unwrap_err().code, "TOO_LONG");
    }

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
