//! The types of aggregates in the catalogue of events.

use contracts::{
    column::{BadColumn, Column, SqlValue},
    event::EventSpec,
    registry,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{borrow::Cow, collections::BTreeSet};

/// A type of aggregate in the catalogue, such as `ORDER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AggregateType(&'static str);

impl AggregateType {
    /// Returns every type in alphabetical order.
    pub fn all() -> BTreeSet<&'static str> {
        registry::events().map(|kind| kind.aggregate).collect()
    }

    /// Returns the type of aggregate of an event type, or `None` when the catalogue does not have it.
    #[must_use]
    pub fn of_event(event_type: &str) -> Option<AggregateType> {
        let is_it = |kind: &&EventSpec| kind.event_type == event_type;
        registry::events().find(is_it).map(|kind| AggregateType(kind.aggregate))
    }
}

impl<'de> Deserialize<'de> for AggregateType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (text, all) = (Cow::<'de, str>::deserialize(deserializer)?, AggregateType::all());
        let known = all.get(&*text).copied().map(AggregateType);
        known.ok_or_else(|| D::Error::custom(format!("UNKNOWN_VALUE: must be one of {}", Vec::from_iter(all).join(" "))))
    }
}

impl JsonSchema for AggregateType {
    fn schema_name() -> Cow<'static, str> {
        "AggregateType".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": AggregateType::all()})
    }
}

impl Column for AggregateType {
    fn to_sql(&self) -> SqlValue<'_> {
        SqlValue::Text(self.0.into())
    }
    fn from_sql(scalar: SqlValue<'_>) -> Result<Self, BadColumn> {
        let SqlValue::Text(text) = scalar else { return Err(BadColumn("AggregateType")) };
        AggregateType::all().get(&*text).copied().map(AggregateType).ok_or(BadColumn("AggregateType"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_event_is_about_one_type_of_aggregate() {
        for kind in registry::events() {
            assert_eq!(AggregateType::of_event(kind.event_type), Some(AggregateType(kind.aggregate)), "{}", kind.event_type);
        }
        assert_eq!(AggregateType::of_event("OrderTeleported"), None);
    }
}
