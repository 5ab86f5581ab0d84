//! Settings of the services: a section for each, from `souk.toml` and the environment.
//!
//! A service declares its section as a struct with serde defaults and reads it once, when it starts.
//! `SOUK_ORDER_TAX_BASIS_POINTS=900` overrides `tax_basis_points` of `[order]`. An unknown key stops the start, and so does a
//! number out of the bounds that its field declares: `#[schemars(range(min = 1, max = 100))]`.

use contracts::body::EmptyBody;
use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The sections of all services, before they are read.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    sections: BTreeMap<String, Table>,
}

/// A section that is refused. The text names the key and the reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("setting [{section}]: {reason}")]
pub struct BadSettings {
    pub section: String,
    pub reason: String,
}

impl Settings {
    /// The tables of `file`, overridden by the variables `SOUK_<SECTION>_<KEY>` of the given `sections`.
    #[must_use]
    pub fn new(file: &Table, environment: impl IntoIterator<Item = (String, String)>, sections: &[&str]) -> Settings {
        let mut found: BTreeMap<String, Table> =
            file.iter().filter_map(|(name, value)| value.as_table().map(|table| (name.clone(), table.clone()))).collect();
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix("SOUK_").map(str::to_ascii_lowercase) else { continue };
            for section in sections {
                if let Some(key) = rest.strip_prefix(section).and_then(|rest| rest.strip_prefix('_')) {
                    found.entry((*section).to_owned()).or_default().insert(key.to_owned(), value_of(&text));
                }
            }
        }
        Settings { sections: found }
    }

    /// Sets a key, for tests and for programs that embed the platform.
    #[must_use]
    pub fn with(mut self, section: &str, key: &str, value: impl Into<Value>) -> Settings {
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), value.into());
        self
    }

    /// Sets a key unless it is set.
    #[must_use]
    pub fn with_default(mut self, section: &str, key: &str, value: impl Into<Value>) -> Settings {
        self.sections.entry(section.to_owned()).or_default().entry(key.to_owned()).or_insert_with(|| value.into());
        self
    }

    /// Removes a key that is not the service's own, and returns its value.
    pub fn take(&mut self, section: &str, key: &str) -> Option<Value> {
        self.sections.get_mut(section)?.remove(key)
    }

    /// Reads the section `name`. Keys that are not set have their defaults.
    ///
    /// # Errors
    /// [`BadSettings`] for an unknown key, a value of the wrong kind, or a number out of its bounds.
    pub fn section<T: DeserializeOwned + JsonSchema>(&self, name: &str) -> Result<T, BadSettings> {
        let bad = |reason| BadSettings { section: name.to_owned(), reason };
        let table = self.sections.get(name).cloned().unwrap_or_default();
        match find_invalid(&schema_for!(T), &table) {
            Some(reason) => Err(bad(reason)),
            None => table.try_into().map_err(|error: toml::de::Error| bad(error.message().to_owned())),
        }
    }
}

/// Describes the first value that has another type or other bounds than its key in `schema`.
fn find_invalid(schema: &Schema, table: &Table) -> Option<String> {
    let keys = schema.get("properties")?;
    table.iter().find_map(|(key, value)| {
        let bounds = keys.get(key)?;
        let expected = match bounds["type"].as_str() {
            Some("integer") if !value.is_integer() => "a whole number",
            Some("boolean") if !value.is_bool() => "true or false",
            Some("string") if !value.is_str() => "text",
            _ => "",
        };
        if !expected.is_empty() {
            return Some(format!("{key} must be {expected}"));
        }
        let number = value.as_integer()?;
        match (bounds["minimum"].as_i64(), bounds["maximum"].as_i64()) {
            (Some(min), Some(max)) if !(min..=max).contains(&number) => Some(format!("{key} must be from {min} to {max}")),
            (Some(min), None) if number < min => Some(format!("{key} must be at least {min}")),
            (None, Some(max)) if number > max => Some(format!("{key} must be at most {max}")),
            _ => None,
        }
    })
}

