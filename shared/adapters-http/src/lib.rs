//! The HTTP client for everything but AWS; the platform's own HTTP API: the product catalogue, and what customers call; and outbound webhooks.

mod product_snapshots;
mod storefront;
mod webhooks;

pub use product_snapshots::{HttpProductSnapshots, product_snapshots};
pub use storefront::{HttpStorefront, storefront};
pub use webhooks::{HttpWebhooks, webhook_sender};

use adapters::config::ConfigError;
use adapters::tls;
use reqwest::redirect::Policy;
use std::time::Duration;

/// A client with a timeout for connecting and one for the whole exchange. It connects at its first request, retries nothing, uses no
/// proxy and follows no redirect: a secret must not be sent to where a response points.
pub fn client(connect_timeout: Duration, timeout: Duration) -> Result<reqwest::Client, ConfigError> {
    client_with(connect_timeout, timeout, |builder| builder)
}

/// Such a client with further settings.
fn client_with(
    connect_timeout: Duration,
    timeout: Duration,
    settings: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, ConfigError> {
    let failed =
        |cause: &dyn std::fmt::Display| ConfigError::new(format!("the HTTP client cannot be created: {cause}"));
    let tls = tls::client_config().map_err(|cause| failed(&cause))?;
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect_timeout)
        .timeout(timeout)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("quayside/", env!("CARGO_PKG_VERSION")));
    settings(builder).build().map_err(|cause| failed(&cause))
}

/// The cause of a failed exchange, without its URL.
pub fn cause(error: reqwest::Error) -> String {
    let cause = error.without_url().to_string();
    if cause.is_empty() { "no response".to_owned() } else { cause }
}
