//! What somebody tried to do as an operator, whose role does not permit it.

use crate::{id::UserId, redrive::AuditEntry};
use kernel::{Principal, Timestamp, Uuid};
use serde_json::{Map, Value};

/// The word for it among the actions of the audit.
pub const REFUSED: &str = "refused";

/// A request for an action of operators that the role of its caller does not permit. It has nothing of the body of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedAction {
    pub id: Uuid,
    pub at: Timestamp,
    pub caller: UserId,
    pub role: String,
    /// Name of the function that was called.
    pub function: &'static str,
    /// The consumer that the path names, if there is one of that name.
    pub consumer: Option<&'static str>,
}

impl RefusedAction {
    /// The request of `caller`; `named` is what its path names.
    pub fn new(id: Uuid, at: Timestamp, caller: &Principal, function: &'static str, named: Option<&str>) -> Self {
        let consumer = named.and_then(catalog::find).map(|function| function.name);
        Self { id, at, caller: UserId(caller.id), role: caller.role.clone(), function, consumer }
    }

    /// Seconds in which one of a caller and a function is recorded: so no caller fills the audit.
    pub const INTERVAL_S: i64 = 3_600;
}

impl From<&RefusedAction> for AuditEntry {
    fn from(refused: &RefusedAction) -> Self {
        Self {
            id: refused.id,
            at: refused.at,
            operator: refused.caller,
            role: Some(refused.role.clone()),
            action: REFUSED.to_owned(),
            target: refused.function.to_owned(),
            order_id: None,
            reason: None,
            request: refused.consumer.map(|name| ("consumer".to_owned(), name.into())).into_iter().collect(),
            outcome: Some(outcome()),
        }
    }
}

/// Its outcome in the audit: nothing was done, and an entry without an outcome may have been done in part.
pub fn outcome() -> Map<String, Value> {
    Map::from_iter([(REFUSED.to_owned(), "forbidden".into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(named: Option<&str>) -> AuditEntry {
        let caller = Principal { id: Uuid::max(), role: "staff".to_owned() };
        let name = catalog::QUEUE_REDRIVE.name;
        (&RefusedAction::new(Uuid::nil(), Timestamp::UNIX_EPOCH, &caller, name, named)).into()
    }

    #[test]
    fn entry_says_who_in_which_role_and_what() {
        let entry = entry(Some("stock-reserve"));
        assert_eq!((entry.operator.0, entry.role.as_deref()), (Uuid::max(), Some("staff")));
        assert_eq!((entry.action.as_str(), entry.target.as_str()), ("refused", "queue-redrive"));
        assert_eq!(Value::Object(entry.request), json!({ "consumer": "stock-reserve" }));
        assert_eq!(entry.outcome.map(Value::Object), Some(json!({ "refused": "forbidden" })));
    }

    #[test]
    fn entry_has_no_text_of_the_caller() {
        assert!(entry(Some("<b>no-such</b>")).request.is_empty() && entry(None).request.is_empty());
    }
}
