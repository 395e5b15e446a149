//! One spelling for each JSON value, so that "the same body" does not depend on how a client orders or spaces it.

use super::body::Content;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `value` without white space and with the members of every object sorted by name (by code point).
///
/// Members are sorted here and not left to the map that `serde_json` uses: another crate's wish for `preserve_order` would
/// change that map, and with it every fingerprint. A whole number is written without a point, in whatever form it was sent: `1`,
/// `1.0` and `1e0` are one number.
pub fn canonical_json(value: &Value) -> String {
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

/// The integer that a float is, where it is one of at most fifteen digits: reading a float is not exact beyond them.
fn whole(float: f64) -> Option<i64> {
    let text = format!("{float:.0}");
    let exact = float.abs() < 1e15 && float.fract() == 0.0;
    text.parse().ok().filter(|_| exact)
}

/// SHA-256 of what a request asks for, hexadecimal.
///
/// The path's parameters count as part of it: the same key and body for another resource are another request, which must not
/// be given the answer of the first.
pub(crate) fn fingerprint(path_parameters: &BTreeMap<String, String>, content: &Content) -> String {
    let mut hash = Sha256::new();
    for (name, value) in path_parameters {
        hash.update(format!("{name}={value}\n"));
    }
    match content {
        Content::Nothing => {}
        Content::Tree(value) => hash.update(canonical_json(value)),
        Content::Bytes(raw) => hash.update(&raw.bytes),
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
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
    fn order_of_members_and_white_space_make_no_difference() {
        let spaced = "{ \"b\" : [ 1 , { \"z\" : null, \"a\" : true } ] , \"a\" : \"x\" }";
        assert_eq!(canonical(spaced), r#"{"a":"x","b":[1,{"a":true,"z":null}]}"#);
    }

    #[test]
    fn escapes_have_one_spelling() {
        assert_eq!(canonical(r#""\u00e9\/\n""#), "\"é/\\n\"");
    }

    #[test]
    fn order_of_items_makes_a_difference() {
        assert_ne!(canonical("[1,2]"), canonical("[2,1]"));
    }

    #[test]
    fn a_number_has_one_spelling() {
        for (forms, spelling) in [
            (["1", "1.0", "1e0", "10e-1"], "1"),
            (["-0.0", "0", "-0", "0e7"], "0"),
            (["-120", "-1.2e2", "-120.000", "-12E1"], "-120"),
            (["1.5", "1.50", "15e-1", "0.15E1"], "1.5"),
            (["999999999999999", "999999999999999.0", "999999999999999e0", "999999999999999.00"], "999999999999999"),
        ] {
            assert_eq!(forms.map(canonical), [spelling; 4]);
        }
        // Beyond that, integers stay what they are, and a float is not taken for one of them.
        assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
        for beyond in ["1000000000000000", "-1000000000000000"] {
            assert_ne!(canonical(&format!("{beyond}.0")), canonical(beyond));
        }
    }

    #[test]
    fn a_fingerprint_is_64_hexadecimal_digits_of_the_body_and_the_resource() {
        let print_of_one = print(&[("id", "p-1")], json!({ "delta": 1 }));
        assert_eq!(print_of_one.len(), 64);
        assert_eq!(print_of_one, print(&[("id", "p-1")], json!({ "delta": 1 })));
        assert_ne!(print_of_one, print(&[("id", "p-2")], json!({ "delta": 1 })));
        assert_ne!(print_of_one, print(&[("id", "p-1")], json!({ "delta": 2 })));
    }

    #[test]
    fn without_path_parameters_the_fingerprint_is_the_hash_of_the_canonical_body() {
        // printf '{"a":1}' | sha256sum
        let known = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
        assert_eq!(print(&[], json!({ "a": 1 })), known);
    }
}
