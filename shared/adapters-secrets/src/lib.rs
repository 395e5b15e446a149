//! Secrets in AWS Secrets Manager.

mod canary;
mod roles;

pub use canary::{CanarySecret, canary_account};
pub use roles::{SecretsOfRoles, role_secrets};

use adapters::aws;
use adapters::wiring::{Result, Wiring};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use catalog::Secret;
use futures_util::{FutureExt as _, future::BoxFuture};
use kernel::Failure;

/// A secret that the function's row declares.
pub fn secret(wiring: &Wiring, secret: &'static Secret) -> Result<SecretValue> {
    Ok(SecretValue::new(Client::new(wiring.sdk()?), wiring.secret_id(secret)?))
}

/// A secret, by name or ARN. Each read is a request: callers cache the value. Futures are boxed, so that the client is compiled here, and not in
/// each function's crate.
#[derive(Debug, Clone)]
pub struct SecretValue {
    client: Client,
    id: String,
}

impl SecretValue {
    pub fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// `None` while the secret has no value.
    pub fn read(&self) -> BoxFuture<'_, Result<Option<String>, Failure>> {
        async move {
            match self.client.get_secret_value().secret_id(&self.id).send().await {
                Ok(response) => Ok(response.secret_string),
                Err(error) => match error.as_service_error() {
                    Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                    _ => Err(aws::to_failure("secrets", &error)),
                },
            }
        }
        .boxed()
    }

    pub fn write(&self, text: String) -> BoxFuture<'_, Result<(), Failure>> {
        async move {
            let written = self.client.put_secret_value().secret_id(&self.id).secret_string(text).send().await;
            written.map(drop).map_err(|error| aws::to_failure("secrets", &error))
        }
        .boxed()
    }
}
