//! The catalog's topics, which nobody else makes on a local cluster.

use crate::say;
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::{Client, ClientBuilder};
use std::time::Duration;

const PAUSE: Duration = Duration::from_secs(1);
/// On one exchange with the cluster; the client itself sets none.
const LIMIT: Duration = Duration::from_secs(15);

/// Makes what is missing, however long it takes until the cluster answers.
pub async fn make(brokers: &[String]) {
    loop {
        match tokio::time::timeout(LIMIT, try_make(brokers)).await {
            Ok(Ok(made)) => return say(&format!("{made} topics made")),
            Ok(Err(cause)) => say(&format!("topics cannot be made yet: {cause}")),
            Err(_) => say("topics cannot be made yet: Kafka does not answer"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn try_make(brokers: &[String]) -> Result<usize, Error> {
    let client = connect(brokers).await?;
    let there = client.list_topics().await?;
    let controller = client.controller_client()?;
    let mut made = 0;
    for topic in catalog::KAFKA_TOPICS {
        if there.iter().any(|known| known.name == topic.name) {
            continue;
        }
        // One node has room for one replica.
        match controller.create_topic(topic.name, topic.partitions, 1, 5_000).await {
            Ok(()) => made += 1,
            Err(Error::ServerError { protocol_error: ProtocolError::TopicAlreadyExists, .. }) => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(made)
}

/// A client that gives up after some seconds instead of never.
pub async fn connect(brokers: &[String]) -> Result<Client, Error> {
    let backoff = BackoffConfig { deadline: Some(Duration::from_secs(5)), ..BackoffConfig::default() };
    ClientBuilder::new(brokers.to_vec()).client_id("kafka-trigger").backoff_config(backoff).build().await
}
