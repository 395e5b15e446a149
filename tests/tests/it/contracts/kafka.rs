//! The event log on Kafka. Other tests use the same topics; a suite recognizes its records by their keys.

use super::{PROCESSES, poll, var};
use adapters::{Wiring, config::Config};
use adapters_kafka::KafkaLog;
use kernel::Timestamp;
use ports::LogRecord;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use testkit::Platform;
use testkit::contract::{Fixture, Observed, Observer};

/// All partitions of the catalog's topics, each read from its end offset at the start of the test.
struct Partitions(Vec<(&'static str, PartitionClient, i64)>);

impl Partitions {
    async fn new(client: &Client) -> Self {
        let mut partitions = Vec::new();
        for topic in catalog::KAFKA_TOPICS {
            create(client, topic).await;
            for number in 0..topic.partitions {
                let partition = client.partition_client(topic.name, number, UnknownTopicHandling::Retry).await;
                let partition = partition.expect("a partition");
                let end = partition.get_offset(OffsetAt::Latest).await.expect("its end");
                partitions.push((topic.name, partition, end));
            }
        }
        Self(partitions)
    }

    async fn records(&self) -> Vec<LogRecord> {
        let mut records = Vec::new();
        for (topic, partition, start) in &self.0 {
            let mut next = *start;
            while next < partition.get_offset(OffsetAt::Latest).await.expect("its end") {
                let (some, _) = partition.fetch_records(next, 1..1_000_000, 1_000).await.expect("records");
                for got in some {
                    next = got.offset + 1;
                    let text = |bytes: Option<Vec<u8>>| String::from_utf8(bytes.unwrap_or_default()).expect("UTF-8");
                    let time = Timestamp::from_millisecond(got.record.timestamp.timestamp_millis()).expect("a time");
                    records.push(LogRecord { topic, key: text(got.record.key), value: text(got.record.value), time });
                }
            }
        }
        records
    }
}

/// Creates a topic if it does not exist.
async fn create(client: &Client, topic: &catalog::KafkaTopic) {
    let controller = client.controller_client().expect("a controller");
    match controller.create_topic(topic.name, topic.partitions, 1, 5_000).await {
        Ok(()) | Err(Error::ServerError { protocol_error: ProtocolError::TopicAlreadyExists, .. }) => {}
        Err(error) => panic!("the topic {} cannot be created: {error}", topic.name),
    }
}

impl Observer<LogRecord> for Partitions {
    async fn received(&self, count: usize, mine: &dyn Fn(&LogRecord) -> bool) -> Vec<LogRecord> {
        poll(count, || async { self.records().await.into_iter().filter(|record| mine(record)).collect() }).await
    }
}

async fn fixture() -> Fixture<Observed<KafkaLog, Partitions>> {
    let brokers = var("KAFKA_BROKERS");
    let client = ClientBuilder::new(vec![brokers.clone()]).build().await.expect("a connection to the broker");
    let wiring = Wiring::new(catalog::EVENT_FORWARD, Config::from_vars([("KAFKA_BROKERS", &brokers)]));
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        let port = adapters_kafka::event_log(&wiring).expect("KAFKA_BROKERS can be read");
        processes.push(Observed { port, observer: Partitions::new(&client).await });
    }
    Fixture::new(processes, &Platform::new())
}

testkit::contract_event_log!(fixture());
