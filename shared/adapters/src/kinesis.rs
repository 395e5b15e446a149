//! The stream of facts for analytics: Kinesis.

use crate::aws;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use domain::Event;
use kernel::Failure;

/// A Kinesis stream.
#[derive(Debug, Clone)]
pub struct KinesisAnalyticsStream {
    client: Client,
    stream: String,
}

impl KinesisAnalyticsStream {
    /// The stream of this name.
    pub fn new(client: Client, stream: String) -> Self {
        Self { client, stream }
    }
}

impl ports::AnalyticsStream for KinesisAnalyticsStream {
    async fn put(&self, event: &Event) -> Result<(), Failure> {
        let data = serde_json::to_vec(event).map_err(Failure::internal)?;
        self.client
            .put_record()
            .stream_name(&self.stream)
            .partition_key(&event.subject)
            .data(Blob::new(data))
            .send()
            .await
            .map(drop)
            .map_err(|error| aws::failed("analytics stream", &error))
    }
}
