//! serde's view of a value of the tree.

use super::{
    Error,
    Error::{Fault, Inside},
    Origin, Run,
    error::Found,
};
use crate::http::input::{Entry, Node, Value};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor},
};

const OBJECT: &str = "an object";
const ARRAY: &str = "an array";
const TEXT: &str = "a string";
const WORD: &str = "one of the documented words";

/// A value of a tree.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub node: &'a Node,
    pub run: &'a Run<'a>,
}

impl<'a> Input<'a> {
    /// Runs `T` over this value as often as there is something to find.
    pub(super) fn collect<'de, T: Deserialize<'de>>(self) -> Result<T, Error> {
        loop {
            let masks = self.run.masks.get();
            match T::deserialize(self) {
                Ok(value) => return Ok(value),
                // Without a new mask another run would find the same.
                Err(Inside) if !self.run.full.get() && self.run.masks.get() > masks => {}
                Err(error) => return Err(self.recorded(error)),
            }
        }
    }

    /// Runs `seed` over this value, which can be done once.
    fn collect_seed<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self).map_err(|error| self.recorded(error))
    }

    fn recorded(self, error: Error) -> Error {
        match error {
            // A list is wrong for a parameter because the parameter came more than once.
            Fault(found) if found.code == "WRONG_TYPE" && self.is_repeated() => {
                let detail = "is given more than once".into();
                self.run.stopped(self.node, Found { code: "REPEATED_PARAMETER", detail, field: None })
            }
            Fault(found) => self.run.stopped(self.node, found),
            Inside => Inside,
        }
    }

    /// Whether this is a parameter that is given more than once.
    fn is_repeated(self) -> bool {
        matches!((self.run.origin, &self.node.value), (Origin::Parameters { .. }, Value::Array(_)))
    }

    fn child(self, node: &'a Node) -> Input<'a> {
        Input { node, run: self.run }
    }

    /// The entries for a type with these fields; `None` for one that takes any name. A parameter that is no field belongs
    /// to another extractor or is a fault.
    fn entries(self, entries: &'a [Entry], fields: Option<&'static [&'static str]>) -> Entries<'a> {
        let found = Entries { object: self, entries: entries.iter(), fields, present: None };
        if let (Origin::Parameters { .. }, Some(fields)) = (self.run.origin, fields) {
            for entry in entries.iter().filter(|entry| found.takes(entry) && !fields.contains(&entry.name())) {
                self.run.inside(entry.name(), || self.run.record(entry.key.at, "UNKNOWN_PARAMETER", super::UNKNOWN_PARAMETER));
                self.run.mask(&entry.value);
            }
        }
        found
    }

    fn map<'de, V: Visitor<'de>>(self, fields: Option<&'static [&'static str]>, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Object(entries) => visitor.visit_map(self.entries(entries, fields)).map_err(|error| error.expecting(OBJECT)),
            _ => Err(Error::wrong_type(OBJECT)),
        }
    }

    /// `fixed`: whether each place has a type of its own, so that none can be skipped.
    fn list<'de, V: Visitor<'de>>(self, fixed: bool, expected: &'static str, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Array(items) => {
                visitor.visit_seq(Items { array: self, items: items.iter().enumerate(), fixed }).map_err(|error| error.expecting(expected))
            }
            // A parameter that is a list and is given once.
            Value::Text(_) => {
                let only = std::slice::from_ref(self.node).iter().enumerate();
                visitor.visit_seq(Items { array: self, items: only, fixed }).map_err(|error| error.expecting(expected))
            }
            _ => Err(Error::wrong_type(expected)),
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty, $expected:literal, $text:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = match &self.node.value {
                Value::Unsigned(number) => <$type>::try_from(*number).ok(),
                Value::Negative(number) => <$type>::try_from(*number).ok(),
                Value::Text(text) => return match text.parse() {
                    Ok(number) => visitor.$visit(number),
                    Err(_) => Err(Error::wrong_type($text)),
                },
                Value::Float(number) if number.fract() == 0.0 => None,
                _ => return Err(Error::wrong_type($expected)),
            };
            let number = number.ok_or_else(|| Error::new("OUT_OF_RANGE", concat!("must be ", $expected)))?;
            visitor.$visit(number).map_err(|error: Error| error.expecting($expected))
        }
    )*};
}

