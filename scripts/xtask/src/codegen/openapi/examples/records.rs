//! Records, and the sources that they are from.

use super::{NOON, OTHER, examples, parsed};
use api::*;
use domain::source::SourceStatus;
use serde_json::{Value, json};

/// The id of a record of noon.
const RECORD: &str = "01a1fdfa-4600-7c3a-9b52-6d0f3f2f8a11";

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": { "temperature": { "type": "number", "minimum": -100, "maximum": 100 } },
        "required": ["temperature"],
        "additionalProperties": false,
    })
}

examples! {
    AcceptedRecordsView = Self { accepted: 1, ids: vec![parsed(json!(RECORD))?] };
    RecordView = Self {
        id: parsed(json!(RECORD))?,
        source: parsed(json!("greenhouse"))?,
        schema_version: 1,
        recorded_at: NOON.into(),
        received_at: "2026-11-21T12:00:00.25Z".into(),
        payload: parsed(json!({ "temperature": 21.5 }))?,
    };
    RollupView = Self { hour: NOON.into(), records: 3600, bytes: 72_000 };
    SourceItemView = Self {
        name: parsed(json!("greenhouse"))?,
        status: SourceStatus::Open,
        writers: 1,
        schema_version: 1,
        created_at: NOON.into(),
        closed_at: None,
    };
    SourceView = Self {
        name: parsed(json!("greenhouse"))?,
        status: SourceStatus::Open,
        writers: parsed(json!([OTHER]))?,
        schema_version: 1,
        schema: parsed(schema())?,
        created_at: NOON.into(),
        schema_created_at: NOON.into(),
        closed_at: None,
    };
}
