//! One partition, followed for one function.

use crate::lambda::Lambda;
use crate::offsets::Offsets;
use crate::settings::Settings;
use crate::{event, say, topics};
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::record::RecordAndOffset;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A batch is full with so many records, or after so long.
const BATCH: usize = 100;
const WINDOW: Duration = Duration::from_secs(1);
/// Bytes of one fetch: what a batch has in base64 stays well below the six megabytes that an invocation takes.
const FETCH: std::ops::Range<i32> = 1..1_000_000;
/// How long the broker holds a request back while there is nothing.
const HOLD: Duration = Duration::from_secs(5);
/// On one exchange; the client itself sets none.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two deliveries of a batch that failed, and between two tries to reach Kafka.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What all followers use.
pub struct Shared {
    pub settings: Settings,
    pub lambda: Lambda,
    pub offsets: Offsets,
}

/// One function's place in one partition.
pub struct Mapping {
    pub function: &'static str,
    pub topic: &'static str,
    pub partition: i32,
}

impl Mapping {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.function, self.topic, self.partition)
    }
}

/// Delivers what is in the partition and what comes, whatever happens to Kafka in between.
pub async fn follow_for_ever(shared: Arc<Shared>, mapping: Mapping) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let Err(cause) = follow(&shared, &mapping).await;
        // What worked for a while has earned itself a quick second try.
        if began.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        say(&format!("{}: {cause}; once more in {} ms", mapping.name(), pause.as_millis()));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn follow(shared: &Shared, mapping: &Mapping) -> Result<Infallible, String> {
    let client = limited(topics::connect(&shared.settings.brokers)).await?;
    let partition = client.partition_client(mapping.topic, mapping.partition, UnknownTopicHandling::Error);
    let partition = limited(partition).await?;
    let mut next = match shared.offsets.next(&mapping.name()) {
        Some(next) => next,
        None => limited(partition.get_offset(OffsetAt::Earliest)).await?,
    };
    loop {
        let Some(batch) = collect(&partition, next).await? else {
            // The log was cut, or is another one than it was.
            let earliest = limited(partition.get_offset(OffsetAt::Earliest)).await?;
            say(&format!("{}: there is no offset {next}, going on from {earliest}", mapping.name()));
            next = earliest;
            continue;
        };
        let Some(last) = batch.last() else { continue };
        next = last.offset + 1;
        deliver(shared, mapping, &batch).await;
        let committed = shared.offsets.commit(&mapping.name(), next);
        committed.map_err(|cause| format!("offsets cannot be kept: {cause}"))?;
    }
}

/// What comes from `next` on, until a batch is full or its time is over; nothing when nothing comes; `None` where there is no such
/// offset.
async fn collect(partition: &PartitionClient, next: i64) -> Result<Option<Vec<RecordAndOffset>>, String> {
    let mut batch: Vec<RecordAndOffset> = Vec::new();
    let mut full_at = None;
    while batch.len() < BATCH {
        let hold = match full_at {
            None => HOLD,
            Some(full_at) => Instant::saturating_duration_since(&full_at, Instant::now()),
        };
        if full_at.is_some() && hold.is_zero() {
            break;
        }
        let from = batch.last().map_or(next, |last| last.offset + 1);
        let hold = i32::try_from(hold.as_millis()).unwrap_or(i32::MAX);
        let records = match tokio::time::timeout(LIMIT, partition.fetch_records(from, FETCH, hold)).await {
            Ok(Ok((records, _))) => records,
            Ok(Err(Error::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. })) => return Ok(None),
            Ok(Err(cause)) => return Err(cause.to_string()),
            Err(_) => return Err("Kafka does not answer".to_owned()),
        };
        if records.is_empty() && full_at.is_none() {
            break;
        }
        full_at.get_or_insert(Instant::now() + WINDOW);
        batch.extend(records);
    }
    // What is too much for this batch is fetched again for the next one.
    batch.truncate(BATCH);
    Ok(Some(batch))
}

/// Invokes the function with `batch` until it succeeds. Skipping a batch would be losing it.
async fn deliver(shared: &Shared, mapping: &Mapping, batch: &[RecordAndOffset]) {
    let Settings { brokers, region, function_prefix, .. } = &shared.settings;
    let cluster = function_prefix.trim_end_matches('-');
    let source = format!("arn:aws:kafka:{region}:000000000000:cluster/{cluster}/local");
    let event = event::of(&source, brokers, mapping.topic, mapping.partition, batch);
    let mut pause = FIRST_PAUSE;
    while let Err(cause) = shared.lambda.invoke(mapping.function, &event).await {
        say(&format!(
            "{}: {} records failed, once more in {} ms: {cause}",
            mapping.name(),
            batch.len(),
            pause.as_millis()
        ));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn limited<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(LIMIT, work).await {
        Ok(done) => done.map_err(|cause| cause.to_string()),
        Err(_) => Err("Kafka does not answer".to_owned()),
    }
}