impl<'de> Deserializer<'de> for Input<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Unsigned(number) => visitor.visit_u64(*number),
            Value::Negative(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::TooLarge => Err(Error::wrong_type("a number")),
            Value::String(text) | Value::Text(text) => visitor.visit_str(text),
            Value::Array(_) if self.is_repeated() => Err(Error::wrong_type(TEXT)),
            Value::Array(_) => return self.list(false, ARRAY, visitor),
            Value::Object(_) => return self.map(None, visitor),
        }
        .map_err(|error: Error| error.expecting("another kind of value"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let expected = "true or false";
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Text(text) => visitor.visit_bool(text.parse().map_err(|_| Error::wrong_type(expected))?),
            _ => Err(Error::wrong_type(expected)),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8, "a whole number", "a whole number in range";
        deserialize_i16 visit_i16 i16, "a whole number", "a whole number in range";
        deserialize_i32 visit_i32 i32, "a whole number", "a whole number in range";
        deserialize_i64 visit_i64 i64, "a whole number", "a whole number in range";
        deserialize_i128 visit_i128 i128, "a whole number", "a whole number in range";
        deserialize_u8 visit_u8 u8, "a whole number that is not negative", "a whole number in range, not negative";
        deserialize_u16 visit_u16 u16, "a whole number that is not negative", "a whole number in range, not negative";
        deserialize_u32 visit_u32 u32, "a whole number that is not negative", "a whole number in range, not negative";
        deserialize_u64 visit_u64 u64, "a whole number that is not negative", "a whole number in range, not negative";
        deserialize_u128 visit_u128 u128, "a whole number that is not negative", "a whole number in range, not negative";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let expected = "a number";
        match &self.node.value {
            Value::Unsigned(number) => visitor.visit_u64(*number),
            Value::Negative(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_f64(text.parse().map_err(|_| Error::wrong_type(expected))?),
            _ => Err(Error::wrong_type(expected)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::String(text) | Value::Text(text) => visitor.visit_str(text).map_err(|error: Error| error.expecting(TEXT)),
            _ => Err(Error::wrong_type(TEXT)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            // No parameters at all.
            Value::Object(entries) if matches!(self.run.origin, Origin::Parameters { .. }) => {
                self.entries(entries, Some(&[]));
                visitor.visit_unit()
            }
            _ => Err(Error::wrong_type("null")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.list(false, ARRAY, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.list(true, ARRAY, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.list(true, ARRAY, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            // As serde_json does: a list holds the fields in order.
            Value::Array(_) => self.list(true, OBJECT, visitor),
            _ => self.map(Some(fields), visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::String(_) | Value::Text(_) => visitor.visit_enum(Variant { name: self, content: None }),
            Value::Object(entries) if entries.len() == 1 && entries[0].value.masked.get() => Err(Error::new(super::INVALID, "")),
            Value::Object(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant { name: self.child(&entries[0].key), content: Some(&entries[0]) })
            }
            _ => Err(Error::wrong_type(WORD)),
        }
        .map_err(|error| error.expecting(WORD))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

/// The entries of an object that are not masked.
struct Entries<'a> {
    object: Input<'a>,
    entries: std::slice::Iter<'a, Entry>,
    fields: Option<&'static [&'static str]>,
    /// The entry whose name was read.
    present: Option<&'a Entry>,
}

impl<'a> Entries<'a> {
    fn advance(&mut self) -> Option<&'a Entry> {
        let mut entries = self.entries.clone();
        self.present = entries.find(|entry| self.takes(entry));
        self.entries = entries;
        self.present
    }

    /// Whether the type reads this entry.
    fn takes(&self, entry: &Entry) -> bool {
        let is_others = match self.object.run.origin {
            Origin::Parameters { others } => {
                others.contains(&entry.name()) && !self.fields.is_some_and(|fields| fields.contains(&entry.name()))
            }
            Origin::Body => false,
        };
        !entry.value.masked.get() && !is_others
    }

    /// Runs `work` on the value of the present entry.
    fn inside<R>(&self, work: impl FnOnce(Input<'a>) -> Result<R, Error>) -> Result<R, Error> {
        let entry = self.present.ok_or_else(|| Error::custom("a value was read before its name"))?;
        self.object.run.inside(entry.name(), || work(self.object.child(&entry.value)))
    }

    fn key<'de, K: DeserializeSeed<'de>>(&self, entry: &'a Entry, seed: K) -> Result<K::Value, Error> {
        seed.deserialize(self.object.child(&entry.key)).map_err(|error| match error {
            // A fault of a name is one of the entry.
            Fault(mut found) => {
                found.field = None;
                self.object.run.inside(entry.name(), || self.object.run.stopped(&entry.value, found))
            }
            Inside => Inside,
        })
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(entry) = self.advance() else { return Ok(None) };
        self.key(entry, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.inside(|value| value.collect_seed(seed))
    }

    fn next_value<T: Deserialize<'de>>(&mut self) -> Result<T, Error> {
        self.inside(Input::collect)
    }

    fn next_entry<K: Deserialize<'de>, T: Deserialize<'de>>(&mut self) -> Result<Option<(K, T)>, Error> {
        while let Some(entry) = self.advance() {
            let key = self.key(entry, std::marker::PhantomData);
            match key.and_then(|key| Ok((key, self.inside(Input::collect)?))) {
                Ok(pair) => return Ok(Some(pair)),
                Err(error) if self.object.run.full.get() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// The items of an array.
struct Items<'a> {
    array: Input<'a>,
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    fixed: bool,
}

impl<'a> Items<'a> {
    /// The next item that is not masked.
    fn advance(&mut self) -> Result<Option<(String, Input<'a>)>, Error> {
        for (index, item) in self.items.by_ref() {
            if !item.masked.get() {
                return Ok(Some((index.to_string(), self.array.child(item))));
            }
            if self.fixed {
                return Err(Error::new(super::INVALID, "holds a value that is not valid"));
            }
        }
        Ok(None)
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((index, item)) = self.advance()? else { return Ok(None) };
        self.array.run.inside(&index, || item.collect_seed(seed)).map(Some)
    }

    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Error> {
        while let Some((index, item)) = self.advance()? {
            match self.array.run.inside(&index, || item.collect()) {
                Ok(value) => return Ok(Some(value)),
                Err(error) if self.fixed || self.array.run.full.get() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// A variant of an enumeration: a word alone, or an object with one field.
struct Variant<'a> {
    name: Input<'a>,
    content: Option<&'a Entry>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Content<'a>;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), Error> {
        let content = self.content.map(|entry| (entry.name(), self.name.child(&entry.value)));
        seed.deserialize(self.name).map(|variant| (variant, Content(content)))
    }
}

/// What a variant holds, with its name.
struct Content<'a>(Option<(&'a str, Input<'a>)>);

impl Content<'_> {
    fn run<R>(self, work: impl FnOnce(Input<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let (name, value) = self.0.ok_or_else(|| Error::wrong_type(OBJECT))?;
        value.run.inside(name, || work(value).map_err(|error| value.recorded(error)))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            Some(_) => self.run(|value| <()>::deserialize(value)),
            None => Ok(()),
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.run(|value| seed.deserialize(value))
    }
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.run(|value| value.deserialize_tuple(length, visitor))
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.run(|value| value.deserialize_struct("", fields, visitor))
    }
}
