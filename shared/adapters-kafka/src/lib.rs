//! The event log on Kafka. A record is stored once all in-sync replicas have it (rskafka always sends `acks=all`).
//!
//! Records with the same key go to the partition that Kafka's own clients choose, so that consumers in any language read them in order.
//! A record without a response from the broker may be stored or not: it is sent again, and consumers deduplicate it by its id.

mod cluster;
mod murmur2;
mod presign;
mod records;
mod settings;
mod topics;

pub use cluster::Cluster;
pub use records::KafkaRecords;
pub use topics::KafkaTopics;

use crate::cluster::DEPENDENCY;
use adapters::Wiring;
use adapters::config::ConfigError;
use catalog::Uses;
use chrono::DateTime;
use futures_util::future::LocalBoxFuture;
use kernel::{Failure, FailureKind};
use ports::EventLogRecord;
use rskafka::client::Client;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

pub fn event_log(wiring: &Wiring) -> Result<KafkaLog, ConfigError> {
    wiring.require("Kafka", |uses| matches!(uses, Uses::Kafka))?;
    Ok(KafkaLog::new(Cluster::from_config(wiring.config())?))
}

/// Every topic, to append records to again.
pub fn every_topic(wiring: &Wiring) -> Result<KafkaLog, ConfigError> {
    wiring.require("every Kafka topic", |uses| matches!(uses, Uses::AllKafkaTopics))?;
    Ok(KafkaLog::new(Cluster::from_config(wiring.config())?))
}

/// The topic of records, to append to.
pub fn record_log(wiring: &Wiring) -> Result<KafkaRecords, ConfigError> {
    let is_records = |uses: &Uses| matches!(uses, Uses::KafkaTopic(topic) if topic.name == catalog::RECORD_TOPIC.name);
    wiring.require("the topic of records", is_records)?;
    Ok(KafkaRecords::new(KafkaLog::new(Cluster::from_config(wiring.config())?)))
}

pub fn topics(wiring: &Wiring) -> Result<KafkaTopics, ConfigError> {
    wiring.require("topics of Kafka", |uses| matches!(uses, Uses::KafkaTopics))?;
    Ok(KafkaTopics::new(Cluster::from_config(wiring.config())?))
}

/// Timeout of appending one record, connecting included. The client itself has no timeout for a broker that does not respond.
const APPEND_TIMEOUT: Duration = Duration::from_secs(6);

/// A Kafka cluster. Connects when the first record is appended.
pub struct KafkaLog {
    cluster: Cluster,
    connected: Mutex<Option<Connected>>,
}

/// The client and the metadata of the cluster; dropped after an error.
struct Connected {
    client: Client,
    /// Number of partitions by topic.
    topics: BTreeMap<String, i32>,
    partitions: HashMap<(&'static str, i32), Arc<PartitionClient>>,
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

impl KafkaLog {
    fn new(cluster: Cluster) -> Self {
        Self { cluster, connected: Mutex::default() }
    }

    async fn connect(&self) -> Result<Connected, Failure> {
        let client = self.cluster.connect().await?;
        let topics = topics::list(&client).await?;
        Ok(Connected { client, topics, partitions: HashMap::new() })
    }

    /// The number of partitions of a topic.
    async fn count(&self, topic: &'static str) -> Result<i32, Failure> {
        let mut connected = self.connected.lock().await;
        let count = self.connection(&mut connected).await?.topics.get(topic).copied().filter(|count| *count > 0);
        count.ok_or_else(|| Failure::unavailable(DEPENDENCY, format!("the topic {topic} does not exist")))
    }

    async fn partition(&self, topic: &'static str, partition: i32) -> Result<Arc<PartitionClient>, Failure> {
        let mut connected = self.connected.lock().await;
        let connected = self.connection(&mut connected).await?;
        if let Some(client) = connected.partitions.get(&(topic, partition)) {
            return Ok(client.clone());
        }
        let client = connected.client.partition_client(topic, partition, UnknownTopicHandling::Error).await;
        let client = Arc::new(client.map_err(|error| failed(&error))?);
        connected.partitions.insert((topic, partition), client.clone());
        Ok(client)
    }

    async fn connection<'a>(&self, connected: &'a mut Option<Connected>) -> Result<&'a mut Connected, Failure> {
        match connected {
            Some(connected) => Ok(connected),
            none => Ok(none.insert(self.connect().await?)),
        }
    }

    /// Limits the time of `work`. After a failure the next call connects again and reads new metadata: a topic may have been created, a leader
    /// changed or an idle connection closed.
    async fn in_time<T>(&self, limit: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let done = match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => Err(Failure::unavailable(DEPENDENCY, "no response in time")),
        };
        if done.as_ref().is_err_and(Failure::is_retryable) {
            *self.connected.lock().await = None;
        }
        done
    }

    /// Boxed, so that the client of Kafka is compiled here, and not in each function's crate.
    fn try_append<'a>(&'a self, record: &'a EventLogRecord) -> LocalBoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let partition = murmur2::partition(record.key.as_bytes(), self.count(record.topic).await?);
            let partition = self.partition(record.topic, partition).await?;
            let timestamp = DateTime::from_timestamp_millis(record.time.as_millisecond());
            let record = Record {
                key: Some(record.key.clone().into_bytes()),
                value: record.value.clone().map(String::into_bytes),
                headers: BTreeMap::from([("content-type".to_owned(), b"application/cloudevents+json".to_vec())]),
                timestamp: timestamp
                    .ok_or_else(|| Failure::internal("the time of the record is out of range for Kafka"))?,
            };
            let produced = partition.produce(vec![record], Compression::NoCompression).await;
            produced.map(drop).map_err(|error| failed(&error))
        })
    }
}

impl ports::EventLog for KafkaLog {
    async fn append(&self, record: &EventLogRecord) -> Result<(), Failure> {
        self.in_time(APPEND_TIMEOUT, self.try_append(record)).await
    }
}

fn failed(error: &Error) -> Failure {
    match error {
        Error::ServerError { protocol_error, .. } => refused(protocol_error),
        _ => Failure::unavailable(DEPENDENCY, error),
    }
}

/// The failure of a request that a broker answered with an error.
fn refused(error: &ProtocolError) -> Failure {
    match error {
        ProtocolError::MessageTooLarge | ProtocolError::RecordListTooLarge | ProtocolError::InvalidRecord => {
            Failure::new(FailureKind::Invalid, "record-rejected", "The event log rejects this record.")
                .with_internal(format!("{error:?}"))
        }
        ProtocolError::TopicAuthorizationFailed
        | ProtocolError::ClusterAuthorizationFailed
        | ProtocolError::InvalidConfig => Failure::internal(format!("{DEPENDENCY}: {error:?}")),
        _ => Failure::unavailable(DEPENDENCY, format!("{error:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adapters::config::Config;
    use kernel::Timestamp;
    use ports::EventLog;

    #[tokio::test]
    async fn unreachable_cluster_is_unavailable_and_is_connected_again() {
        let config = Config::from_vars([
            ("KAFKA_BROKERS", "127.0.0.1:1"),
            ("KAFKA_AUTH", "iam"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
        ]);
        let log = KafkaLog::new(Cluster::from_config(&config).unwrap());
        let record = EventLogRecord {
            topic: catalog::ORDER_EVENTS.name,
            key: "o-1".into(),
            value: Some("{}".into()),
            time: Timestamp::UNIX_EPOCH,
        };
        let failure = log.append(&record).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert!(log.connected.lock().await.is_none());
    }
}
