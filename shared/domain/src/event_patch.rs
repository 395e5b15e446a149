//! Edits of events in dead letters, as a JSON Patch (RFC 6902).

use catalog::Event;
use json_patch::PatchOperation;
use kernel::Failure;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{borrow::Cow, collections::BTreeSet};

const MAX_OPERATIONS: usize = 20;
/// Longest pointer in bytes.
const MAX_POINTER: usize = 200;
/// Longest edited event in bytes: what a message may have.
const MAX_BYTES: usize = 256 * 1024;

/// The members of `data` that a patch may change, at any depth: texts and codes by which nothing is found, paid, taxed or counted. Nothing else of an
/// event changes, so that it stays the one that its consumers and the event log know.
const EDITABLE: [&str; 16] = [
    "carrier",
    "city",
    "country",
    "description",
    "full_name",
    "line1",
    "line2",
    "name",
    "postal_code",
    "product_name",
    "reason",
    "region",
    "subject",
    "template",
    "text",
    "username",
];

/// The members of the envelope that a patch may test.
const ENVELOPE: [&str; 6] = ["/id", "/sequence", "/source", "/subject", "/time", "/type"];

/// Operations on an event: add, remove, replace and test. Not `move` and `copy`: they could bring a personal text to where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Map<String, Value>>")]
pub struct EventPatch(Vec<PatchOperation>);

impl TryFrom<Vec<Map<String, Value>>> for EventPatch {
    type Error = String;
    fn try_from(operations: Vec<Map<String, Value>>) -> Result<Self, String> {
        if !(1..=MAX_OPERATIONS).contains(&operations.len()) {
            return Err(format!("must be 1 to {MAX_OPERATIONS} operations"));
        }
        let malformed = |_| "must be a JSON Patch (RFC 6902): operations with op, path and value".to_owned();
        let operations: Vec<PatchOperation> = serde_json::from_value(json!(operations)).map_err(malformed)?;
        if operations.iter().any(|one| matches!(one, PatchOperation::Move(_) | PatchOperation::Copy(_))) {
            return Err("must have no operations but add, remove, replace and test".to_owned());
        }
        match operations.iter().all(|one| is_pointer(one.path().as_str())) {
            true => Ok(Self(operations)),
            false => Err(format!("must have paths of at most {MAX_POINTER} lower-case letters, digits, _, - and /")),
        }
    }
}

impl JsonSchema for EventPatch {
    fn schema_name() -> Cow<'static, str> {
        "EventPatch".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "description": "JSON Patch (RFC 6902) on an event. Its paths begin at the event, as in `/data/shipping_address/city`.",
            "minItems": 1,
            "maxItems": MAX_OPERATIONS,
            "items": {
                "type": "object",
                "properties": {
                    "op": { "type": "string", "enum": ["add", "remove", "replace", "test"] },
                    "path": { "type": "string", "maxLength": MAX_POINTER, "pattern": "^(/[a-z0-9_-]+)*$" },
                    "value": {},
                },
                "required": ["op", "path"],
                "additionalProperties": true,
            },
            "examples": [[{ "op": "replace", "path": "/data/shipping_address/city", "value": "Oakland" }]],
        })
    }
}

impl EventPatch {
    /// The event after all operations. Fails with `Invalid`, naming the operation that does not apply as a member of the request, or the member of
    /// the event that must stay as it is.
    pub fn apply(&self, event: &Value) -> Result<Value, Failure> {
        let row = event.get("type").and_then(Value::as_str).and_then(catalog::find_event);
        let mut edited = event.clone();
        for (n, operation) in self.0.iter().enumerate() {
            let refused = |reason: &str| Failure::field(format!("/patch/{n}"), reason);
            let path = operation.path().as_str();
            // Before it is compared: the response must not reveal whether a hidden member has the value of the patch.
            if !matches!(operation, PatchOperation::Test(_)) && !is_editable(path) && !is_shown(path, row) {
                return Err(Failure::field(path, "must stay as it is"));
            }
            if matches!(operation, PatchOperation::Test(test) if !is_shown(test.path.as_str(), row)) {
                return Err(refused("tests a member that is not shown"));
            }
            json_patch::patch(&mut edited, std::slice::from_ref(operation))
                .map_err(|error| refused(&format!("does not apply: {}", error.kind)))?;
        }
        if let Some(pointer) = changed(event, &edited, &[]) {
            return Err(Failure::field(pointer, "must stay as it is"));
        }
        match edited.to_string().len() > MAX_BYTES {
            true => Err(Failure::field("/patch", "makes the event larger than a message")),
            false => Ok(edited),
        }
    }

