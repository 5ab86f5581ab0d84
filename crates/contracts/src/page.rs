//! Lists: a page of items and the cursor of the next.

use crate::machine::Machine;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::HashMap, hash::Hash};

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
    fn totals_are_an_object_in_the_order_of_a_life() {
        let totals: Totals<OrderStatus> = [(OrderStatus::Refunded, 1), (OrderStatus::PendingPayment, 2)].into_iter().collect();
        let text = serde_json::to_string(&totals).unwrap();
        assert_eq!(text, r#"{"byStatus":{"PENDING_PAYMENT":2,"REFUNDED":1},"total":3}"#);
        assert_eq!(serde_json::from_str::<Totals<OrderStatus>>(&text).unwrap(), totals);
    }
}
