//! Canonical JSON: one text for each value, so that the fingerprint of a body does not depend on member order or white space.

use super::body::Content;
use crate::json::whole;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `value` without white space and with the members of every object sorted by name (by code point).
///
/// Members are sorted explicitly because the `preserve_order` feature of `serde_json`, which any crate can enable, would change the order
/// of its map and with it every fingerprint. A whole number is written without a decimal point: `1`, `1.0` and `1e0` are equal.
fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            out.push('{');
            for (i, (name, member)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
            Some(whole) => out.push_str(&whole.to_string()),
            None => out.push_str(&number.to_string()),
        },
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Members excluded from the fingerprint. Fingerprints are stored, and a fast hash of a password would defeat the slow one.
const SECRET_MEMBERS: [&str; 1] = ["password"];

/// SHA-256 of a request's path parameters and body, in hexadecimal.
///
/// Path parameters are included so that the same key and body for another resource are a different request, which must not get the
/// response of the first.
pub(crate) fn fingerprint(path_parameters: &BTreeMap<String, String>, content: &Content) -> String {
    let mut hash = Sha256::new();
    for (name, value) in path_parameters {
        hash.update(format!("{name}={value}\n"));
    }
    match content {
        Content::Nothing => {}
        Content::Tree(Value::Object(members)) if SECRET_MEMBERS.iter().any(|secret| members.contains_key(*secret)) => {
            let mut members = members.clone();
            members.retain(|name, _| !SECRET_MEMBERS.contains(&name.as_str()));
            hash.update(canonical_json(&Value::Object(members)));
        }
        Content::Tree(value) => hash.update(canonical_json(value)),
        Content::Bytes(raw) => hash.update(&raw.bytes),
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String does not fail.
        if write!(hex, "{byte:02x}").is_err() {
            hex.clear();
        }
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn canonical(text: &str) -> String {
        canonical_json(&serde_json::from_str(text).unwrap())
    }

    fn print(path: &[(&str, &str)], body: Value) -> String {
        let path = path.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        fingerprint(&path, &Content::Tree(body))
    }

    #[test]
    fn member_order_and_white_space_make_no_difference() {
        let spaced = "{ \"b\" : [ 1 , { \"z\" : null, \"a\" : true } ] , \"a\" : \"x\" }";
        assert_eq!(canonical(spaced), r#"{"a":"x","b":[1,{"a":true,"z":null}]}"#);
    }

    #[test]
    fn string_escapes_are_normalized() {
        assert_eq!(canonical(r#""\u00e9\/\n""#), "\"é/\\n\"");
    }

    #[test]
    fn item_order_makes_a_difference() {
        assert_ne!(canonical("[1,2]"), canonical("[2,1]"));
    }

    #[test]
    fn equal_numbers_are_written_alike() {
        for (forms, spelling) in [
            (["1", "1.0", "1e0", "10e-1"], "1"),
            (["-0.0", "0", "-0", "0e7"], "0"),
            (["-120", "-1.2e2", "-120.000", "-12E1"], "-120"),
            (["1.5", "1.50", "15e-1", "0.15E1"], "1.5"),
            (["999999999999999", "999999999999999.0", "999999999999999e0", "999999999999999.00"], "999999999999999"),
        ] {
            assert_eq!(forms.map(canonical), [spelling; 4]);
        }
        // Beyond fifteen digits, integers stay exact, and a float differs from the integer.
        assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
        for beyond in ["1000000000000000", "-1000000000000000"] {
            assert_ne!(canonical(&format!("{beyond}.0")), canonical(beyond));
        }
    }

    #[test]
    fn fingerprint_covers_body_and_path_parameters() {
        let print_of_one = print(&[("id", "p-1")], json!({ "delta": 1 }));
        assert_eq!(print_of_one.len(), 64);
        assert_eq!(print_of_one, print(&[("id", "p-1")], json!({ "delta": 1 })));
        assert_ne!(print_of_one, print(&[("id", "p-2")], json!({ "delta": 1 })));
        assert_ne!(print_of_one, print(&[("id", "p-1")], json!({ "delta": 2 })));
    }

    #[test]
    fn fingerprint_does_not_depend_on_a_password() {
        let body = |password: &str| json!({ "email": "ada@example.com", "password": password });
        assert_eq!(print(&[], body("one")), print(&[], body("two")));
        assert_ne!(print(&[], body("one")), print(&[], json!({ "email": "bob@example.com", "password": "one" })));
    }

    #[test]
    fn fingerprint_without_path_parameters_hashes_the_canonical_body() {
        // printf '{"a":1}' | sha256sum
        let known = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        assert_eq!(print(&[], json!({ "a": 1 })), known);
    }
}
