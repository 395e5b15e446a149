//! Outbound webhooks in the form of Standard Webhooks (<https://www.standardwebhooks.com>), sent to public addresses only.

use adapters::config::ConfigError;
use adapters::wiring::{Result, Wiring};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::webhook::{SendError, WebhookTargets, is_public};
use ports::WebhookMessage;
use reqwest::{
    Client, ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// From connecting to the head of the response. A receiver is to store a message and respond, not to process it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends webhooks to where the environment allows.
pub fn webhook_sender(wiring: &Wiring) -> Result<HttpWebhooks> {
    HttpWebhooks::new(wiring.webhook_targets()?)
}

#[derive(Debug, Clone)]
pub struct HttpWebhooks {
    targets: WebhookTargets,
    guarded: Client,
    /// Without a guard, for the local receiver; `None` if the environment has none.
    local: Option<Client>,
}

impl HttpWebhooks {
    pub fn new(targets: WebhookTargets) -> Result<Self, ConfigError> {
        Self::with_resolver(targets, PublicAddresses { resolve: SystemNames })
    }

    fn with_resolver<R: Lookup>(targets: WebhookTargets, resolver: PublicAddresses<R>) -> Result<Self, ConfigError> {
        let build = |change: &dyn Fn(ClientBuilder) -> ClientBuilder| {
            crate::client_with(CONNECT_TIMEOUT, TIMEOUT, |builder| change(builder).pool_max_idle_per_host(0))
        };
        let resolver = Arc::new(resolver);
        let guarded = build(&|builder| builder.https_only(true).dns_resolver(Arc::clone(&resolver)))?;
        let local = targets.local_origin.as_ref().map(|_| build(&|builder| builder)).transpose()?;
        Ok(Self { targets, guarded, local })
    }
}

impl ports::WebhookSender for HttpWebhooks {
    async fn send_webhook(&self, message: &WebhookMessage<'_>) -> Result<u16, SendError> {
        // Again, since the rules may be stricter than when the URL was stored; and a host that is an address is not resolved.
        self.targets.check(message.url).map_err(|_| SendError::AddressRefused)?;
        let client = match &self.local {
            Some(local) if self.targets.is_local(message.url) => local,
            _ => &self.guarded,
        };
        let request = client
            .post(message.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.timestamp.as_second())
            .header("webhook-signature", signatures(message))
            .body(message.body.to_owned());
        // The body of the response is not read: dropping it closes the connection.
        let response = request.send().await.map_err(|error| undelivered(&error))?;
        Ok(response.status().as_u16())
    }
}

/// One signature for each secret, separated by spaces.
fn signatures(message: &WebhookMessage<'_>) -> String {
    let signed = format!("{}.{}.{}", message.id, message.timestamp.as_second(), message.body);
    let sign = |secret: &Vec<u8>| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    };
    message.secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

fn undelivered(error: &reqwest::Error) -> SendError {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    if causes.any(|cause| cause.is::<Refused>()) {
        SendError::AddressRefused
    } else if error.is_timeout() {
        SendError::TimedOut
    } else {
        SendError::ConnectionFailed
    }
}

/// A name has an address that is not on the public internet.
#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an address of the host is not on the public internet")
    }
}

impl std::error::Error for Refused {}

/// Where names are looked up.
trait Lookup: Clone + Send + Sync + 'static {
    fn lookup(&self, name: String) -> impl Future<Output = std::io::Result<Vec<SocketAddr>>> + Send;
}

#[derive(Debug, Clone, Copy)]
struct SystemNames;

impl Lookup for SystemNames {
    async fn lookup(&self, name: String) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
    }
}

/// Resolves names of which all addresses are public. The client connects to the addresses that were checked and resolves nothing again.
#[derive(Debug, Clone)]
struct PublicAddresses<R> {
    resolve: R,
}

impl<R: Lookup> Resolve for PublicAddresses<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.resolve.clone();
        Box::pin(async move {
            let found = names.lookup(name.as_str().to_owned()).await?;
            if !found.iter().all(|address| is_public(address.ip())) {
                return Err(Box::new(Refused) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
