//! Makes a new signing key. Its predecessor stays in the key set, so that the tokens that are out stay good until they end.

use edge::direct::Invocation;
use kernel::Failure;
use ports::Tokens;
use serde::{Deserialize, Serialize};

/// Nothing needs to be said.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Rotated {
    /// Id of the new key.
    pub kid: String,
}

/// Rotates.
pub async fn handle(tokens: &impl Tokens, _call: Invocation<Rotate>) -> Result<Rotated, Failure> {
    Ok(Rotated { kid: tokens.rotate().await? })
}
