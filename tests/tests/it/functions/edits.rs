//! Samples that differ from `ok.json` in little: edits in place of a file.
//!
//! `set /body/items/0/quantity = 0` replaces or adds the value at a JSON pointer, `remove /headers/if-match` removes it, and `; `
//! separates edits. A pointer below `/body/` addresses the JSON in the body.

use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

const KEY: &str = "/headers/idempotency-key";

/// Whether a case is a list of edits and not the name of a file.
pub fn is_edit(case: &str) -> bool {
    case.starts_with("set /") || case.starts_with("remove /")
}

/// Applies the edits to a sample. It gets its own idempotency key, unless the edits set or remove the key.
pub fn apply(mut sample: Value, edits: &str) -> Value {
    if let Some(Value::String(key)) = sample.pointer_mut(KEY) {
        let mut hasher = DefaultHasher::new();
        edits.hash(&mut hasher);
        key.push_str(&format!("-{:x}", hasher.finish()));
    }
    for one in edits.split("; ") {
        let (pointer, value) = match (one.strip_prefix("set "), one.strip_prefix("remove ")) {
            (Some(set), _) => {
                set.split_once(" = ").map(|(pointer, json)| (pointer, Some(json))).expect("pointer = value")
            }
            (_, Some(pointer)) => (pointer, None),
            _ => panic!("{one:?} is neither `set <pointer> = <JSON>` nor `remove <pointer>`"),
        };
        let value = value.map(|json| serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")));
        match pointer.strip_prefix("/body/") {
            Some(_) => {
                let body = sample["body"].as_str().expect("a body");
                let mut members = serde_json::json!({ "body": serde_json::from_str::<Value>(body).expect("JSON") });
                edit(&mut members, pointer, value);
                sample["body"] = members["body"].to_string().into();
            }
            None => edit(&mut sample, pointer, value),
        }
    }
    sample
}

fn edit(target: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, name) = pointer.rsplit_once('/').expect("a JSON pointer");
    match (target.pointer_mut(parent), value) {
        (Some(Value::Object(members)), Some(value)) => drop(members.insert(name.to_owned(), value)),
        (Some(Value::Object(members)), None) => assert!(members.remove(name).is_some(), "{pointer} does not exist"),
        (Some(Value::Array(items)), Some(value)) => items[name.parse::<usize>().expect("an index")] = value,
        (other, _) => panic!("{pointer} cannot be edited in {other:?}"),
    }
}
