//! A search of every store of the running stack for texts of a person.

use super::super::{
    secrets::stored,
    stack::{ApiClient, var},
};
use adapters::config::Config;
use adapters_kafka::Cluster;
use catalog::{Personal, STORES, StoreKind};
use rskafka::client::partition::{OffsetAt, UnknownTopicHandling};
use rskafka::record::Record;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead as _, BufReader},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Where something was found: the kind of store and its name in the catalog.
pub type Found = BTreeSet<(StoreKind, String)>;

/// The configuration of a service's client.
macro_rules! client {
    ($service:ident) => {{
        use $service::config::{BehaviorVersion, Credentials, Region};
        let credentials =
            Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "environment");
        $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(var("AWS_REGION")))
            .credentials_provider(credentials)
            .endpoint_url(var("AWS_ENDPOINT_URL"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
    }};
}

/// What only one person has: the text that is in all others, the phone number, ids at the gateway, and endpoints of devices.
#[derive(Debug)]
pub struct Marks(pub Vec<String>);

impl Marks {
    fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|mark| text.contains(mark.as_str()))
    }
}

pub async fn tables(marks: &Marks, found: &mut Found) {
    let (client, connection) =
        tokio_postgres::connect(&var("DATABASE_URL"), tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    for row in client.query(tables, &[]).await.expect("the tables") {
        let table: String = row.get(0);
        let sql = format!(
            "SELECT EXISTS (SELECT FROM {table} AS t WHERE EXISTS (SELECT FROM unnest($1::text[]) AS mark WHERE strpos(t::text, mark) > 0))"
        );
        if client.query_one(&sql, &[&marks.0]).await.expect("a response").get(0) {
            found.insert((StoreKind::PostgresTable, table));
        }
    }
}

async fn dynamodb(marks: &Marks, found: &mut Found) {
    let client = aws_sdk_dynamodb::Client::from_conf(client!(aws_sdk_dynamodb).build());
    let mut seen = 0;
    for table in catalog::TABLES {
        let tables = client.list_tables().send().await.expect("tables");
        for name in tables.table_names().iter().filter(|name| name.ends_with(&format!("-{}", table.name))) {
            let mut pages = client.scan().table_name(name).into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.expect("an item");
                seen += 1;
                let key = item[table.key].as_s().expect("a key").split('#').next().unwrap_or_default();
                if marks.are_in(&format!("{item:?}")) {
                    found.insert((StoreKind::DynamoKeys, format!("{}/{key}#", table.name)));
                }
            }
        }
    }
    assert!(seen > 0, "the product of the test is found");
}

async fn buckets(marks: &Marks, found: &mut Found) {
    let client = aws_sdk_s3::Client::from_conf(client!(aws_sdk_s3).force_path_style(true).build());
    let buckets = client.list_buckets().send().await.expect("buckets");
    let mut seen = 0;
    for bucket in buckets.buckets().iter().filter_map(|bucket| bucket.name()) {
        let Some(known) = catalog::BUCKETS.iter().find(|known| bucket.contains(known.name)) else { continue };
        let mut pages = client.list_objects_v2().bucket(bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            for key in page.expect("a page").contents().iter().filter_map(|object| object.key()) {
                let object = client.get_object().bucket(bucket).key(key).send().await.expect("an object");
                let bytes = object.body.collect().await.expect("its bytes").into_bytes();
                seen += 1;
                if marks.are_in(key) || marks.are_in(&String::from_utf8_lossy(&bytes)) {
                    found.insert((StoreKind::Bucket, known.name.to_owned()));
                }
            }
        }
    }
    assert!(seen > 0, "the invoice of the order is found");
}

/// The records of the event log with their topics, those of a key in order.
async fn logged() -> Vec<(&'static str, Record)> {
    let cluster = Cluster::from_config(&Config::from_env()).expect("the brokers");
    let client = cluster.connect().await.expect("connected");
    let mut logged = Vec::new();
    for topic in catalog::KAFKA_TOPICS {
        for number in 0..topic.partitions {
            let partition = client.partition_client(topic.name, number, UnknownTopicHandling::Retry).await;
            let partition = partition.expect("a partition");
            let mut next = partition.get_offset(OffsetAt::Earliest).await.expect("its beginning");
            while next < partition.get_offset(OffsetAt::Latest).await.expect("its end") {
                let (records, _) = partition.fetch_records(next, 1..1_000_000, 1_000).await.expect("records");
                for got in records {
                    next = got.offset + 1;
                    logged.push((topic.name, got.record));
                }
            }
        }
    }
    assert!(!logged.is_empty(), "the event log has records");
    logged
}

async fn topics(marks: &Marks, found: &mut Found) {
    for (topic, record) in logged().await {
        if marks.are_in(&String::from_utf8_lossy(&record.value.unwrap_or_default())) {
            found.insert((StoreKind::KafkaTopic, topic.to_owned()));
        }
    }
}

/// Whether a tombstone follows the records of the user.
pub async fn has_tombstone(user: &str) -> bool {
    let of_user = |(topic, record): &(&str, Record)| {
        *topic == catalog::USER_EVENTS.name && record.key.as_deref() == Some(user.as_bytes())
    };
    logged().await.iter().rfind(|logged| of_user(logged)).is_some_and(|(_, record)| record.value.is_none())
}

/// The reply to commands of Redis.
async fn redis(commands: &str) -> String {
    let url = var("REDIS_URL");
    let address = url.rsplit(['/', '@']).find(|part| part.contains(':')).expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(format!("{commands}QUIT\r\n").as_bytes()).await.expect("sent");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.expect("a reply");
    String::from_utf8_lossy(&reply).into_owned()
}

