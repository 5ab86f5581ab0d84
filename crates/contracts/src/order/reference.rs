//! How an order is named in a path.

use crate::{
    ids::OrderId,
    violation::{Violation, deserialize_str},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, str::FromStr};

/// The number that people see of an order: 3 to 40 letters, digits and hyphens. Upper and lower case are the same, and the
/// hyphen of a number of ten letters may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrderNumber(String);

impl OrderNumber {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderNumber {
    type Err = Violation;
    fn from_str(text: &str) -> Result<OrderNumber, Violation> {
        let text = text.trim().to_ascii_uppercase();
        let fits = (3..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match fits {
            true if text.len() == 10 && !text.contains('-') => Ok(OrderNumber(format!("{}-{}", &text[..5], &text[5..]))),
            true => Ok(OrderNumber(text)),
            false => Err(Violation::new("NOT_AN_ORDER_NUMBER", "must be an order number such as 7QK2M-XW9PD")),
        }
    }
}

impl<'de> Deserialize<'de> for OrderNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrderNumber, D::Error> {
        deserialize_str(deserializer, "a string", str::parse)
    }
}

impl JsonSchema for OrderNumber {
    fn schema_name() -> Cow<'static, str> {
        "OrderNumber".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "pattern": "^[A-Za-z0-9-]{3,40}$", "description": "The number that people see, such as 7QK2M-XW9PD.",
        })
    }
}

/// What names an order in a path: its id, or the number that people see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OrderRef {
    Id(OrderId),
    Number(OrderNumber),
}

impl<'de> Deserialize<'de> for OrderRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrderRef, D::Error> {
        deserialize_str(deserializer, "a string", |text| match text.parse() {
            Ok(id) => Ok(OrderRef::Id(id)),
            // Another spelling of an id is no number.
            Err(refused) if text.len() >= 32 => Err(refused),
            Err(_) => text.parse().map(OrderRef::Number),
        })
    }
}

impl JsonSchema for OrderRef {
    fn schema_name() -> Cow<'static, str> {
        "OrderRef".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 3, "maxLength": 40, "description": "The `orderId`, or the `orderNumber`."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_named_by_its_id_or_its_number() {
        let read = |text: &str| serde_json::from_value::<OrderRef>(text.into());
        let id = "0190a1b2-0000-7000-8000-00000000000a";
        assert_eq!(read(id).unwrap(), OrderRef::Id(id.parse().unwrap()));
        for number in ["7QK2M-XW9PD", "7qk2m-xw9pd", "7QK2MXW9PD", " 7qk2mXW9PD "] {
            assert_eq!(read(number).unwrap(), OrderRef::Number("7QK2M-XW9PD".parse().unwrap()), "{number}");
        }
        assert_eq!("SK-7F3Q-92KD".parse::<OrderNumber>().unwrap().as_str(), "SK-7F3Q-92KD");
        for other in
            ["", "7", "7QK2M_XW9PD", "../etc", &id.to_uppercase(), &id.replace('-', ""), &format!("{{{id}}}"), "\u{660}\u{661}\u{662}"]
        {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
