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
use kernel::Failure;

/// A secret that the function's row declares.
pub fn secret(wiring: &Wiring, secret: &'static Secret) -> Result<SecretValue> {
    Ok(SecretValue::new(Client::new(wiring.sdk()?), wiring.secret_id(secret)?))
}

/// A secret, by name or ARN. Each read is a request: callers cache the value.
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
    pub async fn read(&self) -> Result<Option<String>, Failure> {
        match self.client.get_secret_value().secret_id(&self.id).send().await {
            Ok(response) => Ok(response.secret_string),
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(aws::to_failure("secrets", &error)),
            },
        }
    }

    pub async fn write(&self, text: String) -> Result<(), Failure> {
        let written = self.client.put_secret_value().secret_id(&self.id).secret_string(text).send().await;
        written.map(drop).map_err(|error| aws::to_failure("secrets", &error))
    }
}
