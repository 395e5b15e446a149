//! Deserializes JSON input. Failures name the invalid member in the client's terms, without Rust type names and without repeating the
//! value.

mod document;

pub(crate) use document::{DocumentError, find_nul, parse, whole};

use kernel::{CloudEvent, Failure};
use serde::Deserializer;
use serde::de::{DeserializeOwned, IgnoredAny, value::MapDeserializer};
use serde_ignored::Path;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Deserializes a `T`. The failure names the invalid member as an RFC 6901 pointer. Members that `T` does not know are ignored, unless it
/// denies them itself: a newer writer may have added them.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    deserialize(value)
}

/// As [`read`], for an event in its envelope. The payload is among the members of the envelope, and serde reads it from a buffer, without a path:
/// what is wrong in it is found by reading it again without the envelope.
pub(crate) fn read_event<E: DeserializeOwned>(event: &Value) -> Result<CloudEvent<E>, Failure> {
    deserialize(event).map_err(|failure| match deserialize::<CloudEvent<IgnoredAny>, _>(event) {
        Ok(_) => read_payload::<E>(event.as_object().into_iter().flatten()).err().unwrap_or(failure),
        Err(_) => failure,
    })
}

/// The payload of an event with these members. Its type is read first: what comes before the type is buffered, too.
pub(crate) fn read_payload<'a, E: DeserializeOwned>(
    members: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<E, Failure> {
    let (kind, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|(name, _)| *name == "type");
    let members = kind.into_iter().chain(others).map(|(name, value)| (name.as_str(), value));
    deserialize(MapDeserializer::<_, serde_json::Error>::new(members))
}

/// As [`read`], for requests: members that no type takes are refused at every depth, because a client that sends them expects an effect.
pub(crate) fn read_request<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    let mut unknown = None;
    let mut found = |path: Path<'_>| {
        unknown.get_or_insert_with(|| pointer(&path));
    };
    let request = deserialize(serde_ignored::Deserializer::new(value, &mut found))?;
    unknown.map_or(Ok(request), |pointer| Err(unknown_field(pointer)))
}

fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, Failure>
where
    D::Error: std::fmt::Display,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } | Segment::Enum { variant: key } => push(&mut pointer, key),
                Segment::Unknown => {}
            }
        }
        reject(pointer, &error.inner().to_string())
    })
}

/// The RFC 6901 pointer of a member that was ignored.
fn pointer(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}/{index}", pointer(parent)),
        Path::Map { parent, key } => format!("{}/{}", pointer(parent), escaped(key)),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => pointer(parent),
    }
}

fn unknown_field(pointer: String) -> Failure {
    Failure::field(pointer, "is not a known field")
}

/// Beginning of the detail of a word that an enumeration does not have.
const UNKNOWN_WORD: &str = "is not known: expected ";

/// Whether a value failed to deserialize because of a word that an enumeration does not have, such as a newer writer may use.
pub(crate) fn is_newer(failure: &Failure) -> bool {
    failure.fields.iter().any(|field| field.detail.starts_with(UNKNOWN_WORD))
}

/// Nesting depth of arrays and objects; 0 for a scalar.
pub(crate) fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or_default()
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&escaped(key));
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn reject(mut pointer: String, message: &str) -> Failure {
    let quoted = |prefix: &str| message.strip_prefix(prefix)?.split('`').next();
    if let Some(name) = quoted("unknown field `") {
        // The path ends with the unknown member, except for flattened and tagged types, which serde deserializes from a buffer.
        if !pointer.ends_with(&format!("/{}", escaped(name))) {
            push(&mut pointer, name);
        }
        return unknown_field(pointer);
    }
    if let Some(name) = quoted("missing field `") {
        push(&mut pointer, name);
        return Failure::field(pointer, "is required");
    }
    if message.starts_with("unknown variant `") {
        let known = message.split_once("expected ").map_or("another value", |(_, known)| known);
        return Failure::field(pointer, format!("{UNKNOWN_WORD}{known}"));
    }
    if message.starts_with("invalid ")
        && let Some((_, expected)) = message.rsplit_once(", expected ")
    {
        return Failure::field(pointer, format!("must be {}", in_words(expected)));
    }
    // Other messages come from `try_from` conversions, which address the client.
    Failure::field(pointer, message)
}

