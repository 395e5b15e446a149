//! Records every event of the event log, for the timeline of an order and for the audit of what staff changed.

use domain::timeline;
use edge::kafka::Record;
use kernel::{CloudEvent, Failure};
use ports::EventRecords;
use serde_json::{Map, Value};

/// Records a batch. An event that is delivered again changes nothing.
pub async fn handle(
    records: &impl EventRecords,
    batch: &[Record<CloudEvent<Map<String, Value>>>],
) -> Result<(), Failure> {
    let events = batch.iter().map(|record| timeline::record(record.value.clone())).collect::<Result<Vec<_>, _>>()?;
    records.add(&events).await
}
