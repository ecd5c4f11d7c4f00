// SPDX-License-Identifier: MIT OR Apache-2.0
//! The strict JSON of signed documents: one object of texts and integers, each key once.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::malformed;
use crate::digest::Digest;
use crate::error::{Result, quote_text};

/// A value of a document. There is nothing nested, and no fraction, truth value or null.
#[derive(Debug, PartialEq, Eq)]
enum Scalar {
    Text(String),
    /// Kept in its decimal digits, which JSON allows to be written in one way only, so that a
    /// number too large for any type is still told apart from something that is no integer.
    Integer(String),
}

/// A value to be written. (Not `serde_json::Value`, which brings the writing of fractions along.)
#[derive(Debug)]
pub(super) enum Written<'a> {
    Text(Cow<'a, str>),
    Integer(u32),
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Written::Text(text) => serializer.serialize_str(text),
            Written::Integer(number) => serializer.serialize_u32(*number),
        }
    }
}

impl<'a> From<&'a str> for Written<'a> {
    fn from(text: &'a str) -> Self {
        Written::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Written<'_> {
    fn from(text: String) -> Self {
        Written::Text(Cow::Owned(text))
    }
}

impl From<u32> for Written<'_> {
    fn from(number: u32) -> Self {
        Written::Integer(number)
    }
}

/// Writes an object: minified, its keys sorted.
pub(super) fn write(mut members: Vec<(&'static str, Written<'_>)>) -> Vec<u8> {
    members.sort_unstable_by_key(|(key, _)| *key);
    debug_assert!(members.windows(2).all(|pair| pair[0].0 != pair[1].0), "a key is there twice");
    let mut json = Vec::new();
    let written = serde_json::Serializer::new(&mut json).collect_map(members);
    written.expect("texts and integers are always JSON");
    json
}

/// A document's members, in the order of their keys. Its readers take them out one by one; none may
/// be left over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object(Vec<(String, Scalar)>);

impl Object {
    /// Reads one object with nothing but white space around it.
    pub(super) fn parse(payload: &[u8]) -> Result<Object> {
        let text = std::str::from_utf8(payload).map_err(|_| malformed("it is not UTF-8"))?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        (&mut deserializer)
            .deserialize_map(ObjectVisitor)
            .and_then(|object| deserializer.end().map(|()| object))
            .map_err(|error| malformed(format!("JSON: {}", quote_text(&error.to_string()))))
    }

    /// Refuses an object with a key for which `is_known` does not hold.
    pub(super) fn refuse_unknown_keys(&self, is_known: impl Fn(&str) -> bool) -> Result<()> {
        match self.0.iter().find(|(key, _)| !is_known(key)) {
            Some((key, _)) => Err(malformed(format!("the key {} is not known", quote_text(key)))),
            None => Ok(()),
        }
    }

    /// Whether the key is there, and was not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// Takes a text.
    pub(super) fn take_text(&mut self, key: &str) -> Result<String> {
        match self.take(key)? {
            Scalar::Text(text) => Ok(text),
            Scalar::Integer(_) => Err(malformed(format!("{key} is not a string"))),
        }
    }

    /// Takes an integer of any size, in decimal digits.
    pub(super) fn take_integer(&mut self, key: &str) -> Result<String> {
        match self.take(key)? {
            Scalar::Integer(digits) => Ok(digits),
            Scalar::Text(_) => Err(malformed(format!("{key} is not an integer"))),
        }
    }

    /// Takes a digest in its one form.
    pub(super) fn take_digest(&mut self, key: &str) -> Result<Digest> {
        Digest::parse(&self.take_text(key)?)
            .ok_or_else(|| malformed(format!("{key} is not \"blake3:\" and 64 lowercase hex")))
    }

    /// Ends the reading: the members that are left belong to another kind of document.
    pub(super) fn finish(self) -> Result<()> {
        match self.0.first() {
            Some((key, _)) => Err(malformed(format!("{key} does not belong to this kind"))),
            None => Ok(()),
        }
    }