    /// The operations without their values, which may be personal data.
    pub fn outline(&self) -> Value {
        let outline = |operation: &PatchOperation| {
            let mut members = serde_json::to_value(operation).unwrap_or_default();
            if let Some(members) = members.as_object_mut() {
                members.remove("value");
            }
            members
        };
        self.0.iter().map(outline).collect()
    }
}

/// Pointers to the members of an event that a patch may change. The values of some are personal data.
pub fn editable_members(event: &Value) -> Vec<String> {
    let mut found = event.get("data").map(|data| scalars(data, "/data")).unwrap_or_default();
    found.retain(|pointer| is_editable(pointer) && is_pointer(pointer));
    found
}

/// Pointers to all values that are neither arrays nor objects.
fn scalars(value: &Value, pointer: &str) -> Vec<String> {
    let below = |step: &str, inner: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        scalars(inner, &format!("{pointer}/{step}"))
    };
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, inner)| below(name, inner)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(n, inner)| below(&n.to_string(), inner)).collect(),
        _ => vec![pointer.to_owned()],
    }
}

/// Whether a text may be the path of an operation. The audit keeps paths, hence they must not be a way to write personal data into it.
fn is_pointer(text: &str) -> bool {
    let is_allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'/');
    text.len() <= MAX_POINTER && text.bytes().all(is_allowed)
}

/// Whether operators see the member at this pointer. A test of another one would confirm guesses of personal data.
fn is_shown(pointer: &str, row: Option<&Event>) -> bool {
    let Some(member) = pointer.strip_prefix("/data/") else { return ENVELOPE.contains(&pointer) };
    let names = member.split('/').filter(|step| step.parse::<usize>().is_err());
    let path = names.collect::<Vec<&str>>().join(".");
    row.is_some_and(|row| row.exported.contains(&path.as_str()))
}

/// Whether a patch may change the member at this pointer.
fn is_editable(pointer: &str) -> bool {
    pointer
        .strip_prefix("/data/")
        .and_then(|member| member.rsplit('/').next())
        .is_some_and(|name| EDITABLE.contains(&name))
}

/// The pointer of a member that differs and is none of the `editable` ones.
fn changed(before: &Value, after: &Value, editable: &[&str]) -> Option<String> {
    let below = |step: &str, before: Option<&Value>, after: Option<&Value>, editable: &[&str]| {
        let (before, after) = (before.unwrap_or(&Value::Null), after.unwrap_or(&Value::Null));
        let is_text = |value: &Value| !value.is_array() && !value.is_object();
        let may_change = editable.contains(&step) && is_text(before) && is_text(after);
        let inner = if may_change { None } else { changed(before, after, editable) };
        inner.map(|inner| format!("/{step}{inner}"))
    };
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            names.into_iter().find_map(|name| {
                let editable = if name == "data" { &EDITABLE[..] } else { editable };
                below(name, before.get(name), after.get(name), editable)
            })
        }
        (Value::Array(before), Value::Array(after)) => (0..before.len().max(after.len()))
            .find_map(|n| below(&n.to_string(), before.get(n), after.get(n), editable)),
        _ => (spelled(before) != spelled(after)).then(String::new),
    }
}

