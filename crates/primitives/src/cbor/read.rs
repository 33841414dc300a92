//! Values of bytes whose form was checked: definite lengths, and no floats or tags.
//!
//! By itself, for the same types, `serde_cbor` makes code for every form that CBOR has, a few kilobytes for each
//! type: two megabytes of a binary. That it reads the same is tested.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_cbor::Error;

use super::scan::head;

/// The bytes that are still to be read.
pub(super) struct Reader<'de>(&'de [u8]);

/// An item, or the head of one with items of its own.
enum Item<'de> {
    Unsigned(u64),
    /// `-1 - n`.
    Negative(u64),
    Bytes(&'de [u8]),
    Text(&'de str),
    Array(u64),
    Map(u64),
    Bool(bool),
    Null,
}

impl<'de> Reader<'de> {
    pub(super) const fn new(bytes: &'de [u8]) -> Self {
        Self(bytes)
    }

    fn item(&mut self) -> Result<Item<'de>, Error> {
        let other = || Error::custom("it is not of the form that was checked");
        let ((major, value), rest) = head(self.0).ok_or_else(other)?;
        self.0 = rest;
        Ok(match (major, value) {
            (0, value) => Item::Unsigned(value),
            (1, value) => Item::Negative(value),
            (2, len) => Item::Bytes(self.take(len).ok_or_else(other)?),
            (3, len) => {
                let text = self.take(len).and_then(|text| std::str::from_utf8(text).ok());
                Item::Text(text.ok_or_else(other)?)
            }
            (4, len) => Item::Array(len),
            (5, len) => Item::Map(len),
            (7, 20) => Item::Bool(false),
            (7, 21) => Item::Bool(true),
            (7, 22) => Item::Null,
            _ => return Err(other()),
        })
    }

    fn take(&mut self, len: u64) -> Option<&'de [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.item()? {
            Item::Unsigned(value) => visitor.visit_u64(value),
            Item::Negative(value) => match i64::try_from(value) {
                Ok(value) => visitor.visit_i64(-1 - value),
                Err(_) => visitor.visit_i128(-1 - i128::from(value)),
            },
            Item::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Item::Text(text) => visitor.visit_borrowed_str(text),
            Item::Array(left) => {
                let mut items = Items { reader: self, left };
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Item::Map(left) => {
                let mut items = Items { reader: self, left };
                let value = visitor.visit_map(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Item::Bool(value) => visitor.visit_bool(value),
            Item::Null => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let [0xf6, rest @ ..] = self.0 {
            self.0 = rest;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.item()? {
            Item::Text(name) => visitor.visit_enum(BorrowedStrDeserializer::new(name)),
            Item::Map(1) => visitor.visit_enum(Variant(self)),
            _ => Err(Error::invalid_type(Unexpected::Other("no variant"), &visitor)),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The items of an array, or keys and values of a map.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: u64,
}

impl Items<'_, '_> {
    fn next(&mut self) -> bool {
        let next = self.left.checked_sub(1);
        self.left = next.unwrap_or_default();
        next.is_some()
    }

    fn end(&self) -> Result<(), Error> {
        if self.left == 0 { Ok(()) } else { Err(Error::custom("it has more than is wanted")) }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.next() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    // WHY no hint: what a length says is no reason to take memory.
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.next() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant with a value: a map of one, whose key is its name.
struct Variant<'r, 'de>(&'r mut Reader<'de>);

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(&mut *self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::custom("a variant without a value is its name alone"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_any(visitor)
    }
}