async fn cache(marks: &Marks, found: &mut Found) {
    let keys = redis("KEYS *\r\n").await;
    let keys = keys.lines().filter(|line| !line.is_empty() && !line.starts_with(['*', '$', '+']));
    for key in keys {
        if marks.are_in(key) || marks.are_in(&redis(&format!("GET {key}\r\n")).await) {
            found.insert((StoreKind::RedisKeys, key.split(':').next().unwrap_or_default().to_owned()));
        }
    }
}

/// Queues and dead-letter queues. Those that the emulator has are asked, because receiving a message would hide it from its consumer.
async fn queues(api: &ApiClient, marks: &Marks, found: &mut Found) {
    let url = format!("{}/_local/queues", var("AWS_ENDPOINT_URL"));
    let asked = api.http.post(url).body(json!({ "holding": marks.0 }).to_string()).send().await.expect("reachable");
    let names: Vec<String> = asked.json().await.expect("names");
    found.extend(names.into_iter().map(|name| (StoreKind::Queue, name)));
}

/// The records that the streams of Kinesis still have.
async fn streams(marks: &Marks, found: &mut Found) {
    use aws_sdk_kinesis::types::ShardIteratorType;
    let client = aws_sdk_kinesis::Client::from_conf(client!(aws_sdk_kinesis).build());
    let names = client.list_streams().send().await.expect("the streams");
    for name in names.stream_names() {
        let Some(known) = catalog::STREAMS.iter().find(|known| name.ends_with(known.name)) else { continue };
        let shards = client.list_shards().stream_name(name).send().await.expect("the shards");
        for shard in shards.shards() {
            let begin = client.get_shard_iterator().stream_name(name).shard_id(shard.shard_id());
            let begin = begin.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("an iterator");
            let mut next = begin.shard_iterator;
            while let Some(iterator) = next.take() {
                let read = client.get_records().shard_iterator(iterator).send().await.expect("records");
                let holds = |data: &[u8]| marks.are_in(&String::from_utf8_lossy(data));
                if read.records().iter().any(|record| holds(record.data().as_ref())) {
                    found.insert((StoreKind::Stream, known.name.to_owned()));
                }
                let is_at_the_end = read.records().is_empty();
                next = read.next_shard_iterator.filter(|_| !is_at_the_end);
            }
        }
    }
}

/// The log lines of all functions since the emulator began, as it records them.
fn log_lines(marks: &Marks, found: &mut Found) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.local/logs/function-lines.jsonl");
    let file = File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut seen = 0;
    for line in BufReader::new(file).lines() {
        seen += 1;
        if marks.are_in(&line.expect("a line")) {
            found.insert(other("logs of functions"));
            break;
        }
    }
    assert!(seen > 0, "functions have logged");
}

/// E-mails and text messages, which are with their recipient.
async fn messages(api: &ApiClient, marks: &Marks, found: &mut Found) {
    let texts = format!("{}/_ministack/sns/sms-messages", var("AWS_ENDPOINT_URL"));
    for url in [var("MAILBOX_URL"), texts] {
        let sent = api.http.get(url).send().await.expect("reachable").text().await.expect("messages");
        if marks.are_in(&sent) {
            found.insert(other("e-mails and text messages that were sent"));
        }
    }
}

/// The tokens of devices, at their endpoints.
async fn push_endpoints(marks: &Marks, found: &mut Found) {
    let client = aws_sdk_sns::Client::from_conf(client!(aws_sdk_sns).build());
    for endpoint in marks.0.iter().filter(|mark| mark.starts_with("arn:")) {
        let known = client.get_endpoint_attributes().endpoint_arn(endpoint).send().await.expect("an endpoint");
        if marks.are_in(&format!("{:?}", known.attributes())) {
            found.insert(other("endpoints of devices at SNS"));
        }
    }
}

/// The customers at the gateway.
async fn gateway_customers(api: &ApiClient, marks: &Marks, found: &mut Found) {
    let key = stored(&catalog::GATEWAY_KEY).read().await.expect("a response").expect("a key");
    for customer in marks.0.iter().filter(|mark| mark.starts_with("cus_")) {
        let url = format!("{}/v1/customers/{customer}", var("GATEWAY_URL"));
        let response = api.http.get(url).bearer_auth(&key).send().await.expect("reachable");
        let is_there = response.status() == 200;
        let about: Value = response.json().await.expect("JSON");
        if is_there && about["deleted"] != true {
            found.insert(other("customers at the payment gateway"));
        }
    }
}

/// A store that the catalog has no name for.
pub fn other(name: &str) -> (StoreKind, String) {
    (StoreKind::Other, name.to_owned())
}

/// Every store in which one of the texts is.
pub async fn search(api: &ApiClient, marks: &Marks) -> Found {
    let mut found = Found::new();
    tables(marks, &mut found).await;
    dynamodb(marks, &mut found).await;
    buckets(marks, &mut found).await;
    topics(marks, &mut found).await;
    cache(marks, &mut found).await;
    queues(api, marks, &mut found).await;
    streams(marks, &mut found).await;
    messages(api, marks, &mut found).await;
    push_endpoints(marks, &mut found).await;
    gateway_customers(api, marks, &mut found).await;
    log_lines(marks, &mut found);
    found
}

/// The stores in which the catalog allows personal data of a person who was erased. Queues are not among them, which are searched by their
/// own names: what they have about the person has been handled when the erasure has.
pub fn allowed() -> Found {
    let stores = STORES.iter().filter(|store| matches!(store.personal, Personal::Expires(..) | Personal::Retained(_)));
    stores.map(|store| (store.kind, store.name.to_owned())).collect()
}
