//! State machines as tables. The code, the documentation and the property tests read the same rows.

use crate::violation::Violation;
use std::fmt::Debug;

/// One row: in state `from`, the fact `on` leads to state `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition<S: 'static, F: 'static> {
    pub from: S,
    pub on: F,
    pub to: S,
}

/// A state machine: every state, and every transition that is allowed. What has no row is refused.
pub trait Machine: Sized + Copy + Eq + Debug + 'static {
    /// What can happen to it.
    type Fact: Copy + Eq + Debug + 'static;
    /// The word for it in documents, such as `Order`.
    const NAME: &'static str;
    /// Every state, the initial one first.
    const STATES: &'static [Self];
    const TABLE: &'static [Transition<Self, Self::Fact>];

    /// The state as it is written in answers and events, such as `PENDING_PAYMENT`.
    fn as_str(self) -> &'static str;

    /// Where `fact` leads from here.
    ///
    /// # Errors
    /// [`IllegalTransition`], with the state and the fact, when the table has no such row.
    fn transition(self, fact: Self::Fact) -> Result<Self, IllegalTransition<Self>> {
        Self::TABLE.iter().find(|row| row.from == self && row.on == fact).map(|row| row.to).ok_or(IllegalTransition { from: self, fact })
    }

    /// Whether nothing leads out of this state.
    fn is_final(self) -> bool {
        Self::TABLE.iter().all(|row| row.from != self)
    }
}

/// A transition the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} in state {} cannot take {fact:?}", S::NAME, from.as_str())]
pub struct IllegalTransition<S: Machine> {
    pub from: S,
    pub fact: S::Fact,
}

/// Writes a machine as its table:
///
/// ```ignore
/// machine! {
///     /// The life of a light.
///     Light, on
///     /// What can happen to a light.
///     Switch {
///         states {
///             /// It is dark.
///             Off = "OFF",
///             /// It is bright.
///             On = "ON",
///         }
///         facts {
///             /// Somebody pressed the switch.
///             Press,
///         }
///         table { Off, Press => On; On, Press => Off; }
///     }
/// }
/// ```
/// States come with the public word, then the facts, then the rows. Every one of them says what it means.
#[macro_export]
macro_rules! machine {
    (
        $(#[doc = $doc:literal])* $name:ident, on $(#[$fact_doc:meta])* $fact:ident {
            states { $($(#[doc = $state_doc:literal])* $state:ident = $word:literal),* $(,)? }
            facts { $($(#[doc = $on_doc:literal])* $on:ident),* $(,)? }
            table { $($from:ident, $by:ident => $to:ident;)* }
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
        pub enum $name { $($(#[doc = $state_doc])* #[serde(rename = $word)] $state),* }

        $(#[$fact_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $fact { $($(#[doc = $on_doc])* $on),* }

        impl $crate::machine::Machine for $name {
            type Fact = $fact;
            const NAME: &'static str = stringify!($name);
            const STATES: &'static [Self] = &[$($name::$state),*];
            const TABLE: &'static [$crate::machine::Transition<Self, $fact>] = &[
                $($crate::machine::Transition { from: $name::$from, on: $fact::$by, to: $name::$to }),*
            ];
            fn as_str(self) -> &'static str {
                match self { $($name::$state => $word),* }
            }
        }

        impl $name {
            /// Every fact, for documents and tests.
            pub const FACTS: &'static [$fact] = &[$($fact::$on),*];
            /// The machine with its types erased, for documents and tests that walk all machines.
            pub const SPEC: $crate::machine::MachineSpec = $crate::machine::MachineSpec {
                name: stringify!($name),
                description: concat!($($doc, "\n"),*),
                states: &[$(($word, concat!($($state_doc, "\n"),*))),*],
                facts: &[$((stringify!($on), concat!($($on_doc, "\n"),*))),*],
                rows: &[$((stringify!($from), stringify!($by), stringify!($to))),*],
                spellings: &[$((stringify!($state), $word)),*],
            };
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::machine::Machine::as_str(*self))
            }
        }

        impl $crate::column::Column for $name {
            fn to_sql(&self) -> $crate::column::SqlValue<'_> {
                $crate::column::SqlValue::Text($crate::machine::Machine::as_str(*self).into())
            }
            fn from_sql(scalar: $crate::column::SqlValue<'_>) -> Result<Self, $crate::column::BadColumn> {
                match scalar {
                    $crate::column::SqlValue::Text(text) => text.parse().map_err(|_| $crate::column::BadColumn(stringify!($name))),
                    _ => Err($crate::column::BadColumn(stringify!($name))),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::violation::Violation;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($word => Ok($name::$state),)* _ => Err($crate::machine::no_such_state(&[$($word),*])) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::violation::deserialize_str(deserializer, "a string", str::parse)
            }
        }
    };
}

/// A machine with its types erased.
#[derive(Debug, Clone, Copy)]
pub struct MachineSpec {
    /// The type's name, such as `OrderStatus`.
    pub name: &'static str,
    pub description: &'static str,
    /// Public word and meaning of every state, the initial one first.
    pub states: &'static [(&'static str, &'static str)],
    /// Name and meaning of every fact.
    pub facts: &'static [(&'static str, &'static str)],
    #[doc(hidden)]
    pub rows: &'static [(&'static str, &'static str, &'static str)],
    #[doc(hidden)]
    pub spellings: &'static [(&'static str, &'static str)],
}

impl MachineSpec {
    /// The rows as (state, fact, state), in public words.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let spellings = self.spellings;
        let word = move |state: &str| spellings.iter().find(|(name, _)| *name == state).expect("a row names declared states").1;
        self.rows.iter().map(move |&(from, on, to)| (word(from), on, word(to)))
    }
}

/// The violation of a text that names none of `states`.
#[doc(hidden)]
#[must_use]
pub fn no_such_state(states: &[&str]) -> Violation {
    Violation::new("NOT_ONE_OF", format!("must be one of {}", states.join(", ")))
}
