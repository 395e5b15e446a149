//! The ways to write records: the store, the function, and the function behind Kafka.

use super::{Tables, micros, rows, tables::BATCH};
use crate::{environment::Stage, orders::message, process::Process};
use adapters_postgres::PgRecords;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use catalog::Context;
use chrono::DateTime;
use domain::record::{Position, Record};
use ports::{RecordStore as _, RecordWriter as _};
use rskafka::{
    client::{
        ClientBuilder,
        partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling},
    },
    record::Record as Message,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;
use xtask::Result;

/// Topic of the benchmark, with one partition.
const TOPIC: &str = "bench-records";

/// The store and a process of the function.
pub struct Writers {
    store: PgRecords,
    pub process: Process,
    next_offset: i64,
}

/// The store with the role of records.
pub fn store(stage: &Stage<'_>) -> Result<PgRecords> {
    Ok(PgRecords::new(stage.database.for_store(Context::Records, stage.database.port()?)))
}

impl Writers {
    pub fn start(stage: &Stage<'_>) -> Result<Self> {
        let directory = std::env::current_exe().map_err(message)?;
        let directory = directory.parent().ok_or("this binary has no parent directory")?;
        let row = catalog::RECORD_WRITE;
        let mut process = Process::start(&directory.join(row.name), row.memory_mb, &stage.variables(row))?;
        process.allow(Duration::from_secs(60));
        Ok(Self { store: store(stage)?, process, next_offset: 0 })
    }

    /// Microseconds that the store takes for `count` more records, which are made before.
    pub async fn write(&self, tables: &mut Tables, count: u64) -> Result<u64> {
        let batches = batches(tables.records, count)?;
        let began = Instant::now();
        for (index, batch) in (1..).zip(&batches) {
            let position = Position { partition: 0, next_offset: index };
            self.store.write(batch, &[position]).await.map_err(|failure| failure.to_string())?;
        }
        tables.records += count;
        Ok(micros(began))
    }

    /// The same for the function.
    pub fn invoke(&mut self, tables: &mut Tables, count: u64) -> Result<u64> {
        let mut events = Vec::new();
        for batch in batches(tables.records, count)? {
            let messages = batch.iter().map(serde_json::to_vec).collect::<std::result::Result<Vec<_>, _>>();
            events.push(self.event(&messages.map_err(message)?));
        }
        let began = Instant::now();
        for event in &events {
            self.process.call(event, Value::is_null)?;
        }
        tables.records += count;
        Ok(micros(began))
    }

    /// The event for the values of records after those before.
    fn event(&mut self, values: &[Vec<u8>]) -> Value {
        let event = self.event_at(self.next_offset, values);
        self.next_offset += i64::try_from(values.len()).unwrap_or_default();
        event
    }

    /// The event for the values of records from this offset on, as Lambda sends it.
    pub fn event_at(&self, first: i64, values: &[Vec<u8>]) -> Value {
        let record = |(offset, value): (i64, &Vec<u8>)| {
            json!({
                "topic": catalog::RECORD_TOPIC.name, "partition": 0, "offset": offset, "timestamp": 1_790_640_000_000_u64,
                "timestampType": "CREATE_TIME", "key": STANDARD.encode(offset.to_be_bytes()), "value": STANDARD.encode(value), "headers": []
            })
        };
        let records: Vec<Value> = (first..).zip(values).map(record).collect();
        json!({
            "eventSource": "aws:kafka",
            "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/bench/1",
            "bootstrapServers": "127.0.0.1:9092",
            "records": { format!("{}-0", catalog::RECORD_TOPIC.name): records }
        })
    }
}

fn batches(first: u64, count: u64) -> Result<Vec<Vec<Record>>> {
    let size = usize::try_from(BATCH).map_err(message)?;
    let batch = |from: u64| (from..(first + count).min(from + BATCH)).map(rows::record).collect::<Result<Vec<_>>>();
    (first..first + count).step_by(size).map(batch).collect()
}

/// Puts the records of these numbers into the topic. Returns its partition, and the offset of the first of them.
pub async fn produce(broker: &str, from: u64, count: u64) -> Result<(PartitionClient, i64)> {
    let client = ClientBuilder::new(vec![broker.to_owned()]).build().await.map_err(message)?;
    let topics = client.list_topics().await.map_err(message)?;
    if topics.iter().all(|topic| topic.name != TOPIC) {
        let controller = client.controller_client().map_err(message)?;
        controller.create_topic(TOPIC, 1, 1, 5_000).await.map_err(message)?;
    }
    let partition = client.partition_client(TOPIC, 0, UnknownTopicHandling::Retry).await.map_err(message)?;
    let first = partition.get_offset(OffsetAt::Latest).await.map_err(message)?;
    let size = usize::try_from(BATCH).map_err(message)?;
    for first in (from..from + count).step_by(size) {
        let batch = batches(first, BATCH.min(from + count - first))?.concat();
        let message = |record: &Record| {
            Ok(Message {
                key: Some(record.id.to_string().into_bytes()),
                value: Some(serde_json::to_vec(record).map_err(message)?),
                headers: BTreeMap::new(),
                timestamp: DateTime::from_timestamp_millis(record.received_at.as_millisecond()).unwrap_or_default(),
            })
        };
        let records = batch.iter().map(message).collect::<Result<Vec<_>>>()?;
        partition.produce(records, Compression::NoCompression).await.map_err(crate::orders::message)?;
    }
    Ok((partition, first))
}

/// Microseconds from the first fetch of `count` records, which are in the topic, until the function has written the last one.
pub fn through_kafka(
    runtime: &Runtime,
    broker: &str,
    writers: &mut Writers,
    tables: &mut Tables,
    count: u64,
) -> Result<u64> {
    let (partition, first) = runtime.block_on(produce(broker, tables.records, count))?;
    let began = Instant::now();
    let (mut next, end) = (first, first + i64::try_from(count).map_err(message)?);
    while next < end {
        let fetched = runtime.block_on(partition.fetch_records(next, 1..1_000_000, 500)).map_err(message)?.0;
        let values: Vec<Vec<u8>> = fetched.iter().filter_map(|one| one.record.value.clone()).collect();
        next = fetched.last().map_or(next, |last| last.offset + 1);
        for values in values.chunks(usize::try_from(BATCH).map_err(message)?) {
            let event = writers.event(values);
            writers.process.call(&event, Value::is_null)?;
        }
    }
    tables.records += count;
    Ok(micros(began))
}

/// Microseconds of each read by id while the function writes `count` records as fast as it can.
pub fn read_while_writing(
    runtime: &Runtime,
    writers: &mut Writers,
    tables: &mut Tables,
    stage: &Stage<'_>,
    count: u64,
) -> Result<Vec<u64>> {
    let (reader, is_done, known) = (store(stage)?, AtomicBool::new(false), tables.records);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            runtime.block_on(async {
                let mut times = Vec::new();
                for read in 0.. {
                    if is_done.load(Ordering::Relaxed) {
                        break;
                    }
                    let began = Instant::now();
                    let id = rows::id(rows::mix(read) % known)?;
                    reader.get(id).await.map_err(|failure| failure.to_string())?;
                    times.push(micros(began));
                }
                Ok::<_, String>(times)
            })
        });
        let written = writers.invoke(tables, count);
        is_done.store(true, Ordering::Relaxed);
        let times = reading.join().map_err(|_| "the reader panicked".to_owned())?;
        written?;
        times
    })
}
