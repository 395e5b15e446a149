//! Permissions on the Kafka cluster, and on the secret with its login where functions do not log in with IAM.

use super::{Grant, Target, grant};
use crate::codegen::cfn::{reference, sub};
use catalog::{Function, KafkaTopic};
use serde_json::{Value, json};

/// For an event source mapping, which polls as the function's role.
pub(super) fn consume(function: &Function, topics: &[&KafkaTopic]) -> Vec<Grant> {
    let cluster = [
        "kafka:DescribeClusterV2",
        "kafka:GetBootstrapBrokers",
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeClusterDynamicConfiguration",
    ];
    let read = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"];
    let group = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"];
    vec![
        grant("KafkaCluster", &cluster, Target::KafkaCluster),
        grant("KafkaIn", &read, Target::KafkaTopics(names(topics))),
        grant("KafkaGroup", &group, Target::KafkaGroups(function.name, names(topics))),
        login(),
    ]
}

/// For a function that writes to these topics.
pub(super) fn produce(topics: &[&KafkaTopic]) -> Vec<Grant> {
    let write = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"];
    on_topics("KafkaOut", &write, topics)
}

/// For a function that creates the topics and gives them their settings.
pub(super) fn create_topics() -> Vec<Grant> {
    let create = [
        "kafka-cluster:AlterTopicDynamicConfiguration",
        "kafka-cluster:CreateTopic",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:DescribeTopicDynamicConfiguration",
    ];
    on_topics("KafkaTopics", &create, catalog::ALL_KAFKA_TOPICS)
}

fn on_topics(sid: &'static str, actions: &[&'static str], topics: &[&KafkaTopic]) -> Vec<Grant> {
    vec![
        grant("KafkaCluster", &["kafka-cluster:Connect"], Target::KafkaCluster),
        grant(sid, actions, Target::KafkaTopics(names(topics))),
        login(),
    ]
}

fn login() -> Grant {
    grant("KafkaLogin", &["secretsmanager:GetSecretValue"], Target::KafkaLogin)
}

fn names(topics: &[&KafkaTopic]) -> Vec<&'static str> {
    topics.iter().map(|topic| topic.name).collect()
}

/// ARN of a topic or group of the Kafka cluster: the cluster's ARN with another kind and one more part.
pub(super) fn arn(kind: &str, name: &str) -> Value {
    let split = json!({ "Fn::Split": [":cluster/", reference("KafkaClusterArn")] });
    let part = |index: u8| json!({ "Fn::Select": [index, split] });
    json!({ "Fn::Join": ["", [part(0), format!(":{kind}/"), part(1), "/", sub(name)]] })
}
