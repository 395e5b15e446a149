//! One secret in AWS Secrets Manager.

use crate::aws;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use kernel::Failure;

/// A secret, by name or ARN. It is read when it is asked for, and kept by whoever asked.
#[derive(Debug, Clone)]
pub struct SecretValue {
    client: Client,
    id: String,
}

impl SecretValue {
    /// The secret of this name or ARN.
    pub fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Its text; none while nobody has put a value in.
    pub(crate) async fn read(&self) -> Result<Option<String>, Failure> {
        match self.client.get_secret_value().secret_id(&self.id).send().await {
            Ok(answer) => Ok(answer.secret_string),
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(aws::failed("secrets", &error)),
            },
        }
    }

    /// Replaces its text.
    pub(crate) async fn write(&self, text: String) -> Result<(), Failure> {
        let answer = self.client.put_secret_value().secret_id(&self.id).secret_string(text).send().await;
        answer.map(drop).map_err(|error| aws::failed("secrets", &error))
    }
}
