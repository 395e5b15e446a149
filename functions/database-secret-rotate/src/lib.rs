//! Rotates the password of a database role, one step of Secrets Manager's protocol per invocation.
//!
//! The proxy logs in with the new password as soon as its version is current. Between the second step and the last, connections that the
//! proxy opens for the role fail, and it tries again. Every step may be repeated.

use edge::direct::Invocation;
use kernel::Failure;
use ports::{RolePasswords, RoleSecrets, Rotation};
use serde::{Deserialize, Serialize};

/// The event of Secrets Manager, which adds members over time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rotate {
    pub step: Step,
    /// ARN or name of the secret.
    pub secret_id: String,
    /// Id of the new version.
    pub client_request_token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    CreateSecret,
    SetSecret,
    TestSecret,
    FinishSecret,
}

#[derive(Debug, Serialize)]
pub struct Rotated {}

pub async fn handle(
    secrets: &impl RoleSecrets,
    passwords: &impl RolePasswords,
    call: Invocation<Rotate>,
) -> Result<Rotated, Failure> {
    let Rotate { step, secret_id, client_request_token } = call.input;
    let rotation = Rotation { secret: secret_id, version: client_request_token };
    match step {
        Step::CreateSecret => secrets.prepare(&rotation).await?,
        Step::SetSecret => passwords.set_password(&secrets.prepared(&rotation).await?).await?,
        // Nobody but the proxy can log in with a password, so that there is nothing to try.
        Step::TestSecret => drop(secrets.prepared(&rotation).await?),
        Step::FinishSecret => secrets.promote(&rotation).await?,
    }
    Ok(Rotated {})
}
