//! What integrators save with a product, an order, a user or a seller: the name of the thing in their system, and data of theirs. The
//! platform stores both and reads neither.

use super::Patch;
use crate::{
    text::{ExternalId, MetadataKey, MetadataValue},
    violation::{Violation, reject},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// At most 50 keys, each with a text of at most 500 characters. A key that occurs twice is rejected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    pub const MAX: usize = 50;

    #[must_use]
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl std::ops::Deref for Metadata {
    type Target = BTreeMap<String, String>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Metadata;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose values are strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<MetadataKey, MetadataValue>()? {
                    if pairs.insert(key.into_string(), value.into_string()).is_some() {
                        return Err(reject(Violation::new("DUPLICATE", "names a key twice")));
                    }
                    if pairs.len() > Metadata::MAX {
                        return Err(reject(Violation::new("TOO_MANY", "must have at most 50 keys")));
                    }
                }
                Ok(Metadata(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl JsonSchema for Metadata {
    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Data of an integrator: keys with texts.",
            "maxProperties": Metadata::MAX,
            "propertyNames": generator.subschema_for::<MetadataKey>(),
            "additionalProperties": generator.subschema_for::<MetadataValue>(),
        })
    }
}

/// Changes what integrators saved. Fields that are absent stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpdateIntegratorData {
    /// The name of the thing in another system; null removes it.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub external_id: Patch<Option<ExternalId>>,
    /// Replaces all metadata.
    #[serde(skip_serializing_if = "Patch::is_absent")]
    pub metadata: Patch<Metadata>,
}

impl UpdateIntegratorData {
    /// Applies the change to the fields of a thing.
    pub fn apply(self, external_id: &mut Option<String>, metadata: &mut BTreeMap<String, String>) {
        if let Patch(Some(id)) = self.external_id {
            *external_id = id.map(ExternalId::into_string);
        }
        if let Patch(Some(data)) = self.metadata {
            *metadata = data.into_map();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_has_bounds_on_keys_and_values() {
        let read = |value: serde_json::Value| serde_json::from_value::<Metadata>(value).is_ok();
        assert!(read(json!({"erp.order-id": "A 1\nB", "note": ""})));
        assert!(read(json!({"a".repeat(40): "x".repeat(500)})));
        for bad in [json!({"": "a"}), json!({"a b": "c"}), json!({"a".repeat(41): "c"}), json!({"a": "x".repeat(501)}), json!({"a": 1})] {
            assert!(!read(bad.clone()), "{bad}");
        }
        let many = |count: usize| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
        assert!(read(many(50)) && !read(many(51)));
        assert!(serde_json::from_str::<Metadata>(r#"{"a":"1","a":"2"}"#).is_err());
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let (mut id, mut data) = (Some("ERP-1".to_owned()), BTreeMap::from([("a".to_owned(), "1".to_owned())]));
        let change = |value: serde_json::Value| serde_json::from_value::<UpdateIntegratorData>(value).unwrap();
        change(json!({"metadata": {"b": "2"}})).apply(&mut id, &mut data);
        assert_eq!((id.as_deref(), data.len(), data["b"].as_str()), (Some("ERP-1"), 1, "2"));
        change(json!({"externalId": null})).apply(&mut id, &mut data);
        assert_eq!((id, data.len()), (None, 1));
    }
}
