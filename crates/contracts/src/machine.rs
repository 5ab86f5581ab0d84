//! State machines as tables. The code, the documentation and the property tests read the same rows.

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
    fn word(self) -> &'static str;

    /// Where `fact` leads from here.
    ///
    /// # Errors
    /// [`Illegal`], with the state and the fact, when the table has no such row.
    fn on(self, fact: Self::Fact) -> Result<Self, Illegal<Self>> {
        Self::TABLE.iter().find(|row| row.from == self && row.on == fact).map(|row| row.to).ok_or(Illegal { from: self, fact })
    }

    /// Whether nothing leads out of this state.
    fn is_final(self) -> bool {
        Self::TABLE.iter().all(|row| row.from != self)
    }
}

/// A transition the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} in state {} cannot take {fact:?}", S::NAME, from.word())]
pub struct Illegal<S: Machine> {
    pub from: S,
    pub fact: S::Fact,
}

/// Writes a machine as its table:
///
/// ```ignore
/// machine! {
///     /// The life of a light.
///     Light, on Switch {
///         OFF: Off;  ON: On;
///         Off, Press => On;
///         On, Press => Off;
///     }
/// }
/// ```
/// States are listed first with their public word, then the rows. The fact enum is declared beside it by hand or by
/// the macro's `facts` list.
#[macro_export]
macro_rules! machine {
    (
        $(#[$doc:meta])* $name:ident, $(#[$fact_doc:meta])* on $fact:ident {
            states { $($(#[$state_doc:meta])* $state:ident = $word:literal),* $(,)? }
            facts { $($(#[$on_doc:meta])* $on:ident),* $(,)? }
            table { $($from:ident, $by:ident => $to:ident;)* }
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$state_doc])* #[serde(rename = $word)] $state),* }

        $(#[$fact_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $fact { $($(#[$on_doc])* $on),* }

        impl $crate::machine::Machine for $name {
            type Fact = $fact;
            const NAME: &'static str = stringify!($name);
            const STATES: &'static [Self] = &[$($name::$state),*];
            const TABLE: &'static [$crate::machine::Transition<Self, $fact>] = &[
                $($crate::machine::Transition { from: $name::$from, on: $fact::$by, to: $name::$to }),*
            ];
            fn word(self) -> &'static str {
                match self { $($name::$state => $word),* }
            }
        }

        impl $name {
            /// Every fact, for documents and tests.
            pub const FACTS: &'static [$fact] = &[$($fact::$on),*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::machine::Machine::word(*self))
            }
        }

        impl $crate::column::Column for $name {
            fn write(&self) -> $crate::column::Scalar<'_> {
                $crate::column::Scalar::Text($crate::machine::Machine::word(*self).into())
            }
            fn read(scalar: $crate::column::Scalar<'_>) -> Result<Self, $crate::column::BadColumn> {
                match scalar {
                    $crate::column::Scalar::Text(text) => text.parse().map_err(|_| $crate::column::BadColumn(stringify!($name))),
                    _ => Err($crate::column::BadColumn(stringify!($name))),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::machine::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($word => Ok($name::$state),)* _ => Err($crate::machine::UnknownWord) }
            }
        }
    };
}

/// Text that names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such value")]
pub struct UnknownWord;
