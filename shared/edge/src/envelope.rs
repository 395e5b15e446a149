//! Finds the event in what carried it: EventBridge's envelope, SNS's notification, both, or none.

use kernel::{Failure, FailureKind};
use serde_json::Value;

/// SNS may carry EventBridge's envelope, which carries the event; nothing of ours is wrapped more often.
const WRAPPINGS: usize = 3;

/// The JSON of the event in `text`.
pub(crate) fn extract_event(text: &str) -> Result<Value, Failure> {
    let mut value = parse(text)?;
    for _ in 0..WRAPPINGS {
        value = match unwrap_once(value)? {
            Layer::Wrapped(inner) => inner,
            Layer::Bare(event) => return Ok(event),
        };
    }
    Err(unreadable("The event is wrapped too often."))
}

enum Layer {
    Wrapped(Value),
    Bare(Value),
}

fn unwrap_once(mut value: Value) -> Result<Layer, Failure> {
    if value.get("detail-type").is_some()
        && let Some(detail) = value.get_mut("detail")
    {
        return Ok(Layer::Wrapped(detail.take()));
    }
    let is_notification = value.get("Type").and_then(Value::as_str) == Some("Notification");
    match value.get("Message").and_then(Value::as_str) {
        Some(message) if is_notification => Ok(Layer::Wrapped(parse(message)?)),
        _ => Ok(Layer::Bare(value)),
    }
}

fn parse(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|cause| unreadable(&format!("The record is not JSON: {cause}.")))
}

/// A record that nobody can read.
pub(crate) fn unreadable(detail: &str) -> Failure {
    Failure::new(FailureKind::Malformed, "unreadable", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_event_is_found_in_every_envelope_that_may_carry_it() {
        let event = json!({ "id": "e-1", "type": "ThingDone.v1", "data": { "detail": "not an envelope" } });
        let bridge = json!({ "version": "0", "detail-type": "ThingDone.v1", "source": "things", "detail": event });
        let notification = json!({ "Type": "Notification", "Message": bridge.to_string() });
        for carried in [&event, &bridge, &notification] {
            assert_eq!(extract_event(&carried.to_string()).unwrap(), event);
        }
    }

    #[test]
    fn what_is_not_json_is_unreadable_and_not_worth_a_retry() {
        for text in ["", "not json", "{\"Type\":\"Notification\",\"Message\":\"not json\"}"] {
            assert!(!extract_event(text).unwrap_err().is_retryable(), "{text}");
        }
    }

    #[test]
    fn endless_wrapping_is_unreadable() {
        let mut value = json!({ "id": "e-1" });
        for _ in 0..5 {
            value = json!({ "Type": "Notification", "Message": value.to_string() });
        }
        assert!(extract_event(&value.to_string()).is_err());
    }
}
