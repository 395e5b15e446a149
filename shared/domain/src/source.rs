//! Sources of records: who may send and read the records of a source, and the JSON Schema that their payloads follow.
//!
//! Versions of a schema are never changed or removed: a record names the version that accepted it, so that a stricter version after it makes no
//! stored record wrong.

use crate::{id::ClientId, record::SourceName};
use kernel::{Failure, FailureKind, Timestamp, Uuid};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeSet, str::FromStr};

/// Longest schema, in bytes of JSON without white space.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;
/// Service clients that a source may list.
pub const MAX_WRITERS: usize = 50;
/// The dialect of all schemas; `$schema` may name no other.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

words! {
    /// Whether a source takes records.
    pub enum SourceStatus {
        Open,
        /// It takes no more records. Those that it has can be read.
        Closed,
    }
}

impl FromStr for SourceName {
    type Err = Failure;

    /// Text that is no name is `NotFound`: no source has it.
    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::parse(text).map_err(|_| not_found())
    }
}

/// A JSON Schema as its author wrote it: an object of bounded size. Whether it is a valid schema is decided where it is compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct PayloadSchema(Map<String, Value>);

impl PayloadSchema {
    pub const fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl TryFrom<Map<String, Value>> for PayloadSchema {
    type Error = String;
    fn try_from(members: Map<String, Value>) -> Result<Self, String> {
        let length = serde_json::to_string(&members).map_err(|error| error.to_string())?.len();
        if length > MAX_SCHEMA_BYTES {
            return Err(format!("must be at most {MAX_SCHEMA_BYTES} bytes of JSON"));
        }
        match members.get("$schema") {
            None => Ok(Self(members)),
            Some(Value::String(dialect)) if dialect.trim_end_matches('#') == DIALECT => Ok(Self(members)),
            Some(_) => Err(format!("must be of draft 2020-12: leave $schema out, or set it to {DIALECT}")),
        }
    }
}

impl JsonSchema for PayloadSchema {
    fn schema_name() -> Cow<'static, str> {
        "PayloadSchema".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "JSON Schema of draft 2020-12, at most 64 KiB, without references to other documents.",
            "additionalProperties": true,
            "examples": [{ "type": "object", "properties": { "temperature": { "type": "number" } }, "required": ["temperature"] }],
        })
    }
}

/// A version of the schema of a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SchemaOf {
    pub source: SourceName,
    pub version: u32,
}

/// The service clients that may send and read the records of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<ClientId>")]
#[schemars(extend("maxItems" = MAX_WRITERS))]
pub struct Writers(BTreeSet<ClientId>);

impl Writers {
    pub fn ids(&self) -> impl Iterator<Item = ClientId> {
        self.0.iter().copied()
    }

    /// Whether the principal may send and read: staff of every source, a service client of those that list it.
    pub fn admit(&self, principal: Uuid, role: &str) -> bool {
        let is_listed = self.0.contains(&ClientId(principal));
        matches!(role, catalog::role::STAFF | catalog::role::ADMIN) || (role == catalog::role::SERVICE && is_listed)
    }
}

/// Fails as if there was no such source, unless these clients, or the role, let the principal read its records.
pub fn check_reader(writers: Vec<ClientId>, principal: Uuid, role: &str) -> Result<(), Failure> {
    match Writers(writers.into_iter().collect()).admit(principal, role) {
        true => Ok(()),
        false => Err(not_found()),
    }
}

impl TryFrom<Vec<ClientId>> for Writers {
    type Error = String;
    fn try_from(ids: Vec<ClientId>) -> Result<Self, String> {
        match ids.len() <= MAX_WRITERS {
            true => Ok(Self(ids.into_iter().collect())),
            false => Err(format!("must be at most {MAX_WRITERS} clients")),
        }
    }
}

/// A request to create a source.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSource {
    pub name: SourceName,
    /// Service clients that may send and read its records; empty for staff alone.
    #[serde(default)]
    pub writers: Writers,
    pub schema: PayloadSchema,
}

/// A request to register the next version of the schema of a source.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSchema {
    pub schema: PayloadSchema,
    /// Registers the version even if it refuses records that the source has.
    #[serde(default)]
    pub breaking: bool,
}

/// A source, with the current version of its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub name: SourceName,
    pub status: SourceStatus,
    pub writers: Writers,
    pub schema_version: u32,
    pub schema: PayloadSchema,
    pub created_at: Timestamp,
    /// When the current version of the schema was registered.
    pub schema_created_at: Timestamp,
    /// Set once it is closed.
    pub closed_at: Option<Timestamp>,
}

impl Source {
    /// A new source, open, with the first version of its schema.
    pub fn create(command: CreateSource, now: Timestamp) -> Self {
        Self {
            name: command.name,
            status: SourceStatus::Open,
            writers: command.writers,
            schema_version: 1,
            schema: command.schema,
            created_at: now,
            schema_created_at: now,
            closed_at: None,
        }
    }

