//! `name=value&…` text, of queries and forms, as a serde data format that is strict: every name is known and comes once.

use super::{
    explain::{self, Place},
    problem::Problem,
};
use contracts::problem::{Code, Fault};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, EnumAccess, Error as _, IntoDeserializer, VariantAccess, Visitor,
        value::{Error, MapDeserializer},
    },
    forward_to_deserialize_any,
};
use std::{borrow::Cow, cell::RefCell};

/// An object's key, borrowed where it holds no escape.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(transparent)]
pub(super) struct CowKey<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Splits and decodes `text`.
///
/// # Errors
/// 400 when an escape is broken or not UTF-8.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    let bad = || Problem::new(Code::MALFORMED_REQUEST).detail("a percent escape is broken, or not UTF-8");
    text.split('&').filter(|part| !part.is_empty()).map(|part| pair(part).ok_or_else(bad)).collect()
}

/// That a request has no parameter of this name.
pub(super) fn unknown(name: String) -> Fault {
    Fault::parameter(name, "UNKNOWN_PARAMETER", "is not a parameter of this request")
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Writes `text` so that it can stand in a path segment, a query or a form.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
    }
}

/// Parses `text` into `T`. Names in `others` belong to another extractor unless `T` has them.
///
/// # Errors
/// 422 with every unknown or repeated parameter, or the first that is not valid.
pub(super) fn parse<T: DeserializeOwned>(text: &str, others: &[&str]) -> Result<T, Problem> {
    let pairs = pairs(text)?;
    let mut faults: Vec<Fault> = Vec::new();
    for (at, (name, _)) in pairs.iter().enumerate() {
        if pairs[..at].iter().any(|(earlier, _)| earlier == name) && faults.iter().all(|fault| fault.parameter.as_deref() != Some(name)) {
            faults.push(Fault::parameter(name.clone(), "REPEATED_PARAMETER", "is given more than once"));
        }
    }
    let faults = RefCell::new(faults);
    let parameters = Parameters { pairs, others, faults: &faults };
    match serde_path_to_error::deserialize(parameters) {
        Ok(value) if faults.borrow().is_empty() => Ok(value),
        Ok(_) => Err(Problem::invalid(faults.into_inner())),
        Err(error) => {
            let mut faults = faults.into_inner();
            if faults.is_empty() {
                faults.push(explain::fault(Place::Query, error.path(), &error.inner().to_string()));
            }
            Err(Problem::invalid(faults))
        }
    }
}

struct Parameters<'a> {
    pairs: Vec<(String, String)>,
    others: &'a [&'a str],
    faults: &'a RefCell<Vec<Fault>>,
}

impl Parameters<'_> {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let map = MapDeserializer::new(self.pairs.into_iter().map(|(name, value)| (name, Text(value))));
        visitor.visit_map(map)
    }
}

impl<'de> Deserializer<'de> for Parameters<'_> {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.pairs.retain(|(name, _)| !self.others.contains(&name.as_str()));
        self.visit(visitor)
    }
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.pairs.retain(|(name, _)| {
            let known = fields.contains(&name.as_str());
            if !known && !self.others.contains(&name.as_str()) {
                self.faults.borrow_mut().push(unknown(name.clone()));
            }
            known
        });
        self.visit(visitor)
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", &[], serde::de::IgnoredAny)?;
        visitor.visit_unit()
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// One value: text that becomes a number or a truth value where one is asked for.
struct Text(String);

impl<'de> IntoDeserializer<'de, Error> for Text {
    type Deserializer = Text;
    fn into_deserializer(self) -> Text {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $code:literal, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let value = self.0.parse::<$type>().map_err(|_| Error::custom(concat!($code, ": ", $what)))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text {
    type Error = Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }
    numbers! {
        deserialize_bool visit_bool bool, "WRONG_TYPE", "must be true or false";
        deserialize_i8 visit_i8 i8, "WRONG_TYPE", "must be a whole number in range";
        deserialize_i16 visit_i16 i16, "WRONG_TYPE", "must be a whole number in range";
        deserialize_i32 visit_i32 i32, "WRONG_TYPE", "must be a whole number in range";
        deserialize_i64 visit_i64 i64, "WRONG_TYPE", "must be a whole number in range";
        deserialize_u8 visit_u8 u8, "WRONG_TYPE", "must be a whole number in range, not negative";
        deserialize_u16 visit_u16 u16, "WRONG_TYPE", "must be a whole number in range, not negative";
        deserialize_u32 visit_u32 u32, "WRONG_TYPE", "must be a whole number in range, not negative";
        deserialize_u64 visit_u64 u64, "WRONG_TYPE", "must be a whole number in range, not negative";
        deserialize_f64 visit_f64 f64, "WRONG_TYPE", "must be a number";
    }
    forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Text {
    type Error = Error;
    type Variant = UnitOnly;
    fn variant_seed<V: serde::de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, UnitOnly), Error> {
        seed.deserialize(self).map(|value| (value, UnitOnly))
    }
}

struct UnitOnly;

impl<'de> VariantAccess<'de> for UnitOnly {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }
    fn newtype_variant_seed<T: serde::de::DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Error> {
        Err(Error::custom("WRONG_TYPE: must be a single word"))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("WRONG_TYPE: must be a single word"))
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::custom("WRONG_TYPE: must be a single word"))
    }
}
