//! The topics of the cluster.

use crate::cluster::{Cluster, DEPENDENCY};
use crate::failed;
use crate::settings::Settings;
use kernel::Failure;
use rskafka::client::Client;
use rskafka::client::error::{Error, ProtocolError};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

/// Replicas as the cluster's configuration says: three on MSK, one on a single node.
const CLUSTER_DEFAULT: i16 = -1;
/// How long the controller may take to create a topic.
const CREATE_TIMEOUT_MS: i32 = 10_000;
/// Timeout of one operation, connecting included.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Between looks at the cluster's metadata, which follow a creation.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The topics of a Kafka cluster. Connects for every operation, because a deployment has few.
#[derive(Debug)]
pub struct KafkaTopics {
    cluster: Cluster,
}

impl KafkaTopics {
    pub(crate) const fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    async fn try_create(&self, name: &str, partitions: i32) -> Result<bool, Failure> {
        let client = self.cluster.connect().await?;
        let controller = client.controller_client().map_err(|error| failed(&error))?;
        match controller.create_topic(name, partitions, CLUSTER_DEFAULT, CREATE_TIMEOUT_MS).await {
            Ok(()) => {}
            Err(Error::ServerError { protocol_error: ProtocolError::TopicAlreadyExists, .. }) => return Ok(false),
            Err(error) => return Err(failed(&error)),
        }
        // The controller responds before the brokers know the topic.
        let mut turn = tokio::time::interval(LOOK_INTERVAL);
        while !list(&client).await?.contains_key(name) {
            turn.tick().await;
        }
        Ok(true)
    }
}

impl KafkaTopics {
    async fn try_configure(&self, name: &str, settings: &[(&str, &str)]) -> Result<bool, Failure> {
        let broker = Settings::of(&self.cluster).await?;
        let names: Vec<&str> = settings.iter().map(|(name, _)| *name).collect();
        let is_set = |values: &BTreeMap<String, String>, (name, value): &(&str, &str)| {
            values.get(*name).is_some_and(|set| set == value)
        };
        let values = broker.read(name, &names).await?;
        let different: Vec<_> = settings.iter().filter(|setting| !is_set(&values, setting)).copied().collect();
        if different.is_empty() {
            return Ok(false);
        }
        broker.write(name, &different).await?;
        // The controller responds before the brokers know the settings.
        let mut turn = tokio::time::interval(LOOK_INTERVAL);
        loop {
            let values = broker.read(name, &names).await?;
            if settings.iter().all(|setting| is_set(&values, setting)) {
                return Ok(true);
            }
            turn.tick().await;
        }
    }
}

impl ports::LogTopics for KafkaTopics {
    async fn list(&self) -> Result<BTreeMap<String, i32>, Failure> {
        in_time(async { list(&self.cluster.connect().await?).await }).await
    }

    async fn create(&self, name: &str, partitions: i32) -> Result<bool, Failure> {
        in_time(self.try_create(name, partitions)).await
    }

    async fn configure(&self, name: &str, settings: &[(&str, &str)]) -> Result<bool, Failure> {
        in_time(self.try_configure(name, settings)).await
    }
}

/// Number of partitions by topic.
pub(crate) async fn list(client: &Client) -> Result<BTreeMap<String, i32>, Failure> {
    let topics = client.list_topics().await.map_err(|error| failed(&error))?;
    Ok(topics.into_iter().filter_map(|topic| Some((topic.name, i32::try_from(topic.partitions.len()).ok()?))).collect())
}

async fn in_time<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::unavailable(DEPENDENCY, "no response in time")),
    }
}