/// A value as text, so that a number may become one that was a text; `None` for null.
fn spelled(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(operations: Value) -> EventPatch {
        serde_json::from_value(operations).unwrap()
    }

    fn event(data: Value) -> Value {
        json!({ "id": "e-1", "type": "OrderPlaced.v1", "data": data })
    }

    /// What of the event, or of the patch, is refused.
    fn refused(operations: Value, data: Value) -> String {
        patch(operations).apply(&event(data)).unwrap_err().fields.swap_remove(0).pointer
    }

    #[test]
    fn operations_apply_in_order() {
        let edited = patch(json!([
            { "op": "test", "path": "/type", "value": "OrderPlaced.v1" },
            { "op": "test", "path": "/data/lines/0/quantity", "value": "2" },
            { "op": "replace", "path": "/data/lines/0/quantity", "value": 2 },
            { "op": "add", "path": "/data/shipping_address/name", "value": "Ada" },
            { "op": "replace", "path": "/data/shipping_address/name", "value": "Grace" },
            { "op": "remove", "path": "/data/shipping_address/line2" },
        ]));
        let before = json!({ "lines": [{ "quantity": "2" }], "shipping_address": { "line2": "rear" } });
        let after = json!({ "lines": [{ "quantity": 2 }], "shipping_address": { "name": "Grace" } });
        assert_eq!(edited.apply(&event(before)), Ok(event(after)));
    }

    #[test]
    fn operation_that_does_not_apply_is_named() {
        let operations = json!([
            { "op": "add", "path": "/data/name", "value": 1 },
            { "op": "test", "path": "/data/total_amount/amount", "value": 7 },
        ]);
        let failure = patch(operations).apply(&event(json!({ "total_amount": { "amount": 8 } }))).unwrap_err();
        assert_eq!(failure.fields[0].pointer, "/patch/1");
        assert!(failure.fields[0].detail.starts_with("does not apply: "), "{failure:?}");
        assert_eq!(refused(json!([{ "op": "remove", "path": "/data/name" }]), json!({})), "/patch/0");
    }

    #[test]
    fn envelope_ids_money_and_quantities_stay() {
        let data = || {
            json!({
                "order_id": "o-1", "payment_method": "pm_1", "lines": [{ "quantity": 2, "line_total": { "amount": 5 } }],
                "totals": null,
            })
        };
        let replace = |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]);
        for (operations, pointer) in [
            (replace("/id", json!("e-2")), "/id"),
            (replace("/type", json!("PaymentSucceeded.v1")), "/type"),
            (json!([{ "op": "add", "path": "/subject", "value": "o-2" }]), "/subject"),
            (json!([{ "op": "add", "path": "/name", "value": "x" }]), "/name"),
            (replace("/data/order_id", json!("o-2")), "/data/order_id"),
            (replace("/data/payment_method", json!("pm_2")), "/data/payment_method"),
            (replace("/data/lines/0/line_total/amount", json!(1)), "/data/lines/0/line_total/amount"),
            (replace("/data/lines/0/quantity", json!(3)), "/data/lines/0/quantity"),
            (replace("/data/totals", json!({ "shipping": 1 })), "/data/totals"),
            (json!([{ "op": "add", "path": "/data/lines/-", "value": { "quantity": 1 } }]), "/data/lines/-"),
            (json!([{ "op": "add", "path": "/data/category", "value": "clothing" }]), "/data/category"),
            (json!([{ "op": "remove", "path": "/data/lines/0" }]), "/data/lines/0"),
            (json!([{ "op": "add", "path": "/data/reason", "value": { "amount": 1 } }]), "/data/reason"),
            (replace("/data", json!({ "data": { "order_id": "o-2" } })), "/data"),
            (replace("", json!(7)), ""),
        ] {
            assert_eq!(refused(operations.clone(), data()), pointer, "{operations}");
        }
    }

    #[test]
    fn members_that_may_be_changed_are_those_that_a_patch_is_applied_to() {
        let data = json!({
            "order_id": "o-1", "reason": null, "shipping_address": { "city": 7, "line1": "1 Pier", "phone": "+1" },
            "lines": [{ "product_name": "Lantern", "quantity": 2 }, { "product_name": { "text": "x" } }],
            "Ada/Lovelace": { "name": "Ada" }, "a/b": { "name": "Bob" },
        });
        let found = editable_members(&event(data.clone()));
        let expected = [
            "/data/lines/0/product_name",
            "/data/lines/1/product_name/text",
            "/data/reason",
            "/data/shipping_address/city",
            "/data/shipping_address/line1",
        ];
        assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(expected));
        for pointer in found {
            let edited = patch(json!([{ "op": "replace", "path": pointer, "value": "new" }]));
            let edited = edited.apply(&event(data.clone())).expect("applies");
            assert_eq!(edited.pointer(&pointer), Some(&json!("new")));
        }
        assert!(editable_members(&json!({ "name": "Ada" })).is_empty());
        assert!(editable_members(&event(json!([{ "text": "x" }]))).iter().eq(["/data/0/text"]));
    }

    #[test]
    fn right_and_wrong_guesses_of_hidden_members_are_refused_alike() {
        let data = || json!({ "email": "ada@example.com", "phone": "+1" });
        for (path, value) in
            [("/data/email", "ada@example.com"), ("/data/email", "bob@example.com"), ("/data/fax", "x")]
        {
            assert_eq!(refused(json!([{ "op": "replace", "path": path, "value": value }]), data()), path, "{value}");
            assert_eq!(refused(json!([{ "op": "remove", "path": path }]), data()), path);
        }
    }

    #[test]
    fn patch_tests_only_what_operators_see() {
        let data =
            || json!({ "user_id": "u-1", "shipping_address": { "city": "Oakland" }, "lines": [{ "quantity": 2 }] });
        for path in ["", "/data", "/data/shipping_address", "/data/shipping_address/city", "/data/lines/0", "/data/0"] {
            let test = json!([{ "op": "test", "path": path, "value": "Oakland" }]);
            let failure = patch(test).apply(&event(data())).unwrap_err();
            assert!(failure.detail.contains("is not shown"), "{path}: {failure:?}");
        }
        let unknown = json!({ "type": "Other.v1", "data": data() });
        let test = json!([{ "op": "test", "path": "/data/user_id", "value": "u-1" }]);
        assert!(patch(test.clone()).apply(&unknown).is_err());
        assert!(patch(test).apply(&event(data())).is_ok());
    }

    #[test]
    fn edited_event_is_no_larger_than_a_message() {
        let long = json!([{ "op": "add", "path": "/data/text", "value": "x".repeat(MAX_BYTES) }]);
        assert_eq!(refused(long, json!({})), "/patch");
    }

    #[test]
    fn patch_is_of_1_to_20_operations_that_copy_nothing() {
        let parse = |operations: Value| serde_json::from_value::<EventPatch>(operations);
        let test = json!({ "op": "test", "path": "", "value": {} });
        assert!(parse(json!(vec![test.clone(); MAX_OPERATIONS])).is_ok());
        for wrong in [
            json!([]),
            json!(vec![test; MAX_OPERATIONS + 1]),
            json!([{ "op": "merge", "path": "/a", "value": 1 }]),
            json!([{ "op": "add", "path": "a", "value": 1 }]),
            json!([{ "op": "add", "path": "/a" }]),
            json!([{ "op": "add", "path": "/data/Ada Lovelace", "value": 1 }]),
            json!([{ "op": "add", "path": format!("/{}", "a".repeat(MAX_POINTER)), "value": 1 }]),
            json!([{ "op": "move", "from": "/a", "path": "/b" }]),
            json!([{ "op": "copy", "from": "/a", "path": "/b" }]),
            json!({}),
        ] {
            assert!(parse(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn outline_has_no_values() {
        let patch = patch(json!([
            { "op": "add", "path": "/data/name", "value": "Ada" }, { "op": "remove", "path": "/data/line2" },
        ]));
        let outline = json!([{ "op": "add", "path": "/data/name" }, { "op": "remove", "path": "/data/line2" }]);
        assert_eq!(patch.outline(), outline);
    }
}
