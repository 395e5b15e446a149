//! The Kafka cluster: its addresses, and a login over TLS. Nothing connects without both.

use crate::presign::Signer;
use adapters::config::{Config, ConfigError, KafkaAuth};
use adapters::{aws, tls};
use adapters_secrets::SecretValue;
use futures_util::FutureExt;
use kernel::Failure;
use rskafka::BackoffConfig;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::{Client, ClientBuilder, Credentials, OauthBearerCredentials, SaslConfig};
use rskafka::messenger::Messenger;
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

pub(crate) const DEPENDENCY: &str = "event log";
/// How long the client retries within one operation, for instance while a partition changes its leader.
const RETRY_DEADLINE: Duration = Duration::from_secs(3);

/// Longest response to a request.
const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// How to connect to a cluster.
#[derive(Clone)]
pub struct Cluster {
    brokers: Vec<String>,
    login: Login,
    /// The authority of the brokers' certificates in DER; `None` for the public authorities.
    authority: Option<Vec<u8>>,
}

#[derive(Clone)]
enum Login {
    Iam(Signer),
    /// Read at every connection, so that a new password is used without a new deployment.
    Scram(SecretValue),
}

/// The value of the secret, in the form that MSK demands.
#[derive(Deserialize)]
struct ScramLogin {
    username: String,
    password: String,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

impl Cluster {
    /// The cluster that the environment names. No I/O.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let login = match config.kafka_auth()? {
            KafkaAuth::Iam => Login::Iam(Signer::new(config.credentials()?, config.region()?)),
            KafkaAuth::Scram { secret } => {
                let client = aws_sdk_secretsmanager::Client::new(&aws::sdk_config(config)?);
                Login::Scram(SecretValue::new(client, secret))
            }
        };
        Ok(Self { brokers: config.kafka_brokers()?, login, authority: config.kafka_authority()? })
    }

    /// Connects to one broker and logs in. The client itself has no timeout for a broker that does not respond.
    pub async fn connect(&self) -> Result<Client, Failure> {
        let backoff = BackoffConfig { deadline: Some(RETRY_DEADLINE), ..BackoffConfig::default() };
        let builder = ClientBuilder::new(self.brokers.clone())
            .client_id(catalog::PREFIX)
            .backoff_config(backoff)
            .tls_config(Arc::new(self.tls()?))
            .sasl_config(self.sasl().await?);
        builder.build().await.map_err(|error| self.refused(&error))
    }

    /// Connects to one broker and logs in, for requests that the client has no operations for.
    pub(crate) async fn connect_to_broker(&self) -> Result<Messenger<TlsStream<TcpStream>>, Failure> {
        let mut failure = Failure::internal(format!("{DEPENDENCY}: KAFKA_BROKERS names no broker"));
        for broker in &self.brokers {
            match self.connect_to(broker).await {
                Ok(connection) => return Ok(connection),
                Err(next) => failure = next,
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, broker: &str) -> Result<Messenger<TlsStream<TcpStream>>, Failure> {
        let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host);
        let name = ServerName::try_from(host.to_owned()).map_err(Failure::internal)?;
        let connector = TlsConnector::from(Arc::new(self.tls()?));
        let connect = async { connector.connect(name, TcpStream::connect(broker).await?).await };
        let stream = connect.await.map_err(|cause| Failure::unavailable(DEPENDENCY, cause))?;
        let mut connection = Messenger::new(stream, MAX_MESSAGE_BYTES, catalog::PREFIX.into());
        connection.sync_versions().await.map_err(|cause| Failure::unavailable(DEPENDENCY, cause))?;
        let login = connection.do_sasl(self.sasl().await?).await;
        login.map_err(|cause| Failure::unavailable(DEPENDENCY, cause))?;
        Ok(connection)
    }

    fn tls(&self) -> Result<ClientConfig, Failure> {
        let config = match &self.authority {
            Some(certificate) => tls::client_config_for(certificate.clone()),
            None => tls::client_config(),
        };
        config.map_err(|error| Failure::internal(format!("{DEPENDENCY}: {error}")))
    }

    async fn sasl(&self) -> Result<SaslConfig, Failure> {
        match &self.login {
            Login::Iam(signer) => Ok(bearer(signer.clone())),
            Login::Scram(secret) => {
                let ScramLogin { username, password } = parse(secret.read().await?.as_deref())?;
                Ok(SaslConfig::ScramSha512(Credentials::new(username, password)))
            }
        }
    }

    /// The failure of a connection. A login that the cluster rejects is named as such: the client reports it as one of many retries.
    fn refused(&self, error: &Error) -> Failure {
        let text = error.to_string();
        if !text.contains(&ProtocolError::SaslAuthenticationFailed.to_string()) {
            return Failure::unavailable(DEPENDENCY, text);
        }
        // Retried, because a secret with the right login repairs it.
        Failure::unavailable(
            DEPENDENCY,
            match &self.login {
                Login::Iam(_) => {
                    "the cluster rejects the function's IAM role: its policy must allow kafka-cluster:Connect"
                }
                Login::Scram(_) => {
                    "the cluster rejects the login: the secret KAFKA_LOGIN_SECRET has a wrong username or password"
                }
            },
        )
    }
}

fn parse(secret: Option<&str>) -> Result<ScramLogin, Failure> {
    let text = secret.ok_or_else(|| Failure::internal("the secret KAFKA_LOGIN_SECRET has no value"))?;
    // The cause is left out: it may cite the secret.
    serde_json::from_str(text)
        .map_err(|_| Failure::internal("the secret KAFKA_LOGIN_SECRET is not JSON with username and password"))
}

fn bearer(signer: Signer) -> SaslConfig {
    let callback = Arc::new(move || {
        let token = signer.kafka_token().map_err(Into::into);
        async { token }.boxed()
    });
    SaslConfig::Oauthbearer(OauthBearerCredentials { callback, authz_id: None, bearer_kvs: vec![] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_without_a_login_is_named_and_not_cited() {
        for secret in [None, Some(""), Some("hunter2"), Some(r#"{"username":"hunter2"}"#)] {
            let failure = parse(secret).map(|_| ()).unwrap_err().to_string();
            assert!(failure.contains("KAFKA_LOGIN_SECRET") && !failure.contains("hunter2"), "{failure}");
        }
        assert_eq!(parse(Some(r#"{"username":"u","password":"p"}"#)).unwrap().username, "u");
    }
}
