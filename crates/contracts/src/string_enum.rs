//! Enumerations that are strings in answers, events and queries.

/// Declares an enumeration with its public spelling. Reading another text is an error that lists the known values. A
/// spelling of earlier versions, behind a bar, can still be read.
///
/// ```ignore
/// string_enum! {
///     /// What a user may do.
///     Role {
///         /// Buys.
///         Customer = "CUSTOMER" | "BUYER",
///     }
/// }
/// ```
#[macro_export]
macro_rules! string_enum {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal $(| $older:literal)*),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$value_doc])* #[serde(rename = $word)] $value),* }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$($name::$value),*];

            /// The value as it is written in answers and events.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$value => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        $crate::text_column!($name);

        impl std::str::FromStr for $name {
            type Err = $crate::violation::Violation;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word $(| $older)* => Ok($name::$value),)*
                    _ => Err($crate::violation::Violation::new("UNKNOWN_VALUE", concat!("must be one of" $(, " ", $word)*))),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::violation::deserialize_str(deserializer, "a string", str::parse)
            }
        }
    )*};
}
