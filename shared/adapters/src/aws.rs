//! The configuration that all AWS clients share (region, credentials, endpoint, one HTTP client, timeouts and retries), and what their
//! errors mean.
//!
//! The configuration is built by hand: the SDK's default chain looks for profiles, files and metadata services, which no Lambda
//! function has, and spends time on that at every cold start.

use crate::config::{Config, ConfigError};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use kernel::Failure;
use std::error::Error;
use std::time::Duration;

/// The five roots that every AWS endpoint chains to. Parsing the system's store of about 140 takes milliseconds.
const AMAZON_ROOTS: &[u8] = include_bytes!("certs/amazon-trust-services.pem");

/// Attempts at one call, the first included. Nothing above the SDK retries within an invocation.
const MAX_ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// The configuration of every AWS client of this process. No I/O: clients connect at their first call.
pub fn sdk_config(config: &Config) -> Result<SdkConfig, ConfigError> {
    let given = config.credentials()?;
    let credentials =
        Credentials::new(given.access_key_id, given.secret_access_key, given.session_token, None, "environment");
    let endpoint = config.endpoint_url()?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
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
            RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS).with_initial_backoff(Duration::from_millis(50)),
        )
        // Responses are small, and the timeout of the whole operation covers a stalled one.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    sdk.set_endpoint_url(endpoint);
    Ok(sdk.build())
}

fn http_client(endpoint: Option<&str>) -> Result<SharedHttpClient, ConfigError> {
    // The certificate of an emulator behind TLS may chain to a root of the system's store only.
    let needs_system_roots = endpoint.is_some_and(|endpoint| endpoint.starts_with("https://"));
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS).with_native_roots(needs_system_roots);
    let tls = TlsContext::builder().with_trust_store(roots).build();
    let tls = tls.map_err(|cause| ConfigError::new(format!("TLS for AWS clients cannot be configured: {cause}")))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build_https())
}

/// Classifies the error of a call to `dependency`: throttling, server errors and errors without a response are `Unavailable`, everything
/// else (a missing permission, an invalid request) is `Internal`.
pub fn to_failure<E>(dependency: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(response) => service_failure(
            dependency,
            response.raw().status().as_u16(),
            response.err().code(),
            response.err().message(),
        ),
        SdkError::ConstructionFailure(_) => Failure::internal(format!("{dependency}: {}", DisplayErrorContext(error))),
        _ => Failure::unavailable(dependency, DisplayErrorContext(error)),
    }
}

/// Classifies an error response like [`to_failure`].
pub fn service_failure(dependency: &'static str, status: u16, code: Option<&str>, message: Option<&str>) -> Failure {
    let code = code.unwrap_or("no code");
    let throttled = ["Throttl", "Throughput", "TooManyRequests", "RequestLimit", "SlowDown", "LimitExceeded"];
    let is_transient = status >= 500 || status == 429 || throttled.iter().any(|word| code.contains(word));
    let cause = format!("{code} ({status}): {}", message.unwrap_or("no message"));
    match is_transient {
        true => Failure::unavailable(dependency, cause),
        false => Failure::internal(format!("{dependency}: {cause}")),
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
    fn compiled_in_root_certificates_are_valid() {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let roots: Vec<_> = CertificateDer::pem_slice_iter(AMAZON_ROOTS).collect::<Result<_, _>>().unwrap();
        assert_eq!(roots.len(), 5);
        let sdk = sdk_config(&config()).unwrap();
        assert_eq!(sdk.region().map(AsRef::as_ref), Some("eu-west-1"));
    }

    #[test]
    fn throttling_and_server_errors_are_unavailable_and_rejections_internal() {
        assert_eq!(service_failure("queue", 400, Some("ThrottlingException"), None).kind, FailureKind::Unavailable);
        assert_eq!(service_failure("queue", 503, None, None).kind, FailureKind::Unavailable);
        assert_eq!(service_failure("queue", 403, Some("AccessDeniedException"), None).kind, FailureKind::Internal);
    }
}
