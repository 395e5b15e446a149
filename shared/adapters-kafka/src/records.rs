//! The topic of records, with one produce request a partition, all at once.

use crate::{KafkaLog, cluster::DEPENDENCY, failed, murmur2};
use chrono::DateTime;
use domain::record::{Position, Record as Accepted};
use futures_util::future::try_join_all;
use kernel::Failure;
use rskafka::client::partition::Compression;
use rskafka::record::Record;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// Timeout of appending the records of a request, connecting included. Below the time that API Gateway waits for a response.
const APPEND_TIMEOUT: Duration = Duration::from_secs(8);
const TOPIC: &str = catalog::RECORD_TOPIC.name;

/// The topic of records on Kafka.
#[derive(Debug)]
pub struct KafkaRecords {
    log: KafkaLog,
    /// Where each partition ended after the last append to it.
    ends: RefCell<BTreeMap<i32, i64>>,
}

impl KafkaRecords {
    pub(crate) fn new(log: KafkaLog) -> Self {
        Self { log, ends: RefCell::default() }
    }

    async fn try_append(&self, records: &[Accepted]) -> Result<(), Failure> {
        let count = self.log.count(TOPIC).await?;
        let mut batches: BTreeMap<i32, Vec<Record>> = BTreeMap::new();
        for record in records {
            let key = record.id.to_string();
            batches.entry(murmur2::partition(key.as_bytes(), count)).or_default().push(encode(key, record)?);
        }
        let produced = batches.into_iter().map(|(partition, batch)| self.produce(partition, batch));
        try_join_all(produced).await.map(drop)
    }

    async fn produce(&self, partition: i32, batch: Vec<Record>) -> Result<(), Failure> {
        let client = self.log.partition(TOPIC, partition).await?;
        let offsets = client.produce(batch, Compression::NoCompression).await.map_err(|error| failed(&error))?;
        if let Some(last) = offsets.last() {
            self.ends.borrow_mut().insert(partition, last + 1);
        }
        Ok(())
    }
}

/// The time of the record on the topic is that of its acceptance: the broker deletes by it, and a record may be months old when it is sent.
fn encode(key: String, record: &Accepted) -> Result<Record, Failure> {
    let timestamp = DateTime::from_timestamp_millis(record.received_at.as_millisecond());
    Ok(Record {
        key: Some(key.into_bytes()),
        value: Some(serde_json::to_vec(record).map_err(Failure::internal)?),
        headers: BTreeMap::from([("content-type".to_owned(), b"application/json".to_vec())]),
        timestamp: timestamp.ok_or_else(|| Failure::internal(format!("{DEPENDENCY}: a time is out of range")))?,
    })
}

impl ports::RecordLog for KafkaRecords {
    async fn append_records(&self, records: &[Accepted]) -> Result<(), Failure> {
        self.log.in_time(APPEND_TIMEOUT, self.try_append(records)).await
    }

    fn ends(&self) -> Vec<Position> {
        self.ends
            .borrow()
            .iter()
            .map(|(partition, end)| Position { partition: *partition, next_offset: *end })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cluster;
    use adapters::config::Config;
    use domain::record::{RecordId, SourceName};
    use kernel::{FailureKind, Timestamp};
    use ports::RecordLog;
    use serde_json::{Map, Value, json};

    fn record() -> Accepted {
        let recorded_at: Timestamp = "2026-08-30T08:47:00Z".parse().unwrap();
        Accepted {
            id: RecordId::new(recorded_at, 7),
            source: SourceName::parse("greenhouse").unwrap(),
            schema_version: 3,
            received_at: "2026-11-21T08:48:00Z".parse().unwrap(),
            payload: Map::from_iter([("temperature".to_owned(), json!(21.5))]),
        }
    }

    #[test]
    fn record_on_the_topic_is_of_the_time_of_its_acceptance() {
        let encoded = encode("key".to_owned(), &record()).unwrap();
        assert_eq!(encoded.timestamp.timestamp(), 1_795_250_880);
        let value: Value = serde_json::from_slice(&encoded.value.unwrap()).unwrap();
        assert_eq!(value["recorded_at"], "2026-08-30T08:47:00Z");
        assert_eq!(serde_json::from_value::<Accepted>(value).unwrap(), record());
    }

    #[tokio::test]
    async fn unreachable_cluster_is_unavailable_and_has_no_ends() {
        let config = Config::from_vars([
            ("KAFKA_BROKERS", "127.0.0.1:1"),
            ("KAFKA_AUTH", "iam"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
        ]);
        let log = KafkaRecords::new(KafkaLog::new(Cluster::from_config(&config).unwrap()));
        let failure = log.append_records(&[record()]).await.unwrap_err();
        assert_eq!((failure.kind, log.ends()), (FailureKind::Unavailable, vec![]));
    }
}
