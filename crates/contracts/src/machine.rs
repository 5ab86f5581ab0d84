//! State machines as tables. Code, documentation and property tests read the same rows.

use crate::violation::Violation;
use std::fmt::Debug;

/// One row of a table: in state `from`, `fact` leads to state `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition<S: 'static, F: 'static> {
    pub from: S,
    pub fact: F,
    pub to: S,
}

/// A state machine: every state and every allowed transition. A transition without a row is rejected.
pub trait Machine: Sized + Copy + Eq + Debug + 'static {
    /// What can happen to it.
    type Fact: Copy + Eq + Debug + 'static;
    /// The name of the type, such as `OrderStatus`.
    const NAME: &'static str;
    /// Every state, the initial one first.
    const STATES: &'static [Self];
    /// The states that are not final and in which it may stay for good.
    const RESTING: &'static [Self];
    const TABLE: &'static [Transition<Self, Self::Fact>];

    /// The state as it is written in answers and events, such as `PENDING_PAYMENT`.
    fn as_str(self) -> &'static str;

    /// Returns the state that `fact` leads to from this one.
    ///
    /// # Errors
    /// [`IllegalTransition`] when the table has no such row.
    fn transition(self, fact: Self::Fact) -> Result<Self, IllegalTransition<Self>> {
        Self::TABLE.iter().find(|row| row.from == self && row.fact == fact).map(|row| row.to).ok_or(IllegalTransition { from: self, fact })
    }

    /// Whether no transition leaves this state. One that leads back to it does not leave it.
    fn is_final(self) -> bool {
        Self::TABLE.iter().all(|row| row.from != self || row.to == self)
    }
}

/// A transition that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} in state {} cannot take {fact:?}", S::NAME, from.as_str())]
pub struct IllegalTransition<S: Machine> {
    pub from: S,
    pub fact: S::Fact,
}

/// A machine without its types, for documents and for tests of all machines. States are in their public spelling.
pub struct MachineSpec {
    /// The name of the type, such as `OrderStatus`.
    pub name: &'static str,
    pub description: &'static str,
    /// Each state with its meaning, the initial one first.
    pub states: &'static [(&'static str, &'static str)],
    /// The states that are not final and in which it may stay for good.
    pub resting: &'static [&'static str],
    /// Each fact with its meaning.
    pub facts: &'static [(&'static str, &'static str)],
    /// The table: state, fact, next state.
    pub rows: &'static [(&'static str, &'static str, &'static str)],
}

/// Returns the violation of a text that names none of `states`.
#[doc(hidden)]
#[must_use]
pub fn no_such_state(states: &[&str]) -> Violation {
    Violation::new("NOT_ONE_OF", format!("must be one of {}", states.join(", ")))
}

/// Declares a state machine: the type of its states, the type of its facts, and its table. States that are neither final
/// nor `resting` have to be left some day; the test of the registry checks that they can be.
///
/// ```ignore
/// machine! {
///     /// The life of a light.
///     Light;
///     /// What can happen to a light.
///     Switch;
///     states {
///         /// It is dark.
///         Off = "OFF",
///         /// It is bright.
///         On = "ON",
///     }
///     resting { Off }
///     facts {
///         /// The switch was pressed.
///         Press,
///     }
///     table { Off, Press => On; On, Press => Off; }
/// }
/// ```
#[macro_export]
macro_rules! machine {
    (
        $(#[doc = $doc:literal])* $name:ident;
        $(#[$fact_type_doc:meta])* $fact_type:ident;
        states { $($(#[doc = $state_doc:literal])* $state:ident = $word:literal),* $(,)? }
        $(resting { $($resting:ident),* $(,)? })?
        facts { $($(#[doc = $fact_doc:literal])* $fact:ident),* $(,)? }
        table { $($from:ident, $by:ident => $to:ident;)* }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
        pub enum $name { $($(#[doc = $state_doc])* #[serde(rename = $word)] $state),* }

        $(#[$fact_type_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $fact_type { $($(#[doc = $fact_doc])* $fact),* }

        impl $crate::machine::Machine for $name {
            type Fact = $fact_type;
            const NAME: &'static str = stringify!($name);
            const STATES: &'static [Self] = &[$($name::$state),*];
            const RESTING: &'static [Self] = &[$($($name::$resting),*)?];
            const TABLE: &'static [$crate::machine::Transition<Self, $fact_type>] = &[
                $($crate::machine::Transition { from: $name::$from, fact: $fact_type::$by, to: $name::$to }),*
            ];
            fn as_str(self) -> &'static str {
                self.spelling()
            }
        }

        impl $name {
            /// Every fact, for documents and tests.
            pub const FACTS: &'static [$fact_type] = &[$($fact_type::$fact),*];
            /// The machine without its types.
            pub const SPEC: $crate::machine::MachineSpec = $crate::machine::MachineSpec {
                name: stringify!($name),
                description: concat!($($doc, "\n"),*),
                states: &[$(($word, concat!($($state_doc, "\n"),*))),*],
                resting: &[$($($name::$resting.spelling()),*)?],
                facts: &[$((stringify!($fact), concat!($($fact_doc, "\n"),*))),*],
                rows: &[$(($name::$from.spelling(), stringify!($by), $name::$to.spelling())),*],
            };

            const fn spelling(self) -> &'static str {
                match self { $($name::$state => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.spelling())
            }
        }

        $crate::text_column!($name);

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
