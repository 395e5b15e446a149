//! Creates the catalog's topics on the local cluster.

use crate::log;
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::{Client, ClientBuilder};
use std::time::Duration;

const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout of one attempt; the client has none.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Creates missing topics. Retries until the cluster responds.
pub async fn create(brokers: &[String]) {
    loop {
        match tokio::time::timeout(TIMEOUT, try_create(brokers)).await {
            Ok(Ok(created)) => return log(&format!("{created} topics created")),
            Ok(Err(cause)) => log(&format!("topics cannot be created yet: {cause}")),
            Err(_) => log("topics cannot be created yet: Kafka does not respond"),
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

async fn try_create(brokers: &[String]) -> Result<usize, Error> {
    let client = connect(brokers).await?;
    let existing = client.list_topics().await?;
    let controller = client.controller_client()?;
    let mut created = 0;
    for topic in catalog::KAFKA_TOPICS {
        if existing.iter().any(|known| known.name == topic.name) {
            continue;
        }
        // The cluster has one node, so one replica.
        match controller.create_topic(topic.name, topic.partitions, 1, 5_000).await {
            Ok(()) => created += 1,
            Err(Error::ServerError { protocol_error: ProtocolError::TopicAlreadyExists, .. }) => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(created)
}

/// Connects to the cluster. Gives up after five seconds, instead of never.
pub async fn connect(brokers: &[String]) -> Result<Client, Error> {
    let backoff = BackoffConfig { deadline: Some(Duration::from_secs(5)), ..BackoffConfig::default() };
    ClientBuilder::new(brokers.to_vec()).client_id("kafka-trigger").backoff_config(backoff).build().await
}