    fn take(&mut self, key: &str) -> Result<Scalar> {
        match self.place(key) {
            Ok(place) => Ok(self.0.remove(place).1),
            Err(_) => Err(malformed(format!("{key} is missing"))),
        }
    }

    fn place(&self, wanted: &str) -> std::result::Result<usize, usize> {
        self.0.binary_search_by(|(key, _)| key.as_str().cmp(wanted))
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings and integers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Object, A::Error> {
        let mut members: Vec<(String, Scalar)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = scalar(map.next_value::<&RawValue>()?.get())
                .ok_or_else(|| de::Error::custom("a value is not a string or an integer"))?;
            members.push((key, value));
        }
        members.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(de::Error::custom("a key is there twice"));
        }
        Ok(Object(members))
    }
}

/// A value from its text, which is well-formed JSON already.
fn scalar(json: &str) -> Option<Scalar> {
    if json.starts_with('"') {
        // A lone surrogate is well-formed JSON but no text: it is refused here.
        return serde_json::from_str(json).ok().map(Scalar::Text);
    }
    let digits = json.strip_prefix('-').unwrap_or(json);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| Scalar::Integer(json.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Object> {
        Object::parse(text.as_bytes())
    }

    #[test]
    fn texts_and_integers_of_any_size_are_read() {
        let huge = "9".repeat(5000);
        let text =
            format!(" {{\"t\":\"a\\u0000\\n\\ud83d\\ude00\", \"n\" : -7,\"h\":{huge}}}\r\n\t ");
        let mut object = parse(&text).unwrap();
        assert_eq!(object.take_text("t").unwrap(), "a\0\n😀");
        assert_eq!(object.take_integer("n").unwrap(), "-7");
        assert!(object.has("h"));
        assert_eq!(object.take_integer("h").unwrap(), huge);
        assert!(!object.has("h"));
        assert_eq!(object.finish(), Ok(()));
        assert_eq!(parse("{}").unwrap(), Object(Vec::new()));
    }

    #[test]
    fn everything_but_a_flat_object_of_texts_and_integers_is_refused() {
        for value in [
            "1.0",
            "1e3",
            "1E3",
            "-1.5e-3",
            "true",
            "false",
            "null",
            "{}",
            "[]",
            "[1]",
            "{\"a\":1}",
            "01",
            "+1",
            "0x1",
            "-",
            "1_0",
            "NaN",
            "Infinity",
            "'a'",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\n\"",
            "\"\0\"",
            "",
        ] {
            assert!(parse(&format!("{{\"k\":{value}}}")).is_err(), "{value}");
        }
        let nested = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        for text in [
            "",
            " ",
            "[]",
            "[[\"k\",1]]",
            "\"k\"",
            "1",
            "null",
            "{",
            "}",
            "{\"k\"}",
            "{\"k\":1,}",
            "{,}",
            "{k:1}",
            "{1:1}",
            "{\"k\":1}{}",
            "{\"k\":1} x",
            "{\"k\":1}\0",
            "{\"k\":1};",
            "\u{feff}{}",
            "{}\u{a0}",
            "{\"k\":1 /* */}",
            "// \n{}",
            &nested,
            &format!("{{\"k\":{nested}}}"),
        ] {
            assert!(parse(text).is_err(), "{text:.40}");
        }
        assert!(Object::parse(b"{\"k\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_key_written_in_two_ways_is_still_the_same_key() {
        for text in [r#"{"k":1,"k":1}"#, r#"{"k":1,"j":2,"\u006b":1}"#] {
            assert!(parse(text).unwrap_err().message().contains("twice"), "{text}");
        }
        assert!(parse(r#"{"k":1,"K":1}"#).is_ok());
    }

    #[test]
    fn a_member_is_taken_once_and_only_as_what_it_is() {
        let mut object = parse(r#"{"text":"1","number":1}"#).unwrap();
        assert!(object.refuse_unknown_keys(|key| key != "text").is_err());
        assert_eq!(object.refuse_unknown_keys(|_| true), Ok(()));
        assert!(object.take_integer("text").is_err());
        assert!(object.take_text("text").is_err(), "it was taken");
        assert!(object.finish().is_err(), "a number is left");
    }
}