    /// The name of the current version of its schema.
    pub fn current_schema(&self) -> SchemaOf {
        SchemaOf { source: self.name.clone(), version: self.schema_version }
    }

    /// The source with the next version of its schema; `None` if the current version is the same. A closed source takes none.
    pub fn with_schema(&self, schema: PayloadSchema, now: Timestamp) -> Result<Option<Self>, Failure> {
        if self.status == SourceStatus::Closed {
            return Err(closed(&self.name));
        }
        if self.schema == schema {
            return Ok(None);
        }
        let schema_version = self.schema_version.saturating_add(1);
        Ok(Some(Self { schema_version, schema, schema_created_at: now, ..self.clone() }))
    }

    /// The source, if the principal may use it: otherwise it does not exist for them.
    pub fn visible_to(self, principal: Uuid, role: &str) -> Result<Self, Failure> {
        match self.writers.admit(principal, role) {
            true => Ok(self),
            false => Err(not_found()),
        }
    }
}

/// A source that does not exist, or not for the caller.
pub fn not_found() -> Failure {
    Failure::not_found("source")
}

/// A name that is taken.
pub fn exists() -> Failure {
    Failure::new(FailureKind::Conflict, "source-exists", "There is a source of this name; choose another name.")
}

/// Whether a creation was rejected because its name is taken.
pub fn is_taken(rejection: &Failure) -> bool {
    rejection.code == exists().code
}

/// A source that takes no more records.
pub fn closed(name: &SourceName) -> Failure {
    let detail = format!("The source {} is closed and takes no more records.", name.as_str());
    Failure::new(FailureKind::Conflict, "source-closed", detail)
}

/// Records of late of the source that a new version of its schema refuses, of `looked_at`.
pub fn check_evolution(refused: usize, looked_at: usize, breaking: bool) -> Result<(), Failure> {
    if refused == 0 || breaking {
        return Ok(());
    }
    let detail = format!(
        "The schema refuses {refused} of the last {looked_at} records of the source; correct it, or set breaking to true."
    );
    Err(Failure::new(FailureKind::Conflict, "schema-breaking", detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-21T08:48:00Z".parse().unwrap()
    }

    fn parse(value: Value) -> Result<PayloadSchema, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn source(schema: Value) -> Source {
        let command = json!({ "name": "greenhouse", "schema": schema });
        Source::create(serde_json::from_value(command).unwrap(), now())
    }

    #[test]
    fn schema_is_an_object_of_bounded_size_and_of_one_dialect() {
        let of = |length: usize| json!({ "title": "x".repeat(length) });
        let around = of(0).to_string().len();
        assert!(parse(of(MAX_SCHEMA_BYTES - around)).is_ok());
        assert!(parse(of(MAX_SCHEMA_BYTES - around + 1)).is_err_and(|error| error.contains("65536 bytes")));
        assert!(
            parse(json!({ "$schema": DIALECT })).is_ok() && parse(json!({ "$schema": format!("{DIALECT}#") })).is_ok()
        );
        for other in [json!("http://json-schema.org/draft-07/schema#"), json!(7)] {
            assert!(parse(json!({ "$schema": other })).is_err_and(|error| error.contains("draft 2020-12")));
        }
        assert!(parse(json!(true)).is_err());
    }

    #[test]
    fn staff_uses_every_source_and_a_service_client_those_that_list_it() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let writers = Writers::try_from(vec![ClientId(one)]).unwrap();
        for (principal, role, is_admitted) in [
            (one, "service", true),
            (other, "service", false),
            (other, "staff", true),
            (other, "admin", true),
            (one, "customer", false),
            (one, "mfa_enrolment", false),
        ] {
            assert_eq!(writers.admit(principal, role), is_admitted, "{role}");
            assert_eq!(check_reader(vec![ClientId(one)], principal, role).is_ok(), is_admitted, "{role}");
        }
        assert!(Writers::try_from(vec![ClientId(one); MAX_WRITERS + 1]).is_err());
    }

    #[test]
    fn next_version_follows_the_current_one_unless_it_is_the_same() {
        let first = source(json!({ "type": "object" }));
        assert_eq!(first.schema_version, 1);
        assert_eq!(first.with_schema(first.schema.clone(), now()), Ok(None));
        let next = first.with_schema(parse(json!({})).unwrap(), now()).unwrap().unwrap();
        assert_eq!((next.schema_version, next.current_schema().version), (2, 2));
        let closed = Source { status: SourceStatus::Closed, ..first };
        assert_eq!(closed.with_schema(closed.schema.clone(), now()).unwrap_err().code, "source-closed");
    }

    #[test]
    fn version_that_refuses_records_of_late_is_registered_only_as_breaking() {
        assert_eq!(check_evolution(0, 100, false), Ok(()));
        assert_eq!(check_evolution(3, 100, true), Ok(()));
        let failure = check_evolution(3, 100, false).unwrap_err();
        assert_eq!(failure.code, "schema-breaking");
        assert!(failure.detail.contains("3 of the last 100 records"));
    }
}
