//! The HTTP client for everything that is not AWS.

use crate::config::ConfigError;
use crate::tls;
use reqwest::redirect::Policy;
use std::time::Duration;

/// A client with one limit on connecting and one on the whole exchange. It connects when it is first used, follows no redirects (our
/// partners do not move, and a secret must not go where an answer points), does not try again, and uses no proxy.
pub(crate) fn client(connect: Duration, total: Duration) -> Result<reqwest::Client, ConfigError> {
    let broken = |cause: &dyn std::fmt::Display| ConfigError::new(format!("the HTTP client cannot be made: {cause}"));
    let tls = tls::client_config().map_err(|cause| broken(&cause))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect)
        .timeout(total)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("quayside/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|cause| broken(&cause))
}

/// What an exchange failed of, without the URL that it was about.
pub(crate) fn cause(error: reqwest::Error) -> String {
    let mut told = error.without_url().to_string();
    let what = if told.is_empty() { "no answer" } else { "" };
    told.push_str(what);
    told
}
