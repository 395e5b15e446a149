//! JSON from outside into types, and what to say when it does not fit: which member is at fault, in the client's words, without
//! the names of our types and without repeating what was sent.

use kernel::Failure;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Reads `value` as a `T`; the failure names the member at fault as an RFC 6901 pointer.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } | Segment::Enum { variant: key } => push(&mut pointer, key),
                Segment::Unknown => {}
            }
        }
        refuse(pointer, &error.inner().to_string())
    })
}

/// How deep arrays and objects are nested: 0 for a scalar.
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

fn refuse(mut pointer: String, message: &str) -> Failure {
    let quoted = |prefix: &str| message.strip_prefix(prefix)?.split('`').next();
    if let Some(name) = quoted("unknown field `") {
        // The path ends with the unknown member, unless the type was read through a buffer (flattened, tagged): then it is lost.
        if !pointer.ends_with(&format!("/{}", escaped(name))) {
            push(&mut pointer, name);
        }
        return Failure::field(pointer, "is not a known field");
    }
    if let Some(name) = quoted("missing field `") {
        push(&mut pointer, name);
        return Failure::field(pointer, "is required");
    }
    if message.starts_with("unknown variant `") {
        let known = message.split_once("expected ").map_or("another value", |(_, known)| known);
        return Failure::field(pointer, format!("is not known: expected {known}"));
    }
    if message.starts_with("invalid ")
        && let Some((_, expected)) = message.rsplit_once(", expected ")
    {
        return Failure::field(pointer, format!("must be {}", in_words(expected)));
    }
    // What is left was written by a type of ours for the person who sent it.
    Failure::field(pointer, message)
}

/// What serde expected, without the names of our types.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, zero or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
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

    fn fault<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> (String, String) {
        let failure = read::<T>(value).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        let field = failure.fields.into_iter().next().unwrap();
        (field.pointer, field.detail)
    }

    fn said(pointer: &str, detail: &str) -> (String, String) {
        (pointer.to_owned(), detail.to_owned())
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named_and_its_value_is_not_repeated() {
        let basket =
            json!({ "items": [{ "sku": "a", "quantity": 1 }, { "sku": "b", "quantity": "secret, expected" }] });
        assert_eq!(fault::<Basket>(basket), said("/items/1/quantity", "must be a whole number, zero or more"));
        assert_eq!(fault::<Basket>(json!({ "items": {} })), said("/items", "must be an array"));
        assert_eq!(fault::<Basket>(json!({ "items": [7] })), said("/items/0", "must be an object"));
        assert_eq!(fault::<Basket>(json!("basket")), said("", "must be an object"));
        let negative = json!({ "items": [{ "sku": "a", "quantity": -1 }] });
        assert_eq!(fault::<Basket>(negative), said("/items/0/quantity", "must be a whole number, zero or more"));
    }

    #[test]
    fn an_unknown_member_is_named_once() {
        assert_eq!(fault::<Basket>(json!({ "items": [], "gift": true })), said("/gift", "is not a known field"));
        let nested = json!({ "items": [{ "sku": "a", "quantity": 1, "a/b": 0 }] });
        assert_eq!(fault::<Basket>(nested), said("/items/0/a~1b", "is not a known field"));
        assert_eq!(fault::<Tagged>(json!({ "kind": "A", "n": 1, "m": 2 })), said("/m", "is not a known field"));
    }

    #[test]
    fn a_missing_member_is_named_where_it_should_be() {
        assert_eq!(fault::<Basket>(json!({})), said("/items", "is required"));
        assert_eq!(fault::<Basket>(json!({ "items": [{ "sku": "a" }] })), said("/items/0/quantity", "is required"));
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let basket = json!({ "items": [], "colour": "mauve" });
        assert_eq!(fault::<Basket>(basket), said("/colour", "is not known: expected `red` or `blue`"));
    }

    #[test]
    fn depth_counts_containers() {
        assert_eq!(depth(&json!(1)), 0);
        assert_eq!(depth(&json!([])), 1);
        assert_eq!(depth(&json!({ "a": [{ "b": 1 }] })), 3);
    }
}
