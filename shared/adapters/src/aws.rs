//! What all AWS clients share: region, credentials, endpoint, one HTTP client, time limits and retries.
//!
//! The configuration is built by hand. The SDK's default chain would look for profiles, files and metadata services, none of
//! which a Lambda function has, and pay for it at every cold start.

use crate::config::{Config, ConfigError};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, SharedHttpClient, StalledStreamProtectionConfig};
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;
use aws_types::region::Region;
use kernel::Failure;
use std::error::Error;
use std::time::Duration;

/// Every AWS endpoint chains to one of these five. Reading the system's hundred and forty costs milliseconds.
const AMAZON_ROOTS: &[u8] = include_bytes!("certs/amazon-trust-services.pem");

/// Attempts at one call: the first and two more. Nobody above the SDK retries a call within an invocation.
const ATTEMPTS: u32 = 3;
const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPT: Duration = Duration::from_secs(3);
const OPERATION: Duration = Duration::from_secs(5);

/// The configuration of every AWS client of this process. No I/O: connections are made when a call needs one.
pub fn sdk(config: &Config) -> Result<SdkConfig, ConfigError> {
    let given = config.credentials()?;
    let credentials =
        Credentials::new(given.access_key_id, given.secret_access_key, given.session_token, None, "environment");
    let endpoint = config.endpoint_url()?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(config.region()?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(endpoint.as_deref())?)
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .timeout_config(timeouts)
        .retry_config(
            RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(Duration::from_millis(50)),
        )
        // Answers are small, and the limit on the whole operation covers what this would.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    sdk.set_endpoint_url(endpoint);
    Ok(sdk.build())
}

/// A client for S3. Emulators do not serve a bucket under a host name of its own, so there its name goes into the path.
pub(crate) fn s3(config: &Config, sdk: &SdkConfig) -> Result<aws_sdk_s3::Client, ConfigError> {
    let emulated = config.endpoint_url()?.is_some();
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(emulated).build();
    Ok(aws_sdk_s3::Client::from_conf(config))
}

fn http_client(endpoint: Option<&str>) -> Result<SharedHttpClient, ConfigError> {
    // An emulator behind TLS has a certificate that only the system's store may know.
    let foreign = endpoint.is_some_and(|endpoint| endpoint.starts_with("https://"));
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS).with_native_roots(foreign);
    let tls = TlsContext::builder().with_trust_store(roots).build();
    let tls = tls.map_err(|cause| ConfigError::new(format!("TLS for AWS: {cause}")))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https())
}

/// What a failed call to `part` means: refusals are defects of ours (a missing permission, a bad request), and everything that may
/// pass by itself is `Unavailable`.
pub(crate) fn failed<E>(part: &'static str, error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            refused(part, answer.raw().status().as_u16(), answer.err().code(), answer.err().message())
        }
        SdkError::ConstructionFailure(_) => Failure::internal(format!("{part}: {}", DisplayErrorContext(error))),
        _ => Failure::unavailable(part, DisplayErrorContext(error)),
    }
}

/// The same for an error code that came with an answer.
pub(crate) fn refused(part: &'static str, status: u16, code: Option<&str>, message: Option<&str>) -> Failure {
    let code = code.unwrap_or("no code");
    let throttled = ["Throttl", "Throughput", "TooManyRequests", "RequestLimit", "SlowDown", "LimitExceeded"];
    let may_pass = status >= 500 || status == 429 || throttled.iter().any(|word| code.contains(word));
    let cause = format!("{code} ({status}): {}", message.unwrap_or("no message"));
    match may_pass {
        true => Failure::unavailable(part, cause),
        false => Failure::internal(format!("{part}: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FailureKind;

    fn config() -> Config {
        Config::from_vars([("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")])
    }

    #[test]
    fn the_roots_that_are_compiled_in_can_be_read() {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let roots: Vec<_> = CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect::<Result<_, _>>().unwrap();
        assert_eq!(roots.len(), 5);
        let sdk = sdk(&config()).unwrap();
        assert_eq!(sdk.region().map(AsRef::as_ref), Some("eu-west-1"));
        // Building a client makes the connector, which reads the roots.
        drop(aws_sdk_sqs::Client::new(&sdk));
    }

    #[test]
    fn throttling_and_faults_of_the_service_may_pass_and_refusals_do_not() {
        assert_eq!(refused("queue", 400, Some("ThrottlingException"), None).kind, FailureKind::Unavailable);
        assert_eq!(refused("queue", 503, None, None).kind, FailureKind::Unavailable);
        assert_eq!(refused("queue", 403, Some("AccessDeniedException"), None).kind, FailureKind::Internal);
    }
}