/// What serde expected, without Rust type names.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, zero or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        "string or map" | "variant identifier" => "a string",
        name if name.starts_with("struct ") || name.contains("enum ") => "an object",
        name if name.starts_with("a tuple") || name.starts_with("tuple ") => "an array",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FailureKind;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Basket {
        items: Vec<Item>,
        #[serde(default)]
        colour: Option<Colour>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Item {
        sku: String,
        quantity: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    enum Tagged {
        A { n: u32 },
    }

    fn invalid_member<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> (String, String) {
        let failure = read::<T>(value).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        let field = failure.fields.into_iter().next().unwrap();
        (field.pointer, field.detail)
    }

    fn error(pointer: &str, detail: &str) -> (String, String) {
        (pointer.to_owned(), detail.to_owned())
    }

    #[test]
    fn member_of_wrong_type_is_named_without_its_value() {
        let basket =
            json!({ "items": [{ "sku": "a", "quantity": 1 }, { "sku": "b", "quantity": "secret, expected" }] });
        assert_eq!(
            invalid_member::<Basket>(basket),
            error("/items/1/quantity", "must be a whole number, zero or more")
        );
        assert_eq!(invalid_member::<Basket>(json!({ "items": {} })), error("/items", "must be an array"));
        assert_eq!(invalid_member::<Basket>(json!({ "items": [7] })), error("/items/0", "must be an object"));
        assert_eq!(invalid_member::<Basket>(json!("basket")), error("", "must be an object"));
        let negative = json!({ "items": [{ "sku": "a", "quantity": -1 }] });
        assert_eq!(
            invalid_member::<Basket>(negative),
            error("/items/0/quantity", "must be a whole number, zero or more")
        );
    }

    #[test]
    fn unknown_member_is_named_once() {
        assert_eq!(
            invalid_member::<Basket>(json!({ "items": [], "gift": true })),
            error("/gift", "is not a known field")
        );
        let nested = json!({ "items": [{ "sku": "a", "quantity": 1, "a/b": 0 }] });
        assert_eq!(invalid_member::<Basket>(nested), error("/items/0/a~1b", "is not a known field"));
        assert_eq!(
            invalid_member::<Tagged>(json!({ "kind": "A", "n": 1, "m": 2 })),
            error("/m", "is not a known field")
        );
    }

    #[test]
    fn request_with_a_member_that_no_type_takes_is_refused_at_every_depth() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Cart {
            lines: Vec<Line>,
            #[serde(default)]
            gift: Option<Wrapped>,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Line {
            n: u32,
        }
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only read")]
        struct Wrapped(Line);

        for (cart, unknown) in [
            (json!({ "lines": [], "a/b": { "c": 1 } }), "/a~1b"),
            (json!({ "lines": [{ "n": 1 }, { "n": 2, "m": null }], "z": 1 }), "/lines/1/m"),
            (json!({ "lines": [], "gift": { "n": 1, "m": [] } }), "/gift/m"),
        ] {
            assert!(read::<Cart>(cart.clone()).is_ok(), "a reader of events ignores it");
            let failure = read_request::<Cart>(cart).unwrap_err();
            assert_eq!((failure.kind, failure.fields[0].pointer.as_str()), (FailureKind::Invalid, unknown));
            assert_eq!(failure.fields[0].detail, "is not a known field");
        }
        let wrong = json!({ "lines": [{ "n": "1" }], "m": 1 });
        assert_eq!(read_request::<Cart>(wrong).unwrap_err().fields[0].pointer, "/lines/0/n");
        assert!(read_request::<Cart>(json!({ "lines": [{ "n": 1 }], "gift": { "n": 1 } })).is_ok());
    }

    #[test]
    fn missing_member_is_named() {
        assert_eq!(invalid_member::<Basket>(json!({})), error("/items", "is required"));
        assert_eq!(
            invalid_member::<Basket>(json!({ "items": [{ "sku": "a" }] })),
            error("/items/0/quantity", "is required")
        );
    }

    #[test]
    fn unknown_variant_lists_the_known_ones() {
        let basket = json!({ "items": [], "colour": "mauve" });
        assert_eq!(invalid_member::<Basket>(basket), error("/colour", "is not known: expected `red` or `blue`"));
        let number = json!({ "items": [], "colour": 7 });
        assert_eq!(invalid_member::<Basket>(number), error("/colour", "must be a string"));
    }

    #[test]
    fn depth_counts_nested_containers() {
        assert_eq!(depth(&json!(1)), 0);
        assert_eq!(depth(&json!([])), 1);
        assert_eq!(depth(&json!({ "a": [{ "b": 1 }] })), 3);
    }
}
