//! Creates the Kafka topics that do not exist, those of the event log and that of records, and gives all of them their settings.
//!
//! A deployment invokes it before functions write to the log. A second run changes nothing. Partitions and the retention of records come from
//! the catalog, and everything else from the configuration of the cluster.

use edge::direct::Invocation;
use kernel::{Failure, FailureKind};
use ports::LogTopics;
use serde::{Deserialize, Serialize};

/// Takes no input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {}

#[derive(Debug, Serialize)]
pub struct Created {
    /// Names of the topics that this run created.
    pub created: Vec<&'static str>,
    /// Names of the topics of which this run changed a setting.
    pub configured: Vec<&'static str>,
}

/// Creates what is missing. A topic with another number of partitions than in the catalog fails the run: records of one subject would
/// be in two partitions, and so out of order, if their number were changed in passing.
pub async fn handle(topics: &impl LogTopics, _call: Invocation<Create>) -> Result<Created, Failure> {
    let existing = topics.list().await?;
    let (mut created, mut configured, mut different) = (Vec::new(), Vec::new(), Vec::new());
    for topic in catalog::ALL_KAFKA_TOPICS {
        match existing.get(topic.name) {
            None if topics.create(topic.name, topic.partitions).await? => created.push(topic.name),
            Some(found) if *found != topic.partitions => {
                different.push(format!("{} has {found} partitions instead of {}", topic.name, topic.partitions));
            }
            _ => {}
        }
        if topics.configure(topic.name, topic.cleanup.settings()).await? {
            configured.push(topic.name);
        }
    }
    if different.is_empty() {
        return Ok(Created { created, configured });
    }
    Err(Failure::new(FailureKind::Conflict, "partitions-differ", different.join("; ")))
}
