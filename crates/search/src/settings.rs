//! The section `[search]` of the settings.

use crate::domain::text::Language;
use contracts::{body::BoundedInt, money::Currency};
use schemars::JsonSchema;
use serde::Deserialize;

/// What can be set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The shop's own currency, an ISO 4217 code: searches that filter or sort by price and name no currency are among
    /// products in this one.
    pub currency: Currency,
    /// The language whose word forms are found for each other (`chairs` for `chair`): the English name of one that
    /// Snowball stems, or `none`. Another one makes the index anew at the next start.
    pub language: Language,
    /// Threads that search at once; 0 for as many as there are processors.
    pub threads: BoundedInt<0, 64>,
    /// Searches that may wait for a thread. One more is told to come back.
    pub queue: BoundedInt<1, 10_000>,
    /// Megabytes of answers kept for repeated searches. Every change of the index drops them.
    pub cache_megabytes: BoundedInt<0, 4_096>,
    /// Megabytes of documents that wait in memory to become a part of the index.
    pub writer_megabytes: BoundedInt<16, 1_024>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            currency: Currency::EUR,
            language: Language::ENGLISH,
            threads: usual(0),
            queue: usual(256),
            cache_megabytes: usual(32),
            writer_megabytes: usual(16),
        }
    }
}

fn usual<const MIN: i64, const MAX: i64>(number: i64) -> BoundedInt<MIN, MAX> {
    BoundedInt::new(number).expect("a usual value is within its bounds")
}
