//! Shapes that request bodies share: bounded lists, bounded maps, bounded numbers, and fields of a partial update.

mod metadata;

pub use metadata::{Metadata, UpdateIntegratorData};

use crate::{
    text::{AttributeName, RequiredShortText},
    violation::{Violation, reject},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Deref};

/// A field of a partial update. An absent field is left unchanged. `Patch<Option<T>>` accepts null, which clears the
/// field; `Patch<T>` rejects null. Use it under `#[serde(default)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Patch<T>(pub Option<T>);

impl<T> Patch<T> {
    pub const ABSENT: Self = Patch(None);

    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }
    /// Returns the new value, or `present` when the field is absent.
    #[must_use]
    pub fn or(self, present: T) -> T {
        self.0.unwrap_or(present)
    }
}

impl<T> Default for Patch<T> {
    fn default() -> Self {
        Patch::ABSENT
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Patch(Some(value)))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A list of `MIN` to `MAX` items.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct BoundedVec<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> BoundedVec<T, MIN, MAX> {
    /// # Errors
    /// `TOO_FEW`, `TOO_MANY`.
    pub fn new(items: Vec<T>) -> Result<Self, Violation> {
        match items.len() {
            count if count < MIN => Err(Violation::new("TOO_FEW", format!("must have at least {MIN} items"))),
            count if count > MAX => Err(Violation::new("TOO_MANY", format!("must have at most {MAX} items"))),
            _ => Ok(BoundedVec(items)),
        }
    }
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for BoundedVec<T, 0, MAX> {
    fn default() -> Self {
        BoundedVec(Vec::new())
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for BoundedVec<T, MIN, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const MIN: usize, const MAX: usize> Deserialize<'de> for BoundedVec<T, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BoundedVec::new(Vec::deserialize(deserializer)?).map_err(reject)
    }
}

impl<T: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for BoundedVec<T, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("{MIN}To{MAX}{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": generator.subschema_for::<T>(), "minItems": MIN, "maxItems": MAX})
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BoundedInt<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> BoundedInt<MIN, MAX> {
    /// # Errors
    /// `OUT_OF_RANGE`.
    pub fn new(number: i64) -> Result<Self, Violation> {
        match (MIN..=MAX).contains(&number) {
            true => Ok(BoundedInt(number)),
            false => Err(Violation::new("OUT_OF_RANGE", format!("must be a whole number from {MIN} to {MAX}"))),
        }
    }
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for BoundedInt<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BoundedInt::new(i64::deserialize(deserializer)?).map_err(reject)
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for BoundedInt<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("BoundedInt{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}

/// A product's attributes, such as `{"size": "M", "colour": "red"}`: at most 50 names, each with a line of 1 to 200
/// characters. A name that occurs twice is rejected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    pub const MAX: usize = 50;

    #[must_use]
    pub fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl Deref for Attributes {
    type Target = BTreeMap<String, String>;
    fn deref(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Attributes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose values are strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<AttributeName, RequiredShortText>()? {
                    if pairs.insert(name.into_string(), value.into_string()).is_some() {
                        return Err(reject(Violation::new("DUPLICATE", "names an attribute twice")));
                    }
                    if pairs.len() > Attributes::MAX {
                        return Err(reject(Violation::new("TOO_MANY", "must have at most 50 attributes")));
                    }
                }
                Ok(Attributes(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl JsonSchema for Attributes {
    fn schema_name() -> Cow<'static, str> {
        "Attributes".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Names such as size or colour, each with a line of text.",
            "maxProperties": Attributes::MAX,
            "propertyNames": generator.subschema_for::<AttributeName>(),
            "additionalProperties": generator.subschema_for::<RequiredShortText>(),
        })
    }
}

/// A body without content: an object without fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EmptyRequest")]
pub struct EmptyBody {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Update {
        name: Patch<String>,
        phone: Patch<Option<String>>,
    }

    #[test]
    fn an_update_tells_absent_null_and_value_apart() {
        let update: Update = serde_json::from_str("{}").unwrap();
        assert!(update.name.is_absent() && update.phone.is_absent());
        let update: Update = serde_json::from_str(r#"{"name":"Mara","phone":null}"#).unwrap();
        assert!(!update.name.is_absent() && !update.phone.is_absent());
        assert_eq!((update.name.0, update.phone.0), (Some("Mara".to_owned()), Some(None)));
        assert!(serde_json::from_str::<Update>(r#"{"name":null}"#).is_err());
    }

    #[test]
    fn an_attribute_given_twice_is_refused() {
        assert!(serde_json::from_str::<Attributes>(r#"{"size":"M","colour":"red"}"#).is_ok());
        assert!(serde_json::from_str::<Attributes>(r#"{"size":"M","size":"L"}"#).is_err());
        assert!(serde_json::from_str::<Attributes>(r#"{"size":1}"#).is_err());
    }

    #[test]
    fn lists_and_numbers_keep_their_bounds() {
        assert!(serde_json::from_str::<BoundedVec<u8, 1, 2>>("[]").is_err());
        assert!(serde_json::from_str::<BoundedVec<u8, 1, 2>>("[1,2,3]").is_err());
        let list = serde_json::from_str::<BoundedVec<u8, 1, 2>>("[1]").unwrap();
        assert_eq!((&*list, list.clone().into_vec()), (&[1][..], vec![1]));
        assert!(serde_json::from_str::<BoundedInt<1, 5>>("6").is_err());
        assert_eq!(serde_json::from_str::<BoundedInt<-1, 5>>("-1").unwrap().get(), -1);
    }
}
