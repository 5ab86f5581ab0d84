//! The section `[search]` of the settings.

use crate::domain::text::Language;
use contracts::{body::BoundedInt, money::Currency};
use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of search.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The shop's default currency, an ISO 4217 code. Searches that filter or sort by price without naming a currency find
    /// products in this one.
    pub currency: Currency,
    /// The language of stemming (`chairs` finds `chair`): the English name of a Snowball language, or `none`. A change
    /// rebuilds the index at the next start.
    pub language: Language,
    /// Threads for searches; 0 for one per processor.
    pub threads: BoundedInt<0, 64>,
    /// Searches that may wait for a thread. Further searches are refused.
    pub queue: BoundedInt<1, 10_000>,
    /// Milliseconds that a search may take. Then it is answered with what was found so far.
    pub deadline_milliseconds: BoundedInt<1, 60_000>,
    /// Megabytes of cached answers. Every change of the index clears them.
    pub cache_megabytes: BoundedInt<0, 4_096>,
    /// Megabytes of memory for documents that are not yet written to the index.
    pub writer_megabytes: BoundedInt<16, 1_024>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            currency: Currency::EUR,
            language: Language::ENGLISH,
            threads: usual(0),
            queue: usual(256),
            deadline_milliseconds: usual(500),
            cache_megabytes: usual(32),
            writer_megabytes: usual(16),
        }
    }
}

fn usual<const MIN: i64, const MAX: i64>(number: i64) -> BoundedInt<MIN, MAX> {
    BoundedInt::new(number).expect("a usual value is within its bounds")
}
