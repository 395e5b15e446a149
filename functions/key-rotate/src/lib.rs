//! Adds a new signing key. The previous key stays in the key set, so that the tokens that it signed remain valid until they expire.

use edge::direct::Invocation;
use kernel::Failure;
use ports::SigningKeys;
use serde::{Deserialize, Serialize};

/// Takes no input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {}

#[derive(Debug, Serialize)]
pub struct Rotated {
    /// Id of the new key.
    pub kid: String,
}

/// Rotates the signing key.
pub async fn handle(keys: &impl SigningKeys, _call: Invocation<Rotate>) -> Result<Rotated, Failure> {
    Ok(Rotated { kid: keys.rotate().await? })
}