/// The schema of a section: the documentation describes it, and the start checks it before it opens anything.
#[derive(Clone, Copy)]
pub struct Section {
    schema: fn() -> Schema,
    check: fn(&Settings, &str) -> Result<(), BadSettings>,
}

impl Section {
    /// The section that is read as a `T`.
    #[must_use]
    pub fn of<T: DeserializeOwned + JsonSchema>() -> Section {
        Section { schema: || schema_for!(T), check: |settings, name| settings.section::<T>(name).map(drop) }
    }

    /// A section without keys.
    #[must_use]
    pub fn empty() -> Section {
        Section::of::<EmptyBody>()
    }

    /// The keys with their meaning, bounds and defaults.
    #[must_use]
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// # Errors
    /// [`BadSettings`] when the section `name` of `settings` cannot be read as this one.
    pub fn check(&self, settings: &Settings, name: &str) -> Result<(), BadSettings> {
        (self.check)(settings, name)
    }
}

/// Parses a variable's text as a TOML value; text that is not TOML stays text.
fn value_of(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, JsonSchema, PartialEq, Debug)]
    #[serde(deny_unknown_fields, default)]
    struct Order {
        /// In hundredths of a percent.
        #[schemars(range(max = 10_000))]
        tax_basis_points: u32,
        carrier: String,
    }
    impl Default for Order {
        fn default() -> Order {
            Order { tax_basis_points: 0, carrier: "MOCK".into() }
        }
    }

    #[test]
    fn the_environment_overrides_the_file_and_the_file_the_default() {
        let file: Table = "[order]\ntax_basis_points = 700\ncarrier = \"A\"".parse().unwrap();
        let environment = [("SOUK_ORDER_TAX_BASIS_POINTS".to_owned(), "900".to_owned()), ("OTHER".to_owned(), "x".to_owned())];
        let settings = Settings::new(&file, environment, &["order"]);
        assert_eq!(settings.section::<Order>("order").unwrap(), Order { tax_basis_points: 900, carrier: "A".into() });
        assert_eq!(Settings::default().section::<Order>("order").unwrap(), Order::default());
    }

    #[test]
    fn an_unknown_key_stops_the_start() {
        let refused = Settings::default().with("order", "tax", 1_i64).section::<Order>("order").unwrap_err();
        assert!(refused.to_string().contains("tax"), "{refused}");
    }

    #[test]
    fn a_number_out_of_its_bounds_stops_the_start() {
        let set = |points: i64| Settings::default().with("order", "tax_basis_points", points).section::<Order>("order");
        assert_eq!(set(10_000).unwrap().tax_basis_points, 10_000);
        for points in [-1, 10_001, i64::MAX] {
            assert_eq!(set(points).unwrap_err().to_string(), "setting [order]: tax_basis_points must be from 0 to 10000");
        }
    }

    #[test]
    fn a_value_of_another_type_stops_the_start_and_the_error_names_its_key() {
        let refused =
            |key: &str, value: Value| Settings::default().with("order", key, value).section::<Order>("order").unwrap_err().to_string();
        assert_eq!(refused("tax_basis_points", "much".into()), "setting [order]: tax_basis_points must be a whole number");
        assert_eq!(refused("carrier", 7_i64.into()), "setting [order]: carrier must be text");
    }

    #[test]
    fn a_section_describes_its_keys_and_refuses_others() {
        let key = Section::of::<Order>().schema().as_value()["properties"]["tax_basis_points"].clone();
        assert_eq!((&key["default"], &key["description"]), (&0.into(), &"In hundredths of a percent.".into()));
        let settings = Settings::default().with("order", "tax_basis_points", 700_i64);
        Section::of::<Order>().check(&settings, "order").unwrap();
        Section::empty().check(&settings, "user").unwrap();
        assert!(Section::empty().check(&settings, "order").is_err(), "a service without settings takes none");
    }
}
