//! The stream of analytics records on Kinesis.

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use domain::window::StreamRecord;
use kernel::Failure;

pub fn analytics_stream(wiring: &Wiring) -> Result<KinesisAnalyticsStream> {
    let stream = wiring.stream_name(&catalog::ANALYTICS)?;
    Ok(KinesisAnalyticsStream::new(Client::new(wiring.sdk()?), stream))
}

#[derive(Debug, Clone)]
pub struct KinesisAnalyticsStream {
    client: Client,
    stream: String,
}

impl KinesisAnalyticsStream {
    pub fn new(client: Client, stream: String) -> Self {
        Self { client, stream }
    }
}

impl ports::AnalyticsStream for KinesisAnalyticsStream {
    async fn put(&self, record: &StreamRecord) -> Result<(), Failure> {
        let data = serde_json::to_vec(record).map_err(Failure::internal)?;
        self.client
            .put_record()
            .stream_name(&self.stream)
            .partition_key(&record.subject)
            .data(Blob::new(data))
            .send()
            .await
            .map(drop)
            .map_err(|error| aws::to_failure("analytics stream", &error))
    }
}
