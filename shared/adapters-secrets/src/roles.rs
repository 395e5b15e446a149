//! The secrets of the database roles, with the versions of Secrets Manager's rotation.

use adapters::aws;
use adapters::wiring::{Result as Wired, Wiring};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::{GetSecretValueError, GetSecretValueOutput};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use catalog::Uses;
use kernel::Failure;
use ports::{RoleLogin, RoleSecrets, Rotation};
use serde::{Deserialize, Serialize};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
/// Bytes of randomness in a password.
const RANDOM_BYTES: usize = 32;

/// The secrets of all database roles.
pub fn role_secrets(wiring: &Wiring) -> Wired<SecretsOfRoles> {
    wiring.require("the secrets of the database roles", |uses| matches!(uses, Uses::RoleSecrets(_)))?;
    Ok(SecretsOfRoles::new(Client::new(wiring.sdk()?)))
}

/// The secrets of all database roles; each call names one.
#[derive(Debug, Clone)]
pub struct SecretsOfRoles {
    client: Client,
}

/// The text of a secret, as RDS Proxy expects it. Before the first rotation it has no password.
#[derive(Serialize, Deserialize)]
struct Text {
    username: String,
    #[serde(default)]
    password: String,
}

impl SecretsOfRoles {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn current(&self, rotation: &Rotation) -> Result<GetSecretValueOutput, Failure> {
        let value = self.client.get_secret_value().secret_id(&rotation.secret).version_stage(CURRENT).send().await;
        value.map_err(|error| aws::to_failure("secrets", &error))
    }

    /// `None` while the version does not exist.
    async fn version(&self, rotation: &Rotation) -> Result<Option<Text>, Failure> {
        let request = self.client.get_secret_value().secret_id(&rotation.secret).version_id(&rotation.version);
        match request.send().await {
            Ok(value) => parse(&value).map(Some),
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(aws::to_failure("secrets", &error)),
            },
        }
    }
}

fn parse(value: &GetSecretValueOutput) -> Result<Text, Failure> {
    serde_json::from_str(value.secret_string().unwrap_or_default())
        .map_err(|_| Failure::internal("the secret of a database role is not a JSON object with a username"))
}

fn random_password() -> Result<String, Failure> {
    let mut random = [0; RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::internal("no random bytes are available"))?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

impl RoleSecrets for SecretsOfRoles {
    async fn prepare(&self, rotation: &Rotation) -> Result<(), Failure> {
        if self.version(rotation).await?.is_some_and(|text| !text.password.is_empty()) {
            return Ok(());
        }
        let username = parse(&self.current(rotation).await?)?.username;
        let text =
            serde_json::to_string(&Text { username, password: random_password()? }).map_err(Failure::internal)?;
        let put = self.client.put_secret_value().secret_id(&rotation.secret).client_request_token(&rotation.version);
        let written = put.secret_string(text).version_stages(PENDING).send().await;
        written.map(drop).map_err(|error| aws::to_failure("secrets", &error))
    }

    async fn prepared(&self, rotation: &Rotation) -> Result<RoleLogin, Failure> {
        let text = self.version(rotation).await?.ok_or_else(|| Failure::not_found("secret version"))?;
        Ok(RoleLogin { role: text.username, password: text.password })
    }

    async fn promote(&self, rotation: &Rotation) -> Result<(), Failure> {
        let current = self.current(rotation).await?;
        if current.version_id() == Some(&rotation.version) {
            return Ok(());
        }
        let update = self.client.update_secret_version_stage().secret_id(&rotation.secret).version_stage(CURRENT);
        let moved =
            update.move_to_version_id(&rotation.version).set_remove_from_version_id(current.version_id).send().await;
        moved.map(drop).map_err(|error| aws::to_failure("secrets", &error))
    }
}
