//! Invokes functions on the emulator.

use crate::settings::Settings;
use aws_credential_types::Credentials;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::SdkConfig;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Seconds that an invocation may take beyond the longest function timeout.
const GRACE_S: u64 = 15;

/// A Lambda client that runs at most one invocation of each function at a time.
pub struct Lambda {
    client: Client,
    prefix: String,
    /// One permit per function: the emulator starts a process for every concurrent invocation.
    permits: HashMap<&'static str, Semaphore>,
}

impl Lambda {
    pub fn new(settings: &Settings) -> Result<Self, String> {
        if !settings.endpoint_url.starts_with("http://") {
            return Err(
                "AWS_ENDPOINT_URL must be an http:// URL: this program works with a local emulator only".to_owned()
            );
        }
        let (id, secret) = (settings.access_key_id.clone(), settings.secret_access_key.clone());
        let longest = catalog::FUNCTIONS.iter().map(|function| function.timeout_s).max().unwrap_or_default();
        let limit = Duration::from_secs(u64::from(longest) + GRACE_S);
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(settings.endpoint_url.clone())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                id,
                secret,
                None,
                None,
                "environment",
            )))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .sleep_impl(TokioSleep::new())
            .timeout_config(TimeoutConfig::builder().operation_timeout(limit).build())
            // `partition` retries failed batches.
            .retry_config(RetryConfig::disabled())
            .build();
        let permits = catalog::FUNCTIONS.iter().map(|function| (function.name, Semaphore::new(1))).collect();
        Ok(Self { client: Client::new(&sdk), prefix: settings.function_prefix.clone(), permits })
    }

    /// Whether all event source mappings of `function` are disabled. A function of which none is deployed is not paused.
    pub async fn is_paused(&self, function: &str) -> Result<bool, String> {
        let request = self.client.list_event_source_mappings().function_name(format!("{}{function}", self.prefix));
        let response = request.send().await.map_err(|cause| DisplayErrorContext(cause).to_string())?;
        let mappings = response.event_source_mappings();
        Ok(!mappings.is_empty() && mappings.iter().all(|mapping| mapping.state() == Some("Disabled")))
    }

    /// Invokes `function` and waits for its response. Returns an error unless it succeeded.
    pub async fn invoke(&self, function: &'static str, event: &Value) -> Result<(), String> {
        let _permit = match self.permits.get(function) {
            Some(permits) => Some(permits.acquire().await.map_err(|cause| cause.to_string())?),
            None => None,
        };
        let name = format!("{}{function}", self.prefix);
        let payload = Blob::new(event.to_string());
        let response = self.client.invoke().function_name(name).payload(payload).send().await;
        let response = response.map_err(|cause| DisplayErrorContext(cause).to_string())?;
        match response.function_error() {
            None => Ok(()),
            Some(kind) => {
                let detail = response.payload().map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned());
                Err(format!("{kind}: {}", detail.unwrap_or_default()))
            }
        }
    }
}
