//! Parses a JSON document from outside more strictly than `serde_json` does: every member occurs once (RFC 8259 leaves open what
//! duplicates mean, and two readers that disagree about them are a vulnerability), and a whole number is an integer however it is written.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, error::Category};
use std::fmt;

/// Longest member name that is repeated to the client, in characters.
const MAX_NAME: usize = 64;

/// Why a text is not a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DocumentError {
    /// It is not JSON. The text has a line and a column, and nothing of the document.
    Syntax(String),
    /// A member occurs more than once in one object; names it with its line and column.
    Duplicate(String),
}

/// Parses JSON. A member that occurs twice in an object is an error.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, DocumentError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Document.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| match error.classify() {
        // The visitor below returns no other error than that about a duplicate.
        Category::Data => DocumentError::Duplicate(error.to_string()),
        _ => DocumentError::Syntax(error.to_string()),
    })
}

/// The pointer to the first string or member name that contains NUL, which PostgreSQL cannot store and no text type accepts.
pub(crate) fn find_nul(value: &Value) -> Option<String> {
    let within = |pointer: String, value: &Value| find_nul(value).map(|rest| format!("{pointer}{rest}"));
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(i, item)| within(format!("/{i}"), item)),
        Value::Object(members) => members.iter().find_map(|(name, member)| match name.contains('\0') {
            true => Some(String::new()),
            false => within(format!("/{}", super::escaped(name)), member),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The float as an integer, if it is one of at most fifteen digits: beyond that, parsing a float is not exact.
pub(crate) fn whole(float: f64) -> Option<i64> {
    let text = format!("{float:.0}");
    let exact = float.abs() < 1e15 && float.fract() == 0.0;
    text.parse().ok().filter(|_| exact)
}

/// Deserializes a value of any type.
#[derive(Clone, Copy)]
struct Document;

impl<'de> DeserializeSeed<'de> for Document {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// JSON Schema calls `1.0` an integer, too.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(whole(value).map_or_else(|| value.into(), Value::from))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                let shown: String = name.chars().take(MAX_NAME).collect();
                return Err(A::Error::custom(format_args!("the member {shown:?} occurs more than once")));
            }
            members.insert(name, access.next_value_seed(self)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn duplicate_members_are_named_at_every_depth() {
        for text in [
            r#"{"quantity": 1, "quantity": 1000}"#,
            r#"{"a": {"b": [{"quantity": 1, "x": 2, "quantity": 1}]}}"#,
            r#"[[{"quantity": null, "qu\u0061ntity": null}]]"#,
        ] {
            let Err(DocumentError::Duplicate(error)) = parse(text.as_bytes()) else { panic!("{text}") };
            assert!(error.contains(r#"the member "quantity" occurs more than once"#), "{error}");
        }
        assert!(parse(br#"[{"a": 1}, {"a": 1, "b": {"a": 1}}]"#).is_ok());
    }

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        let numbers = parse(b"[1, 1.0, 1e2, -3.00, -0.0, 1.5, 18446744073709551615, 1e15, 0.1e1]");
        assert_eq!(numbers, Ok(json!([1, 1, 100, -3, 0, 1.5, 18_446_744_073_709_551_615_u64, 1e15, 1])));
    }

    #[test]
    fn documents_are_read_like_serde_json_reads_them() {
        for text in [r#"{"a": [true, false, null, "\u00e9\n", -7, 2.5]}"#, "[]", "{}", "\"x\"", " 7 "] {
            assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        }
        for text in ["", "{", "{} {}", "[1,]", "{\"a\" 1}", "nul", "\"\\ud800\"", &"[".repeat(200)] {
            let Err(DocumentError::Syntax(error)) = parse(text.as_bytes()) else { panic!("{text}") };
            assert!(error.contains("line 1 column"), "{error}");
        }
    }

    #[test]
    fn nul_is_found_in_strings_and_names() {
        assert_eq!(find_nul(&json!({ "a": ["x", { "b/c": "y\0" }] })).as_deref(), Some("/a/1/b~1c"));
        assert_eq!(find_nul(&json!({ "a": { "b\0": 1 } })).as_deref(), Some("/a"));
        assert_eq!(find_nul(&json!({ "a": ["x", 1, null, true] })), None);
    }
}
