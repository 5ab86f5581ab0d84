//! Lists: a page of items and the cursor of the next.

use crate::{machine::Machine, problem::Fault, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::HashMap, hash::Hash, time::Duration};

/// One page of a list. `nextCursor` is opaque and null on the last page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items of this page, newest first unless the list says otherwise.
    pub items: Vec<T>,
    /// Send it as `cursor`, with the same filters, to get the next page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

/// How many items an administrator's list has, by status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", bound(serialize = "S: Serialize", deserialize = "S: Deserialize<'de> + Machine + Hash"))]
#[schemars(rename = "{S}Totals")]
pub struct Totals<S> {
    /// By status, in the order of a life; a status without items is left out.
    #[serde(serialize_with = "write_map", deserialize_with = "read_map")]
    #[schemars(with = "HashMap<S, u64>")]
    pub by_status: Vec<(S, u64)>,
    pub total: u64,
}

impl<S: Machine> FromIterator<(S, u64)> for Totals<S> {
    fn from_iter<I: IntoIterator<Item = (S, u64)>>(counts: I) -> Totals<S> {
        let mut by_status: Vec<(S, u64)> = counts.into_iter().collect();
        by_status.sort_by_key(|(status, _)| S::STATES.iter().position(|state| state == status));
        Totals { total: by_status.iter().map(|(_, count)| count).sum(), by_status }
    }
}

/// Figures by day, the oldest day first. A day without anything to count is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Series")]
pub struct Series<T> {
    pub items: Vec<T>,
}

/// Which days a series covers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeriesFilter {
    /// What happened at this instant or later, at most 92 days before the end.
    pub from: Timestamp,
    /// What happened before this instant; until now when absent.
    #[serde(default)]
    pub to: Option<Timestamp>,
}

impl SeriesFilter {
    /// The longest span of a series: what is counted for one answer has a bound.
    pub const LONGEST: Duration = Duration::from_secs(92 * 24 * 3600);

    /// Returns the beginning and the end of the series at `now`.
    ///
    /// # Errors
    /// When the span is longer than [`SeriesFilter::LONGEST`].
    pub fn span(self, now: Timestamp) -> Result<(Timestamp, Timestamp), Fault> {
        let to = self.to.unwrap_or(now);
        if to.since(self.from) > SeriesFilter::LONGEST {
            return Err(Fault::parameter("from", "OUT_OF_RANGE", "must be at most 92 days before the end"));
        }
        Ok((self.from, to))
    }
}

fn write_map<S: Serialize, Z: Serializer>(by_status: &[(S, u64)], serializer: Z) -> Result<Z::Ok, Z::Error> {
    serializer.collect_map(by_status.iter().map(|(status, count)| (status, count)))
}

fn read_map<'de, S: Deserialize<'de> + Machine + Hash, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(S, u64)>, D::Error> {
    let counts = HashMap::<S, u64>::deserialize(deserializer)?;
    Ok(counts.into_iter().collect::<Totals<S>>().by_status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::OrderStatus;

    #[test]
    fn a_series_is_no_longer_than_its_bound() {
        let day = |days: i64| Timestamp(days * 86_400_000_000);
        let span = |from, to: Option<i64>| SeriesFilter { from: day(from), to: to.map(day) }.span(day(100));
        assert_eq!(span(8, None), Ok((day(8), day(100))));
        assert_eq!(span(7, Some(9)), Ok((day(7), day(9))));
        assert_eq!(span(200, None), Ok((day(200), day(100))), "nothing happened yet");
        for (from, to) in [(7, None), (0, Some(93))] {
            assert_eq!(span(from, to).unwrap_err().code, "OUT_OF_RANGE");
        }
    }

    #[test]
    fn totals_are_an_object_in_the_order_of_a_life() {
        let totals: Totals<OrderStatus> = [(OrderStatus::Refunded, 1), (OrderStatus::PendingPayment, 2)].into_iter().collect();
        let text = serde_json::to_string(&totals).unwrap();
        assert_eq!(text, r#"{"byStatus":{"PENDING_PAYMENT":2,"REFUNDED":1},"total":3}"#);
        assert_eq!(serde_json::from_str::<Totals<OrderStatus>>(&text).unwrap(), totals);
    }
}
