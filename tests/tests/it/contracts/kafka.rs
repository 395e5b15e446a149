//! The event log on Kafka. Other tests use the same topics; a suite recognizes its records by their keys.

use super::aws;
use super::{PROCESSES, poll, var};
use adapters::{Wiring, config::Config};
use adapters_kafka::{Cluster, KafkaLog, KafkaTopics};
use kernel::{FailureKind, Timestamp};
use ports::{EventLogRecord, LogTopics as _};
use rskafka::BackoffConfig;
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use std::sync::Arc;
use std::time::Duration;
use testkit::Platform;
use testkit::contract::{Fixture, Observed, Observer};

/// How long a broker may take to refuse a connection.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(30);

/// All partitions of the catalog's topics, each read from its end offset at the start of the test. Clones share the connections.
#[derive(Clone)]
struct Partitions(Arc<Vec<(&'static str, PartitionClient, i64)>>);

impl Partitions {
    async fn new(client: &Client) -> Self {
        let mut partitions = Vec::new();
        for topic in catalog::KAFKA_TOPICS {
            for number in 0..topic.partitions {
                let partition = client.partition_client(topic.name, number, UnknownTopicHandling::Retry).await;
                let partition = partition.expect("a partition");
                let end = partition.get_offset(OffsetAt::Latest).await.expect("its end");
                partitions.push((topic.name, partition, end));
            }
        }
        Self(Arc::new(partitions))
    }

    async fn records(&self) -> Vec<EventLogRecord> {
        let mut records = Vec::new();
        for (topic, partition, start) in self.0.iter() {
            let mut next = *start;
            while next < partition.get_offset(OffsetAt::Latest).await.expect("its end") {
                let (some, _) = partition.fetch_records(next, 1..1_000_000, 1_000).await.expect("records");
                for got in some {
                    next = got.offset + 1;
                    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
                    let time = Timestamp::from_millisecond(got.record.timestamp.timestamp_millis()).expect("a time");
                    let (key, value) = (got.record.key.map(text).unwrap_or_default(), got.record.value.map(text));
                    records.push(EventLogRecord { topic, key, value, time });
                }
            }
        }
        records
    }
}

impl Observer<EventLogRecord> for Partitions {
    async fn received(&self, count: usize, mine: &dyn Fn(&EventLogRecord) -> bool) -> Vec<EventLogRecord> {
        poll(count, || async { self.records().await.into_iter().filter(|record| mine(record)).collect() }).await
    }
}

/// The variables with which functions reach Kafka, changed by `changes`.
fn config<const N: usize>(changes: [(&str, &str); N]) -> Config {
    const NAMES: [&str; 8] = [
        "KAFKA_BROKERS",
        "KAFKA_AUTH",
        "KAFKA_LOGIN_SECRET",
        "KAFKA_CA",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    let values = NAMES.map(var);
    Config::from_vars(std::array::from_fn::<_, 8, _>(|n| {
        let changed = changes.iter().find(|(name, _)| *name == NAMES[n]);
        (NAMES[n], changed.map_or(values[n].as_str(), |(_, value)| value))
    }))
}

fn cluster() -> Cluster {
    Cluster::from_config(&config([])).expect("the variables can be read")
}

async fn fixture() -> Fixture<Observed<KafkaLog, Partitions>> {
    let client = cluster().connect().await.expect("a connection to the broker");
    let topics = topics();
    for topic in catalog::KAFKA_TOPICS {
        topics.create(topic.name, topic.partitions).await.expect("the topic exists");
    }
    let wiring = Wiring::new(catalog::EVENT_FORWARD, config([]));
    let observer = Partitions::new(&client).await;
    let process = |_| Observed {
        port: adapters_kafka::event_log(&wiring).expect("the variables can be read"),
        observer: observer.clone(),
    };
    Fixture::new((0..PROCESSES).map(process), &Platform::new())
}

testkit::contract_event_log!(fixture());

fn topics() -> KafkaTopics {
    adapters_kafka::topics(&Wiring::new(catalog::TOPICS_CREATE, config([]))).expect("the variables can be read")
}

mod log_topics {
    use super::*;

    testkit::contract_log_topics!(async { Fixture::new((0..PROCESSES).map(|_| topics()), &Platform::new()) });
}

/// Why a cluster with these variables cannot be reached.
async fn refusal<const N: usize>(changes: [(&str, &str); N]) -> String {
    let cluster = Cluster::from_config(&config(changes)).expect("the variables can be read");
    let failure = cluster.connect().await.expect_err("refused");
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
    failure.to_string()
}

#[tokio::test]
async fn wrong_password_is_an_error_that_names_the_secret() {
    let client = aws_sdk_secretsmanager::Client::from_conf(aws::client!(aws_sdk_secretsmanager).build());
    let secret = aws::fresh("kafka-login");
    let text = r#"{"username":"quayside","password":"hunter2"}"#;
    client.create_secret().name(&secret).secret_string(text).send().await.expect("the secret is created");
    let refusal = refusal([("KAFKA_LOGIN_SECRET", &secret)]).await;
    assert!(refusal.contains("the secret KAFKA_LOGIN_SECRET has a wrong username or password"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[tokio::test]
async fn broker_with_a_certificate_of_another_authority_is_refused() {
    let refusal = refusal([("KAFKA_CA", "")]).await;
    assert!(refusal.contains("invalid peer certificate: UnknownIssuer"), "{refusal}");
}

/// The local broker has no IAM. What it sees of it is a mechanism that it does not offer.
#[tokio::test]
async fn login_with_an_iam_token_is_refused_by_a_broker_without_iam() {
    let refusal = refusal([("KAFKA_AUTH", "iam")]).await;
    assert!(refusal.contains("UnsupportedSaslMechanism"), "{refusal}");
}

#[tokio::test]
async fn connection_without_tls_or_without_a_login_is_refused() {
    let backoff = || BackoffConfig { deadline: Some(Duration::from_millis(500)), ..BackoffConfig::default() };
    let builder = || ClientBuilder::new(vec![var("KAFKA_BROKERS")]).backoff_config(backoff());
    builder().build().await.expect_err("a connection without TLS");
    let authority = config([]).kafka_authority().expect("DER in base64").expect("the local authority");
    let tls = adapters::tls::client_config_for(authority).expect("a certificate");
    let client = builder().tls_config(Arc::new(tls)).build();
    // Without a login, the broker closes the connection at the first request.
    assert!(tokio::time::timeout(REFUSAL_TIMEOUT, client).await.is_ok_and(|client| client.is_err()), "no login");
}
