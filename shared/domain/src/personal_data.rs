//! What is held about a person, as it is exported and erased.

use catalog::CONTEXTS;
use kernel::{Failure, Uuid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// Export lists with more pages, by context, each with the id of its last record. Its text is `context:id` for each,
/// separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExportCursor(BTreeMap<String, Uuid>);

impl ExportCursor {
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let entry = |entry: &str| {
            let (context, id) = entry.split_once(':')?;
            let is_known = CONTEXTS.iter().any(|known| known.name() == context);
            is_known.then_some(())?;
            Some((context.to_owned(), id.parse().ok()?))
        };
        let entries = text.split(',').map(entry).collect::<Option<_>>();
        entries.map(Self).ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
    }
}

impl fmt::Display for ExportCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (context, id)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{context}:{id}")?;
        }
        Ok(())
    }
}

/// A part of everything that is held about a person.
#[derive(Clone, PartialEq, Deserialize)]
pub struct PersonalDataPart {
    /// By the name of the context that holds it.
    pub contexts: BTreeMap<String, ExportedContext>,
    /// Where the following part begins; `None` in the last one.
    pub next: Option<ExportCursor>,
}

/// What one context holds about a person.
#[derive(Clone, Default, PartialEq, Deserialize)]
pub struct ExportedContext {
    /// What there is once; in the first part only.
    pub about: Map<String, Value>,
    /// What there is many times, by ascending id.
    pub records: Vec<Value>,
}

impl fmt::Debug for PersonalDataPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalDataPart({} contexts, next: {:?})", self.contexts.len(), self.next)
    }
}

/// A request to erase the personal data of an account.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseAccount {
    /// Required of the user; admins state none.
    #[serde(default)]
    pub current_password: Option<String>,
}

impl fmt::Debug for EraseAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EraseAccount(…)")
    }
}

/// What is in the place of a text that was erased.
pub const ERASED: &str = "erased";

/// Days after which a shipped order is erased although nobody reported its delivery.
pub const SHIPPED_DAYS: i64 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips_and_malformed_cursors_are_rejected() {
        let text = "orders:0192f0c1-0000-7000-8000-000000000001,payments:0192f0c1-0000-7000-8000-000000000002";
        assert_eq!(ExportCursor::parse(text).expect("a cursor").to_string(), text);
        for wrong in ["", "orders", "orders:1", "nothing:0192f0c1-0000-7000-8000-000000000001", &format!("{text},")] {
            assert_eq!(ExportCursor::parse(wrong).expect_err("malformed").fields[0].pointer, "?cursor", "{wrong}");
        }
    }
}
