//! Redaction of events: what is exported to Kafka, S3 and webhooks.

use kernel::{CloudEvent, Failure, FailureKind};
use serde_json::{Map, Value};

/// Longest text that is exported.
const MAX_TEXT: usize = 64;

/// Removes from an event that was not decoded what is not exported, and returns its catalog row. `Unavailable` if its type is not in the
/// catalog, because the next deployment may know it; `Invalid` if its subject does not have the form of an id.
pub fn redact(event: &mut CloudEvent<Map<String, Value>>) -> Result<&'static catalog::Event, Failure> {
    let row = event.event.get("type").and_then(Value::as_str).and_then(catalog::find_event);
    let row = row.ok_or_else(|| {
        Failure::new(FailureKind::Unavailable, "newer-event", "This type of event is not in the catalog.")
    })?;
    if !is_code(&event.subject) {
        return Err(Failure::new(FailureKind::Invalid, "invalid-subject", "The subject of the event is not an id."));
    }
    retain_exported(&mut event.event, row);
    event.traceparent = event.traceparent.take().filter(|parent| is_traceparent(parent));
    event.actor = event.actor.take().filter(|actor| is_role(&actor.role));
    Ok(row)
}

/// Whether nothing that the event log has about the subject of this event may stay after it: a person was erased.
pub fn erases_subject(row: &catalog::Event) -> bool {
    row.name == catalog::USER_ERASED.name
}

/// Removes everything from an event's `type` and `data` but the members that its catalog row lists as exported.
///
/// A listed member is exported only as an id, a code, a time, a number or a list of these: a text with other characters is removed, too, since
/// events are forwarded without being decoded.
fn retain_exported(event: &mut Map<String, Value>, row: &catalog::Event) {
    event.retain(|name, _| matches!(name.as_str(), "type" | "data"));
    if let Some(data) = event.get_mut("data") {
        match data {
            Value::Object(members) => retain(members, "", row.exported),
            other => *other = Value::Object(Map::new()),
        }
    }
}

/// Whether a text has the form of an id, a code or a time, which none that somebody typed needs to have.
fn is_code(text: &str) -> bool {
    text.len() <= MAX_TEXT && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}

/// Whether a text has the form of the name of a role: lower-case letters and underscores.
fn is_role(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// Whether a text has the form of a W3C trace context of version 00: dashes and hexadecimal digits.
fn is_traceparent(text: &str) -> bool {
    text.len() == 55 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

fn retain(members: &mut Map<String, Value>, parent: &str, exported: &[&str]) {
    members.retain(|name, value| {
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        let is_listed = exported.contains(&path.as_str());
        let has_listed = exported.iter().any(|one| one.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.')));
        (is_listed || has_listed) && retain_value(value, &path, is_listed, exported)
    });
}

/// Whether anything of `value` is exported. The rest is removed from it.
fn retain_value(value: &mut Value, path: &str, is_listed: bool, exported: &[&str]) -> bool {
    match value {
        Value::Object(members) => {
            retain(members, path, exported);
            !is_listed
        }
        Value::Array(items) => {
            items.retain_mut(|item| retain_value(item, path, is_listed, exported));
            true
        }
        Value::String(text) => is_listed && is_code(text),
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => is_listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn left(row: &catalog::Event, data: Value) -> Value {
        let mut event = Map::from_iter([("data".to_owned(), data), ("note".to_owned(), json!("Ada"))]);
        retain_exported(&mut event, row);
        assert!(!event.contains_key("note"));
        event["data"].take()
    }

    #[test]
    fn only_listed_members_leave_at_every_depth() {
        let data =
            json!({ "user_id": "u-1", "email": "ada@example.com", "username": "ada", "new": { "user_id": "Ada" } });
        assert_eq!(left(catalog::USER_REGISTERED, data), json!({ "user_id": "u-1" }));
        let line = json!({ "product_id": "p-1", "quantity": 2, "product_name": "Lamp", "unit_price": { "amount": 1, "note": "x" } });
        let data = json!({ "order_id": "o-1", "lines": [line, "Ada"], "shipping_address": { "line1": "1 Pier" } });
        let line = json!({ "product_id": "p-1", "quantity": 2, "unit_price": { "amount": 1 } });
        assert_eq!(left(catalog::ORDER_SHIPPED, data), json!({ "order_id": "o-1", "lines": [line] }));
    }

    #[test]
    fn traceparent_is_hexadecimal() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(!is_traceparent("Ada") && !is_traceparent(&"Lovelace".repeat(7)[..55]));
    }

    #[test]
    fn listed_member_leaves_only_as_a_code_or_a_number() {
        for typed in [json!("Ada Lovelace"), json!("ada@example.com"), json!("+4930123456"), json!({ "name": "Ada" })] {
            assert_eq!(left(catalog::USER_REGISTERED, json!({ "user_id": typed })), json!({}), "{typed}");
        }
        let times = json!({ "from": "2026-11-21T00:00:00Z", "to": null, "fees": 2 });
        assert_eq!(left(catalog::LEDGER_RECONCILED, times.clone()), times);
        assert_eq!(left(catalog::LEDGER_RECONCILED, json!("Ada Lovelace")), json!({}));
    }
}
