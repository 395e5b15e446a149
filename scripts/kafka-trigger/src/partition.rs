//! Polls one partition for one function.

use crate::lambda::Lambda;
use crate::offsets::Offsets;
use crate::settings::Settings;
use crate::{event, log};
use adapters_kafka::Cluster;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::record::RecordAndOffset;
use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time to wait for more records after the first one. The windows of the catalog, of minutes, are those on AWS.
const WINDOW: Duration = Duration::from_secs(1);
/// Bytes of one fetch. A batch in base64 stays well below the 6 MB limit of an invocation.
const FETCH: std::ops::Range<i32> = 1..1_000_000;
/// Longest time that the broker waits for records (long polling).
const LONG_POLL: Duration = Duration::from_secs(5);
/// Timeout of one request; the client has none.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Backoff between deliveries of a failed batch, and between attempts to reach Kafka.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// What all pollers share.
pub struct Shared {
    pub settings: Settings,
    pub cluster: Cluster,
    pub lambda: Lambda,
    pub offsets: Offsets,
}

/// One partition of a topic and the function that it triggers.
pub struct Mapping {
    pub function: &'static str,
    pub topic: &'static str,
    pub partition: i32,
    /// Maximum number of records in a batch.
    pub batch: usize,
}

impl Mapping {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.function, self.topic, self.partition)
    }
}

/// Delivers all present and future records of the partition. Reconnects when Kafka fails.
pub async fn poll_forever(shared: Arc<Shared>, mapping: Mapping) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let began = Instant::now();
        let Err(cause) = poll(&shared, &mapping).await;
        // After a period without errors, start with a short backoff again.
        if began.elapsed() > MAX_BACKOFF {
            backoff = FIRST_BACKOFF;
        }
        log(&format!("{}: {cause}; retrying in {} ms", mapping.name(), backoff.as_millis()));
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

async fn poll(shared: &Shared, mapping: &Mapping) -> Result<Infallible, String> {
    let client = with_timeout(shared.cluster.connect()).await?;
    let partition = client.partition_client(mapping.topic, mapping.partition, UnknownTopicHandling::Error);
    let partition = with_timeout(partition).await?;
    let mut next = match shared.offsets.next(&mapping.name()) {
        Some(next) => next,
        None => with_timeout(partition.get_offset(OffsetAt::Earliest)).await?,
    };
    loop {
        let Some(batch) = collect(&partition, next, mapping.batch).await? else {
            // Retention deleted the offset, or the topic was created again.
            let earliest = with_timeout(partition.get_offset(OffsetAt::Earliest)).await?;
            log(&format!("{}: offset {next} is out of range, continuing from {earliest}", mapping.name()));
            next = earliest;
            continue;
        };
        let Some(last) = batch.last() else { continue };
        next = last.offset + 1;
        deliver(shared, mapping, &batch).await;
        let committed = shared.offsets.commit(&mapping.name(), next);
        committed.map_err(|cause| format!("offsets cannot be stored: {cause}"))?;
    }
}

/// Fetches records from `next` on, until a batch is full or `WINDOW` is over. Returns `None` if `next` is out of range, and an empty
/// batch if there are no records.
async fn collect(partition: &PartitionClient, next: i64, size: usize) -> Result<Option<Vec<RecordAndOffset>>, String> {
    let mut batch: Vec<RecordAndOffset> = Vec::new();
    let mut closes_at = None;
    while batch.len() < size {
        let wait = match closes_at {
            None => LONG_POLL,
            Some(closes_at) => Instant::saturating_duration_since(&closes_at, Instant::now()),
        };
        if closes_at.is_some() && wait.is_zero() {
            break;
        }
        let from = batch.last().map_or(next, |last| last.offset + 1);
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let records = match tokio::time::timeout(TIMEOUT, partition.fetch_records(from, FETCH, wait_ms)).await {
            Ok(Ok((records, _))) => records,
            Ok(Err(Error::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. })) => return Ok(None),
            Ok(Err(cause)) => return Err(cause.to_string()),
            Err(_) => return Err("Kafka does not respond".to_owned()),
        };
        if records.is_empty() && closes_at.is_none() {
            break;
        }
        closes_at.get_or_insert(Instant::now() + WINDOW);
        batch.extend(records);
    }
    // Surplus records are fetched again for the next batch.
    batch.truncate(size);
    Ok(Some(batch))
}

/// Invokes the function with `batch` until it succeeds, as soon as it is not paused. A batch is never skipped.
async fn deliver(shared: &Shared, mapping: &Mapping, batch: &[RecordAndOffset]) {
    let Settings { brokers, region, function_prefix, .. } = &shared.settings;
    let cluster = function_prefix.trim_end_matches('-');
    let source = format!("arn:aws:kafka:{region}:000000000000:cluster/{cluster}/local");
    let event = event::invocation(&source, brokers, mapping.topic, mapping.partition, batch);
    let mut backoff = FIRST_BACKOFF;
    loop {
        let attempt = match shared.lambda.is_paused(mapping.function).await {
            Ok(true) => {
                tokio::time::sleep(WINDOW).await;
                continue;
            }
            Ok(false) => shared.lambda.invoke(mapping.function, &event).await,
            Err(cause) => Err(cause),
        };
        let Err(cause) = attempt else { return };
        log(&format!(
            "{}: a batch of {} records failed, retrying in {} ms: {cause}",
            mapping.name(),
            batch.len(),
            backoff.as_millis()
        ));
        tokio::time::sleep(backoff).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

async fn with_timeout<T>(work: impl Future<Output = Result<T, impl Display>>) -> Result<T, String> {
    match tokio::time::timeout(TIMEOUT, work).await {
        Ok(result) => result.map_err(|cause| cause.to_string()),
        Err(_) => Err("Kafka does not respond".to_owned()),
    }
}
